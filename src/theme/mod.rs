//! Themes: what a thing *means* decides how it looks. A theme gives one ratatui [`Style`] to each role, and the console
//! asks for roles, never for colours.
//!
//! Two rules hold for every built-in theme and are tested: whatever must be read has enough contrast on every ground it can
//! lie on, and no two states differ only as red from green do. A word or a glyph always goes with a state's colour.

mod depth;
mod error;
mod parse;
mod resolve;

use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};

pub use depth::{ColorDepth, detect_depth};
pub use error::ThemeError;
pub use resolve::color;

/// The ground a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Appearance {
    /// Brings its own dark background.
    Dark,
    /// Brings its own light background.
    Light,
    /// Keeps the terminal's background, whatever it is, and its sixteen colours.
    #[default]
    Terminal,
}

macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $role:ident,)+) => {
        /// One style for each role. A style leaves unset what it takes from what lies under it: most roles set a foreground
        /// only, and `text` brings the ground of the whole screen.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Theme {
            /// The name to ask for it by.
            pub name: String,
            /// The ground it is made for.
            pub appearance: Appearance,
            /// The colour of the place one is connected to, if it was given one.
            pub tint: Option<Color>,
            $($(#[doc = $doc])+ pub $role: Style,)+
        }

        impl Theme {
            /// The names of all roles, in the order the theme files give them.
            pub const ROLES: &'static [&'static str] = &[$(stringify!($role)),+];

            /// Every role with its style.
            #[must_use]
            pub fn roles(&self) -> Vec<(&'static str, Style)> {
                vec![$((stringify!($role), self.$role)),+]
            }

            fn try_from_roles<E>(
                name: String,
                appearance: Appearance,
                mut style: impl FnMut(&'static str) -> Result<Style, E>,
            ) -> Result<Self, E> {
                Ok(Self { name, appearance, tint: None, $($role: style(stringify!($role))?),+ })
            }

            fn map(mut self, change: impl Fn(&'static str, Style) -> Style) -> Self {
                $(self.$role = change(stringify!($role), self.$role);)+
                self
            }
        }
    };
}

roles! {
    /// Ordinary words, and the ground of the screen.
    text,
    /// What may be overlooked: units, hints, separators, keys that are off.
    dim,
    /// The name of a pane or dialog.
    title,
    /// The lines around a pane.
    border,
    /// The lines around the pane that has the keyboard.
    border_focus,
    /// The row the keys act on. It must leave the foreground alone, so a state keeps its colour on it.
    selection,
    /// That row in a pane without the keyboard.
    selection_idle,
    /// Column names of a table.
    header,
    /// Counts, ages and durations.
    number,
    /// What to look at first: the view in question, a link, a chosen tab.
    accent,
    /// A key to press, in the footer, help and dialogs.
    key,
    /// The letters of a row that match a search.
    found,
    /// The state "as it should be".
    ok,
    /// The state "look at this soon".
    warning,
    /// The state "people see something wrong now".
    critical,
    /// The state "cannot be told".
    unknown,
    /// A strong plate for the state `ok`.
    badge_ok,
    /// A strong plate for the state `warning`.
    badge_warning,
    /// A strong plate for the state `critical`.
    badge_critical,
    /// A strong plate for the state `unknown`.
    badge_unknown,
    /// Drift: a row the definition gives and the view lacks.
    missing,
    /// Drift: a row the view still shows and the definition no longer gives.
    gone,
    /// Drift: the same row now belongs to another group.
    moved,
    /// Drift: the same row in the same group, with other values.
    changed,
    /// A field one types into.
    input,
    /// The ground of a dialog.
    dialog,
    /// An action that changes or stops something, and the words that warn of it.
    danger,
    /// Work in progress: a running refresh, a loading pane.
    busy,
    /// Bars and small graphs.
    spark,
    /// What was last known, shown while its source does not answer.
    stale,
}

/// The theme files compiled into the program, `terminal` first.
const BUILTIN: [(&str, &str); 5] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("night", include_str!("../../themes/night.toml")),
    ("day", include_str!("../../themes/day.toml")),
    ("amber", include_str!("../../themes/amber.toml")),
    ("paper", include_str!("../../themes/paper.toml")),
];

impl Theme {
    /// The names of the themes compiled into the program.
    pub const NAMES: [&'static str; BUILTIN.len()] =
        [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0, BUILTIN[3].0, BUILTIN[4].0];

    /// Ordinary words without the ground of the screen, for what lies on another: a selected row, a dialog.
    #[must_use]
    pub fn words(&self) -> Style {
        Style { bg: None, ..self.text }
    }

    /// The themes compiled into the program, the default (`terminal`) first. A test holds that none of them is faulty.
    #[must_use]
    pub fn builtin() -> Vec<Self> {
        BUILTIN.iter().filter_map(|(name, text)| Self::parse(text, Path::new(name)).ok()).collect()
    }

    /// The built-in theme for a terminal about which nothing is known.
    #[must_use]
    pub fn terminal() -> Self {
        Self::builtin().into_iter().next().unwrap_or_default()
    }

    /// The theme called `name`: the user's own of that name if `folder` has one, else a built-in one.
    ///
    /// # Errors
    /// The user's file is faulty, or no theme has that name (the nearest one is proposed).
    pub fn named(name: &str, folder: Option<&Path>) -> Result<Self, ThemeError> {
        let own = folder.map(|folder| folder.join(format!("{name}.toml"))).filter(|path| path.is_file());
        if let Some(path) = own {
            return Self::load(&path);
        }
        let mut known = folder.map(Self::load_dir).unwrap_or_default().0;
        known.extend(Self::builtin());
        match known.iter().position(|theme| theme.name == name) {
            Some(found) => Ok(known.swap_remove(found)),
            None => Err(ThemeError::no_such_theme(name, known.iter().map(|theme| theme.name.as_str()).collect())),
        }
    }

    /// With a place's colour on its name and on every frame, as a terminal of this depth can show it, so that
    /// production looks like production.
    #[must_use]
    pub fn tinted(mut self, tint: Option<Color>, depth: ColorDepth) -> Self {
        self.tint = tint.and_then(|color| depth.nearest(color));
        if self.tint.is_some() {
            (self.border.fg, self.border_focus.fg) = (self.tint, self.tint);
        }
        self
    }

    /// How the name of the place is drawn.
    #[must_use]
    pub fn place(&self) -> Style {
        match self.tint {
            Some(_) => self.border_focus.add_modifier(Modifier::BOLD),
            None => self.dim,
        }
    }

    /// Reads one theme file.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong: then with file, line, column and the nearest right word.
    pub fn load(path: &Path) -> Result<Self, ThemeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ThemeError::Unreadable { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// Every `*.toml` of a folder in the order of their names: the good themes, and what is wrong with the others, so that
    /// one bad file does not keep the console from starting. A folder that does not exist holds no theme.
    #[must_use]
    pub fn load_dir(folder: &Path) -> (Vec<Self>, Vec<ThemeError>) {
        let (mut themes, mut faults) = (Vec::new(), Vec::new());
        let mut paths: Vec<PathBuf> = match std::fs::read_dir(folder) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
                return (themes, faults);
            }
            Err(source) => {
                return (themes, vec![ThemeError::Unreadable { path: folder.to_path_buf(), source }]);
            }
        };
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
        paths.sort();
        for path in paths {
            match Self::load(&path) {
                Ok(theme) => themes.push(theme),
                Err(fault) => faults.push(fault),
            }
        }
        (themes, faults)
    }

    /// Reads a theme from the text of a file; `file` is only for messages.
    ///
    /// # Errors
    /// The text says something wrong.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ThemeError> {
        Ok(resolve::theme(parse::document(text, file)?)?)
    }
}

/// Where a user keeps themes of their own: `$XDG_CONFIG_HOME/mvtop/themes`. None when there is no home folder.
#[must_use]
pub fn user_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("mvtop").join("themes"))
}

fn builtin_text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
