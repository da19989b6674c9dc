//! A question is answered only after it was read: no key that was on its way, and no word typed into the wrong window, is
//! its answer.

use std::time::{Duration, Instant};

use crossterm::event::KeyEvent;
use mvtop::app::arming::READING;
use mvtop::app::model::Dialog;
use mvtop::app::question::Question;
use mvtop::app::{Cmd, Model, Msg, update};
use mvtop::domain::fix::Fix;
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::operator::Event;
use mvtop::watch::Request;

use crate::scene::*;
use crate::update::{console, event, press};

/// One after another as fast as they are read, and as fast as people type.
const SPEEDS: [u64; 6] = [0, 1, 60, 90, 120, 390];

/// How long a frame takes.
const FRAME: Duration = Duration::from_millis(3);

/// A console and the time at its terminal, with a frame after each message as the runtime draws them.
struct Terminal {
    model: Model,
    now: Instant,
}

impl Terminal {
    fn new(snapshot: Snapshot) -> Terminal {
        Terminal { model: console(snapshot), now: Instant::now() }
    }

    fn tell(&mut self, msg: Msg) -> Vec<Cmd> {
        let commands = update(&mut self.model, msg);
        update(&mut self.model, Msg::Drawn(self.now + FRAME));
        commands
    }

    /// Time passes, and the timer fires.
    fn wait(&mut self, length: Duration) {
        self.now += length;
        if self.model.lights_at().is_some_and(|at| at <= self.now) {
            self.tell(Msg::Lit(self.now));
        }
    }

    /// Keys as [`press`] names them, each so long after the one before.
    fn types(&mut self, keys: &str, milliseconds: u64) -> Vec<Cmd> {
        let mut commands = Vec::new();
        for key in keys.split_whitespace() {
            self.wait(Duration::from_millis(milliseconds));
            commands.extend(self.tell(Msg::Key(event(key), self.now)));
        }
        commands
    }

    /// Nothing is typed until the question's yes is lit.
    fn reads(&mut self) {
        self.wait(FRAME + READING);
        assert!(self.model.is_lit(), "{:?}", self.model.dialog);
    }

    fn question(&self) -> &Question {
        match &self.model.dialog {
            Some(Dialog::Act(question)) => question,
            other => panic!("{other:?}"),
        }
    }
}

fn changes(commands: &[Cmd]) -> bool {
    commands.iter().any(|cmd| matches!(cmd, Cmd::Run(_) | Cmd::Quit | Cmd::Watch(Request::Cancel(_))))
}

#[test]
fn words_typed_into_the_wrong_window_change_nothing_at_any_speed() {
    let words = [
        "t r y",
        "r y",
        "r r y",
        "K y",
        "x y",
        "2 x y",
        "2 p y",
        "C y",
        "r Tab Enter",
        "r l Enter",
        "f Enter y",
        "r y y y y y y y",
        "c a r r y",
        "e v e r y Space d a y Enter",
        "r y Enter",
        "l s Enter",
        "2 x y Enter",
    ];
    for word in words {
        for speed in SPEEDS {
            let mut terminal = Terminal::new(blocked_snapshot(3_510));
            let commands = terminal.types(word, speed);
            assert!(!changes(&commands) && terminal.model.action.is_none(), "{word} at {speed} ms: {commands:?}");
        }
    }
}

#[test]
fn nor_do_they_where_a_question_stands_open_already() {
    // The first key of a word that begins with the answer itself cannot be told from the answer.
    for word in ["t r y", "K y", "x y", "r r y", "r y", "Tab Enter", "l Enter", "Right Enter", "m a y"] {
        for speed in SPEEDS {
            let mut terminal = Terminal::new(incident_snapshot());
            terminal.types("r", 0);
            terminal.reads();
            let commands = terminal.types(word, speed);
            assert!(!changes(&commands) && terminal.model.action.is_none(), "{word} at {speed} ms: {commands:?}");
        }
    }
}

#[test]
fn a_yes_after_the_question_was_read_does_it() {
    for keys in ["y", "Tab"] {
        let mut terminal = Terminal::new(incident_snapshot());
        terminal.types("r", 0);
        terminal.reads();
        let mut commands = terminal.types(keys, 0);
        if keys == "Tab" {
            assert!(!terminal.model.is_lit(), "another button has the focus now: that is to be read, too");
            terminal.reads();
            commands = terminal.types("Enter", 0);
        }
        assert!(matches!(commands.as_slice(), [Cmd::Run(_)]), "{keys}: {commands:?}");
    }
}

#[test]
fn a_key_counts_by_when_it_was_read_however_late_it_is_handled() {
    let mut terminal = Terminal::new(incident_snapshot());
    terminal.types("r", 0);
    let early = terminal.now + Duration::from_millis(399);
    terminal.reads();
    assert_eq!(terminal.tell(Msg::Key(event("y"), early)), []);
    assert!(terminal.question().buttons.arming.is_too_early() && !terminal.model.is_lit());
}

#[test]
fn no_works_at_once() {
    for key in ["Esc", "n", "q", "Enter"] {
        let mut terminal = Terminal::new(incident_snapshot());
        assert_eq!(terminal.types(&format!("r {key}"), 0), []);
        assert_eq!(terminal.model.dialog, None, "{key}");
    }
}

#[test]
fn a_question_counts_from_anew_when_other_lines_of_it_are_in_sight() {
    let mut terminal = Terminal::new(weighed_snapshot(|_| ()));
    terminal.tell(Msg::Resize(60, 16));
    terminal.types("f Down Down Down Enter", 500);
    terminal.wait(READING * 3);
    assert!(!terminal.model.is_lit(), "its end is not in sight");
    while !terminal.question().is_read(terminal.model.room()) {
        assert_eq!(terminal.types("y", 500), [], "it shows the rest");
    }
    assert_eq!(terminal.types("y", 100), [], "its end came into sight just now");
    terminal.reads();
    terminal.tell(Msg::Resize(70, 20));
    assert!(!terminal.model.is_lit());
    terminal.wait(READING * 2);
    terminal.tell(Msg::Resumed(night()));
    assert!(!terminal.model.is_lit(), "nobody saw it while the program was stopped");
}

#[test]
fn pasted_text_is_no_answer_and_what_follows_it_is_none_either() {
    for text in ["y", "y\r", "yes"] {
        let mut terminal = Terminal::new(incident_snapshot());
        terminal.types("r", 0);
        terminal.reads();
        assert_eq!(terminal.tell(Msg::Paste(text.into(), terminal.now)), []);
        assert_eq!(terminal.types("y", 60), []);
        assert!(terminal.model.action.is_none() && terminal.model.dialog.is_some());
    }
}

#[test]
fn the_question_before_leaving_is_read_first_too() {
    let mut terminal = Terminal::new(incident_snapshot());
    press(&mut terminal.model, "r y");
    update(&mut terminal.model, Msg::Action(Event::Running(77)));
    assert_eq!(terminal.types("q y y Tab Enter", 90), [], "Enter is on Cancel");
    assert_eq!(terminal.model.dialog, None);
    terminal.types("q", 90);
    terminal.reads();
    assert_eq!(terminal.types("y", 0), [Cmd::Watch(Request::Cancel(77)), Cmd::Quit]);
}

#[test]
fn a_session_ends_only_after_its_pid_was_typed_and_y_is_a_letter_there() {
    let mut terminal = Terminal::new(blocked_snapshot(3_510));
    terminal.types("K", 0);
    terminal.wait(FRAME + READING);
    assert!(!terminal.model.is_lit(), "nothing was typed yet");
    assert_eq!(terminal.types("y Enter", 500), [], "y is a letter, and it is no pid");
    terminal.types("Backspace 3 5 1", 90);
    assert_eq!(terminal.types("Enter", 500), [], "a part of it is not it");
    terminal.types("0", 90);
    assert_eq!(terminal.types("Enter", 90), [], "that it matches is to be read, too");
    terminal.reads();
    let commands = terminal.types("Enter", 0);
    let [Cmd::Run(plan)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(plan.fix, Fix::Terminate(3_510));
}

#[test]
fn what_was_on_its_way_when_the_field_opened_is_not_in_it() {
    let mut terminal = Terminal::new(blocked_snapshot(12));
    terminal.types("K 1 2 Enter", 90);
    let typed = terminal.question().typed.clone().unwrap();
    assert_eq!((typed.input.value(), typed.open), ("", false));
    assert!(terminal.question().buttons.arming.is_too_early());
    terminal.tell(Msg::Paste("12\r".into(), terminal.now));
    assert_eq!(terminal.question().typed.as_ref().unwrap().input.value(), "");
    terminal.wait(FRAME + READING);
    terminal.tell(Msg::Paste("12\r".into(), terminal.now));
    assert_eq!(terminal.question().typed.as_ref().unwrap().input.value(), "12", "a pasted Enter confirms nothing");
    assert!(terminal.model.action.is_none() && !terminal.model.is_lit());
}

#[test]
fn a_job_goes_only_after_its_name_was_typed_from_every_screen_that_offers_it() {
    let mut terminal = Terminal::new(incident_snapshot());
    terminal.types("2 l x", 500);
    terminal.wait(READING);
    let typed = terminal.question().typed.clone().unwrap();
    assert_eq!((typed.kind, typed.word.as_str()), ("job's name", "sincronizar-dynamics"));
    terminal.types("s i n c r o n i z a r - d y n a m i c s", 60);
    terminal.reads();
    assert!(matches!(terminal.types("Enter", 0).as_slice(), [Cmd::Run(_)]));

    let mut snapshot = scheduled_snapshot(healed(), chrono::TimeDelta::minutes(2), |job, _| job.owner_exists = false);
    std::sync::Arc::make_mut(&mut snapshot.views[0]).facts = measured(std::sync::Arc::new(facts()), night(), 120);
    let mut terminal = Terminal::new(snapshot);
    terminal.types("f Enter", 500);
    assert_eq!(terminal.question().typed.as_ref().unwrap().word, "refresh-conversaciones-dashboard");
}

#[test]
fn esc_and_ctrl_c_work_in_the_field_and_what_cannot_be_done_has_none() {
    let mut terminal = Terminal::new(blocked_snapshot(3_510));
    terminal.types("K Esc", 0);
    assert_eq!(terminal.model.dialog, None);
    assert_eq!(terminal.types("K Ctrl-c", 0), [Cmd::Quit]);

    let mut snapshot = incident_snapshot();
    std::sync::Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value).jobs[0].username = "ana".into();
    std::sync::Arc::make_mut(snapshot.server.as_mut().unwrap()).superuser = false;
    let mut terminal = Terminal::new(snapshot);
    terminal.types("2 h x", 500);
    assert!(!terminal.question().is_possible() && terminal.question().typed.is_none());
    let key: KeyEvent = event("Enter");
    terminal.tell(Msg::Key(key, terminal.now));
    assert_eq!(terminal.model.dialog, None);
}
