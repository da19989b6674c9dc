//! A materialized view as the catalog describes it: its name, key, groups and what may be done with it.

mod stamped;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

/// An object's OID in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Oid(pub u32);

/// A view's schema and name, unquoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct ViewName {
    /// The schema it lives in.
    pub schema: String,
    /// Its own name.
    pub name: String,
}

impl ViewName {
    /// The name as people say it: without the schema when that is `public`.
    pub fn short(&self) -> String {
        match self.schema.as_str() {
            "public" => self.name.clone(),
            schema => format!("{schema}.{}", self.name),
        }
    }

    /// Does the word a person typed name this view (`name` or `schema.name`)?
    pub fn answers_to(&self, word: &str) -> bool {
        word == self.name || word == self.to_string()
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// Its type as `format_type` writes it, e.g. `timestamp with time zone`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// May its values hold a row of a table or of a composite type, as they are or in an array, domain or range?
    #[serde(default)]
    pub is_composite: bool,
}

impl Column {
    /// Is it a `timestamptz`?
    pub fn is_timestamptz(&self) -> bool {
        self.data_type == "timestamp with time zone"
    }
}

/// A column of the unique index by which rows are paired.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyColumn {
    /// Its name, unquoted.
    pub name: String,
    /// The index's equality, e.g. `OPERATOR(pg_catalog.=)`: an extension's type may have its own in any schema.
    pub equals: String,
}

/// A column by which rows are counted, and the column that names its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupColumn {
    /// The column counted by, e.g. `ejecutivo_id`.
    pub column: String,
    /// A column with the same value's readable name, e.g. `ejecutivo_nombre`.
    pub label: Option<String>,
}

impl GroupColumn {
    /// What one value of it is called: `ejecutivo_id` → `ejecutivo`.
    pub fn noun(&self) -> &str {
        self.column.strip_suffix("_id").unwrap_or(&self.column)
    }
}

/// How a view can be refreshed, and why not better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// `REFRESH MATERIALIZED VIEW CONCURRENTLY`: readers go on reading.
    Concurrently,
    /// Plain, because no unique index without WHERE and expressions exists.
    PlainNoUniqueIndex,
    /// Plain, because it was never populated.
    PlainNotPopulated,
}

/// What a view is stored as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ViewKind {
    /// A materialized view.
    #[default]
    #[serde(rename = "m")]
    Materialized,
    /// A plain view that this program made of a materialized one: always true, and there is a way back.
    #[serde(rename = "v")]
    Plain,
}

/// A trigger on a base table whose function refreshes the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Trigger {
    /// The table.
    pub table: Oid,
    /// The trigger's name.
    pub name: String,
    /// The body of its function.
    pub body: String,
    /// Does it fire?
    pub enabled: bool,
}

/// Everything the catalog says about one materialized view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its OID: stable while the view lives, new when it is dropped and made again.
    pub oid: Oid,
    /// Schema and name.
    pub name: ViewName,
    /// The role that owns it.
    pub owner: String,
    /// `pg_get_viewdef` under an empty search_path, without the closing semicolon. Empty while another session has the
    /// view locked: reading it would wait for that.
    pub definition: Arc<str>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of the unique index by which rows are paired; empty: none is usable.
    pub key: Vec<KeyColumn>,
    /// Whether `CONCURRENTLY` has the unique index it needs.
    pub has_unique_index: bool,
    /// The columns counted by; empty: all rows are one group.
    pub groups: Vec<GroupColumn>,
    /// Columns that hold the time of the refresh; left out of every comparison.
    pub refresh_columns: Vec<String>,
    /// The tables the definition reads, through other views too.
    pub base_tables: BTreeSet<Oid>,
    /// What those are called.
    pub base_names: BTreeMap<Oid, String>,
    /// What it is stored as.
    pub kind: ViewKind,
    /// Triggers that refresh it, on whichever of the base tables.
    pub triggers: Vec<Trigger>,
    /// May this role read it?
    pub can_select: bool,
    /// May this role refresh it (owner, member of the owner, superuser; MAINTAIN from 17)?
    pub can_refresh: bool,
    /// The rights this role lacks to compare it, those on the view itself first, e.g. `SELECT on prospectos`.
    pub lacks: Vec<String>,
}

impl View {
    /// Was its definition read?
    pub fn has_definition(&self) -> bool {
        !self.definition.is_empty()
    }

    /// The column whose value is the time of the last refresh.
    pub fn refresh_column(&self) -> Option<&str> {
        self.refresh_columns.first().map(String::as_str)
    }

    /// The columns that are compared: all but those that hold the time of the refresh.
    pub fn compared(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !self.refresh_columns.contains(&c.name))
    }

    /// Does every write to what it reads refresh it?
    pub fn is_kept_by_triggers(&self) -> bool {
        let is_covered = |table: &Oid| self.triggers.iter().any(|t| t.enabled && t.table == *table);
        !self.base_tables.is_empty() && self.base_tables.iter().all(is_covered)
    }

    /// Can it be stale at all? A plain view cannot.
    pub fn is_plain(&self) -> bool {
        self.kind == ViewKind::Plain
    }

    /// How a refresh would run now.
    pub fn refresh_mode(&self, populated: bool) -> RefreshMode {
        match (populated, self.has_unique_index) {
            (false, _) => RefreshMode::PlainNotPopulated,
            (true, false) => RefreshMode::PlainNoUniqueIndex,
            (true, true) => RefreshMode::Concurrently,
        }
    }
}

/// The timestamptz columns whose value is nothing but the time of the refresh, as the definition shows.
pub fn refresh_columns(definition: &str, columns: &[Column]) -> Vec<String> {
    let outputs = stamped::outputs(definition);
    let pairs = columns.iter().zip(outputs);
    pairs.filter(|(c, output)| output.is_stamp && c.is_timestamptz()).map(|(c, _)| c.name.clone()).collect()
}

/// The group columns a view has by convention: ejecutivo × coordinación, with the columns that name them.
pub fn conventional_groups(columns: &[Column]) -> Vec<GroupColumn> {
    let has = |name: &str| columns.iter().any(|c| c.name == name);
    [("ejecutivo", ["nombre", "email"]), ("coordinacion", ["codigo", "nombre"])]
        .into_iter()
        .filter(|(noun, _)| has(&format!("{noun}_id")))
        .map(|(noun, labels)| GroupColumn {
            column: format!("{noun}_id"),
            label: labels.iter().map(|l| format!("{noun}_{l}")).find(|l| has(l)),
        })
        .collect()
}
