//! Reads the drifted rows of one ejecutivo: first which rows, then their values a page at a time.

use tokio_postgres::types::Type;

use crate::domain::drift::{Groups, Kind};
use crate::domain::reading::Problem;
use crate::domain::snapshot::{DriftRow, DrillIndex, DrillTarget, RowDetail};
use crate::domain::view::View;
use crate::pg::compare::{drifted, values};
use crate::pg::session::{Limits, Session};

/// Which rows drifted: kind, groups and key of each.
pub async fn index(
    session: &Session,
    view: &View,
    target: &DrillTarget,
    limits: Limits,
) -> Result<DrillIndex, Problem> {
    let member = target.member.clone().flatten();
    let most = DrillIndex::LIMIT as i64;
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&member, Type::TEXT), (&most, Type::INT8)];
    let rows = session.read(limits, &drifted(view, target.member.is_some()), &parameters).await?;
    let mut groups = Groups::default();
    let total = rows.first().map_or(0, |row| row.get::<_, i64>("total") as u64);
    let rows: Vec<DriftRow> = rows
        .iter()
        .map(|row| {
            let (from, to) = (super::group(row, 'v', &mut groups), super::group(row, 'd', &mut groups));
            let kind = match (from, to) {
                (None, _) => Kind::Missing,
                (_, None) => Kind::Gone,
                (from, to) if from != to => Kind::Moved,
                _ => Kind::Changed,
            };
            DriftRow { kind, from, to, key: row.get::<_, &str>("key").into() }
        })
        .collect();
    let left_out = total - rows.len() as u64;
    Ok(DrillIndex { groups: groups.finish(), rows, left_out })
}

/// The values of the rows with these keys, in their order. A view without a key has none to look up by.
pub async fn page(session: &Session, view: &View, keys: &[String], limits: Limits) -> Result<Vec<RowDetail>, Problem> {
    if view.key.is_empty() {
        return Ok(vec![RowDetail::default(); keys.len()]);
    }
    let rows = session.read(limits, &values(view), &[(&keys, Type::TEXT_ARRAY)]).await?;
    let object = |json: Option<&str>| {
        let mut values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json?).ok()?;
        // The time of the refresh differs in every row and says nothing about this one.
        values.retain(|column, _| !view.refresh_columns.contains(column));
        Some(values)
    };
    Ok(rows.iter().map(|r| RowDetail { view: object(r.get("in_view")), live: object(r.get("live")) }).collect())
}
