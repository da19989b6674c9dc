//! Reads when a view was refreshed, as far as the view and the server say, and how large it is.

use postgres_protocol::escape::escape_identifier;
use tokio_postgres::types::Type;

use crate::domain::freshness::Stamp;
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::catalog::unexpected;
use crate::pg::compare::qualified;
use crate::pg::session::{Limits, Session};

/// The query: `$1` is the view's OID. Every row carries the same time, so one row is enough.
fn sql(view: &View, populated: bool) -> String {
    let (name, can_read) = (qualified(&view.name), populated && view.can_select && !view.is_plain());
    let column = match view.refresh_column().filter(|_| can_read) {
        Some(column) => format!("(SELECT {} FROM {name} LIMIT 1)", escape_identifier(column)),
        None => "NULL::timestamptz".into(),
    };
    // Where a column tells, the rows need not be searched.
    let rows = match can_read && view.refresh_column().is_none() {
        true => format!("EXISTS (SELECT FROM {name} AS v WHERE v.xmin = c.xmin)"),
        false => "false".into(),
    };
    include_str!("../sql/stamp.sql").replace("/* column */ NULL", &column).replace("/* rows */ false", &rows)
}

/// The times and the size of one view.
pub async fn stamp(session: &Session, view: &View, populated: bool) -> Result<Stamp, Problem> {
    let rows = session.read(Limits::CHEAP, &sql(view, populated), &[(&view.oid.0, Type::OID)]).await?;
    let row = rows.first().ok_or_else(|| unexpected("the view is not in the catalog any more"))?;
    Ok(Stamp {
        column: row.get("refreshed"),
        committed: row.get("committed"),
        bytes: row.get("bytes"),
        estimated_rows: row.get("estimated_rows"),
    })
}
