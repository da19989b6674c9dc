//! Keys, pasted text, the mouse and resizes, read by a thread of their own.
//!
//! Not crossterm's `EventStream`: once a terminal is gone, crossterm 0.29 reads end-of-file from it for ever, inside the poll
//! of whoever asked (its issue 793). That would be the console's own loop, which then never sees the hangup. Here the thread
//! spins, the loop does not, and the end of the process ends the thread.
//!
//! crossterm reads by its feature `use-dev-tty`: without it, a key that comes together with a resize is left in the terminal
//! until the next key, for it forgets what else was ready beside the signal and is told only once (`event/source/unix/mio.rs`).

use std::io;
use std::thread;

use crossterm::event::{self, Event};
use tokio::sync::mpsc::{Receiver, channel};

/// Typed faster than read, a key waits in the terminal.
const WAITING: usize = 64;

/// What happens at the terminal, from now on. Listen once, after entering the screen.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<Event>,
}

impl Events {
    /// Starts reading.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn listen() -> io::Result<Self> {
        let (sender, receiver) = channel(WAITING);
        thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Ok(event) = event::read()
                && sender.blocking_send(event).is_ok()
            {}
        })?;
        Ok(Self { receiver })
    }

    /// Waits for the next event; none means that the terminal can no longer be read. Safe to drop and call again, as
    /// `select!` does.
    pub async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}
