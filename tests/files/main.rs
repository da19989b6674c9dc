//! What this program writes to this machine is its user's alone, what it reads there is data, and what comes from a server is
//! visible wherever it is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test's panic is its answer")]

mod full;
mod journal;
mod planted;
mod private;

#[path = "../support/pty.rs"]
mod pty;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use mvtop::demo::{Demo, Options};

/// The program under test.
const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");

/// A small, still demo.
async fn demo() -> Demo {
    let options = Options { rows: 400, traffic: false, ..Options::default() };
    Demo::start(&options, |_| ()).await.unwrap()
}

/// The program with nothing of the caller's settings; its log is in `state`.
fn mvtop(state: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(MVTOP);
    command.args(args).env("XDG_STATE_HOME", state).env("HOME", state).env("XDG_CONFIG_HOME", state);
    for name in ["DATABASE_URL", "MVTOP_LOG", "MVTOP_CONFIG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
