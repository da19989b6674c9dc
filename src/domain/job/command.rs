//! What a job's command refreshes, read from its text as far as that takes.

use std::collections::BTreeMap;

use crate::domain::view::ViewName;

/// Does this command refresh the view?
pub fn command_refreshes(command: &str, view: &ViewName) -> bool {
    refreshed_views(command, &Homes::new()).any(|name| name == *view)
}

/// In which schema a view is that is the only one of its bare name.
pub type Homes = BTreeMap<String, String>;

/// The views a command refreshes. An unqualified name is the only view of that name; else one in `public`, the schema that
/// a session without settings of its own finds.
pub(super) fn refreshed_views(command: &str, homes: &Homes) -> impl Iterator<Item = ViewName> {
    let home = |name: &String| homes.get(name).cloned().unwrap_or_else(|| "public".into());
    let qualified = move |(schema, name): (Option<String>, String)| ViewName {
        schema: schema.unwrap_or_else(|| home(&name)),
        name,
    };
    refreshed_names(command).into_iter().map(qualified)
}

/// The names a command refreshes: each `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name` in it, but for those it empties.
pub(super) fn refreshed_names(command: &str) -> Vec<(Option<String>, String)> {
    let words = tokens(command);
    let is = |i: usize, word: &str| matches!(words.get(i), Some(Token::Word(w)) if w == word);
    (0..words.len())
        .filter(|&i| is(i, "refresh") && is(i + 1, "materialized") && is(i + 2, "view"))
        .filter_map(|i| {
            let at = if is(i + 3, "concurrently") { i + 4 } else { i + 3 };
            let first = words.get(at)?.identifier()?;
            let (name, end) = match (words.get(at + 1), words.get(at + 2)) {
                (Some(Token::Dot), Some(second)) => ((Some(first), second.identifier()?), at + 3),
                _ => ((None, first), at + 1),
            };
            let empties = is(end, "with") && is(end + 1, "no") && is(end + 2, "data");
            (!empties).then_some(name)
        })
        .collect()
}

enum Token {
    Word(String),
    Quoted(String),
    Dot,
    Other,
}

impl Token {
    fn identifier(&self) -> Option<String> {
        match self {
            Token::Word(name) | Token::Quoted(name) => Some(name.clone()),
            _ => None,
        }
    }
}

/// SQL's words as far as a REFRESH needs them: unquoted words folded to lower case, quoted ones as they are,
/// comments and string literals passed over.
fn tokens(sql: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (None, rest.find("*/").map_or(rest.len(), |end| end + 2)),
            '"' => quoted(rest, '"'),
            '\'' => (Some(Token::Other), quoted(rest, '\'').1),
            '.' => (Some(Token::Dot), 1),
            c if c.is_alphabetic() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
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

/// A quoted text at the start of `rest`, doubled quotes undone, and its length with the quotes.
fn quoted(rest: &str, quote: char) -> (Option<Token>, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.next_if(|&(_, next)| next == quote).is_some() {
            text.push(quote);
        } else {
            return (Some(Token::Quoted(text)), i + 1);
        }
    }
    (Some(Token::Quoted(text)), rest.len())
}
