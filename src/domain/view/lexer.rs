//! The tokens of a query as `pg_get_viewdef` writes it: what is in brackets stays whole until it is looked into.

/// What ends the list after SELECT, and the FROM clause after it.
const CLAUSES: [&str; 11] =
    ["FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", ";"];

/// What combines queries.
pub(super) const SET_OPERATIONS: [&str; 3] = ["UNION", "INTERSECT", "EXCEPT"];

/// What stands before the next clause, and that clause with all after it.
pub(super) fn clause<'a, 'b>(tokens: &'a [&'b str]) -> (&'a [&'b str], &'a [&'b str]) {
    tokens.split_at(tokens.iter().position(|t| CLAUSES.contains(t)).unwrap_or(tokens.len()))
}

/// What is inside a bracketed token.
pub(super) fn inside<'a>(token: &&'a str) -> Option<&'a str> {
    token.strip_prefix('(')?.strip_suffix(')')
}

/// A name without its quotes.
pub(super) fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|n| n.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_string(),
    }
}

/// The words, names, strings, bracketed parts (whole) and other characters of a query.
pub(super) fn tokens(query: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (token, tail) = rest.split_at(length(rest));
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens
}

/// The length of the token that a text begins with.
fn length(text: &str) -> usize {
    let is_word = |c: char| c == '_' || c == '$' || c.is_alphanumeric();
    let mut chars = text.char_indices();
    match chars.next() {
        Some((_, 'E')) if text.starts_with("E'") => 1 + quoted(&text[1..], '\'', true),
        Some((_, quote @ ('\'' | '"'))) => quoted(text, quote, false),
        Some((_, '(' | '[')) => bracketed(text),
        Some((_, c)) if is_word(c) => chars.find(|(_, c)| !is_word(*c)).map_or(text.len(), |(end, _)| end),
        Some((_, c)) => c.len_utf8(),
        None => 0,
    }
}

/// The length of a quoted text; a doubled quote stands for itself.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' if has_escapes => drop(chars.next()),
            c if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() => return place + 1,
            _ => {}
        }
    }
    text.len()
}

fn bracketed(text: &str) -> usize {
    let mut place = 1;
    while let Some(c) = text[place..].chars().next() {
        match c {
            ')' | ']' => return place + 1,
            c if c.is_whitespace() => place += c.len_utf8(),
            _ => place += length(&text[place..]),
        }
    }
    text.len()
}
