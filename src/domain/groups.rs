//! The groups that a comparison meets, and what people call the values of their columns.

use std::collections::{BTreeMap, BTreeSet};

use super::drift::{Group, GroupId};
use super::text::visible;
use super::view::GroupColumn;

/// Collects groups while a flow is read, giving each combination of keys one id.
///
/// A label may differ between the sides (a renamed person): the first one with a value wins.
#[derive(Debug, Default)]
pub struct Groups {
    ids: BTreeMap<Vec<Option<String>>, GroupId>,
    groups: Vec<Group>,
}

impl Groups {
    /// The id of the group with these keys, made if it is new.
    pub fn intern(&mut self, keys: Vec<Option<String>>, labels: Vec<Option<String>>) -> GroupId {
        if let Some(&id) = self.ids.get(&keys) {
            self.name(id, labels);
            return id;
        }
        let labels = labels.into_iter().zip(&keys).map(|(label, key)| label.or_else(|| key.clone())).collect();
        let id = GroupId(self.groups.len() as u32);
        self.ids.insert(keys.clone(), id);
        self.groups.push(Group { keys, labels });
        id
    }

    /// The id of the group with these keys, whose labels are not known yet.
    pub fn unnamed(&mut self, keys: Vec<Option<String>>) -> GroupId {
        let labels = vec![None; keys.len()];
        self.intern(keys, labels)
    }

    /// Gives the group the labels that were not known when it was first met, where its key stood in for them.
    fn name(&mut self, id: GroupId, labels: Vec<Option<String>>) {
        let group = &mut self.groups[id.0 as usize];
        for (place, label) in labels.into_iter().enumerate().filter(|(_, label)| label.is_some()) {
            if group.labels[place] == group.keys[place] {
                group.labels[place] = label;
            }
        }
    }

    /// All groups, in the order of their ids.
    pub fn finish(self) -> Vec<Group> {
        self.groups
    }
}

/// What a query of the configuration calls a column's values: column → value → label.
pub type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// Calls the values in these groups by their labels, where there are any.
pub fn name_groups(groups: &mut [Group], columns: &[GroupColumn], labels: &Labels) {
    for (place, column) in columns.iter().enumerate() {
        let Some(labels) = labels.get(&column.column) else { continue };
        for group in groups.iter_mut() {
            let label = group.keys.get(place).and_then(|key| labels.get(key.as_ref()?));
            if let (Some(label), Some(place)) = (label, group.labels.get_mut(place)) {
                *place = Some(label.clone());
            }
        }
    }
}

/// What these groups' values are called, for the columns that have a label column.
pub fn names(columns: &[GroupColumn], groups: &[Group]) -> Labels {
    let mut names = Labels::new();
    for group in groups {
        add_names(&mut names, columns, &group.keys, &group.labels);
    }
    names
}

/// Adds what one group's values are called: the first label met. Where there is none the value stands for itself.
pub fn add_names(names: &mut Labels, columns: &[GroupColumn], keys: &[Option<String>], labels: &[Option<String>]) {
    for (column, (key, label)) in columns.iter().zip(keys.iter().zip(labels)).filter(|(g, _)| g.label.is_some()) {
        let Some(key) = key else { continue };
        let names = names.entry(column.column.clone()).or_default();
        let called = label.as_ref().map_or_else(|| key.clone(), |label| visible(label).into_owned());
        let name = names.entry(key.clone()).or_insert_with(|| called.clone());
        if name == key {
            *name = called;
        }
    }
}

/// The values of each group column that has a label column and no name for them.
pub fn unnamed<'a>(names: &Labels, columns: &[GroupColumn], groups: &'a [Group]) -> Vec<Vec<&'a str>> {
    let of_column = |(place, column): (usize, &GroupColumn)| {
        let names = names.get(&column.column);
        let keys = groups.iter().filter_map(|g| g.keys.get(place)?.as_deref());
        let unnamed = keys.filter(|key| column.label.is_some() && names.is_none_or(|n| !n.contains_key(*key)));
        unnamed.collect::<BTreeSet<_>>().into_iter().collect()
    };
    columns.iter().enumerate().map(of_column).collect()
}
