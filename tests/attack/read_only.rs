//! Each statement outside a confirmed action stands in a READ ONLY transaction under a path that nobody else can fill.

use std::process::Stdio;

use crate::faces::console;
use crate::harness::{House, Session, text, until};
use crate::imitation::{self, Pooler};
use crate::rules::faults;
use crate::wire::{Sent, Wire};

/// The view, in a house whose owner has nothing to hide.
const VIEW: &str = "CREATE SCHEMA app; CREATE TABLE app.base (id int PRIMARY KEY, ejecutivo_id int, coordinacion_id text);
    INSERT INTO app.base SELECT i, i % 3, CASE WHEN i % 2 = 0 THEN 'VEN' ELSE 'BOOM' END FROM generate_series(1, 12) i;
    CREATE FUNCTION app.witness(i int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN
      RAISE LOG 'WITNESS|%|%|', current_setting('transaction_read_only'), current_query(); RETURN i; END $$;
    CREATE MATERIALIZED VIEW app.v_clean AS SELECT id, ejecutivo_id, coordinacion_id FROM app.base;
    CREATE MATERIALIZED VIEW app.v_seen AS SELECT id, app.witness(ejecutivo_id) AS ejecutivo_id, coordinacion_id FROM app.base WHERE id < 4;
    CREATE UNIQUE INDEX ON app.v_clean (id); CREATE UNIQUE INDEX ON app.v_seen (id);
    UPDATE app.base SET ejecutivo_id = 0 WHERE id < 3";

/// Faces that change nothing.
fn looks(conninfo: &str) -> Vec<Vec<&str>> {
    let view = ["--view", "app.v_clean"];
    vec![
        vec!["check", conninfo],
        vec!["check", conninfo, "--json", "--read-dsn", conninfo],
        [&["verify", conninfo, "--no-write"][..], &view].concat(),
        [&["verify", conninfo, "--dry-run"][..], &view].concat(),
        [&["fix", conninfo][..], &view].concat(),
        [&["fix", "view", conninfo, "--dry-run"][..], &view].concat(),
        vec!["init", conninfo, "--print"],
    ]
}

/// Faces that somebody confirmed.
const CHANGES: [&[&str]; 10] = [
    &["verify", "--yes"],
    &["fix", "refresh", "--yes"],
    &["fix", "cron", "--schedule", "0 0 29 2 *", "--yes"],
    &["fix", "pause", "--yes"],
    &["fix", "cron", "--undo", "--yes"],
    &["fix", "triggers", "--yes"],
    &["fix", "triggers", "--undo", "--yes"],
    &["fix", "purge", "--yes"],
    &["fix", "view", "--yes"],
    &["fix", "view", "--undo", "--yes"],
];

/// What was wrong with what went over the wire by now.
fn note(wire: &Wire, face: &str, are_options_heard: bool, may_write: bool, found: &mut Vec<String>) {
    let sent = wire.take();
    assert!(sent.iter().any(|session| !session.texts.is_empty()), "{face} sent nothing");
    for session in sent {
        let name = session.parameters.get("application_name").cloned().unwrap_or_default();
        // Only an action's session writes.
        let may_write = may_write && name.contains("action");
        let faults = faults(&session, are_options_heard, may_write);
        found.extend(faults.first().map(|first| format!("{face}, {name}: {} times, such as {first}", faults.len())));
    }
}

/// What is sent does not differ by the server: behind the pooler each kind of session is tried once.
fn all_is_read_only(house: &House, wire: &Wire, user: &str, are_options_heard: bool) {
    let (looked, changed) = if are_options_heard { (7, CHANGES.len()) } else { (3, 2) };
    let conninfo = wire.conninfo(user, house.database);
    let (mut found, begin) = (Vec::new(), house.log_length());
    for args in looks(&conninfo).into_iter().take(looked) {
        house.mvtop(&args);
        note(wire, &args.join(" ").replace(&conninfo, "…"), are_options_heard, false, &mut found);
    }
    console(house, &conninfo);
    note(wire, "the console", are_options_heard, false, &mut found);
    for line in house.log_since(begin).lines().filter(|line| line.contains("WITNESS|off")) {
        found.push(format!("the server says that this may write: {line}"));
    }
    for change in CHANGES.into_iter().take(changed) {
        let face = change.join(" ");
        let output = house.mvtop(&[change, &[&*conninfo, "--view", "app.v_clean"]].concat());
        assert!(change[0] == "verify" || output.status.success(), "{face}: {}", text(&output));
        note(wire, &face, are_options_heard, true, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_statement_outside_a_confirmed_action_is_read_only_under_a_path_of_its_own() {
    let house = House::plain();
    house.run(VIEW);
    let wire = Wire::before(&house.conninfo(house.superuser));
    all_is_read_only(&house, &wire, house.superuser, true);
}

/// The pooler says nothing about the options that it drops: only what stands in the transaction counts.
#[test]
fn the_same_holds_behind_a_pooler_that_drops_options_in_silence() {
    let house = imitation::house();
    house.run(VIEW);
    let pooler = Pooler::before(&house, 4, &[house.superuser]);
    let wire = Wire::before(&pooler.conninfo(house.superuser, house.database));
    all_is_read_only(&house, &wire, house.superuser, false);
}

#[test]
fn sessions_to_pg_crons_own_database_and_for_the_log_of_changes_are_read_only() {
    let house = House::plain();
    house.run("CREATE DATABASE otra");
    let there = Session::open(&house.cluster.conninfo_for(house.superuser, "otra"));
    there.run(VIEW);
    let wire = Wire::before(&house.conninfo(house.superuser));
    let conninfo = wire.conninfo(house.superuser, "otra");
    let mut found = Vec::new();
    house.mvtop(&["check", &conninfo]);
    let elsewhere = |sent: &Sent| sent.parameters.get("database").is_some_and(|name| name == "crm");
    assert!(wire.has(0, elsewhere), "pg_cron's tables were read in its own database");
    note(&wire, "check of another database", true, false, &mut found);

    // A change that is killed while it waits: the next time it is looked what came of it.
    there.run("BEGIN; COMMENT ON MATERIALIZED VIEW app.v_clean IS 'its lock keeps a change waiting, and no reader'");
    let args = ["fix", "view", &conninfo, "--view", "app.v_clean", "--yes"];
    let mut killed = house.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("it waits for its lock", || house.value("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0");
    killed.kill().unwrap();
    killed.wait().unwrap();
    there.run("ROLLBACK");
    wire.take();
    let known = wire.sessions();
    house.mvtop(&["fix", "refresh", &conninfo, "--view", "app.v_clean", "--dry-run"]);
    let looked = |sent: &Sent| sent.parameters.get("application_name").is_some_and(|n| n.contains("action"));
    assert!(wire.has(known, looked), "it was looked what came of it");
    note(&wire, "after an interrupted change", true, false, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
