//! Compares a view with its definition and answers with the flow between groups.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use tokio_postgres::Row;

use super::labels::complete;
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{GroupId, Interner, Labels, add_names};
use crate::domain::matrix::{Comparison, Standing};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::{Hidden, View};
use crate::pg::compare::{flow, is_summed, pairings, sums as sums_of};
use crate::pg::session::{Limits, Session};

/// What was seen of a view before it is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Before {
    /// It was not compared yet.
    Nothing,
    /// It was, but then it was refreshed: it is likely to be true.
    Refreshed,
    /// The last comparison since its last refresh.
    Compared(Arc<Comparison>),
}

impl Before {
    fn comparison(&self) -> Option<&Comparison> {
        if let Before::Compared(last) = self { Some(last) } else { None }
    }

    /// Is every row likely to be in its place, or the drift to be the same as at the last look?
    fn is_likely_to_stand(&self, view: &View) -> bool {
        match self {
            Before::Nothing => false,
            Before::Refreshed => !view.key.is_empty(),
            Before::Compared(last) => {
                last.drift.pairing == Pairing::Key
                    && (last.totals.misplaced() == 0 || last.standing.is_some_and(|standing| standing.holds))
            }
        }
    }
}

/// What only a refresh changes.
pub(super) struct Known {
    /// How rows pair.
    pairing: Pairing,
    /// How many rows the view has.
    rows: u64,
    /// What it calls its groups.
    names: Labels,
}

impl Known {
    fn of(view: &View, last: &Comparison) -> Known {
        let names = last.drift.groups.names(&view.groups);
        Known { pairing: last.drift.pairing, rows: last.totals.view, names }
    }
}

/// The comparison of one view, as far as `scope` looks.
///
/// Where rows are likely to be where they were, both sides are only summed, and no row is paired unless the sums say that
/// it is not so.
pub async fn compare(
    session: &Session,
    view: &View,
    scope: Scope,
    before: &Before,
    limits: Limits,
) -> Result<Comparison, Problem> {
    if let Some(Hidden { table, role }) = &view.hides {
        let text = format!("row security of {table} binds {role}");
        return Err(Problem { kind: ProblemKind::RowSecurity, text });
    }
    let limits = limits.of(view);
    let last = before.comparison();
    let mut known = last.map(|last| Known::of(view, last));
    let mut found = None;
    if scope == Scope::Groups && before.is_likely_to_stand(view) {
        let (settled, summed) = Sums::read(session, view, known.is_none(), limits).await?.settle(last);
        (found, known) = (settled, known.or(summed));
    }
    let (mut drift, standing, joined) = match found {
        Some((drift, standing)) => (drift, standing, Found::default()),
        None => joined(session, view, scope, (last, known.as_ref()), limits).await?,
    };
    let mut names = known.map_or(joined.names, |known| known.names);
    complete(session, view, &drift.groups, &mut names, limits).await?;
    drift.groups.name(&view.groups, &names);
    Ok(Comparison::of(drift).marked(standing).with_key_twice(joined.has_key_twice))
}

/// Both sides summed by group, and the flow if every row is in its place.
#[derive(Default)]
struct Sums {
    mark: Mark,
    in_place: Vec<Flow>,
    groups: Interner,
    names: Labels,
    rows: u64,
    /// Does the key of some row of the view hold a NULL? Then the sums tell nothing.
    is_partial: bool,
}

impl Sums {
    async fn read(session: &Session, view: &View, named: bool, limits: Limits) -> Result<Sums, Problem> {
        let mut sums = Sums::default();
        session.each(limits, &sums_of(view, named), &[], |row| sums.take(&row, view, named)).await?;
        Ok(sums)
    }

    fn take(&mut self, row: &Row, view: &View, named: bool) {
        let (stored, rows, keys): (bool, i64, Vec<Option<&str>>) =
            (row.get("stored"), row.get("rows"), row.get("groups"));
        self.mark.add(usize::from(!stored), &keys, rows, row.get("sum"));
        if !stored || rows == 0 {
            return;
        }
        self.is_partial |= rows != row.get::<_, i64>("whole");
        self.rows += rows as u64;
        let group = Some(self.groups.intern(&keys, &[]));
        self.in_place.push(Flow { from: group, to: group, rows: rows as u64, changed: 0 });
        if named {
            add_names(&mut self.names, &view.groups, &keys, &row.get::<_, Vec<_>>("labels"));
        }
    }

    /// The drift where both sides have the same keys in the same groups, or have them as at the last look; and what only a
    /// refresh changes.
    fn settle(self, last: Option<&Comparison>) -> (Option<(Drift, Option<Standing>)>, Option<Known>) {
        if self.is_partial {
            return (None, None);
        }
        let is_same = |standing: Standing| standing.holds && standing.mark == self.mark.0;
        let found = match last.filter(|last| last.standing.is_some_and(is_same)) {
            _ if self.mark.0[0] == self.mark.0[1] => {
                let (groups, flow) = (self.groups.finish(), self.in_place);
                Some((Drift { scope: Scope::Groups, pairing: Pairing::Key, groups, flow }, None))
            }
            Some(last) => Some((last.drift.by_groups(), last.standing)),
            None => None,
        };
        (found, Some(Known { pairing: Pairing::Key, rows: self.rows, names: self.names }))
    }
}

/// One number a side, the view's first: that of live is the same where the same keys are in the same groups, but for a chance
/// of 2⁻⁶⁴. It is linear in each group's sums, so that no group need be kept for it.
#[derive(Default)]
struct Mark([u128; 2]);

impl Mark {
    /// Adds rows of a group to a side, with the sum of their keys' hashes.
    fn add(&mut self, side: usize, group: &[Option<&str>], rows: i64, hashes: Option<&str>) {
        let weight = |of: u8| {
            let mut hasher = DefaultHasher::new();
            (of, group).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        // A sum of 2⁶³ hashes of 64 bits fits.
        let hashes = hashes.and_then(|text| text.parse::<i128>().ok()).unwrap_or_default();
        let part = weight(0).wrapping_mul(hashes as u128).wrapping_add(weight(1).wrapping_mul(rows as u128));
        self.0[side] = self.0[side].wrapping_add(part);
    }
}

/// The drift by pairing the rows, what marks it, and what else the statement brought: what the view calls its groups, as far
/// as that is not known.
async fn joined(
    session: &Session,
    view: &View,
    scope: Scope,
    (last, known): (Option<&Comparison>, Option<&Known>),
    limits: Limits,
) -> Result<(Drift, Option<Standing>, Found), Problem> {
    let (pairing, mut found) = paired(session, view, scope, known, limits).await?;
    let before = last.and_then(|last| last.standing);
    let standing = match found.mark {
        Some(Mark(mark)) => Some(Standing { mark, holds: before.is_none_or(|before| before.mark == mark) }),
        None => before.map(|before| Standing { holds: false, ..before }),
    };
    // A multiset comparison looks at whole rows: nothing can differ that it did not see.
    let scope = if pairing == Pairing::Rows { Scope::Values } else { scope };
    let (groups, flow) = (std::mem::take(&mut found.groups).finish(), std::mem::take(&mut found.flow));
    Ok((Drift { scope, pairing, groups, flow }, standing, found))
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
    /// The mark of both sides, where the statement sums them.
    mark: Option<Mark>,
    /// Did rows not pair by a key without NULL because live gives it twice? The view's unique index does not.
    has_key_twice: bool,
}

impl Found {
    /// Takes a row: rows on both sides, live only, in the view only. The group of the side where a row is not is NULL,
    /// as a group may be, too; so they stand together and are told apart by their counts.
    fn take(&mut self, row: &Row, view: &View, named: bool) {
        let count = |name: &str| row.get::<_, i64>(name);
        let (pairs, stored, live) = (count("pairs"), count("stored"), count("live"));
        let (from, to): (Vec<Option<&str>>, Vec<Option<&str>>) = (row.get("v_groups"), row.get("d_groups"));
        if let Some(mark) = &mut self.mark {
            mark.add(0, &from, stored, row.get("v_sum"));
            mark.add(1, &to, live, row.get("d_sum"));
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

/// The flow by the first pairing that holds for the rows as they are now. What is `known` is not read again, if it is of
/// rows that pair in the same way.
pub(super) async fn paired(
    session: &Session,
    view: &View,
    scope: Scope,
    known: Option<&Known>,
    limits: Limits,
) -> Result<(Pairing, Found), Problem> {
    let mut outcome = (Pairing::Rows, Found::default());
    let (mut has_nulls, mut has_key_twice) = (true, false);
    for &pairing in pairings(view, known.map(|known| known.pairing)) {
        let known = known.filter(|known| known.pairing == pairing).map(|known| known.rows as i64);
        let mark = is_summed(pairing, scope).then(Mark::default);
        let (named, mut found) = (known.is_none(), Found { mark, ..Found::default() });
        session.each(limits, &flow(view, pairing, scope, named), &[], |row| found.take(&row, view, named)).await?;
        let paired_once = found.partial == 0 && found.stored == known.unwrap_or(found.identities);
        if pairing == Pairing::Key {
            has_nulls = found.partial > 0;
            has_key_twice = !has_nulls && !paired_once;
        }
        // Without a NULL both are the same; live may have had a key twice for a moment.
        outcome = (if pairing == Pairing::KeyWithNulls && !has_nulls { Pairing::Key } else { pairing }, found);
        if paired_once || pairing == Pairing::Rows {
            break;
        }
    }
    outcome.1.has_key_twice = has_key_twice && outcome.0 == Pairing::Rows;
    Ok(outcome)
}
