//! What is true or wrong, and for whom it is worst, in one sentence each.

use super::thousands;
use crate::domain::drift::Totals;
use crate::domain::freshness::{Freshness, FreshnessState};
use crate::domain::matrix::{Line, Member};
use crate::domain::snapshot::ViewState;

pub(super) fn what(view: &ViewState, totals: Option<&Totals>, allowed: u64, freshness: &Freshness) -> String {
    let name = view.view.name.short();
    let Some(totals) = totals else {
        return match freshness.state {
            FreshnessState::NeverPopulated => format!("{name} has never been filled"),
            _ if view.drift.problem().is_some() || view.is_locked() => format!("Whether {name} is true is not known"),
            _ => format!("Comparing {name} with its definition…"),
        };
    };
    let rows = totals.view.max(totals.live);
    let (is, then) = if is_past(view) { ("was", " when last compared") } else { ("is", "") };
    if (1..=allowed).contains(&totals.wrong()) {
        let (wrong, rows) = (thousands(totals.wrong()), thousands(rows));
        return format!("{name} {is} true enough{then}: {wrong} of {rows} rows differ, {} may", thousands(allowed));
    }
    match (totals.misplaced(), totals.changed) {
        (0, Some(0)) => format!("{name} {is} true{then}: all {} rows match", thousands(rows)),
        (0, None) => format!("{name}: all {} rows in place, values not compared yet", thousands(rows)),
        (0, Some(changed)) => {
            format!("{name} {is} outdated{then}: {} of {} rows show old values", thousands(changed), thousands(rows))
        }
        (misplaced, changed) => {
            let old = changed.filter(|&n| n > 0).map(|n| format!(", {} outdated", thousands(n)));
            let (misplaced, rows) = (thousands(misplaced), thousands(rows));
            format!("{name} {is} wrong{then}: {misplaced} of {rows} misplaced{}", old.unwrap_or_default())
        }
    }
}

/// Is the comparison of a state that is gone, with no other to be had now? It is then told in the past tense.
fn is_past(view: &ViewState) -> bool {
    view.is_drift_outdated() && (view.is_locked() || view.drift.problem().is_some())
}

/// For whom it is worst: the first line, its two worst columns.
pub(super) fn whom(lines: &[Line], columns: &[Member]) -> Option<String> {
    let line = lines.first().filter(|l| l.misplaced > 0)?;
    let others = lines.iter().skip(1).filter(|l| l.misplaced > 0).count();
    let mut cells: Vec<_> = line.cells.iter().zip(columns).filter(|(c, _)| c.misplaced() > 0).collect();
    cells.sort_by_key(|(c, _)| std::cmp::Reverse(c.misplaced()));
    let seen = cells.iter().take(2).map(|(c, m)| {
        let column = if m.key.is_some() { format!("{} ", m.title()) } else { String::new() };
        match c.difference() {
            0 => format!("{column}{} rows, not the right ones", thousands(c.view)),
            _ => format!("{column}{} instead of {}", thousands(c.view), thousands(c.live)),
        }
    });
    let seen = seen.collect::<Vec<_>>().join(", ");
    let others = if others == 0 { String::new() } else { format!("; {others} more are affected") };
    Some(format!("{} sees {seen}{others}", line.member.title()))
}
