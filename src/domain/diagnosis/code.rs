//! The causes' stable words, the worst first.

use super::failure::Failure;

/// Why a view is as it is. The words are stable; the JSON carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseCode {
    /// The server does not answer.
    Unreachable,
    /// This role may not read it.
    NotReadable,
    /// It was created and never filled.
    NeverPopulated,
    /// A refresh waits for a lock.
    RefreshBlocked,
    /// A session refreshed or locked it and did not commit.
    RefreshUncommitted,
    /// No cron job refreshes it.
    NeverScheduled,
    /// The job that refreshes it is paused.
    JobPaused,
    /// A job that is gone refreshed it.
    JobRemoved,
    /// The job that would refresh it runs in another database.
    JobInOtherDatabase,
    /// The job refreshes another view of the same name.
    JobRefreshesOtherView,
    /// The job's schedule is one that never fires, or one that this pg_cron cannot read.
    ScheduleNeverFires,
    /// A job belongs to a role that no longer exists, at which pg_cron stops.
    JobOfDroppedRole,
    /// pg_cron's library is not loaded.
    CronNotPreloaded,
    /// pg_cron's launcher does not run.
    LauncherDead,
    /// pg_cron was told to launch nothing.
    LauncherOff,
    /// pg_cron is not installed, so nothing in the database can refresh it by itself.
    CronMissing,
    /// Live gives a key of its unique index twice: every refresh fails.
    KeyTwice,
    /// The job's last run failed.
    RunFailed(Failure),
    /// The job's last run stays connecting or sending for ever.
    RunStuck,
    /// A job exists and is active, but its runs do not come.
    RunsMissing,
    /// Older than its limit for no reason that is visible.
    Late,
    /// A materialized view that it reads is itself late or wrong.
    ReadsStaleView,
    /// The comparison failed.
    CannotCompare,
    /// Its rows depend on a setting in which those who refresh it differ.
    DependsOnRefresher,
    /// A refresh that waited for its lock installed data from before the wait.
    StaleInstall,
    /// A refresh takes longer than the interval it has.
    RefreshSlowerThanInterval,
    /// Many rows of a base table were written at once since the last refresh.
    BulkWrite,
    /// This is a standby: nothing can be changed here.
    Standby,
    /// pg_cron is in another database, or its tables are closed to this role: it may be scheduled.
    CronNotVisible,
    /// Row security hides other roles' jobs and runs from this role: it may be scheduled. Or no run is recorded.
    HistoryNotVisible,
    /// A refresh runs now.
    RefreshRunning,
    /// On time; the base tables moved on since, as they do.
    NormalDrift,
    /// Its definition calls a function that gives other values at each run, so it never equals it.
    VolatileDefinition,
    /// Every row matches: if people still miss rows, the application hides them.
    ViewIsTrue,
}

impl CauseCode {
    /// Every cause, the worst first: the order in which causes of one severity are told.
    pub const ALL: [CauseCode; 44] = [
        CauseCode::Unreachable,
        CauseCode::NotReadable,
        CauseCode::NeverPopulated,
        CauseCode::RefreshBlocked,
        CauseCode::RefreshUncommitted,
        CauseCode::NeverScheduled,
        CauseCode::JobPaused,
        CauseCode::JobRemoved,
        CauseCode::JobInOtherDatabase,
        CauseCode::JobRefreshesOtherView,
        CauseCode::ScheduleNeverFires,
        CauseCode::JobOfDroppedRole,
        CauseCode::CronNotPreloaded,
        CauseCode::LauncherDead,
        CauseCode::LauncherOff,
        CauseCode::CronMissing,
        CauseCode::KeyTwice,
        CauseCode::RunFailed(Failure::NotOwner),
        CauseCode::RunFailed(Failure::NoUniqueIndex),
        CauseCode::RunFailed(Failure::Duplicates),
        CauseCode::RunFailed(Failure::Timeout),
        CauseCode::RunFailed(Failure::LockTimeout),
        CauseCode::RunFailed(Failure::Deadlock),
        CauseCode::RunFailed(Failure::Connection),
        CauseCode::RunFailed(Failure::StartupTimeout),
        CauseCode::RunFailed(Failure::Cancelled),
        CauseCode::RunFailed(Failure::ServerRestarted),
        CauseCode::RunFailed(Failure::Other),
        CauseCode::RunStuck,
        CauseCode::RunsMissing,
        CauseCode::Late,
        CauseCode::ReadsStaleView,
        CauseCode::CannotCompare,
        CauseCode::DependsOnRefresher,
        CauseCode::StaleInstall,
        CauseCode::RefreshSlowerThanInterval,
        CauseCode::BulkWrite,
        CauseCode::Standby,
        CauseCode::CronNotVisible,
        CauseCode::HistoryNotVisible,
        CauseCode::RefreshRunning,
        CauseCode::NormalDrift,
        CauseCode::VolatileDefinition,
        CauseCode::ViewIsTrue,
    ];

    /// Its place among [`CauseCode::ALL`].
    pub(super) fn rank(self) -> usize {
        CauseCode::ALL.iter().position(|c| *c == self).unwrap_or(usize::MAX)
    }

    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            CauseCode::Unreachable => "unreachable",
            CauseCode::NotReadable => "not_readable",
            CauseCode::NeverPopulated => "never_populated",
            CauseCode::RefreshBlocked => "refresh_blocked",
            CauseCode::RefreshUncommitted => "refresh_uncommitted",
            CauseCode::NeverScheduled => "never_scheduled",
            CauseCode::JobPaused => "job_paused",
            CauseCode::JobRemoved => "job_removed",
            CauseCode::JobInOtherDatabase => "job_in_other_database",
            CauseCode::JobRefreshesOtherView => "job_refreshes_other_view",
            CauseCode::ScheduleNeverFires => "schedule_never_fires",
            CauseCode::JobOfDroppedRole => "job_of_dropped_role",
            CauseCode::CronNotPreloaded => "cron_not_preloaded",
            CauseCode::LauncherDead => "launcher_dead",
            CauseCode::LauncherOff => "launcher_off",
            CauseCode::CronMissing => "cron_missing",
            CauseCode::KeyTwice => "key_twice",
            CauseCode::RunFailed(failure) => failure.code(),
            CauseCode::RunStuck => "run_stuck",
            CauseCode::RunsMissing => "runs_missing",
            CauseCode::Late => "late",
            CauseCode::ReadsStaleView => "reads_stale_view",
            CauseCode::CannotCompare => "cannot_compare",
            CauseCode::DependsOnRefresher => "depends_on_refresher",
            CauseCode::StaleInstall => "stale_install",
            CauseCode::RefreshSlowerThanInterval => "refresh_slower_than_interval",
            CauseCode::BulkWrite => "bulk_write",
            CauseCode::Standby => "standby",
            CauseCode::CronNotVisible => "cron_not_visible",
            CauseCode::HistoryNotVisible => "history_not_visible",
            CauseCode::RefreshRunning => "refresh_running",
            CauseCode::NormalDrift => "normal_drift",
            CauseCode::VolatileDefinition => "volatile_definition",
            CauseCode::ViewIsTrue => "view_is_true",
        }
    }
}

/// How much a cause weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth saying; nothing is wrong.
    Note,
    /// Wrong, or about to be, and for a while.
    Warning,
    /// Nothing makes it right by itself.
    Grave,
}

impl Severity {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Grave => "grave",
        }
    }
}
