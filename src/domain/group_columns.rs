//! The columns by which a view's rows may be counted, the likeliest first.

use super::snapshot::{ColumnValues, ValuesSource, ViewState};
use super::view::Column;

/// A column of more values than this makes a list that nobody reads.
pub const MANY: u64 = 200;

/// May people think in this column's values? Counts, sums, times and documents are measured, not belonged to.
fn is_category(column: &Column) -> bool {
    let kind = column.data_type.split(['(', ' ']).next().unwrap_or_default();
    match kind {
        // A count is a bigint, and so are many keys.
        "bigint" => column.name.to_lowercase().ends_with("id"),
        "numeric" | "real" | "double" | "money" | "timestamp" | "date" | "time" | "interval" => false,
        "json" | "jsonb" | "xml" | "bytea" | "tsvector" => false,
        _ => !column.data_type.ends_with("[]"),
    }
}

/// The columns by which the view's rows are likely counted, the likeliest first.
pub fn likely(view: &ViewState) -> Vec<ColumnValues> {
    listed(view).into_iter().filter(|c| rank(view, c).0 == 0).collect()
}

/// How far down in the list: few values before many, then those that are the same in every row, then what is measured,
/// then the key and the time of the refresh.
fn rank(view: &ViewState, column: &ColumnValues) -> (u8, u64) {
    let name = &column.name;
    let is_unique = view.view.key.iter().any(|k| k.name == *name) || view.view.refresh_columns.contains(name);
    let is_measured = view.view.columns.iter().any(|c| c.name == *name && !is_category(c));
    match column.values {
        _ if is_unique => (5, 0),
        values if is_measured => (4, values.unwrap_or(u64::MAX)),
        Some(values @ 2..=MANY) => (0, values),
        None => (1, 0),
        Some(values @ 2..) => (2, values),
        Some(values) => (3, values),
    }
}

/// The view's columns with their values, the likely ones first.
pub fn listed(view: &ViewState) -> Vec<ColumnValues> {
    let known = view.columns.value();
    let unknown = |name: &String| ColumnValues { name: name.clone(), values: None, source: ValuesSource::Statistics };
    let mut columns: Vec<ColumnValues> = match known {
        Some(columns) => (**columns).clone(),
        None => view.view.columns.iter().map(|c| unknown(&c.name)).collect(),
    };
    columns.sort_by_key(|c| rank(view, c));
    columns
}
