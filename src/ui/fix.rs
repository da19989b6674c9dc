//! What can be done about a view: the four options with their figures here, the recommended one first, and the repairs.
//!
//! ```text
//! ┏ What can be done · mv_conversaciones_dashboard ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ Recommended: Cron job. A refresh of 79ms every 5m keeps the limit          ┃
//! ┃   option        data is at most   a write waits   load    WAL a day   readers     ┃
//! ┃ ▸ Cron job      5m old      0               0.03 %  ≈ 312 MB    go on       ┃
//! ```

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout as Split, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Padding, Paragraph, Wrap};

use super::rows::{Column, paint, rest, row, shown, within};
use super::{progress, window};
use crate::app::Model;
use crate::app::disabled::no_changes;
use crate::app::fix::{FixScreen, Row, advice, plan, rows, schedule, view};
use crate::domain::fix::{Advice, Choice, Need, Offer};
use crate::domain::schedule::preview;
use crate::domain::text::{fit, wrap};
use crate::domain::time::{human, took};
use crate::keys::{self, Action, Scope};
use crate::theme::Theme;

const TITLE: &str = " What can be done ";

/// From here on the options stand side by side.
const WIDE: u16 = 110;

/// Draws it.
pub fn draw(model: &Model, screen: &FixScreen, theme: &Theme, frame: &mut Frame, area: Rect) {
    let name = view(model, screen).map_or("the view is gone".into(), |v| v.view.name.short());
    let name = fit(&name, (area.width as usize).saturating_sub(TITLE.len() + 4));
    let block = Block::bordered()
        .border_type(BorderType::Thick)
        .border_style(theme.border_focus)
        .title_top(Line::styled(TITLE, theme.title))
        .title_top(Line::styled(format!(" {name} "), theme.dim).right_aligned())
        .padding(Padding::horizontal(1));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = rows(model, screen);
    if rows.is_empty() {
        let measuring = || Span::styled("measuring what each option costs here…", theme.busy);
        let line = match view(model, screen) {
            Some(view) => progress(&view.facts, theme, model.server_now()).unwrap_or_else(measuring),
            None => {
                let keys = &model.settings.keys;
                let [back, look] = [Action::Back, Action::Fix].map(|action| keys::shown(keys.key(action)));
                let text = format!(
                    "It was dropped or replaced meanwhile. {back} goes back; {look} then looks at what is there now."
                );
                Span::styled(text, theme.warning)
            }
        };
        frame.render_widget(Paragraph::new(Line::from(line)).wrap(Wrap { trim: true }), inner);
        return;
    }
    let advice = advice(model, screen);
    let off = no_changes(model).map(|why| format!("✖ Only to look at: {why}")).unwrap_or_default();
    let off = wrap(&off, inner.width as usize).into_iter().map(|line| Line::from(Span::styled(line, theme.warning)));
    let head: Vec<Line> = off.chain(head(advice.as_ref(), theme, inner.width)).collect();
    let is_wide = inner.width >= WIDE - 4 && advice.is_some();
    let offers = offers(&rows).count() as u16;
    let repairs = rows.len() as u16 - offers;
    let table = if is_wide { 11 } else { offers + u16::from(offers > 0) };
    // What must come before any option stands above them.
    let first = rows.iter().take_while(|r| matches!(r, Row::Repair(..)) && offers > 0).count();
    let (ahead, after) = rows.split_at(first);
    let ahead = repair_lines(ahead, 0, screen, theme, inner.width);
    let mut also = vec![Line::from(Span::styled("  also", theme.header))];
    also.extend(repair_lines(after, first, screen, theme, inner.width));
    let repairs = repairs - first as u16;
    let small_height = if repairs > 0 { repairs + 1 } else { 0 };
    if !is_wide && (head.len() + ahead.len()) as u16 + table + small_height > inner.height {
        let headings =
            usize::from(screen.row >= first && offers > 0) + usize::from(screen.row >= first + offers as usize);
        also.truncate(small_height as usize);
        let list = [ahead, table_lines(&rows, screen, theme, inner.width), also].concat();
        return low(head, list, screen.row + headings, theme, frame, area, inner);
    }
    let head = [head, ahead].concat();
    let [top, options, small, detail] = Split::vertical([
        Constraint::Length(head.len() as u16),
        Constraint::Length(table),
        Constraint::Length(small_height),
        Constraint::Fill(1),
    ])
    .spacing(u16::from(inner.height >= 16))
    .areas(inner);
    paint(frame, top, head);
    if is_wide {
        cards(&rows, screen, theme, frame, options);
    } else {
        paint(frame, options, table_lines(&rows, screen, theme, options.width));
    }
    paint(frame, small, also);
    let detail_lines = details(model, screen, &rows, advice.as_ref(), theme);
    let detail_lines: Vec<Line> = detail_lines.into_iter().map(shown).collect();
    frame.render_widget(Paragraph::new(detail_lines).wrap(Wrap { trim: true }), detail);
}

/// Where there is not room for all: the beginning of the head, then what there is to choose from around the cursor, and in
/// the frame how much more there is. What a choice means is said by the question that it asks.
fn low(head: Vec<Line>, list: Vec<Line>, cursor: usize, theme: &Theme, frame: &mut Frame, area: Rect, inner: Rect) {
    let room = (inner.height as usize).saturating_sub(list.len()).clamp(1, 2);
    let head = within(head, inner.width, room);
    let [top, rest] = Split::vertical([Constraint::Length(head.len() as u16), Constraint::Fill(1)]).areas(inner);
    paint(frame, top, head);
    let seen = window(cursor, list.len(), rest.height as usize);
    let more = [(seen.start, "▲"), (list.len() - seen.end, "▼")];
    let more: Vec<String> = more.iter().filter(|(n, _)| *n > 0).map(|(n, sign)| format!("{sign} {n} more")).collect();
    if !more.is_empty() {
        let edge = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width.saturating_sub(2), height: 1 };
        frame.render_widget(Line::styled(format!(" {} ", more.join(" · ")), theme.key).right_aligned(), edge);
    }
    paint(frame, rest, list.into_iter().skip(seen.start).take(seen.len()));
}

/// The recommendation with its reason, broken by hand so that its height is known.
fn head<'a>(advice: Option<&Advice>, theme: &Theme, width: u16) -> Vec<Line<'a>> {
    let Some(advice) = advice else {
        let text = "It is a plain view: always true, and what it costs its readers pay.";
        return wrap(text, width as usize).into_iter().map(|line| Line::styled(line, theme.words())).collect();
    };
    let text = format!("Recommended: {}; {}.", advice.best.title(), advice.reason);
    wrap(&text, width as usize).into_iter().map(|l| Line::styled(l, theme.accent)).collect()
}

fn is_selected(screen: &FixScreen, place: usize) -> bool {
    screen.row == place
}

fn mark(selected: bool) -> &'static str {
    if selected { "▸ " } else { "  " }
}

fn title_style(offer: &Offer, theme: &Theme) -> Style {
    if offer.needs.is_empty() { theme.words() } else { theme.dim }
}

/// The options, each with its place among the rows.
fn offers(rows: &[Row]) -> impl Iterator<Item = (usize, &Offer)> {
    rows.iter().enumerate().filter_map(|(i, r)| if let Row::Offer(o, _) = r { Some((i, &**o)) } else { None })
}

fn table_lines<'a>(rows: &[Row], screen: &FixScreen, theme: &Theme, width: u16) -> Vec<Line<'a>> {
    let offers: Vec<(usize, &Offer)> = offers(rows).collect();
    let Some((_, first)) = offers.first() else { return Vec::new() };
    // The WAL is the first to give way where the terminal is narrow; the readers' waits are what people feel.
    let wal = if width >= 64 { 9 } else { 0 };
    let fixed = [Column::Text(14), Column::Text(12), Column::Text(13), Column::Text(7), Column::Text(wal)];
    let mut columns = fixed.to_vec();
    columns.push(Column::Text(rest(width, &fixed)));
    let names = std::iter::once("  option".to_string()).chain(first.figures().map(|(n, _)| n.to_string()));
    let mut lines = vec![row(&columns, names.map(|n| (n, theme.header)))];
    for (place, offer) in offers {
        let selected = is_selected(screen, place);
        let needs = match offer.needs.iter().find(|need| !need.is_already()).or(offer.needs.first()) {
            None => "",
            Some(Need::Already(_)) => " ✔",
            Some(Need::Missing(_)) => " ✖",
        };
        let title = format!("{}{}{needs}", mark(selected), offer.choice.title());
        let cells = std::iter::once((title, title_style(offer, theme)))
            .chain(offer.figures().map(|(_, value)| (value, title_style(offer, theme))));
        let line = row(&columns, cells);
        lines.push(if selected { line.style(theme.selection) } else { line });
    }
    lines
}

fn cards(rows: &[Row], screen: &FixScreen, theme: &Theme, frame: &mut Frame, area: Rect) {
    let places = Split::horizontal([Constraint::Fill(1); 4]).areas::<4>(area);
    for ((place, offer), card) in offers(rows).zip(places) {
        let selected = is_selected(screen, place);
        let (border, kind) = match selected {
            true => (theme.border_focus, BorderType::Thick),
            false => (theme.border, BorderType::Rounded),
        };
        let title = format!(" {}{} ", mark(selected), offer.choice.title());
        let block = Block::bordered()
            .border_type(kind)
            .border_style(border)
            .title_top(Line::styled(title, if selected { theme.title } else { title_style(offer, theme) }))
            .padding(Padding::horizontal(1));
        let mut lines: Vec<Line> = offer
            .figures()
            .into_iter()
            .flat_map(|(name, value)| {
                let is_long = name.len() + value.chars().count() + 1 > card.width.saturating_sub(4) as usize;
                let name = Span::styled(format!("{name} "), theme.dim);
                let value = Span::styled(value, title_style(offer, theme));
                if is_long { vec![Line::from(name), Line::from(value)] } else { vec![Line::from(vec![name, value])] }
            })
            .collect();
        lines.extend(offer.needs.iter().map(|need| match need {
            Need::Missing(what) => Line::styled(format!("✖ needs {what}"), theme.warning),
            Need::Already(how) => Line::styled(format!("✔ {how}"), theme.words()),
        }));
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }).block(block), card);
    }
}

/// A need with its sign: a cross, or a tick where there is nothing left to do.
fn need_line<'a>(need: &Need, theme: &Theme) -> Line<'a> {
    match need {
        Need::Missing(_) => Line::styled(format!("✖ {}", need.sentence()), theme.warning),
        Need::Already(_) => Line::styled(format!("✔ {}", need.sentence()), theme.words()),
    }
}

fn repair_lines<'a>(rows: &[Row], from: usize, screen: &FixScreen, theme: &Theme, width: u16) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        if let Row::Repair(text, _) = row {
            let selected = is_selected(screen, from + place);
            let text = format!("{}{text}", mark(selected));
            let line = Line::styled(fit(&text, width as usize).into_owned(), theme.words());
            lines.push(if selected { line.style(theme.selection) } else { line });
        }
    }
    lines
}

/// What is to be known of the row under the cursor.
fn details<'a>(
    model: &Model,
    screen: &FixScreen,
    rows: &[Row],
    advice: Option<&Advice>,
    theme: &Theme,
) -> Vec<Line<'a>> {
    let Some(row) = rows.get(screen.row) else { return Vec::new() };
    let mut lines = Vec::new();
    if let Row::Offer(offer, _) = row {
        lines.extend(offer.needs.iter().map(|need| need_line(need, theme)));
        lines.extend(offer.warning.as_ref().map(|w| Line::styled(format!("▲ {w}."), theme.warning)));
        if offer.choice == Choice::PlainView {
            lines.push(Line::styled(format!("Readers wait {}.", offer.readers), theme.words()));
        }
        if let (Choice::Cron, Some(advice)) = (offer.choice, advice) {
            let works = offer.needs.is_empty();
            lines.extend(schedule_lines(model, screen, advice, theme).into_iter().take(if works { 2 } else { 1 }));
        }
    }
    if let Some(plan) = plan(model, screen.view, row.fix()) {
        lines.push(Line::styled(plan.impact, if plan.grave { theme.danger } else { theme.words() }));
        lines.extend(plan.undo.map(|undo| Line::styled(format!("Way back: {undo}."), theme.dim)));
    }
    if let Some(time) = advice.and_then(|a| a.refresh).filter(|t| !t.is_measured) {
        let text = format!("Refresh time {}: an estimate, as long as comparing all values took.", took(time.length));
        lines.push(Line::styled(text, theme.dim));
    }
    let writes = view(model, screen).and_then(|v| v.writes);
    lines.extend(writes.map(|w| {
        let text = format!("Rows written to its tables: {:.0} a minute, seen over {}.", w.per_minute(), human(w.over));
        Line::styled(text, theme.dim)
    }));
    lines
}

fn schedule_lines<'a>(model: &Model, screen: &FixScreen, advice: &Advice, theme: &Theme) -> Vec<Line<'a>> {
    let text = schedule(screen, advice);
    match preview(&text, model.newest.server.as_deref(), model.server_now()) {
        Ok(preview) => vec![
            Line::from(vec![
                Span::styled("Schedule ", theme.dim),
                Span::styled(text, theme.accent),
                Span::styled(format!(" · {} · ", preview.described), theme.words()),
                Span::styled(model.settings.keys.key_in(Action::Schedule, Scope::Fix).to_string(), theme.key),
                Span::styled(" changes it", theme.dim),
            ]),
            Line::styled(format!("Next runs: {}", preview.runs()), theme.dim),
        ],
        Err(why) => vec![Line::styled(why, theme.warning)],
    }
}
