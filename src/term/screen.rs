//! The alternate screen as a guard: [`Screen::enter`] takes the terminal, dropping it gives the terminal back.

use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, execute, queue};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::panic;
use crate::domain::text::visible;

/// The thread that entered the screen, while it is entered. One process has one terminal.
static ENTERED_BY: Mutex<Option<ThreadId>> = Mutex::new(None);

/// How to take the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Report mouse clicks and the wheel. The terminal's own selection then needs a modifier key, so it is off unless asked for.
    pub mouse: bool,
}

/// The terminal, taken. It is given back when this is dropped, also by a panic.
#[derive(Debug)]
pub struct Screen {
    /// None only while dropping.
    terminal: Option<Terminal<CrosstermBackend<Stdout>>>,
    options: Options,
    /// Set again when the terminal is taken again.
    title: Option<String>,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, pasted text as one event, the window title saved.
    ///
    /// # Errors
    /// There is no terminal, or it does not answer; then it is as it was before.
    pub fn enter(options: Options) -> io::Result<Self> {
        if !io::stdout().is_terminal() {
            let why = "the console needs a terminal, and standard output is not one; \
                       run it in a terminal, or take a command that prints";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let mut screen = Self { terminal: Some(terminal), options, title: None };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        *entered_by() = Some(std::thread::current().id());
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste, Keep::Title)?;
        if self.options.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        if let Some(title) = &self.title {
            queue!(out, SetTitle(title))?;
        }
        out.flush()?;
        // Forgets what was drawn. Terminal::clear would ask the terminal where its cursor is, and wait two seconds for one
        // that does not answer.
        let size = self.terminal().size()?;
        self.terminal().resize(size.into())
    }

    #[expect(clippy::expect_used, reason = "it is taken out only by drop")]
    fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        self.terminal.as_mut().expect("the screen is used after it was dropped")
    }

    /// Draws one frame as one synchronized update, so that no half of it is ever seen.
    ///
    /// # Errors
    /// The terminal is gone. End then: not every process of a lost session is sent a SIGHUP.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal().draw(render).map(|_| ());
        drawn.and(execute!(io::stdout(), EndSynchronizedUpdate))
    }

    /// Sets the window title, hidden characters made visible. The old title comes back when the screen is left.
    ///
    /// # Errors
    /// The terminal no longer takes output.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        let title = self.title.insert(visible(title).into_owned());
        execute!(io::stdout(), SetTitle(title))
    }

    /// Ctrl-Z: gives the terminal back and stops, with the whole process group so that a wrapping script stops too. Returns
    /// when the program goes on, with the terminal taken again; draw then. Where nobody could wake it (no job control) it
    /// returns at once.
    ///
    /// Call it on the main thread: there the signal is delivered before this goes on.
    ///
    /// # Errors
    /// The terminal cannot be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back()?;
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        self.take()
    }

    /// After somebody else stopped and woke the program: takes the terminal again, whatever the shell made of it. Draw then.
    ///
    /// # Errors
    /// The terminal cannot be taken again.
    pub fn resume(&mut self) -> io::Result<()> {
        give_back()?;
        self.take()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let given_back = give_back();
        let cursor_shown = self.terminal().show_cursor();
        if given_back.and(cursor_shown).is_err() {
            // A dead terminal. Dropping ratatui's Terminal would print to it, and that print would panic.
            std::mem::forget(self.terminal.take());
        }
        panic::print_reports();
    }
}

fn entered_by() -> std::sync::MutexGuard<'static, Option<ThreadId>> {
    ENTERED_BY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a screen is entered, and by this thread.
pub(super) enum Entered {
    No,
    Here,
    Elsewhere,
}

pub(super) fn entered() -> Entered {
    match *entered_by() {
        None => Entered::No,
        Some(thread) if thread == std::thread::current().id() => Entered::Here,
        Some(_) => Entered::Elsewhere,
    }
}

/// Gives the terminal back if it was taken. Every step is tried, whatever became of the others.
pub(super) fn give_back() -> io::Result<()> {
    if entered_by().take().is_none() {
        return Ok(());
    }
    let screen_left = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show,
        Keep::OldTitle,
    );
    disable_raw_mode().and(screen_left)
}

/// xterm's stack of titles, which crossterm has no command for; terminals without one ignore it.
enum Keep {
    Title,
    OldTitle,
}

impl Command for Keep {
    fn write_ansi(&self, f: &mut impl std::fmt::Write) -> std::fmt::Result {
        f.write_str(match self {
            Self::Title => "\x1b[22;2t",
            Self::OldTitle => "\x1b[23;2t",
        })
    }
}
