//! Reads the drifted rows of one ejecutivo: first which rows, then their values a page at a time.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::domain::drift::{Flow, Kind, Scope};
use crate::domain::groups::{GroupId, Interner};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::snapshot::{DriftRow, Drill, DrillIndex, DrillTarget, RowDetail};
use crate::pg::compare::{beginning, drifted, values};
use crate::pg::look::ViewLook;
use crate::pg::session::Limits;

/// Which rows drifted: kind, groups and key of each. `last` is a comparison since which nothing moved, if there is one:
/// then how rows are paired need not be found out again.
pub async fn index(
    look: &ViewLook<'_>,
    target: &DrillTarget,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<DrillIndex, Problem> {
    let view = &*look.view();
    let limits = limits.of(view);
    let pairing = match last {
        Some(last) => last.drift.pairing,
        None => super::compare::paired(look, view, Scope::Groups, None, limits).await?.0,
    };
    let member = target.member.as_ref().and_then(|member| member.as_deref());
    let most = DrillIndex::LIMIT as i64;
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&member, Type::TEXT), (&most, Type::INT8)];
    let (mut groups, mut rows, mut total) = (Interner::default(), Vec::new(), 0);
    let fit = last.is_some_and(|last| last.totals.view + last.totals.live <= DrillIndex::LIMIT as u64);
    let sql = drifted(view, pairing, target.member.is_some(), fit);
    let take = |row: Row| {
        total = row.get::<_, i64>("total") as u64;
        rows.push(drift_row(&row, &mut groups));
    };
    look.each(limits, &sql, &parameters, take).await?;
    let left_out = if fit { 0 } else { total - rows.len() as u64 };
    let mut groups = groups.finish();
    if let Some(last) = last.filter(|_| fit) {
        groups.name(&view.groups, &last.drift.groups.names(&view.groups));
    }
    let mut index = DrillIndex { groups, rows, left_out, is_beginning: false };
    index.sort();
    Ok(index)
}

/// The rows that such a list begins with: the first page of one flow of the `last` comparison's. They are known long
/// before all are, for the others need neither be paired nor told. The comparison paired by
/// [`Pairing::Key`](crate::domain::drift::Pairing::Key): where a key may be NULL the list may begin with such a key.
pub async fn first(look: &ViewLook<'_>, last: &Comparison, flow: Flow, limits: Limits) -> Result<DrillIndex, Problem> {
    let view = &*look.view();
    let groups = last.drift.groups.clone();
    let keys = |id: Option<GroupId>| id.map_or_else(Vec::new, |id| groups.get(id).keys());
    let (from, to, most) = (keys(flow.from), keys(flow.to), Drill::PAGE as i64);
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
        [(&from, Type::TEXT_ARRAY), (&to, Type::TEXT_ARRAY), (&most, Type::INT8)];
    let found = look.rows(limits.of(view), &beginning(view), &parameters).await?;
    let row =
        |row: &Row| DriftRow { kind: Kind::Moved, from: flow.from, to: flow.to, key: row.get::<_, &str>(0).into() };
    let rows = found.iter().map(row).collect();
    Ok(DrillIndex { groups, rows, left_out: 0, is_beginning: true })
}

fn drift_row(row: &Row, groups: &mut Interner) -> DriftRow {
    let (from, to) = (super::group(row, 'v', groups), super::group(row, 'd', groups));
    let kind = match (from, to) {
        (None, _) => Kind::Missing,
        (_, None) => Kind::Gone,
        (from, to) if from != to => Kind::Moved,
        _ => Kind::Changed,
    };
    DriftRow { kind, from, to, key: row.get::<_, &str>("key").into() }
}

/// The values of the rows with these keys, in their order. A row compared as a whole has no key to look it up by: its
/// values are not given.
pub async fn page(look: &ViewLook<'_>, keys: &[String], limits: Limits) -> Result<Vec<RowDetail>, Problem> {
    let view = &*look.view();
    let mut details = vec![RowDetail::default(); keys.len()];
    if view.key.is_empty() {
        return Ok(details);
    }
    for row in look.rows(limits.of(view), &values(view), &[(&keys, Type::TEXT_ARRAY)]).await? {
        let detail = &mut details[row.get::<_, i64>("place") as usize - 1];
        let side = if row.get("stored") { &mut detail.view } else { &mut detail.live };
        let texts: Vec<Option<String>> = row.get("row");
        let values = texts.into_iter().map(serde_json::Value::from);
        *side = Some(view.compared().map(|c| c.name.clone()).zip(values).collect());
    }
    Ok(details)
}
