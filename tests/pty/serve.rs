//! `mvtop demo --serve`: one line for other programs, and an end that leaves nothing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::stage::{Folder, until};

/// A served demo and what it printed first.
struct Served {
    child: Child,
    rest: BufReader<ChildStdout>,
    conninfo: String,
}

impl Served {
    fn start(folder: &Folder) -> Served {
        let mut command = folder.command(&["demo", "--serve", "--quiet"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut rest = BufReader::new(child.stdout.take().unwrap());
        let mut conninfo = String::new();
        rest.read_line(&mut conninfo).unwrap();
        Served { child, rest, conninfo: conninfo.trim().to_owned() }
    }

    fn psql(&self, sql: &str) -> String {
        let output = Command::new("psql").args([&self.conninfo, "-XAtc", sql]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("TERM");
        }
    }
}

fn ends_well(signal: &str, code: i32) {
    let folder = Folder::new();
    let mut served = Served::start(&folder);
    assert_eq!(served.psql("SELECT count(*) FROM mv_conversaciones_dashboard"), "3230");
    assert_eq!(served.signal(signal), Some(code));
    let mut more = String::new();
    served.rest.read_to_string(&mut more).unwrap();
    assert_eq!(more, "", "the connection string is all that is printed");
    folder.must_be_empty();
}

#[test]
fn a_served_demo_prints_one_line_that_psql_accepts_and_ends_with_sigint() {
    ends_well("INT", 0);
}

#[test]
fn a_served_demo_ends_well_with_sigterm() {
    ends_well("TERM", 0);
}

#[test]
fn the_next_start_cleans_up_what_a_killed_demo_left() {
    let folder = Folder::new();
    let mut killed = Served::start(&folder);
    assert_eq!(killed.signal("KILL"), None);
    let [left] = folder.demos().try_into().unwrap();
    assert_eq!(killed.psql("SELECT 1"), "1", "its server goes on: there is something to clean up");

    let mut next = Served::start(&folder);
    until("the leftover is gone", || if left.exists() { Err(format!("{left:?}")) } else { Ok(()) });
    assert_eq!(killed.psql("SELECT 1"), "");
    assert_eq!(next.psql("SELECT 1"), "1");
    assert_eq!(next.signal("TERM"), Some(0));
    folder.must_be_empty();
}
