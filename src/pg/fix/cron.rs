//! pg_cron's jobs: install, pause, resume, another schedule, run now, remove.
//!
//! What was learnt (pg_cron 1.4 and 1.6): `schedule` replaces by (name, role), so another role's makes a second job, and
//! leaves a paused job paused; jobs run in `cron.database_name` unless told otherwise; the role of hosted services may
//! call `alter_job` but not UPDATE `cron.job`; there is no function that runs a job.

use super::names::{job_name, numbered_name};
use super::{Ground, limits, literal, refresh_sql, transaction};
use crate::domain::diagnosis::ViewReport;
use crate::domain::fix::jobs::{broken_jobs, job_to_set_right, stopped, unchanged};
use crate::domain::fix::needs::{UNIQUE_ROWS, cron_needs, job_needs, may_alter};
use crate::domain::fix::{Fix, Former, Need, Plan, Proof};
use crate::domain::job::{Job, is_whole};
use crate::domain::schedule::preview;
use crate::domain::view::{RefreshMode, ViewName};

/// Whom a job's runs make wait.
fn impact_of(lets_read: Option<bool>) -> String {
    match lets_read {
        Some(true) => "Nobody waits: its runs let readers go on.".into(),
        Some(false) => "Readers wait while it runs: it refreshes without CONCURRENTLY.".into(),
        None => "Whom its runs make wait is not known: no refresh is seen in it.".into(),
    }
}

/// Adds whom its runs make wait to whom the refresh of now does, if there is one.
fn tell_runs(plan: &mut Plan, lets_read: Option<bool>) {
    let runs = impact_of(lets_read);
    plan.impact = match (plan.refreshes, lets_read) {
        (false, _) => runs,
        (true, Some(true)) if !plan.grave => return,
        (true, Some(true)) => format!("{} Later runs let readers go on.", plan.impact),
        (true, _) => format!("{} {runs}", plan.impact),
    };
}

pub(super) fn alter_active(job: &Job, active: bool) -> String {
    format!("SELECT cron.alter_job(job_id := {}, active := {active})", job.id.0)
}

const ALTER_JOB: &str = "EXECUTE on cron.alter_job, which pg_cron 1.4 brought and keeps from PUBLIC";

impl Ground<'_> {
    pub(super) fn cron_install(&self, schedule: &str) -> Plan {
        let user = self.server().map_or("", |s| &s.user);
        let mut plan = match job_to_set_right(self.snapshot, &self.view.view) {
            Some(job) => self.cron_set_right(job, schedule),
            None => self.cron_new(schedule),
        };
        plan.fix = Fix::CronInstall { schedule: schedule.into() };
        plan.needs.extend(stopped(self.snapshot).map(Need::Missing));
        plan.needs.extend(self.refresh_needs().map(Need::Missing));
        let broken = broken_jobs(self.snapshot, &self.view.view);
        let works = |j: &&Job| j.active && !broken.iter().any(|(b, _)| b.id == j.id);
        if self.report.is_some_and(ViewReport::gives_key_twice) {
            plan.needs.push(UNIQUE_ROWS.into());
        }
        let is_new = job_to_set_right(self.snapshot, &self.view.view).is_none();
        if let Some(other) = self.jobs().filter(works).find(|j| is_new && j.username != user) {
            let text = format!(
                "{} of {} refreshes it already ({}): this makes a second one.",
                other.title(),
                other.username,
                other.schedule
            );
            plan.notes.push(text);
        }
        self.check(&mut plan, schedule);
        plan
    }

    fn lets_read(&self, job: &Job) -> Option<bool> {
        self.snapshot.history.value()?.lets_read(job, &self.view.view.name)
    }

    fn database(&self) -> String {
        self.server().map_or(String::new(), |s| s.database.clone())
    }

    /// The refresh that a lasting fix begins with, where the view is stale: both or nothing.
    pub(super) fn heal(&self, plan: &mut Plan) -> Vec<String> {
        if !self.is_stale() || !self.view.view.can_refresh {
            return Vec::new();
        }
        plan.refreshes = true;
        let before = plan.needs.len();
        self.tell_refresh(plan);
        plan.needs.truncate(before);
        self.with_settings(refresh_sql(&self.view.view.name, self.mode()))
    }

    /// A new job: with the refresh in the same transaction, if it is to live in this database.
    fn cron_new(&self, schedule: &str) -> Plan {
        let view = &self.view.view.name;
        let title = format!("Refresh {} by a cron job?", view.short());
        let mut plan = self.blank(Fix::CronInstall { schedule: schedule.into() }, title, "Schedule");
        plan.needs.extend(cron_needs(self.server(), &self.facts()).map(Need::Missing));
        let name = self.free_name(view);
        let command = refresh_sql(view, self.mode_to_come());
        let arguments = [name.as_str(), schedule, command.as_str()].map(literal).join(", ");
        plan.database = self.cron_home();
        plan.statements = match &plan.database {
            Some(there) => {
                plan.notes.push(format!(
                    "pg_cron lives in the database {there}, so it is done there; refresh by hand first."
                ));
                let call = format!("SELECT cron.schedule_in_database({arguments}, {})", literal(&self.database()));
                transaction([self.guard_name(&name), call])
            }
            None => {
                let mut all = self.heal(&mut plan);
                all.extend([self.guard_name(&name), format!("SELECT cron.schedule({arguments})")]);
                all.extend(self.pause_broken(&mut plan));
                self.guarded(all)
            }
        };
        tell_runs(&mut plan, Some(self.mode_to_come() == RefreshMode::Concurrently));
        let stays = if plan.sql().contains("active := false") { "; what it paused stays paused" } else { "" };
        plan.undo = Some(format!("mvtop fix cron --undo, or the cron pane, removes the job{stays}"));
        plan.proof = Some(Proof::NewJob { name, schedule: schedule.into() });
        plan
    }

    /// What the job will find: a view that is populated by then.
    fn mode_to_come(&self) -> RefreshMode {
        self.mode_if(true)
    }

    /// The usual name, unless this role has another job of that name, which would be overwritten.
    fn free_name(&self, view: &ViewName) -> String {
        let user = self.server().map_or("", |s| &s.user);
        let jobs = self.snapshot.history.value().map_or(&[][..], |h| &h.jobs);
        let is_taken = |name: &str| jobs.iter().any(|j| j.username == user && j.name.as_deref() == Some(name));
        let usual = job_name(view);
        let numbered = (2..).map(|n| numbered_name(view, n));
        std::iter::once(usual.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(usual)
    }

    /// A job that is there already gets the schedule, and goes on if it was paused.
    fn cron_set_right(&self, job: &Job, schedule: &str) -> Plan {
        let title = format!("Set the job {} right?", job.title());
        let mut plan = self.blank(Fix::CronReschedule(job.id, schedule.into()), title, "Set it");
        self.needs_alter(&mut plan, job);
        plan.needs.extend(unchanged(job, schedule));
        plan.needs.extend(job_needs(self.snapshot, &self.view.view, &self.facts(), job).map(Need::Missing));
        plan.database = self.cron_home();
        // Where the job is, the view is not.
        let is_here = plan.database.is_none();
        let mut all = if is_here { self.heal(&mut plan) } else { Vec::new() };
        all.push(set(job, schedule, true));
        all.insert(0, self.guard_job(job, &all));
        plan.statements = if is_here { self.guarded(all) } else { transaction(all) };
        tell_runs(&mut plan, self.lets_read(job));
        let was = if job.active { "active" } else { "paused" };
        plan.notes.push(format!("The job is there already: {}, {was}.", job.schedule));
        if !job.only_refreshes() {
            plan.notes.push(format!("All that it does then runs by the new schedule: {}", job.command));
        }
        plan.undo = Some(format!("mvtop fix cron --undo, which is {}", set(job, &job.schedule, job.active)));
        plan.former = Some(Former { job: job.id, schedule: job.schedule.clone(), active: job.active });
        plan.proof = Some(job_proof(job, Some(true), Some(schedule)));
        plan
    }

    /// A job that was set right becomes what it was.
    pub(super) fn cron_restore(&self, job: &Job, former: &Former) -> Plan {
        let title = format!("Make the job {} what it was?", job.title());
        let mut plan = self.blank(Fix::CronRestore(former.clone()), title, "Restore");
        self.needs_alter(&mut plan, job);
        plan.database = self.cron_home();
        plan.statements = self.on_job(job, set(job, &former.schedule, former.active));
        plan.grave = !former.active;
        let word = |active| if active { "active" } else { "paused" };
        plan.notes.push(format!("It is {}, {} now.", job.schedule, word(job.active)));
        plan.undo = Some(set(job, &job.schedule, job.active));
        plan.proof = Some(job_proof(job, Some(former.active), Some(&former.schedule)));
        plan
    }

    pub(super) fn cron_reschedule(&self, job: &Job, schedule: &str) -> Plan {
        let title = format!("Give {} another schedule?", job.title());
        let mut plan = self.blank(Fix::CronReschedule(job.id, schedule.into()), title, "Change");
        self.needs_alter(&mut plan, job);
        plan.database = self.cron_home();
        let call = format!("SELECT cron.alter_job(job_id := {}, schedule := {})", job.id.0, literal(schedule));
        plan.statements = self.on_job(job, call);
        plan.notes.push(format!("It is {} now.", job.schedule));
        plan.impact = impact_of(self.lets_read(job));
        plan.undo =
            Some(format!("SELECT cron.alter_job(job_id := {}, schedule := {})", job.id.0, literal(&job.schedule)));
        plan.proof = Some(job_proof(job, None, Some(schedule)));
        self.check(&mut plan, schedule);
        plan
    }

    /// Refuses a schedule that pg_cron would refuse or never run; tells the next five runs of any other.
    fn check(&self, plan: &mut Plan, schedule: &str) {
        match preview(schedule, self.server(), self.now) {
            Ok(_) if !plan.needs.is_empty() => {}
            Ok(preview) => plan.notes.insert(0, format!("It runs {}: {}.", preview.described, preview.runs())),
            Err(why) => plan.needs.push(format!("another schedule: {why}").into()),
        }
    }

    pub(super) fn cron_active(&self, job: &Job, active: bool) -> Plan {
        let (fix, word, deed) = match active {
            true => (Fix::CronResume(job.id), "Let", "Resume"),
            false => (Fix::CronPause(job.id), "Pause", "Pause"),
        };
        let tail = if active { " go on" } else { "" };
        let mut plan = self.blank(fix, format!("{word} the job {}{tail}?", job.title()), deed);
        self.needs_alter(&mut plan, job);
        plan.database = self.cron_home();
        plan.statements = self.on_job(job, alter_active(job, active));
        plan.grave = !active;
        plan.impact = match active {
            true => format!("It runs again by its schedule. {}", impact_of(self.lets_read(job))),
            false => "Nobody waits; nothing runs it until it is resumed. A run under way goes on.".into(),
        };
        // From a shell only the view's own job can be named.
        let is_own = job_to_set_right(self.snapshot, &self.view.view).is_some_and(|own| own.id == job.id);
        plan.undo = Some(match (is_own, active) {
            (true, true) => "the cron pane, or mvtop fix pause".into(),
            (true, false) => "the cron pane, or mvtop fix resume".into(),
            (false, _) => format!("the cron pane, or {}", alter_active(job, !active)),
        });
        plan.proof = Some(job_proof(job, Some(active), None));
        plan
    }

    /// One change of a job in a transaction that fails if it is another one by now.
    fn on_job(&self, job: &Job, call: String) -> Vec<String> {
        let call = vec![call];
        transaction(std::iter::once(self.guard_job(job, &call)).chain(call))
    }

    fn needs_alter(&self, plan: &mut Plan, job: &Job) {
        // In another database the right is known only there.
        if self.cron_home().is_none() && self.view.facts.value().is_some_and(|f| !f.rights.can_alter_job) {
            plan.needs.push(ALTER_JOB.into());
        }
        self.needs_owner(plan, job);
    }

    fn needs_owner(&self, plan: &mut Plan, job: &Job) {
        if !may_alter(self.server(), job) {
            plan.needs.push(format!("to be {}, whose job it is, or a superuser", job.username).into());
        }
    }

    /// The statement that makes a removed job again, where pg_cron keeps its jobs.
    fn schedule_again(&self, job: &Job) -> String {
        let name = job.name.iter().map(String::as_str);
        let arguments: Vec<String> = name.chain([job.schedule.as_str(), job.command.as_str()]).map(literal).collect();
        let home = self.cron_home().unwrap_or_else(|| self.database());
        match &job.name {
            Some(_) if job.database != home => {
                format!("SELECT cron.schedule_in_database({}, {})", arguments.join(", "), literal(&job.database))
            }
            _ => format!("SELECT cron.schedule({})", arguments.join(", ")),
        }
    }

    pub(super) fn cron_remove(&self, job: &Job) -> Plan {
        let mut plan = self.blank(Fix::CronRemove(job.id), format!("Remove the job {}?", job.title()), "Remove");
        plan.database = self.cron_home();
        plan.statements = self.on_job(job, format!("SELECT cron.unschedule({}::pg_catalog.int8)", job.id.0));
        plan.grave = true;
        plan.impact = "Nobody waits; nothing runs it any more. Its history stays.".into();
        plan.notes.push(format!("It is {} · {} · in {} as {}.", job.schedule, job.command, job.database, job.username));
        self.needs_owner(&mut plan, job);
        let paused = if job.active { "" } else { ", and then pausing it" };
        plan.undo = Some(format!("{} as {}{paused}, under another job id", self.schedule_again(job), job.username));
        plan.proof = Some(Proof::NoJob(job.id));
        plan
    }

    pub(super) fn cron_run_now(&self, job: &Job) -> Plan {
        let mut plan = self.blank(Fix::CronRunNow(job.id), format!("Run {} now?", job.title()), "Run");
        let command = job.command.trim().trim_end_matches(';').to_string();
        // As pg_cron sends it, on the role's own path, and alone where it brings its own transactions or is refused inside one.
        plan.statements = if is_whole(&command) { own_transaction(command) } else { vec![command] };
        plan.database = (job.database != self.database()).then(|| job.database.clone());
        let history = self.snapshot.history.value();
        plan.refreshes = history.is_some_and(|h| h.job_refreshes(job, &self.view.view.name));
        plan.impact = "It makes wait what the job itself makes wait.".into();
        plan.notes
            .push("pg_cron has no function for it: the command is run here, by you, and not in its history.".into());
        if self.server().is_some_and(|s| s.user != job.username) {
            plan.needs.push(
                format!("to be {}, as whom the job runs: run by you, its command would have your rights", job.username)
                    .into(),
            );
        }
        plan
    }

    /// Is pg_cron where its jobs can be changed from this connection?
    pub(super) fn can_alter_jobs(&self) -> bool {
        self.is_cron_here() && self.facts().rights.can_alter_job
    }
}

/// A job's command in a transaction that changes nothing of what its role has set but the timeouts.
fn own_transaction(command: String) -> Vec<String> {
    let [lock, statement, _path] = limits();
    vec!["BEGIN READ WRITE".into(), lock, statement, command, "COMMIT".into()]
}

fn set(job: &Job, schedule: &str, active: bool) -> String {
    format!("SELECT cron.alter_job(job_id := {}, schedule := {}, active := {active})", job.id.0, literal(schedule))
}

/// That a job is so afterwards, in what is said of it.
fn job_proof(job: &Job, active: Option<bool>, schedule: Option<&str>) -> Proof {
    Proof::Job { id: job.id, active, schedule: schedule.map(String::from) }
}
