//! Compares a view with its definition and answers with the flow between groups.

use std::sync::Arc;

use tokio_postgres::Row;

use super::labels::complete;
use super::sums::{Told, by_sums};
use crate::domain::drift::{Drift, Pairing, Scope};
use crate::domain::groups::{Labels, add_names};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::trace::{Fingerprint, Prints, Tally, Trace};
use crate::domain::view::View;
use crate::pg::compare::{flow, pairings};
use crate::pg::look::ViewLook;
use crate::pg::session::Limits;

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
    /// The last comparison since the last refresh.
    pub(super) fn comparison(&self) -> Option<&Comparison> {
        if let Before::Compared(last) = self { Some(last) } else { None }
    }

    /// Is every row of this view likely to be in its place?
    pub(super) fn is_likely_true(&self, view: &View) -> bool {
        match self {
            Before::Nothing => false,
            Before::Refreshed => !view.key.is_empty(),
            Before::Compared(last) => last.drift.pairing == Pairing::Key && last.totals.misplaced() == 0,
        }
    }
}

/// What only a refresh changes.
pub(super) struct Known {
    /// How rows pair.
    pub pairing: Pairing,
    /// How many rows the view has.
    pub rows: u64,
    /// What it calls its groups.
    pub names: Labels,
}

impl Known {
    pub(super) fn of(view: &View, last: &Comparison) -> Known {
        let names = last.drift.groups.names(&view.groups);
        Known { pairing: last.drift.pairing, rows: last.totals.view, names }
    }
}

/// The comparison of one view, as far as `scope` looks.
///
/// Where sums may tell what moved, they are asked first, and all rows are paired only if they do not.
pub async fn compare(
    look: &ViewLook<'_>,
    scope: Scope,
    before: &Before,
    limits: Limits,
) -> Result<Comparison, Problem> {
    let view = &*look.view();
    let limits = limits.of(view);
    let Told { drift, known } = match scope {
        Scope::Groups => by_sums(look, view, before, limits).await?,
        Scope::Values => Told { drift: None, known: before.comparison().map(|last| Known::of(view, last)) },
    };
    let (mut names, mut has_key_twice) = (Labels::new(), false);
    let (mut drift, trace) = match drift {
        Some(told) => told,
        None => {
            let (pairing, mut found) = paired(look, view, scope, known.as_ref(), limits).await?;
            (names, has_key_twice) = (std::mem::take(&mut found.names), found.has_key_twice);
            // A multiset comparison looks at whole rows: nothing can differ that it did not see.
            let (drift, trace) = found.finish(if pairing == Pairing::Rows { Scope::Values } else { scope }, pairing);
            (drift, trace.map(Arc::new))
        }
    };
    let mut names = known.map_or(names, |known| known.names);
    complete(look, view, &drift.groups, &mut names, limits).await?;
    drift.groups.name(&view.groups, &names);
    Ok(Comparison::of(drift).traced(trace).with_key_twice(has_key_twice))
}

/// What a flow's statement brought, taken row by row.
#[derive(Default)]
pub(super) struct Found {
    tally: Tally,
    names: Labels,
    /// How often rows of the view stand in the flow.
    stored: i64,
    /// How many rows the view's keys tell apart.
    identities: i64,
    /// How many of its rows have a key that holds a NULL and pairs with nothing.
    partial: i64,
    /// The view's version, where the statement gives sums.
    version: Option<i64>,
    /// Did rows not pair by a key without NULL because live gives it twice? The view's unique index does not.
    has_key_twice: bool,
}

impl Found {
    /// Takes a row: rows on both sides, live only, in the view only. The group of the side where a row is not is NULL,
    /// as a group may be, too; so they stand together and are told apart by their counts.
    pub(super) fn take(&mut self, row: &Row, view: &View, named: bool) {
        let count = |name: &str| row.get::<_, i64>(name);
        let (pairs, stored, live) = (count("pairs"), count("stored"), count("live"));
        let (from, to): (Vec<Option<&str>>, Vec<Option<&str>>) = (row.get("v_groups"), row.get("d_groups"));
        if named && stored > 0 {
            add_names(&mut self.names, &view.groups, &from, &row.get::<_, Vec<_>>("v_labels"));
        }
        let both = stored + live - pairs;
        self.tally.add(Some(&from), Some(&to), both as u64, count("changed") as u64);
        self.tally.add(None, Some(&to), (pairs - stored) as u64, 0);
        self.tally.add(Some(&from), None, (pairs - live) as u64, 0);
        if let Ok(version) = row.try_get("version") {
            self.version = version;
        }
        if self.version.is_some() && live > 0 {
            let print = |group: &[Option<&str>], rows: i64, sum| Fingerprint::of(group, rows as u64, hashes(row, sum));
            self.tally.print(&to, Prints { live: print(&to, live, "d_sum"), paired: print(&from, both, "v_sum") });
        }
        self.stored += stored;
        self.partial += count("partial");
        if named {
            self.identities = count("identities");
        }
    }

    /// The drift, and where sums were given what spares the next look to pair all rows.
    pub(super) fn finish(self, scope: Scope, pairing: Pairing) -> (Drift, Option<Trace>) {
        let (drift, members) = self.tally.finish(scope, pairing);
        (drift, self.version.map(|version| Trace { version, members }))
    }
}

/// A sum of hashes: of 2⁶³ of them, 64 bits each, it fits.
pub(super) fn hashes(row: &Row, column: &str) -> Option<i128> {
    row.get::<_, Option<&str>>(column).and_then(|text| text.parse().ok())
}

/// The flow by the first pairing that holds for the rows as they are now. What is `known` is not read again, if it is of
/// rows that pair in the same way.
pub(super) async fn paired(
    look: &ViewLook<'_>,
    view: &View,
    scope: Scope,
    known: Option<&Known>,
    limits: Limits,
) -> Result<(Pairing, Found), Problem> {
    let mut outcome = (Pairing::Rows, Found::default());
    let (mut has_nulls, mut has_key_twice) = (true, false);
    for &pairing in pairings(view, known.map(|known| known.pairing)) {
        let known = known.filter(|known| known.pairing == pairing).map(|known| known.rows as i64);
        let (named, mut found) = (known.is_none(), Found::default());
        look.each(limits, &flow(view, pairing, scope, named), &[], |row| found.take(&row, view, named)).await?;
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
