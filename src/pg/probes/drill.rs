//! Reads the drifted rows of one ejecutivo: first which rows, then their values a page at a time.

use tokio_postgres::types::Type;

use crate::domain::drift::{Kind, Scope};
use crate::domain::groups::Groups;
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
    let (pairing, _) = super::compare::paired(session, view, Scope::Groups, false, limits).await?;
    let member = target.member.clone().flatten();
    let most = DrillIndex::LIMIT as i64;
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&member, Type::TEXT), (&most, Type::INT8)];
    let rows = session.read(limits, &drifted(view, pairing, target.member.is_some()), &parameters).await?;
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

/// The values of the rows with these keys, in their order. A row compared as a whole has no key to look it up by: its
/// values are not given.
pub async fn page(session: &Session, view: &View, keys: &[String], limits: Limits) -> Result<Vec<RowDetail>, Problem> {
    let mut details = vec![RowDetail::default(); keys.len()];
    if view.key.is_empty() {
        return Ok(details);
    }
    for row in session.read(limits, &values(view), &[(&keys, Type::TEXT_ARRAY)]).await? {
        let detail = &mut details[row.get::<_, i64>("place") as usize - 1];
        let side = if row.get("stored") { &mut detail.view } else { &mut detail.live };
        let texts: Vec<Option<String>> = row.get("row");
        let values = texts.into_iter().map(serde_json::Value::from);
        *side = Some(view.compared().map(|c| c.name.clone()).zip(values).collect());
    }
    Ok(details)
}
