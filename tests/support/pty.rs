//! A program in a pseudo-terminal, with what it shows, for tests that look from outside. Waits poll with a deadline.
//!
//! Include it with `#[path = "support/pty.rs"] mod pty;`.
#![allow(dead_code, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

const ROWS: u16 = 24;
const COLUMNS: u16 = 100;
const DEADLINE: Duration = Duration::from_secs(20);

/// A running program and its terminal. Dropping it kills the program.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    /// Kept open so that the terminal's modes can be read after the program ended.
    slave: Option<Box<dyn SlavePty + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    reader: Option<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
    close: Arc<AtomicBool>,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
}

impl Pty {
    /// Starts the program on a terminal of 24 rows and 100 columns.
    pub fn run(program: &str, args: &[&str]) -> Self {
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let [rows, columns] = [ROWS, COLUMNS].map(|n| NonZeroU16::new(n).unwrap());
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(rows, columns, 0),
            raw: Vec::new(),
        }));
        let close = Arc::new(AtomicBool::new(false));
        let output = pair.master.try_clone_reader().unwrap();
        let reader = std::thread::spawn({
            let (seen, close) = (Arc::clone(&seen), Arc::clone(&close));
            move || read(output, &seen, &close)
        });
        Self {
            child,
            slave: Some(pair.slave),
            writer: Some(pair.master.take_writer().unwrap()),
            master: Some(pair.master),
            reader: Some(reader),
            seen,
            close,
        }
    }

    /// Types keys.
    pub fn send(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Sends a signal by its name without SIG.
    pub fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Closes the terminal under the program, as a lost connection does. The reading thread goes after the next output, so
    /// the program must be one that draws now and then.
    pub fn vanish(&mut self) {
        self.close.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        self.writer = None;
        self.slave = None;
        self.master = None;
    }

    /// The text on the screen now.
    pub fn text(&self) -> String {
        self.seen.lock().unwrap().screen.screen().contents()
    }

    /// The cells on the screen now.
    pub fn screen(&self) -> vt100::Screen {
        self.seen.lock().unwrap().screen.screen().clone()
    }

    /// Every byte written so far.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap().raw).into_owned()
    }

    /// Alternate screen, hidden cursor, raw mode, marked paste.
    pub fn is_taken(&self) -> bool {
        let screen = self.screen();
        screen.alternate_screen()
            && screen.hide_cursor()
            && screen.bracketed_paste()
            && !self.is_cooked()
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

    fn is_cooked(&self) -> bool {
        let modes = self
            .master
            .as_ref()
            .and_then(|master| master.get_termios())
            .unwrap();
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
    pub fn wait(&mut self, what: &str, is_seen: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is_seen(self) {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; {}",
                self.state()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the end: the exit code, and the signal if one killed it.
    pub fn exit(&mut self) -> (u32, Option<String>) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.exit_code(), status.signal().map(str::to_owned));
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut output: Box<dyn Read + Send>, seen: &Mutex<Seen>, close: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut bytes) {
        let mut seen = seen.lock().unwrap();
        seen.screen.process(&bytes[..count]);
        seen.raw.extend_from_slice(&bytes[..count]);
        if close.load(Ordering::SeqCst) {
            return;
        }
    }
}
