//! What a person does with the program, one face after the other, and what planted code made of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::{House, text, until};
use crate::planted::{Mark, gains};
use crate::pty::Pty;

/// Views that a proof's Test 2 writes below.
pub const WRITTEN: [&str; 8] =
    ["v_clean", "v_all", "v_trigger", "v_generated", "v_check", "v_partition", "v_rule", "v_index_below"];

/// All fixes of the command line with their ways back.
const FIXES: [&[&str]; 12] = [
    &["refresh"],
    &["cron", "--schedule", "0 0 29 2 *"],
    &["pause"],
    &["resume"],
    &["run"],
    &["cron", "--undo"],
    &["triggers"],
    &["triggers", "--undo"],
    &["index", "--columns", "id"],
    &["index", "--undo"],
    &["view"],
    &["view", "--undo"],
];

/// What was found: who gained what by which face.
#[derive(Default)]
pub struct Gained(String);

impl Gained {
    /// Does something and notes what planted code gained meanwhile.
    pub fn by<T>(&mut self, house: &House, face: &str, act: impl FnOnce() -> T) -> T {
        let begin = house.log_length();
        let outcome = act();
        // A server process writes its lines before it answers, so all of them are there.
        self.note(face, &gains(&house.log_since(begin), house.owner));
        outcome
    }

    /// A line for each role that code ran as: which kinds, and one's statement.
    fn note(&mut self, face: &str, marks: &[Mark]) {
        let users: BTreeSet<_> = marks.iter().map(|mark| (&mark.user, &mark.becomes)).collect();
        for user in users {
            let marks: Vec<&Mark> = marks.iter().filter(|mark| (&mark.user, &mark.becomes) == user).collect();
            let kinds = marks.iter().map(|mark| mark.kind.as_str()).collect::<Vec<_>>().join(", ");
            writeln!(self.0, "{face}: {kinds}; such as {}", marks[0]).unwrap();
        }
    }

    /// Nobody gained anything.
    pub fn must_be_nothing(&self) {
        assert!(self.0.is_empty(), "planted code gained rights:\n{}", self.0);
    }
}

/// Faces that only look; `for_long`: those, too, that watch for some seconds.
pub fn look(house: &House, conninfo: &str, for_long: bool, gained: &mut Gained) {
    let document = gained.by(house, "check", || house.checked(conninfo, &[]));
    let views = document["views"].as_array().unwrap();
    let clean = views.iter().find(|view| view["view"] == "app.v_clean").unwrap();
    assert_eq!(clean["drift"]["moved"], 2, "whatever stands beside it, this view is compared: {clean:#}");
    if for_long {
        gained.by(house, "check --json --watch and fix", || {
            let watching = house.command(&["check", conninfo, "--json", "--watch", "2s"]).spawn().unwrap();
            house.mvtop(&["fix", conninfo, "--view", "app.v_all"]);
            watching.wait_with_output().unwrap()
        });
    }
    gained.by(house, "the console", || console(house, conninfo));
    for fix in ["refresh", "triggers", "view"] {
        let face = format!("fix {fix} --dry-run");
        gained.by(house, &face, || house.mvtop(&["fix", fix, conninfo, "--view", "app.v_all", "--dry-run"]));
    }
    gained.by(house, "init", || house.mvtop(&["init", conninfo, "--print"]));
}

/// The proof, which writes one row and takes it back.
pub fn prove(house: &House, conninfo: &str, views: &[&str], gained: &mut Gained) {
    for view in views {
        let view = format!("app.{view}");
        gained.by(house, &format!("verify {view}"), || house.mvtop(&["verify", conninfo, "--view", &view, "--yes"]));
    }
}

/// All fixes, each confirmed, and their ways back. On a view with nobody's code in it all of them are to be had, however
/// much stands in public: so `must_work`.
pub fn mend(house: &House, conninfo: &str, view: &str, must_work: bool, gained: &mut Gained) {
    for fix in FIXES {
        // An index is offered where there is none.
        if fix.first() == Some(&"index") && view == "app.v_clean" {
            continue;
        }
        let face = format!("fix {} on {view}", fix.join(" "));
        let args = [&["fix", fix[0], conninfo, "--view", view, "--yes"], &fix[1..]].concat();
        let output = gained.by(house, &face, || house.mvtop(&args));
        assert!(!must_work || output.status.success(), "{face}: {}", text(&output));
        if fix == ["view"] {
            gained.by(house, "check of a plain view", || house.mvtop(&["check", conninfo, "--view", view]));
            gained.by(house, "fix of a plain view", || house.mvtop(&["fix", conninfo, "--view", view]));
        }
    }
}

/// Watches some pulses, looks at rows, at what can be done and at the columns, and leaves.
pub fn console(house: &House, conninfo: &str) {
    let begin = house.log_length();
    let mut pty = house.console(&["--budget", "100", conninfo]);
    pty.see("v_clean");
    // The program's sessions sent so many statements: that is some pulses and looks.
    let sent = || house.log_since(begin).lines().filter(|line| line.contains("|mvtop")).count();
    until("the console looked", || sent() > 60);
    for keys in ["\r", "\x1b", "f", "\x1b", "o", "\x1b", "j", "\r", "\x1b", "w", "R"] {
        look_after(&mut pty, keys);
    }
    let known = sent();
    until("the console took more pulses", || sent() > known + 3);
    pty.send("q");
    pty.exit();
}

/// Presses keys, and gives the screen a moment to change. Not every key changes every screen.
fn look_after(pty: &mut Pty, keys: &str) {
    let before = pty.text();
    pty.send(keys);
    let end = Instant::now() + Duration::from_millis(700);
    while pty.text() == before && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
