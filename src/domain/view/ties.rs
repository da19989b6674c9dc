//! May the rows of a definition depend on the plan that it is run by?
//!
//! `DISTINCT ON` and `LIMIT` take one of several rows that their order does not tell apart, windows number them, some
//! aggregates join them as they come, and sums of floats round as they come. A REFRESH and a comparison should then be run
//! by the same plan, or rows that are true look changed. An aggregate of somebody's own is not known to depend on it.

use std::collections::BTreeSet;

use super::lexer::{clause, inside, tokens, unquoted};

/// A table, by its schema and name, and a column of it that tells its rows apart.
pub type Identity = (String, String, String);

/// Aggregates whose value depends on the order of the rows.
const ORDERED: [&str; 12] = [
    "any_value",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
    "json_arrayagg",
    "json_objectagg",
    "xmlagg",
    "mode",
    "over",
];

/// May it, where these columns tell rows apart?
pub(super) fn may_tie(query: &str, identities: &BTreeSet<Identity>) -> bool {
    let all = tokens(query);
    let takes_some = all.windows(2).any(|pair| pair == ["DISTINCT", "ON"])
        || all.iter().any(|t| ["LIMIT", "FETCH", "OFFSET"].contains(t));
    // From 16 on some come with _strict or _unique behind.
    let is_aggregate = |t: &str| ORDERED.iter().any(|known| t.to_lowercase().starts_with(known));
    let is_ordered = all.windows(2).any(|pair| is_aggregate(pair[0]) && inside(&pair[1]).is_some());
    let below = all.iter().enumerate().filter(|(place, _)| *place == 0 || all[place - 1] != "LATERAL");
    // A LATERAL query runs once a row, in no other way than before.
    is_ordered
        || takes_some && !is_total(&all, identities)
        || below.filter_map(|(_, token)| inside(token)).any(|inner| may_tie(inner, identities))
}

/// Is this a query of one table, in an order that tells all its rows apart?
fn is_total(query: &[&str], identities: &BTreeSet<Identity>) -> bool {
    let after = |word: &str| query.iter().position(|t| *t == word).map(|place| &query[place + 1..]);
    let (Some(from), Some(order)) = (after("FROM"), after("ORDER")) else { return false };
    let ([schema, ".", table] | [schema, ".", table, _]) = clause(from).0 else { return false };
    let is_identity = |name: &str| identities.contains(&(unquoted(schema), unquoted(table), unquoted(name)));
    let mut items = clause(order).0.split(|t| [",", "BY"].contains(t));
    items.any(|item| match item {
        [_, ".", name] | [_, ".", name, "DESC", ..] | [name] | [name, "DESC", ..] => is_identity(name),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ties(query: &str) -> bool {
        let identity = |table: &str, column: &str| ("app".to_string(), table.to_string(), column.to_string());
        may_tie(query, &[identity("m", "id"), identity("odd t", "No")].into())
    }

    #[test]
    fn what_takes_some_of_equal_rows_depends_on_the_plan() {
        for query in [
            "SELECT DISTINCT ON (m.conv) m.conv, m.id FROM app.m ORDER BY m.conv, m.at DESC",
            "SELECT DISTINCT ON (m.conv) m.conv, m.id FROM app.m",
            "SELECT m.id FROM app.m LIMIT 10",
            "SELECT m.id FROM app.m OFFSET 10",
            "SELECT JSON_ARRAYAGG(m.id RETURNING text) AS all FROM app.m",
            "SELECT m.conv, mode() WITHIN GROUP (ORDER BY m.body) AS usual FROM app.m GROUP BY m.conv",
            "SELECT m.conv, row_number() OVER (ORDER BY m.at) AS n FROM app.m",
            "SELECT m.conv, string_agg(m.body, ','::text) AS all FROM app.m GROUP BY m.conv",
            "SELECT p.id FROM (app.p LEFT JOIN ( SELECT DISTINCT ON (m.p) m.p, m.b FROM app.m ORDER BY m.p) x ON ((x.p = p.id)))",
            "SELECT DISTINCT ON (m.conv) m.conv FROM (app.m JOIN app.n ON ((m.id = n.m))) ORDER BY m.conv, m.id",
            "SELECT DISTINCT ON (t.a) t.a FROM app.t ORDER BY t.a, t.id",
            "SELECT DISTINCT ON (m.a) m.a FROM old.m ORDER BY m.a, m.id",
        ] {
            assert!(ties(query), "{query}");
        }
    }

    #[test]
    fn joins_counts_and_orders_that_tell_all_rows_apart_do_not() {
        for query in [
            "SELECT p.id, count(*) AS n FROM (app.p JOIN app.m ON ((m.p = p.id))) GROUP BY p.id",
            "SELECT DISTINCT m.conv FROM app.m",
            "SELECT m.mode, m.over FROM app.m",
            "SELECT DISTINCT ON (m.conv) m.conv, m.id FROM app.m ORDER BY m.conv, m.at DESC, m.id DESC",
            "SELECT DISTINCT ON (x.conv) x.conv FROM app.m x ORDER BY x.conv, x.id",
            "SELECT \"odd t\".a FROM app.\"odd t\" ORDER BY \"odd t\".\"No\" DESC NULLS LAST LIMIT 3",
            "SELECT p.id, x.b FROM (app.p LEFT JOIN LATERAL ( SELECT m.b FROM app.m ORDER BY m.at LIMIT 1) x ON (true))",
        ] {
            assert!(!ties(query), "{query}");
        }
    }
}
