//! A configuration as a flat list: each value with its path, its place and where it comes from. No meaning yet.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use crate::written::{At, Fault, Locator, Mistake};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// A place in a file.
    File(At),
    /// An environment variable.
    Environment(&'static str),
    /// An option of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(at) => write!(f, "{}:{}", at.file.display(), at.line),
            Origin::Environment(name) => write!(f, "env {name}"),
            Origin::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// A value as it was written.
#[derive(Clone, PartialEq)]
pub(super) enum Leaf {
    Text(String),
    Number(f64),
    Flag(bool),
    List(Vec<Leaf>),
    /// A table without a line.
    Empty,
    /// A date: nothing takes one.
    Other,
}

/// One value with all that is known of it. It may be a secret, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Entry {
    /// Each word of the path, and its place where that is a file.
    pub path: Vec<(String, Option<At>)>,
    pub leaf: Leaf,
    pub origin: Origin,
}

/// A layer, or several on top of each other: the later value wins.
pub(super) type Entries = BTreeMap<Vec<String>, Entry>;

impl Entry {
    /// A value from outside of files, as text.
    pub fn given(key: &str, value: String, origin: Origin) -> Entry {
        Entry { path: vec![(key.into(), None)], leaf: Leaf::Text(value), origin }
    }

    pub fn is_empty_table(&self) -> bool {
        self.leaf == Leaf::Empty
    }

    pub fn words(&self) -> Vec<&str> {
        self.path.iter().map(|(word, _)| word.as_str()).collect()
    }

    pub fn key(&self) -> Vec<String> {
        self.path.iter().map(|(word, _)| word.clone()).collect()
    }

    /// The same value without the first words of its path.
    pub fn below(&self, words: usize) -> Entry {
        Entry { path: self.path[words..].to_vec(), ..self.clone() }
    }

    /// Something is wrong with the value.
    pub fn wrong(&self, fault: Fault) -> ConfigError {
        match &self.origin {
            Origin::File(at) => fault.at(at).into(),
            origin => ConfigError::Given { origin: origin.clone(), fault },
        }
    }

    /// The `n`-th word of the path is none of those known there.
    pub fn unknown(&self, n: usize, what: &'static str, known: &[&str]) -> ConfigError {
        let (word, at) = &self.path[n];
        // Who forgot an equals sign may have written a password where a word should be.
        let is_secret = ["://", "@", "="].iter().any(|sign| word.contains(sign));
        let fault = Fault::unknown(what, if is_secret { "…" } else { word }, known);
        match at {
            Some(at) => fault.at(at).into(),
            None => self.wrong(fault),
        }
    }

    fn wrong_kind<T>(&self, expected: &'static str) -> Result<T, ConfigError> {
        Err(self.wrong(Fault::WrongKind { what: self.words().join("."), expected }))
    }

    /// A text, or what `read` makes of it.
    pub fn text<T>(&self, expected: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, ConfigError> {
        match &self.leaf {
            Leaf::Text(text) => read(text).map_or_else(|| self.wrong_kind(expected), Ok),
            _ => self.wrong_kind(expected),
        }
    }

    /// A number; outside of files everything is text.
    pub fn number(&self, expected: &'static str, good: impl Fn(f64) -> bool) -> Result<f64, ConfigError> {
        let number = match &self.leaf {
            Leaf::Number(number) => Some(*number),
            Leaf::Text(text) if !matches!(self.origin, Origin::File(_)) => text.parse().ok(),
            _ => None,
        };
        number.filter(|n| good(*n)).map_or_else(|| self.wrong_kind(expected), Ok)
    }

    /// Yes or no.
    pub fn flag(&self) -> Result<bool, ConfigError> {
        match &self.leaf {
            Leaf::Flag(flag) => Ok(*flag),
            Leaf::Text(text) if !matches!(self.origin, Origin::File(_)) => match text.as_str() {
                "1" | "true" | "yes" | "on" => Ok(true),
                "0" | "false" | "no" | "off" => Ok(false),
                _ => self.wrong_kind("true or false"),
            },
            _ => self.wrong_kind("true or false"),
        }
    }

    /// Texts in a list; one alone needs none.
    pub fn list(&self, expected: &'static str) -> Result<Vec<String>, ConfigError> {
        let text = |leaf: &Leaf| match leaf {
            Leaf::Text(text) => Ok(text.clone()),
            _ => self.wrong_kind(expected),
        };
        match &self.leaf {
            Leaf::List(items) => items.iter().map(text).collect(),
            leaf => Ok(vec![text(leaf)?]),
        }
    }
}

/// The values of a file, in any order.
pub(super) fn read(text: &str, file: &Path, is_default: bool) -> Result<Entries, Mistake> {
    let place = Locator { text, file: file.into() };
    let mut entries = Entries::new();
    let mut add = |path: Vec<(String, Option<At>)>, value: &Spanned<DeValue>| {
        let origin = if is_default { Origin::Default } else { Origin::File(place.at(value.span().start)) };
        let entry = Entry { path, leaf: leaf(value.get_ref()), origin };
        entries.insert(entry.key(), entry);
    };
    walk(&place.table()?, &place, &[], &mut add);
    Ok(entries)
}

fn walk(
    table: &DeTable,
    place: &Locator,
    path: &[(String, Option<At>)],
    add: &mut impl FnMut(Vec<(String, Option<At>)>, &Spanned<DeValue>),
) {
    for (key, value) in table {
        let word = (key.get_ref().to_string(), Some(place.at(key.span().start)));
        let path: Vec<_> = path.iter().cloned().chain([word]).collect();
        match value.get_ref().as_table() {
            Some(table) if !table.is_empty() => walk(table, place, &path, add),
            _ => add(path, value),
        }
    }
}

fn leaf(value: &DeValue) -> Leaf {
    let number = |text: &str| text.replace('_', "").parse().map_or(Leaf::Other, Leaf::Number);
    match value {
        DeValue::String(text) => Leaf::Text(text.to_string()),
        DeValue::Integer(number_) => number(number_.as_str()),
        DeValue::Float(number_) => number(number_.as_str()),
        DeValue::Boolean(flag) => Leaf::Flag(*flag),
        DeValue::Array(items) => Leaf::List(items.iter().map(|item| leaf(item.get_ref())).collect()),
        DeValue::Table(_) => Leaf::Empty,
        DeValue::Datetime(_) => Leaf::Other,
    }
}
