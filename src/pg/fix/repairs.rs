//! The small repairs: the unique index that CONCURRENTLY needs, old run history, a session that blocks a refresh.

use postgres_protocol::escape::escape_identifier as quote;

use super::guard::unless;
use super::proof::{old_runs, session};
use super::{Ground, literal, short_name, transaction};
use crate::domain::diagnosis::who;
use crate::domain::fix::{Fix, Need, Plan, Proof, Since};
use crate::domain::job::{Job, trigger_modes};
use crate::domain::time::ago;
use crate::domain::view::{Trigger, ViewName};
use crate::pg::compare::qualified;

/// Rows of history deleted in one transaction.
const BATCH: u32 = 5_000;

impl Ground<'_> {
    fn unique_name(&self) -> String {
        short_name("mvtop_unique_", &self.view.view.name.name)
    }

    fn full_unique_name(&self) -> String {
        format!("{}.{}", quote(&self.view.view.name.schema), quote(&self.unique_name()))
    }

    pub(super) fn create_unique(&self, columns: &[String]) -> Plan {
        let view = &self.view.view;
        let title = match columns {
            [] => format!("Give {} a unique index?", view.name.short()),
            some => format!("Give {} a unique index on {}?", view.name.short(), some.join(", ")),
        };
        let mut plan = self.blank(Fix::CreateUnique(columns.to_vec()), title, "Create");
        plan.needs = self.column_needs(columns);
        if plan.needs.is_empty() {
            let list = columns.iter().map(|c| quote(c)).collect::<Vec<_>>().join(", ");
            let (index, name) = (quote(&self.unique_name()), qualified(&view.name));
            plan.statements = self.guarded(vec![format!("CREATE UNIQUE INDEX {index} ON {name} ({list})")]);
        }
        plan.impact = "It takes ShareLock: readers go on, refreshes wait until it is built.".into();
        plan.notes.push("With it a refresh can be CONCURRENTLY, so that readers go on.".into());
        if self.is_stale() {
            plan.notes.push("The view is old: if what is unique live comes twice in it, refresh it first.".into());
        }
        if view.has_unique_index {
            plan.needs = vec![Need::Already("it has a unique index".into())];
        }
        self.needs_own(&mut plan);
        plan.undo = Some("mvtop fix index --undo drops it".into());
        plan.proof = Some(self.index_proof(true));
        plan
    }

    /// Columns that are there and that a unique index takes.
    fn column_needs(&self, columns: &[String]) -> Vec<Need> {
        let view = &self.view.view;
        let facts = self.facts();
        let (known, unknown): (Vec<&String>, Vec<&String>) = columns.iter().partition(|c| view.has_column(c));
        let odd: Vec<&str> =
            known.into_iter().filter(|c| !facts.rights.indexable.contains(c)).map(String::as_str).collect();
        let mut needs = Vec::new();
        if view.is_plain() {
            needs.push("a materialized view: a plain one has no indexes".into());
        }
        if columns.is_empty() {
            needs.push("columns that are unique: none and no two were found, name them with --columns".into());
        }
        if !unknown.is_empty() {
            let list = unknown.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            needs.push(format!("columns that {} has: it has no {list}", view.name.short()).into());
        }
        if !odd.is_empty() {
            needs.push(
                format!("columns whose values have an order: {} cannot be in a unique index", odd.join(", ")).into(),
            );
        }
        needs
    }

    fn needs_own(&self, plan: &mut Plan) {
        if self.view.facts.value().is_some_and(|f| !f.rights.owns) {
            plan.needs.push(format!("to own {}", self.view.view.name.short()).into());
        }
    }

    pub(super) fn drop_unique(&self) -> Plan {
        let title = format!("Drop the unique index {}?", self.unique_name());
        let mut plan = self.blank(Fix::DropUnique, title, "Drop");
        plan.statements = self.guarded(vec![self.guard_index(), format!("DROP INDEX {}", self.full_unique_name())]);
        plan.grave = true;
        plan.impact = "It takes AccessExclusiveLock for a moment; refreshes then make readers wait, unless another unique index is left.".into();
        let (own, others): (Vec<String>, Vec<String>) =
            self.facts().rights.unique_indexes.into_iter().partition(|name| *name == self.unique_name());
        if own.is_empty() {
            plan.needs
                .push(format!("that index: {} has no {}", self.view.view.name.short(), self.unique_name()).into());
        } else if others.is_empty() {
            let users = self.needing_index();
            if !users.is_empty() {
                let list = users.join(", ");
                plan.needs
                    .push(format!("another unique index, or no more CONCURRENTLY in {list}: each would fail").into());
            }
        }
        self.needs_own(&mut plan);
        plan.undo = Some("mvtop fix index makes it again".into());
        plan.proof = Some(self.index_proof(false));
        plan
    }

    /// Fails if the index of that name is another view's.
    fn guard_index(&self) -> String {
        let same = format!(
            "EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass({}) AND i.indrelid = {})",
            literal(&self.full_unique_name()),
            self.view.view.oid.0
        );
        unless(&[(same, format!("{} is another index now: look again", self.unique_name()))])
    }

    /// What refreshes the view CONCURRENTLY, and fails without a unique index: each run, or each write.
    fn needing_index(&self) -> Vec<String> {
        let view = &self.view.view;
        let history = self.snapshot.history.value();
        let in_job = |j: &&Job| history.is_some_and(|h| h.modes(j, &view.name).any(|mode| mode));
        let jobs = self.jobs().filter(in_job).map(|j| format!("the job {}", j.title()));
        let in_body = |t: &&Trigger| trigger_modes(&t.body, t.search_path.as_deref(), &view.name).any(|mode| mode);
        let triggers = view.triggers.iter().filter(in_body).map(|t| {
            let table = view.base_names.get(&t.table).map_or("a base table", String::as_str);
            format!("the trigger {} on {table}", t.name)
        });
        jobs.chain(triggers).collect()
    }

    fn index_proof(&self, wanted: bool) -> Proof {
        let index = ViewName { schema: self.view.view.name.schema.clone(), name: self.unique_name() };
        Proof::Index { index, wanted }
    }

    pub(super) fn purge(&self, days: u32) -> Plan {
        let mut plan =
            self.blank(Fix::PurgeRuns { days }, format!("Delete cron runs older than {days} days?"), "Delete");
        (plan.view, plan.name) = (None, "cron.job_run_details".into());
        let old = old_runs(days);
        let delete = format!(
            "DELETE FROM cron.job_run_details WHERE runid IN (SELECT d.runid FROM cron.job_run_details d \
             WHERE {old} ORDER BY d.runid LIMIT {BATCH})"
        );
        plan.statements = transaction(self.guard_runs(&delete).into_iter().chain([delete]));
        plan.batches = true;
        plan.grave = true;
        plan.impact = format!("Nobody waits: {BATCH} rows a transaction, again until none is left.");
        plan.notes
            .push("pg_cron never purges its history itself; a five-minute job leaves 105,120 rows a year.".into());
        if self.server().and_then(|s| s.cron.present()).is_some_and(|c| c.row_security) {
            plan.notes.push("Row security shows this role only its own runs: only those are deleted.".into());
        }
        if !self.is_cron_here() {
            plan.needs.push("pg_cron's tables, which are not in this database".into());
        } else if !self.facts().rights.can_purge {
            plan.needs.push("DELETE on cron.job_run_details".into());
        }
        plan.proof = Some(Proof::Runs { days });
        plan
    }

    /// Cancels or ends a session, unless it went on to another transaction meanwhile.
    pub(super) fn signal(&self, pid: i32, terminate: bool) -> Plan {
        let obstacle = self.view.obstacles().into_iter().find(|o| o.by.pid == pid);
        let name = obstacle.as_ref().map_or(format!("pid {pid}"), |o| who(&o.by.user, &o.by.application, pid));
        let (fix, verb, deed, function) = match terminate {
            true => (Fix::Terminate(pid), "End the session of", "End it", "pg_terminate_backend"),
            false => (Fix::Cancel(pid), "Cancel what runs in", "Cancel it", "pg_cancel_backend"),
        };
        let mut plan = self.blank(fix, format!("{verb} {name}?"), deed);
        let begin = if obstacle.as_ref().is_some_and(|o| o.forgot) { Since::Statement } else { Since::Transaction };
        let since = obstacle.as_ref().and_then(|o| o.by.since).map(begin);
        // Where nothing tells when it began, its role and application must do.
        let by = obstacle.as_ref().map_or(String::new(), |o| {
            format!(" AND usename = {} AND application_name = {}", literal(&o.by.user), literal(&o.by.application))
        });
        let same = format!("{}{by}", session(pid, since));
        let is_there = format!("EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE {same})");
        plan.statements = transaction([
            unless(&[(is_there, format!("{name} is another session by now, or went on: look again"))]),
            format!("SELECT pg_catalog.{function}(pid) FROM pg_catalog.pg_stat_activity WHERE {same}"),
        ]);
        plan.grave = true;
        plan.impact = match terminate {
            true => {
                "Its transaction is rolled back and its connection closed: what it had not committed is lost.".into()
            }
            false => "Its statement ends with an error.".into(),
        };
        match &obstacle {
            Some(o) => {
                let since = o.by.since.map_or(String::new(), |s| format!(" for {}", ago(s, self.now)));
                let what = if o.forgot {
                    "It refreshed or locked the view and did not commit"
                } else {
                    "A refresh waits for it"
                };
                plan.notes.push(format!("{what}. It is {}{since}.", o.by.state));
                if !terminate && o.is_idle() {
                    plan.notes.push("It runs nothing, so cancelling does nothing: end the session instead.".into());
                }
            }
            None => plan.needs.push("a session that blocks a refresh: this one does not any more".into()),
        }
        plan.proof = Some(Proof::Session { pid, since, ended: terminate });
        plan
    }
}
