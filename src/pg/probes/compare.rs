//! Compares a view with its definition and answers with the flow between groups.

use crate::domain::drift::{Drift, Flow, Groups, Scope};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::compare::flow;
use crate::pg::session::{Limits, Session};

/// The comparison of one view, as far as `scope` looks.
pub async fn compare(session: &Session, view: &View, scope: Scope, limits: Limits) -> Result<Comparison, Problem> {
    let rows = session.read(limits, &flow(view, scope), &[]).await?;
    let mut groups = Groups::default();
    let flow = rows
        .iter()
        .map(|row| Flow {
            from: super::group(row, 'v', &mut groups),
            to: super::group(row, 'd', &mut groups),
            rows: row.get::<_, i64>("rows") as u64,
            changed: row.get::<_, i64>("changed") as u64,
        })
        .collect();
    // A multiset comparison looks at whole rows: nothing can differ that it did not see.
    let keyed = !view.key.is_empty();
    let scope = if keyed { scope } else { Scope::Values };
    Ok(Comparison::of(Drift { scope, keyed, groups: groups.finish(), flow }))
}
