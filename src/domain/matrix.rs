//! The counts pane's table: one row a value of the first group column, one column group a value of the second.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::drift::{Counts, Drift, Group, GroupId, NO_VALUE, Totals};

/// A comparison with the sums that every face shows, made once when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The flow itself.
    pub drift: Drift,
    /// Its sums over all rows.
    pub totals: Totals,
    /// Its sums by group.
    pub matrix: Matrix,
}

impl Comparison {
    /// The comparison with its sums.
    pub fn of(drift: Drift) -> Comparison {
        Comparison { totals: drift.totals(), matrix: Matrix::of(&drift), drift }
    }
}

/// A value of a group column: its key and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The value as text; `None` is NULL. The outer `None`: there is no such column, all rows are one.
    pub key: Option<Option<Arc<str>>>,
    /// What people call it.
    pub label: Option<Arc<str>>,
}

impl Member {
    /// A group's value of the group column at `place`.
    pub fn of(group: &Group, place: usize) -> Member {
        Member { key: group.keys.get(place).cloned(), label: group.labels.get(place).cloned().flatten() }
    }

    /// What to show for it.
    pub fn title(&self) -> &str {
        match (&self.label, &self.key) {
            (Some(label), _) => label,
            (None, Some(_)) => NO_VALUE,
            (None, None) => "all rows",
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose row it is.
    pub member: Member,
    /// The counts in each column of [`Matrix::columns`].
    pub cells: Vec<Counts>,
    /// The sum over the columns.
    pub total: Counts,
    /// Rows in the wrong place that are this member's on either side, each counted once.
    pub misplaced: u64,
}

/// Counts by the first two group columns; further group columns are summed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The values of the second group column: most rows in the wrong place first, then most rows.
    pub columns: Vec<Member>,
    /// One line a value of the first group column, worst first.
    pub lines: Vec<Line>,
    /// The sum over the lines, a cell a column.
    pub totals: Vec<Counts>,
    /// The sum over everything.
    pub total: Counts,
}

impl Matrix {
    /// The table for a comparison.
    pub fn of(drift: &Drift) -> Matrix {
        let counts = drift.counts();
        let columns = columns(drift, &counts);
        let place: BTreeMap<_, _> = columns.iter().enumerate().map(|(i, m)| (m.key.clone(), i)).collect();
        let mut lines: BTreeMap<_, Line> = BTreeMap::new();
        let mut totals = vec![Counts::default(); columns.len()];
        for (id, &count) in &counts {
            let group = drift.group(*id);
            let line = lines.entry(Member::of(group, 0).key).or_insert_with(|| Line {
                member: Member::of(group, 0),
                cells: vec![Counts::default(); columns.len()],
                total: Counts::default(),
                misplaced: 0,
            });
            let cell = place[&Member::of(group, 1).key];
            line.cells[cell] = line.cells[cell].plus(count);
            line.total = line.total.plus(count);
            totals[cell] = totals[cell].plus(count);
        }
        for flow in drift.flow.iter().filter(|f| f.kind().is_some()) {
            let side = |id: Option<GroupId>| id.map(|id| Member::of(drift.group(id), 0).key);
            let (from, to) = (side(flow.from), side(flow.to));
            for key in [from.clone(), to.filter(|to| Some(to) != from.as_ref())].into_iter().flatten() {
                if let Some(line) = lines.get_mut(&key).filter(|_| drift.keyed) {
                    line.misplaced += flow.rows;
                }
            }
        }
        let total = totals.iter().copied().fold(Counts::default(), Counts::plus);
        let mut lines: Vec<Line> = lines.into_values().collect();
        // Without a key no row is known to have moved, and each counts where it is.
        lines.iter_mut().filter(|_| !drift.keyed).for_each(|line| line.misplaced = line.total.misplaced());
        lines.sort_by(|a, b| b.misplaced.cmp(&a.misplaced).then_with(|| a.member.label.cmp(&b.member.label)));
        Matrix { columns, lines, totals, total }
    }
}

fn columns(drift: &Drift, counts: &BTreeMap<GroupId, Counts>) -> Vec<Member> {
    let mut sizes: BTreeMap<_, ((u64, u64), Member)> = BTreeMap::new();
    for (id, count) in counts {
        let member = Member::of(drift.group(*id), 1);
        let size = &mut sizes.entry(member.key.clone()).or_insert(((0, 0), member)).0;
        *size = (size.0 + count.misplaced(), size.1 + count.view.max(count.live));
    }
    let mut columns: Vec<_> = sizes.into_values().collect();
    columns.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.label.cmp(&y.label)));
    columns.into_iter().map(|(_, member)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::{Flow, Scope};
    use crate::domain::groups::Groups;

    type Side<'a> = Option<[&'a str; 2]>;

    fn drift(rows: &[(Side, Side, u64)]) -> Drift {
        let mut groups = Groups::default();
        let mut id = |side: Side| {
            side.map(|keys| {
                let keys = keys.map(|k| (!k.is_empty()).then(|| k.to_string())).to_vec();
                groups.intern(keys, vec![None, None])
            })
        };
        let flow = rows.iter().map(|&(from, to, rows)| Flow { from: id(from), to: id(to), rows, changed: 0 }).collect();
        Drift { scope: Scope::Groups, keyed: true, flow, groups: groups.finish() }
    }

    #[test]
    fn a_row_that_moved_counts_in_the_view_there_and_live_here() {
        let matrix = Matrix::of(&drift(&[
            (Some(["Osmara", "VEN"]), Some(["Osmara", "BOOM"]), 29),
            (Some(["Osmara", "VEN"]), Some(["Berta", "VEN"]), 137),
            (Some(["Berta", "VEN"]), Some(["Berta", "VEN"]), 10),
        ]));
        assert_eq!(matrix.columns.iter().map(|c| c.label.as_deref()).collect::<Vec<_>>(), [Some("VEN"), Some("BOOM")]);
        let osmara = &matrix.lines[0];
        assert_eq!(osmara.member.label.as_deref(), Some("Osmara"));
        assert_eq!(osmara.misplaced, 166, "a row that only changed coordinación is one wrong row of hers, not two");
        assert_eq!((osmara.cells[0].view, osmara.cells[0].live), (166, 0));
        assert_eq!((osmara.cells[1].view, osmara.cells[1].live), (0, 29));
        assert_eq!((matrix.total.view, matrix.total.live), (176, 176));
    }

    #[test]
    fn no_ejecutivo_is_a_line_of_its_own() {
        let matrix = Matrix::of(&drift(&[
            (Some(["", "VEN"]), Some(["", "VEN"]), 7),
            (Some(["Berta", "VEN"]), Some(["Berta", "VEN"]), 1),
        ]));
        assert_eq!(matrix.lines.len(), 2);
        assert!(matrix.lines.iter().any(|l| l.member.key == Some(None) && l.total.view == 7));
    }

    #[test]
    fn without_group_columns_all_rows_are_one_line_and_one_column() {
        let mut groups = Groups::default();
        let all = Some(groups.intern(vec![], vec![]));
        let flow = vec![Flow { from: all, to: None, rows: 2, changed: 0 }];
        let matrix = Matrix::of(&Drift { scope: Scope::Groups, keyed: true, flow, groups: groups.finish() });
        assert_eq!((matrix.lines.len(), matrix.columns.len()), (1, 1));
        assert_eq!(matrix.lines[0].member.key, None);
    }
}
