//! Builds the SQL that compares a view with its own definition: the flow of groups, the drifted rows, their values.
//!
//! Both sides are read in one statement. Rows are paired by a full join on the view's unique key, NULL equal to
//! NULL; a view without a usable key is compared as a multiset of whole rows, where nothing can be *moved* or
//! *changed*. Values are compared as their images (`*<>`), which is how REFRESH … CONCURRENTLY itself decides and
//! needs no equality operator of the type (json, xml and point have none).

use postgres_protocol::escape::escape_identifier as quote;

use crate::domain::drift::Scope;
use crate::domain::view::{View, ViewName};

/// A name as SQL: both parts quoted.
pub fn qualified(name: &ViewName) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// The two sides of a comparison as FROM items `v` and `d` with columns `there`, `k1…`, `g1…`, `l1…` and, where
/// values are compared, the record `r`.
struct Sides<'a> {
    view: &'a View,
    scope: Scope,
}

impl Sides<'_> {
    fn columns(&self) -> String {
        let numbered = |prefix: &'static str, names: Vec<String>| {
            names.into_iter().enumerate().map(move |(i, name)| format!("{name} AS {prefix}{}", i + 1))
        };
        let keys = self.view.key.iter().map(|c| quote(c)).collect();
        let groups = self.view.groups.iter().map(|g| format!("{}::text", quote(&g.column))).collect();
        let labels = self
            .view
            .groups
            .iter()
            .map(|g| g.label.as_ref().map_or("NULL::text".into(), |l| format!("{}::text", quote(l))))
            .collect();
        let mut columns = vec!["true AS there".to_string()];
        columns.extend(numbered("k", keys));
        columns.extend(numbered("g", groups));
        columns.extend(numbered("l", labels));
        let row = self.compared().join(", ");
        match (self.view.key.is_empty(), self.scope) {
            (true, _) => columns.push(format!("ROW({row})::text AS r")),
            (false, Scope::Values) => columns.push(format!("ROW({row}) AS r")),
            (false, Scope::Groups) => {}
        }
        columns.join(", ")
    }

    /// All columns but those that hold the time of the refresh.
    fn compared(&self) -> Vec<String> {
        let is_compared = |name: &&String| !self.view.refresh_columns.contains(name);
        self.view.columns.iter().map(|c| &c.name).filter(is_compared).map(|c| quote(c)).collect()
    }

    fn stored(&self) -> String {
        format!("(SELECT {} FROM {})", self.columns(), qualified(&self.view.name))
    }

    fn live(&self) -> String {
        format!("(SELECT {} FROM {})", self.columns(), definition(self.view, "live"))
    }

    fn on(&self) -> String {
        let pair = |i: usize| format!("ARRAY[v.k{i}] = ARRAY[d.k{i}]");
        (1..=self.view.key.len()).map(pair).collect::<Vec<_>>().join(" AND ")
    }

    fn list(&self, expression: impl Fn(usize) -> String) -> Vec<String> {
        (1..=self.view.groups.len()).map(expression).collect()
    }
}

/// The definition as a FROM item with the view's column names, so that duplicates or renames cannot confuse.
fn definition(view: &View, alias: &str) -> String {
    let names: Vec<String> = view.columns.iter().map(|c| quote(&c.name)).collect();
    format!("({}\n) AS {alias} ({})", view.definition, names.join(", "))
}

fn array(items: &[String]) -> String {
    format!("ARRAY[{}]::text[]", items.join(", "))
}

/// The flow: for each pair of groups `v_there, d_there, v_groups, v_labels, d_groups, d_labels, rows, changed`.
pub fn flow(view: &View, scope: Scope) -> String {
    let sides = Sides { view, scope };
    if view.key.is_empty() { multiset_flow(&sides) } else { keyed_flow(&sides) }
}

fn keyed_flow(sides: &Sides) -> String {
    let (stored, live, on) = (sides.stored(), sides.live(), sides.on());
    let by = |side: &str| sides.list(|i| format!("{side}.g{i}"));
    let labels = |side: &str| sides.list(|i| format!("max({side}.l{i})"));
    let changed = match sides.scope {
        Scope::Groups => "0::int8".to_string(),
        Scope::Values => "count(*) FILTER (WHERE v.r OPERATOR(pg_catalog.*<>) d.r)".to_string(),
    };
    let mut group_by = vec!["v.there".to_string(), "d.there".to_string()];
    group_by.extend(by("v"));
    group_by.extend(by("d"));
    format!(
        "SELECT v.there IS NOT NULL AS v_there, d.there IS NOT NULL AS d_there, \
         {vg} AS v_groups, {vl} AS v_labels, {dg} AS d_groups, {dl} AS d_labels, count(*) AS rows, {changed} AS changed\n\
         FROM {stored} AS v\nFULL JOIN {live} AS d ON {on}\nGROUP BY {group_by}",
        vg = array(&by("v")),
        vl = array(&labels("v")),
        dg = array(&by("d")),
        dl = array(&labels("d")),
        group_by = group_by.join(", "),
    )
}

/// How many times each distinct row stands on each side.
fn multiset(sides: &Sides) -> String {
    let groups = sides.list(|i| format!("g{i}"));
    let labels = sides.list(|i| format!("max(l{i}) AS l{i}"));
    let select: Vec<String> = groups.iter().cloned().chain(labels).collect();
    let comma = |items: &[String]| items.iter().map(|i| format!(", {i}")).collect::<String>();
    format!(
        "(SELECT r{}, count(*) FILTER (WHERE stored) AS nv, count(*) FILTER (WHERE NOT stored) AS nd\n\
         FROM (SELECT true AS stored, v.* FROM {} AS v UNION ALL SELECT false, d.* FROM {} AS d) AS both_sides\n\
         GROUP BY r{})",
        comma(&select),
        sides.stored(),
        sides.live(),
        comma(&groups),
    )
}

/// A matched pair, rows live only, rows in the view only.
const MULTISET_CASES: &str = "CROSS JOIN LATERAL (VALUES (true, true, least(m.nv, m.nd)), \
     (false, true, greatest(m.nd - m.nv, 0)), (true, false, greatest(m.nv - m.nd, 0))) AS x (v_there, d_there, n)\n\
     WHERE x.n > 0";

fn multiset_flow(sides: &Sides) -> String {
    let groups = sides.list(|i| format!("m.g{i}"));
    let labels = sides.list(|i| format!("max(m.l{i})"));
    let group_by: Vec<String> = ["x.v_there".into(), "x.d_there".into()].into_iter().chain(groups.clone()).collect();
    let (groups, labels) = (array(&groups), array(&labels));
    format!(
        "SELECT x.v_there, x.d_there, {groups} AS v_groups, {labels} AS v_labels, {groups} AS d_groups, \
         {labels} AS d_labels, sum(x.n)::int8 AS rows, 0::int8 AS changed\n\
         FROM {} AS m\n{MULTISET_CASES}\nGROUP BY {}",
        multiset(sides),
        group_by.join(", "),
    )
}

/// The drifted rows of one value of the first group column on **either** side ($1: the value; `one` false: all rows),
/// at most $2: `v_there, d_there, v_groups, v_labels, d_groups, d_labels, key, total`.
pub fn drifted(view: &View, one: bool) -> String {
    let sides = Sides { view, scope: Scope::Values };
    if view.key.is_empty() { multiset_drifted(&sides, one) } else { keyed_drifted(&sides, one) }
}

fn keyed_drifted(sides: &Sides, one: bool) -> String {
    let side = |s: &str, c: &str| array(&sides.list(|i| format!("{s}.{c}{i}")));
    let keys: Vec<String> =
        (1..=sides.view.key.len()).map(|i| format!("CASE WHEN v.there THEN v.k{i} ELSE d.k{i} END::text")).collect();
    // Filtering each side before the join would show a reassigned row as gone for one and missing for the other.
    let mine = if one {
        "(v.there AND v.g1 IS NOT DISTINCT FROM $1::text OR d.there AND d.g1 IS NOT DISTINCT FROM $1::text)"
    } else {
        "true"
    };
    let moved = sides.list(|i| format!("v.g{i} IS DISTINCT FROM d.g{i}"));
    let moved = if moved.is_empty() { "false".into() } else { moved.join(" OR ") };
    format!(
        "SELECT v.there IS NOT NULL AS v_there, d.there IS NOT NULL AS d_there, {} AS v_groups, {} AS v_labels, \
         {} AS d_groups, {} AS d_labels, to_json({})::text AS key, count(*) OVER () AS total\n\
         FROM {} AS v\nFULL JOIN {} AS d ON {}\n\
         WHERE {mine} AND (v.there IS NULL OR d.there IS NULL OR v.r OPERATOR(pg_catalog.*<>) d.r)\n\
         ORDER BY CASE WHEN v.there IS NULL THEN 2 WHEN d.there IS NULL THEN 3 WHEN {moved} THEN 1 ELSE 4 END, \
         v_labels, d_labels, key\nLIMIT $2::int8",
        side("v", "g"),
        side("v", "l"),
        side("d", "g"),
        side("d", "l"),
        array(&keys),
        sides.stored(),
        sides.live(),
        sides.on(),
    )
}

fn multiset_drifted(sides: &Sides, one: bool) -> String {
    let groups = array(&sides.list(|i| format!("m.g{i}")));
    let labels = array(&sides.list(|i| format!("m.l{i}")));
    let mine = if one { "m.g1 IS NOT DISTINCT FROM $1::text" } else { "true" };
    format!(
        "SELECT x.v_there, x.d_there, {groups} AS v_groups, {labels} AS v_labels, {groups} AS d_groups, \
         {labels} AS d_labels, to_json(ARRAY[m.r])::text AS key, count(*) OVER () AS total\n\
         FROM {} AS m\n{MULTISET_CASES} AND NOT (x.v_there AND x.d_there) AND {mine}\n\
         ORDER BY x.v_there, {labels}, key\nLIMIT $2::int8",
        multiset(sides),
    )
}

/// The values of rows by key ($1: JSON arrays of key texts), in that order: `key, in_view, live` as JSON.
pub fn values(view: &View) -> String {
    let stored = by_key(view, &format!("{} AS side", qualified(&view.name)));
    let live = by_key(view, &definition(view, "side"));
    format!(
        "SELECT w.key, v.row AS in_view, d.row AS live\n\
         FROM unnest($1::text[]) WITH ORDINALITY AS w (key, place)\n\
         LEFT JOIN {stored} AS v ON v.key = w.key\nLEFT JOIN {live} AS d ON d.key = w.key\nORDER BY w.place"
    )
}

/// One side's rows whose key columns are among the wanted ones. Each column is compared in its own type, so that
/// the planner can push the condition down to an index; the join on the whole key then picks the exact rows.
fn by_key(view: &View, side: &str) -> String {
    let texts: Vec<String> = view.key.iter().map(|c| format!("side.{}::text", quote(c))).collect();
    let wanted = view.key.iter().enumerate().map(|(i, name)| {
        let column = format!("side.{}", quote(name));
        let data_type = view.columns.iter().find(|c| c.name == *name).map_or("text", |c| &c.data_type);
        format!(
            "({column} = ANY (ARRAY(SELECT (w.key::json ->> {i})::{data_type} FROM unnest($1::text[]) AS w (key))) \
             OR {column} IS NULL)"
        )
    });
    let wanted: Vec<String> = wanted.collect();
    format!(
        "(SELECT to_json({})::text AS key, to_jsonb(side)::text AS row FROM {side} WHERE {})",
        array(&texts),
        wanted.join(" AND ")
    )
}
