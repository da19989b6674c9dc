//! Compares a view with its definition and answers with the flow between groups.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::labels::complete;
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{GroupId, Interner, Labels, add_names};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::compare::{flow, pairings, sums};
use crate::pg::session::{Limits, Session};

/// The comparison of one view, as far as `scope` looks.
///
/// `last` is the last one since the last refresh, if there is one. It says what the groups are called; and where it
/// found every row in its place both sides are only summed, and no row is paired unless the sums differ.
pub async fn compare(
    session: &Session,
    view: &View,
    scope: Scope,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<Comparison, Problem> {
    let was_true = last.is_some_and(|last| last.drift.pairing == Pairing::Key && last.totals.misplaced() == 0);
    let summed = if scope == Scope::Groups && was_true { summed(session, view, limits).await? } else { None };
    let (mut drift, names) = match summed {
        Some(drift) => (drift, Labels::new()),
        None => joined(session, view, scope, last, limits).await?,
    };
    let mut known = last.map_or(names, |last| last.drift.groups.names(&view.groups));
    complete(session, view, &drift.groups, &mut known, limits).await?;
    drift.groups.name(&view.groups, &known);
    Ok(Comparison::of(drift))
}

/// The drift of a view of which both sides have the same keys in the same groups; `None`: they have not.
async fn summed(session: &Session, view: &View, limits: Limits) -> Result<Option<Drift>, Problem> {
    let rows = session.read(limits, &sums(view), &[]).await?;
    let mut sides = [true, false].map(|stored| {
        let side = rows.iter().filter(|row| row.get::<_, bool>("stored") == stored);
        side.map(|row| (row.get("groups"), (row.get("rows"), row.get("whole"), row.get("sum"))))
            .collect::<BTreeMap<Vec<Option<String>>, (i64, i64, Option<String>)>>()
    });
    let has_whole_keys = sides[0].values().all(|(rows, whole, _)| rows == whole);
    if !has_whole_keys || sides[0] != sides[1] {
        return Ok(None);
    }
    let mut groups = Interner::default();
    let mut flow = Vec::new();
    for (keys, (rows, ..)) in std::mem::take(&mut sides[0]).into_iter().filter(|(_, (rows, ..))| *rows > 0) {
        let group = Some(groups.intern(&keys, &[]));
        flow.push(Flow { from: group, to: group, rows: rows as u64, changed: 0 });
    }
    Ok(Some(Drift { scope: Scope::Groups, pairing: Pairing::Key, groups: groups.finish(), flow }))
}

/// The drift by pairing the rows, and what the view calls its groups, as far as that is not known from the `last` one.
async fn joined(
    session: &Session,
    view: &View,
    scope: Scope,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<(Drift, Labels), Problem> {
    let (pairing, found) = paired(session, view, scope, last, limits).await?;
    // A multiset comparison looks at whole rows: nothing can differ that it did not see.
    let scope = if pairing == Pairing::Rows { Scope::Values } else { scope };
    Ok((Drift { scope, pairing, groups: found.groups.finish(), flow: found.flow }, found.names))
}

/// What a flow's statement brought, taken row by row.
#[derive(Default)]
pub(super) struct Found {
    groups: Interner,
    flow: Vec<Flow>,
    names: Labels,
    /// How often rows of the view stand in the flow.
    stored: i64,
    /// How many rows the view's keys tell apart.
    identities: i64,
    /// How many of its rows have a key that holds a NULL and pairs with nothing.
    partial: i64,
}

impl Found {
    /// Takes a row: rows on both sides, live only, in the view only. The group of the side where a row is not is NULL,
    /// as a group may be, too; so they stand together and are told apart by their counts.
    fn take(&mut self, row: &Row, view: &View, named: bool) {
        let count = |name: &str| row.get::<_, i64>(name);
        let (pairs, stored, live) = (count("pairs"), count("stored"), count("live"));
        let (from, to): (Vec<Option<&str>>, Vec<Option<&str>>) = (row.get("v_groups"), row.get("d_groups"));
        if named && stored > 0 {
            add_names(&mut self.names, &view.groups, &from, &row.get::<_, Vec<_>>("v_labels"));
        }
        let mut group =
            |keys: &[Option<&str>], rows: i64| -> Option<GroupId> { (rows > 0).then(|| self.groups.intern(keys, &[])) };
        let (from, to) = (group(&from, stored), group(&to, live));
        let flow = |from, to, rows: i64, changed: i64| Flow { from, to, rows: rows as u64, changed: changed as u64 };
        let flows = [
            flow(from, to, stored + live - pairs, count("changed")),
            flow(None, to, pairs - stored, 0),
            flow(from, None, pairs - live, 0),
        ];
        self.flow.extend(flows.into_iter().filter(|flow| flow.rows > 0));
        self.stored += stored;
        self.partial += count("partial");
        if named {
            self.identities = count("identities");
        }
    }
}

/// The flow by the first pairing that holds for the rows as they are now. What only a refresh changes is known from the
/// `last` comparison since then, if that paired in the same way.
pub(super) async fn paired(
    session: &Session,
    view: &View,
    scope: Scope,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<(Pairing, Found), Problem> {
    let mut outcome = (Pairing::Rows, Found::default());
    let mut has_nulls = true;
    for &pairing in pairings(view, last.map(|last| last.drift.pairing)) {
        let known = last.filter(|last| last.drift.pairing == pairing).map(|last| last.totals.view as i64);
        let (named, mut found) = (known.is_none(), Found::default());
        session.each(limits, &flow(view, pairing, scope, named), &[], |row| found.take(&row, view, named)).await?;
        let paired_once = found.partial == 0 && found.stored == known.unwrap_or(found.identities);
        if pairing == Pairing::Key {
            has_nulls = found.partial > 0;
        }
        // Without a NULL both are the same; live may have had a key twice for a moment.
        outcome = (if pairing == Pairing::KeyWithNulls && !has_nulls { Pairing::Key } else { pairing }, found);
        if paired_once || pairing == Pairing::Rows {
            break;
        }
    }
    Ok(outcome)
}
