//! Writes the exact SQL of each fix. Pure: a [`Plan`] from a Snapshot, shown before it runs and sent as shown.

mod broken;
mod cron;
mod guard;
mod kind;
mod names;
mod proof;
mod repairs;
mod trial;
mod triggers;

use postgres_protocol::escape::escape_literal;

use self::guard::cron_table;
use super::compare::qualified;
use super::operator::LOCK_TIMEOUT;
use crate::domain::diagnosis::{Verdict, ViewReport};
use crate::domain::fix::code::tags;
use crate::domain::fix::price::refresh_time;
use crate::domain::fix::{Facts, Fix, Need, Plan};
use crate::domain::freshness::FreshnessState;
use crate::domain::job::{Job, JobId};
use crate::domain::rights::needs_to_change;
use crate::domain::server::Server;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::time::{Time, took};
use crate::domain::view::{RefreshMode, ViewName};

pub use guard::same_view;
pub use kind::{MEANS, SAME};
pub use names::{is_ours, job_name};
pub use proof::proof_sql;

use names::short_name;

/// What a plan is made from.
pub struct Ground<'a> {
    /// All that is known.
    pub snapshot: &'a Snapshot,
    /// The view it is about.
    pub view: &'a ViewState,
    /// What is to be said of it.
    pub report: Option<&'a ViewReport>,
    /// The server's time.
    pub now: Time,
}

impl<'a> Ground<'a> {
    /// The plan of a fix; `None`: it is about a job that is not there any more.
    pub fn plan(&self, fix: &Fix) -> Option<Plan> {
        let mut plan = match fix {
            Fix::Refresh => self.refresh(),
            Fix::CronInstall { schedule } => self.cron_install(schedule),
            Fix::CronPause(id) => self.cron_active(self.job(*id)?, false),
            Fix::CronResume(id) => self.cron_active(self.job(*id)?, true),
            Fix::CronReschedule(id, schedule) => self.cron_reschedule(self.job(*id)?, schedule),
            Fix::CronRunNow(id) => self.cron_run_now(self.job(*id)?),
            Fix::CronRemove(id) => self.cron_remove(self.job(*id)?),
            Fix::CronRestore(former) => self.cron_restore(self.job(former.job)?, former),
            Fix::TriggersInstall => self.triggers_install(),
            Fix::TriggersRemove => self.triggers_remove(),
            Fix::PlainView => self.plain_view(),
            Fix::Materialize => self.materialize(),
            Fix::CreateUnique(columns) => self.create_unique(columns),
            Fix::DropUnique => self.drop_unique(),
            Fix::PurgeRuns { days } => self.purge(*days),
            Fix::Cancel(pid) => self.signal(*pid, false),
            Fix::Terminate(pid) => self.signal(*pid, true),
        };
        self.add_strangers(&mut plan);
        if let Some(need) = self.server().and_then(needs_to_change) {
            plan.needs.insert(0, need.into());
        }
        if !matches!(plan.fix, Fix::CronRunNow(_)) {
            let guards = plan.statements.iter().enumerate().filter(|(_, s)| guard::is_guard(s));
            plan.guards = guards.map(|(place, _)| place).collect();
        }
        Some(plan.shown())
    }

    /// Adds whose code would run with the rights of whoever carries the plan out. A job's command runs as pg_cron runs it.
    fn add_strangers(&self, plan: &mut Plan) {
        if matches!(plan.fix, Fix::CronRunNow(_)) {
            return;
        }
        let code = self.facts().code;
        let tables = plan.statements.iter().find_map(|s| cron_table(s)).filter(|_| plan.database.is_none());
        let needs = code.event_needs(&tags(&plan.statements));
        let needs = needs.into_iter().chain(tables.into_iter().flat_map(|table| code.cron_needs(table)));
        for need in needs.map(Need::Missing) {
            if !plan.needs.contains(&need) {
                plan.needs.push(need);
            }
        }
    }

    /// What whoever refreshes the view has set, by name and value: a refresh from here runs under the same.
    fn refresher_settings(&self) -> Vec<(String, String)> {
        let Some(look) = &self.view.look else { return Vec::new() };
        let path = look.path.iter().map(|path| ("search_path".to_string(), path.clone()));
        look.settings.iter().cloned().chain(path).collect()
    }

    /// Whose settings the refresh runs under, where its rows depend on that.
    fn settings_note(&self) -> Option<String> {
        let look = self.view.look.as_ref()?;
        Some(format!("▲ {} It runs under the settings of {}.", look.refreshers_differ()?, look.refresher))
    }

    /// A refresh under the settings of whoever refreshes the view.
    fn with_settings(&self, refresh: String) -> Vec<String> {
        under(&self.refresher_settings(), refresh)
    }

    fn server(&self) -> Option<&'a Server> {
        self.snapshot.server.as_deref()
    }

    /// What the probe read; before that nothing is known to be allowed.
    fn facts(&self) -> Facts {
        self.view.facts.value().map(|f| (**f).clone()).unwrap_or_default()
    }

    fn job(&self, id: JobId) -> Option<&'a Job> {
        self.snapshot.history.value()?.job(id)
    }

    fn jobs(&self) -> impl Iterator<Item = &'a Job> {
        self.snapshot.history.value().into_iter().flat_map(|h| h.jobs_refreshing(&self.view.view.name))
    }

    fn mode(&self) -> RefreshMode {
        self.mode_if(self.view.signal.populated)
    }

    fn mode_if(&self, populated: bool) -> RefreshMode {
        match self.view.view.refresh_mode(populated) {
            RefreshMode::Concurrently if self.facts().rights.owner_lacks_temp => RefreshMode::PlainNoTemp,
            mode => mode,
        }
    }

    /// Is what people see wrong, old or unknown, so that a lasting fix should begin with a refresh?
    fn is_stale(&self) -> bool {
        let is_late = |r: &ViewReport| r.freshness.state != FreshnessState::Fresh || r.verdict == Verdict::Critical;
        self.report.is_none_or(|r| is_late(r) || r.totals.is_none_or(|t| t.wrong() > 0))
    }

    /// A plan that says nothing yet.
    fn blank(&self, fix: Fix, title: String, deed: &'static str) -> Plan {
        Plan {
            fix,
            view: Some(self.view.view.oid),
            name: self.view.view.name.short(),
            title,
            deed,
            statements: Vec::new(),
            database: None,
            batches: false,
            refreshes: false,
            impact: "Nobody waits.".into(),
            grave: false,
            needs: Vec::new(),
            notes: Vec::new(),
            undo: None,
            former: None,
            guards: Vec::new(),
            proof: None,
        }
    }

    fn refresh(&self) -> Plan {
        let name = self.view.view.name.short();
        let mut plan = self.blank(Fix::Refresh, format!("Refresh {name}?"), "Refresh");
        // The name may have become another view's while the statement waited for its lock: then nothing is done.
        let mut all = self.with_settings(refresh_sql(&self.view.view.name, self.mode()));
        all.push(same_view(&self.view.view));
        plan.statements = self.guarded(all);
        plan.refreshes = true;
        self.tell_refresh(&mut plan);
        plan.notes.push("Afterwards the view is compared again, and what is still wrong is said.".into());
        plan
    }

    /// What a refresh makes wait, how long it takes, and what it needs.
    fn tell_refresh(&self, plan: &mut Plan) {
        let plain = "It takes AccessExclusiveLock: every reader waits until it ends.";
        let (impact, why) = match self.mode() {
            RefreshMode::Concurrently => {
                ("It takes ExclusiveLock: readers go on; other refreshes, VACUUM and ANALYZE of it wait.", None)
            }
            RefreshMode::PlainNoUniqueIndex => (
                plain,
                Some(
                    "CONCURRENTLY would let them read, but needs a unique index without WHERE and expressions; it has none.",
                ),
            ),
            RefreshMode::PlainNotPopulated => {
                (plain, Some("It was never populated, so CONCURRENTLY is not possible and nobody can read it yet."))
            }
            RefreshMode::PlainNoTemp => (
                plain,
                Some(
                    "CONCURRENTLY would let them read, but makes a temporary table: its owner lacks TEMP on the database.",
                ),
            ),
        };
        plan.impact = impact.into();
        plan.grave = why.is_some();
        plan.notes.extend(why.map(String::from));
        plan.notes.extend(self.warned());
        plan.notes.extend(self.settings_note());
        plan.notes.push(self.duration());
        plan.needs.extend(self.refresh_needs().map(Need::Missing));
    }

    /// That a refresh fails, as far as the last one tells.
    fn warned(&self) -> Option<String> {
        let has = self.report.is_some_and(ViewReport::gives_key_twice);
        has.then(|| "▲ The definition gives a key of the unique index twice. Until that is mended this fails.".into())
    }

    fn refresh_needs(&self) -> Option<String> {
        let view = &self.view.view;
        if view.is_plain() {
            return Some("a materialized view: this is a plain one, and there is nothing to refresh".into());
        }
        let right = self.server().map_or("to be its owner", Server::refresh_right);
        (!view.can_refresh).then(|| right.into())
    }

    /// How long the last ones took, or what is the best guess and that it is one.
    fn duration(&self) -> String {
        let stats = self.report.and_then(|r| r.job).and_then(|job| self.snapshot.job(job));
        if let Some((p50, p95)) = stats.and_then(|s| Some((s.p50?, s.p95?))) {
            let human = crate::domain::time::human;
            return format!(
                "Its job's refreshes of the last day took {} (median) to {} (p95).",
                human(p50),
                human(p95)
            );
        }
        match refresh_time(self.snapshot, self.view, self.report) {
            Some(time) => format!(
                "No refresh of it was recorded. Comparing all its values took {}; a refresh takes about as long.",
                took(time.length)
            ),
            None => "No refresh of it was recorded, so how long it takes is not known.".into(),
        }
    }

    /// The statements in one transaction that begins with a look whether the view is still the one that was shown.
    fn guarded(&self, statements: Vec<String>) -> Vec<String> {
        let guard = self.guard(&statements);
        transaction(std::iter::once(guard).chain(statements))
    }

    /// The other database where pg_cron keeps its jobs, and where they are changed.
    fn cron_home(&self) -> Option<String> {
        self.server().and_then(|s| s.cron.other_database()).map(String::from)
    }

    fn is_cron_here(&self) -> bool {
        self.server().is_some_and(|s| s.cron.is_here())
    }
}

/// One refresh.
pub fn refresh_sql(view: &ViewName, mode: RefreshMode) -> String {
    let concurrently = if mode == RefreshMode::Concurrently { "CONCURRENTLY " } else { "" };
    format!("REFRESH MATERIALIZED VIEW {concurrently}{}", qualified(view))
}

/// A statement under settings, which are taken back behind it: what follows is written under ours.
fn under(settings: &[(String, String)], statement: String) -> Vec<String> {
    if settings.is_empty() {
        return vec![statement];
    }
    let set = |value: &dyn Fn(&(String, String)) -> String| {
        let calls = settings.iter().map(|s| format!("pg_catalog.set_config({}, {}, true)", literal(&s.0), value(s)));
        format!("SELECT {}", calls.collect::<Vec<_>>().join(", "))
    };
    let former = |(name, _): &(String, String)| match name.as_str() {
        "search_path" => literal(CLEAN_PATH),
        _ => "NULL".into(),
    };
    vec![set(&|(_, value)| literal(value)), statement, set(&former)]
}

/// The path of everything that is changed from here: nobody's schema stands on it, and what is named is named with its own.
const CLEAN_PATH: &str = "pg_catalog, pg_temp";

/// Never waits long for a lock, for what queues behind a waiting change waits too; and finds nothing that a stranger made.
fn limits() -> [String; 3] {
    [
        format!("SET LOCAL lock_timeout = '{}s'", LOCK_TIMEOUT.as_secs()),
        "SET LOCAL statement_timeout = 0".into(),
        format!("SET LOCAL search_path = {CLEAN_PATH}"),
    ]
}

/// What a definition is written and read under, whatever a role has set.
fn clean() -> [String; 2] {
    ["SET LOCAL quote_all_identifiers = off", "SET LOCAL extra_float_digits = 1"].map(String::from)
}

/// The statements in one transaction, each of which sees what others have committed by then.
fn transaction(statements: impl IntoIterator<Item = String>) -> Vec<String> {
    let begin = std::iter::once("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE".to_string());
    begin.chain(limits()).chain(statements).chain(["COMMIT".to_string()]).collect()
}

/// A text as SQL, where `regclass` is to find the name in it.
fn name_literal(name: &ViewName) -> String {
    literal(&qualified(name))
}

/// A body between dollars that it does not hold itself.
fn dollars(body: &str) -> String {
    let tags = std::iter::once("$mvtop$".to_string()).chain((1..).map(|n| format!("$mvtop{n}$")));
    let tag = tags.into_iter().find(|tag| !body.contains(tag.as_str())).unwrap_or_default();
    format!("{tag} {body} {tag}")
}

fn literal(text: &str) -> String {
    escape_literal(text).trim_start().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_around_a_refresh_alone_and_end_with_it() {
        assert_eq!(under(&[], "REFRESH".into()), ["REFRESH"]);
        let settings =
            [("TimeZone", "it's"), ("search_path", "app, public")].map(|(n, v)| (n.to_string(), v.to_string()));
        let expected = [
            "SELECT pg_catalog.set_config('TimeZone', 'it''s', true), pg_catalog.set_config('search_path', 'app, public', true)",
            "REFRESH",
            "SELECT pg_catalog.set_config('TimeZone', NULL, true), pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)",
        ];
        assert_eq!(under(&settings, "REFRESH".into()), expected);
    }
}
