//! From a materialized view to a plain one and back, with all that hangs on it: first a trial that is rolled back
//! ([`super::trial`]), then the change in one transaction.
//!
//! The new one is made under another name and given to the view's owner before anything of it runs, for only a REFRESH runs a
//! definition as its owner and nobody else. Then the old one gives it its name, what reads it is pointed at the new one by
//! CREATE OR REPLACE (so those views keep their grants and comments), and the old one is dropped without CASCADE: if anything
//! else still depends on it, the whole transaction fails and nothing has changed.

use postgres_protocol::escape::escape_identifier as quote;

use super::cron::alter_active;
use super::guard::{unless, view_regclass};
use super::{Ground, clean, dollars, literal, transaction};
use crate::domain::fix::needs::{kind_needs, may_alter, plain_needs};
use crate::domain::fix::offer::timing;
use crate::domain::fix::{Facts, Fix, Grant, Need, Plan, Proof, WayBack};
use crate::domain::job::{Job, JobId};
use crate::domain::view::RefreshMode;
use crate::pg::compare::qualified;

/// What the comment with the way back begins with.
const MARK: &str = "mvtop: ";

/// A query that gives, for the view `{oid}`, one and the same text as long as nobody changes what its plan puts back. A
/// refresh does not change it, nor does the renaming of the view.
pub const SAME: &str = include_str!("../sql/fix_same.sql");

/// A query that gives a hash of what the rule of the view `{relation}` names by OID, but for `{itself}`.
pub const MEANS: &str = include_str!("../sql/fix_means.sql");

/// What a view is and what it becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    ToPlain,
    ToMaterialized,
}

impl Change {
    pub(super) fn kinds(self) -> [&'static str; 2] {
        match self {
            Change::ToPlain => ["MATERIALIZED VIEW", "VIEW"],
            Change::ToMaterialized => ["VIEW", "MATERIALIZED VIEW"],
        }
    }
}

impl Ground<'_> {
    pub(super) fn plain_view(&self) -> Plan {
        let (facts, name) = (self.facts(), self.view.view.name.short());
        let mut plan = self.blank(Fix::PlainView, format!("Replace {name} by a plain view?"), "Replace");
        plan.needs = plain_needs(self.snapshot, self.view, &facts);
        if self.view.view.is_plain() {
            plan.needs.push(Need::Already("it is a plain view".into()));
        }
        let way_back = self.way_back(&facts);
        let full = qualified(&self.view.view.name);
        let mut stop = self.drop_triggers();
        for job in way_back.jobs.iter().filter_map(|id| self.job(JobId(*id))) {
            let pause = vec![alter_active(job, false)];
            stop.push(self.guard_job(job, &pause));
            stop.extend(pause);
        }
        let mut inner = self.swap(Change::ToPlain, "", &stop, &[], &facts);
        // A struct of texts and numbers always becomes JSON.
        let comment = format!("{MARK}{}", serde_json::to_string(&way_back).unwrap_or_default());
        inner.push(format!("COMMENT ON RULE \"_RETURN\" ON {full} IS {}", literal(&comment)));
        inner.push(self.no_more_rights());
        inner.push(format!("DROP MATERIALIZED VIEW {}", self.old_name()));
        plan.statements = [self.trial(Change::ToPlain, "", &facts), self.changed(inner)].concat();
        self.tell_swap(&mut plan, &facts);
        plan.impact = self.plain_impact();
        self.tell_rights(&mut plan, &facts);
        self.tell_leftovers(&mut plan, &way_back);
        plan.undo = Some("mvtop fix view --undo, or f again, makes it materialized as it was".into());
        plan.proof = Some(self.kind_proof(true));
        plan
    }

    fn plain_impact(&self) -> String {
        let first = match self.mode() {
            RefreshMode::Concurrently => "readers go on, other refreshes wait",
            _ => "every reader waits for all of it, for it has no CONCURRENTLY",
        };
        format!(
            "First, in a transaction that is rolled back, it is refreshed and its rows are compared with the plain view's: its \
             definition runs twice, and {first}. Then it takes AccessExclusiveLock: every reader waits a moment, and then reads \
             the new one."
        )
    }

    pub(super) fn materialize(&self) -> Plan {
        let (facts, name) = (self.facts(), self.view.view.name.short());
        let mut plan = self.blank(Fix::Materialize, format!("Make {name} materialized again?"), "Materialize");
        plan.needs = kind_needs(&self.view.view, &facts);
        let way_back = facts.rights.way_back.as_deref().and_then(WayBack::read);
        if way_back.is_none() {
            plan.needs.push("a way back: mvtop did not make this plain view".into());
        }
        let way_back = way_back.unwrap_or_default();
        let strange = way_back.strange(&facts.pieces.full_name);
        plan.needs.extend(
            strange
                .iter()
                .map(|s| Need::Missing(format!("a way back that only mvtop wrote: this is not its own: {s}"))),
        );
        let mut rebuild = way_back.rebuild.clone();
        rebuild.extend(self.grants_back(&mut plan, &way_back, &facts));
        let mut inner = self.swap(Change::ToMaterialized, &way_back.storage, &[], &rebuild, &facts);
        inner.push(format!("DROP VIEW {}", self.old_name()));
        inner.extend(self.resume(&mut plan, &way_back));
        plan.statements = [self.trial(Change::ToMaterialized, &way_back.storage, &facts), self.changed(inner)].concat();
        self.tell_swap(&mut plan, &facts);
        plan.impact = "First, in a transaction that is rolled back, it is filled and its rows are compared with the plain \
                       view's; then it is filled once more: its definition runs three times, while readers go on with the plain \
                       one. Then it takes AccessExclusiveLock: every reader waits while its indexes are built, and then reads \
                       the new one."
            .into();
        plan.notes.push(self.duration());
        plan.notes.push("From then on something must refresh it.".into());
        plan.undo = Some("mvtop fix view replaces it again".into());
        plan.proof = Some(self.kind_proof(false));
        plan
    }

    /// The rights that a plain view was not given, put back for the roles that there still are.
    fn grants_back(&self, plan: &mut Plan, way_back: &WayBack, facts: &Facts) -> Vec<String> {
        let is_left = |g: &&Grant| g.grantee.as_ref().is_none_or(|role| facts.rights.roles_left.contains(role));
        let (left, gone): (Vec<&Grant>, Vec<&Grant>) = way_back.grants.iter().partition(is_left);
        let gone: std::collections::BTreeSet<&str> = gone.iter().filter_map(|g| g.grantee.as_deref()).collect();
        let gone: Vec<&str> = gone.into_iter().collect();
        if !gone.is_empty() {
            plan.notes.push(format!(
                "What was granted to {} is not put back: there is no such role any more.",
                gone.join(", ")
            ));
        }
        left.into_iter().map(|g| self.grant(g)).collect()
    }

    fn grant(&self, grant: &Grant) -> String {
        let column = grant.column.as_ref().map_or(String::new(), |c| format!(" ({})", quote(c)));
        let privileges: Vec<String> = grant.privileges.iter().map(|p| format!("{p}{column}")).collect();
        let grantee = grant.grantee.as_ref().map_or("PUBLIC".into(), |role| quote(role));
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} ON TABLE {} TO {grantee}{option}", privileges.join(", "), qualified(&self.view.view.name))
    }

    /// The jobs that the way back names go on, as far as they refresh this view.
    fn resume(&self, plan: &mut Plan, way_back: &WayBack) -> Vec<String> {
        let is_own = |job: &&Job| self.jobs().any(|j| j.id == job.id);
        let named = way_back.jobs.iter().filter_map(|id| self.job(JobId(*id)));
        let paused: Vec<&Job> = named.filter(|j| !j.active).filter(is_own).collect();
        let mut statements = Vec::new();
        for job in paused {
            if self.can_alter_jobs() && may_alter(self.server(), job) {
                let resume = vec![alter_active(job, true)];
                statements.push(self.guard_job(job, &resume));
                statements.extend(resume);
            } else {
                let (title, owner) = (job.title(), &job.username);
                plan.notes.push(format!("Its job {title} stays paused: only {owner} or a superuser can resume it."));
            }
        }
        statements
    }

    fn old_name(&self) -> String {
        let name = &self.view.view.name;
        format!("{}.{}", quote(&name.schema), quote(&format!("mvtop_old_{}", self.view.view.oid.0)))
    }

    pub(super) fn new_name(&self) -> String {
        let name = &self.view.view.name;
        format!("{}.{}", quote(&name.schema), quote(&format!("mvtop_new_{}", self.view.view.oid.0)))
    }

    /// The change's own transaction, each of whose statements sees what others have committed by then.
    fn changed(&self, inner: Vec<String>) -> Vec<String> {
        let guard = self.guard(&inner);
        transaction(clean().into_iter().chain([guard]).chain(inner))
    }

    /// Makes the new one, empty where it is stored, and gives it to the view's owner before anything of it runs.
    pub(super) fn create(&self, change: Change, storage: &str, facts: &Facts) -> Vec<String> {
        let ([_, new], made, owner) = (change.kinds(), self.new_name(), &self.view.view.owner);
        let definition = facts.pieces.definition.trim().trim_end_matches(';');
        let empty = if change == Change::ToMaterialized { "\nWITH NO DATA" } else { "" };
        let mut statements = vec![format!("CREATE {new} {made}{storage} AS\n{definition}{empty}")];
        if self.server().is_some_and(|s| s.user != *owner) {
            statements.push(format!("ALTER {new} {made} OWNER TO {}", quote(owner)));
        }
        statements.push(self.means_the_same());
        statements
    }

    /// Fails if the text of the definition, read again, is another definition: PostgreSQL cannot write the operators of some
    /// constructs with their schema.
    fn means_the_same(&self) -> String {
        let name = self.view.view.name.short();
        let meaning = format!(
            "{name} would become another view: PostgreSQL cannot write its definition so that it means the same (the operators of \
             NULLIF, IS DISTINCT FROM, CASE and USING have no schema there). It differs in "
        );
        let types = format!("{name} would become another view: the types of these columns would be others: ");
        let body = include_str!("../sql/fix_differ.sql")
            .replace("{old}", &self.view.view.oid.0.to_string())
            .replace("{new}", &super::guard::regclass(&self.new_name()))
            .replace("{other_meaning}", &literal(&meaning))
            .replace("{other_types}", &literal(&types));
        format!("DO {}", dollars(body.trim_end()))
    }

    /// Create, fill, stop what refreshes the old one, give it the name, put back, point the readers at it. Base tables are
    /// locked before the view, in a writer's order.
    fn swap(&self, change: Change, storage: &str, stop: &[String], rebuild: &[String], facts: &Facts) -> Vec<String> {
        let view = &self.view.view;
        let ([old, new], full, made) = (change.kinds(), qualified(&view.name), self.new_name());
        let mut inner = self.create(change, storage, facts);
        if change == Change::ToMaterialized {
            inner.extend(self.with_settings(format!("REFRESH MATERIALIZED VIEW {made}")));
        }
        inner.extend(stop.iter().cloned());
        inner.push(format!("ALTER {old} {full} RENAME TO {}", quote(&format!("mvtop_old_{}", view.oid.0))));
        inner.push(self.unchanged(facts));
        inner.push(format!("ALTER {new} {made} RENAME TO {}", quote(&view.name.name)));
        // Indexes had their names from the old one, which is gone only at the end: a plain view has none.
        inner.extend(facts.pieces.keep.iter().cloned());
        inner.extend(rebuild.iter().cloned());
        inner.extend(facts.pieces.follow.iter().map(|f| f.sql.clone()));
        inner.extend(self.followers_mean_the_same(facts));
        inner
    }

    /// Fails if the view, now locked and under its old name, is not as it was when the plan was made: a grant, a comment, an
    /// index or a definition that came meanwhile would be lost.
    fn unchanged(&self, facts: &Facts) -> String {
        let oid = self.view.view.oid.0;
        let same = SAME.trim_end().replace("{oid}", &oid.to_string());
        let named = literal(&format!("mvtop_old_{oid}"));
        let said = format!("{} was changed meanwhile: look again", self.view.view.name.short());
        unless(&[(format!("({same} AND c.relname = {named}) = {}", literal(&facts.pieces.same)), said)])
    }

    /// Fails if the text of a view that reads it, read again, is another definition.
    fn followers_mean_the_same(&self, facts: &Facts) -> Option<String> {
        let itself = view_regclass(&self.view.view.name);
        let check = |f: &crate::domain::fix::Follower| {
            let means = MEANS.trim_end().replace("{relation}", &f.oid.0.to_string()).replace("{itself}", &itself);
            let name = f.sql.trim_start_matches("CREATE OR REPLACE VIEW ").split(" AS\n").next().unwrap_or_default();
            let said = format!(
                "{name} reads it and would become another view: PostgreSQL cannot write its definition so that it means the same"
            );
            (format!("({means}) = {}", literal(&f.means)), said)
        };
        let checks: Vec<(String, String)> = facts.pieces.follow.iter().map(check).collect();
        (!checks.is_empty()).then(|| unless(&checks))
    }

    /// Fails if the plain view gives anybody more than SELECT, or that to anybody who had it not: by default privileges that came
    /// meanwhile.
    fn no_more_rights(&self) -> String {
        let (new, old) = (view_regclass(&self.view.view.name), self.view.view.oid.0);
        let none = format!(
            "NOT EXISTS (SELECT FROM pg_catalog.pg_class n, pg_catalog.aclexplode(n.relacl) e\n  \
             WHERE n.oid = {new} AND e.grantee <> n.relowner AND NOT (e.privilege_type = 'SELECT' AND EXISTS (\n  \
             SELECT FROM pg_catalog.pg_class o, pg_catalog.aclexplode(o.relacl) f\n  \
             WHERE o.oid = {old} AND f.grantee = e.grantee AND f.privilege_type = 'SELECT' AND f.is_grantable >= e.is_grantable)))"
        );
        unless(&[(none, "default privileges gave others more than they had: look again".into())])
    }

    fn way_back(&self, facts: &Facts) -> WayBack {
        let jobs = match self.can_alter_jobs() {
            true => self.jobs().filter(|j| j.active && may_alter(self.server(), j)).map(|j| j.id.0).collect(),
            false => Vec::new(),
        };
        let pieces = &facts.pieces;
        WayBack {
            storage: pieces.storage.clone(),
            rebuild: pieces.rebuild.clone(),
            jobs,
            grants: pieces.grants.clone(),
        }
    }

    fn tell_swap(&self, plan: &mut Plan, facts: &Facts) {
        plan.grave = true;
        plan.notes.push(match facts.pieces.follow.len() {
            0 => "Columns, comments, SELECT and owner stay.".into(),
            1 => "Columns, comments, SELECT and owner stay; the view that reads it is pointed at the new one.".into(),
            n => format!(
                "Columns, comments, SELECT and owner stay; the {n} views that read it are pointed at the new one."
            ),
        });
        if let Some(d) = &facts.dashboard {
            plan.notes.push(format!(
                "A query WHERE {} = … took {} against the view as it is, {} against its definition.",
                d.column,
                timing(d.view),
                timing(d.live)
            ));
        }
    }

    /// What a plain view does not hand on, and what in it runs as somebody else than in a refresh.
    fn tell_rights(&self, plan: &mut Plan, facts: &Facts) {
        let kept: std::collections::BTreeSet<&str> =
            facts.pieces.grants.iter().map(|g| g.grantee.as_deref().unwrap_or("PUBLIC")).collect();
        if !kept.is_empty() {
            let kept: Vec<&str> = kept.into_iter().collect();
            plan.notes.push(format!(
                "Rights other than SELECT, which meant nothing so far, would let {} write through a plain view: they are kept for \
                 the way back.",
                kept.join(", ")
            ));
        }
        if !facts.code.as_reader.is_empty() {
            plan.notes.push(format!(
                "▲ {} then runs with the rights of whoever reads the view: what it reads itself, they must be allowed to read.",
                facts.code.as_reader.join(", ")
            ));
        }
    }

    /// What stops, for it refreshes.
    fn tell_leftovers(&self, plan: &mut Plan, way_back: &WayBack) {
        for job in self.jobs().filter(|j| way_back.jobs.contains(&j.id.0)) {
            let title = job.title();
            plan.notes
                .push(format!("Its job {title} is paused: there is nothing to refresh; the way back resumes it."));
        }
        if !self.drop_triggers().is_empty() {
            plan.notes.push("The triggers that refresh it are dropped, or every write would fail; the way back does not bring them.".into());
        }
    }

    fn kind_proof(&self, plain: bool) -> Proof {
        Proof::Kind { view: self.view.view.name.clone(), plain }
    }
}
