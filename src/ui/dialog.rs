//! What lies over the screen: the question before an action with its exact SQL, and the help.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph, Wrap};

use crate::app::Model;
use crate::app::model::Dialog;
use crate::domain::snapshot::ViewState;
use crate::domain::time::{human, took};
use crate::domain::view::RefreshMode;
use crate::keys::{Binding, Scope, bindings, shown};
use crate::pg::operator::refresh_sql;
use crate::theme::Theme;

/// Draws the dialog, if there is one.
pub fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let (title, lines) = match &model.dialog {
        None => return,
        Some(Dialog::Help(first)) => {
            ("Keys".to_string(), help(model, theme).into_iter().skip(*first as usize).collect())
        }
        Some(Dialog::Refresh(oid, focused)) => match model.newest.view(*oid) {
            Some(view) => (format!("Refresh {}?", view.view.name.short()), refresh(model, theme, view, *focused)),
            None => return,
        },
        Some(Dialog::Quit(focused)) => ("Leave while a refresh runs?".into(), quit(theme, *focused)),
    };
    let width = area.width.saturating_sub(4).min(86);
    let wrapped: usize = lines.iter().map(|l: &Line| l.width().max(1).div_ceil(width as usize - 4)).sum();
    let height = (wrapped as u16 + 2).min(area.height.saturating_sub(2));
    let place = area.centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border_focus)
        .title_top(Line::styled(format!(" {title} "), theme.title))
        .padding(Padding::horizontal(1))
        .style(theme.text.patch(theme.dialog));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), place);
}

fn refresh<'a>(model: &Model, theme: &Theme, view: &ViewState, focused: bool) -> Vec<Line<'a>> {
    let mode = view.view.refresh_mode(view.signal.populated);
    let sql = refresh_sql(&view.view.name, mode);
    let mut lines: Vec<Line> =
        sql.into_iter().map(|statement| Line::styled(format!("{statement};"), theme.accent)).collect();
    lines.push(Line::default());
    lines.extend(lock(theme, mode));
    lines.push(Line::styled(duration(model, view), theme.dim));
    lines.push(Line::styled("Afterwards the view is compared again, and what is still wrong is said.", theme.dim));
    lines.push(Line::default());
    lines.push(buttons(theme, "Refresh", focused));
    lines
}

fn lock<'a>(theme: &Theme, mode: RefreshMode) -> Vec<Line<'a>> {
    let plain = "It takes AccessExclusiveLock: every reader waits until it ends.";
    match mode {
        RefreshMode::Concurrently => vec![Line::styled(
            "It takes ExclusiveLock: readers go on; other refreshes, VACUUM and ANALYZE of it wait.",
            theme.words(),
        )],
        RefreshMode::PlainNoUniqueIndex => vec![
            Line::styled(plain, theme.danger),
            Line::styled(
                "CONCURRENTLY would let them read, but needs a unique index without WHERE and expressions; it has none.",
                theme.words(),
            ),
        ],
        RefreshMode::PlainNotPopulated => vec![
            Line::styled(plain, theme.danger),
            Line::styled(
                "It was never populated, so CONCURRENTLY is not possible and nobody can read it yet.",
                theme.words(),
            ),
        ],
    }
}

/// How long the last ones took, or what is the best guess and that it is one.
fn duration(model: &Model, view: &ViewState) -> String {
    let stats = model.diagnosis.view(view.view.oid).and_then(|r| r.job).and_then(|job| model.snapshot.job(job));
    if let Some((p50, p95)) = stats.and_then(|s| Some((s.p50?, s.p95?))) {
        return format!("Its job's refreshes of the last day took {} (median) to {} (p95).", human(p50), human(p95));
    }
    match &view.values.last {
        Some(values) => format!(
            "No refresh of it was recorded. Comparing all its values took {}; a refresh takes about as long.",
            took(values.took)
        ),
        None => "No refresh of it was recorded, so how long it takes is not known.".into(),
    }
}

fn quit<'a>(theme: &Theme, focused: bool) -> Vec<Line<'a>> {
    vec![
        Line::raw("The refresh you started still runs. Leaving cancels it; the view stays as it is."),
        Line::default(),
        buttons(theme, "Leave", focused),
    ]
}

/// Cancel first and focused, the deed second with its own key.
fn buttons<'a>(theme: &Theme, deed: &str, focused: bool) -> Line<'a> {
    let (cancel, act) =
        if focused { (theme.words(), theme.badge_warning) } else { (theme.badge_unknown, theme.danger) };
    let mark = |on: bool| if on { "▸" } else { " " };
    Line::from(vec![
        Span::styled(format!(" {} Cancel ", mark(!focused)), cancel),
        Span::styled(" Esc", theme.key),
        Span::raw("     "),
        Span::styled(format!(" {} {deed} ", mark(focused)), act),
        Span::styled(" y", theme.key),
    ])
}

fn help<'a>(model: &Model, theme: &Theme) -> Vec<Line<'a>> {
    let line = |b: &Binding| {
        let keys: Vec<&str> = b.keys.iter().map(|k| shown(k)).collect();
        let off = crate::app::dispatch::disabled(model, b.action).filter(|_| b.danger);
        let mut spans = vec![Span::styled(format!("{:<14}", keys.join(" ")), theme.key), Span::raw(b.help)];
        spans.extend(off.map(|why| Span::styled(format!("  (off: {why})"), theme.dim)));
        Line::from(spans)
    };
    let mut lines = Vec::new();
    for (title, scope) in
        [("Everywhere", Scope::Everywhere), ("Panes", Scope::Panes), ("Rows", Scope::Drill), ("Dialogs", Scope::Dialog)]
    {
        lines.push(Line::styled(title, theme.title));
        lines.extend(bindings(&[scope]).map(line));
        lines.push(Line::default());
    }
    lines
}
