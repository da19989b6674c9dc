//! The comparison of a view whose rows have a key: a full join of both sides.

use super::{Pairing, Sides, qualified, quote, text, texts};
use crate::domain::drift::Scope;
use crate::domain::view::View;

/// The join of both sides.
fn pairs(sides: &Sides) -> String {
    let on: Vec<String> = match sides.pairing {
        Pairing::KeyWithNulls => vec!["v.k OPERATOR(pg_catalog.=) d.k".into()],
        _ => sides.view.key.iter().enumerate().map(|(i, k)| format!("v.k{n} {} d.k{n}", k.equals, n = i + 1)).collect(),
    };
    format!("{} AS v\nFULL JOIN {} AS d ON {}", sides.stored(), sides.live(), on.join(" AND "))
}

/// How many keys in the view tell a row from all others: as many as rows stand in a flow that pairs each once.
fn identities(sides: &Sides) -> String {
    let count = match sides.pairing {
        Pairing::KeyWithNulls => format!("count(DISTINCT {})", sides.key()),
        _ => {
            let known = sides.view.key.iter().map(|k| format!("{} IS NOT NULL", quote(&k.name)));
            format!("count(*) FILTER (WHERE {})", known.collect::<Vec<_>>().join(" AND "))
        }
    };
    format!("(SELECT {count} FROM {})", qualified(&sides.view.name))
}

/// Has a row of the view no whole key? `NULL` keys are paired in another way ([`Pairing::KeyWithNulls`]).
pub fn null_keys(view: &View) -> String {
    let missing: Vec<String> = view.key.iter().map(|k| format!("{} IS NULL", quote(&k.name))).collect();
    format!("SELECT EXISTS (SELECT FROM {} WHERE {})", qualified(&view.name), missing.join(" OR "))
}

/// See [`super::flow`]. To count by presence, too, would be simpler to read, and a tenth dearer.
pub(super) fn flow(sides: &Sides) -> String {
    let by = |side: &str| sides.each(|i| format!("{side}.g{i}"));
    let groups = |side: &str| texts(&sides.each(|i| format!("{side}.g{i}::text")));
    let labels = match sides.named {
        true => format!("{} AS v_labels, ", texts(&sides.each(|i| format!("max(v.l{i})")))),
        false => String::new(),
    };
    let changed = match sides.scope {
        Scope::Groups => "0::int8",
        Scope::Values => "count(*) FILTER (WHERE v.r OPERATOR(pg_catalog.*<>) d.r)",
    };
    format!(
        "SELECT {} AS v_groups, {} AS d_groups, {labels}count(*) AS pairs, count(v.there) AS stored, \
         count(d.there) AS live, {changed} AS changed, {} AS identities\nFROM {}{}",
        groups("v"),
        groups("d"),
        identities(sides),
        pairs(sides),
        sides.group_by([by("v"), by("d")].concat()),
    )
}

/// See [`super::drifted`].
pub(super) fn drifted(sides: &Sides, one: bool) -> String {
    let side = |s: &str, c: &str| texts(&sides.each(|i| format!("{s}.{c}{i}::text")));
    let key = |s: &str| texts(&(1..=sides.view.key.len()).map(|i| text(&format!("{s}.k{i}"))).collect::<Vec<_>>());
    // Filtering each side before the join would show a reassigned row as gone for one and missing for the other.
    let is_mine = |s: &str| format!("{s}.there AND {s}.g1::text IS NOT DISTINCT FROM $1::text");
    let mine = if one { format!("({} OR {})", is_mine("v"), is_mine("d")) } else { "true".into() };
    let moved = sides.each(|i| format!("v.g{i} IS DISTINCT FROM d.g{i}")).join(" OR ");
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
    format!(
        "SELECT v.there IS NOT NULL AS v_there, d.there IS NOT NULL AS d_there, \
         {} AS v_groups, {} AS d_groups, {labels}, to_json(CASE WHEN d.there IS NULL THEN {v} WHEN v.there IS NULL THEN {d} WHEN {v} = {d} THEN {v} ELSE {v} || {d} END)::text AS key, \
         {total} AS total\n\
         FROM {}\n\
         WHERE {mine} AND (v.there IS NULL OR d.there IS NULL OR v.r OPERATOR(pg_catalog.*<>) d.r){order}\nLIMIT $2::int8",
        side("v", "g"),
        side("d", "g"),
        pairs(sides),
        v = key("v"),
        d = key("d"),
    )
}
