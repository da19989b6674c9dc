//! At rest a frame stands for some pulses; whatever a person waits for is drawn with the next one. And no pulse that waits
//! would have shown anything but ages that went on.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mvtop::app::{Model, Msg, Rest, set_clock, update};
use mvtop::domain::job::RunStatus;
use mvtop::domain::server::Link;
use mvtop::domain::snapshot::{Refreshing, Snapshot, ViewState};
use mvtop::domain::time::Time;
use mvtop::domain::view::{Oid, ViewKind};
use mvtop::theme::Theme;
use mvtop::ui;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::scene::*;
use crate::update::{console, press};

/// Away from what is near: the runs of 02:15 and those of 02:20.
fn quiet() -> Time {
    night() + TimeDelta::seconds(90)
}

/// A console that takes a pulse a second, as the runtime does.
struct Desk {
    model: Model,
    rest: Rest,
    frame: String,
}

impl Desk {
    fn new(snapshot: Snapshot) -> Desk {
        let mut desk = Desk { model: console(snapshot), rest: Rest::default(), frame: String::new() };
        update(&mut desk.model, Msg::Tick(quiet()));
        desk.draw();
        desk
    }

    fn draw(&mut self) {
        self.frame = frame(&self.model);
        self.rest.drew(&self.model);
    }

    /// A pulse a second later, with what it brought: was it drawn?
    fn pulse(&mut self, brought: impl Fn(&mut Snapshot)) -> bool {
        let mut next = (*self.model.newest).clone();
        let pulse = next.pulse.as_mut().unwrap();
        pulse.at += TimeDelta::seconds(1);
        brought(&mut next);
        let now = self.model.now + TimeDelta::seconds(1);
        set_clock(&mut self.model, now);
        update(&mut self.model, Msg::Snapshot(Arc::new(next)));
        let waits = self.rest.may_wait(&self.model);
        if waits {
            assert_eq!(ageless(&self.frame), ageless(&frame(&self.model)), "a pulse that waited has news");
        } else {
            self.draw();
        }
        !waits
    }

    /// Which of so many quiet pulses were drawn, `x`, and which waited, `.`.
    fn quiet_pulses(&mut self, count: usize) -> String {
        (0..count).map(|_| if self.pulse(|_| ()) { 'x' } else { '.' }).collect()
    }
}

pub fn frame(model: &Model) -> String {
    let theme = Theme::builtin().remove(0);
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    terminal.draw(|frame| ui::draw(model, &theme, frame)).unwrap();
    terminal.backend().to_string()
}

/// A frame's words but for its ages and countdowns (`3d02h`, `12s`, `0.1s`), and for the lines that fill what these leave.
fn ageless(frame: &str) -> Vec<String> {
    let words = frame.split([' ', '│', '┃', '\n', '"', '━', '─']).map(|word| word.trim_end_matches('.'));
    let is_age = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_digit() || ".dhms".contains(c))
            && word.ends_with(['d', 'h', 'm', 's'])
    };
    words.filter(|word| !word.is_empty()).map(|word| if is_age(word) { "#".into() } else { word.to_string() }).collect()
}

fn drawn(snapshot: Snapshot) -> String {
    Desk::new(snapshot).quiet_pulses(10)
}

fn with_view(edit: impl Fn(&mut ViewState)) -> Snapshot {
    let mut snapshot = incident_snapshot();
    edit(Arc::make_mut(&mut snapshot.views[0]));
    snapshot
}

/// The incident, and a view that was refreshed so long ago.
fn and_another(age: TimeDelta) -> Snapshot {
    let mut snapshot = incident_snapshot();
    let mut other = view_state(healed(), quiet() - age);
    other.view = Arc::new({
        let mut view = view();
        (view.oid, view.name.name) = (Oid(99), "other".into());
        view
    });
    snapshot.views.push(Arc::new(other));
    snapshot
}

const REST: &str = "....x....x";
const EVERY: &str = "xxxxxxxxxx";

#[test]
fn at_rest_every_fifth_pulse_is_drawn() {
    assert_eq!(drawn(incident_snapshot()), REST);
}

#[test]
fn the_clock_is_never_a_minute_behind() {
    let mut desk = Desk::new(incident_snapshot());
    desk.quiet_pulses(28);
    assert!(desk.frame.contains("02:16 UTC"));
    desk.quiet_pulses(2);
    assert!(desk.frame.contains("02:17 UTC"), "{}", desk.frame);
}

#[test]
fn what_changed_is_drawn_with_its_pulse_and_the_next_ones_wait_again() {
    let mut desk = Desk::new(incident_snapshot());
    assert!(!desk.pulse(|_| ()));
    assert!(desk.pulse(|s| s.launcher = Some(s.launcher != Some(true))));
    assert_eq!(desk.quiet_pulses(5), "....x");
    assert!(desk.pulse(|s| Arc::make_mut(&mut s.views[0]).signal.bases = Some(1)));
    assert!(desk.pulse(|s| s.link = Link::Silent { since: night() }));
}

#[test]
fn what_is_under_way_ticks_with_every_pulse() {
    let mut busy = incident_snapshot();
    busy.settled = false;
    assert_eq!(drawn(busy), EVERY);
    let mut running = incident_snapshot();
    let history = running.history.last.as_mut().unwrap();
    Arc::make_mut(&mut history.value).runs[0].status = RunStatus::Running;
    assert_eq!(drawn(running), EVERY);
    let who = Refreshing {
        pid: 7,
        user: "ana".into(),
        application: "psql".into(),
        since: Some(night()),
        concurrently: true,
        granted: true,
        state: Some("active".into()),
        blocked_by: Vec::new(),
    };
    assert_eq!(drawn(with_view(|view| view.refreshing = vec![who.clone()])), EVERY);
    assert_eq!(drawn(with_view(|view| view.facts.start(night()))), EVERY);
    assert_eq!(drawn(with_view(|view| view.columns.start(night()))), EVERY);
}

#[test]
fn a_run_that_never_started_ends_no_rest() {
    let mut lost = incident_snapshot();
    let run = &mut Arc::make_mut(&mut lost.history.last.as_mut().unwrap().value).runs[0];
    (run.status, run.start, run.end) = (RunStatus::Connecting, None, None);
    assert_eq!(drawn(lost), REST);
}

#[test]
fn a_time_within_ten_seconds_ticks_with_every_pulse() {
    assert_eq!(drawn(with_view(|view| view.stamp.last.as_mut().unwrap().value.column = Some(quiet()))), EVERY);
    assert_eq!(drawn(with_view(|view| view.drift.last.as_mut().unwrap().at = quiet())), EVERY);
    assert_eq!(drawn(with_view(|view| view.due = Some(quiet() + TimeDelta::seconds(5)))), EVERY);
    let mut before_a_run = Desk::new(incident_snapshot());
    before_a_run.quiet_pulses(201);
    assert_eq!(before_a_run.quiet_pulses(10), EVERY, "02:19:51, and a job runs at 02:20");
    assert_eq!(drawn(with_view(|view| view.due = Some(quiet() + TimeDelta::minutes(4)))), REST);
}

#[test]
fn a_plain_view_has_no_age_that_ticks() {
    let plain = with_view(|view| {
        let mut made = (*view.view).clone();
        made.kind = ViewKind::Plain;
        view.view = Arc::new(made);
    });
    assert_eq!(drawn(plain), REST);
}

#[test]
fn a_view_that_becomes_late_is_told_at_once_although_another_is_worse() {
    let mut desk = Desk::new(and_another(TimeDelta::seconds(5 * 60 - 3)));
    assert_eq!(desk.quiet_pulses(10), "...x....x.");
}

#[test]
fn a_notice_goes_away_when_its_time_is_over() {
    let mut desk = Desk::new(incident_snapshot());
    mvtop::app::update::say(&mut desk.model, "copied");
    desk.draw();
    desk.quiet_pulses(5);
    assert!(desk.frame.contains("copied"));
    desk.quiet_pulses(1);
    assert!(!desk.frame.contains("copied"), "{}", desk.frame);
    assert_eq!(desk.quiet_pulses(5), "....x");
}

#[test]
fn a_pulse_that_took_long_is_shown_and_so_is_the_next_one() {
    let mut desk = Desk::new(incident_snapshot());
    desk.quiet_pulses(1);
    let took = |ms| move |s: &mut Snapshot| s.pulse.as_mut().unwrap().took = Duration::from_millis(ms);
    assert!(desk.pulse(took(900)) && desk.frame.contains("pulse 0.9s"));
    assert!(desk.pulse(took(4)) && desk.frame.contains("pulse 4ms"));
    assert!(!desk.pulse(took(5)));
}

#[test]
fn a_frozen_display_says_by_the_second_for_how_long_it_is_and_soon_rests() {
    let mut desk = Desk::new(with_view(|view| view.stamp.last.as_mut().unwrap().value.column = Some(quiet())));
    press(&mut desk.model, "Space");
    desk.draw();
    assert_eq!(desk.quiet_pulses(10), EVERY);
    desk.quiet_pulses(5);
    assert_eq!(desk.quiet_pulses(10).matches('x').count(), 2);
}

#[test]
fn a_clock_that_jumps_is_drawn() {
    for jump in [-3600, -1, 600] {
        let mut desk = Desk::new(incident_snapshot());
        desk.model.now += TimeDelta::seconds(jump - 1);
        assert!(desk.pulse(|_| ()), "{jump} s");
    }
}

#[test]
fn a_server_far_away_lets_the_console_rest_too() {
    let mut far = incident_snapshot();
    far.pulse.as_mut().unwrap().took = Duration::from_millis(140);
    assert_eq!(drawn(far.clone()), REST);
    let mut desk = Desk::new(far);
    for took in [95, 105, 190, 71] {
        assert!(!desk.pulse(|s| s.pulse.as_mut().unwrap().took = Duration::from_millis(took)), "{took} ms");
    }
    assert!(desk.pulse(|s| s.pulse.as_mut().unwrap().took = Duration::from_millis(300)), "one that slows down is told");
}
