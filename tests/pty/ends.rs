//! However the console ends, the terminal is as it was, and nothing is left of the demo.

use crate::pty::Pty;
use crate::stage::{Folder, LARGE};

/// The console on its demo, ready.
fn start(folder: &Folder, panic: Option<&str>) -> Pty {
    let mut command = folder.in_terminal(&["demo", "--quiet", "--scale", "400"]);
    if let Some(panic) = panic {
        command.env("MVTOP_PANIC", panic);
    }
    let pty = Pty::open(command, LARGE);
    pty.wait("the console", |pty| pty.entered().is_some());
    pty
}

fn ready(folder: &Folder) -> Pty {
    let pty = start(folder, None);
    pty.see("Osmara Partida");
    assert!(pty.is_taken(), "{}", pty.state());
    assert!(!folder.processes().is_empty() && !folder.demos().is_empty());
    pty
}

fn must_be_over(pty: &mut Pty, folder: &Folder, code: u32) {
    assert_eq!(pty.exit(), (code, None), "{}", pty.state());
    pty.wait("the terminal as it was", Pty::is_given_back);
    folder.must_be_empty();
}

fn ends_by_signal(signal: &str, code: u32) {
    let folder = Folder::new();
    let mut pty = ready(&folder);
    pty.signal(signal);
    must_be_over(&mut pty, &folder, code);
}

fn ends_by_key(keys: &str) {
    let folder = Folder::new();
    let mut pty = ready(&folder);
    pty.send(keys);
    must_be_over(&mut pty, &folder, 0);
}

#[test]
fn sigterm_leaves_the_terminal_as_it_was_and_nothing_else() {
    ends_by_signal("TERM", 143);
}

#[test]
fn sighup_leaves_the_terminal_as_it_was_and_nothing_else() {
    ends_by_signal("HUP", 129);
}

#[test]
fn sigint_leaves_the_terminal_as_it_was_and_nothing_else() {
    ends_by_signal("INT", 130);
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was_and_nothing_else() {
    ends_by_key("\x03");
}

#[test]
fn q_leaves_the_terminal_as_it_was_and_nothing_else() {
    ends_by_key("q");
}

#[test]
fn a_panic_while_drawing_ends_the_console_and_says_so_on_the_terminal_given_back() {
    let folder = Folder::new();
    let mut pty = start(&folder, Some("draw"));
    must_be_over(&mut pty, &folder, 101);
    assert!(pty.shows("MVTOP_PANIC=draw asked for this") && pty.shows("src/program.rs"), "{}", pty.state());
}

#[test]
fn a_panic_of_a_task_does_not_end_the_console_and_is_told_after_it() {
    let folder = Folder::new();
    let mut pty = start(&folder, Some("task"));
    pty.see("values ");
    assert!(pty.is_taken() && !pty.shows("MVTOP_PANIC"), "{}", pty.state());
    pty.press("z", "the console goes on", |pty| !pty.shows("1 Views"));
    pty.send("q");
    must_be_over(&mut pty, &folder, 0);
    assert!(pty.shows("MVTOP_PANIC=task asked for this"), "{}", pty.state());
}

#[test]
fn a_watch_that_breaks_off_ends_the_console_and_says_so() {
    let folder = Folder::new();
    let mut pty = start(&folder, Some("watch"));
    must_be_over(&mut pty, &folder, 3);
    assert!(pty.shows("MVTOP_PANIC=watch asked for this") && pty.shows("broke off"), "{}", pty.state());
}

#[test]
fn a_terminal_that_vanishes_ends_the_demo_too() {
    let folder = Folder::new();
    let mut pty = ready(&folder);
    pty.vanish("j");
    assert_eq!(pty.exit(), (129, None));
    folder.must_be_empty();
}

/// Before the console is there, Ctrl-C is a signal: to the program and to whatever it started in its group.
#[test]
fn ctrl_c_while_the_demo_is_made_leaves_nothing() {
    for phase in ["making a private", "starting PostgreSQL", "writing the CRM", "filling the view"] {
        let folder = Folder::new();
        let mut pty = folder.open(&["demo", "--quiet"], LARGE);
        pty.see(phase);
        pty.send("\x03");
        assert_eq!(pty.exit(), (130, None), "at {phase}: {}", pty.state());
        assert!(folder.processes().is_empty() && folder.demos().is_empty(), "at {phase}: {:?}", folder.demos());
    }
}
