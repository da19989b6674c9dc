//! A full disk is told before anything is changed.

use std::fs;
use std::process::{Command, Stdio};

use mvtop::journal::Journal;
use nix::unistd::geteuid;

use crate::{MVTOP, demo, said};

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_more_can_be_written_is_told_before_the_question_and_nothing_is_left_of_the_trial() {
    let (demo, state) = (demo().await, tempfile::tempdir().unwrap());
    let log = state.path().join("mvtop/actions.jsonl");
    let run = |limit: &str| {
        // A file may grow to so many blocks; beyond that a write fails as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" fix refresh \"$1\"");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script, MVTOP, demo.conninfo()]).env("XDG_STATE_HOME", state.path());
        said(&shell.env_remove("DATABASE_URL").stdin(Stdio::null()).output().unwrap())
    };
    let full = run("8");
    let (warning, question) = (full.find("cannot be written down"), full.find("There is no way back"));
    assert!(warning.is_some() && question.is_some(), "{full}");
    assert_eq!(fs::metadata(&log).unwrap().len(), 0, "the trial leaves nothing");
    let free = run("unlimited");
    assert!(!free.contains("cannot be written down"), "{free}");
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
}

#[test]
fn a_disk_without_room_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mount =
        |args: &[&str]| Command::new("mount").args(args).arg(folder.path()).output().is_ok_and(|o| o.status.success());
    if !geteuid().is_root() || !mount(&["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"]) {
        println!("skipped: a small disk can only be mounted by root, and not here");
        return;
    }
    let why = Journal::at(folder.path().join("mvtop/actions.jsonl")).writable();
    let _ = Command::new("umount").arg(folder.path()).status();
    assert!(why.as_ref().is_err_and(|why| why.contains("No space left")), "{why:?}");
}
