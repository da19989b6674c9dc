//! Makes the pictures in `screenshots/` from the real program on the real demo: `make screenshots`.
//!
//! Each shot starts the demo in a pseudo-terminal, presses keys, waits for what must be on the screen, and draws the
//! terminal's cells as SVG and PNG.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool for the repository")]

#[path = "picture.rs"]
mod picture;
#[path = "pty.rs"]
mod pty;

use std::path::{Path, PathBuf};

use picture::Look;
use portable_pty::CommandBuilder;
use pty::Pty;

/// One picture: its file, the theme and the terminal, and the steps to it: keys to press, and what must be seen then.
struct Shot {
    name: &'static str,
    theme: &'static str,
    size: (u16, u16),
    steps: &'static [(&'static str, &'static str)],
}

const READY: (&str, &str) = ("", "CRITICAL");
const COMPARED: (&str, &str) = ("", "misplaced");

const SHOTS: &[Shot] = &[
    Shot { name: "incident", theme: "night", size: (120, 36), steps: &[READY, COMPARED] },
    Shot { name: "refresh", theme: "night", size: (120, 36), steps: &[READY, COMPARED, ("r", "y yes")] },
    Shot {
        name: "healed",
        theme: "night",
        size: (120, 36),
        steps: &[READY, COMPARED, ("r", "y yes"), ("y", "now none of")],
    },
    Shot {
        name: "drill",
        theme: "night",
        size: (120, 36),
        steps: &[READY, COMPARED, ("v", "166 moved"), ("", "ejecutivo_nombre")],
    },
    Shot { name: "small", theme: "night", size: (80, 24), steps: &[READY, COMPARED] },
    Shot { name: "day", theme: "day", size: (120, 36), steps: &[READY, COMPARED, ("2", "2 Cron history")] },
    Shot { name: "terminal", theme: "terminal", size: (120, 36), steps: &[READY, COMPARED] },
];

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for shot in SHOTS.iter().filter(|s| wanted.is_empty() || wanted.iter().any(|w| w == s.name)) {
        take(shot, &folder);
        println!("screenshots/{}.png", shot.name);
    }
}

fn take(shot: &Shot, folder: &Path) {
    let mut command = CommandBuilder::new(program());
    command.args(["demo", "--quiet", "--theme", shot.theme]);
    command.env("COLORTERM", "truecolor");
    let mut pty = Pty::open(command, shot.size);
    for (keys, seen) in shot.steps {
        if !keys.is_empty() {
            pty.send(keys);
        }
        pty.wait(seen, |pty| pty.text().contains(seen));
    }
    let buffer = picture::buffer_from_vt100(&at_rest(&pty));
    let look = if shot.theme == "day" { Look::light() } else { Look::dark() };
    let svg = picture::svg(&buffer, "mvtop demo", &look);
    std::fs::write(folder.join(format!("{}.svg", shot.name)), &svg).unwrap();
    picture::png(&svg, &folder.join(format!("{}.png", shot.name)));
    pty.send("\u{3}");
    pty.exit();
}

/// The screen when a frame is whole: the same in two looks between the seconds at which ages tick.
fn at_rest(pty: &Pty) -> vt100::Screen {
    loop {
        let before = pty.screen();
        std::thread::sleep(std::time::Duration::from_millis(120));
        if pty.screen().contents() == before.contents() {
            return before;
        }
    }
}

/// The program beside this example, built by the same cargo with the same profile.
fn program() -> PathBuf {
    let example = std::env::current_exe().unwrap();
    example.parent().and_then(Path::parent).unwrap().join("mvtop")
}
