//! How bad it is, and which action comes first.

use super::{Cause, CauseCode, Failure, Remedy, Severity};
use crate::domain::drift::Totals;
use crate::domain::freshness::{Freshness, FreshnessState};

/// How bad it is, as monitoring plugins have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What people see is true, and something keeps it so.
    Ok,
    /// True now, but not for long or not certainly.
    Warning,
    /// It cannot be said.
    Unknown,
    /// What people see is wrong, or cannot be read at all.
    Critical,
}

impl Verdict {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Critical => "critical",
            Verdict::Unknown => "unknown",
        }
    }

    /// The exit code that monitoring plugins use for it.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Ok => 0,
            Verdict::Warning => 1,
            Verdict::Critical => 2,
            Verdict::Unknown => 3,
        }
    }
}

/// Wrong rows weigh by their age: within the limit they are the lag that was agreed on, whatever may become of it. What could
/// not be compared is never called true, however young.
pub(super) fn verdict(freshness: &Freshness, totals: Option<&Totals>, allowed: u64, causes: &[Cause]) -> Verdict {
    let is_late = freshness.state == FreshnessState::Late;
    let is_unsafe = is_late || causes.iter().any(|c| c.severity > Severity::Note);
    let is_blind = causes.iter().any(|c| c.code == CauseCode::CannotCompare && c.severity > Severity::Note);
    match totals.map(|t| t.wrong().saturating_sub(allowed)) {
        _ if freshness.state == FreshnessState::NeverPopulated => Verdict::Critical,
        Some(1..) if !freshness.allows_lag() => Verdict::Critical,
        None => Verdict::Unknown,
        Some(_) if is_blind => Verdict::Unknown,
        Some(_) if is_unsafe => Verdict::Warning,
        Some(_) => Verdict::Ok,
    }
}

/// Would a refresh by hand fail as the job's did?
fn fails_for_all(cause: &Cause) -> bool {
    let lacks_right = cause.remedy == Some(Remedy::Grant);
    match cause.code {
        CauseCode::RunFailed(failure) => failure == Failure::Duplicates || lacks_right,
        code => code == CauseCode::KeyTwice,
    }
}

/// The action that comes first, and the one after it that keeps the view true.
///
/// Wrong rows are put right before anything else where a refresh can be done at all.
pub(super) fn remedies(
    can_refresh: bool,
    verdict: Verdict,
    differs: bool,
    causes: &[Cause],
) -> (Option<Remedy>, Option<Remedy>) {
    let is_urgent = verdict == Verdict::Critical || differs && causes.iter().any(|c| c.severity == Severity::Grave);
    let has = |code| causes.iter().any(|c| c.code == code);
    let worst = causes.first().and_then(|c| c.remedy);
    let cannot_refresh =
        !can_refresh || [CauseCode::RefreshBlocked, CauseCode::RefreshUncommitted].into_iter().any(has);
    match verdict {
        _ if has(CauseCode::RefreshRunning) => (Some(Remedy::Wait), None),
        _ if is_urgent && !cannot_refresh && !causes.iter().any(fails_for_all) => {
            (Some(Remedy::Refresh), worst.filter(|r| *r != Remedy::Refresh))
        }
        _ if is_urgent && has(CauseCode::Standby) => (Some(Remedy::Primary), None),
        Verdict::Unknown if worst.is_none() => (Some(Remedy::Measure), None),
        _ => (worst, None),
    }
}
