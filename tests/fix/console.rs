//! From the demo to "fixed and scheduled" in three keys, at a real terminal.

#[path = "../support/pty.rs"]
mod pty;

use pty::Pty;

#[test]
fn f_enter_y_refreshes_and_schedules() {
    let mut console = Pty::run(env!("CARGO_BIN_EXE_mvtop"), &["demo", "--quiet"]);
    console.wait("the incident", |c| c.text().contains("Press r to refresh"));
    console.send("f");
    console.wait("the options", |c| c.text().contains("Recommended: Cron job"));
    console.send("\r");
    console.wait("the exact SQL", |c| c.text().contains("BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"));
    console.send("y");
    console.wait("the rest of it", |c| c.text().contains("SELECT cron.schedule('refresh-conversaciones-dashboard'"));
    console.wait("its end", |c| c.text().contains("Way back: mvtop fix cron --undo"));
    console.see_lit();
    console.send("y");
    console.wait("the proof", |c| {
        c.text().contains("now none of 3,230 is") && c.text().contains("refresh-conversaciones")
    });
    console.send("L");
    console.wait("the log", |c| c.text().contains("What was changed") && c.text().contains("done: job 5"));
    console.send("\u{1b}");
    console.wait("the panes", |c| !c.text().contains("What was changed"));
    console.send("q");
    assert_eq!(console.exit(), (0, None));
}
