//! Test 2: one row is given to another ejecutivo inside a transaction that is rolled back, and the view is watched.

use serde::Deserialize;

use super::{Check, Facts, Outcome};
use crate::domain::drift::Drift;
use crate::domain::groups::Member;
use crate::domain::server::Server;
use crate::domain::snapshot::ViewState;
use crate::domain::view::{RefreshMode, ViewName};

/// How the view takes in a change on this set-up, inside the test's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshes {
    /// The test refreshes it.
    ByHand(RefreshMode),
    /// Triggers on the base table do, so the test does not.
    ByTriggers,
    /// It is a plain view: nothing is to be refreshed.
    Never,
}

impl Refreshes {
    /// In words, with the lock it takes.
    pub fn said(self) -> &'static str {
        match self {
            Refreshes::ByHand(RefreshMode::Concurrently) => {
                "the refresh takes ExclusiveLock on the view until the rollback: readers go on, other refreshes wait; \
                 the rows it wrote stay behind as dead ones until the next VACUUM"
            }
            Refreshes::ByHand(_) => {
                "the refresh takes AccessExclusiveLock on the view until the rollback: every reader waits that long, \
                 for without a usable unique index CONCURRENTLY is not possible"
            }
            Refreshes::ByTriggers => {
                "the triggers refresh the view, with whatever lock they take, as at every write of the application"
            }
            Refreshes::Never => "a plain view: nothing is refreshed, and only the one row is locked",
        }
    }
}

/// Where a row of the view can be changed: the base table's column behind the group, and the one that names the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The base table.
    pub table: ViewName,
    /// Its column that decides the group.
    pub column: String,
    /// Its column that names one row.
    pub id: String,
    /// The view's group column, and the view's column that shows the id.
    pub shown: (String, String),
    /// From whom.
    pub from: Member,
    /// To whom.
    pub to: Member,
    /// May this role change it?
    pub can_update: bool,
}

/// A reassignment, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// Which column of which table.
    pub source: Source,
    /// The value that names the row.
    pub row: String,
    /// What takes it into the view.
    pub refreshes: Refreshes,
    /// What the UPDATE runs beside itself, and on which path.
    pub surroundings: Surroundings,
}

/// The code that the test runs with the rights of whoever runs it, and the path on which that finds what it names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Surroundings {
    /// Functions that belong neither to a superuser nor to the session's own role; with any the test is not run.
    pub strangers: Vec<Stranger>,
    /// The role's own search_path without the schemas in which a stranger may create, quoted.
    pub search_path: String,
    /// Those schemas, each with who may: `public, where everybody may create`.
    pub left_off: Vec<String>,
}

/// A function of somebody who is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Stranger {
    /// Its name with schema and argument types.
    pub function: String,
    /// Its owner.
    pub owner: String,
}

impl Surroundings {
    /// Why the test is not run, if a stranger's code is in its way.
    pub fn refused(&self) -> Option<String> {
        let named = |s: &Stranger| format!("{} of {}", s.function, s.owner);
        let named: Vec<String> = self.strangers.iter().map(named).collect();
        (!named.is_empty()).then(|| {
            let named = named.join(", ");
            format!("it would run code of others with the rights of this role: {named}; run it as a role that has nothing to lose")
        })
    }

    /// Why a name may not be found.
    pub fn unfound(&self) -> String {
        match self.left_off.as_slice() {
            [] => String::new(),
            some => format!("; left off the search_path: {}", some.join("; ")),
        }
    }
}

impl Reassignment {
    /// What is done, in a sentence.
    pub fn said(&self) -> String {
        let Source { table, column, id, from, to, .. } = &self.source;
        let table = table.short();
        format!("{table} with {id} {} goes from {} to {} ({column})", self.row, from.title(), to.title())
    }
}

/// Rows of the two, and whose the row is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Rows of the one it leaves.
    pub from: i64,
    /// Rows of the one it goes to.
    pub to: i64,
    /// The group value that the row is shown under; `None`: it is not there.
    pub owner: Option<String>,
}

/// A reassignment that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What was done.
    pub reassignment: Reassignment,
    /// Live, before.
    pub before: Seen,
    /// In the view, after.
    pub after: Seen,
    /// Is the base table's row as it was, looked at after the rollback?
    pub undone: bool,
    /// Milliseconds from BEGIN to ROLLBACK.
    pub took_ms: u64,
}

/// How Test 2 went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It ran.
    Ran(Box<Run>),
    /// It applies, and could not be done: why.
    NotProven(String),
    /// It does not apply, or was left out on request: why.
    Skipped(String),
}

impl Source {
    /// The place to change a row of this view: the first group column that a base table's column stands behind.
    ///
    /// # Errors
    /// Why there is none, as a Trial's end.
    pub fn find(state: &ViewState, facts: &Facts, drift: &Drift) -> Result<Source, Trial> {
        let view = &state.view;
        let ids = view.columns.iter().filter_map(|c| Some((&c.name, facts.behind(view, &c.name)?)));
        let ids: Vec<_> = ids.filter(|(_, feed)| feed.is_unique).collect();
        let mut whys = Vec::new();
        for (place, group) in view.groups.iter().enumerate() {
            let Some(feed) = facts.behind(view, &group.column) else {
                whys.push(format!("no base table's column was found behind {}", group.column));
                continue;
            };
            let Some((shown, id)) = ids.iter().find(|(_, id)| id.table == feed.table) else {
                whys.push(format!("no column of the view names a row of {}", feed.table.short()));
                continue;
            };
            let Some((from, to)) = pair(drift, place) else {
                whys.push(format!("there are no two {}s with rows to reassign between", group.noun()));
                continue;
            };
            return Ok(Source {
                table: feed.table.clone(),
                column: feed.column.clone(),
                id: id.column.clone(),
                shown: (group.column.clone(), (*shown).clone()),
                from,
                to,
                can_update: feed.can_update,
            });
        }
        let why = whys.into_iter().next().unwrap_or("it has no group column, so there is nothing to reassign".into());
        Err(Trial::Skipped(format!("it does not apply to this view: {why}")))
    }
}

/// Who gives and who gets: the one with most rows in the wrong place among those with live rows, and the next.
fn pair(drift: &Drift, place: usize) -> Option<(Member, Member)> {
    let mut people: Vec<(u64, u64, Member)> = Vec::new();
    for (id, counts) in drift.counts() {
        let member = drift.group(id).member(place).clone();
        if !matches!(member.key, Some(Some(_))) {
            continue;
        }
        match people.iter_mut().find(|(.., m)| m.key == member.key) {
            Some((wrong, live, _)) => (*wrong, *live) = (*wrong + counts.misplaced(), *live + counts.live),
            None => people.push((counts.misplaced(), counts.live, member)),
        }
    }
    people.retain(|(_, live, _)| *live > 0);
    people.sort_by(|a, b| (b.0, b.1, &a.2.label).cmp(&(a.0, a.1, &b.2.label)));
    let mut people = people.into_iter().map(|(.., member)| member);
    Some((people.next()?, people.next()?))
}

/// How this set-up takes in a change, if this role may do what the test does.
///
/// # Errors
/// Everything that keeps this role or this server from it, as a Trial's end.
pub fn refreshes(
    state: &ViewState,
    is_plain: bool,
    facts: &Facts,
    server: Option<&Server>,
    source: &Source,
) -> Result<Refreshes, Trial> {
    if server.is_some_and(|s| s.standby) {
        return Err(Trial::NotProven("not possible here: this is a standby, connect to the primary".into()));
    }
    let (role, needs) = server.map_or(("this role", "to be its owner"), |s| (&s.user, s.refresh_right()));
    let mut missing = Vec::new();
    if !is_plain && !state.view.can_refresh {
        missing.push(format!("{role} may not refresh {}, it needs {needs}", state.view.name.short()));
    }
    if !source.can_update {
        missing.push(format!("{role} may not UPDATE {}.{}", source.table.short(), source.column));
    }
    if !missing.is_empty() {
        return Err(Trial::NotProven(format!("not possible for this role: {}", missing.join("; "))));
    }
    Ok(match (is_plain, facts.has_triggers()) {
        (true, _) => Refreshes::Never,
        (false, true) => Refreshes::ByTriggers,
        (false, false) => Refreshes::ByHand(state.view.refresh_mode(state.signal.populated)),
    })
}

pub(super) fn check(trial: &Trial) -> Check {
    let check = |outcome, text| Check::new("reassign", "one leaves, one arrives", outcome, text);
    match trial {
        Trial::NotProven(why) => check(Outcome::NotProven, why.clone()),
        Trial::Skipped(why) => check(Outcome::Skipped, why.clone()),
        Trial::Ran(run) => {
            let length = format!("{}, for {}ms", run.reassignment.said(), run.took_ms);
            check(run.outcome(), run.said()).with_details(vec![length])
        }
    }
}

impl Run {
    fn is_theirs(&self) -> bool {
        Some(self.after.owner.as_deref()) == self.reassignment.source.to.key.as_ref().map(|key| key.as_deref())
    }

    fn outcome(&self) -> Outcome {
        let (before, after) = (&self.before, &self.after);
        let moved = after.from == before.from - 1 && after.to == before.to + 1;
        if moved && self.is_theirs() && self.undone { Outcome::Pass } else { Outcome::Fail }
    }

    fn said(&self) -> String {
        let Source { from, to, .. } = &self.reassignment.source;
        let how = match self.reassignment.refreshes {
            Refreshes::ByHand(_) => "after a refresh",
            Refreshes::ByTriggers => "by the triggers alone",
            Refreshes::Never => "at once",
        };
        let wrong = if self.is_theirs() { "" } else { ", and the row is not where it should be" };
        let end = if self.undone { "rolled back" } else { "after the rollback the row is not as it was" };
        format!(
            "{how}: {} {} → {}, {} {} → {}{wrong}; {end}",
            from.title(),
            self.before.from,
            self.after.from,
            to.title(),
            self.before.to,
            self.after.to,
        )
    }
}
