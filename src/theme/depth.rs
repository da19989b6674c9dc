//! How many colours the terminal can show, and what becomes of a theme when they are fewer than it asks for.

use ratatui::style::{Color, Modifier, Style};
use termprofile::{DetectorSettings, Env, EnvVarSource, IsTerminal, TermProfile, TermVars};

use super::Theme;

/// The colours a terminal can show, from fewest to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorDepth {
    /// None: `NO_COLOR`, a dumb terminal, or no terminal. Bold, reverse and the like remain.
    None,
    /// The terminal's own sixteen.
    Ansi16,
    /// The fixed palette of 256.
    Ansi256,
    /// Any.
    TrueColor,
}

/// The colour depth of the terminal on standard output, told from the environment.
#[must_use]
pub fn detect_depth() -> ColorDepth {
    ColorDepth::from_source(&Env, &std::io::stdout())
}

impl ColorDepth {
    /// The same, from any source of variables (`NO_COLOR`, `COLORTERM`, `TERM`, `CLICOLOR_FORCE`, …).
    #[must_use]
    pub fn from_source(source: &impl EnvVarSource, out: &impl IsTerminal) -> Self {
        // no-color.org: any value that is not empty counts. termprofile knows only 1, true, yes and on.
        if source.var("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        let vars = TermVars::from_source(source, out, DetectorSettings::default());
        match TermProfile::detect_with_vars(vars) {
            TermProfile::NoTty | TermProfile::NoColor => Self::None,
            TermProfile::Ansi16 => Self::Ansi16,
            TermProfile::Ansi256 => Self::Ansi256,
            TermProfile::TrueColor => Self::TrueColor,
        }
    }
}

impl ColorDepth {
    /// The nearest colour to this one that it can show; none where there are no colours.
    pub(super) fn nearest(self, color: Color) -> Option<Color> {
        let profile = match self {
            Self::None => TermProfile::NoColor,
            Self::Ansi16 => TermProfile::Ansi16,
            Self::Ansi256 => TermProfile::Ansi256,
            Self::TrueColor => TermProfile::TrueColor,
        };
        profile.adapt_style(Style::new().fg(color)).fg
    }
}

impl Theme {
    /// The theme as a terminal of this depth can show it.
    ///
    /// In sixteen colours or none a theme made for more gives way to `terminal`: what those sixteen look like is unknown, so
    /// the nearest of them may be unreadable, and `terminal` says most things by weight and slant.
    #[must_use]
    pub fn adapt(self, depth: ColorDepth) -> Self {
        match depth {
            ColorDepth::TrueColor => self,
            ColorDepth::Ansi256 => self.limited(TermProfile::Ansi256),
            ColorDepth::Ansi16 if self.needs_more_than_sixteen() => Self { name: self.name, ..Self::terminal() },
            ColorDepth::Ansi16 => self,
            ColorDepth::None => self.adapt(ColorDepth::Ansi16).limited(TermProfile::NoColor),
        }
    }

    fn needs_more_than_sixteen(&self) -> bool {
        let rich = |color| matches!(color, Some(Color::Rgb(..) | Color::Indexed(_)));
        self.roles().iter().any(|(_, style)| rich(style.fg) || rich(style.bg))
    }

    /// What can no longer be told from the ground of the screen by its own ground is marked otherwise.
    fn limited(self, profile: TermProfile) -> Self {
        let ground = self.text.bg;
        let new_ground = profile.adapt_style(self.text).bg;
        self.map(|role, style| {
            let adapted: Style = profile.adapt_style(style);
            let was_apart = style.bg.is_some() && style.bg != ground;
            let is_apart = adapted.bg.is_some() && adapted.bg != new_ground;
            if was_apart && !is_apart { adapted.add_modifier(instead_of_ground(role)) } else { adapted }
        })
    }
}

/// Reverse for plates; for words it would look like a selection.
fn instead_of_ground(role: &str) -> Modifier {
    match role {
        // It has its border.
        "dialog" => Modifier::empty(),
        "warning" | "critical" | "danger" => Modifier::BOLD,
        _ => Modifier::REVERSED,
    }
}
