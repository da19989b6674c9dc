//! The comparison of a view whose rows have no key: how many times each whole row stands on each side.

use super::{Sides, texts};

/// Each distinct row with its groups and labels, and how often it is in the view (`nv`) and live (`nd`).
fn counted(sides: &Sides) -> String {
    let comma = |items: Vec<String>| items.iter().map(|i| format!(", {i}")).collect::<String>();
    format!(
        "(SELECT r{groups}{labels}, count(*) FILTER (WHERE stored) AS nv, count(*) FILTER (WHERE NOT stored) AS nd\n\
         FROM (SELECT true AS stored, v.* FROM {} AS v UNION ALL SELECT false, d.* FROM {} AS d) AS both_sides\n\
         GROUP BY r{groups})",
        sides.stored(),
        sides.live(),
        groups = comma(sides.each(|i| format!("g{i}"))),
        labels = if sides.named { comma(sides.each(|i| format!("max(l{i}) AS l{i}"))) } else { String::new() },
    )
}

/// The `n` rows that are on both sides, live only, and in the view only.
const CASES: &str = "(VALUES (true, true, least(m.nv, m.nd)), (false, true, m.nd - m.nv), (true, false, m.nv - m.nd)) \
                     AS x (v_there, d_there, n)";

fn groups(sides: &Sides) -> String {
    texts(&sides.each(|i| format!("m.g{i}::text")))
}

/// See [`super::flow`].
pub(super) fn flow(sides: &Sides) -> String {
    let groups = groups(sides);
    let labels = match sides.named {
        true => format!("{} AS v_labels, 0::int8 AS identities, ", texts(&sides.each(|i| format!("max(m.l{i})")))),
        false => String::new(),
    };
    format!(
        "SELECT {groups} AS v_groups, {groups} AS d_groups, {labels}coalesce(sum(greatest(m.nv, m.nd)), 0)::int8 AS pairs, \
         coalesce(sum(m.nv), 0)::int8 AS stored, coalesce(sum(m.nd), 0)::int8 AS live, 0::int8 AS changed, 0::int8 AS partial\nFROM {} AS m{}",
        counted(sides),
        sides.group_by(sides.each(|i| format!("m.g{i}"))),
    )
}

/// See [`super::drifted`].
pub(super) fn drifted(sides: &Sides, one: bool) -> String {
    let groups = groups(sides);
    let labels = if sides.named { texts(&sides.each(|i| format!("m.l{i}"))) } else { "NULL::text[]".into() };
    let (total, order) = if sides.named { ("count(*) OVER ()", "\nORDER BY x.v_there") } else { ("0::int8", "") };
    let mine = if one { sides.is_written(1, "m.g1", "$1::text") } else { "true".into() };
    format!(
        "SELECT x.v_there, x.d_there, {groups} AS v_groups, {groups} AS d_groups, {labels} AS v_labels, \
         {labels} AS d_labels, to_json(ARRAY[m.r])::text AS key, {total} AS total\n\
         FROM {} AS m\nCROSS JOIN LATERAL {CASES}\nCROSS JOIN LATERAL generate_series(1, x.n)\n\
         WHERE NOT (x.v_there AND x.d_there) AND {mine}{order}\nLIMIT $2::int8",
        counted(sides),
    )
}
