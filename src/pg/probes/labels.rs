//! Reads what the values of group columns are called: from queries of the configuration, from the view's definition.

use tokio_postgres::types::{ToSql, Type};

use crate::domain::groups::{Groups, Labels, add_names};
use crate::domain::reading::Problem;
use crate::domain::text::visible;
use crate::domain::view::View;
use crate::pg::compare;
use crate::pg::look::{ViewLook, ViewReader};
use crate::pg::session::Limits;

/// More labels than this are not read: a column of so many values is no group.
const MOST: usize = 20_000;

/// The labels by column. A query gives two columns: the value, its label.
pub async fn labels(reader: &ViewReader, queries: &[(String, String)], limits: Limits) -> Result<Labels, Problem> {
    let mut labels = Labels::new();
    for (column, query) in queries {
        let sql = format!(
            "SELECT q.value::text, q.label::text FROM ({query}\n) AS q (value, label) WHERE q.value IS NOT NULL LIMIT {MOST}"
        );
        let rows = reader.rows_of_words(limits, &sql).await.map_err(|why| Problem {
            text: format!("the query for the labels of {column} failed: {}", why.text),
            ..why
        })?;
        let named = |row: &tokio_postgres::Row| {
            let label: Option<&str> = row.get(1);
            Some((row.get::<_, &str>(0).into(), visible(label?).into()))
        };
        labels.insert(column.clone(), rows.iter().filter_map(named).collect());
    }
    Ok(labels)
}

/// Asks live for the names of those values that have none yet.
pub(super) async fn complete(
    look: &ViewLook<'_>,
    view: &View,
    groups: &Groups,
    names: &mut Labels,
    limits: Limits,
) -> Result<(), Problem> {
    let unknown = groups.unnamed(&view.groups, names);
    if unknown.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
        unknown.iter().map(|keys| (keys as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
    for row in look.rows(limits, &compare::labels(view), &parameters).await? {
        let (keys, labels): (Vec<Option<String>>, Vec<Option<String>>) = (row.get("groups"), row.get("labels"));
        add_names(names, &view.groups, &keys, &labels);
    }
    Ok(())
}
