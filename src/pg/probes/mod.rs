//! The probes: each asks the database one thing and answers in the domain's types.

pub mod columns;
pub mod compare;
pub mod cron;
pub mod drill;
pub mod facts;
pub mod labels;
pub mod pulse;
pub mod stamp;

use tokio_postgres::Row;

use crate::domain::drift::GroupId;
use crate::domain::groups::Groups;
use crate::domain::text::visible;

/// Reads one side's group out of a comparison's row, if the row is there on that side.
fn group(row: &Row, side: char, groups: &mut Groups) -> Option<GroupId> {
    let there: bool = row.get(&*format!("{side}_there"));
    let texts = |what: &str| -> Option<Vec<Option<String>>> { row.get(&*format!("{side}_{what}")) };
    there.then(|| {
        let keys = texts("groups").unwrap_or_default();
        let Some(labels) = texts("labels") else { return groups.unnamed(keys) };
        groups.intern(keys, labels.into_iter().map(|l| l.map(|l| visible(&l).into_owned())).collect())
    })
}
