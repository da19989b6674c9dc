//! The help: every key that works here, and what the signs and words of the panes mean.

use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::app::disabled::disabled;
use crate::app::jump;
use crate::domain::text::pad_right;
use crate::keys::{Bound, Scope, shown};
use crate::theme::Theme;

/// Where keys work, under which heading.
const FIRST: [(&str, &[Scope]); 2] =
    [("Everywhere", &[Scope::Everywhere]), ("Panes", &[Scope::Panes, Scope::Views, Scope::Cron, Scope::Lines])];

/// The same, after the signs: what few people look for.
const REST: [(&str, &[Scope]); 5] = [
    ("Rows", &[Scope::Drill]),
    ("What can be done", &[Scope::Fix]),
    ("Questions", &[Scope::Dialog]),
    ("What is only read", &[Scope::Reading]),
    ("Choices", &[Scope::Choice]),
];

/// What the panes write, and what it means.
const SIGNS: [(&str, &str); 15] = [
    ("● OK", "what people see is true, and something keeps it so"),
    ("▲ WARNING", "true now, but late, or nothing keeps it so"),
    ("✖ CRITICAL", "people see something wrong"),
    ("? UNKNOWN", "it cannot be said; so is every number shown as ?"),
    ("Δ +29 -166", "live minus view: rows that people miss, rows that they see too many"),
    ("±12", "as many rows came as went: the number is right, the rows are not"),
    ("=", "nothing differs; a blank: no row on either side"),
    ("moved", "same key, other group in the view than live"),
    ("missing", "live only"),
    ("gone", "in the view only"),
    ("changed", "same key and group, other values"),
    ("misplaced", "moved, missing and gone together"),
    ("outdated", "changed: in its place, with old values"),
    ("pulse", "how long the server took for the one small question that is asked every second"),
    ("~ …", "an estimate of the planner; not read yet"),
];

/// All of it.
pub(super) fn help(model: &Model, theme: &Theme) -> Vec<Line<'static>> {
    let section = |(title, scopes): (&'static str, &[Scope])| {
        let here = model.settings.keys.bindings(scopes).filter(|b| jump::is_of_here(model, b.action));
        let keys = here.map(|bound| key(model, theme, bound));
        std::iter::once(Line::styled(title, theme.title)).chain(keys).chain([Line::default()]).collect::<Vec<_>>()
    };
    let mut lines: Vec<Line> = FIRST.into_iter().flat_map(section).collect();
    lines.push(Line::styled("Signs and words", theme.title));
    lines.extend(
        SIGNS.map(|(sign, means)| Line::from(vec![Span::styled(pad_right(sign, 14), theme.key), Span::raw(means)])),
    );
    lines.push(Line::default());
    lines.extend(REST.into_iter().flat_map(section));
    lines
}

/// A key with what it does, and why it is off where it changes something.
fn key(model: &Model, theme: &Theme, bound: &Bound) -> Line<'static> {
    let keys: Vec<&str> = bound.keys.iter().map(|k| shown(k)).collect();
    let off = disabled(model, bound.action).filter(|_| bound.danger);
    let mut spans = vec![Span::styled(pad_right(&keys.join(" "), 14), theme.key), Span::raw(bound.help.to_string())];
    spans.extend(off.map(|why| Span::styled(format!("  (off: {why})"), theme.dim)));
    Line::from(spans)
}
