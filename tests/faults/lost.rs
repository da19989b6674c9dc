//! The server goes away under the console and comes back.

use crate::pty::Pty;
use crate::stage::{LARGE, Stage};

#[test]
fn a_server_that_dies_and_comes_back_takes_nothing_from_the_screen() {
    let stage = Stage::new();
    let mut pty = ready(&stage);
    stage.demo.stop_server().unwrap();
    says_since_when_it_is_gone(&pty);
    // What was known stays: the filter, its row, the counts.
    assert!(pty.shows("1 of 48 · /osm") && pty.shows("│  166     0  -166 │   0   29   +29 │"), "{}", pty.state());
    pty.send("r");
    pty.see("the server does not answer");
    stage.demo.start_server().unwrap();
    is_back(&pty);
    assert!(pty.shows("1 of 48 · /osm") && pty.shows("│  166     0  -166 │   0   29   +29 │"), "{}", pty.state());
    pty.send("\r");
    pty.see("166 moved (29 to another coordinacion, 137 to another ejecutivo)");
}

#[test]
fn the_rows_looked_at_stay_when_the_server_dies_and_are_read_again_when_it_is_back() {
    let stage = Stage::new();
    let mut pty = ready(&stage);
    pty.send("b");
    pty.see("1 of 29");
    pty.send("j");
    pty.see("2 of 29");
    pty.wait("its values", |pty| pty.shows("coordinacion_codigo"));
    stage.demo.stop_server().unwrap();
    says_since_when_it_is_gone(&pty);
    assert!(pty.shows("2 of 29") && pty.shows("29 moved"), "{}", pty.state());
    stage.demo.start_server().unwrap();
    is_back(&pty);
    pty.see("2 of 29");
    pty.wait("its values", |pty| pty.shows("coordinacion_codigo"));
    pty.send("\x1b");
    pty.see("1 of 48 · /osm");
}

#[test]
fn a_console_opened_before_its_server_says_so_and_fills_when_it_is_there() {
    let stage = Stage::new();
    stage.demo.stop_server().unwrap();
    let pty = stage.console(LARGE);
    pty.see("? UNKNOWN");
    pty.see("No connection for ");
    stage.demo.start_server().unwrap();
    pty.see("Osmara Partida sees VEN 166 instead of 0");
}

/// Everything measured, filtered to Osmara.
fn ready(stage: &Stage) -> Pty {
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    pty.send("/osm\r");
    pty.see("1 of 48 · /osm");
    pty.see("r refresh");
    pty
}

fn says_since_when_it_is_gone(pty: &Pty) {
    pty.see("? UNKNOWN");
    pty.wait("since when", |pty| {
        pty.line("No connection for ").is_some_and(|line| seconds(&line, "No connection for ") >= 1)
    });
    pty.wait("how old it is", |pty| {
        pty.line("What is shown was known ").is_some_and(|line| seconds(&line, " known ") >= 1)
    });
    pty.see("Trying again by itself; tried ");
}

/// By itself, with ages that are younger than the outage.
fn is_back(pty: &Pty) {
    pty.see("✖ CRITICAL");
    pty.wait("no trace of the outage", |pty| !pty.shows("No connection") && !pty.shows("What is shown was known"));
}

/// The number of seconds after some words.
fn seconds(line: &str, after: &str) -> u32 {
    let rest = line.split(after).nth(1).unwrap_or_default();
    rest.split('s').next().unwrap_or_default().parse().unwrap_or_default()
}
