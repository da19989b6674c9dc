//! What helps: the next best action for each cause. Which key or command does it is the business of whoever shows it.

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Refresh the view.
    Refresh,
    /// Measure again.
    Measure,
    /// Nothing to do but wait.
    Wait,
    /// Install a job that refreshes it.
    Schedule,
    /// Resume its paused job.
    Resume,
    /// Change its job's schedule.
    FixSchedule,
    /// Change its job: the role, the database, the command, or where it connects.
    FixJob,
    /// Remove the job that is in the way.
    RemoveJob,
    /// Create the unique index.
    CreateIndex,
    /// Cancel or end the session that blocks it.
    CancelBlocker,
    /// Refresh the view that it reads.
    RefreshSource,
    /// Change the definition so that each key comes once.
    UniqueRows,
    /// Install pg_cron, or refresh by another way.
    InstallCron,
    /// Load pg_cron's library, which needs a restart.
    PreloadCron,
    /// Bring the launcher back, which needs a restart.
    RestartLauncher,
    /// Find out in the server's log why pg_cron's launcher starts no run.
    SearchLog,
    /// Let pg_cron launch jobs again.
    LaunchJobs,
    /// Ask for a right that is missing.
    Grant,
    /// Connect to the primary.
    Primary,
    /// Nothing: the program tries again by itself.
    Reconnect,
}

impl Remedy {
    /// The stable word for it.
    pub fn code(self) -> &'static str {
        match self {
            Remedy::Refresh => "refresh",
            Remedy::Measure => "measure",
            Remedy::Wait => "wait",
            Remedy::Schedule => "schedule",
            Remedy::Resume => "resume",
            Remedy::FixSchedule => "fix_schedule",
            Remedy::FixJob => "fix_job",
            Remedy::RemoveJob => "remove_job",
            Remedy::CreateIndex => "create_index",
            Remedy::CancelBlocker => "cancel_blocker",
            Remedy::RefreshSource => "refresh_source",
            Remedy::UniqueRows => "unique_rows",
            Remedy::InstallCron => "install_cron",
            Remedy::PreloadCron => "preload_cron",
            Remedy::RestartLauncher => "restart_launcher",
            Remedy::SearchLog => "search_log",
            Remedy::LaunchJobs => "launch_jobs",
            Remedy::Grant => "grant",
            Remedy::Primary => "primary",
            Remedy::Reconnect => "reconnect",
        }
    }

    /// What the program does about it, as a verb; `None`: it can do nothing.
    pub fn verb(self) -> Option<&'static str> {
        Some(match self {
            Remedy::Refresh => "refresh",
            Remedy::Measure => "compare",
            Remedy::Schedule => "schedule it",
            Remedy::Resume => "resume its job",
            Remedy::FixSchedule => "change its schedule",
            Remedy::FixJob => "mend its job",
            Remedy::RemoveJob => "remove that job",
            Remedy::CreateIndex => "create the index",
            Remedy::CancelBlocker => "end what blocks it",
            Remedy::InstallCron => "see the other ways",
            _ => return None,
        })
    }

    /// What a person does about it, as a sentence; empty where the program does it.
    pub fn by_hand(self) -> &'static str {
        match self {
            Remedy::Wait => "Nothing to do but wait.",
            Remedy::RefreshSource => "Refresh the view that it reads, then this one.",
            Remedy::UniqueRows => "Make the definition's rows unique.",
            Remedy::PreloadCron => "Add pg_cron to shared_preload_libraries and restart.",
            Remedy::RestartLauncher => "Restart the server.",
            Remedy::SearchLog => "The server's log may say why pg_cron's launcher starts no run.",
            Remedy::LaunchJobs => "Set cron.launch_active_jobs = on.",
            Remedy::Grant => "Ask for the right that is named, or connect as a role that has it.",
            Remedy::Primary => "Connect to the primary.",
            Remedy::Reconnect => "It tries again by itself.",
            _ => "",
        }
    }
}
