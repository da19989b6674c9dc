//! A demo's life: refused, kept, found again, busy; and the bare cluster under it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mvtop::demo::cluster::{Cluster, ClusterOptions};
use mvtop::demo::{Demo, DemoError, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::Client;

use crate::{
    LIVE_ROWS, REFRESH, VIEW_ROWS, connect, gone_when_dropped, is_alive, number, open_folder, osmara, small, start,
    text,
};

#[tokio::test]
async fn too_few_rows_are_refused_before_anything_is_made() {
    let error = Demo::start(&Options { rows: 399, ..small() }, |_| ()).await.unwrap_err();
    assert!(matches!(error, DemoError::RowsOutOfRange { rows: 399, min: 400, .. }));
    assert!(!error.missing_package());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_demo_stays_and_is_found_again_as_it_was_left() {
    let parent = open_folder();
    // A name like a leftover's, which it must not be taken for.
    let folder = parent.path().join("mvtop-demo-mine");
    let options = Options { keep: Some(folder.clone()), ..small() };
    let demo = start(&options).await;
    assert_eq!(demo.data_dir(), folder.canonicalize().unwrap().join("data"));
    let busy = Demo::start(&options, |_| ()).await.unwrap_err();
    assert!(matches!(busy, DemoError::InUse { .. }), "{busy}");
    let client = connect(demo.conninfo()).await;
    client.batch_execute(REFRESH).await.unwrap();
    client.batch_execute("SELECT cron.schedule('mine', '0 0 1 1 *', 'SELECT 1')").await.unwrap();
    let pid = demo.server_pid().unwrap();
    drop((client, demo));
    assert!(!is_alive(pid));
    assert!(folder.join("data/PG_VERSION").is_file());

    let again = start(&options).await;
    let client = connect(again.conninfo()).await;
    assert_eq!(osmara(&client).await, [29, 49, 29, 0], "as left: refreshed");
    let host = again.conninfo().split_whitespace().find_map(|word| word.strip_prefix("host=")).unwrap();
    let lost = format!("SELECT count(*) FROM cron.job WHERE nodename <> '{host}'");
    assert_eq!(number(&client, &lost).await, 0, "jobs connect to the new socket");
    assert_eq!(number(&client, "SELECT count(*) FROM cron.job").await, 5);
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_refused_and_left_alone() {
    let folder = open_folder();
    fs::write(folder.path().join("thesis.txt"), "years").unwrap();
    let options = Options { keep: Some(folder.path().to_path_buf()), ..small() };
    let error = Demo::start(&options, |_| ()).await.unwrap_err();
    assert!(matches!(error, DemoError::NotOurs { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Polls until the number differs from `before`.
async fn changes(client: &Client, sql: &str, before: i64) -> bool {
    let deadline = Instant::now() + Duration::from_secs(15);
    while Instant::now() < deadline {
        if number(client, sql).await != before {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_goes_on_after_the_server_went_away_and_never_touches_osmaras_numbers() {
    let mensajes = "SELECT count(*) FROM mensajes_whatsapp";
    let demo = start(&Options { traffic: true, ..small() }).await;
    let client = connect(demo.conninfo()).await;
    let before = number(&client, mensajes).await;
    assert!(changes(&client, mensajes, before).await, "nobody writes");
    demo.stop_server().unwrap();
    assert_eq!(demo.server_pid(), None);
    demo.start_server().unwrap();
    let client = connect(demo.conninfo()).await;
    let before = number(&client, mensajes).await;
    assert!(changes(&client, mensajes, before).await, "nobody writes after the restart");

    // Years of it in a moment.
    let before = number(&client, LIVE_ROWS).await;
    for sql in ["message", "conversation", "reassign"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/demo/sql/traffic/{sql}.sql"));
        let statement = client.prepare(&fs::read_to_string(path).unwrap()).await.unwrap();
        for n in 0..60_i64 {
            let touched = client.execute(&statement, &[&(n * 7_919_777_777)]).await.unwrap();
            assert_eq!(touched, 1, "{sql} {n}");
        }
    }
    assert_eq!(osmara(&client).await, [29, 49, 0, 166]);
    client.batch_execute(REFRESH).await.unwrap();
    assert_eq!(osmara(&client).await, [29, 49, 29, 0]);
    assert!(number(&client, VIEW_ROWS).await > before, "new prospectos came");
    gone_when_dropped(demo);
}

#[test]
fn a_bare_cluster_takes_settings_stops_starts_again_and_ends_even_when_it_hangs() {
    let settings = [("work_mem", "7MB"), ("application_name", "it's a \\ test")];
    let cluster = Cluster::start(&ClusterOptions { settings: &settings, ..ClusterOptions::default() }).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let show = |name: &str| {
        runtime.block_on(async {
            let client = connect(&cluster.conninfo_for("postgres", "crm")).await;
            text(&client, &format!("SELECT current_setting('{name}')")).await
        })
    };
    assert_eq!(show("work_mem"), "7MB");
    assert_eq!(show("application_name"), "it's a \\ test");
    assert_eq!(show("listen_addresses"), "");
    assert!(!show("shared_preload_libraries").contains("pg_cron"));
    let first = cluster.server_pid().unwrap();
    cluster.stop_server();
    assert!(!is_alive(first));
    cluster.start_server().unwrap();
    assert_ne!(cluster.server_pid().unwrap(), first);
    cluster.start_server().unwrap();
    assert_eq!(show("work_mem"), "7MB");

    // A server that hangs does not keep the program from ending.
    let pid = cluster.server_pid().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    drop(cluster);
    assert!(!is_alive(pid));
}

#[test]
fn a_server_that_somebody_started_again_by_hand_ends_with_the_demo_too() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    let postgres = fs::read_link(format!("/proc/{}/exe", cluster.server_pid().unwrap())).unwrap();
    let (data, owner) = (cluster.data_dir(), fs::metadata(cluster.data_dir()).unwrap());
    cluster.stop_server();
    let mut again = Command::new(postgres);
    again.arg("-D").arg(&data).uid(owner.uid()).gid(owner.gid()).current_dir("/").stderr(Stdio::null());
    let mut again = again.spawn().unwrap();
    let ready = || fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|file| file.contains("ready"));
    assert!(within(Duration::from_secs(20), ready), "it does not come up");
    drop(cluster);
    let ended = within(Duration::from_secs(10), || again.try_wait().unwrap().is_some());
    again.kill().unwrap();
    assert!(ended, "it still runs");
}

/// Does it hold before the time is over?
fn within(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
