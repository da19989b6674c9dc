//! The comparison of a view with its definition, on a real server: it says, row for row, what a plain reading of both
//! sides gives, for odd views (`odd`, `keys`, `names`), for random data and writes (`random`), for views that cannot be
//! compared (`refused`), under other settings (`settings`), knowing an earlier look (`since`), and for columns that hold
//! the time of the refresh (`stamps`). And what the catalog says of the triggers that keep a view (`triggers`). And the
//! pulse, which says when to compare again (`pulse`).
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]

mod keys;
mod names;
mod odd;
mod pulse;
mod random;
mod reference;
mod refused;
mod settings;
mod since;
mod stamps;
mod triggers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use mvtop::demo::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
use mvtop::domain::drift::{Counts, Drift, Flow, Pairing, Scope};
use mvtop::domain::groups::GroupId;
use mvtop::domain::matrix::Comparison;
use mvtop::domain::reading::Problem;
use mvtop::domain::snapshot::{Drill, DrillIndex, DrillTarget, RowDetail};
use mvtop::domain::view::{GroupColumn, Oid, View};
use mvtop::pg::catalog;
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::pg::look::ViewReader;
use mvtop::pg::probes::compare::Before;
use mvtop::pg::probes::{compare, drill};
use mvtop::pg::session::{Limits, Session};
use postgres_protocol::escape::escape_identifier;
use reference::Sides;
use tokio_postgres::{Client, NoTls};

const LIMITS: Limits = Limits::new(Duration::from_secs(60), Duration::from_secs(5), true);

/// Rows that were looked at as beginnings of a list.
static BEGINNINGS: AtomicUsize = AtomicUsize::new(0);

/// The tests' cluster: shared by those that run at the same time, gone after the last of them.
fn cluster() -> Arc<Cluster> {
    static RUNNING: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let options = ClusterOptions { keep: None, cron: false, settings: &[] };
        let cluster = Arc::new(Cluster::start(&options).unwrap());
        *running = Arc::downgrade(&cluster);
        cluster
    })
}

/// The program's own ways to look, as the role of a connection string: at the catalogs and at views.
async fn watching(conninfo: &str) -> (Session, ViewReader) {
    let session = Session::connect(&target(conninfo), "test").await.unwrap();
    (session, ViewReader::new(target(conninfo), Vec::new(), true))
}

/// A schema with a materialized view in it, and both ways to look at it: the program's and a plain client.
struct Bench {
    schema: &'static str,
    client: Client,
    session: Session,
    reader: ViewReader,
    cluster: Arc<Cluster>,
}

impl Bench {
    /// Makes the schema, first on the search_path, and runs `sql` in it.
    async fn new(schema: &'static str, sql: &str) -> Bench {
        let cluster = cluster();
        let conninfo = cluster.conninfo_for(SUPERUSER, DATABASE);
        let client = connect(&conninfo).await;
        let (session, reader) = watching(&conninfo).await;
        let schema_sql = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path = {schema}, public"
        );
        client.batch_execute(&schema_sql).await.unwrap();
        let bench = Bench { schema, client, session, reader, cluster };
        // One at a time: two sessions that create the same extension at once fail, IF NOT EXISTS or not.
        bench.client.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
        bench.run(sql).await;
        bench.client.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
        bench
    }

    async fn run(&self, sql: &str) {
        if let Err(error) = self.client.batch_execute(sql).await {
            panic!("{}: {:?}\n{sql}", self.schema, error.as_db_error());
        }
    }

    /// The schema's view of this name as the catalog gives it.
    async fn view(&self, name: &str) -> View {
        let sql = "SELECT oid FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relname = $2::text";
        let schema = escape_identifier(self.schema);
        let row = self.client.query_one(sql, &[&schema, &name]).await.unwrap();
        let views = catalog::views(&self.session, Some(&[Oid(row.get(0))])).await.unwrap();
        views.into_iter().next().unwrap()
    }

    async fn compare(&self, view: &View, scope: Scope, last: Option<&Comparison>) -> Comparison {
        let before = last.map_or(Before::Nothing, |last| Before::Compared(Arc::new(last.clone())));
        self.compare_after(view, scope, &before).await
    }

    async fn compare_after(&self, view: &View, scope: Scope, before: &Before) -> Comparison {
        let compared = self.try_compare(view, scope, before, LIMITS).await;
        compared.unwrap_or_else(|e| panic!("{} {scope:?}: {e:?}", self.schema))
    }

    async fn try_compare(
        &self,
        view: &View,
        scope: Scope,
        before: &Before,
        limits: Limits,
    ) -> Result<Comparison, Problem> {
        compare::compare(&self.reader.look(view).await?, scope, before, limits).await
    }

    async fn index(&self, view: &View, member: Option<Option<String>>, last: Option<&Comparison>) -> DrillIndex {
        let target = DrillTarget { view: view.oid, member: member.map(|m| m.map(Into::into)) };
        let index = drill::index(&self.reader.look(view).await.unwrap(), &target, last, LIMITS).await;
        index.unwrap_or_else(|e| panic!("{}: {e:?}", self.schema))
    }

    async fn page(&self, view: &View, keys: &[String]) -> Vec<RowDetail> {
        let look = self.reader.look(view).await.unwrap();
        drill::page(&look, keys, LIMITS).await.unwrap_or_else(|e| panic!("{}: {e:?}", self.schema))
    }

    async fn refresh(&self, view: &View) {
        self.run(&format!("REFRESH MATERIALIZED VIEW {}", mvtop::pg::compare::qualified(&view.name))).await;
    }

    /// Compares the program's answers with the plain reading: the flow in both scopes, the drill of every member.
    /// Gives the drift by values.
    async fn check(&self, view: &View, key: &[&str]) -> Drift {
        let what = self.schema;
        let sides = Sides::read(&self.client, view, key).await;
        let [groups, values] = [Scope::Groups, Scope::Values].map(|scope| self.compare(view, scope, None));
        let (groups, values) = (groups.await, values.await);
        let keyed = values.drift.is_keyed();
        assert_eq!(sides.are_keyed(), keyed, "{what}: paired by key?");
        assert_eq!(sides.flow(), reference::named(&values.drift), "{what}: flow");
        assert_eq!(sides.totals(), values.totals, "{what}: totals");
        let without_changed = |c: &Comparison| (reference::pairs(&c.drift), c.drift.is_keyed());
        assert_eq!(without_changed(&groups), without_changed(&values), "{what}: scopes");
        // The next look knows what the last one found: where all was in its place, sums come before pairs.
        let again = self.compare(view, Scope::Groups, Some(&groups)).await;
        assert_eq!(reference::named(&again.drift), reference::named(&groups.drift), "{what}: once more");
        let in_place = |flow: &Flow| flow.from.map(|from| Flow { to: Some(from), ..*flow });
        let before = Drift { flow: groups.drift.flow.iter().filter_map(in_place).collect(), ..groups.drift.clone() };
        let summed = self.compare(view, Scope::Groups, Some(&Comparison::of(before))).await;
        assert_eq!(without_changed(&summed), without_changed(&values), "{what}: sums before pairs");
        // After a refresh, too; then the names are the view's of now.
        let refreshed = self.compare_after(view, Scope::Groups, &Before::Refreshed).await;
        assert_eq!(reference::named(&refreshed.drift), reference::named(&groups.drift), "{what}: as after a refresh");
        // And where the same drift stands, the sums alone tell.
        let stands = self.compare(view, Scope::Groups, Some(&values)).await;
        assert_eq!(without_changed(&stands), without_changed(&values), "{what}: sums of what stands");
        let sum = values.drift.counts().into_values().fold(Counts::default(), Counts::plus);
        let totals = values.totals;
        assert_eq!(
            (sum.view, sum.live, sum.missing, sum.gone, sum.moved_in, sum.moved_out, Some(sum.changed)),
            (totals.view, totals.live, totals.missing, totals.gone, totals.moved, totals.moved, totals.changed),
            "{what}: sums"
        );
        self.check_drill(view, &sides, None, &values).await;
        for member in sides.members() {
            self.check_drill(view, &sides, Some(member), &values).await;
        }
        values.drift
    }

    async fn check_drill(&self, view: &View, sides: &Sides, member: Option<Option<String>>, last: &Comparison) {
        let index = self.index(view, member.clone(), None).await;
        let shorter = self.index(view, member.clone(), Some(last)).await;
        assert_eq!(reference::listed(&index), reference::listed(&shorter), "{}: by the last pairing", self.schema);
        let expected = sides.drifted(member.as_ref());
        assert_eq!(expected, reference::listed(&index), "{}: rows of {member:?}", self.schema);
        assert_eq!(index.left_out, 0);
        self.check_beginning(view, member.clone(), &shorter, last).await;
        let keys: Vec<String> = index.rows.iter().map(|row| row.key.to_string()).collect();
        let details = self.page(view, &keys).await;
        assert_eq!(details.len(), keys.len(), "{}: details of {member:?}", self.schema);
        for (row, detail) in index.rows.iter().zip(details) {
            assert_eq!(sides.detail(row), detail, "{}: values of {}", self.schema, row.key);
        }
    }

    /// What is read before the list of all rows is what that list begins with.
    async fn check_beginning(&self, view: &View, member: Option<Option<String>>, all: &DrillIndex, last: &Comparison) {
        let target = DrillTarget { view: view.oid, member: member.map(|m| m.map(Into::into)) };
        let Some(flow) = target.first_flow(last).filter(|_| last.drift.pairing == Pairing::Key) else { return };
        let first = drill::first(&self.reader.look(view).await.unwrap(), last, flow, LIMITS).await;
        let first = first.unwrap_or_else(|e| panic!("{}: {e:?}", self.schema));
        let all = reference::in_order(all);
        let begins = &all[..first.rows.len()];
        assert_eq!(reference::in_order(&first), begins, "{}: beginning", self.schema);
        let keys = |id: Option<GroupId>| id.map(|id| reference::texts(last.drift.group(id).keys()));
        let of_flow = all.iter().filter(|row| row.1 == (keys(flow.from), keys(flow.to))).count();
        assert_eq!(first.rows.len(), of_flow.min(Drill::PAGE), "{}: beginning", self.schema);
        BEGINNINGS.fetch_add(first.rows.len(), Ordering::Relaxed);
    }

    /// What an earlier look since the last refresh found spares work and changes nothing.
    async fn check_since(&self, view: &View, last: &Comparison) {
        for scope in [Scope::Groups, Scope::Values] {
            let [fresh, later] = [None, Some(last)].map(|last| self.compare(view, scope, last));
            let (fresh, later) = (fresh.await, later.await);
            assert_eq!(reference::named(&fresh.drift), reference::named(&later.drift), "{} {scope:?}", self.schema);
            assert_eq!((fresh.totals, fresh.drift.pairing), (later.totals, later.drift.pairing), "{}", self.schema);
        }
    }

    /// Checks the drift that there is, that there is some, and that a refresh takes it away.
    async fn check_and_refresh(&self, view: &View, key: &[&str]) -> Drift {
        let drift = self.check(view, key).await;
        assert!(drift.totals().wrong() > 0, "{}: nothing drifted, so nothing was tested", self.schema);
        self.refresh(view).await;
        let after = self.check(view, key).await;
        assert_eq!(after.totals().wrong(), 0, "{}: after the refresh", self.schema);
        drift
    }
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn target(conninfo: &str) -> Target {
    Target::resolve(Some(conninfo), &[], &Environment::from_process()).unwrap()
}

/// The view counted by these columns instead of the conventional ones; `column=label` names a label column.
fn grouped(mut view: View, groups: &[&str]) -> View {
    let group = |word: &&str| {
        let (column, label) = word.split_once('=').map_or((*word, None), |(c, l)| (c, Some(l.to_string())));
        GroupColumn { column: column.into(), label }
    };
    view.groups = groups.iter().map(group).collect();
    view
}

fn key_names(view: &View) -> Vec<&str> {
    view.key.iter().map(|k| k.name.as_str()).collect()
}
