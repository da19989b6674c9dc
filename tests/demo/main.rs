//! The demo on a real server: the incident document's numbers, the same data from the same seed, a kept demo, and
//! nothing left behind however it ends. Here is what the parts share.
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]

mod ends;
mod incident;
mod life;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use mvtop::demo::{Demo, Options};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio_postgres::{Client, NoTls};

const OSMARA: &str = "d7847ffa-0758-4eb2-a97b-f80e54886531";
const BOOM: &str = "e590fed1-6d65-43e0-80ab-ff819ce63eee";
const VEN: &str = "3f41a10b-60b1-4c2b-b097-a83968353af5";
const REFRESH: &str = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv_conversaciones_dashboard";
const VIEW_ROWS: &str = "SELECT count(*) FROM mv_conversaciones_dashboard";
const LIVE_ROWS: &str = "SELECT count(*) FROM prospectos p
    WHERE EXISTS (SELECT FROM conversaciones_whatsapp c WHERE c.prospecto_id = p.id)";

/// A small, still demo unless said otherwise.
fn small() -> Options {
    Options { rows: 400, traffic: false, ..Options::default() }
}

async fn start(options: &Options) -> Demo {
    Demo::start(options, |_| ()).await.unwrap()
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn text(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The document's counts for Osmara: prospectos in BOOM, their conversaciones, then the view's BOOM and VEN rows.
async fn osmara(client: &Client) -> [i64; 4] {
    let hers = |column: &str, group: &str| {
        format!("{column}ejecutivo_id = '{OSMARA}' AND {column}coordinacion_id = '{group}'")
    };
    let view = |group| format!("{VIEW_ROWS} WHERE {}", hers("", group));
    [
        number(client, &format!("SELECT count(*) FROM prospectos WHERE {}", hers("", BOOM))).await,
        number(
            client,
            &format!(
                "SELECT count(*) FROM conversaciones_whatsapp c JOIN prospectos p ON c.prospecto_id = p.id WHERE {}",
                hers("p.", BOOM)
            ),
        )
        .await,
        number(client, &view(BOOM)).await,
        number(client, &view(VEN)).await,
    ]
}

fn is_alive(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None).is_ok()
}

/// Drops it and looks for its process and its files.
fn gone_when_dropped(demo: Demo) {
    let (pid, data) = (demo.server_pid().unwrap(), demo.data_dir().to_path_buf());
    assert!(is_alive(pid) && data.exists());
    let began = Instant::now();
    drop(demo);
    assert!(!is_alive(pid), "the server still runs");
    assert!(!data.parent().unwrap().exists(), "files are left in {}", data.display());
    assert!(began.elapsed() < Duration::from_secs(3), "took {:?}", began.elapsed());
}

/// A folder that the server's user can walk through, unlike a plain temporary folder of root's.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    folder
}
