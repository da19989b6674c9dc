//! `mvtop check` where no answer is to be had: UNKNOWN, in time, with one clear line.

use std::process::Output;
use std::time::{Duration, Instant};

use crate::stage::{Folder, Stage, Stopped};

#[test]
fn check_without_a_server_says_so_in_one_line() {
    let folder = Folder::new();
    let conninfo = format!("host={} dbname=crm user=postgres", folder.path().display());
    let (output, took) = check(&folder, &[&conninfo, "--timeout", "5s"]);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let line = one_line(&output);
    assert!(line.contains("No connection"), "{line}");
}

#[test]
fn check_as_json_without_a_server_is_a_document_that_says_why() {
    let folder = Folder::new();
    let conninfo = format!("host={} dbname=crm user=postgres", folder.path().display());
    let (output, _) = check(&folder, &[&conninfo, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "unknown");
    assert_eq!(document["problem"]["code"], "unreachable");
    assert_eq!(document["views"], serde_json::Value::Array(Vec::new()));
}

#[test]
fn check_of_a_server_that_hangs_ends_in_time() {
    let stage = Stage::new();
    let _stopped = Stopped::now(stage.demo.server_pid().unwrap());
    for args in [&[][..], &["--json"]] {
        let (output, took) = check(&stage.folder, &[&[stage.conninfo(), "--timeout", "1s"], args].concat());
        assert!(took >= Duration::from_secs(1) && took < Duration::from_millis(1_500), "{took:?}");
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        if args.is_empty() {
            let line = one_line(&output);
            assert!(line.contains("answer") || line.contains("onnect"), "{line}");
        }
    }
}

fn check(folder: &Folder, args: &[&str]) -> (Output, Duration) {
    let began = Instant::now();
    let output = folder.command(&[&["check"], args].concat()).output().unwrap();
    (output, began.elapsed())
}

fn one_line(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim().to_owned()
}
