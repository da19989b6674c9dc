//! What sums tell of which rows are where, so that none or few of them need be paired.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::compare::{Before, Found, Known, hashes};
use crate::domain::drift::{Drift, Flow, Pairing, Scope};
use crate::domain::groups::{Labels, add_names};
use crate::domain::matrix::Comparison;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::trace::{Fingerprint, Prints, Tally, Trace, moved, with_anew};
use crate::domain::view::View;
use crate::pg::compare::{flow_of_members, live_sums, sums};
use crate::pg::session::{Limits, Session};

/// More members than this are not looked up one by one: until PostgreSQL 13 each row is held against every one of them.
const MOST: usize = 200;

/// What sums tell.
pub(super) struct Told {
    /// The drift, and what spares the next look to pair all rows, if the sums tell them.
    pub found: Option<(Drift, Option<Arc<Trace>>)>,
    /// What only a refresh changes, as far as it is known now; a refresh that is noticed makes it unknown.
    pub known: Option<Known>,
}

/// Asks the sums that may tell, if there are such.
pub(super) async fn told(
    session: &Session,
    view: &View,
    before: &Before,
    known: Option<Known>,
    limits: Limits,
) -> Result<Told, Problem> {
    let last = before.comparison();
    if let Some((last, trace)) = last.and_then(|last| Some((last, last.trace.as_ref()?))) {
        let since = since(session, view, (last, trace), limits).await?;
        return Ok(match since {
            Since::Found(drift, trace) => Told { found: Some((drift, Some(trace))), known },
            Since::NotTold => Told { found: None, known },
            Since::Refreshed => Told { found: None, known: None },
        });
    }
    if !before.is_likely_true(view) {
        return Ok(Told { found: None, known });
    }
    let (named, mut both) = (known.is_none(), Both::default());
    session.each(limits, &sums(view, named), &[], |row| both.take(&row, view, named)).await?;
    let told = both.told();
    Ok(Told { known: known.or(told.known), ..told })
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
            return Told { found: None, known: None };
        }
        let known = Known { pairing: Pairing::Key, rows: self.rows, names: self.names };
        let (drift, members) = self.tally.finish(Scope::Groups, Pairing::Key);
        let trace = self.version.map(|version| Arc::new(Trace { version, members }));
        Told { found: (self.view == self.live).then_some((drift, trace)), known: Some(known) }
    }
}

/// A row of the sums: a group, its rows, and what they are known by.
fn summed(row: &Row) -> (Vec<Option<&str>>, u64, Fingerprint) {
    let (group, rows): (Vec<Option<&str>>, i64) = (row.get("groups"), row.get("rows"));
    let print = Fingerprint::of(&group, rows as u64, hashes(row, "sum"));
    (group, rows as u64, print)
}

/// What a look finds that knows the last one.
enum Since {
    Found(Drift, Arc<Trace>),
    NotTold,
    /// The view was refreshed, and no pulse has told of it yet.
    Refreshed,
}

/// Live summed, and the rows paired of those members alone whose rows are others than at the last look.
async fn since(
    session: &Session,
    view: &View,
    (last, trace): (&Comparison, &Arc<Trace>),
    limits: Limits,
) -> Result<Since, Problem> {
    let (mut tally, mut version) = (Tally::default(), None);
    let take = |row: Row| {
        let (group, rows, live) = summed(&row);
        let member = &group[..group.len().min(1)];
        tally.add(None, Some(member), rows, 0);
        tally.print(member, Prints { live, ..Prints::default() });
        version = row.get("version");
    };
    session.each(limits, &live_sums(view), &[], take).await?;
    // Without a row of any group it is not known; then all rows are gone.
    if version != Some(trace.version) {
        return Ok(Since::Refreshed);
    }
    let (live, prints) = tally.finish(Scope::Groups, Pairing::Key);
    let members = moved((&last.drift, &trace.members), (&live, &prints));
    if members.is_empty() {
        return Ok(Since::Found(last.drift.by_groups(), trace.clone()));
    }
    if !are_worth_it(view, &members, &live, last) {
        return Ok(Since::NotTold);
    }
    let (anew, seen) = match paired_anew(session, view, &members, limits).await {
        Ok(anew) => anew,
        Err(Problem { kind: kind @ (ProblemKind::Connection | ProblemKind::LockTimeout), text }) => {
            return Err(Problem { kind, text });
        }
        // The planner may ask for the members before it asks for what else the definition wants of a row, and that may
        // fail: `(payload ->> 'seller')::int` of rows that have no number there.
        Err(_) => return Ok(Since::NotTold),
    };
    if seen.as_ref().is_some_and(|seen| seen.version != trace.version) {
        return Ok(Since::Refreshed);
    }
    let prints_anew = seen.map_or_else(Vec::new, |seen| seen.members);
    let found = with_anew((&last.drift, trace), &members, (&live, &prints), (&anew, &prints_anew));
    Ok(found.map_or(Since::NotTold, |(drift, trace)| Since::Found(drift, Arc::new(trace))))
}

/// Is it cheaper to pair these members' rows than all, and likely to tell?
fn are_worth_it(view: &View, members: &HashSet<Option<&str>>, live: &Drift, last: &Comparison) -> bool {
    let is_theirs = |flow: &&Flow| flow.to.is_some_and(|to| members.contains(&live.group(to).member(0).value()));
    let rows = |flow: &Flow| flow.rows;
    let (theirs, all) = (live.flow.iter().filter(is_theirs).map(rows).sum::<u64>(), live.flow.iter().map(rows).sum());
    // Which of several rows a definition gives may depend on how many are asked for. Fewer rows than before: some are gone,
    // and which ones no sum tells.
    !view.may_tie() && members.len() <= MOST && theirs * 5 < all && all >= last.totals.live
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
    session.each(limits, &flow_of_members(view), &parameters, |row| found.take(&row, view, false)).await?;
    Ok(found.finish(Scope::Groups, Pairing::Key))
}
