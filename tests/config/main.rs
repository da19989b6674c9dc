//! The configuration: which layer wins, where a mistake is, the documented defaults, profiles, keys; and what `mvtop init`
//! proposes for the demo and for a database it has never seen.
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]

mod default_file;
mod foreign;
mod layers;
mod mistakes;
mod program;

use std::path::PathBuf;

use mvtop::config::{Config, ConfigError, Given, load};

/// A configuration file that lives as long as this.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> File {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        File { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn given(&self) -> Given<'_> {
        Given { file: Some(self.path()), ..Given::default() }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        load(&self.given(), |_| None)
    }
}

/// Loads a file of this text.
fn config(text: &str) -> Config {
    File::new(text).load().unwrap_or_else(|e| panic!("{e}"))
}

/// What is said about a file of this text, with `FILE` for its path.
fn refusal(text: &str) -> String {
    let file = File::new(text);
    let Err(error) = file.load() else { panic!("{text} is taken") };
    error.to_string().replace(&file.path().display().to_string(), "FILE")
}
