//! The drifted rows that a person is looking at, one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::drift::Kind;
use crate::domain::groups::{Group, GroupId, Groups};
use crate::domain::reading::Reading;
use crate::domain::view::Oid;

/// Whose drift a person is looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillTarget {
    /// The view.
    pub view: Oid,
    /// The value of the first group column; `None`: all rows.
    pub member: Option<Option<Arc<str>>>,
}

/// The drifted rows of one value of the first group column.
#[derive(Clone, Debug, PartialEq)]
pub struct Drill {
    /// Whose.
    pub target: DrillTarget,
    /// Every drifted row's kind, groups and key.
    pub index: Reading<Arc<DrillIndex>>,
    /// The values of the rows, read a page at a time: page number → its rows.
    pub pages: BTreeMap<usize, Reading<Arc<Vec<RowDetail>>>>,
}

impl Drill {
    /// How many rows a page of values holds.
    pub const PAGE: usize = 100;

    /// A drill of which nothing is read yet.
    pub fn new(target: DrillTarget) -> Drill {
        Drill { target, index: Reading::default(), pages: BTreeMap::new() }
    }

    /// The values of the index's n-th row, if its page was read.
    pub fn detail(&self, row: usize) -> Option<&RowDetail> {
        self.pages.get(&(row / Self::PAGE))?.value()?.get(row % Self::PAGE)
    }
}

/// The list of drifted rows, without their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrillIndex {
    /// The groups that rows come from and go to.
    pub groups: Groups,
    /// The rows: by kind, then by groups, then by key.
    pub rows: Vec<DriftRow>,
    /// How many more rows there are than were read.
    pub left_out: u64,
}

impl DrillIndex {
    /// How many rows an index holds at most.
    pub const LIMIT: usize = 200_000;

    /// Sorts the rows: by kind, then by what their groups are called in the view and live, then by key.
    pub fn sort(&mut self) {
        let mut by_name: Vec<GroupId> = self.groups.ids().collect();
        by_name.sort_by_cached_key(|id| self.groups.get(*id).labels());
        let mut rank = vec![0; by_name.len()];
        by_name.into_iter().enumerate().for_each(|(place, id)| rank[id.0 as usize] = place);
        let rank = |id: Option<GroupId>| id.map(|id| rank[id.0 as usize]);
        self.rows.sort_by(|a, b| {
            let order = |row: &DriftRow| (row.kind, rank(row.from), rank(row.to));
            order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
        });
    }

    /// The group with this id.
    pub fn group(&self, id: GroupId) -> Group<'_> {
        self.groups.get(id)
    }
}

/// One drifted row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRow {
    /// How it differs.
    pub kind: Kind,
    /// Its group in the view.
    pub from: Option<GroupId>,
    /// Its group live.
    pub to: Option<GroupId>,
    /// Its key, as a JSON array of texts; for a view without a key, the whole row as JSON.
    pub key: Box<str>,
}

/// The values of one drifted row, as JSON objects by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowDetail {
    /// In the view.
    pub view: Option<serde_json::Map<String, serde_json::Value>>,
    /// Live.
    pub live: Option<serde_json::Map<String, serde_json::Value>>,
}

impl RowDetail {
    /// The columns whose values differ, with both values.
    pub fn changes(&self) -> Vec<(&str, &serde_json::Value, &serde_json::Value)> {
        let (Some(view), Some(live)) = (&self.view, &self.live) else { return Vec::new() };
        view.iter()
            .filter_map(|(column, old)| live.get(column).map(|new| (column.as_str(), old, new)))
            .filter(|(_, old, new)| old != new)
            .collect()
    }
}
