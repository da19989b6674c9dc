//! `postgresql://user:password@host:port,host:port/dbname?word=value`, as `conninfo_uri_parse` of libpq reads it.
//!
//! Stricter than libpq in one thing: an `@` that is left over in the host or database part is refused, because it is
//! nearly always a password that was not percent-encoded, and libpq then shows a piece of it as the host's name.

use super::error::ConninfoError;
use super::words::{self, Words};

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Whether the text starts as a PostgreSQL URI does.
pub(super) fn is_uri(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Reads a URI.
pub(super) fn parse(text: &str) -> Result<Words, ConninfoError> {
    let mut words = Words::default();
    let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let rest = user_and_password(rest, &mut words)?;
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    if place.contains('@') {
        return Err(ConninfoError::StrayAt);
    }
    let rest = hosts(place, &mut words)?;
    set_decoded(&mut words, "dbname", rest)?;
    self::parameters(parameters, &mut words).map_err(|error| match error {
        // The "?" may have been a piece of the password: then the word to complain about is one too.
        _ if parameters.contains('@') => ConninfoError::StrayAt,
        error => error,
    })?;
    Ok(words)
}

/// Takes `user:password@` off the front, if it is there before the first `/`.
fn user_and_password<'a>(rest: &'a str, words: &mut Words) -> Result<&'a str, ConninfoError> {
    let Some(end) = rest.find(['@', '/']).filter(|at| rest[*at..].starts_with('@')) else {
        return Ok(rest);
    };
    let (user, password) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
    set_decoded(words, "user", user)?;
    set_decoded(words, "password", password)?;
    Ok(&rest[end + 1..])
}

/// Reads `host:port,host:port` and gives what follows the `/`.
fn hosts<'a>(place: &'a str, words: &mut Words) -> Result<&'a str, ConninfoError> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    let mut rest = place;
    loop {
        let (host, after) = host(rest)?;
        hosts.push_str(host);
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['/', ',']).unwrap_or(after.len());
            ports.push_str(&after[..end]);
            rest = &after[end..];
        }
        let Some(after) = rest.strip_prefix(',') else { break };
        hosts.push(',');
        ports.push(',');
        rest = after;
    }
    set_decoded(words, "host", &hosts)?;
    set_decoded(words, "port", &ports)?;
    Ok(rest.strip_prefix('/').unwrap_or(rest))
}

fn host(rest: &str) -> Result<(&str, &str), ConninfoError> {
    let Some(inside) = rest.strip_prefix('[') else {
        return Ok(rest.split_at(rest.find([':', '/', ',']).unwrap_or(rest.len())));
    };
    let (address, after) = inside.split_once(']').ok_or(ConninfoError::BadBrackets)?;
    let ends_well = after.is_empty() || after.starts_with([':', '/', ',']);
    if address.is_empty() || !ends_well {
        return Err(ConninfoError::BadBrackets);
    }
    Ok((address, after))
}

fn parameters(text: &str, words: &mut Words) -> Result<(), ConninfoError> {
    // One "&" at the very end is allowed, as in libpq.
    let text = text.strip_suffix('&').unwrap_or(text);
    if text.is_empty() {
        return Ok(());
    }
    for parameter in text.split('&') {
        let (word, value) = parameter.split_once('=').ok_or(ConninfoError::BadParameter)?;
        if value.contains('=') {
            return Err(ConninfoError::BadParameter);
        }
        let (word, value) = (decode(word, "parameters")?, decode(value, "parameters")?);
        match (word.as_str(), value.as_str()) {
            // JDBC's spelling, which libpq takes too.
            ("ssl", "true") => words.set("sslmode", "require".to_owned())?,
            ("ssl", _) => return Err(words::unknown("ssl")),
            _ => words.set(&word, value)?,
        }
    }
    Ok(())
}

/// Stores a decoded part. An empty part is as good as none: it must not hide the environment's value.
fn set_decoded(words: &mut Words, word: &'static str, text: &str) -> Result<(), ConninfoError> {
    if text.is_empty() { Ok(()) } else { words.set(word, decode(text, word)?) }
}

fn decode(text: &str, part: &'static str) -> Result<String, ConninfoError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(ConninfoError::BadPercent { part });
        };
        bytes.extend(u8::try_from(high * 16 + low));
    }
    let text = String::from_utf8(bytes).map_err(|_| ConninfoError::NotText { part })?;
    if text.contains('\0') { Err(ConninfoError::NotText { part }) } else { Ok(text) }
}
