//! Reads when a view was refreshed, as far as the view and the server say, and how large it is.

use postgres_protocol::escape::escape_identifier;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::domain::freshness::Stamp;
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::catalog::unexpected;
use crate::pg::compare::qualified;
use crate::pg::look::{Query, ViewReader};
use crate::pg::session::{Limits, Parameters};

/// The query: `$1` is the view's OID. Every row carries the same time, so one row is enough.
fn query(view: &View, can_read: bool) -> Query {
    let name = qualified(&view.name);
    let column = match view.refresh_column().filter(|_| can_read) {
        Some(column) => format!("(SELECT {} FROM {name} LIMIT 1)", escape_identifier(column)),
        None => "NULL::timestamptz".into(),
    };
    // Where a column tells, the rows need not be searched.
    let rows = match can_read && view.refresh_column().is_none() {
        true => format!("EXISTS (SELECT FROM {name} AS v WHERE v.xmin = c.xmin)"),
        false => "false".into(),
    };
    let sql = include_str!("../sql/stamp.sql").replace("/* column */ NULL", &column).replace("/* rows */ false", &rows);
    let columns = vec![
        ("refreshed", "timestamptz"),
        ("committed", "timestamptz"),
        ("bytes", "bigint"),
        ("estimated_rows", "bigint"),
    ];
    Query { sql, columns }
}

/// The times and the size of one view. Where it is not looked at, what the catalogs say of it.
pub async fn stamp(reader: &ViewReader, view: &View, populated: bool) -> Result<Stamp, Problem> {
    if populated && view.can_select && !view.is_plain() && view.has_definition() {
        match of_rows(reader, view).await {
            Err(problem) if problem.kind.is_refusal() => {}
            stamp => return stamp,
        }
    }
    let parameters: Parameters = &[(&view.oid.0, Type::OID)];
    of(&reader.session().await?.read(Limits::CHEAP, &query(view, false).sql, parameters).await?)
}

/// With what its rows tell. Whoever may not look at its definition may still read them.
async fn of_rows(reader: &ViewReader, view: &View) -> Result<Stamp, Problem> {
    let query = query(view, true);
    let looked = match reader.look(view).await {
        Ok(look) => look.rows(Limits::CHEAP, &query, &[(&view.oid.0, Type::OID)]).await,
        Err(problem) => Err(problem),
    };
    match looked {
        Err(problem) if problem.kind.is_refusal() => {
            of(&reader.rows_of_words(Limits::CHEAP, &query.sql.replace("$1::oid", &view.oid.0.to_string())).await?)
        }
        rows => of(&rows?),
    }
}

fn of(rows: &[Row]) -> Result<Stamp, Problem> {
    let row = rows.first().ok_or_else(|| unexpected("the view is not in the catalog any more"))?;
    Ok(Stamp {
        column: row.get("refreshed"),
        committed: row.get("committed"),
        bytes: row.get("bytes"),
        estimated_rows: row.get("estimated_rows"),
    })
}
