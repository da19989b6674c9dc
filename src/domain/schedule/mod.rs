//! pg_cron's own schedule language: what it accepts, when it fires, what to call it.
//!
//! Written from pg_cron's source, because no crate agrees with it. What surprises people:
//!
//! - Day of month and day of week must *both* match if either field starts with `*` (so `*/2` counts), else one is enough.
//! - Whatever follows a value up to the next blank is ignored, and so is everything after the fifth field.
//! - Some schedules are accepted and never fire: Feb 30, `fri-sun`, hours `5-1`, and since 1.6 `@yearly`.
//! - A job that is stored with a schedule this server does not understand never runs; only the server log says so.
//! - Schedules are GMT before 1.5 and follow `cron.timezone` from then on; [`Schedule::next_after`] says what happens
//!   when clocks change.
//! - `N seconds` has no anchor on the clock: it counts from the start of the previous run.

mod calendar;
mod describe;
mod dialect;
mod error;
mod field;
mod fires;
mod parse;
mod preview;
mod seconds;
#[cfg(test)]
mod tests;

use std::{fmt, iter};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use calendar::Calendar;

pub use dialect::Dialect;
pub use error::ScheduleError;
pub use field::Field;
pub use preview::{Preview, preview};

/// A schedule that pg_cron accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    rhythm: Rhythm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rhythm {
    Calendar(Calendar),
    /// Seconds from the start of one run to the next.
    Every(u32),
    /// `@reboot`.
    AtStart,
}

impl Schedule {
    /// Reads a schedule; succeeds for exactly the texts that `cron.schedule` takes on a server of this dialect.
    ///
    /// # Errors
    /// What is wrong, where, and what to write instead.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, ScheduleError> {
        Ok(Self { rhythm: parse::parse(text, dialect)?, text: text.to_owned() })
    }

    /// The schedule as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is followed by, which pg_cron ignores, if there is such a thing.
    #[must_use]
    pub fn ignored(&self) -> Option<&str> {
        let fields = match self.rhythm {
            Rhythm::Every(_) => return None,
            _ if self.text.trim_start().starts_with('@') => 1,
            _ => 5,
        };
        let behind = |text: &str| text.find([' ', '\t']).unwrap_or(text.len());
        let rest = (0..fields).fold(self.text.trim_start(), |rest, _| rest[behind(rest)..].trim_start());
        Some(rest.trim_end()).filter(|rest| !rest.is_empty())
    }

    /// The first fire strictly after a moment; `None` if there is none: see [`Schedule::never_fires`], and a time that the
    /// clock of the zone skips on every date chosen. Before pg_cron 1.5 the zone is always UTC.
    ///
    /// Where clocks change this does what pg_cron does, which compares the local time of every minute of universal time: a
    /// time that is skipped does not fire that day, a time that comes twice fires twice.
    ///
    /// For `N seconds` this is `t` plus N seconds, so pass the start of the last run. For all others it is a full minute;
    /// pg_cron starts the run a few milliseconds later, or when the previous run of the job is over. pg_cron has its own
    /// time zone data: for a zone whose rules changed lately it may differ by an hour.
    #[must_use]
    pub fn next_after(&self, t: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
        match &self.rhythm {
            Rhythm::Calendar(calendar) => fires::next_after(calendar, t, tz),
            Rhythm::Every(seconds) => t.checked_add_signed(TimeDelta::seconds((*seconds).into())),
            Rhythm::AtStart => None,
        }
    }

    /// Every fire after `from`, up to and including `to`, in order. Lazy: a long period costs only what is taken of it.
    pub fn fires_between(&self, from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> impl Iterator<Item = DateTime<Utc>> {
        iter::successors(self.next_after(from, tz), move |t| self.next_after(*t, tz)).take_while(move |t| *t <= to)
    }

    /// The longest pause between two consecutive fires over the 53 weeks after a moment, or between the next two where they
    /// lie further apart; `None` if there are no two.
    ///
    /// In a zone with daylight saving this is the longest one of the year: `0 6 * * *` pauses 25 hours once a year.
    #[must_use]
    pub fn longest_gap(&self, around: DateTime<Utc>, tz: Tz) -> Option<TimeDelta> {
        match &self.rhythm {
            Rhythm::Calendar(calendar) => fires::longest_gap(calendar, around, tz),
            Rhythm::Every(seconds) => Some(TimeDelta::seconds((*seconds).into())),
            Rhythm::AtStart => None,
        }
    }

    /// The pause between two consecutive fires in which a moment lies; `None` where no two are near it. A schedule that rests
    /// at night has two kinds.
    #[must_use]
    pub fn pause_around(&self, t: DateTime<Utc>, tz: Tz) -> Option<TimeDelta> {
        let longest = self.longest_gap(t, tz)?;
        if let Rhythm::Every(_) = self.rhythm {
            return Some(longest);
        }
        let next = self.next_after(t, tz)?;
        // The last fire before it is most often near, and a short look is cheap.
        let spans = iter::successors(Some(TimeDelta::minutes(8)), |span| (*span < longest).then(|| *span * 2));
        let last = spans.filter_map(|span| self.fires_between(t - span, t, tz).last()).next();
        Some(next - last?)
    }

    /// Short English: `every 5 minutes`, `daily at 06:00`, `at 06:00 on Mondays`. A schedule too odd for that, such as
    /// `*/7 * * * *`, which is not quite every seven minutes, is given as written.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::describe(self)
    }

    /// Whether no time of any day makes it fire. True for `@reboot` too; ask [`Schedule::runs_at_start`].
    #[must_use]
    pub fn never_fires(&self) -> bool {
        match &self.rhythm {
            Rhythm::Calendar(calendar) => calendar.is_empty(),
            Rhythm::Every(_) => false,
            Rhythm::AtStart => true,
        }
    }

    /// Whether it runs once when pg_cron's launcher starts, and never by the clock (`@reboot`).
    #[must_use]
    pub fn runs_at_start(&self) -> bool {
        self.rhythm == Rhythm::AtStart
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
