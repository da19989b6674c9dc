//! From the words of a theme file to styles: palette names become colours, `like` and `extends` are followed.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Style};

use super::error::{circle, no_style};
use super::parse::{self, Document, Role, Word};
use super::{Appearance, BUILTIN, Theme};
use crate::written::{Fault, Mistake};

const APPEARANCES: [&str; 3] = ["dark", "light", "terminal"];

/// What a colour may be besides `#rrggbb`, `0`–`255` and the names of the palette.
const COLORS: [&str; 17] = [
    "reset",
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "gray",
    "darkgray",
    "lightred",
    "lightgreen",
    "lightyellow",
    "lightblue",
    "lightmagenta",
    "lightcyan",
    "white",
];

/// Gives every role its style.
pub(super) fn theme(document: Document) -> Result<Theme, Mistake> {
    let document = inherit(document)?;
    let missing: Vec<_> = Theme::ROLES.iter().copied().filter(|role| !document.roles.contains_key(*role)).collect();
    if !missing.is_empty() {
        return Err(no_style(&missing).at(&document.roles_at));
    }
    let appearance = appearance(&document.appearance)?;
    let scope = Scope { palette: palette(&document.palette)?, roles: document.roles };
    Theme::try_from_roles(document.name.text, appearance, |role| scope.style(role, &mut Vec::new()))
}

/// Puts the document over the built-in theme it extends: a changed palette colour changes every role that uses it.
fn inherit(mut document: Document) -> Result<Document, Mistake> {
    let Some(base) = document.extends.take() else {
        return Ok(document);
    };
    let names = BUILTIN.map(|(name, _)| name);
    let text = super::builtin_text(&base.text)
        .ok_or_else(|| Fault::unknown("built-in theme", &base.text, &names).at(&base.at))?;
    let mut under = inherit(parse::document(text, Path::new(&base.text))?)?;
    under.palette.append(&mut document.palette);
    under.roles.append(&mut document.roles);
    Ok(Document { palette: under.palette, roles: under.roles, ..document })
}

fn appearance(word: &Word) -> Result<Appearance, Mistake> {
    match word.text.as_str() {
        "dark" => Ok(Appearance::Dark),
        "light" => Ok(Appearance::Light),
        "terminal" => Ok(Appearance::Terminal),
        other => Err(Fault::unknown("appearance", other, &APPEARANCES).at(&word.at)),
    }
}

fn palette(words: &BTreeMap<String, Word>) -> Result<BTreeMap<String, Color>, Mistake> {
    words.iter().map(|(name, word)| Ok((name.clone(), color(&word.text).map_err(|f| f.at(&word.at))?))).collect()
}

fn literal(text: &str) -> Option<Color> {
    text.parse().ok()
}

/// A colour by its name, `#rrggbb` or number, outside a theme.
///
/// # Errors
/// It is none of these; the nearest is proposed.
pub fn color(word: &str) -> Result<Color, Fault> {
    literal(word).ok_or_else(|| Fault::unknown("colour", word, &with_hex(&COLORS)))
}

fn with_hex<'a>(names: &[&'a str]) -> Vec<&'a str> {
    [&["#rrggbb"], names].concat()
}

struct Scope {
    palette: BTreeMap<String, Color>,
    roles: BTreeMap<String, Role>,
}

impl Scope {
    /// `path` holds the roles that led here by `like`.
    fn style<'a>(&'a self, name: &'a str, path: &mut Vec<&'a str>) -> Result<Style, Mistake> {
        let Some(role) = self.roles.get(name) else {
            return Ok(Style::new());
        };
        if path.contains(&name) {
            return Err(circle(name).at(&role.at));
        }
        path.push(name);
        let under = role.like.as_ref().map(|like| self.like(like, path)).transpose()?.unwrap_or_default();
        let over = Style {
            fg: role.fg.as_ref().map(|word| self.color(word)).transpose()?,
            bg: role.bg.as_ref().map(|word| self.color(word)).transpose()?,
            add_modifier: role.add,
            sub_modifier: role.remove,
            ..Style::new()
        };
        Ok(under.patch(over))
    }

    fn like<'a>(&'a self, like: &'a Word, path: &mut Vec<&'a str>) -> Result<Style, Mistake> {
        if !Theme::ROLES.contains(&like.text.as_str()) {
            return Err(Fault::unknown("role", &like.text, Theme::ROLES).at(&like.at));
        }
        self.style(&like.text, path)
    }

    fn color(&self, word: &Word) -> Result<Color, Mistake> {
        let named = self.palette.get(&word.text).copied();
        named.or_else(|| literal(&word.text)).ok_or_else(|| {
            let palette: Vec<_> = self.palette.keys().map(String::as_str).chain(with_hex(&COLORS)).collect();
            Fault::unknown("colour", &word.text, &palette).at(&word.at)
        })
    }
}
