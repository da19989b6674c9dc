//! A program in a pseudo-terminal, with what it shows, for tests that look from outside. Nothing sleeps: a wait ends
//! with the output it waits for, or with a deadline and a picture of the screen.
//!
//! Include it with `#[path = "../support/pty.rs"] mod pty;`.
#![allow(dead_code, clippy::unwrap_used, reason = "shared by several test crates; a test's panic is its answer")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

/// How long anything may take to appear. Generous: the machine may be busy with other tests.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How often what no output announces (the terminal's modes, the program's end) is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A running program and its terminal. Dropping it kills the program.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    /// Kept open so that the terminal's modes can be read after the program ended.
    slave: Option<Box<dyn SlavePty + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    reader: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    seen: Mutex<Seen>,
    /// Rung after each output.
    news: Condvar,
    close: AtomicBool,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// When the alternate screen was entered first.
    entered: Option<Instant>,
}

impl Pty {
    /// Starts the program on a terminal of 24 rows and 100 columns.
    pub fn run(program: &str, args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(program);
        command.args(args);
        Self::open(command, (100, 24))
    }

    /// Starts a program on a terminal of so many columns and rows.
    pub fn open(mut command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let seen = Seen { screen: parser(columns, rows), raw: Vec::new(), entered: None };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), news: Condvar::new(), close: AtomicBool::new(false) });
        let output = pair.master.try_clone_reader().unwrap();
        let reader = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read(output, &shared)
        });
        Self {
            child,
            slave: Some(pair.slave),
            writer: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            reader: Some(reader),
            shared,
        }
    }

    /// Types keys.
    pub fn send(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Types keys one after another, so far apart as a person types them.
    pub fn types(&mut self, keys: &str, apart: Duration) {
        for key in keys.chars() {
            let next = Instant::now() + apart;
            self.send(&key.to_string());
            while let Some(left) = next.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                std::thread::park_timeout(left);
            }
        }
    }

    /// Types keys and waits for what they must bring: how long that took.
    pub fn press(&mut self, keys: &str, what: &str, is_seen: impl Fn(&Self) -> bool) -> Duration {
        let began = Instant::now();
        self.send(keys);
        self.wait(&format!("{what} after {keys:?}"), is_seen);
        began.elapsed()
    }

    /// Gives the terminal another size, as a person who drags the window's corner does.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let [r, c] = [rows, columns].map(|n| NonZeroU16::new(n).unwrap());
        // The emulator first: the program draws for the new size as soon as it hears of it.
        self.shared.seen.lock().unwrap().screen.screen_mut().set_size(r, c);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Presses the keys that open a question, waits until its yes counts, and says yes.
    pub fn confirm(&mut self, keys: &str) {
        self.send(keys);
        self.see_lit();
        self.send("y");
    }

    /// Waits until the yes of the question on the screen counts.
    pub fn see_lit(&self) {
        self.wait("a lit yes", Self::is_lit);
    }

    /// Does the yes of the question on the screen count? Then its key stands behind it, and no reason why not yet.
    pub fn is_lit(&self) -> bool {
        let buttons = self.line(" Cancel  Esc ");
        let deed = buttons.as_deref().and_then(|line| line.split_once(" Cancel  Esc ")?.1.split('│').next());
        deed.is_some_and(|deed| deed.trim_end().ends_with("  y") || deed.trim_end().ends_with("  ⏎"))
    }

    /// Sends a signal by its name without SIG.
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn signal_quietly(&self, name: &str) {
        let _ = self.child.process_id().map(|id| Command::new("kill").args(["-s", name, &id.to_string()]).output());
    }

    /// The program's process number.
    pub fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Closes the terminal under the program, as a lost connection does. `key` must make it write once more, which lets
    /// the reading thread go.
    pub fn vanish(&mut self, key: &str) {
        self.shared.close.store(true, Ordering::SeqCst);
        self.send(key);
        self.reader.take().unwrap().join().unwrap();
        self.writer = None;
        self.slave = None;
        self.master = None;
    }

    /// The text on the screen now.
    pub fn text(&self) -> String {
        self.shared.seen.lock().unwrap().screen.screen().contents()
    }

    /// The first line on the screen that contains it.
    pub fn line(&self, part: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(part)).map(str::to_owned)
    }

    /// Is it on the screen?
    pub fn shows(&self, part: &str) -> bool {
        self.text().contains(part)
    }

    /// The cells on the screen now.
    pub fn screen(&self) -> vt100::Screen {
        self.shared.seen.lock().unwrap().screen.screen().clone()
    }

    /// Every byte written so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shared.seen.lock().unwrap().raw).into_owned()
    }

    /// How many bytes were written so far.
    pub fn written(&self) -> usize {
        self.shared.seen.lock().unwrap().raw.len()
    }

    /// When the program entered the alternate screen.
    pub fn entered(&self) -> Option<Instant> {
        self.shared.seen.lock().unwrap().entered
    }

    /// Alternate screen, hidden cursor, raw mode, marked paste.
    pub fn is_taken(&self) -> bool {
        let screen = self.screen();
        screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste() && !self.is_cooked()
    }

    /// None of these, and no mouse reports.
    pub fn is_given_back(&self) -> bool {
        let screen = self.screen();
        let is_silent = screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && is_silent
            && self.is_cooked()
    }

    /// Does the terminal show what is typed?
    pub fn echoes(&self) -> bool {
        let modes = self.master.as_ref().and_then(|master| master.get_termios()).unwrap();
        format!("{:?}", modes.local_flags).split(|c: char| !c.is_alphanumeric()).any(|flag| flag == "ECHO")
    }

    fn is_cooked(&self) -> bool {
        let modes = self.master.as_ref().and_then(|master| master.get_termios()).unwrap();
        let flags = format!("{:?}", modes.local_flags);
        flags.contains("ICANON") && flags.contains("ECHO") && flags.contains("ISIG")
    }

    /// What is seen, for messages.
    pub fn state(&self) -> String {
        let screen = self.screen();
        format!(
            "alternate {}, cursor hidden {}, paste {}, cooked {}, text:\n{}",
            screen.alternate_screen(),
            screen.hide_cursor(),
            screen.bracketed_paste(),
            self.is_cooked(),
            self.text()
        )
    }

    /// Waits until something is seen.
    pub fn wait(&self, what: &str, is_seen: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut known = self.written();
        while !is_seen(self) {
            assert!(Instant::now() < deadline, "waited in vain for {what}; {}", self.state());
            known = self.next_output(known);
        }
    }

    /// Waits until a text is on the screen.
    pub fn see(&self, part: &str) {
        self.wait(&format!("{part:?}"), |pty| pty.shows(part));
    }

    /// Waits until more than `known` bytes were written, but only for a moment; how many there are now.
    fn next_output(&self, known: usize) -> usize {
        let seen = self.shared.seen.lock().unwrap();
        let is_old = |seen: &mut Seen| seen.raw.len() <= known;
        self.shared.news.wait_timeout_while(seen, LOOK, is_old).unwrap().0.raw.len()
    }

    /// Waits for the end: the exit code, and the signal if one killed it.
    pub fn exit(&mut self) -> (u32, Option<String>) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), status.signal().map(str::to_owned));
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::park_timeout(LOOK);
        }
    }
}

impl Drop for Pty {
    /// Asks first: a program that is killed cannot clean up, and a test that failed should leave nothing either.
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            self.signal_quietly("TERM");
            std::thread::park_timeout(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, ..PtySize::default() }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    let [rows, columns] = [rows, columns].map(|n| NonZeroU16::new(n).unwrap());
    vt100::Parser::new(rows, columns, 0)
}

fn read(mut output: Box<dyn Read + Send>, shared: &Shared) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut bytes) {
        let mut seen = shared.seen.lock().unwrap();
        seen.screen.process(&bytes[..count]);
        seen.raw.extend_from_slice(&bytes[..count]);
        if seen.entered.is_none() && seen.screen.screen().alternate_screen() {
            seen.entered = Some(Instant::now());
        }
        drop(seen);
        shared.news.notify_all();
        if shared.close.load(Ordering::SeqCst) {
            return;
        }
    }
}
