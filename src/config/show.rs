//! The configuration in force as a file: each value with where it comes from. No connection string is printed.

use std::fmt::Write;

use super::Config;
use super::entries::{Entry, Leaf};
use crate::domain::text::visible;
use crate::written::quoted;

impl Config {
    /// The text of `mvtop config`.
    pub fn show(&self) -> String {
        let mut out = String::new();
        let mut say = |line: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{line}");
        };
        let file = self.file.as_ref().map_or("none".into(), |file| file.display().to_string());
        let exists = self.file.as_ref().is_some_and(|file| file.exists());
        say(format!("# file: {}{}", visible(&file), if exists { "" } else { " (does not exist)" }));
        if !self.profiles.is_empty() {
            let used = self.profile.as_ref().map_or("none used".into(), |name| format!("{name} is used"));
            say(visible(&format!("# profiles: {}; {used}", self.profiles.join(", "))).into_owned());
        }
        for entry in self.entries.values().filter(|e| e.path.len() == 1) {
            say(line(entry, 0));
        }
        let mut section = String::new();
        for entry in self.entries.values().filter(|e| e.path.len() > 1) {
            let depth = if entry.path[0].0 == "views" { 2.min(entry.path.len() - 1) } else { 1 };
            let name = dotted(&entry.words()[..depth]);
            if name != section {
                say(format!("\n[{name}]"));
                section = name;
            }
            say(line(entry, depth));
        }
        out
    }
}

fn line(entry: &Entry, depth: usize) -> String {
    let words = entry.words();
    let is_secret = matches!(words.as_slice(), ["conninfo" | "read_dsn" | "look_dsn"]);
    let value = if is_secret { "\"(not shown)\"".into() } else { written(&entry.leaf) };
    let setting = format!("{} = {value}", dotted(&words[depth..]));
    format!("{setting:<48} # {}", entry.origin)
}

fn written(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Text(text) => quoted(text),
        Leaf::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Leaf::Number(number) => number.to_string(),
        Leaf::Flag(flag) => flag.to_string(),
        Leaf::List(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Leaf::Empty | Leaf::Other => "{}".into(),
    }
}

/// A dotted key as TOML writes it.
pub(super) fn dotted(words: &[&str]) -> String {
    let is_bare = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let key = |word: &&str| if is_bare(word) { word.to_string() } else { quoted(word) };
    words.iter().map(key).collect::<Vec<_>>().join(".")
}
