//! Every read of the view hangs, or the whole server: the keys answer at once, and the panes say what they wait for.

use std::time::Duration;

use crate::pty::Pty;
use crate::stage::{LARGE, Stage, Stopped, VIEW};

/// How soon the usual key must have changed the screen, and every key: a key that waited for the server would wait for
/// as long as the test keeps it away; the room is for a busy machine.
const AT_ONCE: Duration = Duration::from_millis(100);
const NEVER_WAITING: Duration = Duration::from_secs(2);

#[test]
fn every_key_answers_at_once_while_another_session_keeps_the_view_locked() {
    let stage = Stage::new();
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    let locker = stage.session();
    locker.run(&format!("BEGIN; REFRESH MATERIALIZED VIEW {VIEW}"));
    let holder = format!("postgres (somebody else, pid {})", locker.pid());
    pty.wait("who keeps readers waiting, since when", |pty| {
        pty.line("has it locked for ").is_some_and(|line| line.contains(&holder[..20]))
    });
    pty.see("running");
    // A console opened now cannot even read the view's definition, and still tells by whom.
    let fresh = stage.console(LARGE);
    fresh.see("has held its lock for ");
    every_key_answers_at_once(&mut pty);
    // The rows can be asked for; that they cannot be read is said, and healed later.
    pty.send("b");
    pty.wait("why there are no rows", |pty| pty.shows("reading for ") || pty.shows("holds a lock"));

    locker.run("COMMIT");
    pty.see("Every row here is as it should be.");
    // Whether the values match, too, is looked at when the budget allows it.
    let is_healed = |pty: &Pty| pty.shows("is true: all 3,230 rows match") || pty.shows("all 3,230 rows in place");
    pty.wait("the console healed", is_healed);
    fresh.wait("the console opened meanwhile healed", is_healed);
}

#[test]
fn every_key_answers_at_once_while_the_server_is_stopped() {
    let stage = Stage::new();
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    let stopped = Stopped::now(stage.demo.server_pid().unwrap());
    pty.wait("since when it is silent", |pty| {
        pty.line("has not answered for ").is_some_and(|line| line.contains("UNKNOWN"))
    });
    pty.see("What is shown was known ");
    every_key_answers_at_once(&mut pty);
    pty.send("r");
    pty.see("the server does not answer");
    pty.send("b");
    pty.see("the rows that differ are read as soon as the server answers");
    drop(stopped);
    pty.see("29 moved (29 to another coordinacion)");
    pty.send("\x1b");
    pty.see("✖ CRITICAL");
    assert!(!pty.shows("has not answered"), "{}", pty.state());
}

#[test]
fn a_demo_whose_server_is_stopped_ends_and_leaves_no_process() {
    let folder = crate::stage::Folder::new();
    let mut pty = folder.open(&["demo", "--quiet"], LARGE);
    pty.see("changed 203");
    let [home] = folder.demos().try_into().unwrap();
    let pid = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    let _stopped = Stopped::now(pid.lines().next().unwrap().parse().unwrap());
    pty.send("q");
    assert_eq!(pty.exit(), (0, None));
    folder.must_be_empty();
}

/// A key, what it must bring, and how that is seen.
type Key = (&'static str, &'static str, fn(&Pty) -> bool);

/// Presses all kinds of keys and times how long each took to change the screen.
fn every_key_answers_at_once(pty: &mut Pty) {
    let keys: [Key; 14] = [
        ("?", "the help", |pty| pty.shows("refresh the selected view (asks first)")),
        ("\x1b", "no help", |pty| !pty.shows("refresh the selected view (asks first)")),
        ("s", "another order", |pty| pty.shows("by name")),
        ("s", "another order", |pty| pty.shows("by view")),
        ("s", "another order", |pty| pty.shows("by live")),
        ("s", "the first order", |pty| pty.shows("worst first")),
        ("1", "the first pane", |pty| pty.shows("┏ 1 Views")),
        ("\t", "the next pane", |pty| pty.shows("┏ 2 Cron history")),
        ("3", "the third pane", |pty| pty.shows("┏ 3 Ejecutivos")),
        ("z", "one pane", |pty| !pty.shows("1 Views")),
        ("z", "all panes", |pty| pty.shows("1 Views")),
        ("/osm", "the filter", |pty| pty.shows("1 of 48 · /osm")),
        ("\x1b", "no filter", |pty| pty.shows("48 · worst first")),
        ("t", "another theme", |pty| pty.text().lines().any(|line| line.starts_with(" theme "))),
    ];
    let mut took: Vec<Duration> = keys.into_iter().map(|(key, what, is_seen)| pty.press(key, what, is_seen)).collect();
    took.sort();
    println!("the usual key took {:?}, the slowest {:?}", took[took.len() / 2], took[took.len() - 1]);
    assert!(took[took.len() / 2] < AT_ONCE, "{took:?}");
    assert!(took[took.len() - 1] < NEVER_WAITING, "{took:?}");
}
