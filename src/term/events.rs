//! Keys, pasted text, the mouse and resizes, read by a thread of their own, each with the moment at which it was read.
//!
//! Not crossterm's `EventStream`: once a terminal is gone, crossterm 0.29 reads end-of-file from it for ever, inside the poll
//! of whoever asked (its issue 793). That would be the console's own loop, which then never sees the hangup. Here the thread
//! spins, the loop does not, and the end of the process ends the thread.
//!
//! crossterm reads by its feature `use-dev-tty`: without it, a key that comes together with a resize is left in the terminal
//! until the next key, for it forgets what else was ready beside the signal and is told only once (`event/source/unix/mio.rs`).

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};
use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Typed faster than read, a key waits in the terminal.
const WAITING: usize = 64;

/// What happens at the terminal. Nothing is read before [`Events::forget_earlier`] is called first.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<(Event, Instant)>,
    /// Until reading starts.
    sender: Option<Sender<(Event, Instant)>>,
    /// What was typed before does not count.
    since: Instant,
}

impl Events {
    /// Takes note of resizes from now on, and reads nothing yet.
    ///
    /// # Errors
    /// There is no terminal to read from.
    pub fn prepare() -> io::Result<Self> {
        // crossterm installs its handler of the signal, and with no time to wait it reads nothing.
        event::poll(Duration::ZERO)?;
        let (sender, receiver) = channel(WAITING);
        Ok(Self { receiver, sender: Some(sender), since: Instant::now() })
    }

    /// Throws away what was typed up to now and starts reading. Call it after the first frame, and after the first one
    /// when the terminal was taken again: nobody could see before what a key would do.
    ///
    /// # Errors
    /// The terminal is gone, or the system refuses a thread.
    pub fn forget_earlier(&mut self) -> io::Result<()> {
        forget_typed()?;
        self.since = Instant::now();
        let Some(sender) = self.sender.take() else { return Ok(()) };
        thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Ok(event) = event::read()
                && sender.blocking_send((event, Instant::now())).is_ok()
            {}
        })?;
        Ok(())
    }

    /// Waits for the next event and says when it was read; none means that the terminal can no longer be read. Safe to
    /// drop and call again, as `select!` does.
    pub async fn next(&mut self) -> Option<(Event, Instant)> {
        loop {
            match self.receiver.recv().await? {
                (Event::Key(_) | Event::Paste(_) | Event::Mouse(_), read) if read < self.since => {}
                event => return Some(event),
            }
        }
    }
}

/// Throws away what was typed and not read yet, at the terminal that crossterm and the questions of the command line read.
///
/// # Errors
/// There is no terminal, or it is gone.
pub fn forget_typed() -> io::Result<()> {
    let stdin = io::stdin();
    match stdin.is_terminal() {
        true => tcflush(&stdin, FlushArg::TCIFLUSH)?,
        false => tcflush(File::open("/dev/tty")?, FlushArg::TCIFLUSH)?,
    }
    Ok(())
}
