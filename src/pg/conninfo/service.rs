//! The service file: named sets of words, read as `parseServiceFile` of libpq reads it.

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::ConninfoError;
use super::parse::is_space;
use super::words::{self, Words};

/// The words of a service: from PGSERVICEFILE or ~/.pg_service.conf, else from the system's pg_service.conf.
pub(super) fn find(service: &str, file: Option<&str>, environment: &Environment) -> Result<Words, ConninfoError> {
    let own = match file {
        Some(file) => Some(PathBuf::from(file)),
        None => environment.in_home(".pg_service.conf"),
    };
    let shared = environment.sysconf_dirs().into_iter().map(|dir| dir.join("pg_service.conf"));
    let places: Vec<PathBuf> = own.into_iter().chain(shared).collect();
    // A file that was asked for by its name is an error when it is not there.
    let files = places.iter().enumerate().filter(|(place, path)| path.exists() || file.is_some() && *place == 0);
    for (_, file) in files {
        if let Some(words) = in_file(service, file)? {
            return Ok(words);
        }
    }
    Err(ConninfoError::NoService { service: shown(service), looked_in: places })
}

fn in_file(service: &str, file: &Path) -> Result<Option<Words>, ConninfoError> {
    let text = fs::read(file)
        .map_err(|error| ConninfoError::ServiceUnreadable { file: file.to_owned(), why: error.to_string() })?;
    let text = String::from_utf8_lossy(&text);
    let mut found: Option<Words> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches(is_space);
        if let Some(group) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let named = group.strip_prefix(service).is_some_and(|rest| rest.starts_with(']'));
            found = named.then(Words::default);
        } else if let Some(words) = found.as_mut().filter(|_| !line.is_empty() && !line.starts_with('#')) {
            add(line, words).map_err(|problem| ConninfoError::ServiceLine {
                file: file.to_owned(),
                line: index + 1,
                problem,
            })?;
        }
    }
    Ok(found)
}

/// Adds one `word=value` line. The first of two lines for the same word wins, as in libpq.
fn add(line: &str, words: &mut Words) -> Result<(), String> {
    if line.starts_with("ldap") {
        return Err("asks for a look-up in LDAP, which this program cannot do; write the words out".to_owned());
    }
    let (word, value) = line.split_once('=').ok_or("is not word=value")?;
    if word == "service" || word == "servicefile" {
        return Err("names another service, which PostgreSQL does not allow".to_owned());
    }
    let name = words::known(word).ok_or_else(|| {
        let hint = words::nearest(word, words::WORDS.iter().map(|(name, _)| *name));
        hint.map_or_else(
            || "has a word before \"=\" that PostgreSQL does not know".to_owned(),
            |name| format!("has a word PostgreSQL does not know; did you mean \"{name}\"?"),
        )
    })?;
    let mut one = Words::default();
    one.set(name, value.to_owned()).map_err(|error| error.to_string())?;
    words.underlay(one);
    Ok(())
}

fn shown(service: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
    if service.len() <= 64 && service.chars().all(plain) {
        format!("the service \"{service}\"")
    } else {
        "that service".to_owned()
    }
}
