//! What can be wrong with a theme, and where. Each message says what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A place in a theme file; line and column count from one, columns in characters.
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

/// A theme that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// The file or folder cannot be read.
    #[error("the theme {} cannot be read ({source}); check that it exists and that you may read it", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file says something wrong.
    #[error("{at}: {fault}")]
    Faulty {
        /// Where.
        at: At,
        /// What.
        fault: Fault,
    },
    /// Nobody has a theme of that name.
    #[error("there is no theme called \"{name}\"; {hint}")]
    NoSuchTheme {
        /// The name asked for.
        name: String,
        /// What to try.
        hint: String,
    },
}

/// What is wrong at a place of a theme file.
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
    /// A key every theme must have.
    #[error("the theme has no \"{0}\"; add it at the top of the file")]
    NoKey(&'static str),
    /// Roles without a style.
    #[error("no style for {}; add {} to [roles], or extends = \"night\" at the top to start from that theme",
        .0.join(", "), if .0.len() == 1 { "it" } else { "them" })]
    NoStyle(Vec<&'static str>),
    /// Roles that are like each other in a circle.
    #[error("the role \"{0}\" ends up being like itself; give one role of the circle a colour")]
    Circle(String),
}

impl Fault {
    pub(super) fn unknown(what: &'static str, word: &str, known: &[&str]) -> Self {
        Self::Unknown { what, word: word.to_owned(), hint: hint(word, known) }
    }

    pub(super) fn at(self, at: &At) -> ThemeError {
        ThemeError::Faulty { at: at.clone(), fault: self }
    }
}

impl ThemeError {
    pub(super) fn no_such_theme(name: &str, mut known: Vec<&str>) -> Self {
        known.sort_unstable();
        known.dedup();
        Self::NoSuchTheme { name: name.to_owned(), hint: hint(name, &known) }
    }
}

fn hint(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write one of {}", known.join(", ")),
    }
}

/// The word of `known` that `word` most likely meant: at most a third of its letters are typed wrong.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (mistakes, near) = known.iter().map(|candidate| (mistakes(word, candidate), *candidate)).min()?;
    (mistakes <= near.chars().count().max(3) / 3).then_some(near)
}

/// How many letters were added, dropped, replaced or swapped with their neighbour to make `b` of `a` (Damerau, each pair
/// swapped at most once).
fn mistakes(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut cost = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            cost[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = cost[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replaced.min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1)
            };
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost[i][j] = cost[i][j].min(cost[i - 2][j - 2] + 1);
            }
        }
    }
    cost[a.len()][b.len()]
}

/// Turns byte offsets of one file into places.
#[derive(Clone)]
pub(super) struct Locator<'a> {
    pub text: &'a str,
    pub file: Rc<Path>,
}

impl Locator<'_> {
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
