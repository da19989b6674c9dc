//! The program itself, reached as psql is reached: `check` by a service, by variables, by the password file, by TLS that
//! checks everything; the prompt in a terminal, and none without. And that no password gets out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use portable_pty::CommandBuilder;

use crate::pty::Pty;
use crate::server::{Cluster, PASSWORD};
use crate::tls;

/// How PASSWORD stands in a password file and in a quoted value.
const ESCAPED: &str = "s3cret\\:of\\\\owner";
const QUOTED: &str = "'s3cret:of\\\\owner'";

/// The program with nothing in its environment but what is given.
fn mvtop(home: &Path, variables: &[(&str, &str)], words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvtop"));
    command.env_clear().env("HOME", home).envs(variables.iter().copied()).args(words).stdin(Stdio::null());
    let output = command.output().unwrap();
    for text in [&output.stdout, &output.stderr] {
        tells_no_password(&String::from_utf8_lossy(text));
    }
    output
}

fn tells_no_password(text: &str) {
    for password in [PASSWORD, ESCAPED, QUOTED, "s3cret", "wr0ng"] {
        assert!(!text.contains(password), "a password got out: {text}");
    }
}

fn is_connected(output: &Output, what: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    // There is nothing to watch in it, which monitoring must hear.
    assert_eq!(output.status.code(), Some(3), "{what}: {text}{error}");
    assert!(text.starts_with("UNKNOWN - the database crm has no materialized view"), "{what}: {text}");
}

/// Writes a file that only its owner may read, as a password file must be.
fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn check_connects_by_service_by_variables_by_the_password_file_and_by_tls_that_checks_everything() {
    let cluster = tls::MODERN.get(tls::modern);
    let port = cluster.port.to_string();
    let home = tempfile::tempdir().unwrap();

    let service =
        format!("[panel]\nhost=127.0.0.1\nport={port}\nuser=owner\ndbname=crm\npassword={PASSWORD}\nsslmode=require\n");
    private(&home.path().join(".pg_service.conf"), &service);
    is_connected(&mvtop(home.path(), &[], &["check", "service=panel"]), "service=");
    is_connected(&mvtop(home.path(), &[("PGSERVICE", "panel")], &["check"]), "PGSERVICE");

    let variables = [("PGHOST", "127.0.0.1"), ("PGPORT", &*port), ("PGUSER", "owner"), ("PGDATABASE", "crm")];
    let with_password: Vec<_> = variables.iter().copied().chain([("PGPASSWORD", PASSWORD)]).collect();
    is_connected(&mvtop(home.path(), &with_password, &["check"]), "PGHOST and PGPASSWORD");

    private(&home.path().join(".pgpass"), &format!("127.0.0.1:{port}:crm:owner:{ESCAPED}\n"));
    is_connected(&mvtop(home.path(), &variables, &["check"]), ".pgpass");
    is_connected(
        &mvtop(home.path(), &[], &["check", "-h", "127.0.0.1", "-p", &port, "-U", "owner", "-d", "crm"]),
        "-h",
    );

    let root = cluster.file("ca.crt");
    let strict = format!(
        "host=127.0.0.1 port={port} user=owner dbname=crm sslmode=verify-full sslrootcert={root} channel_binding=require"
    );
    is_connected(&mvtop(home.path(), &[], &["check", &strict]), "verify-full with SCRAM bound to the channel");
    let stranger = strict.replace("ca.crt", "stranger.crt");
    let refused = mvtop(home.path(), &[], &["check", &stranger]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("sslrootcert"), "{refused:?}");
}

#[test]
fn without_a_terminal_nobody_is_asked_and_the_end_is_unknown_with_a_line_that_says_what_to_do() {
    let cluster = tls::MODERN.get(tls::modern);
    let home = tempfile::tempdir().unwrap();
    let words = format!("host=127.0.0.1 port={} user=owner dbname=crm", cluster.port);
    for arguments in [vec!["check", &words], vec!["check", &words, "--json"]] {
        let output = mvtop(home.path(), &[], &arguments);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("the server asks for a password and none is known"), "{text}");
    }
    let wrong = mvtop(home.path(), &[("PGPASSWORD", "wr0ng")], &["check", &words]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&wrong.stdout).contains("check the password"), "{wrong:?}");
}

/// The program in a terminal, sure to find no password by itself.
fn console(cluster: &Cluster, home: &Path, user: &str, log: &Path) -> Pty {
    let words = format!("host=127.0.0.1 port={} user={user} dbname=crm", cluster.port);
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_mvtop"));
    command.env_clear();
    command.env("HOME", home);
    command.args([&words, "--log", &log.display().to_string()]);
    Pty::open(command, (120, 40))
}

/// Waits for the n-th prompt, and until what is typed is not shown.
fn prompted(pty: &mut Pty, time: usize) {
    let is_asked = |p: &Pty| p.text().matches("Password for crm@127.0.0.1").count() == time && !p.echoes();
    pty.wait("the prompt", is_asked);
}

#[test]
fn in_a_terminal_the_password_is_asked_for_again_when_it_was_wrong_and_stands_nowhere() {
    let cluster = tls::MODERN.get(tls::modern);
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let mut pty = console(&cluster, home.path(), "owner", &log);
    prompted(&mut pty, 1);
    assert!(!pty.is_taken(), "the console opened before the password was there");
    pty.send("wr0ng\r");
    prompted(&mut pty, 2);
    assert!(pty.text().contains("check the password"), "{}", pty.text());
    pty.send(&format!("{PASSWORD}\r"));
    pty.wait("the console", |p| p.is_taken() && p.text().contains("no materialized view"));
    tells_no_password(&pty.raw());
    let process = fs::read(format!("/proc/{}/cmdline", pty.id())).unwrap_or_default();
    tells_no_password(&String::from_utf8_lossy(&process));
    pty.send("q");
    assert_eq!(pty.exit().0, 0);
    let log = fs::read_to_string(log).unwrap();
    assert!(!log.is_empty(), "the failed tries are in the log");
    tells_no_password(&log);
}

#[test]
fn in_a_terminal_three_wrong_passwords_end_it_and_a_server_that_wants_none_asks_for_none() {
    let cluster = tls::MODERN.get(tls::modern);
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let mut pty = console(&cluster, home.path(), "owner", &log);
    for time in 1..=3 {
        prompted(&mut pty, time);
        pty.send("wr0ng\r");
    }
    assert_eq!(pty.exit().0, 3);
    tells_no_password(&pty.raw());

    let mut pty = console(&cluster, home.path(), "trusted", &log);
    pty.wait("the console", |p| p.is_taken() && p.text().contains("no materialized view"));
    assert!(!pty.raw().contains("Password"));
    pty.send("q");
    assert_eq!(pty.exit().0, 0);
}
