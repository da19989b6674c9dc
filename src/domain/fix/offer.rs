//! The four options and their figures, as every face tells them.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Need, Timing};
use crate::domain::text::bytes;
use crate::domain::time::{human, took};

/// The four options of the incident document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Refresh by hand, once.
    Refresh,
    /// A cron job.
    Cron,
    /// Triggers on the base tables.
    Triggers,
    /// A plain view.
    PlainView,
}

impl Choice {
    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Choice::Refresh => "Refresh now",
            Choice::Cron => "Cron job",
            Choice::Triggers => "Triggers",
            Choice::PlainView => "Plain view",
        }
    }

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Choice::Refresh => "refresh",
            Choice::Cron => "cron",
            Choice::Triggers => "triggers",
            Choice::PlainView => "view",
        }
    }
}

/// An option with the figures of this database. `None`: not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Which.
    pub choice: Choice,
    /// How old the data gets; `None`: without limit.
    pub staleness: Option<TimeDelta>,
    /// What each writing statement waits in addition.
    pub per_write: Option<Duration>,
    /// The share of a day that refreshing takes, 1.0 = all of it.
    pub load: Option<f64>,
    /// Bytes of WAL a day; an estimate.
    pub wal_per_day: Option<f64>,
    /// What readers wait.
    pub readers: String,
    /// What stands in the way; with anything here it is not done.
    pub needs: Vec<Need>,
    /// What is to be known before taking it.
    pub warning: Option<String>,
}

impl Offer {
    /// The figures: what they are called and what they are.
    pub fn figures(&self) -> [(&'static str, String); 5] {
        let unknown = || "?".to_string();
        let staleness = match self.staleness {
            Some(age) if age.is_zero() => "never old".into(),
            Some(age) => human(TimeDelta::seconds(age.num_seconds())),
            None => "grows again".into(),
        };
        let wal = |wal: f64| if wal <= 0.0 { "0".into() } else { format!("≈ {}", bytes(wal as i64)) };
        [
            ("data at most", staleness),
            ("a write waits", self.per_write.map_or_else(unknown, |w| if w.is_zero() { "0".into() } else { took(w) })),
            ("load", self.load.map_or_else(unknown, percent)),
            ("WAL a day", self.wal_per_day.map_or_else(unknown, wal)),
            ("readers", self.readers.clone()),
        ]
    }
}

/// A share as people read it: `0.03 %`, `4 %`, `> 100 %`.
pub fn percent(share: f64) -> String {
    match share {
        s if s > 1.0 => "> 100 %".into(),
        s if s >= 0.01 => format!("{:.0} %", s * 100.0),
        s if s <= 0.0 => "0 %".into(),
        s => format!("{:.2} %", (s * 100.0).max(0.01)),
    }
}

/// A measured time, or that it was given up.
pub fn timing(timing: Timing) -> String {
    match timing {
        Timing::Took(t) if t < Duration::from_millis(10) => format!("{:.1}ms", t.as_secs_f64() * 1_000.0),
        Timing::Took(t) => took(t),
        Timing::Over(t) => format!("more than {}", took(t)),
    }
}
