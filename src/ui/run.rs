//! One run of a cron job: what the narrow line of the pane has no room for.

use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::domain::job::{Run, RunStatus};
use crate::domain::text::{pad_right, visible};
use crate::domain::time::{Time, human};
use crate::theme::Theme;

/// The dialog's lines: job, status, times, command, and the whole message.
pub(super) fn lines(model: &Model, theme: &Theme, run: &Run) -> Vec<Line<'static>> {
    let job = model.snapshot.history.value().and_then(|h| h.job(run.job));
    let status = match run.status {
        RunStatus::Succeeded => theme.ok,
        RunStatus::Failed => theme.critical,
        _ => theme.busy,
    };
    let at = |time: Option<Time>| time.map_or("–".into(), |t| format!("{} UTC", t.format("%Y-%m-%d %H:%M:%S%.3f")));
    let name = job.map_or_else(|| "a job that is gone".to_string(), |job| job.title().into_owned());
    let took = run.duration().map_or(String::new(), |length| format!(", took {}", human(length)));
    let field = |word: &str, said: String, style| {
        Line::from(vec![Span::styled(pad_right(word, 10), theme.dim), Span::styled(said, style)])
    };
    let mut lines = vec![
        field("job", format!("{name} (job {})", run.job.0), theme.words()),
        field("status", run.status.word().to_string(), status),
        field("began", at(run.start), theme.words()),
        field("ended", at(run.end) + &took, theme.words()),
    ];
    if let Some(job) = job {
        lines.push(field(
            "as",
            format!("{} in the database {}", visible(&job.username), visible(&job.database)),
            theme.words(),
        ));
        lines.push(Line::default());
        lines.extend(job.command.lines().map(|line| Line::styled(visible(line).into_owned(), theme.accent)));
    }
    lines.push(Line::default());
    let message = run.message.as_deref().filter(|m| !m.trim().is_empty()).unwrap_or("It left no message.");
    // DETAIL, HINT and CONTEXT stand on lines of their own; the line ends were made visible when it was read.
    lines.extend(message.split(['\n', '⏎']).map(|line| Line::styled(visible(line).into_owned(), theme.words())));
    lines
}
