//! From TOML to the words of a theme, each with its place, so that a later complaint can point at it. No meaning yet.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::Modifier;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::no_key;
use crate::written::{At, Fault, Locator, Mistake};

/// A theme file as written.
pub(super) struct Document {
    pub name: Word,
    pub appearance: Word,
    pub extends: Option<Word>,
    pub palette: BTreeMap<String, Word>,
    pub roles: BTreeMap<String, Role>,
    /// Where a missing role is best added.
    pub roles_at: At,
}

/// One word and its place.
#[derive(Clone)]
pub(super) struct Word {
    pub text: String,
    pub at: At,
}

/// A role as written: colours still by name.
#[derive(Clone)]
pub(super) struct Role {
    pub at: At,
    pub like: Option<Word>,
    pub fg: Option<Word>,
    pub bg: Option<Word>,
    pub add: Modifier,
    pub remove: Modifier,
}

const KEYS: [&str; 5] = ["name", "appearance", "extends", "palette", "roles"];
const ROLE_KEYS: [&str; 10] =
    ["like", "fg", "bg", "bold", "dim", "italic", "underlined", "reversed", "crossed_out", "slow_blink"];

type Entry<'a> = (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// Reads the text of a theme file.
pub(super) fn document(text: &str, file: &Path) -> Result<Document, Mistake> {
    let place = Locator { text, file: file.into() };
    let table = &place.table()?;
    let reader = Reader { place };
    for (key, _) in table {
        reader.known("key", key, &KEYS)?;
    }
    let top = |key: &'static str| table.get(key).map(|value| reader.word(key, value)).transpose();
    let need = |key| top(key)?.ok_or_else(|| no_key(key).at(&reader.place.at(0)));
    let roles_at = table.get("roles").map_or(text.len(), |roles| roles.span().start);
    Ok(Document {
        name: need("name")?,
        appearance: need("appearance")?,
        extends: top("extends")?,
        palette: reader.map("palette", table, |(key, value)| reader.word(key.get_ref(), value))?,
        roles: reader.map("roles", table, |(key, value)| reader.role(key, value))?,
        roles_at: reader.place.at(roles_at),
    })
}

struct Reader<'a> {
    place: Locator<'a>,
}

impl Reader<'_> {
    fn at<T>(&self, spanned: &Spanned<T>) -> At {
        self.place.at(spanned.span().start)
    }

    fn known<S: AsRef<str>>(&self, what: &'static str, word: &Spanned<S>, known: &[&str]) -> Result<(), Mistake> {
        let text = word.get_ref().as_ref();
        if known.contains(&text) {
            return Ok(());
        }
        Err(Fault::unknown(what, text, known).at(&self.at(word)))
    }

    fn wrong<T>(&self, what: &str, expected: &'static str, value: &Spanned<DeValue>) -> Result<T, Mistake> {
        Err(Fault::WrongKind { what: what.to_owned(), expected }.at(&self.at(value)))
    }

    fn word(&self, key: &str, value: &Spanned<DeValue>) -> Result<Word, Mistake> {
        match value.get_ref().as_str() {
            Some(text) => Ok(Word { text: text.to_owned(), at: self.at(value) }),
            None => self.wrong(key, "text in quotes", value),
        }
    }

    fn map<T>(
        &self,
        key: &str,
        table: &DeTable,
        read: impl Fn(Entry) -> Result<T, Mistake>,
    ) -> Result<BTreeMap<String, T>, Mistake> {
        let Some(value) = table.get(key) else {
            return Ok(BTreeMap::new());
        };
        let Some(entries) = value.get_ref().as_table() else {
            return self.wrong(key, "a table, [palette] or [roles]", value);
        };
        entries.iter().map(|entry| Ok((entry.0.get_ref().to_string(), read(entry)?))).collect()
    }

    /// `role = "colour"` sets the foreground; `role = { … }` sets more.
    fn role(&self, key: &Spanned<std::borrow::Cow<str>>, value: &Spanned<DeValue>) -> Result<Role, Mistake> {
        self.known("role", key, super::Theme::ROLES)?;
        let none = Modifier::empty();
        let mut role = Role { at: self.at(key), like: None, fg: None, bg: None, add: none, remove: none };
        match value.get_ref() {
            DeValue::String(_) => role.fg = Some(self.word(key.get_ref(), value)?),
            DeValue::Table(parts) => {
                for (part, value) in parts {
                    self.known("word for a role", part, &ROLE_KEYS)?;
                    self.part(&mut role, part.get_ref(), value)?;
                }
            }
            _ => {
                return self.wrong(key.get_ref(), "a colour in quotes, or { fg = …, bg = …, bold = true }", value);
            }
        }
        Ok(role)
    }

    fn part(&self, role: &mut Role, part: &str, value: &Spanned<DeValue>) -> Result<(), Mistake> {
        match part {
            "like" => role.like = Some(self.word(part, value)?),
            "fg" => role.fg = Some(self.word(part, value)?),
            "bg" => role.bg = Some(self.word(part, value)?),
            _ => match value.get_ref().as_bool() {
                Some(true) => role.add |= modifier(part),
                Some(false) => role.remove |= modifier(part),
                None => return self.wrong(part, "true or false", value),
            },
        }
        Ok(())
    }
}

fn modifier(part: &str) -> Modifier {
    Modifier::from_name(&part.to_uppercase()).unwrap_or_default()
}
