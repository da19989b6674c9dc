//! Files that people write, themes and the configuration: where in them a mistake is, what it is, and the nearest right
//! word. No value is ever repeated in a message, only the words that should have named something.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use toml::de::DeTable;

use crate::domain::text::{escaped, nearest};

/// A place in a file; line and column count from one, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The file as it was asked for.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Something wrong at a place of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {fault}")]
pub struct Mistake {
    /// Where.
    pub at: At,
    /// What.
    pub fault: Fault,
}

/// What is wrong. Each message says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not TOML.
    #[error("this is not valid TOML: {0}")]
    Syntax(String),
    /// A word that means nothing there.
    #[error("unknown {what} \"{word}\"; {hint}")]
    Unknown {
        /// What the word should have named: "role", "colour", …
        what: &'static str,
        /// The word.
        word: String,
        /// The nearest right word, or all of them.
        hint: String,
    },
    /// A value of the wrong kind.
    #[error("{what} must be {expected}")]
    WrongKind {
        /// The key.
        what: String,
        /// What it takes.
        expected: &'static str,
    },
    /// Anything else, in a sentence.
    #[error("{0}")]
    Other(String),
}

impl Fault {
    /// The word is none of those known here.
    #[must_use]
    pub fn unknown(what: &'static str, word: &str, known: &[&str]) -> Self {
        Self::Unknown { what, word: word.to_owned(), hint: hint(word, known) }
    }

    /// It stands here.
    #[must_use]
    pub fn at(self, at: &At) -> Mistake {
        Mistake { at: at.clone(), fault: self }
    }
}

/// What to write instead of a word: the nearest right one, or all of them.
#[must_use]
pub fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of {}", known.join(", ")),
    }
}

/// A text as TOML writes it on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's, but JSON leaves more characters as they are.
    escaped(&serde_json::Value::from(text).to_string(), |c| match u32::from(c) {
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        // A pair of halves, as JSON has it, is none of TOML's.
        code => format!("\\U{code:08x}"),
    })
}

/// Turns byte offsets of one file into places.
#[derive(Clone)]
pub struct Locator<'a> {
    /// The file's text.
    pub text: &'a str,
    /// Its name, for messages.
    pub file: Rc<Path>,
}

impl<'a> Locator<'a> {
    /// The file read as TOML.
    ///
    /// # Errors
    /// It is none; the parser's message is kept, the line that it is about is not.
    pub fn table(&self) -> Result<DeTable<'a>, Mistake> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Fault::Syntax(error.message().to_owned()).at(&self.at(offset))
        })?;
        Ok(table.into_inner())
    }

    /// The place of a byte of the text.
    #[must_use]
    pub fn at(&self, offset: usize) -> At {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        At {
            file: self.file.to_path_buf(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}
