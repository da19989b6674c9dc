//! How many rows were written of late, from the counters that each pulse reads.

use std::collections::{BTreeSet, VecDeque};

use chrono::TimeDelta;

use crate::domain::snapshot::Writes;
use crate::domain::time::Time;
use crate::domain::view::Oid;

/// How far back it looks.
const SPAN: TimeDelta = TimeDelta::minutes(5);

/// Statistics come up to a second late: from a shorter time no rate is made.
const SHORTEST: TimeDelta = TimeDelta::seconds(3);

/// The rows written between pulses, by table.
#[derive(Default)]
pub(super) struct Window {
    tables: Vec<Oid>,
    last: Option<(Time, Vec<i64>)>,
    /// What each pulse added.
    steps: VecDeque<(Time, Vec<u32>)>,
    /// The sum of the steps, table by table.
    rows: Vec<u64>,
    since: Option<Time>,
}

impl Window {
    /// A pulse's counters, in the order of the tables.
    pub(super) fn push(&mut self, at: Time, tables: &[Oid], counters: &[i64]) {
        if self.tables != tables {
            *self = Window { tables: tables.to_vec(), rows: vec![0; tables.len()], ..Window::default() };
            return;
        }
        // A counter that fell was reset.
        let step = |(new, old): (&i64, &i64)| u32::try_from((new - old).max(0)).unwrap_or(u32::MAX);
        if let Some((_, before)) = &self.last {
            let steps: Vec<u32> = counters.iter().zip(before).map(step).collect();
            self.rows.iter_mut().zip(&steps).for_each(|(rows, step)| *rows += u64::from(*step));
            self.steps.push_back((at, steps));
        }
        self.since.get_or_insert(at);
        while self.steps.front().is_some_and(|(t, _)| at - *t > SPAN) {
            let Some((then, steps)) = self.steps.pop_front() else { break };
            self.since = Some(then);
            self.rows.iter_mut().zip(&steps).for_each(|(rows, step)| *rows -= u64::from(*step));
        }
        self.last = Some((at, counters.to_vec()));
    }

    /// The rows written to these tables.
    pub(super) fn writes(&self, tables: &BTreeSet<Oid>) -> Option<Writes> {
        let over = self.last.as_ref()?.0 - self.since?;
        // The keeper has them in order.
        let places = tables.iter().filter_map(|table| self.tables.binary_search(table).ok());
        let rows = places.map(|place| self.rows[place]).sum();
        (over >= SHORTEST).then(|| Writes { rows, over: if rows == 0 { stepped(over) } else { over } })
    }
}

/// In steps: that no row came in a second more would be news every second, and at the window's end the length trembles.
fn stepped(over: TimeDelta) -> TimeDelta {
    let seconds = over.num_milliseconds() as f64 / 1000.0;
    let step = if seconds < 10.0 { 1.0 } else { 10.0 };
    TimeDelta::seconds(((seconds / step).round() * step) as i64)
}
