//! The probes: each asks the database one thing and answers in the domain's types.

pub mod columns;
pub mod compare;
pub mod cron;
pub mod drill;
pub mod facts;
pub mod labels;
pub mod pulse;
pub mod stamp;
mod sums;

use std::borrow::Cow;

use tokio_postgres::Row;

use crate::domain::groups::{GroupId, Interner};
use crate::domain::text::visible;

/// Reads one side's group out of a comparison's row, if the row is there on that side.
fn group(row: &Row, side: char, groups: &mut Interner) -> Option<GroupId> {
    let there: bool = row.get(&*format!("{side}_there"));
    let texts = |what: &str| -> Option<Vec<Option<&str>>> { row.get(&*format!("{side}_{what}")) };
    there.then(|| {
        let keys: Vec<_> = texts("groups").unwrap_or_default().into_iter().map(|key| key.map(Cow::Borrowed)).collect();
        let labels = texts("labels").unwrap_or_default().into_iter().map(|label| label.map(visible));
        groups.intern(&keys, &labels.collect::<Vec<_>>())
    })
}
