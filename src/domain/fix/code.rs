//! Code of others that a fix would run with the rights of whoever carries it out, and what readers of a plain view lack.

use serde::Deserialize;

/// What is known of the code around a view. Code of superusers and of the session's own role is trusted and stands in no list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// Enabled event triggers with a stranger's function.
    pub event_triggers: Vec<EventTrigger>,
    /// Enabled triggers on pg_cron's tables with a stranger's function.
    pub cron_triggers: Vec<CronTrigger>,
    /// Functions of the definition that somebody who reads the view may not execute.
    pub not_executable: Vec<NotExecutable>,
    /// Functions of the definition that would run with the rights of whoever reads a plain view.
    pub as_reader: Vec<String>,
    /// Types of strangers, with their owners, whose code runs where a constant of theirs is parsed.
    #[serde(default)]
    pub types: Vec<String>,
    /// Functions and plain views below, with their owners, that others than the view's owner and superusers can replace.
    #[serde(default)]
    pub replaceable: Vec<String>,
    /// What in the definition gives one reader other rows than the next, e.g. `current_user`.
    pub asks: Vec<String>,
}

/// An event trigger whose function belongs to a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct EventTrigger {
    /// Its name.
    pub name: String,
    /// Its function with schema and argument types.
    pub function: String,
    /// The function's owner.
    pub owner: String,
    /// The command tags it fires for; `None`: all.
    pub tags: Option<Vec<String>>,
}

/// A trigger on one of pg_cron's tables whose function belongs to a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CronTrigger {
    /// The table in the schema cron, e.g. `job`.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its function with schema and argument types.
    pub function: String,
    /// The function's owner.
    pub owner: String,
}

/// A function that a reader of the view may not execute.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NotExecutable {
    /// The function with schema and argument types.
    pub function: String,
    /// The role, or `PUBLIC`.
    pub reader: String,
}

/// The beginnings of statements that fire event triggers, each with its command tag; the longer of two comes first.
const TAGS: [(&str, &str); 21] = [
    ("CREATE OR REPLACE VIEW", "CREATE VIEW"),
    ("CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW"),
    ("CREATE VIEW", "CREATE VIEW"),
    ("CREATE UNIQUE INDEX", "CREATE INDEX"),
    ("CREATE INDEX", "CREATE INDEX"),
    ("CREATE STATISTICS", "CREATE STATISTICS"),
    ("CREATE FUNCTION", "CREATE FUNCTION"),
    ("CREATE TRIGGER", "CREATE TRIGGER"),
    ("ALTER MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW"),
    ("ALTER VIEW", "ALTER VIEW"),
    ("ALTER INDEX", "ALTER INDEX"),
    ("ALTER FUNCTION", "ALTER FUNCTION"),
    ("DROP MATERIALIZED VIEW", "DROP MATERIALIZED VIEW"),
    ("DROP VIEW", "DROP VIEW"),
    ("DROP TRIGGER", "DROP TRIGGER"),
    ("DROP FUNCTION", "DROP FUNCTION"),
    ("DROP INDEX", "DROP INDEX"),
    ("REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW"),
    ("GRANT", "GRANT"),
    ("REVOKE", "REVOKE"),
    ("COMMENT", "COMMENT"),
];

/// The command tags of statements, each once; what fires no event trigger has none.
pub fn tags<'a>(statements: impl IntoIterator<Item = &'a String>) -> Vec<&'static str> {
    let tag = |s: &String| TAGS.iter().find(|(begin, _)| s.starts_with(begin)).map(|(_, tag)| *tag);
    let mut tags: Vec<&str> = statements.into_iter().filter_map(tag).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

impl Code {
    /// What must be mended before commands with these tags are run, as it reads after "it needs".
    pub fn event_needs(&self, tags: &[&str]) -> Vec<String> {
        let fires = |e: &&EventTrigger| e.tags.as_ref().is_none_or(|own| own.iter().any(|t| tags.contains(&&**t)));
        let need = |e: &EventTrigger| {
            format!(
                "the event trigger {} disabled, or its function {} given to a superuser: it is {}'s, and would run with your rights",
                e.name, e.function, e.owner
            )
        };
        let fires = self.event_triggers.iter().filter(|_| !tags.is_empty()).filter(fires);
        fires.map(need).collect()
    }

    /// What must be mended before pg_cron's table of this name is written to.
    pub fn cron_needs(&self, table: &str) -> Vec<String> {
        let need = |t: &CronTrigger| {
            format!(
                "the trigger {} on cron.{} disabled: its function {} is {}'s, and would run with more rights than theirs",
                t.name, t.table, t.function, t.owner
            )
        };
        self.cron_triggers.iter().filter(|t| t.table == table).map(need).collect()
    }

    /// What must be mended before the definition is written anew.
    pub fn type_needs(&self) -> Option<String> {
        (!self.types.is_empty()).then(|| {
            format!(
                "no types of others in it: the code of {} would run with your rights where its text is parsed",
                self.types.join(", ")
            )
        })
    }

    /// What keeps a plain view from giving its readers what the materialized one gives.
    pub fn reader_needs(&self) -> Vec<String> {
        let execute = |n: &NotExecutable| format!("EXECUTE on {} for {}, who reads the view", n.function, n.reader);
        let mut needs: Vec<String> = self.not_executable.iter().map(execute).collect();
        if !self.replaceable.is_empty() {
            let list = self.replaceable.join(", ");
            needs.push(format!("code that only the view's owner and superusers can replace: whoever reads it would run {list} with their rights"));
        }
        if !self.asks.is_empty() {
            let asks = self.asks.join(", ");
            needs.push(format!("a definition that gives every reader the same rows: this one asks {asks}"));
        }
        needs
    }
}
