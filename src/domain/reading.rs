//! A value read from the database, with its age and what is going on with it now.
//!
//! A failure never takes away what was known: the last good value stays, marked with how old it is.

use std::time::Duration;

use super::time::Time;

/// A value with when and at what price it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured<T> {
    /// What was read.
    pub value: T,
    /// The server's time when the statement started: what the value is true of.
    pub at: Time,
    /// This machine's time when it was sent. Two such times can be compared to the microsecond, while the server's
    /// time is known only to within a round trip.
    pub asked: Time,
    /// How long the statement took, as the client saw it.
    pub took: Duration,
}

impl<T> Measured<T> {
    /// Something made from the value, measured then and at that price.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Measured<U> {
        Measured { value: make(self.value), at: self.at, asked: self.asked, took: self.took }
    }
}

/// What is going on with a reading now.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Progress {
    /// Nothing: the last value stands.
    #[default]
    Idle,
    /// A statement is under way.
    Loading {
        /// The server's time when it was sent.
        since: Time,
    },
    /// The last try failed.
    Failed {
        /// When.
        at: Time,
        /// Why, in one sentence.
        why: Problem,
    },
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable word for it.
    pub kind: ProblemKind,
    /// What happened and what to try, in one sentence.
    pub text: String,
}

/// The classes of problems that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The connection is gone (SQLSTATE class 08, 57P0x, I/O).
    Connection,
    /// The server asks for a password: none was known, or it refused the one that was.
    Password,
    /// A lock was not had in time (55P03).
    LockTimeout,
    /// The statement took too long or was cancelled (57014).
    Timeout,
    /// A right is missing (42501).
    Permission,
    /// Row security would hide rows from this role (42501, too).
    RowSecurity,
    /// Comparing would run code with rights that it must not get, or not as a refresh would.
    NotCompared,
    /// What is read or called was changed while it was looked at.
    Changed,
    /// The database said no for another reason.
    Other,
}

impl ProblemKind {
    /// Is it not looked at at all, rather than looked at in vain?
    pub fn is_refusal(self) -> bool {
        matches!(self, ProblemKind::NotCompared | ProblemKind::Permission | ProblemKind::RowSecurity)
    }
}

/// The last good value of something, and what is going on with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// The last good value.
    pub last: Option<Measured<T>>,
    /// What is going on now.
    pub progress: Progress,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Reading { last: None, progress: Progress::Idle }
    }
}

impl<T> Reading<T> {
    /// The last good value, however old.
    pub fn value(&self) -> Option<&T> {
        self.last.as_ref().map(|m| &m.value)
    }

    /// Why the last try failed, if it did.
    pub fn problem(&self) -> Option<&Problem> {
        match &self.progress {
            Progress::Failed { why, .. } => Some(why),
            _ => None,
        }
    }

    /// Was it never asked for?
    pub fn is_untried(&self) -> bool {
        self.last.is_none() && matches!(self.progress, Progress::Idle)
    }

    /// Is a statement under way?
    pub fn is_loading(&self) -> bool {
        matches!(self.progress, Progress::Loading { .. })
    }

    /// Has it been read, well or badly, at least once?
    pub fn is_settled(&self) -> bool {
        !self.is_loading() && (self.last.is_some() || self.problem().is_some())
    }

    /// A try begins.
    pub fn start(&mut self, now: Time) {
        self.progress = Progress::Loading { since: now };
    }

    /// A try ended.
    pub fn finish(&mut self, outcome: Result<Measured<T>, Problem>, now: Time) {
        match outcome {
            Ok(measured) => {
                self.last = Some(measured);
                self.progress = Progress::Idle;
            }
            Err(why) => self.progress = Progress::Failed { at: now, why },
        }
    }
}
