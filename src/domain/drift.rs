//! Drift as a flow: which group each row is in, in the view and live, counted.
//!
//! Pairing the rows of the view with the rows its definition gives now yields, for each pair, a group on either
//! side. Counting those pairs gives one small table, and every number on every screen is a sum over it, so the
//! numbers can never contradict each other.

use std::collections::BTreeMap;

use super::groups::{Group, GroupId, Groups, Member};

/// Rows that are in one group in the view and in one group live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The group in the view; `None`: not in the view (*missing*).
    pub from: Option<GroupId>,
    /// The group live; `None`: not live (*gone*).
    pub to: Option<GroupId>,
    /// How many rows.
    pub rows: u64,
    /// How many of them differ in their other values; 0 where [`Drift::scope`] did not look.
    pub changed: u64,
}

impl Flow {
    /// What kind of drift the rows are; a row whose group is the same on both sides is none.
    pub fn kind(&self) -> Option<Kind> {
        match (self.from, self.to) {
            (None, _) => Some(Kind::Missing),
            (_, None) => Some(Kind::Gone),
            (from, to) if from != to => Some(Kind::Moved),
            _ => None,
        }
    }
}

/// A kind of difference between the view and live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Same key, other group.
    Moved,
    /// Live only.
    Missing,
    /// View only.
    Gone,
    /// Same key and group, other values.
    Changed,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Moved => "moved",
            Kind::Missing => "missing",
            Kind::Gone => "gone",
            Kind::Changed => "changed",
        }
    }
}

/// How much of each row a comparison looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Keys and group columns: *changed* is not known.
    Groups,
    /// Every value but the refresh-time columns.
    Values,
}

/// Which rows of the view and live are the same row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Those whose key is equal by the unique index's own operators, which the planner can hash. NULL equals nothing.
    Key,
    /// Those whose key is equal, NULL to NULL: dearer, and for the few keys that hold a NULL.
    KeyWithNulls,
    /// Those that are equal in every compared column, counted as a multiset: none can be *moved* or *changed*.
    Rows,
}

/// One comparison of a view with its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What was compared.
    pub scope: Scope,
    /// How rows were paired.
    pub pairing: Pairing,
    /// Every group met on either side.
    pub groups: Groups,
    /// The pairs, counted.
    pub flow: Vec<Flow>,
}

/// The sums over a flow, for one group or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows in the view.
    pub view: u64,
    /// Rows live.
    pub live: u64,
    /// Live only.
    pub missing: u64,
    /// View only.
    pub gone: u64,
    /// In the view elsewhere, live here.
    pub moved_in: u64,
    /// In the view here, live elsewhere.
    pub moved_out: u64,
    /// Here on both sides, with other values.
    pub changed: u64,
    /// Were rows compared as a multiset? Then one that changed is both missing and gone.
    pub unkeyed: bool,
}

impl Counts {
    /// Live minus view.
    pub fn difference(&self) -> i64 {
        self.live as i64 - self.view as i64
    }

    /// Rows that people find in the wrong place or not at all, seen from this group.
    pub fn misplaced(&self) -> u64 {
        apart(self.missing, self.gone, self.unkeyed) + self.moved_in + self.moved_out
    }

    /// Does nothing differ?
    pub fn is_true(&self) -> bool {
        self.misplaced() + self.changed == 0
    }

    /// Both together; `moved_in` and `moved_out` between the two stay counted.
    pub fn plus(self, other: Counts) -> Counts {
        Counts {
            view: self.view + other.view,
            live: self.live + other.live,
            missing: self.missing + other.missing,
            gone: self.gone + other.gone,
            moved_in: self.moved_in + other.moved_in,
            moved_out: self.moved_out + other.moved_out,
            changed: self.changed + other.changed,
            unkeyed: self.unkeyed || other.unkeyed,
        }
    }
}

/// The sums over all rows, each row counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows in the view.
    pub view: u64,
    /// Rows live.
    pub live: u64,
    /// Live only.
    pub missing: u64,
    /// View only.
    pub gone: u64,
    /// Same key, other group.
    pub moved: u64,
    /// Same key and group, other values; `None` where only groups were compared.
    pub changed: Option<u64>,
    /// Were rows compared as a multiset? Then one that changed is both missing and gone.
    pub unkeyed: bool,
}

/// Rows that are on one side only: without a key one that changed is on both lists, and is one row.
pub(super) fn apart(missing: u64, gone: u64, unkeyed: bool) -> u64 {
    if unkeyed { missing.max(gone) } else { missing + gone }
}

impl Totals {
    /// Rows in the wrong place: missing, gone or moved.
    pub fn misplaced(&self) -> u64 {
        apart(self.missing, self.gone, self.unkeyed) + self.moved
    }

    /// Rows on the side that has more; where more are misplaced than that, on both sides, each row once.
    pub fn rows(&self) -> u64 {
        let more = self.view.max(self.live);
        if self.misplaced() > more { self.view + self.missing } else { more }
    }

    /// All rows that differ, as far as was looked.
    pub fn wrong(&self) -> u64 {
        self.misplaced() + self.changed.unwrap_or(0)
    }

    /// How many rows differ in the given way.
    pub fn of(&self, kind: Kind) -> Option<u64> {
        match kind {
            Kind::Missing => Some(self.missing),
            Kind::Gone => Some(self.gone),
            Kind::Moved => Some(self.moved),
            Kind::Changed => self.changed,
        }
    }
}

impl Drift {
    /// The group with this id.
    pub fn group(&self, id: GroupId) -> Group<'_> {
        self.groups.get(id)
    }

    /// The same without what only a comparison of all values tells.
    pub fn by_groups(&self) -> Drift {
        let flow = self.flow.iter().map(|flow| Flow { changed: 0, ..*flow }).collect();
        Drift { scope: Scope::Groups, flow, groups: self.groups.clone(), ..*self }
    }

    /// Were rows paired by a key? Without one none can be *moved*.
    pub fn is_keyed(&self) -> bool {
        self.pairing != Pairing::Rows
    }

    /// The sums over all rows.
    pub fn totals(&self) -> Totals {
        let changed = (self.scope == Scope::Values).then_some(0);
        let mut totals = Totals { changed, unkeyed: !self.is_keyed(), ..Totals::default() };
        for flow in &self.flow {
            totals.view += flow.from.map_or(0, |_| flow.rows);
            totals.live += flow.to.map_or(0, |_| flow.rows);
            match flow.kind() {
                Some(Kind::Missing) => totals.missing += flow.rows,
                Some(Kind::Gone) => totals.gone += flow.rows,
                Some(Kind::Moved) => totals.moved += flow.rows,
                _ => totals.changed = totals.changed.map(|n| n + flow.changed),
            }
        }
        totals
    }

    /// The sums of each group.
    pub fn counts(&self) -> BTreeMap<GroupId, Counts> {
        let mut counts: BTreeMap<GroupId, Counts> = BTreeMap::new();
        let none = Counts { unkeyed: !self.is_keyed(), ..Counts::default() };
        for flow in &self.flow {
            if let Some(from) = flow.from {
                let c = counts.entry(from).or_insert(none);
                c.view += flow.rows;
                match flow.to {
                    None => c.gone += flow.rows,
                    Some(to) if to != from => c.moved_out += flow.rows,
                    Some(_) => c.changed += flow.changed,
                }
            }
            if let Some(to) = flow.to {
                let c = counts.entry(to).or_insert(none);
                c.live += flow.rows;
                match flow.from {
                    None => c.missing += flow.rows,
                    Some(from) if from != to => c.moved_in += flow.rows,
                    Some(_) => {}
                }
            }
        }
        counts
    }

    /// The places in the flow that are drift, most rows first.
    pub fn worst(&self) -> Vec<u32> {
        let is_drift = |place: &u32| self.flow[*place as usize].kind().is_some();
        let mut places: Vec<u32> = (0..self.flow.len() as u32).filter(is_drift).collect();
        places.sort_by_key(|place| {
            let flow = &self.flow[*place as usize];
            (std::cmp::Reverse(flow.rows), flow.from, flow.to)
        });
        places
    }

    /// Where the rows of a flow are in the view, and where live.
    pub fn route(&self, flow: &Flow) -> Route {
        Route::between(flow.from.map(|id| self.group(id)), flow.to.map(|id| self.group(id)))
    }
}

/// Where rows are in the view and where live, in words, what both sides share said once:
/// `Osmara Partida: VEN → BOOM`, `VEN: Osmara Partida → Berta Lagos`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// What both sides share.
    pub shared: Option<String>,
    /// The view's side.
    pub from: String,
    /// The live side.
    pub to: String,
}

impl Route {
    /// The route between two groups; `None` stands for "not on that side".
    pub fn between(from: Option<Group<'_>>, to: Option<Group<'_>>) -> Route {
        let (Some(a), Some(b)) = (from, to) else {
            let name = |side: Option<Group<'_>>, nowhere: &str| side.map_or(nowhere.into(), Group::title);
            return Route { shared: None, from: name(from, "not in the view"), to: name(to, "no longer live") };
        };
        let pairs = || a.members().zip(b.members());
        let differs = |(a, b): &(&Member, &Member)| a.key != b.key;
        let join = |titles: Vec<&str>| titles.join(" · ");
        let shared = join(pairs().filter(|pair| !differs(pair)).map(|(a, _)| a.title()).collect());
        Route {
            shared: Some(shared).filter(|s| !s.is_empty()),
            from: join(pairs().filter(differs).map(|(a, _)| a.title()).collect()),
            to: join(pairs().filter(differs).map(|(_, b)| b.title()).collect()),
        }
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(shared) = &self.shared {
            write!(f, "{shared}: ")?;
        }
        write!(f, "{} → {}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::groups::Interner;

    /// Osmara's night: 166 of VEN in the view, 29 of them live in BOOM, 137 with Berta in VEN.
    fn osmara() -> Drift {
        let mut groups = Interner::default();
        let mut id = |who: &str, place: &str| groups.intern(&[Some(who), Some(place)], &[]);
        let (ven, boom, berta) = (id("Osmara", "VEN"), id("Osmara", "BOOM"), id("Berta", "VEN"));
        let flow = |from, to, rows, changed| Flow { from, to, rows, changed };
        Drift {
            scope: Scope::Values,
            pairing: Pairing::Key,
            flow: vec![
                flow(Some(ven), Some(boom), 29, 3),
                flow(Some(ven), Some(berta), 137, 0),
                flow(Some(berta), Some(berta), 80, 5),
                flow(None, Some(berta), 4, 0),
                flow(Some(berta), None, 4, 0),
            ],
            groups: groups.finish(),
        }
    }

    #[test]
    fn the_incident_shows_in_groups_while_the_total_stays_the_same() {
        let drift = osmara();
        let totals = drift.totals();
        assert_eq!((totals.view, totals.live), (250, 250));
        assert_eq!((totals.moved, totals.missing, totals.gone, totals.changed), (166, 4, 4, Some(5)));
        let counts = drift.counts();
        let osmara = (counts[&GroupId(0)], counts[&GroupId(1)]);
        assert_eq!((osmara.0.view, osmara.0.live, osmara.0.moved_out), (166, 0, 166));
        assert_eq!((osmara.1.view, osmara.1.live, osmara.1.moved_in), (0, 29, 29));
    }

    #[test]
    fn the_sums_of_all_groups_are_the_totals() {
        let drift = osmara();
        let all = drift.counts().into_values().fold(Counts::default(), Counts::plus);
        let totals = drift.totals();
        assert_eq!(
            (all.view, all.live, all.missing, all.gone),
            (totals.view, totals.live, totals.missing, totals.gone)
        );
        assert_eq!((all.moved_in, all.moved_out), (totals.moved, totals.moved));
    }

    #[test]
    fn without_a_key_a_changed_row_is_one_wrong_row_and_never_two() {
        let mut groups = Interner::default();
        let all = Some(groups.intern::<&str>(&[], &[]));
        let flow = |from, to, rows| Flow { from, to, rows, changed: 0 };
        let flow = vec![flow(all, all, 7), flow(None, all, 9), flow(all, None, 8)];
        let drift = Drift { scope: Scope::Values, pairing: Pairing::Rows, groups: groups.finish(), flow };
        assert_eq!((drift.totals().wrong(), drift.counts()[&GroupId(0)].misplaced()), (9, 9));
        assert_eq!(crate::domain::matrix::Matrix::of(&drift).lines[0].misplaced, 9);
    }

    #[test]
    fn the_worst_flow_comes_first_and_is_named() {
        let drift = osmara();
        let worst: Vec<Flow> = drift.worst().iter().map(|place| drift.flow[*place as usize]).collect();
        assert_eq!(worst[0].rows, 137);
        assert_eq!(drift.route(&worst[0]).to_string(), "VEN: Osmara → Berta");
        assert_eq!(drift.route(&worst[1]).to_string(), "Osmara: VEN → BOOM");
    }

    #[test]
    fn a_comparison_of_groups_does_not_claim_that_nothing_changed() {
        let drift = Drift { scope: Scope::Groups, ..osmara() };
        assert_eq!(drift.totals().changed, None);
    }
}
