//! The groups that a comparison meets, and what people call the values of their columns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::drift::{Group, GroupId};
use super::text::visible;
use super::view::GroupColumn;

/// Collects groups while a flow is read, giving each combination of keys one id.
///
/// A label may differ between the sides (a renamed person): the first one with a value wins.
#[derive(Debug, Default)]
pub struct Groups {
    ids: BTreeMap<Vec<Option<Arc<str>>>, GroupId>,
    groups: Vec<Group>,
    /// Each text once: 10,000 people in six places are 60,000 groups, but 10,006 texts.
    texts: BTreeSet<Arc<str>>,
}

impl Groups {
    /// The id of the group with these keys, made if it is new.
    pub fn intern(&mut self, keys: Vec<Option<String>>, labels: Vec<Option<String>>) -> GroupId {
        let (keys, labels) = (self.texts(keys), self.texts(labels));
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

    fn texts(&mut self, texts: Vec<Option<String>>) -> Vec<Option<Arc<str>>> {
        texts.into_iter().map(|text| text.map(|text| self.text(&text))).collect()
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    /// Gives the group the labels that were not known when it was first met, where its key stood in for them.
    fn name(&mut self, id: GroupId, labels: Vec<Option<Arc<str>>>) {
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
pub type Labels = BTreeMap<String, BTreeMap<Arc<str>, Arc<str>>>;

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
pub fn add_names<S: AsRef<str>>(names: &mut Labels, columns: &[GroupColumn], keys: &[Option<S>], labels: &[Option<S>]) {
    for (column, (key, label)) in columns.iter().zip(keys.iter().zip(labels)).filter(|(g, _)| g.label.is_some()) {
        let Some(key) = key.as_ref().map(AsRef::as_ref) else { continue };
        let names = names.entry(column.column.clone()).or_default();
        let called = label.as_ref().map_or(key.into(), |label| visible(label.as_ref()));
        if names.get(key).is_none_or(|name| **name == *key && called != key) {
            names.insert(key.into(), called.into());
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
