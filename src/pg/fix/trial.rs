//! The trial before a view changes its kind: the new one is made, filled or run, and compared row by row with the old one, in a
//! transaction that is rolled back.
//!
//! All of it sees one snapshot, so that what others write meanwhile is no difference; the change itself must see what others
//! have committed by then, and so is another transaction. Definitions run in a REFRESH only: as their owner, and within a
//! security-restricted operation, so that a stranger's function gains nothing. Rows are compared by their stored form, which
//! needs no function of a type.

use postgres_protocol::escape::escape_identifier as quote;

use super::guard::unless;
use super::kind::Change;
use super::{Ground, clean, limits, refresh_sql};
use crate::domain::fix::Facts;
use crate::pg::compare::qualified;

impl Ground<'_> {
    fn trial_name(&self) -> String {
        let view = &self.view.view;
        format!("{}.{}", quote(&view.name.schema), quote(&format!("mvtop_try_{}", view.oid.0)))
    }

    /// The trial's statements, from BEGIN to ROLLBACK.
    pub(super) fn trial(&self, change: Change, storage: &str, facts: &Facts) -> Vec<String> {
        let (view, trial) = (&self.view.view, self.trial_name());
        let (old, new) = (qualified(&view.name), self.new_name());
        let rows = include_str!("../sql/fix_rows.sql").trim_end().replace("{old}", &old).replace("{new}", &new);
        let mut inner = self.create(change, storage, facts);
        inner.push(format!("CREATE MATERIALIZED VIEW {trial} AS\n{rows}\nWITH NO DATA"));
        if self.server().is_some_and(|s| s.user != view.owner) {
            inner.push(format!("ALTER MATERIALIZED VIEW {trial} OWNER TO {}", quote(&view.owner)));
        }
        inner.extend(self.with_settings(match change {
            Change::ToPlain => refresh_sql(&view.name, self.mode()),
            Change::ToMaterialized => format!("REFRESH MATERIALIZED VIEW {new}"),
        }));
        inner.extend(self.with_settings(format!("REFRESH MATERIALIZED VIEW {trial}")));
        let said = format!(
            "{} would become another view: a refresh gives other rows than a plain view of its definition",
            view.name.short()
        );
        inner.push(unless(&[(format!("(SELECT t.differ FROM {trial} t) = 0"), said)]));
        let guard = self.guard(&inner);
        let begin = std::iter::once("BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE".to_string()).chain(limits());
        begin.chain(clean()).chain([guard]).chain(inner).chain(["ROLLBACK".to_string()]).collect()
    }
}
