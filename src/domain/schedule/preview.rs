//! A schedule before it is taken: what it means on this server and when it fires next.

use super::{Dialect, Schedule};
use crate::domain::server::Server;
use crate::domain::time::Time;

/// A schedule as it will be: what it is called and its next five runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Short English.
    pub described: String,
    /// The next runs.
    pub next: Vec<Time>,
}

impl Preview {
    /// The runs on one line.
    pub fn runs(&self) -> String {
        let day = |t: &Time| t.date_naive();
        let same = self.next.first().map(day) == self.next.last().map(day);
        let format = if same { "%H:%M:%S" } else { "%m-%d %H:%M" };
        self.next.iter().map(|t| t.format(format).to_string()).collect::<Vec<_>>().join(", ") + " UTC"
    }
}

/// Reads a schedule as this server's pg_cron would.
///
/// # Errors
/// What is wrong with it and what to write instead; also that it never fires, which pg_cron accepts.
pub fn preview(schedule: &str, server: Option<&Server>, now: Time) -> Result<Preview, String> {
    let (dialect, tz) = match server.and_then(|s| s.cron.present()) {
        Some(cron) => (cron.dialect(), cron.tz()),
        None => (Dialect::latest(), chrono_tz::UTC),
    };
    let schedule = Schedule::parse(schedule, dialect).map_err(|e| e.to_string())?;
    let next: Vec<Time> =
        std::iter::successors(schedule.next_after(now, tz), |t| schedule.next_after(*t, tz)).take(5).collect();
    if next.is_empty() {
        return Err(match schedule.runs_at_start() {
            true => format!("{schedule} runs only when the server starts: give it times, as in */5 * * * *"),
            false => format!("pg_cron takes {schedule} but it never fires: give it times that come, as in */5 * * * *"),
        });
    }
    let ignored = schedule.ignored().map_or(String::new(), |rest| format!("; pg_cron ignores what follows: {rest}"));
    Ok(Preview { described: schedule.describe() + &ignored, next })
}
