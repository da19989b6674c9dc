//! What is true or wrong, and for whom it is worst, in one sentence each.

use super::{Scene, thousands};
use crate::domain::drift::Totals;
use crate::domain::freshness::{Freshness, FreshnessState};
use crate::domain::groups::Member;
use crate::domain::matrix::Line;
use crate::domain::server::Server;
use crate::domain::snapshot::ViewState;
use crate::domain::time::human;
use crate::domain::view::View;

pub(super) fn what(
    scene: &Scene,
    view: &ViewState,
    totals: Option<&Totals>,
    allowed: u64,
    freshness: &Freshness,
) -> String {
    let name = view.view.name.short();
    let Some(totals) = totals else {
        let server = scene.snapshot.server.as_deref();
        return match (freshness.state, view.drift.problem()) {
            (FreshnessState::NeverPopulated, _) => format!("{name} holds no data"),
            _ if !view.view.can_select || !view.view.lacks.is_empty() => {
                format!("{name} cannot be compared: {}", lacking(server, &view.view))
            }
            (_, Some(_)) => format!("Whether {name} is true is not known"),
            _ if view.is_locked() || !view.view.has_definition() => format!("Whether {name} is true is not known"),
            _ => format!("Comparing {name} with its definition…"),
        };
    };
    let rows = totals.rows();
    let (is, then) = if is_past(view) { ("was", " when last compared") } else { ("is", "") };
    if (1..=allowed).contains(&totals.wrong()) {
        let (wrong, rows) = (thousands(totals.wrong()), thousands(rows));
        return format!("{name} {is} true enough{then}: {wrong} of {rows} rows differ, {} may", thousands(allowed));
    }
    if totals.wrong() > 0 && freshness.allows_lag() {
        let old = freshness.age.map_or(String::new(), |age| format!(" {is} as of {} ago", human(age)));
        return format!("{name}{old}{then}: {} by now", differ(totals.wrong(), rows));
    }
    if totals.wrong() > 0 && totals.unkeyed {
        return format!("{name} {is} wrong{then}: {}", differ(totals.wrong(), rows));
    }
    let stale = scene.stale_source(view).filter(|_| totals.wrong() == 0 && totals.changed.is_some());
    if let Some((source, how)) = stale {
        return format!(
            "{name} {is} as its definition{then}, but that reads {}, which {how}",
            source.view.name.short()
        );
    }
    match (totals.misplaced(), totals.changed) {
        (0, Some(0)) => format!("{name} {is} true{then}: {}", all(rows, "matches", "match")),
        (0, None) => format!("{name}: {}, values not compared yet", all(rows, "is in place", "are in place")),
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

/// `ana needs SELECT on prospectos`
pub(super) fn lacking(server: Option<&Server>, view: &View) -> String {
    let lacks = if view.lacks.is_empty() { "SELECT on it".into() } else { view.lacks.join(" and ") };
    format!("{} needs {lacks}", server.map_or("this role", |s| &s.user))
}

/// `3 of 16 rows differ`
fn differ(wrong: u64, rows: u64) -> String {
    match (wrong, rows) {
        (_, 0..=1) => "its one row differs".into(),
        (1, _) => format!("1 of {} rows differs", thousands(rows)),
        _ => format!("{} of {} rows differ", thousands(wrong), thousands(rows)),
    }
}

/// `all 16 rows match`, `its one row matches`
fn all(rows: u64, one: &str, many: &str) -> String {
    match rows {
        0 => "it has no row, nor has its definition".into(),
        1 => format!("its one row {one}"),
        n => format!("all {} rows {many}", thousands(n)),
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
    let mut cells: Vec<_> = line.cells.iter().zip(columns).filter(|(c, _)| c.misplaced > 0).collect();
    cells.sort_by_key(|(c, _)| std::cmp::Reverse(c.misplaced));
    let seen = cells.iter().take(2).map(|(c, m)| {
        let column = if m.key.is_some() { format!("{} ", m.title()) } else { String::new() };
        match c.difference() {
            0 if c.view == 1 => format!("{column}1 row, not the right one"),
            0 => format!("{column}{} rows, not the right ones", thousands(c.view)),
            _ => format!("{column}{} instead of {}", thousands(c.view), thousands(c.live)),
        }
    });
    let seen = seen.collect::<Vec<_>>().join(", ");
    let others = match others {
        0 => String::new(),
        1 => "; 1 more is affected".into(),
        n => format!("; {n} more are affected"),
    };
    // Rows that belong to nobody are seen by everybody.
    match line.member.key {
        Some(_) => Some(format!("{} sees {seen}{others}", line.member.title())),
        None => Some(format!("People see {seen}")),
    }
}
