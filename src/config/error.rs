//! What can be wrong with the configuration. No message repeats a value: it may be a password.

use std::path::PathBuf;

use super::entries::Origin;
use crate::written::{Fault, Mistake};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {} cannot be read ({source}); check that it exists and that you may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file says something wrong.
    #[error(transparent)]
    Faulty(#[from] Mistake),
    /// An option or a variable says something wrong.
    #[error("{origin}: {fault}")]
    Given {
        /// Which.
        origin: Origin,
        /// What is wrong.
        fault: Fault,
    },
    /// Nobody has a profile of that name, but one is near.
    #[error("there is no profile \"{word}\"; did you mean \"{near}\"? A database of that name: -d {word}")]
    NoSuchProfile {
        /// The word typed.
        word: String,
        /// The nearest profile.
        near: String,
    },
}
