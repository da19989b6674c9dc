//! What is typed into the wrong window, or before anybody could read the question, changes nothing: with the real program,
//! in one burst and at the speed at which people type. What was read and meant is done.

use std::time::Duration;

use portable_pty::CommandBuilder;

use crate::pty::Pty;
use crate::stage::{LARGE, MVTOP, Session, Stage, VIEW, until};

/// In one burst, as what is pasted, and as people type.
const SPEEDS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(60), Duration::from_millis(120)];

const ESC: &str = "\x1b";

/// The view's catalog row and the jobs: what the console could have changed.
fn state(session: &Session<'_>) -> Vec<Vec<String>> {
    session.rows(&format!(
        "SELECT xmin, relfilenode, (SELECT string_agg(j::text, ' ' ORDER BY jobid) FROM cron.job j)
         FROM pg_class WHERE relname = '{VIEW}'"
    ))
}

/// Nothing was changed, and nothing was even begun: the journal knows of no action.
fn nothing_changed(stage: &Stage, before: &[Vec<String>]) {
    assert_eq!(state(&stage.session()), before);
    assert_eq!(journal(stage), "", "an action was begun");
}

/// What was written down of the actions on this stage.
fn journal(stage: &Stage) -> String {
    std::fs::read_to_string(stage.folder.path().join(".local/state/mvtop/actions.jsonl")).unwrap_or_default()
}

/// Types a word into a window where it asks something, and sees that the question still waits for its answer.
fn asks_and_waits(pty: &mut Pty, word: &str, question: &str) {
    for speed in SPEEDS {
        pty.types(word, speed);
        pty.see(question);
        pty.see("Too early: read it first.");
        // The time that it takes to become lit is over, and it is there: nothing was confirmed.
        pty.wait("the end of the wait", |pty| pty.is_lit() || pty.shows("⏎ when it matches"));
        assert!(pty.shows(question), "{word} at {speed:?}: {}", pty.state());
        pty.press(ESC, "no question", |pty| !pty.shows(question));
    }
}

#[test]
fn words_typed_into_the_wrong_window_change_nothing() {
    let stage = Stage::new();
    let before = state(&stage.session());
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    for word in ["try", "ry", "rry", "ryyyyyy", "carry"] {
        asks_and_waits(&mut pty, word, "╭ Refresh mv_conv");
    }
    for speed in SPEEDS {
        pty.types("xy", speed);
        pty.see("that is for the job shown in the cron pane");
        pty.press(ESC, "no message", |pty| !pty.shows("that is for the job shown"));
    }
    // The panes 1 to 4 are a key away, too.
    pty.press("2l", "a job", |pty| pty.shows("◂ "));
    for (word, question) in [("xy", "╭ Remove the job"), ("ny", "╭ Run "), ("py", "the job ")] {
        asks_and_waits(&mut pty, word, question);
    }
    nothing_changed(&stage, &before);
}

#[test]
fn a_yes_that_is_pasted_is_no_answer_and_a_word_into_an_open_question_is_none_either() {
    let stage = Stage::new();
    let before = state(&stage.session());
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    pty.send("r");
    for typed in ["\x1b[200~y\r\x1b[201~y", "try", "\ty\r", "ls\r"] {
        pty.see_lit();
        pty.send(typed);
        pty.see("Too early: read it first.");
        pty.wait("whether it is still asked", |pty| pty.is_lit() || !pty.shows("╭ Refresh mv_conv"));
        if !pty.shows("╭ Refresh mv_conv") {
            pty.send("r");
        }
    }
    nothing_changed(&stage, &before);
}

#[test]
fn a_session_is_ended_by_its_pid_and_a_job_removed_by_its_name_and_by_nothing_less() {
    let stage = Stage::new();
    let other = stage.session();
    other.run(&format!("BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}"));
    let before = state(&stage.session());
    let pid = other.pid();
    let mut pty = stage.console(LARGE);
    pty.see("without a COMMIT");
    asks_and_waits(&mut pty, "Ky", "╭ End the session of postgres");
    asks_and_waits(&mut pty, "Cy", "╭ Cancel what runs in postgres");
    nothing_changed(&stage, &before);
    let watching = stage.session();
    // Not asked of itself: a session that went on to another statement is another one to mvtop.
    let is_there = || watching.value(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}")) == "1";
    assert!(is_there());

    pty.send("K");
    pty.see(&format!("Type the pid, {pid}, and press Enter:"));
    pty.see("⏎ when it matches");
    pty.send("y\r");
    pty.see("✖ it does not match yet");
    pty.send(&format!("\x7f{pid}"));
    pty.see("● it matches");
    pty.see_lit();
    pty.send("\r");
    until("the session is gone", || if is_there() { Err("it is there".to_owned()) } else { Ok(()) });

    let job = watching.value("SELECT jobname FROM cron.job ORDER BY jobid LIMIT 1");
    pty.press("2hhhhhh", "the first job", |pty| pty.shows(&format!("◂ {job}")));
    pty.send("x");
    pty.see("⏎ when it matches");
    pty.types(&job, Duration::from_millis(60));
    pty.see_lit();
    pty.send("\r");
    until("the job is gone", || {
        match watching.value(&format!("SELECT count(*) FROM cron.job WHERE jobname = '{job}'")) {
            none if none == "0" => Ok(()),
            _ => Err("it is there".to_owned()),
        }
    });
    let written = journal(&stage);
    assert!(written.contains("pg_terminate_backend") && written.contains("cron.unschedule"), "{written}");
}

#[test]
fn what_was_typed_before_the_first_frame_is_dropped() {
    let stage = Stage::new();
    let before = state(&stage.session());
    // Each of these would be seen: one leaves, one covers the screen, one makes the pane large.
    for typed in ["q", "?", "z", "ry"] {
        let mut pty = stage.console(LARGE);
        pty.send(typed);
        pty.see("changed 203");
        pty.wait("all panes", |pty| pty.shows("1 Views") && !pty.shows("Keys and signs") && !pty.shows("╭ Refresh "));
        pty.press("z", "the console goes on", |pty| !pty.shows("1 Views"));
    }
    nothing_changed(&stage, &before);
}

#[test]
fn what_was_typed_before_a_question_of_the_command_line_is_no_answer() {
    let stage = Stage::new();
    let before = state(&stage.session());
    for (command, question) in [(&["fix", "refresh"][..], "[y/N]"), (&["verify"][..], "Run it? [y/N]")] {
        let mut pty = stage.folder.open(&[command, &[stage.conninfo()]].concat(), LARGE);
        pty.send("y\ny\n");
        pty.see(question);
        pty.send("n\r");
        let (code, _) = pty.exit();
        assert_ne!(code, 0, "{command:?}: {}", pty.state());
        assert!(!pty.shows("one leaves, one arrives pass"), "{}", pty.state());
    }
    nothing_changed(&stage, &before);
}

#[test]
fn what_was_typed_before_the_frame_after_a_stop_is_dropped_too() {
    let stage = Stage::new();
    // One would leave, and the other ask. Where a pane's number gives it the focus, the keys work again.
    for typed in ["q", "ry"] {
        let mut shell = CommandBuilder::new("bash");
        shell.args(["--norc", "--noprofile", "-i"]);
        shell.env("HOME", stage.folder.path());
        let mut pty = Pty::open(shell, LARGE);
        pty.send(&format!("{MVTOP} '{}'\r", stage.conninfo()));
        pty.see("changed 203");
        pty.press("\x1a", "the shell", |pty| pty.shows("Stopped"));
        pty.send(&format!("fg\r{typed}"));
        pty.see("changed 203");
        until("the console goes on", || {
            pty.send("4");
            if pty.shows("┏ 4 ") { Ok(()) } else { Err(pty.state()) }
        });
        assert!(!pty.shows("╭ Refresh "), "{}", pty.state());
    }
}
