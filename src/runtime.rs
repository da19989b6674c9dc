//! The console's one loop: whatever happens becomes a message, whatever is to be done becomes a task.
//!
//! It never awaits the database: probes and actions run in their own tasks and answer with messages.

use std::time::{Duration, Instant};

use chrono::Utc;
use crossterm::event::{Event, KeyEventKind};
use ratatui::Frame;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use crate::app::model::Dialog;
use crate::app::{Cmd, Model, Msg, Rest, set_clock, update};
use crate::domain::server::Link;
use crate::journal::Journal;
use crate::pg::conninfo::Target;
use crate::term::{Events, Screen, Shutdown, Signal, Signals};
use crate::theme::Theme;
use crate::watch::{Request, Watch};

/// Ages tick with each pulse, once a second, or at rest with some of them ([`Rest`]); without a connection, by themselves.
const TICK: Duration = Duration::from_secs(1);

/// How long after leaving a cancelled refresh may take to hear of it.
const FAREWELL: Duration = Duration::from_millis(300);

/// What the loop works with.
pub struct Console {
    /// The state.
    pub model: Model,
    /// The themes, in the order of the Model's list.
    pub themes: Vec<Theme>,
    /// The watch on the database.
    pub watch: Watch,
    /// Where actions connect.
    pub target: Target,
    /// Where actions are written down.
    pub journal: Journal,
    /// What draws a frame: [`crate::ui::draw`].
    pub draw: fn(&Model, &Theme, &mut Frame),
}

/// Why the console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person left.
    Quit,
    /// A signal came.
    Signal(Shutdown),
    /// The terminal is gone.
    NoTerminal,
    /// The task that watches the database panicked: what is shown would stand still and look true.
    NoWatch,
}

impl Console {
    /// Runs until the person leaves or a signal comes.
    pub async fn run(mut self, screen: &mut Screen) -> End {
        let (report, mut reports) = mpsc::unbounded_channel();
        let (Ok(mut events), Ok(mut signals)) = (Events::prepare(), Signals::listen()) else { return End::NoTerminal };
        let mut ticker = ticker();
        self.settle(&report);
        let (mut is_stale, mut rest) = (true, Rest::default());
        // Is the next frame the first one since the terminal was taken?
        let mut is_first = true;
        loop {
            if is_stale {
                if self.draw(screen).is_err() {
                    return End::NoTerminal;
                }
                rest.drew(&self.model);
                if std::mem::take(&mut is_first) && events.forget_earlier().is_err() {
                    return End::NoTerminal;
                }
                update(&mut self.model, Msg::Drawn(Instant::now()));
            }
            let msg = tokio::select! {
                event = events.next() => match event {
                    Some((event, read)) => message(event, read),
                    None => return End::NoTerminal,
                },
                changed = self.watch.snapshots.changed() => match changed {
                    Ok(()) => {
                        set_clock(&mut self.model, Utc::now());
                        Some(Msg::Snapshot(self.watch.snapshots.borrow_and_update().clone()))
                    }
                    Err(_) => return End::NoWatch,
                },
                Some(msg) = reports.recv() => {
                    // When an action ended decides which comparison proves it.
                    update(&mut self.model, Msg::Tick(Utc::now()));
                    Some(msg)
                }
                () = reached(self.model.lights_at()) => Some(Msg::Lit(Instant::now())),
                _ = ticker.tick(), if self.model.newest.link != Link::Up => Some(Msg::Tick(Utc::now())),
                signal = signals.next() => match signal {
                    Signal::Shutdown(signal) => {
                        self.leave_refresh().await;
                        return End::Signal(signal);
                    }
                    Signal::Continued if screen.resume().is_err() => return End::NoTerminal,
                    Signal::Continued => {
                        (rest, is_first) = (Rest::default(), true);
                        Some(Msg::Resumed(Utc::now()))
                    }
                },
            };
            let may_wait = matches!(msg, Some(Msg::Snapshot(_) | Msg::Tick(_)));
            is_stale = msg.is_some();
            let was_asked = self.is_asked();
            let commands = msg.map_or(Vec::new(), |msg| update(&mut self.model, msg));
            if self.is_asked() && !was_asked {
                self.try_journal(&report);
            }
            is_stale &= !(may_wait && rest.may_wait(&self.model));
            for command in commands {
                if command == Cmd::Suspend {
                    if screen.suspend().is_err() {
                        return End::NoTerminal;
                    }
                    is_first = true;
                } else if self.carry_out(command, &report) {
                    self.leave_refresh().await;
                    return End::Quit;
                }
            }
        }
    }

    /// However the console ends, an action that it started ends, too, if the server still listens.
    async fn leave_refresh(&self) {
        let Some(action) = self.model.action.as_ref().filter(|a| a.is_running()) else { return };
        if let Some(pid) = action.pid {
            let _ = self.watch.requests.send(Request::Cancel(pid));
        }
        tokio::time::sleep(FAREWELL).await;
    }

    /// Is there a question whose yes would change something?
    fn is_asked(&self) -> bool {
        matches!(&self.model.dialog, Some(Dialog::Act(question)) if question.is_possible())
    }

    /// Tries whether the log can still be written: a disk may be full by now.
    fn try_journal(&self, report: &mpsc::UnboundedSender<Msg>) {
        let (journal, report) = (self.journal.clone(), report.clone());
        tokio::task::spawn_blocking(move || {
            let _ = report.send(Msg::Unlogged(journal.writable().err()));
        });
    }

    /// Looks what became of actions that were interrupted, and says so.
    fn settle(&self, report: &mpsc::UnboundedSender<Msg>) {
        let (target, journal, report) = (self.target.clone(), self.journal.clone(), report.clone());
        tokio::spawn(async move {
            let said = journal.settle(&target).await;
            if let Some(said) = said.into_iter().next_back() {
                let _ = report.send(Msg::Log(journal.entries(), Some(said)));
            }
        });
    }

    fn draw(&mut self, screen: &mut Screen) -> std::io::Result<()> {
        let theme = &self.themes[self.model.theme.min(self.themes.len() - 1)];
        screen.draw(|frame| (self.draw)(&self.model, theme, frame))
    }

    /// Does what `update` asked for; true when it asked to leave.
    fn carry_out(&self, command: Cmd, report: &mpsc::UnboundedSender<Msg>) -> bool {
        match command {
            Cmd::Quit => return true,
            Cmd::Suspend => {}
            Cmd::Watch(request) => {
                // The watch ends only with this console.
                let _ = self.watch.requests.send(request);
            }
            Cmd::Run(plan) => {
                let (target, journal, report) = (self.target.clone(), self.journal.clone(), report.clone());
                let third = self.watch.third.clone();
                tokio::spawn(async move {
                    let _turn = third.lock().await;
                    let tell = |event| {
                        let _ = report.send(Msg::Action(event));
                    };
                    journal.carry_out(&target, &plan, tell).await;
                });
            }
            Cmd::ReadLog => {
                let _ = report.send(Msg::Log(self.journal.entries(), None));
            }
        }
        false
    }
}

fn ticker() -> Interval {
    let mut ticker = interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

/// Waits until this moment; without one, for ever.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn message(event: Event, read: Instant) -> Option<Msg> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Msg::Key(key, read)),
        Event::Paste(text) => Some(Msg::Paste(text, read)),
        Event::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
        _ => None,
    }
}
