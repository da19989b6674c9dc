//! From written values to settings: what each key is, what it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use ratatui::style::Color;

use super::entries::{Entries, Entry, Origin};
use super::error::ConfigError;
use crate::domain::freshness::DEFAULT_LIMIT;
use crate::domain::rules::{Bound, Label, Rulebook, Rules};
use crate::domain::tolerance::Tolerance;
use crate::keys::{self, Clash, JUMPS, Keymap, TABLE};
use crate::pg::conninfo::Secret;
use crate::theme::color;
use crate::written::Fault;

/// Everything that can be set. Its default is what the documented default file says; a test holds that.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A theme's name or file.
    pub theme: String,
    /// No key changes anything.
    pub read_only: bool,
    /// The share of the server's time that comparisons may take, in percent.
    pub budget: f64,
    /// The longest a statement of a comparison may take.
    pub statement_timeout: Duration,
    /// How old a view may be where nothing else says.
    pub limit: Bound,
    /// The keys of each line of the table of keys, by its name.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Keys that jump to a group; an empty group takes the key away.
    pub jump: BTreeMap<String, String>,
    /// What is said of views, by name.
    pub views: BTreeMap<String, Rules>,
    /// Where the profile connects.
    pub(crate) conninfo: Option<Secret>,
    /// A replica for the comparisons.
    pub(crate) read_dsn: Option<Secret>,
    /// Another role on the same server for the comparisons.
    pub(crate) look_dsn: Option<Secret>,
    /// Roles whose code may run with our rights.
    pub trusted_owners: Vec<String>,
    /// The profile's colour.
    pub colour: Option<Color>,
}

impl Default for Settings {
    fn default() -> Settings {
        let keys = |line: &keys::Binding| (line.name(), line.keys.iter().map(|k| k.to_string()).collect());
        Settings {
            theme: "terminal".into(),
            read_only: false,
            budget: 2.0,
            statement_timeout: Duration::from_secs(30),
            limit: Bound::Within(DEFAULT_LIMIT),
            keys: TABLE.iter().map(keys).collect(),
            jump: JUMPS.map(|(key, group)| (key.to_string(), group.to_string())).into(),
            views: BTreeMap::new(),
            conninfo: None,
            read_dsn: None,
            look_dsn: None,
            trusted_owners: Vec::new(),
            colour: None,
        }
    }
}

/// The keys at the top of the file.
pub const TOP: [&str; 12] = [
    "theme",
    "read_only",
    "budget",
    "statement_timeout",
    "limit",
    "read_dsn",
    "look_dsn",
    "trusted_owners",
    "keys",
    "jump",
    "views",
    "profiles",
];

/// The keys of a profile besides those at the top.
pub const PROFILE: [&str; 2] = ["conninfo", "colour"];

/// The keys of a view.
pub const VIEW: [&str; 6] = ["limit", "groups", "labels", "refresh_columns", "tolerance", "scheduled"];

const LENGTH: &str = "a length of time with its unit, as in \"5m\" or \"1h 30m\"";
const LIMIT: &str = "a length of time with its unit, as in \"5m\", or \"none\"";
const TOLERANCE: &str = "a number of rows, or a share as in \"0.5%\"";
const COLUMNS: &str = "a list of columns, as in [\"etapa\"]";

impl Settings {
    /// The settings that these values make, over the defaults.
    pub(super) fn of(entries: &Entries, in_profile: bool) -> Result<Settings, ConfigError> {
        let mut settings = Settings::default();
        for entry in entries.values() {
            settings.take(entry, in_profile)?;
        }
        settings.keymap().map_err(|clash| unfit(entries, &clash))?;
        Ok(settings)
    }

    /// The keys in force.
    ///
    /// # Errors
    /// They do not fit together; what [`super::load`] gave does.
    pub fn keymap(&self) -> Result<Keymap, Clash> {
        Keymap::new(&self.keys, self.jump.clone())
    }

    /// What is said of each view.
    pub fn rulebook(&self) -> Rulebook {
        Rulebook::new(self.views.clone(), self.limit)
    }

    fn take(&mut self, entry: &Entry, in_profile: bool) -> Result<(), ConfigError> {
        match entry.words().as_slice() {
            ["theme"] => self.theme = entry.text("a theme's name in quotes", |text| Some(text.to_string()))?,
            ["read_only"] => self.read_only = entry.flag()?,
            ["budget"] => {
                self.budget = entry.number("a percentage above 0 and up to 100", |n| n > 0.0 && n <= 100.0)?
            }
            ["statement_timeout"] => self.statement_timeout = entry.text(LENGTH, statement_length)?,
            ["limit"] => self.limit = entry.text(LIMIT, bound)?,
            ["read_dsn"] => self.read_dsn = Some(secret(entry)?),
            ["look_dsn"] => self.look_dsn = Some(secret(entry)?),
            ["trusted_owners"] => self.trusted_owners = entry.list("a list of roles, as in [\"app\"]")?,
            ["conninfo"] if in_profile => self.conninfo = Some(secret(entry)?),
            ["colour"] if in_profile => self.colour = Some(colour(entry)?),
            ["keys", name] => {
                let names = Keymap::names();
                if !names.iter().any(|known| known == name) {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    return Err(entry.unknown(1, "action", &known));
                }
                self.keys.insert(name.to_string(), bound_keys(entry)?);
            }
            ["jump", key] => {
                check_key(entry, key)?;
                let group = entry.text("a group's name in quotes, or \"\"", |text| Some(text.to_string()))?;
                self.jump.insert(keys::as_reported(key), group);
            }
            ["views", view, rest @ ..] => rule(self.views.entry(view.to_string()).or_default(), rest, entry)?,
            ["keys" | "jump" | "views" | "profiles"] if entry.is_empty_table() => {}
            [table @ ("keys" | "jump" | "views" | "profiles"), ..] => return Err(no_table(entry, table)),
            [word, ..] if in_profile && PROFILE.contains(word) || TOP.contains(word) => {
                return Err(entry.wrong(Fault::Other(format!("{word} takes one value, not a table"))));
            }
            _ if in_profile => return Err(entry.unknown(0, "key", &[&PROFILE[..], &TOP[..11]].concat())),
            _ => return Err(entry.unknown(0, "key", &TOP)),
        }
        Ok(())
    }
}

pub(super) fn no_table(entry: &Entry, table: &str) -> ConfigError {
    let shape = match table {
        "keys" => "action = [\"key\"]",
        "jump" => "key = \"GROUP\"",
        "views" => "a table of its own for each view, [views.\"schema.name\"]",
        _ => "a table of its own for each profile, [profiles.name]",
    };
    entry.wrong(Fault::Other(format!("{table} takes {shape}")))
}

/// Keys that do not fit together: said of the line that was changed, which is the one to look at.
fn unfit(entries: &Entries, clash: &Clash) -> ConfigError {
    let of_keys = |name: &str| entries.get(&vec!["keys".to_string(), name.to_string()]);
    let jumps_to = |entry: &&Entry, group: &str| {
        entry.words().first() == Some(&"jump") && entry.text("", |text| Some(text == group)).unwrap_or(false)
    };
    let named = |name: &str| match name.strip_prefix("jump to ") {
        Some(group) => entries.values().find(|e| jumps_to(e, group)),
        None => of_keys(name),
    };
    let names = match clash {
        Clash::Twice { first, second, .. } => vec![first.as_str(), second],
        Clash::Keyless(name) => vec![name.as_str()],
        Clash::Confirms { action, .. } => vec![action.as_str(), "dialog_confirm"],
    };
    let fault = Fault::Other(clash.to_string());
    let changed = names.into_iter().filter_map(named).find(|entry| entry.origin != Origin::Default);
    changed.map_or(ConfigError::Given { origin: Origin::Default, fault: fault.clone() }, |entry| entry.wrong(fault))
}

fn rule(rules: &mut Rules, path: &[&str], entry: &Entry) -> Result<(), ConfigError> {
    match path {
        ["limit"] => rules.limit = Some(entry.text(LIMIT, bound)?),
        ["groups"] => {
            let groups = entry.list(COLUMNS)?;
            if groups.len() > 2 {
                return Err(entry.wrong(Fault::Other("groups takes two columns at most: lines and columns".into())));
            }
            rules.groups = Some(groups);
        }
        ["labels", column] => {
            let label =
                entry.text("a column's name, or a query that gives value and label", |text| Some(label(text)))?;
            rules.labels.insert(column.to_string(), label);
        }
        ["refresh_columns"] => rules.refresh_columns = Some(entry.list(COLUMNS)?),
        ["tolerance"] => rules.tolerance = Some(tolerance(entry)?),
        ["scheduled"] => rules.elsewhere = entry.text("\"elsewhere\"", |text| (text == "elsewhere").then_some(true))?,
        [word, ..] if !VIEW.contains(word) => return Err(entry.unknown(2, "key for a view", &VIEW)),
        ["labels", ..] => return Err(entry.wrong(Fault::Other("labels takes column = \"…\"".into()))),
        [word, ..] => return Err(entry.wrong(Fault::Other(format!("{word} takes one value, not a table")))),
        // A table without a line says nothing about the view.
        [] if entry.is_empty_table() => {}
        [] => return Err(no_table(entry, "views")),
    }
    Ok(())
}

fn length(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|length| !length.is_zero())
}

/// One that PostgreSQL takes, which counts in milliseconds: with none it would set no limit.
fn statement_length(text: &str) -> Option<Duration> {
    length(text).filter(|length| (1..=i32::MAX as u128).contains(&length.as_millis()))
}

fn bound(text: &str) -> Option<Bound> {
    match text {
        "none" => Some(Bound::Never),
        text => TimeDelta::from_std(length(text)?).ok().map(Bound::Within),
    }
}

fn label(text: &str) -> Label {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_query = ["select", "with", "values", "table"].iter().any(|word| first.eq_ignore_ascii_case(word));
    // A column may have such a name, but no column's name goes on with a query.
    if is_query && text.trim().contains(char::is_whitespace) {
        Label::Query(text.trim().trim_end_matches(';').into())
    } else {
        Label::Column(text.into())
    }
}

fn tolerance(entry: &Entry) -> Result<Tolerance, ConfigError> {
    entry.text(TOLERANCE, |text| text.parse().ok()).or_else(|_| {
        let rows = entry.number(TOLERANCE, |n| n >= 0.0 && n.fract() == 0.0 && n < 1e15)?;
        Ok(Tolerance::Rows(rows as u64))
    })
}

fn secret(entry: &Entry) -> Result<Secret, ConfigError> {
    entry.text("a connection string in quotes", |text| Some(Secret::new(text.to_string())))
}

fn colour(entry: &Entry) -> Result<Color, ConfigError> {
    let word = entry.text("a colour in quotes", |text| Some(text.to_string()))?;
    color(&word).map_err(|fault| entry.wrong(fault))
}

fn bound_keys(entry: &Entry) -> Result<Vec<String>, ConfigError> {
    let keys = entry.list("a list of keys, as in [\"r\", \"F5\"]")?;
    keys.iter().try_for_each(|key| check_key(entry, key))?;
    Ok(keys.iter().map(|key| keys::as_reported(key)).collect())
}

fn check_key(entry: &Entry, key: &str) -> Result<(), ConfigError> {
    keys::check(key).map_err(|near| {
        let hint =
            near.map_or("write a character, Space, F5, Ctrl-r, …".to_string(), |n| format!("did you mean \"{n}\"?"));
        entry.wrong(Fault::Unknown { what: "key", word: key.into(), hint })
    })
}
