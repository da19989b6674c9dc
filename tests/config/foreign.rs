//! A real database: what `mvtop init` proposes, groups and labels that are chosen, columns' values, limits.

use std::time::Duration;

use chrono::Utc;
use mvtop::config::init::proposal;
use mvtop::config::{Given, Settings, load};
use mvtop::demo::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
use mvtop::demo::{Demo, Options};
use mvtop::domain::diagnosis::{Severity, Verdict, diagnose};
use mvtop::domain::freshness::LimitSource;
use mvtop::domain::rules::Rulebook;
use mvtop::domain::snapshot::{Snapshot, ValuesSource, ViewState};
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::report::check::take;
use mvtop::watch::{self, Request, Watch};
use tokio::time::timeout;
use tokio_postgres::NoTls;

use super::File;

/// Views as nobody would name them, without pg_cron.
const ODD: &str = r#"
CREATE SCHEMA "Año";
CREATE TABLE zonas (id int PRIMARY KEY, nombre text);
INSERT INTO zonas VALUES (1, 'Norte'), (2, 'Sur'), (3, 'Este');
CREATE TABLE ventas AS SELECT i AS id, i % 3 + 1 AS zona_id, (ARRAY['a', 'b'])[i % 2 + 1] AS tipo,
    json_build_object('i', i) AS extra, point(i, i) AS lugar, now() AS hecho FROM generate_series(1, 600) AS i;
CREATE MATERIALIZED VIEW mv_ventas AS SELECT id, zona_id, tipo, extra, lugar, hecho FROM ventas;
CREATE UNIQUE INDEX ON mv_ventas (id);
CREATE MATERIALIZED VIEW "Año"."mi ""vista"".de
ventas" AS SELECT tipo AS "Tipo raro", count(*) AS "n°" FROM ventas GROUP BY tipo;
CREATE MATERIALIZED VIEW vacia AS SELECT 1 AS a WITH NO DATA;
"#;

struct Foreign {
    _cluster: Cluster,
    conninfo: String,
}

impl Foreign {
    async fn start() -> Foreign {
        let options = ClusterOptions::default();
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&options)).await.unwrap().unwrap();
        let conninfo = cluster.conninfo_for(SUPERUSER, DATABASE);
        let foreign = Foreign { _cluster: cluster, conninfo };
        foreign.run(ODD).await;
        foreign
    }

    async fn run(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.conninfo, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    }

    fn watch(&self, rules: Rulebook) -> Watch {
        watch::start(watch::Settings { rules, ..watch::Settings::new(target(&self.conninfo)) })
    }
}

fn target(conninfo: &str) -> Target {
    Target::resolve(Some(conninfo), &[], &Environment::from_process()).unwrap()
}

fn rules(text: &str) -> Rulebook {
    super::config(text).settings.rulebook()
}

async fn until(watch: &mut Watch, holds: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let found = timeout(Duration::from_secs(20), watch.snapshots.wait_for(|s| holds(s))).await;
    let snapshot = found.unwrap_or_else(|_| panic!("not within 20 s")).unwrap();
    (**snapshot).clone()
}

fn view<'a>(snapshot: &'a Snapshot, name: &str) -> &'a ViewState {
    snapshot.views.iter().find(|v| v.view.name.name == name).unwrap()
}

/// What `mvtop init --print` prints for a database, through the real program.
fn init(conninfo: &str, extra: &[&str], folder: &std::path::Path) -> (bool, String, String) {
    let mut command = assert_cmd::Command::cargo_bin("mvtop").unwrap();
    command.env_remove("MVTOP_CONFIG").env("XDG_CONFIG_HOME", folder);
    let output = command.args(["init", conninfo]).args(extra).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The proposal changes nothing by itself, and can be used when its lines are taken in.
fn is_a_good_proposal(text: &str) -> mvtop::config::Config {
    assert_eq!(super::config(text).settings, Settings::default(), "{text}");
    let used: String = text
        .lines()
        .map(|l| match l.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{l}\n"),
        })
        .collect();
    let file = File::new(&used);
    load(&Given { word: Some("prod"), ..file.given() }, |_| None).unwrap_or_else(|e| panic!("{e}\n{used}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn init_proposes_the_demos_view_with_its_groups_and_writes_over_nothing() {
    let demo = Demo::start(&Options { rows: 400, traffic: false, ..Options::default() }, |_| ()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (good, _, err) = init(demo.conninfo(), &[], folder.path());
    assert!(good, "{err}");
    let path = folder.path().join("mvtop/config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let config = is_a_good_proposal(&text);
    let view = &config.settings.views["public.mv_conversaciones_dashboard"];
    assert_eq!(view.groups, Some(vec!["ejecutivo_id".to_string(), "coordinacion_id".to_string()]));
    assert_eq!(view.refresh_columns, Some(vec!["vista_actualizada_at".to_string()]));
    assert!(text.contains("no job refreshes it") && text.contains("few values: "), "{text}");
    let (good, _, err) = init(demo.conninfo(), &[], folder.path());
    assert!(!good && err.contains("exists and is left as it is"), "{err}");
    std::fs::write(&path, "# mine").unwrap();
    assert!(init(demo.conninfo(), &["--print"], folder.path()).1.contains("mv_conversaciones_dashboard"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# mine");
    assert!(init(demo.conninfo(), &["--force"], folder.path()).0);
    assert_ne!(std::fs::read_to_string(&path).unwrap(), "# mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_database_is_proposed_counted_grouped_labelled_and_limited() {
    let foreign = Foreign::start().await;
    let mut watch = foreign.watch(Rulebook::default());
    let snapshot = take(&mut watch, Duration::ZERO, Duration::from_secs(20)).await;
    assert!(snapshot.settled);
    for name in ["mv_ventas", "vacia"] {
        watch.requests.send(Request::Columns(view(&snapshot, name).view.oid)).unwrap();
    }
    let snapshot = until(&mut watch, |s| view(s, "mv_ventas").columns.is_settled()).await;
    let columns = view(&snapshot, "mv_ventas").columns.value().unwrap();
    let values: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.values)).collect();
    let expected = [("id", 600), ("zona_id", 3), ("tipo", 2), ("extra", 600), ("lugar", 600), ("hecho", 1)];
    assert_eq!(values, expected.map(|(name, n)| (name, Some(n))));
    assert!(columns.iter().all(|c| c.source == ValuesSource::First(5_000)), "nothing was analysed yet");

    let text = proposal(&snapshot, &diagnose(&snapshot, snapshot.server_time(Utc::now())), &target(&foreign.conninfo));
    let config = is_a_good_proposal(&text);
    assert_eq!(config.settings.views["public.mv_ventas"].groups, Some(vec!["tipo".to_string(), "zona_id".to_string()]));
    assert!(config.settings.views.contains_key("Año.mi \"vista\".de\nventas"), "{text}");

    statistics_are_used_where_there_are_some(&foreign, &mut watch).await;
    other_groups_are_another_comparison(&foreign, &mut watch).await;
    what_the_configuration_says_holds(&foreign).await;
}

async fn statistics_are_used_where_there_are_some(foreign: &Foreign, watch: &mut Watch) {
    foreign.run("ANALYZE mv_ventas").await;
    let oid = view(&watch.snapshots.borrow(), "mv_ventas").view.oid;
    watch.requests.send(Request::Columns(oid)).unwrap();
    let tipo = |s: &Snapshot| view(s, "mv_ventas").columns.value().unwrap().iter().find(|c| c.name == "tipo").cloned();
    let is_estimated = |s: &Snapshot| tipo(s).is_some_and(|c| c.source == ValuesSource::Statistics);
    let snapshot = until(watch, is_estimated).await;
    assert_eq!(tipo(&snapshot).unwrap().values, Some(2));
}

async fn other_groups_are_another_comparison(foreign: &Foreign, watch: &mut Watch) {
    foreign.run("UPDATE ventas SET tipo = 'b' WHERE tipo = 'a' AND zona_id = 1").await;
    let oid = view(&watch.snapshots.borrow(), "mv_ventas").view.oid;
    watch.requests.send(Request::Group(oid, vec!["tipo".into(), "zona_id".into()])).unwrap();
    let moved = |s: &Snapshot| view(s, "mv_ventas").drift.value().map_or(0, |c| c.totals.moved);
    let snapshot = until(watch, |s| moved(s) > 0).await;
    assert_eq!(moved(&snapshot), 100);
    let matrix = &view(&snapshot, "mv_ventas").drift.value().unwrap().matrix;
    assert_eq!((matrix.lines.len(), matrix.columns.len()), (2, 3));
    // Read anew after a refresh, the view keeps what was chosen.
    foreign.run("REFRESH MATERIALIZED VIEW mv_ventas").await;
    let snapshot = until(watch, |s| view(s, "mv_ventas").drift.value().is_some_and(|c| c.totals.moved == 0)).await;
    assert_eq!(view(&snapshot, "mv_ventas").view.groups.len(), 2);
}

async fn what_the_configuration_says_holds(foreign: &Foreign) {
    foreign.run("DELETE FROM ventas WHERE id <= 4").await;
    let mut watch = foreign.watch(rules(
        "limit = \"none\"\n[views.\"public.mv_ventas\"]\nlimit = \"1h\"\ngroups = [\"zona_id\", \"tpo\"]\ntolerance = 4\n\
         scheduled = \"elsewhere\"\nlabels.zona_id = \"SELECT id, nombre FROM public.zonas\"\n[views.otra]\ntolerance = 1\n",
    ));
    let snapshot = take(&mut watch, Duration::ZERO, Duration::from_secs(20)).await;
    let state = view(&snapshot, "mv_ventas");
    let names: Vec<_> = state.drift.value().unwrap().matrix.lines.iter().map(|l| l.member.title()).collect();
    assert!(["Norte", "Sur", "Este"].iter().all(|name| names.contains(name)), "{names:?}");
    assert_eq!(state.misfits.len(), 1);
    assert!(state.misfits[0].contains("tpo") && state.misfits[0].contains("did you mean tipo?"), "{:?}", state.misfits);
    assert_eq!(snapshot.unmatched, ["otra"]);
    let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
    let report = diagnosis.view(state.view.oid).unwrap();
    assert_eq!(report.freshness.limit.source, LimitSource::Configured);
    assert_eq!(
        (report.verdict, report.causes.iter().filter(|c| c.severity == Severity::Grave).count()),
        (Verdict::Ok, 0),
        "{report:?}"
    );
    assert!(report.what.contains("4 of 600 rows differ, 4 may"), "{}", report.what);
    let other = diagnosis.view(view(&snapshot, "vacia").view.oid).unwrap();
    assert_eq!((other.freshness.limit.length, other.freshness.limit.source), (None, LimitSource::Default));
}
