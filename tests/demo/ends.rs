//! However a demo ends, nothing of it stays: seen from outside, each end in a process and a temporary folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mvtop::demo::Demo;
use mvtop::demo::DemoError;
use mvtop::demo::cluster::{Cluster, ClusterOptions};

use crate::{is_alive, open_folder, small};

fn scratch_folders(temp: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(temp).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("mvtop-demo-")).collect()
}

/// Runs one of the helpers below in a process of its own, with a temporary folder of its own.
fn in_a_process(test: &str, temp: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("ends::{test}"), "--exact", "--ignored", "--nocapture"]).env("TMPDIR", temp);
    command
}

#[test]
fn what_a_killed_demo_left_is_stopped_and_removed_by_the_next_start() {
    let temp = open_folder();
    let killed = in_a_process("helper_dies_without_cleaning_up", temp.path()).output().unwrap();
    assert!(!killed.status.success());
    let [left] = scratch_folders(temp.path()).try_into().unwrap();
    let pid: i32 =
        fs::read_to_string(left.join("data/postmaster.pid")).unwrap().lines().next().unwrap().parse().unwrap();
    assert!(is_alive(pid), "the killed demo's server goes on: there is something to clean up");

    let next = in_a_process("helper_starts_and_ends", temp.path()).output().unwrap();
    assert!(next.status.success(), "{}", String::from_utf8_lossy(&next.stdout));
    assert!(!left.exists());
    assert!(!is_running(pid));
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0, "nothing else is left either");
}

#[test]
fn a_start_that_is_given_up_half_way_leaves_nothing() {
    let temp = open_folder();
    let ended = in_a_process("helper_gives_up_half_way", temp.path()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[test]
fn a_panic_leaves_nothing() {
    let temp = open_folder();
    let ended = in_a_process("helper_panics", temp.path()).output().unwrap();
    assert!(!ended.status.success() && format!("{ended:?}").contains("with a server running"), "{ended:?}");
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_does_not_come_up_is_reported_with_its_own_words_and_leaves_nothing() {
    let before = scratch_folders(&std::env::temp_dir());
    let settings = [("shared_buffers", "many")];
    let error = Cluster::start(&ClusterOptions { settings: &settings, ..ClusterOptions::default() }).unwrap_err();
    assert!(matches!(error, DemoError::Server { .. }) && error.to_string().contains("shared_buffers"), "{error}");
    let mine = |folder: &PathBuf| {
        !before.contains(folder) && fs::read_to_string(folder.join("mvtop.conf")).is_ok_and(|c| c.contains("many"))
    };
    assert!(!scratch_folders(&std::env::temp_dir()).iter().any(mine));
}

/// Whether it runs: an orphan that nobody reaps in a container stays a zombie, which is not running.
fn is_running(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_alive(pid) && !state.rsplit(')').next().unwrap().trim_start().starts_with('Z')
}

#[test]
#[ignore = "a helper that the tests above run"]
fn helper_dies_without_cleaning_up() {
    let _cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    std::process::abort();
}

#[test]
#[ignore = "a helper that the tests above run"]
fn helper_starts_and_ends() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    assert!(cluster.server_pid().is_some());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a helper that the tests above run"]
async fn helper_gives_up_half_way() {
    let options = small();
    let start = Demo::start(&options, |_| ());
    assert!(tokio::time::timeout(Duration::from_millis(200), start).await.is_err(), "it was half way");
}

#[test]
#[ignore = "a helper that the tests above run"]
fn helper_panics() {
    let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
    assert!(cluster.server_pid().is_none(), "with a server running");
}
