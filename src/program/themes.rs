//! The themes to choose from: the built-in ones, the user's own, and the one that is wanted.

use std::path::Path;

use crate::config::Config;
use crate::theme::{Theme, detect_depth, user_folder};

/// The theme that the flags, the environment or the configuration ask for.
///
/// # Errors
/// There is none of that name, or its file is faulty; said with where it was asked for.
pub(super) fn wanted(config: &Config) -> Result<Theme, String> {
    let found = match config.settings.theme.as_str() {
        file if file.contains('/') || file.ends_with(".toml") => Theme::load(Path::new(file)),
        name => Theme::named(name, user_folder().as_deref()),
    };
    found.map_err(|why| match config.origin("theme") {
        Some(origin) => format!("{origin}: {why}"),
        None => why.to_string(),
    })
}

/// What the console has to choose from.
pub(super) struct Choice {
    /// All of them.
    pub(super) themes: Vec<Theme>,
    /// The place of the one to begin with.
    pub(super) first: usize,
    /// The user's own that are faulty: nobody asked for these.
    pub(super) faults: Vec<String>,
}

/// All themes, as this terminal can show them. A faulty file that is not the one wanted is only left out.
///
/// # Errors
/// The one that is wanted cannot be used.
pub(super) fn all(config: &Config) -> Result<Choice, String> {
    let first = wanted(config)?;
    let (own, faults) = user_folder().map(|folder| Theme::load_dir(&folder)).unwrap_or_default();
    let mut themes = [Theme::builtin(), own].concat();
    let place = themes.iter().position(|theme| *theme == first).unwrap_or_else(|| {
        themes.push(first);
        themes.len() - 1
    });
    let depth = detect_depth();
    Ok(Choice {
        themes: themes.into_iter().map(|t| t.adapt(depth).tinted(config.settings.colour, depth)).collect(),
        first: place,
        faults: faults.iter().map(|fault| format!("a theme is left out: {fault}")).collect(),
    })
}
