//! The password file, `host:port:database:user:password` a line, read as `passwordFromFile` of libpq reads it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::secret::Secret;

/// A password file as found: its lines, or why it was not used.
pub(super) struct Passfile {
    text: String,
    /// What to tell the user when the file exists and is not used.
    pub(super) warning: Option<String>,
}

/// What a line of the file must match.
pub(super) struct Key<'a> {
    /// The host as given, or `localhost` for the default socket folder.
    pub(super) host: &'a str,
    /// The port, as decimal digits.
    pub(super) port: &'a str,
    /// The database.
    pub(super) dbname: &'a str,
    /// The user.
    pub(super) user: &'a str,
}

impl Passfile {
    /// Reads the file. A missing one is no news; one that others may read is not used, and says so.
    pub(super) fn read(file: &Path) -> Passfile {
        let not_used = |why: &str| Passfile {
            text: String::new(),
            warning: Some(format!("the password file {} is not used: {why}", file.display())),
        };
        let Ok(about) = fs::metadata(file) else { return Passfile { text: String::new(), warning: None } };
        if !about.is_file() {
            return not_used("it is not a plain file");
        }
        if about.permissions().mode() & 0o077 != 0 {
            return not_used("others may read or write it; make it private with chmod 0600");
        }
        match fs::read(file) {
            Ok(bytes) => Passfile { text: String::from_utf8_lossy(&bytes).into_owned(), warning: None },
            Err(error) => not_used(&format!("it cannot be read ({error})")),
        }
    }

    /// The password of the first line that matches.
    pub(super) fn password(&self, key: &Key<'_>) -> Option<Secret> {
        self.text.lines().filter(|line| !line.starts_with('#')).find_map(|line| in_line(line, key))
    }
}

fn in_line(line: &str, key: &Key<'_>) -> Option<Secret> {
    let rest = [key.host, key.port, key.dbname, key.user]
        .iter()
        .try_fold(line.trim_end_matches('\r'), |rest, wanted| after_field(rest, wanted))?;
    Some(Secret::new(unescape(rest)))
}

/// What follows the line's first field, if that field is `*` or the wanted text (with `\:` and `\\` for `:` and `\`).
fn after_field<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut rest = line.chars();
    for c in wanted.chars() {
        let written = match rest.next()? {
            '\\' => rest.next()?,
            ':' => return None,
            plain => plain,
        };
        if written != c {
            return None;
        }
    }
    rest.as_str().strip_prefix(':')
}

/// The password itself ends at the next bare `:` or the end of the line.
fn unescape(text: &str) -> String {
    let mut password = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next().filter(|c| *c != ':') {
        password.push(if c == '\\' { rest.next().unwrap_or(c) } else { c });
    }
    password
}
