//! `word=value word='value'`: the plain form of a connection string, as `conninfo_parse` of libpq reads it.

use std::iter::Peekable;
use std::str::Chars;

use super::error::ConninfoError;
use super::uri;
use super::words::{self, Words};

/// Whether a database name is really a connection string, by libpq's test.
pub(super) fn is_connection_string(text: &str) -> bool {
    uri::is_uri(text) || text.contains('=')
}

/// Reads either form.
pub(super) fn connection_string(text: &str) -> Result<Words, ConninfoError> {
    if uri::is_uri(text) { uri::parse(text) } else { plain(text) }
}

fn plain(text: &str) -> Result<Words, ConninfoError> {
    let mut words = Words::default();
    let mut rest = text.chars().peekable();
    let mut after_bare_password = false;
    loop {
        skip_spaces(&mut rest);
        if rest.peek().is_none() {
            return Ok(words);
        }
        let word = word(&mut rest)?;
        // A password with a space in it and no quotes spills into the next word, which must then not be repeated.
        if after_bare_password && words::known(&word).is_none() && !words::recognised(&word) {
            return Err(ConninfoError::UnreadableWord);
        }
        skip_spaces(&mut rest);
        let quoted = rest.next_if_eq(&'\'').is_some();
        let value = if quoted { quoted_value(&mut rest)? } else { bare_value(&mut rest) };
        words.set(&word, value)?;
        after_bare_password = word == "password" && !quoted;
    }
}

fn word(rest: &mut Peekable<Chars<'_>>) -> Result<String, ConninfoError> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| *c != '=' && !is_space(*c)) {
        word.push(c);
    }
    skip_spaces(rest);
    rest.next_if_eq(&'=').map(|_| word).ok_or(ConninfoError::MissingEquals)
}

fn bare_value(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next_if(|c| !is_space(*c)) {
        value.extend(if c == '\\' { rest.next() } else { Some(c) });
    }
    value
}

fn quoted_value(rest: &mut Peekable<Chars<'_>>) -> Result<String, ConninfoError> {
    let mut value = String::new();
    loop {
        match rest.next().ok_or(ConninfoError::OpenQuote)? {
            '\'' => return Ok(value),
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
}

fn skip_spaces(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| is_space(*c)).is_some() {}
}

/// C's `isspace` in the C locale: Rust's differs (no vertical tab, but Unicode spaces).
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
