//! A materialized view as the catalog describes it: its name, key, groups and what may be done with it.

mod lexer;
mod name;
mod pruned;
mod role_use;
mod stamped;
mod ties;

pub use stamped::volatile_calls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

pub use name::{NamedRelation, Oid, ViewName};
pub use pruned::Pruned;
pub use role_use::depends_on_role;
pub use ties::Identity;

use super::look::Refresher;
use super::rules::{Label, Rules};
use super::text::nearest;

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
    /// The equality of its type, e.g. `OPERATOR(pg_catalog.=)`, where equal values may be written differently (1.0 and 1.00);
    /// `None`: two values are equal exactly when their texts are, or the type has no equality.
    #[serde(default)]
    pub equals: Option<String>,
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
    /// Plain, because its owner may make no temporary table.
    PlainNoTemp,
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

/// Rows of a table that row security may hide from a role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hidden {
    /// The table.
    pub table: String,
    /// The role.
    pub role: String,
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
    /// The search_path that its function sets for itself, if it does.
    #[serde(default)]
    pub search_path: Option<String>,
    /// Does it fire?
    pub enabled: bool,
    /// The writes after which it always fires, TRUNCATE among them, as `pg_trigger.tgtype` has them; none where a WHEN or a list of columns
    /// decides, or where it fires before the write.
    #[serde(default)]
    pub writes: i16,
}

/// `pg_trigger.tgtype` of INSERT, DELETE and UPDATE.
const EVERY_WRITE: i16 = 4 | 8 | 16;

/// `pg_trigger.tgtype` of TRUNCATE, which is a rare write: a view is called kept by triggers without it, too.
const TRUNCATE: i16 = 32;

/// Do triggers, each with whether it fires and the writes after which it does, fire at every write?
pub(super) fn fire_at_every_write(triggers: impl Iterator<Item = (bool, i16)>) -> bool {
    triggers.filter(|(enabled, _)| *enabled).fold(0, |all, (_, writes)| all | writes) & EVERY_WRITE == EVERY_WRITE
}

/// Everything the catalog says about one materialized view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// The functions that the definition calls and that may give other values at each run.
    pub volatile: Vec<String>,
    /// Columns that hold the time of the refresh; left out of every comparison.
    pub refresh_columns: Vec<String>,
    /// The tables the definition reads, through other views too.
    pub base_tables: BTreeSet<Oid>,
    /// What those are called.
    pub base_names: BTreeMap<Oid, String>,
    /// Does what is compared of it depend on when it is run? See [`View::clocked`].
    pub reads_clock: bool,
    /// See [`View::refresh_column`].
    pub moment: Option<String>,
    /// Is one of them foreign, so that nothing here tells when it is written to?
    pub reads_foreign: bool,
    /// The definitions of the plain views that it reads, through other views too; empty where one cannot be read.
    pub plain_views: Vec<String>,
    /// The columns that tell the rows of its base tables apart.
    pub identities: BTreeSet<Identity>,
    /// Another number when a plain view that it reads was replaced.
    pub below: i64,
    /// The OIDs of all relations that it reads, through other views too.
    pub relations: Vec<Oid>,
    /// The view itself and the relations that stand in its definition.
    pub names: Vec<NamedRelation>,
    /// Does looking at it run nothing but what came with the server, under settings that no role or database changes?
    pub is_simple: bool,
    /// May this role become the view's owner (`SET ROLE`)?
    pub may_become_owner: bool,
    /// Who refreshes it, as far as jobs tell.
    pub refresher: Refresher,
    /// What it is stored as.
    pub kind: ViewKind,
    /// Triggers that refresh it, on whichever of the base tables.
    pub triggers: Vec<Trigger>,
    /// May this role read it?
    pub can_select: bool,
    /// May this role refresh it (owner, member of the owner, superuser; MAINTAIN from 17)?
    pub can_refresh: bool,
    /// What row security may hide from whom a refresh reads by, so that it reads other rows than this role.
    pub hides: Option<Hidden>,
    /// The rights this role lacks to compare it, e.g. `USAGE on the schema x`, `SELECT on prospectos, coordinaciones`.
    pub lacks: Vec<String>,
}

impl View {
    /// Was its definition read?
    pub fn has_definition(&self) -> bool {
        !self.definition.is_empty()
    }

    /// Was all read that tells how its rows come about: its definition, and those of the plain views below it?
    pub fn is_whole(&self) -> bool {
        self.has_definition() && !self.plain_views.iter().any(String::is_empty)
    }

    /// The column whose value is the moment of the last refresh.
    pub fn refresh_column(&self) -> Option<&str> {
        self.moment.as_deref()
    }

    fn find_moment(&self) -> Option<String> {
        let outputs = stamped::outputs(&self.definition);
        let is_shifted = |place: usize| outputs.get(place).is_some_and(|o| o.is_stamp && !o.is_moment);
        let columns = self.columns.iter().enumerate();
        let is_moment =
            |name: &&String| columns.clone().any(|(i, c)| c.name == **name && c.is_timestamptz() && !is_shifted(i));
        self.refresh_columns.iter().find(is_moment).cloned()
    }

    /// Has it this column?
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|c| c.name == name)
    }

    /// May equal values of this column be written differently (1.0 and 1.00)? Then sums of texts tell nothing.
    pub fn is_written_differently(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.name == column && c.equals.is_some())
    }

    /// Counts by these columns from now on, each with what names its values.
    pub fn group_by(&mut self, columns: &[String], rules: &Rules) {
        let label = |column: &String| match rules.labels.get(column) {
            Some(Label::Column(name)) if self.has_column(name) => Some(name.clone()),
            Some(Label::Query(_)) => None,
            _ => label_column(column, &self.columns),
        };
        self.groups = columns
            .iter()
            .filter(|c| self.has_column(c))
            .map(|column| GroupColumn { column: column.clone(), label: label(column) })
            .collect();
    }

    /// Follows what the configuration says about it; what it says of columns that do not exist comes back in sentences.
    pub fn follow(&mut self, rules: &Rules) -> Vec<String> {
        let conventional: Vec<String> = self.groups.iter().map(|g| g.column.clone()).collect();
        self.group_by(rules.groups.as_ref().unwrap_or(&conventional), rules);
        if let Some(columns) = &rules.refresh_columns {
            self.refresh_columns = columns.iter().filter(|c| self.has_column(c)).cloned().collect();
        }
        let lists = [("groups", &rules.groups), ("refresh_columns", &rules.refresh_columns)];
        let listed = lists.into_iter().flat_map(|(key, list)| list.iter().flatten().map(move |column| (key, column)));
        let labels = rules.labels.iter().flat_map(|(column, label)| match label {
            Label::Column(name) => vec![("labels", column), ("labels", name)],
            Label::Query(_) => vec![("labels", column)],
        });
        let known: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        listed
            .chain(labels)
            .filter(|(_, column)| !self.has_column(column))
            .map(|(key, column)| {
                let near = nearest(column, &known).map_or(String::new(), |near| format!("; did you mean {near}?"));
                format!("the configuration's {key} names the column {column}, which this view does not have{near}")
            })
            .collect()
    }

    /// The columns that are compared: all but those that hold the time of the refresh.
    pub fn compared(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !self.refresh_columns.contains(&c.name))
    }

    /// Would a comparison ask the same of both? A definition that could not be read is taken to be as before.
    pub fn asks_the_same(&self, other: &View) -> bool {
        let is_same = self.definition == other.definition || !self.has_definition() || !other.has_definition();
        is_same
            && self.below == other.below
            && self.key == other.key
            && self.columns == other.columns
            && self.groups == other.groups
            && self.owner == other.owner
            && self.refresher.role(&self.owner) == other.refresher.role(&other.owner)
    }

    /// The definition without the joins that neither its key nor its groups and their labels need; `None`: it needs all.
    pub fn pruned(&self) -> Option<Pruned> {
        let labels = self.groups.iter().flat_map(|g| [Some(&g.column), g.label.as_ref()]).flatten();
        let needed: BTreeSet<&String> = self.key.iter().map(|k| &k.name).chain(labels).collect();
        let needed: Vec<bool> = self.columns.iter().map(|c| needed.contains(&c.name)).collect();
        pruned::pruned(&self.definition, &needed)
    }

    /// Finds out what its definition says of the clock: once, for a diagnosis asks every second.
    #[must_use]
    pub fn clocked(mut self) -> View {
        let is_left_out =
            |place: usize| self.columns.get(place).is_some_and(|c| self.refresh_columns.contains(&c.name));
        self.reads_clock = stamped::reads_clock(&self.definition, is_left_out)
            || self.plain_views.iter().any(|below| stamped::reads_clock(below, |_| false));
        self.moment = self.find_moment();
        self
    }

    /// May its rows depend on the plan that the definition is run by?
    pub fn may_tie(&self) -> bool {
        let is_float = |c: &Column| ["double precision", "real"].contains(&c.data_type.as_str());
        let rounds = self.columns.iter().any(is_float);
        let mut queries = std::iter::once(&*self.definition).chain(self.plain_views.iter().map(|below| &**below));
        queries.any(|query| {
            query.is_empty() || rounds && query.contains("GROUP BY") || ties::may_tie(query, &self.identities)
        })
    }

    /// Does every write to what it reads refresh it?
    pub fn is_kept_by_triggers(&self) -> bool {
        let on = |table: Oid| self.triggers.iter().filter(move |t| t.table == table);
        let is_covered = |table: &Oid| fire_at_every_write(on(*table).map(|t| (t.enabled, t.writes)));
        !self.base_tables.is_empty() && self.base_tables.iter().all(is_covered)
    }

    /// Does a TRUNCATE of each table that it reads refresh it, too?
    pub fn is_kept_at_truncate(&self) -> bool {
        let fires = |table: &Oid| {
            let on = self.triggers.iter().filter(|t| t.table == *table && t.enabled);
            on.fold(0, |all, t| all | t.writes) & TRUNCATE != 0
        };
        self.base_tables.iter().all(fires)
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

/// The columns whose value is nothing but the time of the refresh, as the definition shows.
pub fn refresh_columns(definition: &str, columns: &[Column]) -> Vec<String> {
    let outputs = stamped::outputs(definition);
    let pairs = columns.iter().zip(outputs);
    pairs.filter(|(_, output)| output.is_stamp).map(|(c, _)| c.name.clone()).collect()
}

/// The column that names another's values, by its own name: `etapa_id` → `etapa_nombre`, `etapa_name`, …
fn label_column(column: &str, columns: &[Column]) -> Option<String> {
    let noun = column.strip_suffix("_id")?;
    let own: &[&str] = match noun {
        "ejecutivo" => &["_nombre", "_email"],
        "coordinacion" => &["_codigo", "_nombre"],
        _ => &["_nombre", "_name", "_codigo", "_code", "_titulo", "_title", "_label", ""],
    };
    let has = |name: &String| columns.iter().any(|c| c.name == *name);
    own.iter().map(|suffix| format!("{noun}{suffix}")).find(has)
}

/// The group columns a view has by convention: ejecutivo × coordinación, with the columns that name them.
pub fn conventional_groups(columns: &[Column]) -> Vec<GroupColumn> {
    ["ejecutivo_id", "coordinacion_id"]
        .into_iter()
        .filter(|name| columns.iter().any(|c| c.name == *name))
        .map(|name| GroupColumn { column: name.into(), label: label_column(name, columns) })
        .collect()
}
