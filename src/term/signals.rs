//! The signals that end, stop or wake the console.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// SIGINT. In raw mode Ctrl-C is a key; this one was sent.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    Hangup,
}

impl Shutdown {
    /// The exit code a shell would report: 128 and the number of the signal.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End, giving the terminal back.
    Shutdown(Shutdown),
    /// The program was stopped and goes on (SIGCONT): call [`Screen::resume`](super::Screen::resume) and draw. If that
    /// fails the terminal is gone, and a hangup follows.
    Continued,
}

/// The signals of this process, listened to from now on: none that arrives between two calls of `next` is lost.
#[derive(Debug)]
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    cont: unix::Signal,
}

impl Signals {
    /// Starts listening; needs a running tokio runtime.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hangup: unix::signal(SignalKind::hangup())?,
            cont: unix::signal(SignalKind::from_raw(nix::libc::SIGCONT))?,
        })
    }

    /// Waits for the next signal. Safe to drop and call again, as `select!` does.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            // A lost terminal sends SIGHUP and SIGCONT at once: ending goes first.
            biased;
            _ = self.hangup.recv() => Signal::Shutdown(Shutdown::Hangup),
            _ = self.terminate.recv() => Signal::Shutdown(Shutdown::Terminate),
            _ = self.interrupt.recv() => Signal::Shutdown(Shutdown::Interrupt),
            _ = self.cont.recv() => Signal::Continued,
        }
    }

    /// Waits for a signal that ends the program: for commands without a screen.
    pub async fn shutdown(&mut self) -> Shutdown {
        loop {
            if let Signal::Shutdown(shutdown) = self.next().await {
                return shutdown;
            }
        }
    }
}
