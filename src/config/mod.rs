//! Settings: defaults ← file ← profile ← environment ← flags, each value remembering where it came from.
//!
//! A layer is a flat list of values by path; laid over each other they give the values in force, which are then read
//! into [`Settings`]. The documented default file is the lowest layer.

mod entries;
mod error;
pub mod init;
mod settings;
mod show;

use std::path::{Path, PathBuf};

use entries::{Entries, Entry};

pub use entries::Origin;
pub use error::ConfigError;
pub use settings::{PROFILE, Settings, TOP, VIEW};

use crate::domain::text::nearest;

/// The documented default file.
pub const DEFAULT: &str = include_str!("default.toml");

/// Environment variables that set something, and what.
pub const ENVIRONMENT: [(&str, &str); 6] = [
    ("MVTOP_THEME", "theme"),
    ("MVTOP_READ_ONLY", "read_only"),
    ("MVTOP_BUDGET", "budget"),
    ("MVTOP_STATEMENT_TIMEOUT", "statement_timeout"),
    ("MVTOP_READ_DSN", "read_dsn"),
    ("MVTOP_LOOK_DSN", "look_dsn"),
];

/// What is given besides the file.
#[derive(Default)]
pub struct Given<'a> {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Is the file to be made, so that it need not be there yet?
    pub is_new: bool,
    /// The word that may name a profile.
    pub word: Option<&'a str>,
    /// Options of the command line: what they set, their name, their value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// The configuration in force.
pub struct Config {
    /// What it says.
    pub settings: Settings,
    /// The profile that the word named.
    pub profile: Option<String>,
    /// The file that was read, or that would be if it existed.
    pub file: Option<PathBuf>,
    /// What a person should hear about.
    pub warnings: Vec<String>,
    profiles: Vec<String>,
    entries: Entries,
}

impl Config {
    /// Where a value at the top comes from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.entries.get(&vec![key.to_string()]).map(|e| &e.origin)
    }

    /// The profiles of the file.
    pub fn profiles(&self) -> &[String] {
        &self.profiles
    }
}

/// The file that is read when no other is named: `$XDG_CONFIG_HOME/mvtop/config.toml`. None when there is no home folder.
#[must_use]
pub fn usual_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("mvtop").join("config.toml"))
}

/// Reads every layer.
///
/// # Errors
/// [`ConfigError`]: the file cannot be read, or something in a layer is wrong.
pub fn load(given: &Given, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
    let named = given.file.clone().or_else(|| variable("MVTOP_CONFIG").map(PathBuf::from));
    let file = named.clone().or_else(usual_file);
    let written =
        file.as_deref().map(|file| read_file(file, named.is_some() && !given.is_new)).transpose()?.unwrap_or_default();
    let mut entries = entries::read(DEFAULT, Path::new("default.toml"), true)?;
    let (in_profiles, rest): (Entries, Entries) =
        written.into_iter().partition(|(path, _)| path.len() > 1 && path[0] == "profiles");
    entries.extend(rest);
    Settings::of(&entries, false)?;
    if let Some(entry) = in_profiles.values().find(|e| e.path.len() == 2 && !e.is_empty_table()) {
        return Err(settings::no_table(entry, "profiles"));
    }
    let profiles = profiles(&in_profiles);
    let profile = given.word.map(|word| choose(word, &profiles)).transpose()?.flatten();
    for name in &profiles {
        let with = overlaid(&entries, &in_profiles, name);
        // Mistakes in the profiles that are not used are mistakes, too.
        Settings::of(&with, true)?;
    }
    if let Some(name) = &profile {
        entries = overlaid(&entries, &in_profiles, name);
    }
    for (name, key) in ENVIRONMENT {
        let value = variable(name).map(|value| Entry::given(key, value, Origin::Environment(name)));
        entries.extend(value.map(|entry| (entry.key(), entry)));
    }
    for (key, flag, value) in &given.flags {
        let entry = Entry::given(key, value.clone(), Origin::Flag(flag));
        entries.insert(entry.key(), entry);
    }
    let settings = Settings::of(&entries, profile.is_some())?;
    let warnings = file.as_deref().and_then(|file| open_secret(file, &in_profiles)).into_iter().collect();
    Ok(Config { settings, profile, file, warnings, profiles, entries })
}

/// A file that was not asked for by name need not exist.
fn read_file(file: &Path, must_exist: bool) -> Result<Entries, ConfigError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(entries::read(&text, file, false)?),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Entries::new()),
        Err(source) => Err(ConfigError::Unreadable { path: file.into(), source }),
    }
}

fn profiles(in_profiles: &Entries) -> Vec<String> {
    let mut names: Vec<String> = in_profiles.keys().map(|path| path[1].clone()).collect();
    names.dedup();
    names
}

/// The values with a profile's own laid over them.
fn overlaid(entries: &Entries, in_profiles: &Entries, name: &str) -> Entries {
    let own = in_profiles.values().filter(|e| e.path[1].0 == name && e.path.len() > 2).map(|e| e.below(2));
    entries.clone().into_iter().chain(own.map(|e| (e.key(), e))).collect()
}

/// The profile that a word names, if it is a plain word and there is such a profile; it is a database otherwise.
fn choose(word: &str, profiles: &[String]) -> Result<Option<String>, ConfigError> {
    if word.contains(['=', '/']) || word.is_empty() {
        return Ok(None);
    }
    if profiles.iter().any(|name| name == word) {
        return Ok(Some(word.into()));
    }
    let known: Vec<&str> = profiles.iter().map(String::as_str).collect();
    match nearest(word, &known) {
        Some(near) => Err(ConfigError::NoSuchProfile { word: word.into(), near: near.into() }),
        None => Ok(None),
    }
}

/// A password in a file that others can read is worth a word, as psql has one for ~/.pgpass.
fn open_secret(file: &Path, in_profiles: &Entries) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let has_password = in_profiles.values().any(|e| {
        matches!(e.words().last(), Some(&("conninfo" | "read_dsn" | "look_dsn")))
            && e.text("", |text| Some(text.contains("password") || text.contains(':') && text.contains('@')))
                .unwrap_or(false)
    });
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    (has_password && mode & 0o077 != 0)
        .then(|| format!("{} holds a password and others may read it; chmod 600 it, or use ~/.pgpass", file.display()))
}
