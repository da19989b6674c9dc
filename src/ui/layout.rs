//! Where everything goes, for any size of terminal.
//!
//! ```text
//! ✖ CRITICAL  what · for whom · why, which key        banner
//! ╭ 1 Views ─────────────╮╭ 2 Cron history ─────────╮
//! ╰──────────────────────╯╰─────────────────────────╯
//! ┏ 3 Ejecutivos ━━━━━━━━━━━━━┓╭ 4 View against live ╮
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━┛╰─────────────────────╯
//! crm@host · what runs now                            status
//! r refresh  / filter  ? help                         footer
//! ```

use ratatui::layout::{Constraint, Layout as Split, Rect};

use super::{banner, status};
use crate::app::Model;
use crate::app::model::{Pane, SMALLEST};
use crate::theme::Theme;

/// Below this, only the pane with the keyboard is shown.
const ALL_PANES: (u16, u16) = (76, 22);

/// From here on, views and cron history stand side by side.
const WIDE: u16 = 110;

/// Below this many rows between banner and status not every pane can show more than its beginning.
const LOW: u16 = 21;

/// The areas of one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The verdict.
    pub banner: Rect,
    /// All between banner and status.
    pub body: Rect,
    /// The panes shown.
    pub panes: Vec<(Pane, Rect)>,
    /// What runs, or where this is.
    pub status: Rect,
    /// The keys.
    pub footer: Rect,
}

impl Layout {
    /// The layout for an area, or `None` when it is too small.
    pub fn of(area: Rect, model: &Model, theme: &Theme) -> Option<Layout> {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            return None;
        }
        let [banner, body, status, footer] = Split::vertical([
            Constraint::Length(banner::height(model, theme, area)),
            Constraint::Fill(1),
            Constraint::Length(status::height(model, theme, area.width)),
            Constraint::Length(1),
        ])
        .areas(area);
        Some(Layout { panes: panes(area, body, model), banner, body, status, footer })
    }
}

fn panes(area: Rect, body: Rect, model: &Model) -> Vec<(Pane, Rect)> {
    if model.zoom || area.width < ALL_PANES.0 || area.height < ALL_PANES.1 {
        return vec![(model.focus, body)];
    }
    let [views, cron, counts, flow] = if area.width >= WIDE { wide(body, model) } else { narrow(body, model) };
    vec![(Pane::Views, views), (Pane::Cron, cron), (Pane::Counts, counts), (Pane::Flow, flow)]
}

fn wide(body: Rect, model: &Model) -> [Rect; 4] {
    let upper = (body.height * 2 / 5).clamp(8, 14).max((model.snapshot.views.len().min(10) + 3) as u16);
    // However many views there are, the counts below have some lines.
    let upper = upper.min(body.height.saturating_sub(9)).max(5);
    let [upper, lower] = Split::vertical([Constraint::Length(upper), Constraint::Fill(1)]).areas(body);
    let [views, cron] = Split::horizontal([Constraint::Percentage(52), Constraint::Fill(1)]).areas(upper);
    let [counts, flow] = Split::horizontal([Constraint::Percentage(63), Constraint::Fill(1)]).areas(lower);
    [views, cron, counts, flow]
}

fn narrow(body: Rect, model: &Model) -> [Rect; 4] {
    let views = (model.snapshot.views.len().clamp(1, 4) + 3) as u16;
    // Where banner and message are long the counts still have a line.
    let usual = (body.height / 3).clamp(6, 12).min(body.height.saturating_sub(views + 6)).max(5);
    let lower = match model.focus {
        // The counts take the room that they need, unless the keyboard is below them.
        Pane::Views | Pane::Counts if body.height < LOW => {
            let counts = model.comparison().map_or(0, |c| c.matrix.lines.len().min(LOW.into()) as u16) + 5;
            body.height.saturating_sub(views + counts).clamp(4, usual)
        }
        _ => usual,
    };
    let [views, counts, lower] =
        Split::vertical([Constraint::Length(views), Constraint::Fill(1), Constraint::Length(lower)]).areas(body);
    let [cron, flow] = Split::horizontal([Constraint::Percentage(50), Constraint::Fill(1)]).areas(lower);
    [views, cron, counts, flow]
}
