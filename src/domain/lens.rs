//! Who sees what: the view through the eyes of one of the incident's roles, as sums over the flow.
//!
//! An administrador is shown every row, a coordinador those of one coordinación, an ejecutivo those assigned to them. So a
//! person sees the flow's rows whose group *in the view* is theirs, and should see those whose group *live* is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnosis::thousands;
use super::drift::{Drift, Flow, Scope, apart};
use super::groups::{Group, GroupId, Member};
use super::view::GroupColumn;

/// A kind of person, widest sight first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees all rows.
    Administrador,
    /// Sees the rows of one coordinación.
    Coordinador,
    /// Sees the rows that are assigned to them.
    Ejecutivo,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Administrador, Role::Coordinador, Role::Ejecutivo];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Administrador => "administrador",
            Role::Coordinador => "coordinador",
            Role::Ejecutivo => "ejecutivo",
        }
    }

    /// The word for several of them.
    pub fn words(self) -> &'static str {
        match self {
            Role::Administrador => "administradores",
            Role::Coordinador => "coordinadores",
            Role::Ejecutivo => "ejecutivos",
        }
    }

    /// How much wrong rows hurt such a person, as the incident document's table has it.
    pub fn impact(self) -> &'static str {
        match self {
            Role::Administrador => "low",
            Role::Coordinador => "medium",
            Role::Ejecutivo => "high",
        }
    }

    /// The place of the group column whose value bounds what such a person sees: `None` where the view has none.
    /// An administrador is bounded by nothing.
    pub fn bound(self, groups: &[GroupColumn]) -> Option<Option<usize>> {
        let place = |noun: &str| groups.iter().position(|g| g.noun() == noun);
        match self {
            Role::Administrador => Some(None),
            Role::Coordinador => place("coordinacion").map(Some),
            Role::Ejecutivo => place("ejecutivo").map(Some),
        }
    }

    /// Do the view's groups tell such people apart at all?
    fn are_in(groups: &[GroupColumn]) -> bool {
        groups.iter().any(|g| ["ejecutivo", "coordinacion"].contains(&g.noun()))
    }

    /// The place of the group column whose value bounds what a lens shows: [`Role::bound`], and in a view of other
    /// groups its columns' values for the coordinador, its lines' for the ejecutivo.
    pub fn place(self, groups: &[GroupColumn]) -> Option<Option<usize>> {
        match self {
            _ if Role::are_in(groups) => self.bound(groups),
            Role::Administrador => None,
            Role::Coordinador => (groups.len() > 1).then_some(Some(1)),
            Role::Ejecutivo => (!groups.is_empty()).then_some(Some(0)),
        }
    }
}

/// The eyes of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    /// What they are.
    pub role: Role,
    /// The place of the group column that bounds their sight, and their value of it; `None`: they see all.
    bound: Option<(usize, Member)>,
    /// The column, where it is not one of the incident's: then its value is named, for nobody is known behind it.
    column: Option<String>,
}

impl Lens {
    /// The eyes of an administrador.
    pub fn all() -> Lens {
        Lens { role: Role::Administrador, bound: None, column: None }
    }

    /// The eyes of whoever has this value of the role's group column. `None` where the view has no such column, or
    /// the value is NULL: nobody is behind it.
    pub fn of(role: Role, groups: &[GroupColumn], member: &Member) -> Option<Lens> {
        let bound = match role.place(groups)? {
            None => None,
            Some(place) => Some((place, member.key.clone()?.map(|_| member.clone())?)),
        };
        let column = bound.as_ref().filter(|_| !Role::are_in(groups)).map(|(place, _)| groups[*place].column.clone());
        Some(Lens { role, bound, column })
    }

    /// Whose eyes: `Osmara Partida`, `VEN`; nothing for an administrador.
    pub fn whose(&self) -> Option<&Member> {
        self.bound.as_ref().map(|(_, member)| member)
    }

    /// In words: `administrador`, `coordinador of VEN`, `ejecutivo Osmara Partida`, `region = north`.
    pub fn title(&self) -> String {
        if let (Some(column), Some((_, member))) = (&self.column, &self.bound) {
            return format!("{column} = {}", member.title());
        }
        match (&self.bound, self.role) {
            (None, role) => role.word().into(),
            (Some((_, member)), Role::Coordinador) => format!("coordinador of {}", member.title()),
            (Some((_, member)), role) => format!("{} {}", role.word(), member.title()),
        }
    }

    /// Is a row of this group in their sight?
    pub fn admits(&self, group: Group<'_>) -> bool {
        self.bound.as_ref().is_none_or(|(place, member)| group.member(*place).key == member.key)
    }

    fn admits_id(&self, drift: &Drift, id: Option<GroupId>) -> bool {
        id.is_some_and(|id| self.admits(drift.group(id)))
    }

    /// Does a flow touch what they see or should see?
    pub fn touches(&self, drift: &Drift, flow: &Flow) -> bool {
        self.admits_id(drift, flow.from) || self.admits_id(drift, flow.to)
    }

    /// What they see against what they should see.
    pub fn sight(&self, drift: &Drift) -> Sight {
        let mut sight = Sight::nothing(drift);
        for flow in &drift.flow {
            sight.add(flow, self.admits_id(drift, flow.from), self.admits_id(drift, flow.to));
        }
        sight
    }

    /// What is wrong with what they see: `137 shown but not theirs, 29 in the wrong coordinación`.
    pub fn faults(&self, sight: &Sight) -> String {
        let wrong_place = match self.role {
            Role::Administrador => "in the wrong place",
            Role::Coordinador => "with the wrong ejecutivo",
            Role::Ejecutivo => "in the wrong coordinación",
        };
        let (unseen, foreign, wrong_place) = match self.column {
            None => ("theirs but not shown", "shown but not theirs", wrong_place),
            Some(_) => ("not shown", "shown but not there", "in the wrong place"),
        };
        let kinds = [
            (sight.unseen, unseen),
            (sight.foreign, foreign),
            (sight.misfiled, wrong_place),
            (sight.changed.unwrap_or(0), "with old values"),
        ];
        let said = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", thousands(*n)));
        Some(said.collect::<Vec<_>>().join(", ")).filter(|s| !s.is_empty()).unwrap_or("nothing is wrong".into())
    }

    /// What is wrong in one sentence, with how much it hurts where a person is behind it.
    pub fn said(&self, sight: &Sight) -> String {
        let faults = self.faults(sight);
        if self.column.is_some() { faults } else { format!("impact {}: {faults}", self.impact(sight)) }
    }

    /// The same in two words.
    pub fn verdict(&self, sight: &Sight) -> String {
        match (&self.column, sight.misplaced()) {
            (Some(_), wrong) => format!("{} wrong", thousands(wrong)),
            (None, _) => format!("impact {}", self.impact(sight)),
        }
    }

    /// How much what they see hurts them: `none` where it is right.
    pub fn impact(&self, sight: &Sight) -> &'static str {
        if sight.misplaced() == 0 { "none" } else { self.role.impact() }
    }
}

/// What one person sees, in rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Rows the view shows them.
    pub sees: u64,
    /// Rows it should show them.
    pub should: u64,
    /// Theirs, and not shown to them.
    pub unseen: u64,
    /// Shown to them, and no longer theirs or no longer there.
    pub foreign: u64,
    /// Rightly shown to them, but under another ejecutivo or coordinación than it is.
    pub misfiled: u64,
    /// Rightly shown, with old values; `None` where only groups were compared.
    pub changed: Option<u64>,
    /// Were rows compared as a multiset? Then one that changed is both unseen and foreign.
    pub unkeyed: bool,
}

impl Sight {
    fn nothing(drift: &Drift) -> Sight {
        let changed = (drift.scope == Scope::Values).then_some(0);
        Sight { changed, unkeyed: !drift.is_keyed(), ..Sight::default() }
    }

    /// Adds a flow's rows: are they in this person's sight in the view, and live?
    fn add(&mut self, flow: &Flow, sees: bool, should: bool) {
        match (sees, should) {
            (true, true) if flow.from != flow.to => self.misfiled += flow.rows,
            (true, true) => self.changed = self.changed.map(|n| n + flow.changed),
            (true, false) => self.foreign += flow.rows,
            (false, true) => self.unseen += flow.rows,
            (false, false) => {}
        }
        self.sees += if sees { flow.rows } else { 0 };
        self.should += if should { flow.rows } else { 0 };
    }

    /// What they should see minus what they see.
    pub fn difference(&self) -> i64 {
        self.should as i64 - self.sees as i64
    }

    /// Rows they miss or should not have, or find under the wrong name.
    pub fn misplaced(&self) -> u64 {
        apart(self.unseen, self.foreign, self.unkeyed) + self.misfiled
    }

    /// `sees 166, should see 29 (-137)`.
    pub fn said(&self) -> String {
        let difference = match self.difference() {
            0 => String::new(),
            n => format!(" ({n:+})"),
        };
        format!("sees {}, should see {}{difference}", thousands(self.sees), thousands(self.should))
    }
}

/// Everyone of one kind, worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// The kind.
    pub role: Role,
    /// Each one's eyes and what they see: most rows in the wrong place first, then by name.
    pub people: Vec<(Lens, Sight)>,
}

impl Crowd {
    /// Everyone met on either side of the flow, by kind; kinds that the view's groups do not tell apart are left out.
    pub fn all(groups: &[GroupColumn], drift: &Drift) -> Vec<Crowd> {
        Role::ALL.into_iter().filter_map(|role| Crowd::of(role, groups, drift)).collect()
    }

    fn of(role: Role, groups: &[GroupColumn], drift: &Drift) -> Option<Crowd> {
        let mut people = match role.bound(groups)? {
            None => vec![(Lens::all(), Lens::all().sight(drift))],
            Some(place) => bounded(role, place, drift),
        };
        people.sort_by_cached_key(|(lens, sight)| (Reverse(sight.misplaced()), lens.title()));
        Some(Crowd { role, people })
    }

    /// Those who see something in the wrong place, worst first.
    pub fn affected(&self) -> impl Iterator<Item = &(Lens, Sight)> {
        self.people.iter().take_while(|(_, sight)| sight.misplaced() > 0)
    }
}

/// Everyone whose sight the group column at `place` bounds, in one pass over the flow. NULL is nobody.
fn bounded(role: Role, place: usize, drift: &Drift) -> Vec<(Lens, Sight)> {
    let member = |id: Option<GroupId>| id.map(|id| drift.group(id).member(place).clone());
    let mut people: BTreeMap<Arc<str>, (Lens, Sight)> = BTreeMap::new();
    for flow in &drift.flow {
        let (from, to) = (member(flow.from), member(flow.to));
        let key = |side: &Option<Member>| side.as_ref().and_then(|m| m.key.clone().flatten());
        let (in_view, live) = (key(&from), key(&to));
        let other = to.filter(|_| live != in_view);
        for (member, owner) in [(from, &in_view), (other, &live)] {
            let (Some(member), Some(owner)) = (member, owner) else { continue };
            let new = || (Lens { role, bound: Some((place, member)), column: None }, Sight::nothing(drift));
            let (_, sight) = people.entry(owner.clone()).or_insert_with(new);
            sight.add(flow, in_view.as_ref() == Some(owner), live.as_ref() == Some(owner));
        }
    }
    people.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::Pairing;
    use crate::domain::groups::Interner;

    type Side<'a> = Option<[&'a str; 2]>;

    /// Osmara's night in small: 29 went with her to BOOM, 137 stayed in VEN with Berta; 4 came, 3 went, 2 are nobody's.
    fn night() -> Drift {
        let rows: [(Side, Side, u64, u64); 6] = [
            (Some(["Osmara", "VEN"]), Some(["Osmara", "BOOM"]), 29, 0),
            (Some(["Osmara", "VEN"]), Some(["Berta", "VEN"]), 137, 0),
            (Some(["Berta", "VEN"]), Some(["Berta", "VEN"]), 80, 5),
            (None, Some(["Berta", "VEN"]), 4, 0),
            (Some(["Berta", "VEN"]), None, 3, 0),
            (Some(["", "BOOM"]), Some(["", "BOOM"]), 2, 1),
        ];
        let mut groups = Interner::default();
        let mut id = |side: Side| side.map(|keys| groups.intern(&keys.map(|k| Some(k).filter(|k| !k.is_empty())), &[]));
        let flow =
            rows.iter().map(|&(from, to, rows, changed)| Flow { from: id(from), to: id(to), rows, changed }).collect();
        Drift { scope: Scope::Values, pairing: Pairing::Key, groups: groups.finish(), flow }
    }

    fn groups() -> Vec<GroupColumn> {
        ["ejecutivo_id", "coordinacion_id"].map(|c| GroupColumn { column: c.into(), label: None }).to_vec()
    }

    fn member(name: &str) -> Member {
        Member { key: Some(Some(name.into())), label: None }
    }

    #[test]
    fn each_role_sees_the_rows_of_its_own_bound() {
        let drift = night();
        let cases = [
            // role, whose, (sees, should, unseen, foreign, misfiled, changed), impact
            (Role::Administrador, "", (251, 252, 4, 3, 166, 6), "low"),
            (Role::Coordinador, "VEN", (249, 221, 4, 32, 137, 5), "medium"),
            (Role::Coordinador, "BOOM", (2, 31, 29, 0, 0, 1), "medium"),
            (Role::Ejecutivo, "Osmara", (166, 29, 0, 137, 29, 0), "high"),
            (Role::Ejecutivo, "Berta", (83, 221, 141, 3, 0, 5), "high"),
            (Role::Ejecutivo, "Carla", (0, 0, 0, 0, 0, 0), "none"),
        ];
        for (role, whose, (sees, should, unseen, foreign, misfiled, changed), impact) in cases {
            let lens = Lens::of(role, &groups(), &member(whose)).unwrap();
            let sight = lens.sight(&drift);
            let expected = Sight { sees, should, unseen, foreign, misfiled, changed: Some(changed), unkeyed: false };
            assert_eq!(sight, expected, "{}", lens.title());
            assert_eq!(lens.impact(&sight), impact, "{}", lens.title());
        }
    }

    #[test]
    fn the_crowd_is_everyone_on_either_side_and_its_numbers_are_each_ones_own() {
        let drift = night();
        let crowds = Crowd::all(&groups(), &drift);
        let names = |i: usize| crowds[i].people.iter().map(|(lens, _)| lens.title()).collect::<Vec<_>>();
        assert_eq!(names(0), ["administrador"]);
        assert_eq!(names(1), ["coordinador of VEN", "coordinador of BOOM"]);
        assert_eq!(names(2), ["ejecutivo Osmara", "ejecutivo Berta"], "nobody is behind NULL");
        for (lens, sight) in crowds.iter().flat_map(|c| &c.people) {
            assert_eq!(*sight, lens.sight(&drift), "{}", lens.title());
        }
        assert_eq!(crowds.iter().map(|c| c.affected().count()).collect::<Vec<_>>(), [1, 2, 2]);
    }

    #[test]
    fn what_one_ejecutivo_loses_another_gains_so_all_of_them_together_are_the_rows_that_have_one() {
        let drift = night();
        let crowds = Crowd::all(&groups(), &drift);
        let sum = |pick: fn(&Sight) -> u64| crowds[2].people.iter().map(|(_, s)| pick(s)).sum::<u64>();
        assert_eq!((sum(|s| s.sees), sum(|s| s.should)), (249, 250));
    }

    #[test]
    fn in_a_view_of_other_groups_the_column_is_named_and_no_impact() {
        let groups = ["region", "status"].map(|c| GroupColumn { column: c.into(), label: None }).to_vec();
        let ven = Member { label: Some("VEN".into()), ..member("VEN") };
        let titled = |role| Lens::of(role, &groups, &ven).map(|lens| lens.title());
        assert_eq!(titled(Role::Administrador), None);
        assert_eq!(titled(Role::Coordinador).as_deref(), Some("status = VEN"));
        assert_eq!(titled(Role::Ejecutivo).as_deref(), Some("region = VEN"));
        let lens = Lens::of(Role::Coordinador, &groups, &member("VEN")).unwrap();
        assert_eq!(
            lens.said(&lens.sight(&night())),
            "4 not shown, 32 shown but not there, 137 in the wrong place, 5 with old values"
        );
    }

    #[test]
    fn a_view_without_the_column_has_no_such_people() {
        let only = vec![GroupColumn { column: "coordinacion_id".into(), label: None }];
        assert_eq!(Lens::of(Role::Ejecutivo, &only, &member("Osmara")), None);
        assert_eq!(Lens::of(Role::Coordinador, &only, &Member { key: Some(None), label: None }), None);
        assert!(Crowd::all(&[], &night()).iter().map(|c| c.role).eq([Role::Administrador]));
    }
}
