//! Both sides summed by group, without pairing their rows: a third of the price, and in parallel on every version.

use super::{Sides, quote, texts, type_of};
use crate::domain::drift::Scope;
use crate::domain::view::View;
use crate::pg::look::Query;

/// Each side's groups: `stored` (else live), `groups`, how many `rows`, how many of them have a whole key (`whole`),
/// and the sum of their keys' hashes as text; if `named`, the view's `labels` of them; and the view's `version`.
///
/// Where both sides give the same, they have the same keys in the same groups, but for a chance of 2⁻⁶⁴.
pub fn sums(view: &View, named: bool) -> Query {
    let sql = format!("{}\nUNION ALL\n{}", side(view, true, named), side(view, false, named));
    Query { sql, columns: COLUMNS.to_vec() }
}

/// The same of live alone.
pub fn live_sums(view: &View) -> Query {
    Query { sql: side(view, false, false), columns: COLUMNS.to_vec() }
}

const COLUMNS: [(&str, &str); 7] = [
    ("stored", "boolean"),
    ("groups", "text[]"),
    ("labels", "text[]"),
    ("rows", "bigint"),
    ("whole", "bigint"),
    ("sum", "text"),
    ("version", "bigint"),
];

fn side(view: &View, stored: bool, named: bool) -> String {
    let sides = Sides { named, ..Sides::of(view, Scope::Groups) };
    let labels = match (named, stored) {
        (true, true) => texts(&sides.each(|i| format!("max(l{i})"))),
        _ => "NULL::text[]".into(),
    };
    let mut columns: Vec<String> = sides.groups().chain(sides.labels()).collect();
    columns.push(format!("{} AS h", hash(view)));
    format!(
        "SELECT {stored} AS stored, {} AS groups, {labels} AS labels, count(*) AS rows, count(h) AS whole, \
         sum(h)::text AS sum, {}\nFROM (SELECT {} FROM {}) AS side{}",
        texts(&sides.each(|i| format!("g{i}::text"))),
        super::version(view),
        columns.join(", "),
        if stored { super::qualified(&view.name) } else { sides.definition() },
        sides.group_by(sides.each(|i| format!("g{i}"))),
    )
}

/// A hash of the whole key; NULL if a part of it is.
///
/// What has no function of its own is hashed as text: keys that are equal but look different (1.0, 1.00) then only make
/// the sums differ, which asks for the pairs.
pub(super) fn hash(view: &View) -> String {
    view.key.iter().fold("0".to_string(), |seed, key| {
        let name = quote(&key.name);
        let (function, value) = match type_of(view, &key.name) {
            Some("uuid") => ("uuid_hash_extended", name),
            // It folds both halves into one; the upper half as its seed tells them apart.
            Some("bigint") => {
                let upper = format!("pg_catalog.hashint8extended({name} OPERATOR(pg_catalog.>>) 32, {seed})");
                return format!("pg_catalog.hashint8extended({name}, {upper})");
            }
            Some("integer") => ("hashint4extended", name),
            Some("smallint") => ("hashint2extended", name),
            _ => ("hashtextextended", super::text(&name)),
        };
        format!("pg_catalog.{function}({value}, {seed})")
    })
}
