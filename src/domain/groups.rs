//! The groups that a comparison meets, and what people call the values of their columns.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::text::visible;
use super::view::GroupColumn;

/// A group's place in [`Groups`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// What stands for NULL where a group's value is shown.
pub const NO_VALUE: &str = "(none)";

/// A value of a group column: what people call it and its key. In order by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// What people call it: the label column's value, else the key itself.
    pub label: Option<Arc<str>>,
    /// The value as text; `None` is NULL. The outer `None`: there is no such column, all rows are one.
    pub key: Option<Option<Arc<str>>>,
}

impl Member {
    /// Stands for all rows where there is no such column.
    pub const ALL: Member = Member { key: None, label: None };

    /// What to show for it.
    pub fn title(&self) -> &str {
        match (&self.label, &self.key) {
            (Some(label), _) => label,
            (None, Some(_)) => NO_VALUE,
            (None, None) => "all rows",
        }
    }

    /// Its value as text; `None` is NULL, or all rows.
    pub fn value(&self) -> Option<&str> {
        self.key.as_ref()?.as_deref()
    }

    /// Has it no name but its key?
    fn is_unnamed(&self) -> bool {
        match (&self.label, &self.key) {
            (Some(label), Some(Some(key))) => **label == *called(key),
            (None, Some(None)) => true,
            _ => false,
        }
    }
}

/// How a value or its label is read: what a terminal would obey or hide is visible, and a text that looks like no value
/// stands in quotes.
fn called(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    match shown.trim() {
        "" | NO_VALUE => Cow::Owned(format!("\"{shown}\"")),
        _ => shown,
    }
}

/// Combinations of the group columns' values, e.g. Osmara Partida · BOOM. Each value is kept once and a group is a row of
/// places among them: 10,000 people in six places are 60,000 groups, but 10,006 values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Each group column's values.
    columns: Vec<Vec<Member>>,
    /// One group after the other: the place of its value in each column.
    places: Vec<u32>,
    len: usize,
}

impl Groups {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = GroupId> {
        (0..self.len as u32).map(GroupId)
    }

    /// The group with this id.
    pub fn get(&self, id: GroupId) -> Group<'_> {
        let (columns, place) = (self.columns.len(), id.0 as usize);
        Group { columns: &self.columns, places: &self.places[place * columns..(place + 1) * columns] }
    }

    /// The values of the group column at `column`; where there is no such column, [`Member::ALL`].
    pub fn members(&self, column: usize) -> &[Member] {
        self.columns.get(column).map_or(&[Member::ALL], Vec::as_slice)
    }

    /// Calls the values by their labels, where there are any.
    pub fn name(&mut self, columns: &[GroupColumn], labels: &Labels) {
        for (members, column) in self.columns.iter_mut().zip(columns) {
            let Some(labels) = labels.get(&column.column) else { continue };
            for member in members {
                let label = member.key.iter().flatten().find_map(|key| labels.get(key));
                member.label = label.cloned().or(member.label.take());
            }
        }
    }

    /// What the values are called, for the columns that have a label column.
    pub fn names(&self, columns: &[GroupColumn]) -> Labels {
        let named = self.columns.iter().zip(columns).filter(|(_, column)| column.label.is_some());
        let called = |member: &Member| Some((member.key.clone()??, member.label.clone()?));
        named.map(|(members, column)| (column.column.clone(), members.iter().filter_map(called).collect())).collect()
    }

    /// The values of each group column that has a label column and no name for them.
    pub fn unnamed(&self, columns: &[GroupColumn], names: &Labels) -> Vec<Vec<&str>> {
        let of_column = |(place, column): (usize, &GroupColumn)| {
            let names = names.get(&column.column);
            let keys = self.members(place).iter().filter_map(Member::value);
            keys.filter(|key| column.label.is_some() && names.is_none_or(|n| !n.contains_key(*key))).collect()
        };
        columns.iter().enumerate().map(of_column).collect()
    }
}

/// One of [`Groups`].
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    columns: &'a [Vec<Member>],
    places: &'a [u32],
}

impl<'a> Group<'a> {
    /// Its value in each group column.
    pub fn members(self) -> impl Iterator<Item = &'a Member> {
        self.places.iter().zip(self.columns).map(|(place, members)| &members[*place as usize])
    }

    /// Its value in the group column at `column`; where there is no such column, [`Member::ALL`].
    pub fn member(self, column: usize) -> &'a Member {
        self.members().nth(column).unwrap_or(&Member::ALL)
    }

    /// The place of that value in [`Groups::members`].
    pub fn place(self, column: usize) -> usize {
        self.places.get(column).map_or(0, |place| *place as usize)
    }

    /// Its values as text; `None` is NULL.
    pub fn keys(self) -> Vec<Option<&'a str>> {
        self.members().map(Member::value).collect()
    }

    /// What they are called.
    pub fn labels(self) -> Vec<Option<&'a str>> {
        self.members().map(|member| member.label.as_deref()).collect()
    }

    /// The group in one line: `Osmara Partida · BOOM`.
    pub fn title(self) -> String {
        if self.places.is_empty() {
            return Member::ALL.title().into();
        }
        self.members().map(Member::title).collect::<Vec<_>>().join(" · ")
    }
}

/// Collects groups while rows are read, giving each combination of keys one id.
#[derive(Debug, Default)]
pub struct Interner {
    groups: Groups,
    /// Where each beginning of a group goes on, by the place of its next value; the last value leads to the id.
    beginnings: HashMap<(u32, u32), u32>,
    ids: HashMap<(u32, u32), GroupId>,
    /// Of each group column.
    known: Vec<Known>,
}

/// Where a column's values are among its members.
#[derive(Debug, Default)]
struct Known {
    keys: HashMap<Arc<str>, u32>,
    null: Option<u32>,
}

impl Interner {
    /// The id of the group with these keys, made if it is new; `labels` may be empty. A label may differ between the
    /// sides (a renamed person): the first one with a value wins.
    pub fn intern<S: AsRef<str>>(&mut self, keys: &[Option<S>], labels: &[Option<S>]) -> GroupId {
        let start = self.groups.places.len();
        for (column, key) in keys.iter().enumerate() {
            let place = self.place(column, key.as_ref().map(AsRef::as_ref));
            let member = &mut self.groups.columns[column][place as usize];
            if let Some(label) = labels.get(column).and_then(Option::as_ref).filter(|_| member.is_unnamed()) {
                member.label = Some(called(label.as_ref()).into());
            }
            self.groups.places.push(place);
        }
        let id = self.id_from(start);
        if id.0 as usize == self.groups.len {
            self.groups.len += 1;
        } else {
            self.groups.places.truncate(start);
        }
        id
    }

    /// The id of the places from `start` on.
    fn id_from(&mut self, start: usize) -> GroupId {
        let (last, before) = self.groups.places[start..].split_last().map_or((0, [].as_slice()), |(l, b)| (*l, b));
        let mut beginning = 0;
        for &place in before {
            let next = self.beginnings.len() as u32 + 1;
            beginning = *self.beginnings.entry((beginning, place)).or_insert(next);
        }
        *self.ids.entry((beginning, last)).or_insert(GroupId(self.groups.len as u32))
    }

    fn place(&mut self, column: usize, key: Option<&str>) -> u32 {
        if self.known.len() <= column {
            self.known.resize_with(column + 1, Known::default);
            self.groups.columns.resize_with(column + 1, Vec::new);
        }
        let known = &mut self.known[column];
        let place = key.map_or(known.null, |key| known.keys.get(key).copied());
        place.unwrap_or_else(|| {
            let (members, key) = (&mut self.groups.columns[column], key.map(Arc::<str>::from));
            let place = members.len() as u32;
            members.push(Member { label: key.as_deref().map(|key| called(key).into()), key: Some(key.clone()) });
            match key {
                Some(key) => drop(known.keys.insert(key, place)),
                None => known.null = Some(place),
            }
            place
        })
    }

    /// The group with this id.
    pub fn get(&self, id: GroupId) -> Group<'_> {
        self.groups.get(id)
    }

    /// All groups, in the order of their ids.
    pub fn finish(self) -> Groups {
        self.groups
    }
}

/// What a column's values are called: column → value → label.
pub type Labels = BTreeMap<String, BTreeMap<Arc<str>, Arc<str>>>;

/// Adds what one group's values are called: the first label met. Where there is none the value stands for itself.
pub fn add_names<S: AsRef<str>>(names: &mut Labels, columns: &[GroupColumn], keys: &[Option<S>], labels: &[Option<S>]) {
    for (column, (key, label)) in columns.iter().zip(keys.iter().zip(labels)).filter(|(g, _)| g.label.is_some()) {
        let Some(key) = key.as_ref().map(AsRef::as_ref) else { continue };
        let names = names.entry(column.column.clone()).or_default();
        let name = called(label.as_ref().map_or(key, AsRef::as_ref));
        if names.get(key).is_none_or(|known| **known == *called(key)) {
            names.insert(key.into(), name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(keys: &[Option<&str>], labels: &[Option<&str>]) -> Vec<String> {
        let mut groups = Interner::default();
        for (place, key) in keys.iter().enumerate() {
            groups.intern(&[*key], &[labels.get(place).copied().flatten()]);
        }
        groups.finish().members(0).iter().map(|member| member.title().to_string()).collect()
    }

    #[test]
    fn a_value_that_stands_for_itself_is_shown_without_what_a_terminal_would_obey_or_hide() {
        let keys = ["multi\nline", "\u{1}\u{1b}[31mred", "VEN\u{202e}"].map(Some);
        assert_eq!(titles(&keys, &[]), ["multi⏎line", "<U+0001><U+001B>[31mred", "VEN<U+202E>"]);
        assert_eq!(titles(&["a\nb", "a\nb"].map(Some), &[None, Some("A\tB")]), ["A⇥B"], "its label still names it");
    }

    #[test]
    fn no_value_an_empty_text_and_the_text_none_are_three_titles() {
        assert_eq!(
            titles(&[None, Some(""), Some("(none)"), Some("none")], &[]),
            ["(none)", "\"\"", "\"(none)\"", "none"]
        );
    }

    #[test]
    fn the_first_label_names_a_value_whatever_the_value_looks_like() {
        let column = [GroupColumn { column: "k".into(), label: Some("l".into()) }];
        let mut names = Labels::new();
        for label in [None, Some("first"), Some("second")] {
            add_names(&mut names, &column, &[Some("a\nb")], &[label]);
        }
        assert_eq!(&*names["k"]["a\nb"], "first");
    }
}
