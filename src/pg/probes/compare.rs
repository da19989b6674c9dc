//! Compares a view with its definition and answers with the flow between groups.

use tokio_postgres::Row;

use crate::domain::drift::{Drift, Flow, Groups, Scope};
use crate::domain::matrix::Comparison;
use crate::domain::reading::Problem;
use crate::domain::view::View;
use crate::pg::compare::{Pairing, flow};
use crate::pg::session::{Limits, Session};

/// The comparison of one view, as far as `scope` looks.
pub async fn compare(session: &Session, view: &View, scope: Scope, limits: Limits) -> Result<Comparison, Problem> {
    let (pairing, rows) = paired(session, view, scope, limits).await?;
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
    let keyed = pairing != Pairing::Rows;
    let scope = if keyed { scope } else { Scope::Values };
    Ok(Comparison::of(Drift { scope, keyed, groups: groups.finish(), flow }))
}

/// The flow by the first pairing that holds for the rows as they are now.
pub(super) async fn paired(
    session: &Session,
    view: &View,
    scope: Scope,
    limits: Limits,
) -> Result<(Pairing, Vec<Row>), Problem> {
    let mut outcome = (Pairing::Rows, Vec::new());
    for &pairing in Pairing::of(view) {
        let rows = session.read(limits, &flow(view, pairing, scope), &[]).await?;
        outcome = (pairing, rows);
        if held(pairing, &outcome.1) {
            break;
        }
    }
    Ok(outcome)
}

fn held(pairing: Pairing, flow: &[Row]) -> bool {
    let of_view = flow.iter().filter(|row| row.get("v_there"));
    let paired = of_view.map(|row| row.get::<_, i64>("rows")).sum();
    flow.first().is_none_or(|row| pairing.held(paired, row.get("identities")))
}
