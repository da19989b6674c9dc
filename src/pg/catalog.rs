//! Reads what the server is and which materialized views it has.

use std::collections::BTreeSet;

use serde::Deserialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::session::{Limits, Parameters, Session};
use crate::domain::job::trigger_modes;
use crate::domain::look::Refresher;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::server::{Cron, CronExtension, Server};
use crate::domain::view::{
    Column, Hidden, Identity, KeyColumn, NamedRelation, Oid, Trigger, View, ViewKind, ViewName, conventional_groups,
    refresh_columns, volatile_calls,
};

/// The materialized views, on any version.
const VIEWS: &str = include_str!("sql/catalog.sql");

/// What the server is, and what this role may see there.
pub async fn server(session: &Session) -> Result<Server, Problem> {
    let rows = session.read(Limits::CHEAP, include_str!("sql/server.sql"), &[]).await?;
    let row = rows.first().ok_or_else(|| unexpected("the server said nothing about itself"))?;
    // A pooler may have dropped them in silence.
    if row.get("options_in_force") {
        session.trust_options();
    }
    Ok(Server {
        version_num: row.get("version_num"),
        database: row.get("database"),
        user: row.get("user"),
        started_at: row.get("started_at"),
        standby: row.get("standby"),
        read_only: row.get("read_only"),
        superuser: row.get::<_, Option<bool>>("superuser").unwrap_or(false),
        reads_all_stats: row.get("reads_all_stats"),
        cron: cron(row),
    })
}

fn cron(row: &Row) -> Cron {
    let text = |name: &str| row.get::<_, Option<String>>(name);
    let on = |name: &str| text(name).map(|value| value == "on");
    match (text("cron_version"), text("cron_database")) {
        (Some(version), _) if row.get("cron_readable") => Cron::Present(CronExtension {
            elsewhere: None,
            version,
            timezone: text("cron_timezone"),
            launches: on("cron_launches"),
            logs_runs: on("cron_logs_runs"),
            workers: on("cron_workers"),
            preloaded: row.get("cron_preloaded"),
            row_security: row.get("cron_row_security"),
        }),
        (Some(_), _) => Cron::Forbidden,
        (None, Some(database)) if database == row.get::<_, &str>("database") => Cron::NotCreated,
        (None, Some(database)) => Cron::Elsewhere(database),
        (None, None) if !row.get::<_, bool>("cron_available") => Cron::Absent,
        (None, None) if row.get("reads_all_settings") => Cron::NotLoaded,
        (None, None) => Cron::Hidden,
    }
}

#[derive(Deserialize)]
struct Entry {
    oid: Oid,
    #[serde(flatten)]
    name: ViewName,
    owner: String,
    definition: String,
    columns: Vec<Column>,
    unique: Vec<Vec<Indexed>>,
    base_tables: Vec<BaseTable>,
    plain_views: Vec<String>,
    identities: BTreeSet<Identity>,
    below: i64,
    relations: Vec<Oid>,
    names: Vec<NamedRelation>,
    is_simple: bool,
    may_become_owner: bool,
    kind: ViewKind,
    volatile: Vec<String>,
    triggers: Vec<Trigger>,
    can_select: bool,
    can_refresh: bool,
    hides: Option<Hidden>,
    lacks: Vec<Lack>,
}

/// A relation that the comparison reads and this role may not.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Lack {
    #[serde(flatten)]
    name: ViewName,
    usage: bool,
    select: bool,
}

#[derive(Deserialize)]
struct BaseTable {
    oid: Oid,
    name: String,
    is_foreign: bool,
}

/// A column of a unique index; without the operator by which a join can find equal values, it is no key to pair by.
#[derive(Deserialize)]
struct Indexed {
    name: String,
    equals: Option<String>,
}

/// The first of the unique indexes that can pair rows: the time of the refresh tells no row from another.
fn key(unique: Vec<Vec<Indexed>>, refresh_columns: &[String]) -> Vec<KeyColumn> {
    let column = |c: Indexed| {
        let equals = c.equals.filter(|_| !refresh_columns.contains(&c.name))?;
        Some(KeyColumn { name: c.name, equals })
    };
    unique.into_iter().find_map(|index| index.into_iter().map(column).collect()).unwrap_or_default()
}

/// The materialized views with these OIDs, or all of them.
pub async fn views(session: &Session, only: Option<&[Oid]>) -> Result<Vec<View>, Problem> {
    let only: Option<Vec<u32>> = only.map(|oids| oids.iter().map(|o| o.0).collect());
    let parameters: Parameters = &[(&only, Type::OID_ARRAY)];
    let read = || session.read(Limits::CHEAP, VIEWS, parameters);
    let rows = match read().await {
        // A view that is dropped just now makes pg_get_viewdef fail; the next snapshot does not have it any more.
        Err(problem) if problem.text.contains("XX000") => read().await,
        rows => rows,
    }?;
    rows.iter().map(|row| view(row.get(0))).collect()
}

/// The plain view with this OID, described as if it were a materialized one; `None`: it is gone.
pub async fn plain_view(session: &Session, oid: Oid) -> Result<Option<View>, Problem> {
    let sql = VIEWS.replace("c.relkind = 'm'", "c.relkind = 'v'");
    let rows = session.read(Limits::CHEAP, &sql, &[(&[oid.0].as_slice(), Type::OID_ARRAY)]).await?;
    rows.first().map(|row| view(row.get(0))).transpose()
}

fn view(json: &str) -> Result<View, Problem> {
    let entry: Entry = serde_json::from_str(json).map_err(|e| unexpected(&format!("the catalog's answer: {e}")))?;
    let definition = entry.definition.trim().trim_end_matches(';');
    let refresh_columns = refresh_columns(definition, &entry.columns);
    Ok(View {
        oid: entry.oid,
        kind: entry.kind,
        triggers: entry
            .triggers
            .into_iter()
            .filter(|t| trigger_modes(&t.body, t.search_path.as_deref(), &entry.name).next().is_some())
            .collect(),
        name: entry.name,
        owner: entry.owner,
        groups: conventional_groups(&entry.columns),
        volatile: [volatile_calls(definition, &entry.plain_views), entry.volatile].concat(),
        definition: definition.into(),
        columns: entry.columns,
        has_unique_index: !entry.unique.is_empty(),
        key: key(entry.unique, &refresh_columns),
        refresh_columns,
        plain_views: entry.plain_views,
        identities: entry.identities,
        below: entry.below,
        relations: entry.relations,
        names: entry.names,
        is_simple: entry.is_simple,
        may_become_owner: entry.may_become_owner,
        refresher: Refresher::default(),
        reads_clock: false,
        moment: None,
        reads_foreign: entry.base_tables.iter().any(|t| t.is_foreign),
        base_tables: entry.base_tables.iter().map(|t| t.oid).collect(),
        base_names: entry.base_tables.into_iter().map(|t| (t.oid, t.name)).collect(),
        can_select: entry.can_select,
        can_refresh: entry.can_refresh,
        hides: entry.hides,
        lacks: rights(&entry.lacks),
    }
    .clocked())
}

/// The rights that are missing: on schemas, each once, and on relations in one list.
pub(super) fn rights(lacks: &[Lack]) -> Vec<String> {
    let schemas: BTreeSet<&str> = lacks.iter().filter(|l| !l.usage).map(|l| l.name.schema.as_str()).collect();
    let relations: Vec<String> = lacks.iter().filter(|l| !l.select).map(|l| l.name.short()).collect();
    let select = (!relations.is_empty()).then(|| format!("SELECT on {}", relations.join(", ")));
    schemas.into_iter().map(|schema| format!("USAGE on the schema {schema}")).chain(select).collect()
}

/// An answer that this program does not understand: a fault of ours or a server it does not know.
pub fn unexpected(what: &str) -> Problem {
    Problem { kind: ProblemKind::Other, text: format!("not understood: {what}") }
}
