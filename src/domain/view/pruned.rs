//! The definition without the joins that a comparison of groups need not run.
//!
//! The planner leaves out a column that nobody asks for, and a LEFT JOIN whose other side is unique. It never leaves out
//! `LEFT JOIN LATERAL (… LIMIT 1) x ON true`, the usual way to fetch a preview, though that too keeps every row of its
//! left side exactly once. Where the incident's preview is fetched so, that is nine tenths of the price of counting by group.
//!
//! So it is taken out of the text that `pg_get_viewdef` writes, if nothing but columns that are not needed reads it.
//! What is not understood is left as it is: then the whole definition runs.

use super::lexer::{SET_OPERATIONS, clause, inside, tokens, unquoted};

/// A definition without some of its joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The query; a column that read a join that was taken out is NULL.
    pub query: String,
    /// The aliases of those joins.
    pub without: Vec<String>,
}

/// A part of the query and what to write in its place.
type Edit<'a> = (&'a str, String);

/// Functions that give one value for one row. Another might give several rows (`unnest`), and then the column counts.
const PLAIN: [&str; 14] = [
    "COALESCE",
    "NULLIF",
    "GREATEST",
    "LEAST",
    "\"left\"",
    "\"right\"",
    "lower",
    "upper",
    "btrim",
    "length",
    "concat",
    "substr",
    "date_trunc",
    "to_char",
];

/// What may stand behind a join that has no name.
const JOINS: [&str; 8] = ["LEFT", "RIGHT", "FULL", "INNER", "CROSS", "JOIN", "ON", ","];

/// The definition without the joins that only columns read which are not `needed`; `None`: there is none to leave out.
pub(super) fn pruned(query: &str, needed: &[bool]) -> Option<Pruned> {
    let all = tokens(query);
    let ["SELECT", list @ ..] = &all[..] else { return None };
    let is_simple = |t: &&str| !SET_OPERATIONS.contains(t) && !["DISTINCT", "GROUP", "HAVING", "WINDOW"].contains(t);
    let (items, rest) = clause(list);
    let ["FROM", from @ ..] = rest else { return None };
    let (from, tail) = clause(from);
    let items: Vec<&[&str]> = items.split(|t| *t == ",").collect();
    if !all.iter().all(is_simple) || items.len() != needed.len() || merges_columns(from) {
        return None;
    }
    let joins = single_row_joins(query, from);
    let mut edits: Vec<Edit> = Vec::new();
    let mut without = Vec::new();
    for (alias, join) in joins {
        let elsewhere = count(from, alias) - count(&tokens(join), alias) + count(tail, alias);
        let readers = || items.iter().zip(needed).filter(|(item, _)| count(item, alias) > 0);
        if elsewhere == 0 && readers().all(|(item, needed)| !needed && is_plain(item)) {
            // Brackets around a join must still hold one. The planner makes nothing of this.
            edits.push((join, format!("CROSS JOIN ( SELECT) {alias}")));
            edits.extend(readers().map(|(item, _)| (span(query, item), "NULL".into())));
            without.push(unquoted(alias));
        }
    }
    (!without.is_empty()).then(|| Pruned { query: edited(query, edits), without })
}

/// The joins of a FROM clause that keep each row of their left side exactly once: alias and text, from LEFT to the end.
fn single_row_joins<'a>(query: &'a str, from: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    for (place, token) in from.iter().enumerate() {
        let Some(inner) = inside(token) else { continue };
        let parts = tokens(inner);
        if parts.first() != Some(&"SELECT") {
            // What has a name is read by that, as a row or by names of its columns.
            if from.get(place + 1).is_none_or(|next| JOINS.contains(next)) {
                found.extend(single_row_joins(query, &parts));
            }
            continue;
        }
        let start = match &from[..place] {
            [.., "LEFT", "JOIN", "LATERAL"] => place - 3,
            [.., "LEFT", "JOIN"] => place - 2,
            _ => continue,
        };
        if let ([.., "LIMIT", "1"], [alias, "ON", "(true)" | "true", ..]) = (&parts[..], &from[place + 1..]) {
            found.push((*alias, span(query, &from[start..place + 4])));
        }
    }
    found
}

/// Does a join of a FROM clause merge columns, so that a column that is missing changes it?
fn merges_columns(from: &[&str]) -> bool {
    let is_query = |parts: &[&str]| parts.first() == Some(&"SELECT");
    let inner = from.iter().filter_map(|token| inside(token)).map(tokens);
    from.iter().any(|t| ["USING", "NATURAL"].contains(t)) || inner.filter(|p| !is_query(p)).any(|p| merges_columns(&p))
}

/// How often something reads a column of this alias.
fn count(tokens_of: &[&str], alias: &str) -> usize {
    let own = tokens_of.windows(2).filter(|pair| pair[0] == alias && pair[1] == ".").count();
    let deeper = tokens_of.iter().filter(|t| t.starts_with(['(', '['])).map(|token| {
        let inner = token.get(1..token.len() - 1).unwrap_or_default();
        count(&tokens(inner), alias)
    });
    own + deeper.sum::<usize>()
}

/// Does an output column give one value for one row, as far as can be seen?
fn is_plain(item: &[&str]) -> bool {
    let is_call = |pair: &[&str]| {
        let is_function = pair[0].starts_with('"') || pair[0].contains(char::is_lowercase);
        pair[1].starts_with('(') && (is_function || PLAIN.contains(&pair[0]))
    };
    let is_known = |place: usize| PLAIN.contains(&item[place]) && (place == 0 || item[place - 1] != ".");
    let calls = item.windows(2).enumerate().filter(|(_, pair)| is_call(pair)).map(|(place, _)| place);
    let deeper = item.iter().filter_map(|t| t.strip_prefix('(')?.strip_suffix(')'));
    calls.into_iter().all(is_known) && deeper.into_iter().all(|inner| is_plain(&tokens(inner)))
}

/// The text from the first to the last of these tokens of the query.
fn span<'a>(query: &'a str, part: &[&'a str]) -> &'a str {
    let offset = |token: &str| token.as_ptr() as usize - query.as_ptr() as usize;
    match part {
        [first, .., last] => &query[offset(first)..offset(last) + last.len()],
        [only] => only,
        [] => "",
    }
}

fn edited(query: &str, mut edits: Vec<Edit>) -> String {
    let offset = |part: &str| part.as_ptr() as usize - query.as_ptr() as usize;
    edits.sort_by_key(|(part, _)| offset(part));
    // A column may read two of the joins.
    edits.dedup_by_key(|(part, _)| offset(part));
    let mut text = String::new();
    let mut done = 0;
    for (part, instead) in edits {
        text += &query[done..offset(part)];
        text += &instead;
        done = offset(part) + part.len();
    }
    text + &query[done..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREVIEW: &str = "SELECT p.id,\n    p.who,\n    last.body AS preview\n   FROM (people p\n     LEFT JOIN LATERAL ( \
                           SELECT m.body\n           FROM messages m\n          WHERE (m.person = p.id)\n          ORDER BY \
                           m.at DESC\n         LIMIT 1) last ON (true))\n  WHERE (p.id > 0)";

    fn query(of: &str, needed: &[bool]) -> Option<String> {
        pruned(of, needed).map(|p| p.query.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_preview_that_nobody_asks_for_is_not_fetched() {
        let gone = "SELECT p.id, p.who, NULL FROM (people p CROSS JOIN ( SELECT) last) WHERE (p.id > 0)";
        assert_eq!(query(PREVIEW, &[true, true, false]).as_deref(), Some(gone));
        assert_eq!(pruned(PREVIEW, &[true, true, false]).unwrap().without, ["last"]);
        assert_eq!(
            query(
                &PREVIEW.replace("last.body AS", "\"left\"(COALESCE(last.body, ''::text), 80) AS"),
                &[true, true, false]
            )
            .as_deref(),
            Some(gone)
        );
    }

    #[test]
    fn a_join_that_is_read_or_may_change_the_rows_stays() {
        assert_eq!(query(PREVIEW, &[true, true, true]), None, "asked for");
        for (what, with) in [
            ("last.body AS preview", "unnest(last.body) AS preview"),
            ("last.body AS preview", "app.lower(last.body) AS preview"),
            ("(p.id > 0)", "((p.id > 0) AND (last.body IS NULL))"),
            ("WHERE (p.id > 0)", "ORDER BY last.body"),
            ("LIMIT 1", "LIMIT 2"),
            ("LIMIT 1", "OFFSET 1"),
            ("ON (true)", "ON ((last.body = p.who))"),
            ("LEFT JOIN LATERAL", "JOIN LATERAL"),
            ("SELECT p.id", "SELECT DISTINCT p.id"),
            ("WHERE (p.id > 0)", "GROUP BY p.id"),
            ("WHERE (p.id > 0)", "UNION ALL SELECT 1, 2, 3"),
        ] {
            assert!(PREVIEW.contains(what), "{what}");
            assert_eq!(query(&PREVIEW.replacen(what, with, 1), &[true, true, false]), None, "{with}");
        }
    }

    #[test]
    fn a_join_with_a_name_or_merged_columns_is_left_as_it_is() {
        let named = PREVIEW.replace("last ON (true))", "last ON (true)) j").replace("last.body", "j.body");
        let merged = PREVIEW.replace("last ON (true))", "last ON (true)) LEFT JOIN q USING (k)");
        let natural = PREVIEW.replace("FROM (people p", "FROM ((a NATURAL JOIN people) p");
        for query_of in [named.clone(), named.replace(") j", ") j(a, b)"), merged, natural] {
            assert_ne!(query_of, PREVIEW);
            assert_eq!(query(&query_of, &[true, true, false]), None, "{query_of}");
        }
    }

    #[test]
    fn a_join_that_another_reads_goes_only_with_it() {
        let second = "LIMIT 1) last ON (true)) LEFT JOIN LATERAL ( SELECT r.x FROM r WHERE (r.y = last.body) LIMIT 1) re ON (true))";
        let both = PREVIEW.replace("(people p", "((people p").replace("LIMIT 1) last ON (true))", second);
        assert_eq!(pruned(&both, &[true, true, false]).unwrap().without, ["re"]);
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for odd in ["", "SELECT", "VALUES (1)", "( SELECT 1)", "SELECT 1 FROM ( ( '\" ["] {
            assert_eq!(query(odd, &[false]), None, "{odd}");
        }
    }
}
