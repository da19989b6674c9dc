//! What sums tell of which rows are where, so that none or few of them need be paired.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::compare::{Before, Found, Known, hashes};
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{Labels, add_names};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::trace::{Fingerprint, Prints, Tally, Trace, members_that_moved, merged};
use crate::domain::view::View;
use crate::pg::compare::{flow_of_members, live_sums, sums};
use crate::pg::look::ViewLook;
use crate::pg::session::Limits;

/// More members than this are not asked for by name: until PostgreSQL 13 each row is held against every one of them.
const MOST: usize = 1_000;

/// What sums tell.
pub(super) struct Told {
    /// The drift, and what spares the next look to pair all rows; `None`: they do not tell it.
    pub drift: Option<(Drift, Option<Arc<Trace>>)>,
    /// What only a refresh changes, as far as it is known now: of one that is noticed here it is not.
    pub known: Option<Known>,
}

impl Told {
    fn nothing(known: Option<Known>) -> Told {
        Told { drift: None, known }
    }
}

/// Asks the sums that may tell, if there are such.
pub(super) async fn by_sums(
    look: &ViewLook<'_>,
    view: &View,
    before: &Before,
    limits: Limits,
) -> Result<Told, Problem> {
    let last = before.comparison();
    if let Some((last, trace)) = last.and_then(|last| Some((last, last.trace.as_ref()?))) {
        return since(look, view, (last, trace), limits).await;
    }
    let known = last.map(|last| Known::of(view, last));
    if !before.is_likely_true(view) || view.groups.iter().any(|g| view.is_written_differently(&g.column)) {
        return Ok(Told::nothing(known));
    }
    let (named, mut both) = (known.is_none(), BothSides::default());
    look.each(limits, &sums(view, named), &[], |row| both.take(&row, view, named)).await?;
    let told = both.told();
    Ok(Told { known: known.or(told.known), ..told })
}

/// Both sides summed by group, and the drift if every row is in its place.
#[derive(Default)]
struct BothSides {
    tally: Tally,
    view: Fingerprint,
    live: Fingerprint,
    names: Labels,
    rows: u64,
    version: Option<i64>,
    /// Does the key of some row of the view hold a NULL? Then the sums tell nothing.
    is_partial: bool,
}

impl BothSides {
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
            return Told::nothing(None);
        }
        let known = Known { pairing: Pairing::Key, rows: self.rows, names: self.names };
        let (drift, members) = self.tally.finish(Scope::Groups, Pairing::Key);
        let trace = self.version.map(|version| Arc::new(Trace { version, members }));
        Told { drift: (self.view == self.live).then_some((drift, trace)), known: Some(known) }
    }
}

/// A row of the sums: a group, its rows, and what they are known by.
fn summed(row: &Row) -> (Vec<Option<&str>>, u64, Fingerprint) {
    let (group, rows): (Vec<Option<&str>>, i64) = (row.get("groups"), row.get("rows"));
    let print = Fingerprint::of(&group, rows as u64, hashes(row, "sum"));
    (group, rows as u64, print)
}

/// Live summed, and the rows paired of those members alone whose rows are others than at the last look.
async fn since(
    look: &ViewLook<'_>,
    view: &View,
    (last, trace): (&Comparison, &Arc<Trace>),
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
    look.each(limits, &live_sums(view), &[], take).await?;
    // It was refreshed, and no pulse has told of it yet; or no row is live, and so no version is there.
    if version != Some(trace.version) {
        return Ok(Told::nothing(None));
    }
    let known = Some(Known::of(view, last));
    let (live, prints) = tally.finish(Scope::Groups, Pairing::Key);
    let members = members_that_moved((&last.drift, &trace.members), (&live, &prints));
    if members.is_empty() {
        return Ok(Told { drift: Some((last.drift.by_groups(), Some(trace.clone()))), known });
    }
    // Which rows a definition gives may depend on how many are asked for.
    if view.may_tie() || are_many(&members, &live) {
        return Ok(Told::nothing(known));
    }
    let (anew, seen) = paired_anew(look, view, &members, limits).await?;
    if seen.as_ref().is_some_and(|seen| seen.version != trace.version) {
        return Ok(Told::nothing(None));
    }
    let prints_anew = seen.map_or_else(Vec::new, |seen| seen.members);
    let merged = merged((&last.drift, trace), &members, (&live, &prints), (&anew, &prints_anew));
    Ok(Told { drift: merged.map(|(drift, trace)| (drift, Some(Arc::new(trace)))), known })
}

/// Would it be as dear to pair these members' rows as to pair all?
fn are_many(members: &HashSet<Option<&str>>, live: &Drift) -> bool {
    let is_theirs = |flow: &&Flow| flow.to.is_some_and(|to| members.contains(&live.group(to).member(0).value()));
    let rows = |flow: &Flow| flow.rows;
    let (theirs, all) = (live.flow.iter().filter(is_theirs).map(rows).sum::<u64>(), live.flow.iter().map(rows).sum());
    members.len() > MOST || theirs * 5 >= all
}

async fn paired_anew(
    look: &ViewLook<'_>,
    view: &View,
    members: &HashSet<Option<&str>>,
    limits: Limits,
) -> Result<(Drift, Option<Trace>), Problem> {
    let (values, has_null) = (members.iter().flatten().collect::<Vec<_>>(), members.contains(&None));
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&values, Type::TEXT_ARRAY), (&has_null, Type::BOOL)];
    let mut found = Found::default();
    look.each(limits, &flow_of_members(view), &parameters, |row| found.take(&row, view, false)).await?;
    Ok(found.finish(Scope::Groups, Pairing::Key))
}
