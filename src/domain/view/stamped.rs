//! Which output columns of a definition are nothing but the time at which it runs.
//!
//! now() is STABLE, so volatility does not find it, and the catalog keeps the parsed query in a form that changes with
//! every version. So the text that `pg_get_viewdef` writes is read: the list of each top-level SELECT, and, where a
//! column comes from a subquery or a WITH query, that one's list. What is not understood counts as no time at all.

use std::collections::BTreeMap;

use super::lexer::{SET_OPERATIONS, clause, inside, tokens, unquoted};

/// An output column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    name: String,
    /// Is its value the time at which the query runs, and nothing else?
    pub is_stamp: bool,
    /// Is that the very moment, not a day of it or the time of another zone?
    pub is_moment: bool,
}

/// The clocks that give a moment.
const MOMENTS: [&str; 5] =
    ["now()", "CURRENT_TIMESTAMP", "transaction_timestamp()", "statement_timestamp()", "clock_timestamp()"];

/// Functions and words that give the time of the transaction, the statement or the call.
const CLOCKS: [&str; 10] = [
    "now()",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "LOCALTIMESTAMP",
    "LOCALTIME",
    "transaction_timestamp()",
    "statement_timestamp()",
    "clock_timestamp()",
    "timeofday()",
];

/// PostgreSQL's own functions that give other values at each call; no catalog names those that a definition depends on.
const DICE: [&str; 6] = ["random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "nextval"];

/// Named queries whose columns another may read.
type Sources = BTreeMap<String, Vec<Output>>;

/// The output columns of a query; empty where it is none that can be read.
pub(super) fn outputs(query: &str) -> Vec<Output> {
    query_outputs(query, &Sources::new())
}

fn query_outputs(query: &str, outer: &Sources) -> Vec<Output> {
    let tokens = tokens(query);
    let mut sources = outer.clone();
    let start = match tokens.first() {
        Some(&"WITH") => tokens.iter().position(|t| matches!(*t, "SELECT" | "VALUES")).unwrap_or(tokens.len()),
        _ => 0,
    };
    with_queries(&tokens[..start], &mut sources);
    let mut branches = tokens[start..].split(|t| SET_OPERATIONS.contains(t));
    let first = branches.next().map_or(Vec::new(), |branch| branch_outputs(branch, &sources));
    branches.fold(first, |mut all, branch| {
        let outputs = branch_outputs(branch, &sources);
        for (place, output) in all.iter_mut().enumerate() {
            output.is_stamp &= outputs.get(place).is_some_and(|o| o.is_stamp);
            output.is_moment &= outputs.get(place).is_some_and(|o| o.is_moment);
        }
        all
    })
}

/// `name AS [NOT MATERIALIZED] (query)`, each seeing those before it.
fn with_queries(tokens: &[&str], sources: &mut Sources) {
    for (place, token) in tokens.iter().enumerate() {
        let Some(query) = subquery(token) else { continue };
        let head: Vec<&str> =
            tokens[..place].iter().copied().filter(|t| !matches!(*t, "NOT" | "MATERIALIZED")).collect();
        if let [.., name, "AS"] = head[..] {
            let outputs = query_outputs(query, sources);
            sources.insert(unquoted(name), outputs);
        }
    }
}

fn branch_outputs(branch: &[&str], sources: &Sources) -> Vec<Output> {
    match branch {
        ["ALL", branch @ ..] => branch_outputs(branch, sources),
        ["SELECT", "DISTINCT", "ON", _, list @ ..] | ["SELECT", "DISTINCT", list @ ..] | ["SELECT", list @ ..] => {
            let (items, rest) = clause(list);
            let mut read = Sources::new();
            if let ["FROM", from @ ..] = rest {
                read_from(clause(from).0, sources, &mut read);
            }
            items.split(|t| *t == ",").map(|item| output(item, &read)).collect()
        }
        [token, ..] => subquery(token).map(|query| query_outputs(query, sources)).unwrap_or_default(),
        [] => Vec::new(),
    }
}

/// The subqueries and WITH queries among the items of a FROM clause, by their aliases.
fn read_from(from: &[&str], known: &Sources, read: &mut Sources) {
    for (place, token) in from.iter().enumerate().filter(|(place, _)| !may_be_missing(from, *place)) {
        let (before, after) = (place.checked_sub(1).map(|p| from[p]), from.get(place + 1).copied());
        let alias = after.filter(|t| is_name(t));
        if let Some(query) = subquery(token) {
            if let Some(alias) = alias {
                read.insert(unquoted(alias), query_outputs(query, known));
            }
        } else if let (true, Some(inner)) = (before != Some("ON"), inside(token)) {
            read_from(&tokens(inner), known, read);
        } else if let (Some(outputs), true) = (known.get(&unquoted(token)), before != Some(".") && after != Some(".")) {
            read.insert(unquoted(alias.unwrap_or(token)), outputs.clone());
        }
    }
}

/// Is it on a side of an outer join that is NULL where there is no row?
fn may_be_missing(from: &[&str], place: usize) -> bool {
    let before = from[..place].strip_suffix(&["LATERAL"]).unwrap_or(&from[..place]);
    matches!(before, [.., "LEFT" | "FULL", "JOIN"]) || from[place..].iter().any(|t| ["RIGHT", "FULL"].contains(t))
}

fn output(item: &[&str], read: &Sources) -> Output {
    let (expression, name) = match item {
        [expression @ .., "AS", name] => (expression, *name),
        _ => (item, item.last().copied().unwrap_or_default()),
    };
    let column = |source: &Vec<Output>, name: &str| {
        let found = source.iter().find(|o| o.is_stamp && o.name == unquoted(name));
        found.map_or((false, false), |o| (o.is_stamp, o.is_moment))
    };
    let (is_stamp, is_moment) = match expression {
        [source, ".", name] => read.get(&unquoted(source)).map_or((false, false), |s| column(s, name)),
        // pg_get_viewdef leaves the source out only where there is one.
        [name] if is_name(name) && read.len() == 1 && !CLOCKS.contains(name) => {
            read.values().next().map_or((false, false), |s| column(s, name))
        }
        _ => (is_clock(expression), is_moment(expression)),
    };
    Output { name: unquoted(name), is_stamp, is_moment }
}

/// Is it the moment at which it runs, as it is?
fn is_moment(expression: &[&str]) -> bool {
    match expression {
        [moment @ .., ":", ":", "timestamp", "with", "time", "zone"] => is_moment(moment),
        [clock, precision] if inside(precision).is_some_and(|p| !p.is_empty()) => MOMENTS.contains(clock),
        [bracketed] if inside(bracketed).is_some() => is_moment(&tokens(inside(bracketed).unwrap_or_default())),
        _ => MOMENTS.contains(&&*expression.concat()),
    }
}

/// Is it the time at which it runs, in whatever type, time zone or brackets?
fn is_clock(expression: &[&str]) -> bool {
    if let Some(cast) = expression.windows(2).position(|pair| pair == [":", ":"]) {
        let is_type = |t: &&str| is_name(t) || inside(t).is_some();
        return expression[cast + 2..].iter().all(is_type) && is_clock(&expression[..cast]);
    }
    match expression {
        // As it is called, and as PostgreSQL 13 writes AT TIME ZONE.
        ["timezone", arguments] => {
            let arguments = tokens(inside(arguments).unwrap_or_default());
            arguments.iter().position(|t| *t == ",").is_some_and(|comma| is_clock(&arguments[comma + 1..]))
        }
        [clock, precision] if inside(precision).is_some_and(|p| !p.is_empty()) => CLOCKS.contains(clock),
        [bracketed] if inside(bracketed).is_some() => {
            let inner = tokens(inside(bracketed).unwrap_or_default());
            match inner.iter().position(|t| *t == "AT") {
                Some(at) if inner[at..].starts_with(&["AT", "TIME", "ZONE"]) => is_clock(&inner[..at]),
                _ => is_clock(&inner),
            }
        }
        _ => CLOCKS.contains(&&*expression.concat()),
    }
}

/// Does anything of a query but the outputs that are stamps read a clock? Then its rows change though nothing is written.
pub(super) fn reads_clock(query: &str, is_left_out: impl Fn(usize) -> bool) -> bool {
    let all = tokens(query);
    let start = all.iter().position(|t| *t == "SELECT").filter(|start| *start == 0 || all[0] == "WITH");
    let Some(start) = start else { return has_clock(&all) };
    let (with, list) = (&all[..start], &all[start + 1..]);
    let (items, rest) = clause(list);
    let mut read = items.split(|t| *t == ",").enumerate().filter(|(place, _)| !is_left_out(*place));
    read.any(|(_, item)| has_clock(item)) || has_clock(rest) || has_clock(with)
}

fn has_clock(tokens_of: &[&str]) -> bool {
    let is_call = |place: usize| CLOCKS.contains(&&*tokens_of[place..tokens_of.len().min(place + 2)].concat());
    tokens_of.iter().enumerate().any(|(place, token)| {
        let is_own = place == 0 || ![".", "AS"].contains(&tokens_of[place - 1]);
        let inner = inside(token).is_some_and(|inner| has_clock(&tokens(inner)));
        is_own && (CLOCKS.contains(token) || is_call(place)) || inner
    })
}

/// The functions of PostgreSQL's own that a query, or one of the views below it, calls and that give other values at each
/// call, clocks excepted.
pub fn volatile_calls(query: &str, below: &[String]) -> Vec<String> {
    let mut calls = Vec::new();
    find_calls(query, &mut calls);
    below.iter().for_each(|query| find_calls(query, &mut calls));
    calls
}

fn find_calls(query: &str, calls: &mut Vec<String>) {
    let tokens = tokens(query);
    for (place, token) in tokens.iter().enumerate() {
        if let Some(inner) = inside(token) {
            find_calls(inner, calls);
        }
        let is_call = tokens.get(place + 1).is_some_and(|next| inside(next).is_some());
        let is_own = place == 0 || tokens[place - 1] != ".";
        if is_call && is_own && DICE.contains(token) && !calls.iter().any(|c| c == token) {
            calls.push(token.to_string());
        }
    }
}

/// The query inside a bracketed token.
fn subquery<'a>(token: &&'a str) -> Option<&'a str> {
    let inner = inside(token)?;
    let is_query = match tokens(inner)[..] {
        ["SELECT" | "WITH" | "VALUES", ..] => true,
        [first] => subquery(&first).is_some(),
        [first, next, ..] => SET_OPERATIONS.contains(&next) && subquery(&first).is_some(),
        [] => false,
    };
    is_query.then_some(inner)
}

/// Is it an identifier, and none of the words that may follow an item of a FROM clause?
fn is_name(token: &str) -> bool {
    let joins = ["JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL", "ON", "USING", "AS", "TABLESAMPLE"];
    token.starts_with(|c: char| c == '"' || c == '_' || c.is_alphabetic()) && !joins.contains(&token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(query: &str) -> Vec<String> {
        outputs(query).into_iter().filter(|o| o.is_stamp).map(|o| o.name).collect()
    }

    #[test]
    fn the_time_of_the_refresh_is_found_under_any_name() {
        for clock in CLOCKS.iter().chain(&["CURRENT_TIMESTAMP(3)"]) {
            assert_eq!(stamps(&format!(" SELECT t.id,\n    {clock} AS \"al \"\"día\"\n   FROM t")), ["al \"día"]);
        }
        assert_eq!(stamps("SELECT DISTINCT ON (t.a) now() AS x, t.b FROM t ORDER BY t.a"), ["x"]);
        assert_eq!(stamps("SELECT now() AS now"), ["now"]);
    }

    #[test]
    fn a_clock_is_one_in_any_type_zone_or_brackets() {
        for clock in [
            "(now())::timestamp without time zone",
            "(now())::date",
            "CURRENT_DATE",
            "LOCALTIMESTAMP(0)",
            "(CURRENT_TIMESTAMP)::timestamp(3) without time zone",
            "(now() AT TIME ZONE 'UTC'::text)",
            "((statement_timestamp() AT TIME ZONE 'America/Mexico_City'::text))::date",
            "(now())::text",
            "timezone('UTC'::text, now())",
            "(timezone('America/Mexico_City'::text, statement_timestamp()))::date",
        ] {
            assert_eq!(stamps(&format!("SELECT t.id,\n    {clock} AS x\n   FROM t")), ["x"], "{clock}");
        }
    }

    #[test]
    fn a_day_or_the_time_of_another_zone_is_no_moment() {
        let moment = |clock: &str| outputs(&format!("SELECT s.x FROM ( SELECT {clock} AS x) s"))[0].is_moment;
        for clock in ["now()", "CURRENT_TIMESTAMP(3)", "((now()))::timestamp with time zone", "clock_timestamp()"] {
            assert!(moment(clock), "{clock}");
        }
        for clock in [
            "((now() AT TIME ZONE 'Asia/Tokyo'::text))::timestamp with time zone",
            "(CURRENT_DATE)::timestamp with time zone",
            "(now())::date",
            "timezone('UTC'::text, now())",
        ] {
            assert!(!moment(clock), "{clock}");
            assert_eq!(stamps(&format!("SELECT {clock} AS x")), ["x"], "{clock}");
        }
    }

    #[test]
    fn calls_that_give_other_values_are_found_wherever_they_stand() {
        let query = " SELECT t.id,\n    (t.k + (random() * (2)::double precision)) AS r,\n    ( SELECT gen_random_uuid() AS u)\n   FROM t";
        assert_eq!(volatile_calls(query, &[]), ["random", "gen_random_uuid"]);
        assert_eq!(volatile_calls("SELECT p.id FROM app.p", &[query.into()]), ["random", "gen_random_uuid"]);
        let quiet = " SELECT t.random, s.nextval(t.id) AS x, 'random()'::text AS y, now() AS z FROM t";
        assert_eq!(volatile_calls(quiet, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_clock_that_is_not_left_out_is_found_wherever_it_stands() {
        let reads = |query: &str| reads_clock(query, |place| place == 1);
        for query in [
            "SELECT t.id, now() AS at, (now() - '1 day'::interval) AS since FROM t",
            "SELECT COALESCE(t.seen, CURRENT_TIMESTAMP) AS seen, now() AS at FROM t",
            "SELECT t.id, now() AS at FROM t WHERE (t.at > (CURRENT_DATE - 7))",
            "SELECT s.x, s.y FROM ( SELECT now() AS x, t.y FROM t) s",
        ] {
            assert!(reads(query), "{query}");
        }
        for query in
            ["SELECT t.id, now() AS at, t.now, app.now() AS x, t.y AS \"now\" FROM t", "SELECT 'now()'::text AS a, 1"]
        {
            assert!(!reads(query), "{query}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_taken() {
        for query in [
            "SELECT t.now, t.\"now()\" AS x, t.seen AS y FROM t",
            "SELECT (now() - '01:00:00'::interval) AS x FROM t",
            "SELECT date_trunc('minute'::text, now()) AS x FROM t",
            "SELECT COALESCE(t.seen, now()) AS x FROM t",
            "SELECT ' SELECT now() AS x,\n    now() AS y,'::text AS z, t.x, t.y FROM t",
            "SELECT E'\\', now() AS x, '::text AS z FROM t",
            "SELECT app.now() AS x FROM t",
            "SELECT timezone('UTC'::text, t.seen) AS x, timezone(now()) AS y FROM t",
            "SELECT app.timezone('UTC'::text, now()) AS x FROM t",
            "SELECT t.ts FROM t, ( SELECT now() AS ts) s WHERE s.ts > t.ts",
            "SELECT t.id, s.ts FROM (t LEFT JOIN ( SELECT u.id, now() AS ts FROM u) s ON ((s.id = t.id)))",
            "SELECT t.id, s.ts FROM (t LEFT JOIN LATERAL ( SELECT now() AS ts FROM u) s ON (true))",
            "SELECT t.id, s.ts FROM (( SELECT now() AS ts) s RIGHT JOIN t ON (false))",
            "SELECT t.id, s.ts FROM ((a JOIN ( SELECT now() AS ts) s ON (true)) FULL JOIN t ON (false))",
            "WITH s AS ( SELECT now() AS ts) SELECT t.id, s.ts FROM (t LEFT JOIN s ON (false))",
            "SELECT t.id, (( SELECT now() AS x)) AS x FROM t",
            "SELECT t.ts FROM t UNION ALL SELECT now() AS ts",
            "SELECT now() AS ts UNION ALL ( SELECT t.ts FROM t LIMIT 1)",
            "VALUES (now())",
            "",
            "SELECT",
            "( ( '\" [",
        ] {
            assert_eq!(stamps(query), Vec::<String>::new(), "{query}");
        }
    }

    #[test]
    fn it_is_followed_through_subqueries_and_with_queries() {
        for query in [
            "SELECT s.id, s.ts FROM ( SELECT t.id, now() AS ts FROM t) s",
            "SELECT id, ts FROM ( SELECT t.id, now() AS ts FROM t) s",
            "SELECT b.id, s.ts FROM ((a LEFT JOIN b ON ((a.id = b.id))) JOIN ( SELECT now() AS ts) s ON (true))",
            "WITH c AS ( SELECT t.id, now() AS ts FROM t) SELECT c.id, c.ts FROM c",
            "WITH a AS NOT MATERIALIZED ( SELECT now() AS t), b AS ( SELECT a.t FROM a) SELECT x.t AS ts FROM b x",
            "( SELECT now() AS ts FROM t LIMIT 1) UNION ALL ( SELECT now() AS now FROM u)",
            "SELECT s.ts FROM ( SELECT now() AS ts UNION SELECT now() AS now) s",
        ] {
            assert_eq!(stamps(query), ["ts"], "{query}");
        }
    }
}
