//! The counts pane's table: one row a value of the first group column, one column group a value of the second.

use std::sync::Arc;

use super::drift::{Drift, Flow, Totals};
use super::groups::{GroupId, Member};
use super::trace::Trace;

/// A comparison with the sums that every face shows, made once when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The flow itself.
    pub drift: Drift,
    /// Its sums over all rows.
    pub totals: Totals,
    /// Its sums by group.
    pub matrix: Matrix,
    /// What spares the next look to pair all rows, if it was kept.
    pub trace: Option<Arc<Trace>>,
    /// Does live give a key of the view's unique index twice? Then rows are compared without it, and a refresh fails.
    pub has_key_twice: bool,
    /// The places in the flow that are drift, most rows first.
    worst: Vec<u32>,
}

impl Comparison {
    /// The comparison with its sums.
    pub fn of(drift: Drift) -> Comparison {
        let (totals, matrix, worst) = (drift.totals(), Matrix::of(&drift), drift.worst());
        Comparison { totals, matrix, worst, drift, trace: None, has_key_twice: false }
    }

    /// With what spares the next look to pair all rows.
    #[must_use]
    pub fn traced(self, trace: Option<Arc<Trace>>) -> Comparison {
        Comparison { trace, ..self }
    }

    /// With its columns in the places that they had at an earlier look, where they are the same ones and rows differ now as
    /// then, or as little as then: what somebody reads must not swap places because of a row or two.
    #[must_use]
    pub fn in_places_of(mut self, before: &Comparison) -> Comparison {
        let differs = |comparison: &Comparison| comparison.totals.misplaced() > 0;
        if differs(&self) == differs(before) {
            self.matrix.arrange(&before.matrix.columns);
        }
        self
    }

    /// The same where live gives a key twice.
    #[must_use]
    pub fn with_key_twice(self, has_key_twice: bool) -> Comparison {
        Comparison { has_key_twice, ..self }
    }

    /// The flows that are drift, most rows first.
    pub fn worst(&self) -> impl ExactSizeIterator<Item = &Flow> {
        self.worst.iter().map(|place| &self.drift.flow[*place as usize])
    }
}

/// The rows of one cell of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Rows in the view.
    pub view: u64,
    /// Rows live.
    pub live: u64,
    /// Rows that people find in the wrong place or not at all, seen from here.
    pub misplaced: u64,
}

impl Sides {
    /// Live minus view.
    pub fn difference(&self) -> i64 {
        self.live as i64 - self.view as i64
    }

    /// Both together.
    pub fn plus(self, other: Sides) -> Sides {
        Sides {
            view: self.view + other.view,
            live: self.live + other.live,
            misplaced: self.misplaced + other.misplaced,
        }
    }

    /// Without a key no row is known to have moved, and one that changed is both missing and gone: it counts once. Until
    /// here only what is missing was counted; what is gone beyond that makes the view the larger side.
    fn unkeyed(self) -> Sides {
        Sides { misplaced: self.misplaced + self.view.saturating_sub(self.live), ..self }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose row it is.
    pub member: Member,
    /// The rows in each column of [`Matrix::columns`].
    pub cells: Box<[Sides]>,
    /// The sum over the columns.
    pub total: Sides,
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
    pub totals: Vec<Sides>,
    /// The sum over everything.
    pub total: Sides,
}

impl Matrix {
    /// The table for a comparison.
    pub fn of(drift: &Drift) -> Matrix {
        if drift.groups.is_empty() {
            return Matrix::default();
        }
        let sums = Sums::of(drift);
        let settled = |sides: Sides| if drift.is_keyed() { sides } else { sides.unkeyed() };
        let sum = |cells: &[Sides]| cells.iter().copied().fold(Sides::default(), Sides::plus);
        let (members, columns) = (drift.groups.members(0), drift.groups.members(1));
        let mut totals = vec![Sides::default(); columns.len()];
        for line in sums.cells.chunks(columns.len()) {
            totals.iter_mut().zip(line).for_each(|(total, cell)| *total = total.plus(*cell));
        }
        let total = settled(sum(&totals));
        let mut order: Vec<usize> = (0..columns.len()).collect();
        let size = |place: usize| (settled(totals[place]).misplaced, totals[place].view.max(totals[place].live));
        order.sort_by(|&a, &b| size(b).cmp(&size(a)).then_with(|| columns[a].cmp(&columns[b])));
        let line = |(place, cells): (usize, &[Sides])| {
            let total = settled(sum(cells));
            let misplaced = if drift.is_keyed() { sums.misplaced[place] } else { total.misplaced };
            let cells = order.iter().map(|&column| settled(cells[column])).collect();
            Line { member: members[place].clone(), cells, total, misplaced }
        };
        let mut lines: Vec<Line> = sums.cells.chunks(columns.len()).enumerate().map(line).collect();
        lines.sort_by(|a, b| b.misplaced.cmp(&a.misplaced).then_with(|| a.member.cmp(&b.member)));
        Matrix {
            columns: order.iter().map(|&place| columns[place].clone()).collect(),
            lines,
            totals: order.iter().map(|&place| settled(totals[place])).collect(),
            total,
        }
    }

    /// Puts the columns in this order, if they are the same ones.
    fn arrange(&mut self, order: &[Member]) {
        let place = |wanted: &Member| self.columns.iter().position(|column| column.key == wanted.key);
        let Some(places) = order.iter().map(place).collect::<Option<Vec<usize>>>() else { return };
        if places.len() != self.columns.len() {
            return;
        }
        self.columns = places.iter().map(|&place| self.columns[place].clone()).collect();
        self.totals = places.iter().map(|&place| self.totals[place]).collect();
        for line in &mut self.lines {
            line.cells = places.iter().map(|&place| line.cells[place]).collect();
        }
    }
}

/// A flow summed: its cells one line after the other, as the groups have the values.
struct Sums {
    cells: Vec<Sides>,
    /// Of each line the rows in the wrong place, those that stay in it counted once.
    misplaced: Vec<u64>,
}

impl Sums {
    fn of(drift: &Drift) -> Sums {
        let (lines, columns) = (drift.groups.members(0).len(), drift.groups.members(1).len());
        let mut sums = Sums { cells: vec![Sides::default(); lines * columns], misplaced: vec![0; lines] };
        let place = |id: GroupId| (drift.group(id).place(0), drift.group(id).place(1));
        for flow in &drift.flow {
            let (from, to) = (flow.from.map(place), flow.to.map(place));
            let wrong = if flow.kind().is_some() { flow.rows } else { 0 };
            if let Some((line, column)) = from {
                let cell = &mut sums.cells[line * columns + column];
                cell.view += flow.rows;
                // See Sides::unkeyed.
                cell.misplaced += if drift.is_keyed() { wrong } else { 0 };
                sums.misplaced[line] += wrong;
            }
            if let Some((line, column)) = to {
                let cell = &mut sums.cells[line * columns + column];
                cell.live += flow.rows;
                cell.misplaced += wrong;
                let is_counted = from.is_some_and(|(from, _)| from == line);
                sums.misplaced[line] += if is_counted { 0 } else { wrong };
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::drift::{Pairing, Scope};
    use crate::domain::groups::Interner;

    type Side<'a> = Option<[&'a str; 2]>;

    fn drift(rows: &[(Side, Side, u64)]) -> Drift {
        let mut groups = Interner::default();
        let mut id = |side: Side| side.map(|keys| groups.intern(&keys.map(|k| Some(k).filter(|k| !k.is_empty())), &[]));
        let flow = rows.iter().map(|&(from, to, rows)| Flow { from: id(from), to: id(to), rows, changed: 0 }).collect();
        Drift { scope: Scope::Groups, pairing: Pairing::Key, flow, groups: groups.finish() }
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
    fn two_of_the_same_name_stand_in_the_same_order_whichever_was_met_first() {
        let order = |keys: [&str; 2]| {
            let mut groups = Interner::default();
            let flow = keys.map(|key| {
                let id = Some(groups.intern(&[Some(key)], &[Some("Ana")]));
                Flow { from: id, to: id, rows: 1, changed: 0 }
            });
            let drift =
                Drift { scope: Scope::Groups, pairing: Pairing::Key, flow: flow.into(), groups: groups.finish() };
            Matrix::of(&drift).lines.into_iter().map(|line| line.member.key).collect::<Vec<_>>()
        };
        assert_eq!(order(["7", "9"]), order(["9", "7"]));
    }

    #[test]
    fn columns_keep_their_places_while_they_are_the_same_ones_and_rows_differ() {
        let moved = |ven, apex| {
            Comparison::of(drift(&[
                (Some(["Ana", "VEN"]), Some(["Berta", "VEN"]), ven),
                (Some(["Ana", "APEX"]), Some(["Berta", "APEX"]), apex),
            ]))
        };
        let titles = |c: &Comparison| c.matrix.columns.iter().map(|m| m.title().to_string()).collect::<Vec<_>>();
        let (before, after) = (moved(9, 3), moved(3, 9).in_places_of(&moved(9, 3)));
        assert_eq!(titles(&moved(3, 9)), ["APEX", "VEN"]);
        assert_eq!(titles(&after), titles(&before));
        assert_eq!((after.matrix.lines[0].cells[0].view, after.matrix.totals[1].view), (3, 9));
        let still = Comparison::of(drift(&[(Some(["Ana", "VEN"]), Some(["Ana", "VEN"]), 7)]));
        assert_eq!(titles(&moved(3, 9).in_places_of(&still)), ["APEX", "VEN"], "what begins to differ comes first");
        let more = Comparison::of(drift(&[(Some(["Ana", "VEN"]), Some(["Ana", "MVP"]), 1)]));
        assert_eq!(titles(&moved(3, 9).in_places_of(&more)), ["APEX", "VEN"], "other columns");
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
        let mut groups = Interner::default();
        let all = Some(groups.intern::<&str>(&[], &[]));
        let flow = vec![Flow { from: all, to: None, rows: 2, changed: 0 }];
        let matrix = Matrix::of(&Drift { scope: Scope::Groups, pairing: Pairing::Key, flow, groups: groups.finish() });
        assert_eq!((matrix.lines.len(), matrix.columns.len()), (1, 1));
        assert_eq!(matrix.lines[0].member.key, None);
    }
}
