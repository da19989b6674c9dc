//! The night of the incident: one command, what is wrong is on the screen, and one key makes it right.

use std::time::{Duration, Instant};

use crate::pty::Pty;
use crate::stage::{Folder, LARGE, SMALL, osmara};

/// How long after the console's first frame the data may come.
const SOON: Duration = Duration::from_secs(5);

/// More lines than a dialog has at the smallest size.
const LONGEST_DIALOG: usize = 100;

const SQL: [&str; 7] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;",
    "SET LOCAL lock_timeout = '3s';",
    "SET LOCAL statement_timeout = 0;",
    "SET LOCAL search_path = pg_catalog, pg_temp;",
    "-- fails unless it is still as shown here",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY \"public\".\"mv_conversaciones_dashboard\";",
    "COMMIT;",
];

#[test]
fn a_person_sees_the_incident_and_heals_it_on_a_large_terminal() {
    let folder = Folder::new();
    let mut pty = incident(&folder, &["demo"], LARGE);
    // With the traffic on, somebody may have written since.
    pty.wait("before → after", |pty| {
        pty.line("rows were wrong, now").is_some_and(|line| line.contains("refreshed in"))
    });
    leave(&mut pty, &folder);
}

#[test]
fn a_person_sees_the_incident_and_heals_it_on_a_small_terminal() {
    let folder = Folder::new();
    let mut pty = incident(&folder, &["demo", "--quiet"], SMALL);
    pty.wait("all of before → after", |pty| {
        // It stands on two lines here, and nothing of it is cut.
        let words = pty.text().split_whitespace().collect::<Vec<_>>().join(" ");
        words.contains("461 rows were wrong, now none of 3,230 is.")
    });
    pty.see("▲ WARNING");
    pty.see("No cron job refreshes it.");
    leave(&mut pty, &folder);
}

fn incident(folder: &Folder, args: &[&str], size: (u16, u16)) -> Pty {
    let mut pty = folder.open(args, size);
    pty.wait("Osmara's rows", |pty| is_osmara(pty, &["0", "29", "+29"], &["166", "0", "-166"]));
    let took = Instant::now() - pty.entered().unwrap();
    println!("{}×{}: data {took:?} after the first frame", size.0, size.1);
    assert!(took < SOON, "data came {took:?} after the first frame");
    // 258 of 3,230; the traffic adds to it.
    pty.wait("the verdict", |pty| pty.line("CRITICAL").is_some_and(|l| l.contains("_dashboard is wrong: 2")));
    pty.see("changed 203");
    for seen in ["Osmara Partida sees VEN 166 instead of 0, BOOM 0 instead of 29", "Press r to refresh"] {
        pty.see(seen.split_at(if size == SMALL { 60.min(seen.len()) } else { seen.len() }).0);
    }
    pty.send("r");
    pty.see("▸ Cancel");
    for statement in SQL {
        read_on(&mut pty, statement, |pty| in_dialog(pty).contains(statement));
    }
    read_on(&mut pty, "the end", |pty| !pty.shows("shows the rest"));
    assert!(!pty.shows("▸ Refresh"), "Cancel has the focus: {}", pty.state());
    pty.see_lit();
    pty.send("y");
    pty.wait("Osmara's rows in their place", |pty| is_osmara(pty, &["29", "29", "="], &["0", "0"]));
    pty
}

/// Scrolls the dialog line by line until it is so. The dialog's figures move by themselves, so that a change of its
/// text is no proof of a line that was still to come: hence the bound.
fn read_on(pty: &mut Pty, sought: &str, is_so: impl Fn(&Pty) -> bool) {
    for _ in 0..LONGEST_DIALOG {
        if is_so(pty) {
            return;
        }
        let before = in_dialog(pty);
        pty.send("\u{1b}[B");
        pty.wait("a line further down", |pty| in_dialog(pty) != before);
    }
    panic!("{sought:?} is not in the dialog: {}", pty.state());
}

/// The dialog's text without its frame; where it is wrapped, a space.
fn in_dialog(pty: &Pty) -> String {
    let text = pty.text();
    let Some(left) = text.lines().find_map(|line| line.find("╭ Refresh ").map(|at| line[..at].chars().count()))
    else {
        return String::new();
    };
    let inside = text.lines().skip_while(|line| !line.contains("╭ Refresh ")).skip(1).filter_map(|line| {
        let mut rest = line.chars().skip(left);
        (rest.next()? == '│').then(|| rest.take_while(|c| *c != '│').collect::<String>())
    });
    inside.flat_map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>().join(" ")
}

fn is_osmara(pty: &Pty, boom: &[&str], ven: &[&str]) -> bool {
    osmara(pty, "BOOM").is_some_and(|cells| cells == boom) && osmara(pty, "VEN").is_some_and(|cells| cells == ven)
}

fn leave(pty: &mut Pty, folder: &Folder) {
    pty.send("q");
    assert_eq!(pty.exit(), (0, None));
    folder.must_be_empty();
}
