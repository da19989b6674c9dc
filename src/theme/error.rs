//! What can be wrong with a theme. Each message says what to write instead.

use std::path::PathBuf;

use crate::written::{Fault, Mistake, hint};

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
    #[error(transparent)]
    Faulty(#[from] Mistake),
    /// Nobody has a theme of that name.
    #[error("there is no theme called \"{name}\"; {hint}")]
    NoSuchTheme {
        /// The name asked for.
        name: String,
        /// What to try.
        hint: String,
    },
}

impl ThemeError {
    pub(super) fn no_such_theme(name: &str, mut known: Vec<&str>) -> Self {
        known.sort_unstable();
        known.dedup();
        Self::NoSuchTheme { name: name.to_owned(), hint: hint(name, &known) }
    }
}

/// A key every theme must have.
pub(super) fn no_key(key: &str) -> Fault {
    Fault::Other(format!("the theme has no \"{key}\"; add it at the top of the file"))
}

/// Roles without a style.
pub(super) fn no_style(roles: &[&str]) -> Fault {
    let (roles, them) = (roles.join(", "), if roles.len() == 1 { "it" } else { "them" });
    Fault::Other(format!(
        "no style for {roles}; add {them} to [roles], or extends = \"night\" at the top to start from that theme"
    ))
}

/// Roles that are like each other in a circle.
pub(super) fn circle(role: &str) -> Fault {
    Fault::Other(format!("the role \"{role}\" ends up being like itself; give one role of the circle a colour"))
}
