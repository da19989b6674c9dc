//! Triggers that refresh the view after each statement that writes to what it reads.
//!
//! Measured (facts §3): an update of 0.6 ms becomes as long as a refresh; a refresh that waited for another would install
//! what it saw before it waited, so the function takes an advisory lock first and looks only then; a SECURITY DEFINER
//! function of the view's owner lets writers who do not own the view write. He can replace that function by one that runs with
//! each writer's rights, so it stands only on tables that are his already.

use postgres_protocol::escape::escape_identifier as quote;

use super::guard::{is_closed, same_tables, unless};
use super::{Ground, dollars, name_literal, refresh_sql, short_name};
use crate::domain::fix::needs::{
    TRIGGER, drop_needs, is_own_trigger, left_out, other_triggers, trigger_needs, trigger_tables,
};
use crate::domain::fix::{BaseTable, Facts, Fix, Need, Plan, Proof};
use crate::domain::view::{Trigger, ViewName};
use crate::pg::compare::qualified;

impl Ground<'_> {
    fn trigger_name(&self) -> String {
        short_name(TRIGGER, &self.view.view.name.short())
    }

    fn trigger_function(&self) -> String {
        format!("{}.{}", quote(&self.view.view.name.schema), quote(&self.trigger_name()))
    }

    pub(super) fn triggers_install(&self) -> Plan {
        let facts = self.facts();
        let title = format!("Refresh {} after every write?", self.view.view.name.short());
        let mut plan = self.blank(Fix::TriggersInstall, title, "Install");
        plan.needs = trigger_needs(&self.view.view, &facts);
        plan.needs.extend(self.refresh_needs().map(Need::Missing));
        let tables: Vec<&BaseTable> = trigger_tables(&facts).collect();
        let mut statements = self.create_function(&facts);
        statements.extend(tables.iter().map(|t| self.create_trigger(t)));
        let mut same = same_tables(&tables);
        same.push(is_closed(&self.trigger_function(), &self.view.view.owner));
        statements.push(unless(&same));
        // Last, when the tables are locked against writers: a write before it is seen, one after it fires a trigger. And under
        // the function's own search_path: what its refresh does not find then, every write would stumble over.
        statements.push(refresh_sql(&self.view.view.name, self.mode()));
        plan.refreshes = true;
        plan.statements = self.guarded(statements);
        plan.grave = true;
        plan.impact =
            "Writers to its tables wait while the triggers are made, and then for a refresh in every statement.".into();
        plan.notes.extend(self.warned());
        plan.notes.extend(self.trigger_notes());
        let left_out = left_out(&facts);
        if !left_out.is_empty() {
            let (list, owner) = (left_out.join(", "), &self.view.view.owner);
            plan.notes.push(format!(
                "▲ Writes to {list} do not refresh it: {owner}, whose function the triggers run, owns the view but not that. It is \
                 as old as the last write to the other tables, and something else must refresh it, too."
            ));
        }
        plan.undo = Some("mvtop fix triggers --undo drops them and their function".into());
        plan.proof = Some(self.trigger_proof(tables.len(), facts.rights.tables.len()));
        plan
    }

    fn create_function(&self, facts: &Facts) -> Vec<String> {
        let (view, function) = (&self.view.view, self.trigger_function());
        let body = format!(
            "\nBEGIN\n    -- One at a time, and each looks only after the one before it has committed.\n    \
             PERFORM pg_catalog.pg_advisory_xact_lock({}::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int8);\n    \
             {};\n    RETURN NULL;\nEND\n",
            name_literal(&view.name),
            refresh_sql(&view.name, self.mode_if(true)),
        );
        let mut statements = vec![format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {}",
            dollars(&body)
        )];
        let given = std::iter::once("PUBLIC".to_string()).chain(facts.rights.function_grantees.iter().cloned());
        statements.push(format!("REVOKE ALL ON FUNCTION {function}() FROM {}", given.collect::<Vec<_>>().join(", ")));
        if self.server().is_some_and(|s| s.user != view.owner) {
            statements.push(format!("ALTER FUNCTION {function}() OWNER TO {}", quote(&view.owner)));
        }
        statements
    }

    fn create_trigger(&self, table: &BaseTable) -> String {
        format!(
            "CREATE TRIGGER {} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()",
            quote(&self.trigger_name()),
            qualified(&table.name),
            self.trigger_function(),
        )
    }

    fn trigger_notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = [
            "Every writing statement pays one refresh, even one that changes no row.",
            "Writers wait for each other until COMMIT, and two that write in opposite order deadlock: one is rolled back.",
            "A statement that reads the view while it writes fails: \"being used by active queries in this session\".",
            "A writer in REPEATABLE READ installs what its own snapshot shows.",
        ]
        .map(String::from)
        .into();
        if let Some(writes) = self.view.writes {
            let text = format!("Rows written of late: {:.0} a minute.", writes.per_minute());
            notes.insert(0, text);
        }
        notes
    }

    /// The triggers of this program's function for this view, which another view of the same name has not.
    fn trigger_proof(&self, wanted: usize, tables: usize) -> Proof {
        let function = ViewName { schema: self.view.view.name.schema.clone(), name: self.trigger_name() };
        Proof::Triggers { function, wanted, tables }
    }

    /// The statements that drop this program's triggers and their function.
    pub(super) fn drop_triggers(&self) -> Vec<String> {
        let own: Vec<&Trigger> = self.view.view.triggers.iter().filter(|t| is_own_trigger(t)).collect();
        let tables = self.facts().rights.tables;
        let named = |oid| tables.iter().find(|t| t.oid == oid).map(|t| qualified(&t.name));
        let mut statements: Vec<String> = own
            .iter()
            .filter_map(|t| Some(format!("DROP TRIGGER {} ON {}", quote(&t.name), named(t.table)?)))
            .collect();
        if !own.is_empty() {
            statements.push(format!("DROP FUNCTION {}()", self.trigger_function()));
        }
        statements
    }

    pub(super) fn triggers_remove(&self) -> Plan {
        let title = format!("Drop the triggers that refresh {}?", self.view.view.name.short());
        let mut plan = self.blank(Fix::TriggersRemove, title, "Drop");
        let statements = self.drop_triggers();
        let others = other_triggers(&self.view.view);
        if statements.is_empty() {
            plan.needs.push("triggers that mvtop made: there are none".into());
        }
        plan.needs.extend(drop_needs(&self.view.view, &self.facts()).map(Need::Missing));
        plan.statements = self.guarded(statements);
        plan.grave = true;
        plan.impact = "Writers wait for a moment; nothing refreshes it any more unless a job does.".into();
        plan.notes.extend(others.map(|o| format!("These stay, for mvtop did not make them: {o}.")));
        plan.undo = Some("mvtop fix triggers makes them again".into());
        plan.proof = Some(self.trigger_proof(0, self.facts().rights.tables.len()));
        plan
    }
}
