//! What sums tell of which rows are where, so that none or few of them need be paired.

use std::collections::HashSet;

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::compare::{Before, Found, Known, hashes};
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{Labels, add_names};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::trace::{self, Fingerprint, Prints, Tally, Trace, moved};
use crate::domain::view::View;
use crate::pg::compare::{live_sums, moved as moved_flow, sums};
use crate::pg::session::{Limits, Session};

/// The drift and what spares the next look to pair all rows, if sums tell them; and what only a refresh changes, as far as it is
/// known.
pub(super) type Told = (Option<(Drift, Option<Trace>)>, Option<Known>);

/// Asks the sums that may tell.
pub(super) async fn told(session: &Session, view: &View, before: &Before, limits: Limits) -> Result<Told, Problem> {
    let last = before.comparison();
    if let Some((last, trace)) = last.and_then(|last| Some((last, last.trace.as_deref()?))) {
        return since(session, view, (last, trace), limits).await;
    }
    let known = last.map(|last| Known::of(view, last));
    if !before.is_likely_true(view) {
        return Ok((None, known));
    }
    let (named, mut both) = (known.is_none(), Both::default());
    session.each(limits, &sums(view, named), &[], |row| both.take(&row, view, named)).await?;
    let (found, summed) = both.told();
    Ok((found, known.or(summed)))
}

/// Both sides summed by group, and the drift if every row is in its place.
#[derive(Default)]
struct Both {
    tally: Tally,
    view: Fingerprint,
    live: Fingerprint,
    names: Labels,
    rows: u64,
    version: Option<i64>,
    /// Does the key of some row of the view hold a NULL? Then the sums tell nothing.
    is_partial: bool,
}

impl Both {
    fn take(&mut self, row: &Row, view: &View, named: bool) {
        let (group, rows, print) = summed(row);
        if !row.get::<_, bool>("stored") {
            self.live = self.live.plus(print);
            return;
        }
        self.view = self.view.plus(print);
        self.version = row.get("version");
        self.is_partial |= rows != row.get::<_, i64>("whole") as u64;
        self.rows += rows;
        if rows == 0 {
            return;
        }
        self.tally.add(Some(&group), Some(&group), rows, 0);
        self.tally.print(&group, Prints { live: print, paired: print });
        if named {
            add_names(&mut self.names, &view.groups, &group, &row.get::<_, Vec<_>>("labels"));
        }
    }

    fn told(self) -> Told {
        if self.is_partial {
            return (None, None);
        }
        let known = Known { pairing: Pairing::Key, rows: self.rows, names: self.names };
        let (drift, members) = self.tally.finish(Scope::Groups, Pairing::Key);
        let trace = self.version.map(|version| Trace { version, members });
        ((self.view == self.live).then_some((drift, trace)), Some(known))
    }
}

/// A row of the sums: a group, its rows, and what they are known by.
fn summed(row: &Row) -> (Vec<Option<&str>>, u64, Fingerprint) {
    let (group, rows): (Vec<Option<&str>>, i64) = (row.get("groups"), row.get("rows"));
    let print = Fingerprint::of(&group, rows as u64, hashes(row, "sum"));
    (group, rows as u64, print)
}

/// Live summed, and of those members alone whose rows are others than at the last look, the rows paired.
async fn since(
    session: &Session,
    view: &View,
    (last, trace): (&Comparison, &Trace),
    limits: Limits,
) -> Result<Told, Problem> {
    let (mut tally, mut version) = (Tally::default(), None);
    let take = |row: Row| {
        let (group, rows, live) = summed(&row);
        let member = &group[..group.len().min(1)];
        tally.add(None, Some(member), rows, 0);
        tally.print(member, Prints { live, ..Prints::default() });
        version = row.get("version");
    };
    session.each(limits, &live_sums(view), &[], take).await?;
    // Else it was refreshed, and no pulse has told yet.
    if version != Some(trace.version) {
        return Ok((None, None));
    }
    let (live, prints) = tally.finish(Scope::Groups, Pairing::Key);
    let (live, known) = ((&live, &*prints), Some(Known::of(view, last)));
    let moved = moved((&last.drift, &trace.members), live);
    if moved.is_empty() {
        return Ok((Some((last.drift.by_groups(), Some(trace.clone()))), known));
    }
    // Which rows a definition gives may depend on how many are asked for.
    if view.may_tie() || are_many(&moved, live.0) {
        return Ok((None, known));
    }
    let (anew, seen) = paired_anew(session, view, &moved, limits).await?;
    let members = seen.map_or_else(Vec::new, |seen| seen.members);
    let found = trace::since((&last.drift, trace), &moved, live, (&anew, &members));
    Ok((found.map(|(drift, trace)| (drift, Some(trace))), known))
}

/// Do so many rows belong to these members that to pair all is as cheap? Theirs are looked up one by one.
fn are_many(moved: &HashSet<Option<&str>>, live: &Drift) -> bool {
    let rows = |flow: &Flow| flow.rows;
    let is_theirs =
        |flow: &&Flow| flow.to.is_some_and(|to| moved.contains(&live.group(to).keys().first().copied().flatten()));
    live.flow.iter().filter(is_theirs).map(rows).sum::<u64>() * 5 >= live.flow.iter().map(rows).sum()
}

async fn paired_anew(
    session: &Session,
    view: &View,
    members: &HashSet<Option<&str>>,
    limits: Limits,
) -> Result<(Drift, Option<Trace>), Problem> {
    let (values, has_null) = (members.iter().flatten().collect::<Vec<_>>(), members.contains(&None));
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&values, Type::TEXT_ARRAY), (&has_null, Type::BOOL)];
    let mut found = Found::default();
    session.each(limits, &moved_flow(view), &parameters, |row| found.take(&row, view, false, true)).await?;
    Ok(found.finish(Scope::Groups, Pairing::Key))
}
