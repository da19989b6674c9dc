//! Builds the SQL that compares a view with its own definition: the flow of groups, the drifted rows, their values.
//!
//! Both sides are read in one statement, each as a FROM item, `v` and `d`, with columns of our own names. How their
//! rows are told to be the same row is a [`Pairing`]: by the view's unique key as long as it is one, else as whole
//! rows. A unique index proves little: it lets NULLs stand several times, and the rows that are live now may break
//! it. So the flow also tells whether its pairing held, and if not the next one is tried.

mod keyed;
mod multiset;
mod sums;
mod values;

use postgres_protocol::escape::escape_identifier as quote;

pub use sums::{live_sums, sums};
pub use values::values;

use crate::domain::drift::{Pairing, Scope};
use crate::domain::view::{Column, GroupColumn, View, ViewName};
use crate::pg::look::{FENCE, Query};

/// A name as SQL: both parts quoted.
pub fn qualified(name: &ViewName) -> String {
    format!("{}.{}", quote(&name.schema), quote(&name.name))
}

/// The pairings to try for a view, in turn; `last` is what was seen to hold since its last refresh, if anything was: a key
/// that held a NULL then holds it still.
pub fn pairings(view: &View, last: Option<Pairing>) -> &'static [Pairing] {
    const ALL: &[Pairing] = &[Pairing::Key, Pairing::KeyWithNulls, Pairing::Rows];
    match last {
        _ if view.key.is_empty() => &ALL[2..],
        Some(Pairing::KeyWithNulls) => &ALL[1..],
        _ => ALL,
    }
}

/// The flow: for each pair of groups `v_groups, d_groups`, how many pairs of rows (`pairs`), how many of them are in the
/// view (`stored`) and live (`live`), how many are `changed`, and how many rows of the view have a key that holds a NULL and
/// pairs with nothing (`partial`). With all values and by key, where it costs next to nothing, the sums of the hashes of
/// their keys (`d_sum`: of those live, `v_sum`: of the view's that pair with them) and the view's `version`. And if `named`,
/// what only a refresh changes: the view's labels of `v_groups` as `v_labels`, and once more on every row how many rows its
/// keys tell apart (`identities`).
///
/// A pairing held if none is partial and rows of the view stand in the flow as often as it has identities: each was paired
/// at most once, by a key that tells it from all others.
pub fn flow(view: &View, pairing: Pairing, scope: Scope, named: bool) -> Query {
    let sides = Sides { pairing, named, ..Sides::of(view, scope) };
    let sql = if pairing == Pairing::Rows { multiset::flow(&sides) } else { keyed::flow(&sides) };
    Query { sql, columns: sides.flow_columns() }
}

/// The same, summed, by groups and by key, of those rows alone that are live with the members (values of the first group
/// column) $1, and if $2 with none. Rows of the view that pair with none of them are not in it.
pub fn flow_of_members(view: &View) -> Query {
    let sides = Sides { of_members: true, ..Sides::of(view, Scope::Groups) };
    Query { sql: keyed::flow(&sides), columns: sides.flow_columns() }
}

/// What live calls the groups that have one of the keys $1, $2, … in the group column of that place: `groups, labels`.
pub fn labels(view: &View) -> Query {
    let sides = Sides { named: true, ..Sides::of(view, Scope::Groups) };
    let sql = format!(
        "SELECT {} AS groups, {} AS labels\nFROM {} AS d\nWHERE {}\nGROUP BY {}",
        texts(&sides.each(|i| format!("d.g{i}::text"))),
        texts(&sides.each(|i| format!("max(d.l{i})"))),
        sides.live(),
        sides.each(|i| sides.is_any(&format!("d.g{i}"), i, &format!("${i}"))).join(" OR "),
        sides.each(|i| format!("d.g{i}")).join(", "),
    );
    Query { sql, columns: vec![("groups", "text[]"), ("labels", "text[]")] }
}

/// The drifted rows of one value of the first group column on **either** side ($1: the value; `one` false: all rows),
/// at most $2, by kind: `v_there, d_there, v_groups, v_labels, d_groups, d_labels, key, total`. Where all rows that can
/// differ `fit`, they come in any order, unnamed and uncounted.
pub fn drifted(view: &View, pairing: Pairing, one: bool, fit: bool) -> Query {
    let sides = Sides { pairing, named: !fit, ..Sides::of(view, Scope::Values) };
    let sql = if pairing == Pairing::Rows { multiset::drifted(&sides, one) } else { keyed::drifted(&sides, one) };
    let columns = vec![
        ("v_there", "boolean"),
        ("d_there", "boolean"),
        ("v_groups", "text[]"),
        ("d_groups", "text[]"),
        ("v_labels", "text[]"),
        ("d_labels", "text[]"),
        ("key", "text"),
        ("total", "bigint"),
    ];
    Query { sql, columns }
}

/// The keys, in the order of their JSON texts, of the first $3 rows that are in the group $1 in the view and in the group
/// $2 live (an array of the group columns' values each).
pub fn beginning(view: &View) -> Query {
    Query { sql: keyed::beginning(&Sides::of(view, Scope::Groups)), columns: vec![("key", "text")] }
}

/// The two sides of a comparison as FROM items with columns `there`, `g1…`, and, as it needs them, the labels `l1…`, the
/// key `k1…`, the key as one record `k`, the whole row `r`, and the key's hash `h`.
struct Sides<'a> {
    view: &'a View,
    pairing: Pairing,
    scope: Scope,
    named: bool,
    /// See [`flow_of_members`].
    of_members: bool,
}

impl<'a> Sides<'a> {
    /// By key, all rows, unnamed.
    fn of(view: &'a View, scope: Scope) -> Sides<'a> {
        Sides { view, pairing: Pairing::Key, scope, named: false, of_members: false }
    }

    fn columns(&self) -> String {
        let mut columns = vec!["true AS there".to_string()];
        columns.extend(self.groups().chain(self.labels()));
        if self.pairing == Pairing::Rows {
            columns.push(format!("{} AS r", text(&row(self.view.compared().map(|c| quote(&c.name))))));
            return columns.join(", ");
        }
        columns.extend(numbered("k", self.view.key.iter().map(|k| quote(&k.name))));
        if self.pairing == Pairing::KeyWithNulls {
            columns.push(format!("{} AS k", self.key()));
        }
        if self.scope == Scope::Values {
            columns.push(format!("{} AS r", row(self.view.compared().map(image))));
        }
        if self.is_summed() {
            columns.push(format!("{} AS h", sums::hash(self.view)));
        }
        columns.join(", ")
    }

    /// The columns of a flow, in the order of its statement.
    fn flow_columns(&self) -> Vec<(&'static str, &'static str)> {
        let mut columns = vec![("v_groups", "text[]"), ("d_groups", "text[]")];
        if self.named {
            columns.extend([("v_labels", "text[]"), ("identities", "bigint")]);
        }
        columns.extend(["pairs", "stored", "live", "changed", "partial"].map(|name| (name, "bigint")));
        if self.is_summed() {
            columns.extend([("v_sum", "text"), ("d_sum", "text"), ("version", "bigint")]);
        }
        columns
    }

    /// Does the flow sum the keys of each group as well?
    fn is_summed(&self) -> bool {
        self.of_members || self.scope == Scope::Values && self.pairing == Pairing::Key
    }

    /// The group columns as `g1…`.
    fn groups(&self) -> impl Iterator<Item = String> {
        numbered("g", self.view.groups.iter().map(|g| self.group(g)))
    }

    /// Their labels as `l1…`, if they are named.
    fn labels(&self) -> impl Iterator<Item = String> {
        numbered("l", self.view.groups.iter().filter(|_| self.named).map(label))
    }

    /// The clause that groups by these expressions, if there are any.
    fn group_by(&self, expressions: Vec<String>) -> String {
        if expressions.is_empty() { String::new() } else { format!("\nGROUP BY {}", expressions.join(", ")) }
    }

    /// A group's value to count by: as it is where that gives the same groups as its text, for it is far cheaper, and where its
    /// type takes for equal what is written differently.
    fn group(&self, group: &GroupColumn) -> String {
        match self.type_of_group(group) {
            "text" => text(&quote(&group.column)),
            _ => quote(&group.column),
        }
    }

    /// The type by which its values are told apart.
    fn type_of_group(&self, group: &GroupColumn) -> &str {
        let own = type_of(self.view, &group.column);
        own.filter(|t| EQUAL_AS_TEXT.contains(t) || equality(self.view, &group.column).is_some()).unwrap_or("text")
    }

    /// The equality of the i-th group column's type, where equal values may be written differently.
    fn equals(&self, place: usize) -> Option<&str> {
        equality(self.view, &self.view.groups.get(place - 1)?.column)
    }

    /// Are two values of the i-th group column the same, NULL being the same as NULL?
    fn is_same(&self, place: usize, one: &str, other: &str) -> String {
        match self.equals(place) {
            Some(equals) => format!("coalesce({one} {equals} {other}, {one} IS NULL AND {other} IS NULL)"),
            None => format!("{one} IS NOT DISTINCT FROM {other}"),
        }
    }

    /// Is a value of the i-th group column the one that this text, an expression, is of?
    fn is_written(&self, place: usize, value: &str, written: &str) -> String {
        match (self.equals(place), self.view.groups.get(place - 1)) {
            (Some(_), Some(group)) => {
                self.is_same(place, value, &format!("({written})::{}", self.type_of_group(group)))
            }
            _ => format!("{value}::text IS NOT DISTINCT FROM {written}"),
        }
    }

    /// Is a value of the i-th group column one of those whose texts an array holds?
    fn is_any(&self, value: &str, place: usize, array: &str) -> String {
        match (self.equals(place), self.view.groups.get(place - 1)) {
            (Some(equals), Some(group)) => {
                format!("{value} {equals} ANY (({array}::text[])::{}[])", self.type_of_group(group))
            }
            _ => format!("{value}::text = ANY ({array}::text[])"),
        }
    }

    /// Each group's value on one side as its text: of those that are equal but written differently, one text for all, the view's if it has one. `flow` has
    /// the values as `vg1…` and `dg1…`, the first of their texts as `vw1…` and `dw1…`; what it calls `rest` is taken over.
    fn written_alike(&self, flow: &str, rest: &[&str]) -> String {
        let differs = |i: &usize| self.equals(*i).is_some();
        let places: Vec<usize> = (1..=self.view.groups.len()).collect();
        let texts_of = places.iter().copied().filter(differs).map(|i| {
            format!(
                ", t{i} AS (SELECT g, coalesce(min(w) FILTER (WHERE stored), min(w)) AS t FROM (SELECT vg{i} AS g, vw{i} AS w, true AS stored \
                 FROM flow UNION ALL SELECT dg{i}, dw{i}, false FROM flow) AS both_sides GROUP BY g)",
            )
        });
        let joined = |side: &str| {
            let join = |i: usize| {
                let equals = self.equals(i)?;
                Some(format!("\nLEFT JOIN t{i} AS {side}{i} ON {side}{i}.g {equals} flow.{side}g{i}"))
            };
            places.iter().filter_map(|i| join(*i)).collect::<String>()
        };
        let groups = |side: &str| {
            texts(&self.each(|i| match self.equals(i) {
                Some(_) => format!("{side}{i}.t"),
                None => format!("flow.{side}g{i}::text"),
            }))
        };
        format!(
            "WITH flow AS ({flow}){}\nSELECT {} AS v_groups, {} AS d_groups, {}\nFROM flow{}{}",
            texts_of.collect::<String>(),
            groups("v"),
            groups("d"),
            rest.join(", "),
            joined("v"),
            joined("d"),
        )
    }

    /// May some group's equal values be written differently?
    fn is_written_differently(&self) -> bool {
        (1..=self.view.groups.len()).any(|i| self.equals(i).is_some())
    }

    fn key(&self) -> String {
        row(self.view.key.iter().map(|k| quote(&k.name)))
    }

    fn stored(&self) -> String {
        format!("(SELECT {} FROM {})", self.columns(), qualified(&self.view.name))
    }

    fn live(&self) -> String {
        let wanted = match self.view.groups.first().filter(|_| self.of_members) {
            Some(group) => {
                let (member, kind) = (self.group(group), self.type_of_group(group));
                format!("\nWHERE {member} = ANY ($1::{kind}[]) OR $2::bool AND {member} IS NULL")
            }
            None => String::new(),
        };
        format!("(SELECT {} FROM {}{wanted})", self.columns(), self.definition())
    }

    /// The definition as a FROM item, as much of it as the comparison needs.
    fn definition(&self) -> String {
        let looks_at_all = self.scope == Scope::Values || self.pairing == Pairing::Rows;
        let pruned = if looks_at_all { None } else { self.view.pruned() };
        apart(self.view, pruned.as_ref().map_or(&*self.view.definition, |pruned| &pruned.query))
    }

    /// An expression for each group column, by its number.
    fn each(&self, expression: impl Fn(usize) -> String) -> Vec<String> {
        (1..=self.view.groups.len()).map(expression).collect()
    }
}

/// Types of which two values are equal exactly when their texts are.
const EQUAL_AS_TEXT: [&str; 5] = ["uuid", "bigint", "integer", "smallint", "boolean"];

fn equality<'a>(view: &'a View, column: &str) -> Option<&'a str> {
    view.columns.iter().find(|c| c.name == column)?.equals.as_deref()
}

fn type_of<'a>(view: &'a View, column: &str) -> Option<&'a str> {
    view.columns.iter().find(|c| c.name == column).map(|c| c.data_type.as_str())
}

/// What another refresh makes another: the transaction that wrote the view's catalog row last, of this life of this server.
fn version(view: &View) -> String {
    format!(
        "(SELECT pg_catalog.hashint8extended(c.xmin::text::int8, \
         extract(epoch FROM pg_catalog.pg_postmaster_start_time())::int8) \
         FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) {}) AS version",
        view.oid.0
    )
}

fn label(group: &GroupColumn) -> String {
    text(&group.label.as_ref().map_or("NULL".into(), |l| quote(l)))
}

/// A column's value to compare byte by byte, as REFRESH … CONCURRENTLY does: the cheapest way, and one that needs no
/// equality of the type (json, xml and point have none) and sees what an equality may not (1.0 and 1.00, -0 and 0).
fn image(column: &Column) -> String {
    // A whole row of a table keeps its tuple header, where hint bits change without the row changing.
    let name = quote(&column.name);
    if column.is_composite { text(&row([name])) } else { name }
}

/// As text that compares byte by byte, whatever collation the column has.
fn text(expression: &str) -> String {
    format!("{expression}::text COLLATE pg_catalog.\"C\"")
}

fn row(columns: impl IntoIterator<Item = String>) -> String {
    format!("ROW({})", columns.into_iter().collect::<Vec<_>>().join(", "))
}

fn numbered<'a>(prefix: &'a str, expressions: impl Iterator<Item = String> + 'a) -> impl Iterator<Item = String> + 'a {
    expressions.enumerate().map(move |(i, e)| format!("{e} AS {prefix}{}", i + 1))
}

fn texts(items: &[String]) -> String {
    format!("ARRAY[{}]::text[]", items.join(", "))
}

/// The definition as a FROM item with the view's column names, so that duplicates or renames cannot confuse.
pub fn definition(view: &View) -> String {
    from_item(view, &view.definition)
}

/// The definition as a FROM item that [`ViewLook`](crate::pg::look::ViewLook) plans apart where that is needed.
pub fn live(view: &View) -> String {
    apart(view, &view.definition)
}

fn apart(view: &View, query: &str) -> String {
    from_item(view, &format!("SELECT * FROM ({query}\n) AS given {FENCE}"))
}

fn from_item(view: &View, query: &str) -> String {
    let names: Vec<String> = view.columns.iter().map(|c| quote(&c.name)).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    format!("({query}\n) AS live{names}")
}
