//! Reads what queries of the configuration call the values of group columns.

use crate::domain::reading::Problem;
use crate::domain::snapshot::Labels;
use crate::domain::text::visible;
use crate::pg::session::{Limits, Session};

/// More labels than this are not read: a column of so many values is no group.
const MOST: usize = 20_000;

/// The labels by column. A query gives two columns: the value, its label.
pub async fn labels(session: &Session, queries: &[(String, String)], limits: Limits) -> Result<Labels, Problem> {
    let mut labels = Labels::new();
    for (column, query) in queries {
        let sql = format!(
            "SELECT q.value::text, q.label::text FROM ({query}\n) AS q (value, label) WHERE q.value IS NOT NULL LIMIT {MOST}"
        );
        let rows = session.read(limits, &sql, &[]).await.map_err(|why| Problem {
            text: format!("the query for the labels of {column} failed: {}", why.text),
            ..why
        })?;
        let named = |row: &tokio_postgres::Row| {
            let label: Option<&str> = row.get(1);
            Some((row.get(0), visible(label?).into_owned()))
        };
        labels.insert(column.clone(), rows.iter().filter_map(named).collect());
    }
    Ok(labels)
}
