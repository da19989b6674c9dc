//! The comparison of a view whose rows have a key: a full join of both sides.

use super::{EQUAL_AS_TEXT, Sides, qualified, text, texts, type_of};
use crate::domain::drift::{Pairing, Scope};
use crate::domain::view::KeyColumn;
use crate::pg::look::FENCE;

/// The join of both sides.
fn pairs(sides: &Sides) -> String {
    let on: Vec<String> = match sides.pairing {
        Pairing::KeyWithNulls => vec!["v.k OPERATOR(pg_catalog.=) d.k".into()],
        _ => sides.view.key.iter().enumerate().map(|(i, k)| format!("v.k{n} {} d.k{n}", k.equals, n = i + 1)).collect(),
    };
    let join = if sides.of_members { "RIGHT JOIN" } else { "FULL JOIN" };
    format!("{} AS v\n{join} {} AS d ON {}", sides.stored(), sides.live(), on.join(" AND "))
}

/// How many rows of the view its keys tell apart, if none holds a NULL.
fn identities(sides: &Sides) -> String {
    let count = match sides.pairing {
        Pairing::KeyWithNulls => format!("count(DISTINCT {})", sides.key()),
        _ => "count(*)".into(),
    };
    format!("(SELECT {count} FROM {})", qualified(&sides.view.name))
}

/// See [`super::flow`]. To count by presence, too, would be simpler to read, and a tenth dearer.
///
/// `OFFSET 0` keeps the pairs a subquery of their own: what is sorted by group is then only what is counted, not two whole
/// rows (245 MB at 300,000 rows), and the planner expects fewer groups.
pub(super) fn flow(sides: &Sides) -> String {
    let of = |name: &str| sides.each(|i| format!("{name}{i}"));
    let groups = |side: &str| texts(&sides.each(|i| format!("{side}g{i}::text")));
    let mut columns = vec!["v.there AS v_there, d.there AS d_there".to_string()];
    columns.extend(["v", "d"].iter().flat_map(|side| sides.each(|i| format!("{side}.g{i} AS {side}g{i}"))));
    let once = match sides.named {
        true => {
            columns.extend(sides.each(|i| format!("v.l{i}")));
            format!(
                "{} AS v_labels, {} AS identities, ",
                texts(&sides.each(|i| format!("max(l{i})"))),
                identities(sides)
            )
        }
        false => String::new(),
    };
    let changed = match sides.scope {
        Scope::Groups => "0::int8",
        Scope::Values => "count(*) FILTER (WHERE differs)",
    };
    let partial = match sides.pairing {
        Pairing::Key => {
            let keys = (1..=sides.view.key.len()).map(|i| format!("v.k{i} IS NULL"));
            columns.push(format!("v.there AND ({}) AS is_partial", keys.collect::<Vec<_>>().join(" OR ")));
            "count(*) FILTER (WHERE is_partial)"
        }
        _ => "0::int8",
    };
    if sides.scope == Scope::Values {
        columns.push("v.r OPERATOR(pg_catalog.*<>) d.r AS differs".into());
    }
    let summed = match sides.is_summed() {
        true => {
            columns.push("v.h AS v_h, d.h AS d_h".into());
            let version = super::version(sides.view);
            format!(", sum(v_h) FILTER (WHERE d_there)::text AS v_sum, sum(d_h)::text AS d_sum, {version}")
        }
        false => String::new(),
    };
    let keys = match sides.is_written_differently() {
        true => {
            let first = |side: &str| sides.each(|i| format!("min({}) AS {side}w{i}", text(&format!("{side}g{i}"))));
            [of("vg"), of("dg"), first("v"), first("d")].concat().join(", ")
        }
        false => format!("{} AS v_groups, {} AS d_groups", groups("v"), groups("d")),
    };
    let flow = format!(
        "SELECT {keys}, {once}count(*) AS pairs, count(v_there) AS stored, \
         count(d_there) AS live, {changed} AS changed, {partial} AS partial{summed}\nFROM (SELECT {}\nFROM {} OFFSET 0) AS pairs{}",
        columns.join(", "),
        pairs(sides),
        sides.group_by([of("vg"), of("dg")].concat()),
    );
    match sides.is_written_differently() {
        true => {
            sides.written_alike(&flow, &sides.flow_columns().iter().skip(2).map(|(name, _)| *name).collect::<Vec<_>>())
        }
        false => flow,
    }
}

/// See [`super::drifted`].
pub(super) fn drifted(sides: &Sides, one: bool) -> String {
    let side = |s: &str, c: &str| texts(&sides.each(|i| format!("{s}.{c}{i}::text")));
    // Filtering each side before the join would show a reassigned row as gone for one and missing for the other.
    let is_mine = |s: &str| format!("{s}.there AND {}", sides.is_written(1, &format!("{s}.g1"), "$1::text"));
    let mine = if one { format!("({} OR {})", is_mine("v"), is_mine("d")) } else { "true".into() };
    let same = |i: usize| sides.is_same(i, &format!("v.g{i}"), &format!("d.g{i}"));
    let moved = sides.each(|i| format!("NOT ({})", same(i))).join(" OR ");
    let moved = if moved.is_empty() { "false" } else { &moved };
    let (labels, total, order) = match sides.named {
        true => (
            format!("{} AS v_labels, {} AS d_labels", side("v", "l"), side("d", "l")),
            "count(*) OVER ()",
            format!(
                "\nORDER BY CASE WHEN v.there IS NULL THEN 2 WHEN d.there IS NULL THEN 3 WHEN {moved} THEN 1 ELSE 4 END"
            ),
        ),
        false => ("NULL::text[] AS v_labels, NULL::text[] AS d_labels".to_string(), "0::int8", String::new()),
    };
    // What is equal reads the same on both sides.
    let live = texts(&sides.each(|i| match sides.equals(i) {
        Some(_) => format!("CASE WHEN v.there AND d.there AND {} THEN v.g{i}::text ELSE d.g{i}::text END", same(i)),
        None => format!("d.g{i}::text"),
    }));
    let key = key(sides);
    format!(
        "SELECT v.there IS NOT NULL AS v_there, d.there IS NOT NULL AS d_there, \
         {} AS v_groups, {} AS d_groups, {labels}, to_json({key})::text AS key, \
         {total} AS total\n\
         FROM {}\n\
         WHERE {mine} AND (v.there IS NULL OR d.there IS NULL OR v.r OPERATOR(pg_catalog.*<>) d.r){order}\nLIMIT $2::int8",
        side("v", "g"),
        live,
        match sides.named {
            true => pairs(sides),
            // Rows in no order come as they are found, and once some are taken there is no second try.
            false => pairs(sides).replace(FENCE, "OFFSET 0"),
        },
    )
}

/// See [`super::beginning`].
pub(super) fn beginning(sides: &Sides) -> String {
    let is_in = |side: &'static str, group: usize| {
        sides.view.groups.iter().enumerate().map(move |(i, column)| {
            let cast = sides.type_of_group(column);
            let n = i + 1;
            sides.is_same(n, &format!("{side}.g{n}"), &format!("(${group}::text[])[{n}]::{cast}"))
        })
    };
    let filter: Vec<String> = is_in("v", 1).chain(is_in("d", 2)).chain(["v.there AND d.there".to_string()]).collect();
    format!(
        "SELECT to_json({})::text COLLATE pg_catalog.\"C\" AS key\nFROM {}\nWHERE {}\nORDER BY key\nLIMIT $3::int8",
        key(sides),
        pairs(sides),
        filter.join(" AND "),
    )
}

/// The key of a row as texts: the view's, and behind them the live ones where these look different.
fn key(sides: &Sides) -> String {
    let is_same = |k: &KeyColumn| type_of(sides.view, &k.name).is_some_and(|kind| EQUAL_AS_TEXT.contains(&kind));
    let places = 1..=sides.view.key.len();
    if sides.view.key.iter().all(is_same) {
        return texts(&places.map(|i| format!("coalesce(v.k{i}, d.k{i})::text")).collect::<Vec<_>>());
    }
    let [v, d] = ["v", "d"].map(|s| texts(&places.clone().map(|i| text(&format!("{s}.k{i}"))).collect::<Vec<_>>()));
    format!(
        "CASE WHEN d.there IS NULL THEN {v} WHEN v.there IS NULL THEN {d} WHEN {v} = {d} THEN {v} ELSE {v} || {d} END"
    )
}
