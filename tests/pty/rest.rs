//! At rest: nothing changes, the view is true. What the console then costs the server and the line to the terminal.

use std::time::{Duration, Instant};

use crate::pty::Pty;
use crate::stage::{LARGE, Session, Stage, VIEW, until};

/// How long rest is watched.
const PULSES: f64 = 6.0;

/// psql's `\watch` with the same question writes 376 bytes a second.
const BYTES_A_SECOND: f64 = 250.0;

/// What ran since the last reset, but for what this test asks itself.
const STATEMENTS: &str = "SELECT s.calls, s.query FROM pg_stat_statements s
    JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
    WHERE s.query NOT LIKE '%pg_stat_statements%' AND s.query NOT LIKE '%cron.job_run_details SET%'";

#[test]
fn at_rest_the_server_hears_the_pulse_and_nothing_else_and_the_terminal_little() {
    let stage = Stage::new();
    let session = stage.session();
    session.run(&format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}"));
    let pty = stage.console(LARGE);
    pty.see("is true: all 3,230 rows match");
    let pulse = only_the_pulse(&session);
    let (bytes, seconds) = watch(&session, &pty);
    let rows = session.rows(STATEMENTS);
    let [row] = rows.as_slice() else { panic!("more than the pulse ran: {rows:#?}") };
    assert_eq!(row[1], pulse);
    let calls: f64 = row[0].parse().unwrap();
    assert!((calls - seconds).abs() <= 1.5, "{calls} pulses in {seconds:.1} s");
    let rate = bytes as f64 / seconds;
    println!("at rest: 1 statement text, {calls} calls in {seconds:.1} s, {rate:.0} bytes a second to the terminal");
    assert!(rate < BYTES_A_SECOND, "{rate:.0} bytes a second at rest");
}

/// Waits until what the start brought is over: a second after a reset in which only one statement ran.
fn only_the_pulse(session: &Session<'_>) -> String {
    until("only the pulse runs", || {
        session.run("SELECT pg_stat_statements_reset()");
        let began = Instant::now();
        until("two pulses were taken", || match session.rows(STATEMENTS) {
            rows if rows.iter().any(|row| row[0] == "2") => Ok(()),
            rows => Err(format!("{rows:?}")),
        });
        assert!(began.elapsed() < Duration::from_secs(4), "a pulse is missing");
        match session.rows(STATEMENTS).as_slice() {
            [only] => Ok(only[1].clone()),
            rows => Err(format!("{rows:?}")),
        }
    })
}

/// From a reset on, over so many pulses: the bytes written and the seconds gone by.
fn watch(session: &Session<'_>, pty: &Pty) -> (usize, f64) {
    session.run("SELECT pg_stat_statements_reset()");
    let (began, before) = (Instant::now(), pty.written());
    let pulses = format!("SELECT sum(calls) FROM ({STATEMENTS}) AS s");
    until("enough pulses were taken", || match session.value(&pulses) {
        calls if calls.parse().is_ok_and(|calls: f64| calls >= PULSES) => Ok(()),
        calls => Err(format!("{calls} statements")),
    });
    (pty.written() - before, began.elapsed().as_secs_f64())
}
