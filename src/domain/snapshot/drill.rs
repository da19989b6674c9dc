//! The drifted rows that a person is looking at, one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::domain::drift::{Flow, Kind};
use crate::domain::groups::{Group, GroupId, Groups};
use crate::domain::matrix::Comparison;
use crate::domain::reading::{Measured, Problem, Progress, Reading};
use crate::domain::time::Time;
use crate::domain::view::Oid;

/// Whose drift a person is looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillTarget {
    /// The view.
    pub view: Oid,
    /// The value of the first group column; `None`: all rows.
    pub member: Option<Option<Arc<str>>>,
}

impl DrillTarget {
    /// The flows of its rows that moved, by a comparison.
    pub fn moved<'a>(&'a self, last: &'a Comparison) -> impl Iterator<Item = &'a Flow> {
        let is_mine = |id: Option<GroupId>| {
            self.member.is_none() || id.is_some_and(|id| last.drift.group(id).member(0).key == self.member)
        };
        let moved = last.drift.flow.iter().filter(|flow| flow.kind() == Some(Kind::Moved));
        moved.filter(move |flow| is_mine(flow.from) || is_mine(flow.to))
    }

    /// The one of them whose rows the list begins with, if it has the comparison's names.
    pub fn first_flow(&self, last: &Comparison) -> Option<Flow> {
        let name = |id: Option<GroupId>| id.map(|id| last.drift.group(id)).map(|group| (group.labels(), group.keys()));
        self.moved(last).min_by_key(|flow| (name(flow.from), name(flow.to))).copied()
    }
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

    /// A page that could not be read is asked for again after this.
    const PAUSE: TimeDelta = TimeDelta::seconds(5);

    /// A drill of which nothing is read yet.
    pub fn new(target: DrillTarget) -> Drill {
        Drill { target, index: Reading::default(), pages: BTreeMap::new() }
    }

    /// Takes in what was read of the list. The values of a page stay where all of its rows do.
    pub fn take(&mut self, index: Result<Measured<Arc<DrillIndex>>, Problem>, at: Time) {
        if let Ok(new) = &index {
            // Their groups are numbered anew, but of the same key and kind the values are the same.
            let is_same = |old: &DrillIndex, page| {
                let rows = |index: &DrillIndex| {
                    index.page(page).iter().map(|row| (row.kind, row.key.clone())).collect::<Vec<_>>()
                };
                rows(old) == rows(&new.value)
            };
            let old = self.index.value().cloned();
            self.pages
                .retain(|page, rows| rows.problem().is_none() && old.as_ref().is_some_and(|old| is_same(old, *page)));
        }
        self.index.finish(index, at);
    }

    /// Takes in the values of the rows with these keys, if they still are the page's.
    pub fn take_page(
        &mut self,
        page: usize,
        keys: &[String],
        rows: Result<Measured<Arc<Vec<RowDetail>>>, Problem>,
        at: Time,
    ) {
        let is_here = |index: &Arc<DrillIndex>| index.page_keys(page) == keys;
        if self.index.value().is_some_and(is_here) {
            self.pages.entry(page).or_default().finish(rows, at);
        }
    }

    /// Need this page be read? It was not, or that failed and a while is over since.
    pub fn lacks(&self, page: usize, now: Time) -> bool {
        match self.pages.get(&page).map(|rows| &rows.progress) {
            None => true,
            Some(Progress::Failed { at, .. }) => now - *at > Self::PAUSE,
            Some(_) => false,
        }
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
    /// Are these only the rows that the list begins with, while all are being read?
    pub is_beginning: bool,
}

impl DrillIndex {
    /// How many rows an index holds at most.
    pub const LIMIT: usize = 200_000;

    /// The rows of a page.
    fn page(&self, page: usize) -> &[DriftRow] {
        let from = (page * Drill::PAGE).min(self.rows.len());
        &self.rows[from..(from + Drill::PAGE).min(self.rows.len())]
    }

    /// Their keys.
    pub fn page_keys(&self, page: usize) -> Vec<String> {
        self.page(page).iter().map(|row| row.key.to_string()).collect()
    }

    /// Sorts the rows: by kind, then by what their groups are called in the view and live, then by key. Of that order
    /// [`DrillTarget::first_flow`] knows the beginning.
    pub fn sort(&mut self) {
        let mut by_name: Vec<GroupId> = self.groups.ids().collect();
        by_name.sort_by_cached_key(|id| (self.groups.get(*id).labels(), self.groups.get(*id).keys()));
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
