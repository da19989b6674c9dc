//! Compares a view with its definition and answers with the flow between groups.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio_postgres::Row;

use super::labels::complete;
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{GroupId, Interner, Labels, add_names};
use crate::domain::matrix::{Comparison, Standing};
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::compare::{flow, is_summed, pairings, sums};
use crate::pg::session::{Limits, Session};

/// The comparison of one view, as far as `scope` looks.
///
/// `last` is the last one since the last refresh, if there is one. It says what the groups are called; and where it
/// found every row in its place, or the same drift as the one before it, both sides are only summed, and no row is paired
/// unless the sums say that this has changed.
pub async fn compare(
    session: &Session,
    view: &View,
    scope: Scope,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<Comparison, Problem> {
    let found = match last.filter(|last| scope == Scope::Groups && is_likely_to_stand(last)) {
        Some(last) => summed(session, view, last, limits).await?,
        None => None,
    };
    let (mut drift, standing, names) = match found {
        Some((drift, standing)) => (drift, standing, Labels::new()),
        None => joined(session, view, scope, last, limits).await?,
    };
    let mut known = last.map_or(names, |last| last.drift.groups.names(&view.groups));
    complete(session, view, &drift.groups, &mut known, limits).await?;
    drift.groups.name(&view.groups, &known);
    Ok(Comparison::of(drift).marked(standing))
}

fn is_likely_to_stand(last: &Comparison) -> bool {
    last.drift.pairing == Pairing::Key
        && (last.totals.misplaced() == 0 || last.standing.is_some_and(|standing| standing.holds))
}

/// The drift of a view of which both sides have the same keys in the same groups, or the same as at the last look; `None`:
/// neither.
async fn summed(
    session: &Session,
    view: &View,
    last: &Comparison,
    limits: Limits,
) -> Result<Option<(Drift, Option<Standing>)>, Problem> {
    let rows = session.read(limits, &sums(view), &[]).await?;
    if rows.iter().any(|row| row.get::<_, i64>("rows") != row.get::<_, i64>("whole")) {
        return Ok(None);
    }
    let mut sides = Sides::default();
    for row in rows.iter().filter(|row| row.get::<_, i64>("rows") > 0) {
        sides.add(row.get("stored"), row.get("groups"), row.get("rows"), row.get("sum"));
    }
    if sides.live != sides.stored {
        let stands = last.standing.filter(|standing| standing.mark == sides.mark());
        return Ok(stands.map(|_| (last.drift.by_groups(), last.standing)));
    }
    let mut groups = Interner::default();
    let mut flow = Vec::new();
    for (keys, sum) in sides.stored {
        let group = Some(groups.intern(&keys, &[]));
        flow.push(Flow { from: group, to: group, rows: sum.rows as u64, changed: 0 });
    }
    Ok(Some((Drift { scope: Scope::Groups, pairing: Pairing::Key, groups: groups.finish(), flow }, None)))
}

/// The groups of either side, each with its sum.
#[derive(Default, Hash)]
struct Sides {
    stored: BTreeMap<Vec<Option<String>>, Sum>,
    live: BTreeMap<Vec<Option<String>>, Sum>,
}

/// How many rows a group has, and the sum of their keys' hashes.
#[derive(Default, Hash, PartialEq)]
struct Sum {
    rows: i64,
    hashes: i128,
}

impl Sides {
    fn add(&mut self, stored: bool, group: Vec<Option<String>>, rows: i64, hashes: Option<&str>) {
        let sum = if stored { &mut self.stored } else { &mut self.live }.entry(group).or_default();
        sum.rows += rows;
        // A sum of 2⁶³ hashes of 64 bits fits.
        sum.hashes += hashes.and_then(|text| text.parse::<i128>().ok()).unwrap_or_default();
    }

    fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// The drift by pairing the rows, and what the view calls its groups, as far as that is not known from the `last` one.
async fn joined(
    session: &Session,
    view: &View,
    scope: Scope,
    last: Option<&Comparison>,
    limits: Limits,
) -> Result<(Drift, Option<Standing>, Labels), Problem> {
    let (pairing, found) = paired(session, view, scope, last, limits).await?;
    let before = last.and_then(|last| last.standing);
    let standing = match found.sides.filter(|_| pairing == Pairing::Key).map(|sides| sides.mark()) {
        Some(mark) => Some(Standing { mark, holds: before.is_none_or(|before| before.mark == mark) }),
        None => before.map(|before| Standing { holds: false, ..before }),
    };
    // A multiset comparison looks at whole rows: nothing can differ that it did not see.
    let scope = if pairing == Pairing::Rows { Scope::Values } else { scope };
    Ok((Drift { scope, pairing, groups: found.groups.finish(), flow: found.flow }, standing, found.names))
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
    /// Both sides by group, where the statement sums them.
    sides: Option<Sides>,
}

impl Found {
    /// Takes a row: rows on both sides, live only, in the view only. The group of the side where a row is not is NULL,
    /// as a group may be, too; so they stand together and are told apart by their counts.
    fn take(&mut self, row: &Row, view: &View, named: bool) {
        let count = |name: &str| row.get::<_, i64>(name);
        let (pairs, stored, live) = (count("pairs"), count("stored"), count("live"));
        let (from, to): (Vec<Option<&str>>, Vec<Option<&str>>) = (row.get("v_groups"), row.get("d_groups"));
        if let Some(sides) = &mut self.sides {
            let texts = |group: &[Option<&str>]| group.iter().map(|key| key.map(str::to_string)).collect();
            for (is_stored, group, rows, sum) in [(true, &from, stored, "v_sum"), (false, &to, live, "d_sum")] {
                if rows > 0 {
                    sides.add(is_stored, texts(group), rows, row.get(sum));
                }
            }
        }
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
        let sides = is_summed(pairing, scope).then(Sides::default);
        let (named, mut found) = (known.is_none(), Found { sides, ..Found::default() });
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
