//! From a materialized view to a plain one and back, in one transaction, with all that hangs on it.
//!
//! The new one is made under another name and run or filled while nobody waits; then the old one gives it its name, what
//! reads it pointed at the new one by CREATE OR REPLACE (so
//! those views keep their grants and comments), and the old one dropped without CASCADE: if anything else still depends
//! on it, the whole transaction fails and nothing has changed.

use postgres_protocol::escape::escape_identifier as quote;

use super::{Ground, dollars, literal, transaction};
use crate::domain::fix::needs::{kind_needs, may_alter, plain_needs};
use crate::domain::fix::offer::timing;
use crate::domain::fix::{Facts, Fix, Plan, Proof, WayBack};
use crate::domain::job::JobId;
use crate::pg::compare::qualified;

/// What the comment with the way back begins with.
const MARK: &str = "mvtop: ";

/// A query that gives, for the view `{oid}`, one and the same text as long as nobody changes what its plan puts back. A
/// refresh does not change it, nor does the renaming of the view.
pub const SAME: &str = include_str!("../sql/fix_same.sql");

/// A transaction each of whose statements sees what others have committed by then.
fn reading_anew(statements: Vec<String>) -> Vec<String> {
    let mut all = transaction(statements);
    all[0] = "BEGIN ISOLATION LEVEL READ COMMITTED".into();
    all
}

impl Ground<'_> {
    pub(super) fn plain_view(&self) -> Plan {
        let (facts, name) = (self.facts(), self.view.view.name.short());
        let mut plan = self.blank(Fix::PlainView, format!("Replace {name} by a plain view?"), "Replace");
        plan.needs = plain_needs(self.snapshot, self.view, &facts);
        if self.view.view.is_plain() {
            plan.needs.push("nothing: it is a plain view already".into());
        }
        let way_back = self.way_back(&facts);
        let full = qualified(&self.view.view.name);
        let mut stop = self.drop_triggers();
        stop.extend(way_back.jobs.iter().map(|id| format!("SELECT cron.alter_job(job_id := {id}, active := false)")));
        let mut inner = self.swap(["MATERIALIZED VIEW", "VIEW"], "", &stop, &[], &facts);
        // A struct of texts and numbers always becomes JSON.
        let comment = format!("{MARK}{}", serde_json::to_string(&way_back).unwrap_or_default());
        inner.push(format!("COMMENT ON RULE \"_RETURN\" ON {full} IS {}", literal(&comment)));
        inner.push(format!("DROP MATERIALIZED VIEW {}", self.old_name()));
        plan.statements = reading_anew(inner);
        self.tell_swap(&mut plan, &facts);
        plan.impact = "Its definition is run once while nobody waits. Then it takes AccessExclusiveLock: every reader \
                       waits a moment, and then reads the new one."
            .into();
        self.tell_leftovers(&mut plan, &way_back);
        plan.undo = Some("mvtop fix view --undo, or f again, makes it materialized as it was".into());
        plan.proof = Some(self.kind_proof(true));
        plan
    }

    pub(super) fn materialize(&self) -> Plan {
        let (facts, name) = (self.facts(), self.view.view.name.short());
        let mut plan = self.blank(Fix::Materialize, format!("Make {name} materialized again?"), "Materialize");
        plan.needs = kind_needs(&facts);
        let way_back: Option<WayBack> =
            facts.rights.way_back.as_deref().and_then(|json| serde_json::from_str(json).ok());
        if way_back.is_none() {
            plan.needs.push("a way back: mvtop did not make this plain view".into());
        }
        let way_back = way_back.unwrap_or_default();
        let mut inner = self.swap(["VIEW", "MATERIALIZED VIEW"], &way_back.storage, &[], &way_back.rebuild, &facts);
        inner.push(format!("DROP VIEW {}", self.old_name()));
        let paused = way_back.jobs.iter().filter_map(|id| self.job(JobId(*id))).filter(|j| !j.active);
        for job in paused {
            if self.can_alter_jobs() && may_alter(self.server(), job) {
                inner.push(format!("SELECT cron.alter_job(job_id := {}, active := true)", job.id.0));
            } else {
                let (title, owner) = (job.title(), &job.username);
                plan.notes.push(format!("Its job {title} stays paused: only {owner} or a superuser can resume it."));
            }
        }
        plan.statements = reading_anew(inner);
        self.tell_swap(&mut plan, &facts);
        plan.impact = "It is filled while readers go on with the plain one. Then it takes AccessExclusiveLock: every \
                       reader waits while its indexes are built, and then reads the new one."
            .into();
        plan.notes.push(self.duration());
        plan.notes.push("From then on something must refresh it.".into());
        plan.undo = Some("mvtop fix view replaces it again".into());
        plan.proof = Some(self.kind_proof(false));
        plan
    }

    fn old_name(&self) -> String {
        let name = &self.view.view.name;
        format!("{}.{}", quote(&name.schema), quote(&format!("mvtop_old_{}", self.view.view.oid.0)))
    }

    /// Create, try, stop what refreshes the old one, give it the name, put back, point the readers at it. Base tables are
    /// locked before the view, in a writer's order.
    fn swap(&self, kinds: [&str; 2], storage: &str, stop: &[String], rebuild: &[String], facts: &Facts) -> Vec<String> {
        let view = &self.view.view;
        let ([old, new], full) = (kinds, qualified(&view.name));
        let made = format!("{}.{}", quote(&view.name.schema), quote(&format!("mvtop_new_{}", view.oid.0)));
        // As when the plan was made, whatever the role has set: what was read then is compared with what is read now.
        let mut inner: Vec<String> = ["search_path = ''", "quote_all_identifiers = off", "extra_float_digits = 1"]
            .map(|s| format!("SET LOCAL {s}"))
            .into();
        let definition = facts.pieces.definition.trim().trim_end_matches(';');
        inner.push(format!("CREATE {new} {made}{storage} AS\n{definition}"));
        if new == "VIEW" {
            // A definition that fails would shut its readers out, with no way back. All its columns are computed.
            inner.push(format!("SELECT count(d) FROM {made} AS d"));
        }
        inner.extend(stop.iter().cloned());
        inner.push(format!("ALTER {old} {full} RENAME TO {}", quote(&format!("mvtop_old_{}", view.oid.0))));
        inner.push(self.unchanged(facts));
        inner.push(format!("ALTER {new} {made} RENAME TO {}", quote(&view.name.name)));
        // Indexes had their names from the old one, which is gone only at the end: a plain view has none.
        inner.extend(rebuild.iter().cloned());
        inner.extend(facts.pieces.keep.iter().cloned());
        inner.extend(facts.pieces.follow.iter().cloned());
        inner
    }

    /// Fails if the view, now locked and under its old name, is not as it was when the plan was made: a grant, a comment, an
    /// index or a definition that came meanwhile would be lost.
    fn unchanged(&self, facts: &Facts) -> String {
        let oid = self.view.view.oid.0;
        let same = SAME.trim_end().replace("{oid}", &oid.to_string());
        let named = literal(&format!("mvtop_old_{oid}"));
        let said = literal(&format!("{} was changed meanwhile: look again", self.view.view.name.short()));
        let body = format!(
            "BEGIN\nIF ({same} AND c.relname = {named}) IS DISTINCT FROM {}\nTHEN RAISE EXCEPTION USING MESSAGE = {said}; END IF;\nEND",
            literal(&facts.pieces.same),
        );
        format!("DO {}", dollars(&body))
    }

    fn way_back(&self, facts: &Facts) -> WayBack {
        let jobs = match self.can_alter_jobs() {
            true => self.jobs().filter(|j| j.active && may_alter(self.server(), j)).map(|j| j.id.0).collect(),
            false => Vec::new(),
        };
        WayBack { storage: facts.pieces.storage.clone(), rebuild: facts.pieces.rebuild.clone(), jobs }
    }

    fn tell_swap(&self, plan: &mut Plan, facts: &Facts) {
        plan.grave = true;
        plan.notes.push(match facts.pieces.follow.len() {
            0 => "Columns, comments, grants and owner stay.".into(),
            1 => "Columns, comments, grants and owner stay; the view that reads it is pointed at the new one.".into(),
            n => format!(
                "Columns, comments, grants and owner stay; the {n} views that read it are pointed at the new one."
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
