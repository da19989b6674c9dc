//! Reads how many different values each column of a view has: from the planner's statistics where they can be read, else
//! counted over the first rows.

use std::collections::HashMap;

use postgres_protocol::escape::escape_identifier as quote;
use tokio_postgres::types::Type;

use crate::domain::reading::Problem;
use crate::domain::snapshot::{ColumnValues, ValuesSource};
use crate::domain::view::View;
use crate::pg::compare::qualified;
use crate::pg::look::{Query, ViewLook, ViewReader};
use crate::pg::session::Limits;

/// How many rows are counted where there are no statistics.
const FIRST: u64 = 5_000;

/// Each column with its number of values, in the view's order.
pub async fn columns(reader: &ViewReader, view: &View, limits: Limits) -> Result<Vec<ColumnValues>, Problem> {
    let session = reader.session().await?;
    let rows = session.read(Limits::CHEAP, include_str!("../sql/columns.sql"), &[(&view.oid.0, Type::OID)]).await?;
    let known: HashMap<&str, u64> =
        rows.iter().filter_map(|row| Some((row.get("name"), row.get::<_, Option<f64>>("values")? as u64))).collect();
    let unknown: Vec<&str> =
        view.columns.iter().map(|c| c.name.as_str()).filter(|name| !known.contains_key(name)).collect();
    let counted = if unknown.is_empty() || !view.can_select {
        HashMap::new()
    } else {
        count(&reader.look(view).await?, &unknown, limits).await?
    };
    let values = |name: &str| match known.get(name) {
        Some(&values) => (Some(values), ValuesSource::Statistics),
        None => (counted.get(name).copied(), ValuesSource::First(FIRST)),
    };
    let column = |name: &String| {
        let (values, source) = values(name);
        ColumnValues { name: name.clone(), values, source }
    };
    Ok(view.columns.iter().map(|c| column(&c.name)).collect())
}

/// Counted as text, for json and point have no equality.
fn query(view: &View, columns: &[&str]) -> Query {
    let names: Vec<String> = columns.iter().map(|name| quote(name)).collect();
    let counts: Vec<String> = names.iter().map(|name| format!("count(DISTINCT {name}::text)")).collect();
    let sql = format!(
        "SELECT ARRAY[{}] AS counts FROM (SELECT {} FROM {} LIMIT {FIRST}) AS first_rows",
        counts.join(", "),
        names.join(", "),
        qualified(&view.name)
    );
    Query { sql, columns: vec![("counts", "bigint[]")] }
}

async fn count<'a>(look: &ViewLook<'_>, columns: &[&'a str], limits: Limits) -> Result<HashMap<&'a str, u64>, Problem> {
    let rows = look.rows(limits, &query(&look.view(), columns), &[]).await?;
    let counts: Vec<i64> = rows.first().map(|row| row.get(0)).unwrap_or_default();
    Ok(columns.iter().copied().zip(counts.into_iter().map(|n| n as u64)).collect())
}
