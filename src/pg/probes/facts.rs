//! Reads what the fixes of a view must know: rights, the pieces to put back, and how long a typical query takes.

use std::time::Duration;

use postgres_protocol::escape::{escape_identifier as quote, escape_literal};
use tokio_postgres::types::{ToSql, Type};

use crate::domain::fix::{Dashboard, Facts, Rights, Timing, WayBack};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::View;
use crate::pg::catalog::unexpected;
use crate::pg::compare::{live, qualified};
use crate::pg::fix::{MEANS, SAME};
use crate::pg::look::{Query, ViewLook, ViewReader};
use crate::pg::session::{Limits, Session};

/// A query that takes longer is given up: nobody would wait for it in a dashboard.
const PATIENCE: Limits = Limits::new(Duration::from_secs(2), Duration::from_millis(500), false);

/// Rows enough for a mean width.
const SAMPLE: u32 = 1_000;

/// Reads them. What cannot be measured stays unknown; only the rights and the pieces must be had.
pub async fn facts(reader: &ViewReader, view: &View, populated: bool) -> Result<Facts, Problem> {
    let session = &*reader.session().await?;
    let tables: Vec<u32> = view.base_tables.iter().map(|t| t.0).collect();
    let becomes = if view.is_plain() { "MATERIALIZED VIEW" } else { "VIEW" };
    let rights: [(&(dyn ToSql + Sync), Type); 2] = [(&view.oid.0, Type::OID), (&tables, Type::OID_ARRAY)];
    let pieces: [(&(dyn ToSql + Sync), Type); 2] = [(&view.oid.0, Type::OID), (&becomes, Type::TEXT)];
    // What is not compared has no prices: they would run the same code.
    let look = match view.has_definition() {
        true => reader.look(view).await.ok(),
        false => None,
    };
    let reads = look.as_ref().filter(|_| populated && view.can_select);
    let means = MEANS.replace("{relation}", "r.oid").replace("{itself}", "v.oid");
    let asked = include_str!("../sql/fix_pieces.sql").replace("{same}", &SAME.replace("{oid}", "$1::oid"));
    let asked = asked.replace("{means}", &means);
    let mut rights: Rights = document(session, include_str!("../sql/fix_facts.sql"), &rights).await?;
    rights.roles_left = roles_left(session, &rights).await?;
    let code = document(
        session,
        include_str!("../sql/fix_code.sql"),
        &[(&view.oid.0, Type::OID), (&reader.trusted_owners(), Type::TEXT_ARRAY)],
    )
    .await?;
    let is_unique = view.has_unique_index || view.is_plain();
    Ok(Facts {
        unique: match &look {
            Some(look) if !is_unique => unique(look, &rights.indexable).await,
            _ => Vec::new(),
        },
        rights,
        code,
        pieces: document(session, &asked, &pieces).await?,
        dashboard: match reads {
            Some(look) => dashboard(look).await,
            None => None,
        },
        row_bytes: match reads {
            Some(look) => row_bytes(look).await,
            None => None,
        },
    })
}

/// Of the roles that the way back names, those that there still are.
async fn roles_left(session: &Session, rights: &Rights) -> Result<Vec<String>, Problem> {
    let way_back = rights.way_back.as_deref().and_then(WayBack::read).unwrap_or_default();
    let named: Vec<String> = way_back.grants.into_iter().filter_map(|g| g.grantee).collect();
    if named.is_empty() {
        return Ok(named);
    }
    let sql = "SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[])";
    let rows = session.read(Limits::CHEAP, sql, &[(&named, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn document<T: serde::de::DeserializeOwned>(
    session: &Session,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<T, Problem> {
    let rows = session.read(Limits::CHEAP, sql, parameters).await?;
    let row = rows.first().ok_or_else(|| unexpected("the view is not in the catalog any more"))?;
    serde_json::from_str(row.get(0)).map_err(|e| unexpected(&format!("the facts of a fix: {e}")))
}

async fn row_bytes(look: &ViewLook<'_>) -> Option<f64> {
    let name = qualified(&look.view().name);
    let sql =
        format!("SELECT avg(pg_column_size(v.*))::float8 AS bytes FROM (SELECT * FROM {name} LIMIT {SAMPLE}) AS v");
    let query = Query { sql, columns: vec![("bytes", "double precision")] };
    look.rows(PATIENCE, &query, &[]).await.ok()?.first()?.get(0)
}

/// `WHERE <first group column> = <its most frequent value>` on both, each the better of two tries.
async fn dashboard(look: &ViewLook<'_>) -> Option<Dashboard> {
    let view = look.view();
    let column = view.groups.first()?.column.clone();
    let (name, quoted) = (qualified(&view.name), quote(&column));
    let frequent = format!(
        "SELECT {quoted}::text AS value FROM {name} WHERE {quoted} IS NOT NULL GROUP BY {quoted} ORDER BY count(*) DESC LIMIT 1"
    );
    let rows = look.rows(PATIENCE, &Query { sql: frequent, columns: vec![("value", "text")] }, &[]).await.ok()?;
    let value = escape_literal(rows.first()?.get(0));
    let stored = timed(look, &format!("SELECT * FROM {name} WHERE {quoted} = {value}")).await?;
    let live = timed(look, &format!("SELECT * FROM {} WHERE {quoted} = {value}", live(&view))).await?;
    Some(Dashboard { column, view: stored, live })
}

async fn timed(look: &ViewLook<'_>, sql: &str) -> Option<Timing> {
    let first = ran(look, sql).await?;
    match first {
        Timing::Over(_) => Some(first),
        Timing::Took(first) => Some(match ran(look, sql).await? {
            Timing::Took(second) => Timing::Took(first.min(second)),
            over => over,
        }),
    }
}

/// The server's own time for running it, without the way to us and back: EXPLAIN would not run where the definition is contained.
async fn ran(look: &ViewLook<'_>, sql: &str) -> Option<Timing> {
    let sql = format!(
        "SELECT extract(epoch FROM t.ended - t.began)::float8 AS seconds FROM (SELECT clock_timestamp() AS began, \
         (SELECT count(r) FROM ({sql}) AS r) AS rows, clock_timestamp() AS ended OFFSET 0) AS t WHERE t.rows >= 0"
    );
    match look.rows(PATIENCE, &Query { sql, columns: vec![("seconds", "double precision")] }, &[]).await {
        Ok(rows) => Some(Timing::Took(Duration::from_secs_f64(rows.first()?.get::<_, f64>(0).max(0.0)))),
        Err(problem) if problem.kind == ProblemKind::Timeout => Some(Timing::Over(PATIENCE.statement)),
        Err(_) => None,
    }
}

/// Columns that are unique and never NULL in the definition's rows, then pairs of the most selective ones.
async fn unique(look: &ViewLook<'_>, indexable: &[String]) -> Vec<Vec<String>> {
    let view = look.view();
    let names: Vec<String> = indexable.iter().filter(|c| !view.refresh_columns.contains(c)).cloned().collect();
    let singles: Vec<Vec<String>> = names.iter().map(|n| vec![n.clone()]).collect();
    let Some((rows, distinct)) = distinct(look, &singles).await else { return Vec::new() };
    let found: Vec<Vec<String>> =
        singles.iter().zip(&distinct).filter(|(_, n)| **n == rows).map(|(c, _)| c.clone()).collect();
    if !found.is_empty() {
        return found;
    }
    let mut by_count: Vec<(i64, &String)> = distinct.iter().copied().zip(&names).collect();
    by_count.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let best: Vec<&String> = by_count.iter().take(5).map(|(_, name)| *name).collect();
    let pairs: Vec<Vec<String>> = (0..best.len())
        .flat_map(|i| (i + 1..best.len()).map(move |j| (i, j)))
        .map(|(i, j)| vec![best[i].clone(), best[j].clone()])
        .collect();
    let Some((rows, distinct_pairs)) = self::distinct(look, &pairs).await else { return Vec::new() };
    pairs.into_iter().zip(distinct_pairs).filter(|(_, n)| *n == rows).map(|(c, _)| c).collect()
}

/// How many rows the definition gives, and for each set of columns how many different combinations without NULL.
async fn distinct(look: &ViewLook<'_>, sets: &[Vec<String>]) -> Option<(i64, Vec<i64>)> {
    let counts = sets.iter().map(|set| {
        let list = set.iter().map(|c| quote(c)).collect::<Vec<_>>();
        let filled = list.iter().map(|c| format!("{c} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        format!("count(DISTINCT ({})) FILTER (WHERE {filled})", list.join(", "))
    });
    let counts: Vec<String> = counts.collect();
    let sql =
        format!("SELECT count(*) AS rows, ARRAY[{}]::int8[] AS sets FROM {}", counts.join(", "), live(&look.view()));
    let query = Query { sql, columns: vec![("rows", "bigint"), ("sets", "bigint[]")] };
    let limits = Limits { statement: Duration::from_secs(10), ..PATIENCE };
    let rows = look.rows(limits, &query, &[]).await.ok()?;
    Some((rows.first()?.get(0), rows.first()?.get(1)))
}
