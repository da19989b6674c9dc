//! What is kept of a comparison so that the next look need pair only the rows that moved since.
//!
//! Between two refreshes the view stands still. So where the rows that a member has live (a member: a value of the first
//! group column) are those of the last look, in the same groups, they pair with the same rows of the view as then.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::iter::Sum;

use super::drift::{Drift, Flow, Pairing, Scope};
use super::groups::{GroupId, Interner};

/// A number for rows in their groups: the same for the same rows, another one for others, but for a chance of 2⁻⁶⁴. That
/// of all is the sum of those of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of rows of one group, by the sum of their keys' hashes, if any has a whole key.
    pub fn of(group: &[Option<&str>], rows: u64, hashes: Option<i128>) -> Fingerprint {
        let weight = |of: u8| {
            let mut hasher = DefaultHasher::new();
            (of, group).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        let hashes = hashes.unwrap_or_default() as u128;
        Fingerprint(weight(0).wrapping_mul(hashes).wrapping_add(weight(1).wrapping_mul(u128::from(rows))))
    }

    /// Of both together.
    #[must_use]
    pub fn plus(self, other: Fingerprint) -> Fingerprint {
        Fingerprint(self.0.wrapping_add(other.0))
    }
}

impl Sum for Fingerprint {
    fn sum<I: Iterator<Item = Fingerprint>>(prints: I) -> Fingerprint {
        prints.fold(Fingerprint::default(), Fingerprint::plus)
    }
}

/// What is kept of the rows that a member has live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prints {
    /// These rows, in their groups live.
    pub live: Fingerprint,
    /// The rows of the view that they pair with, in their groups there.
    pub paired: Fingerprint,
}

/// What is kept of a comparison by [`Pairing::Key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Which refresh the view was of, on which server.
    pub version: i64,
    /// In the order of the first column's members in the groups of the drift that it is kept beside.
    pub members: Vec<Prints>,
}

/// A drift while it is counted.
#[derive(Debug, Default)]
pub struct Tally {
    groups: Interner,
    flow: Vec<Flow>,
    members: Vec<Prints>,
}

impl Tally {
    /// Counts rows that are in one group in the view and in one live; no group: not on that side.
    pub fn add(&mut self, from: Option<&[Option<&str>]>, to: Option<&[Option<&str>]>, rows: u64, changed: u64) {
        if rows > 0 {
            let [from, to] = [from, to].map(|keys| Some(self.groups.intern(keys?, &[])));
            self.flow.push(Flow { from, to, rows, changed });
        }
    }

    /// Adds what is kept of the live rows of a group that was counted.
    pub fn print(&mut self, group: &[Option<&str>], prints: Prints) {
        let kept = self.kept(group);
        kept.live = kept.live.plus(prints.live);
        kept.paired = kept.paired.plus(prints.paired);
    }

    fn kept(&mut self, group: &[Option<&str>]) -> &mut Prints {
        let id = self.groups.intern(group, &[]);
        let place = self.groups.get(id).place(0);
        if self.members.len() <= place {
            self.members.resize(place + 1, Prints::default());
        }
        &mut self.members[place]
    }

    /// The drift; and what is kept of its members.
    pub fn finish(self, scope: Scope, pairing: Pairing) -> (Drift, Vec<Prints>) {
        let Tally { groups, flow, mut members } = self;
        let groups = groups.finish();
        members.resize(groups.members(0).len(), Prints::default());
        (Drift { scope, pairing, groups, flow }, members)
    }
}

/// A drift and what is kept of its members.
pub type Look<'a> = (&'a Drift, &'a [Prints]);

/// The members whose rows live are not those of the last look.
pub fn members_that_moved<'a>(last: Look<'a>, live: Look<'a>) -> HashSet<Option<&'a str>> {
    let (before, now) = (lives(last), lives(live));
    before.keys().chain(now.keys()).filter(|member| before.get(*member) != now.get(*member)).copied().collect()
}

/// The drift of groups by a later look: the last one's, but for the members that `moved`, whose rows were paired `anew`.
/// What of the view paired with no row then pairs with none now.
///
/// `None` where it is not known: rows of the view that did pair do not any more, or others do; or the members' rows moved
/// again between the looks at `live` and `anew`.
pub fn merged(
    (last, trace): (&Drift, &Trace),
    moved: &HashSet<Option<&str>>,
    live: Look<'_>,
    anew: Look<'_>,
) -> Option<(Drift, Trace)> {
    let mut expected = lives(live);
    expected.retain(|member, _| moved.contains(member));
    let members = last.groups.members(0).iter().zip(&trace.members);
    let before = members.filter(|(member, _)| moved.contains(&member.value())).map(|(_, prints)| prints.paired);
    let paired: Fingerprint = anew.1.iter().map(|prints| prints.paired).sum();
    if lives(anew) != expected || before.sum::<Fingerprint>() != paired {
        return None;
    }
    let mut tally = Tally::default();
    let mut take = |(drift, members): Look<'_>, flow: &Flow| {
        let keys = |id: Option<GroupId>| id.map(|id| drift.group(id).keys());
        let (from, to) = (keys(flow.from), keys(flow.to));
        tally.add(from.as_deref(), to.as_deref(), flow.rows, 0);
        if let (Some(id), Some(to)) = (flow.to, to) {
            *tally.kept(&to) = members[drift.group(id).place(0)];
        }
    };
    let stands = |flow: &&Flow| flow.to.is_none_or(|id| !moved.contains(&last.group(id).member(0).value()));
    last.flow.iter().filter(stands).for_each(|flow| take((last, &trace.members), flow));
    anew.0.flow.iter().for_each(|flow| take(anew, flow));
    let (drift, members) = tally.finish(Scope::Groups, Pairing::Key);
    Some((drift, Trace { version: trace.version, members }))
}

/// What is kept of the rows live by member; one that has none is left out.
fn lives<'a>((drift, members): Look<'a>) -> HashMap<Option<&'a str>, Fingerprint> {
    let lives = drift.groups.members(0).iter().zip(members).map(|(member, prints)| (member.value(), prints.live));
    lives.filter(|(_, live)| *live != Fingerprint::default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows by their member in the view and live, the nth with n for its key's hash.
    fn look(rows: &[(&str, &str)]) -> (Drift, Trace) {
        let mut tally = Tally::default();
        for (key, (from, to)) in rows.iter().enumerate() {
            let ([from, to], hash) = ([[Some(*from)], [Some(*to)]], Some(key as i128 + 1));
            tally.add(Some(&from), Some(&to), 1, 0);
            tally.print(&to, Prints { live: Fingerprint::of(&to, 1, hash), paired: Fingerprint::of(&from, 1, hash) });
        }
        let (drift, members) = tally.finish(Scope::Groups, Pairing::Key);
        (drift, Trace { version: 1, members })
    }

    fn later(last: &[(&str, &str)], live: &[(&str, &str)], anew: &[(&str, &str)]) -> Option<u64> {
        let [last, live, anew] = [last, live, anew].map(look);
        let (live, anew) = ((&live.0, &*live.1.members), (&anew.0, &*anew.1.members));
        let moved = members_that_moved((&last.0, &last.1.members), live);
        Some(merged((&last.0, &last.1), &moved, live, anew)?.0.totals().moved)
    }

    const BEFORE: [(&str, &str); 3] = [("Ana", "Ana"), ("Ana", "Berta"), ("Carla", "Berta")];

    #[test]
    fn rows_that_moved_again_between_two_statements_are_not_taken_for_known() {
        let live = [("Ana", "Diana"), ("Ana", "Berta"), ("Carla", "Berta")];
        assert_eq!(later(&BEFORE, &live, &[("Ana", "Diana")]), Some(3));
        assert_eq!(later(&BEFORE, &live, &[("Ana", "Elena")]), None, "she is Elena's by now");
    }

    #[test]
    fn which_rows_are_gone_is_not_known_where_others_pair() {
        let live = [("Ana", "Diana"), ("Ana", "Berta"), ("Carla", "Berta")];
        assert_eq!(later(&BEFORE, &live, &[("Carla", "Diana")]), None);
    }
}
