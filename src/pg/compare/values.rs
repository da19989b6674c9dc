//! The values of single rows, looked up by their key.

use super::{EQUAL_AS_TEXT, live, qualified, quote, texts, type_of};
use crate::domain::view::View;
use crate::pg::look::Query;

/// The values of rows by key ($1: what [`super::drifted`] gave as keys): `place` in $1 from 1, whether from the view
/// (`stored`), and the compared columns' values as texts (`row`).
///
/// A key is looked up by its text, so that any type can be one. Where the sides write it differently (1.0 and 1.00),
/// the key is the view's texts followed by the live ones.
pub fn values(view: &View) -> Query {
    let width = view.key.len();
    let sql = format!(
        "WITH w AS (SELECT place, to_json(key[:{width}])::text AS v, to_json(key[cardinality(key) - {width} + 1:])::text AS d\n\
         FROM unnest($1::text[]) WITH ORDINALITY AS wanted (json, place)\n\
         CROSS JOIN LATERAL (SELECT ARRAY(SELECT json_array_elements_text(wanted.json::json))) AS parts (key))\n\
         SELECT w.place, true AS stored, s.row FROM w JOIN {} AS s ON s.key = w.v\nUNION ALL\n\
         SELECT w.place, false AS stored, s.row FROM w JOIN {} AS s ON s.key = w.d",
        side(view, &qualified(&view.name)),
        side(view, &live(view)),
    );
    Query { sql, columns: vec![("place", "bigint"), ("stored", "boolean"), ("row", "text[]")] }
}

fn side(view: &View, from: &str) -> String {
    let as_texts =
        |names: Vec<&String>| texts(&names.iter().map(|n| format!("{}::text", quote(n))).collect::<Vec<_>>());
    format!(
        "(SELECT to_json({})::text AS key, {} AS row FROM {from}{})",
        as_texts(view.key.iter().map(|k| &k.name).collect()),
        as_texts(view.compared().map(|c| &c.name).collect()),
        narrowed(view),
    )
}

/// Looks only at rows whose first part of the key is wanted, by an index where there is one.
fn narrowed(view: &View) -> String {
    let first = view.key.first().and_then(|key| Some((quote(&key.name), type_of(view, &key.name)?)));
    match first.filter(|(_, kind)| EQUAL_AS_TEXT.contains(kind)) {
        None => String::new(),
        Some((name, kind)) => {
            // A row paired as a whole has no key, but its own text: "(1,a,…)".
            format!(
                "\nWHERE {name} = ANY (ARRAY(SELECT CASE WHEN first NOT LIKE '(%' THEN first::{kind} END \
                 FROM (SELECT w.v::json ->> 0 AS first FROM w) AS keys)) OR {name} IS NULL"
            )
        }
    }
}
