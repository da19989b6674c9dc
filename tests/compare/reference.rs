//! The plain reading: both sides copied into tables, read whole, and paired here, in Rust, by maps of texts. It shares
//! no SQL with the program.

use std::collections::{BTreeMap, BTreeSet};

use mvtop::domain::drift::{Drift, Kind, Totals};
use mvtop::domain::groups::GroupId;
use mvtop::domain::snapshot::{DriftRow, DrillIndex, RowDetail};
use mvtop::domain::view::View;
use tokio_postgres::Client;

/// Values as texts; `None` is NULL.
pub type Texts = Vec<Option<String>>;
/// A group in the view and a group live.
pub type Pair = (Option<Texts>, Option<Texts>);
/// A drifted row: how, from where to where, and the key it is shown with.
pub type Drifted = (Kind, Pair, Texts);

#[derive(Clone, Debug)]
struct Row {
    /// What it is paired by, written so that equal keys have equal texts.
    identity: Texts,
    key: Texts,
    group: Texts,
    values: Texts,
    whole: String,
}

/// A group's value as an expression: where equal values are written differently, all as the view writes them, if it does.
fn written_alike(view: &View, quoted: &str, column: &str, is_keyed: bool) -> String {
    if !is_keyed || !view.is_written_differently(column) {
        return quoted.to_string();
    }
    let spelled = |table: &str| {
        format!("(SELECT min({quoted}::text COLLATE \"C\") FROM {table} AS s WHERE s.{quoted} = t.{quoted})")
    };
    format!("coalesce({}, {})", spelled("copy_view"), spelled("copy_live"))
}

/// Both sides' rows, all of them.
#[derive(Debug)]
pub struct Sides {
    columns: Vec<String>,
    view: Vec<Row>,
    live: Vec<Row>,
    keyed: bool,
}

impl Sides {
    /// Reads them. `key`: expressions whose texts are equal where keys are; none: whole rows are compared.
    pub async fn read(client: &Client, view: &View, key: &[&str]) -> Sides {
        let quote = postgres_protocol::escape::escape_identifier;
        let from = mvtop::pg::compare::qualified(&view.name);
        let all: Vec<String> = view.columns.iter().map(|c| quote(&c.name)).collect();
        let columns: Vec<String> =
            view.columns.iter().map(|c| c.name.clone()).filter(|c| !view.refresh_columns.contains(c)).collect();
        let as_texts = |items: Vec<String>| {
            let casts: Vec<String> = items.iter().map(|i| format!("({i})::text")).collect();
            format!("ARRAY[{}]::text[]", casts.join(", "))
        };
        let definition: String =
            client.query_one("SELECT pg_get_viewdef($1::text::regclass)", &[&from]).await.unwrap().get(0);
        let names = if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) };
        let copies =
            format!("CREATE TEMP TABLE copy_view AS TABLE {from}; CREATE TEMP TABLE copy_live {names} AS {definition}");
        client.batch_execute(&copies).await.unwrap();
        let mut sides = Vec::new();
        for table in ["copy_view", "copy_live"] {
            let quoted: Vec<String> = columns.iter().map(|c| quote(c)).collect();
            let sql = format!(
                "SELECT {}, {}, {}, {}, ROW({})::text FROM {table} AS t",
                as_texts(key.iter().map(|k| k.to_string()).collect()),
                as_texts(if key.is_empty() { vec![] } else { view.key.iter().map(|k| quote(&k.name)).collect() }),
                as_texts(
                    view.groups
                        .iter()
                        .map(|g| written_alike(view, &quote(&g.column), &g.column, !key.is_empty()))
                        .collect()
                ),
                as_texts(quoted.clone()),
                quoted.join(", "),
            );
            let rows = client.query(&sql, &[]).await.unwrap();
            let row = |r: &tokio_postgres::Row| Row {
                identity: r.get(0),
                key: r.get(1),
                group: r.get(2),
                values: r.get(3),
                whole: r.get(4),
            };
            sides.push(rows.iter().map(row).collect::<Vec<_>>());
        }
        client.batch_execute("DROP TABLE copy_view, copy_live").await.unwrap();
        let (live, view_rows) = (sides.pop().unwrap(), sides.pop().unwrap());
        let keyed = !key.is_empty() && is_key(&view_rows, &live);
        Sides { columns, view: view_rows, live, keyed }
    }

    /// Does the key tell the rows apart, NULL being a value like others?
    pub fn are_keyed(&self) -> bool {
        self.keyed
    }

    /// Every row of the view with its counterpart live, and every row live without one.
    fn paired(&self) -> Vec<(Option<&Row>, Option<&Row>)> {
        let mut waiting: BTreeMap<Texts, Vec<&Row>> = BTreeMap::new();
        let identity = |r: &Row| if self.keyed { r.identity.clone() } else { vec![Some(r.whole.clone())] };
        for row in &self.live {
            waiting.entry(identity(row)).or_default().push(row);
        }
        let of_view = self.view.iter().map(|row| (Some(row), waiting.get_mut(&identity(row)).and_then(Vec::pop)));
        let mut pairs: Vec<_> = of_view.collect();
        pairs.extend(waiting.into_values().flatten().map(|row| (None, Some(row))));
        pairs
    }

    /// For each pair of groups, how many rows, and how many of them differ.
    pub fn flow(&self) -> BTreeMap<Pair, (u64, u64)> {
        let mut flow = BTreeMap::new();
        for (v, d) in self.paired() {
            let count: &mut (u64, u64) =
                flow.entry((v.map(|r| r.group.clone()), d.map(|r| r.group.clone()))).or_default();
            count.0 += 1;
            count.1 += u64::from(matches!((v, d), (Some(v), Some(d)) if v.whole != d.whole));
        }
        flow
    }

    pub fn totals(&self) -> Totals {
        let kinds: Vec<Kind> = self.paired().into_iter().filter_map(kind).collect();
        let count = |kind| kinds.iter().filter(|k| **k == kind).count() as u64;
        Totals {
            view: self.view.len() as u64,
            live: self.live.len() as u64,
            missing: count(Kind::Missing),
            gone: count(Kind::Gone),
            moved: count(Kind::Moved),
            changed: Some(count(Kind::Changed)),
            unkeyed: !self.keyed,
        }
    }

    /// The values of the first group column on either side.
    pub fn members(&self) -> BTreeSet<Option<String>> {
        self.view.iter().chain(&self.live).filter_map(|r| r.group.first().cloned()).collect()
    }

    /// The drifted rows that are the member's on either side, in order.
    pub fn drifted(&self, member: Option<&Option<String>>) -> Vec<Drifted> {
        let is_mine = |r: Option<&Row>| r.is_some_and(|r| member.is_none_or(|m| r.group.first() == Some(m)));
        let mut rows: Vec<Drifted> = self
            .paired()
            .into_iter()
            .filter(|(v, d)| is_mine(*v) || is_mine(*d))
            .filter_map(|(v, d)| {
                let pair = (v.map(|r| r.group.clone()), d.map(|r| r.group.clone()));
                Some((kind((v, d))?, pair, self.shown_key(v, d)))
            })
            .collect();
        rows.sort();
        rows
    }

    fn shown_key(&self, v: Option<&Row>, d: Option<&Row>) -> Texts {
        if !self.keyed {
            return vec![v.or(d).map(|r| r.whole.clone())];
        }
        match (v, d) {
            (Some(v), Some(d)) if v.key != d.key => [v.key.clone(), d.key.clone()].concat(),
            _ => v.or(d).map(|r| r.key.clone()).unwrap(),
        }
    }

    /// The values the drill must show for a row.
    pub fn detail(&self, row: &DriftRow) -> RowDetail {
        let key: Texts = serde_json::from_str(&row.key).unwrap();
        if !self.keyed {
            return RowDetail::default();
        }
        let width = self.view.first().or(self.live.first()).unwrap().key.len();
        let values = |rows: &[Row], key: &[Option<String>]| {
            // Several live rows may have one key that is new to the view: any of them.
            let found = rows.iter().rfind(|r| r.key == key)?;
            let values = found.values.iter().cloned().map(serde_json::Value::from);
            Some(self.columns.iter().cloned().zip(values).collect())
        };
        RowDetail { view: values(&self.view, &key[..width]), live: values(&self.live, &key[key.len() - width..]) }
    }
}

/// A row of the view has one counterpart at most, and is one row's counterpart at most.
fn is_key(view: &[Row], live: &[Row]) -> bool {
    let known: BTreeSet<&Texts> = view.iter().map(|r| &r.identity).collect();
    let paired: Vec<&Texts> = live.iter().map(|r| &r.identity).filter(|i| known.contains(i)).collect();
    known.len() == view.len() && paired.iter().collect::<BTreeSet<_>>().len() == paired.len()
}

fn kind(pair: (Option<&Row>, Option<&Row>)) -> Option<Kind> {
    match pair {
        (None, _) => Some(Kind::Missing),
        (_, None) => Some(Kind::Gone),
        (Some(v), Some(d)) if v.group != d.group => Some(Kind::Moved),
        (Some(v), Some(d)) => (v.whole != d.whole).then_some(Kind::Changed),
    }
}

/// The program's flow with the groups by their values.
pub fn named(drift: &Drift) -> BTreeMap<Pair, (u64, u64)> {
    let keys = |id: Option<GroupId>| id.map(|id| texts(drift.group(id).keys()));
    let flow: BTreeMap<Pair, (u64, u64)> =
        drift.flow.iter().map(|f| ((keys(f.from), keys(f.to)), (f.rows, f.changed))).collect();
    assert_eq!(flow.len(), drift.flow.len(), "a pair of groups stands twice in the flow");
    flow
}

/// The same without what only a comparison of values sees.
pub fn pairs(drift: &Drift) -> BTreeMap<Pair, u64> {
    named(drift).into_iter().map(|(pair, (rows, _))| (pair, rows)).collect()
}

/// The program's list of rows in the reference's words.
pub fn listed(index: &DrillIndex) -> Vec<Drifted> {
    let mut rows = in_order(index);
    rows.sort();
    rows
}

/// The same as it is shown.
pub fn in_order(index: &DrillIndex) -> Vec<Drifted> {
    let keys = |id: Option<GroupId>| id.map(|id| texts(index.group(id).keys()));
    let row = |r: &DriftRow| (r.kind, (keys(r.from), keys(r.to)), serde_json::from_str(&r.key).unwrap());
    index.rows.iter().map(row).collect()
}

pub fn texts(keys: Vec<Option<&str>>) -> Vec<Option<String>> {
    keys.into_iter().map(|key| key.map(str::to_string)).collect()
}
