//! SQL's words, as far as finding out what a command refreshes needs them.

/// A word of a command. Comments are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An unquoted word, folded to lower case.
    Word(String),
    /// A quoted identifier, as it is.
    Quoted(String),
    /// A string literal, its quotes undone: it runs nothing by itself.
    Text(String),
    Dot,
    /// What ends a statement.
    End,
    /// `(`
    Open,
    Other,
}

impl Token {
    pub(super) fn identifier(&self) -> Option<&str> {
        match self {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(w) if w == word)
    }
}

/// The words of a command.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (None, comment(rest)),
            '"' => some(quoted(rest, '"', false), Token::Quoted),
            '\'' => some(quoted(rest, '\'', false), Token::Text),
            'e' | 'E' if rest[1..].starts_with('\'') => {
                let (text, length) = quoted(&rest[1..], '\'', true);
                (Some(Token::Text(text)), length + 1)
            }
            '$' => match dollar_quoted(rest) {
                Some((text, length)) => (Some(Token::Text(text)), length),
                None => (Some(Token::Other), 1),
            },
            '.' => (Some(Token::Dot), 1),
            ';' => (Some(Token::End), 1),
            '(' => (Some(Token::Open), 1),
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                (Some(Token::Word(rest[..end].to_lowercase())), end)
            }
            c if c.is_whitespace() => (None, c.len_utf8()),
            c => (Some(Token::Other), c.len_utf8()),
        };
        out.extend(token);
        rest = &rest[length..];
    }
    out
}

fn some((text, length): (String, usize), token: fn(String) -> Token) -> (Option<Token>, usize) {
    (Some(token(text)), length)
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of a comment; one may hold others.
fn comment(text: &str) -> usize {
    let (mut place, mut depth) = (2, 1);
    while depth > 0 {
        let Some(next) = text[place..].find(['*', '/']).map(|at| place + at) else { return text.len() };
        place = next + 2;
        match text.get(next..place) {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => place = next + 1,
        }
    }
    place
}

/// A quoted text at the start of `rest`, doubled quotes undone, and its length with the quotes.
fn quoted(rest: &str, quote: char, has_escapes: bool) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' if has_escapes => text.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c != quote => text.push(c),
            _ if chars.next_if(|&(_, next)| next == quote).is_some() => text.push(quote),
            _ => return (text, i + 1),
        }
    }
    (text, rest.len())
}

/// A text between two `$tag$`, and its length with them; `None`: it is none, as in `$1`.
fn dollar_quoted(rest: &str) -> Option<(String, usize)> {
    let end = 1 + rest[1..].find('$')?;
    let (tag, body) = rest.split_at(end + 1);
    let name = &tag[1..end];
    let is_tag = name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit());
    let length = body.find(tag);
    let text = &body[..length.unwrap_or(body.len())];
    is_tag.then(|| (text.to_string(), length.map_or(rest.len(), |length| end + 1 + length + tag.len())))
}
