//! At rest one frame stands for several pulses; whatever a person waits for is drawn with the next.

use std::sync::Arc;

use chrono::TimeDelta;
use mvtop::app::{Model, Msg, Rest, update};
use mvtop::domain::job::RunStatus;
use mvtop::domain::server::Link;
use mvtop::domain::snapshot::{Refreshing, Snapshot, Writes};

use crate::scene::*;
use crate::update::{console, press};

/// Takes a pulse a second later, with what it brought: was it drawn?
fn is_drawn(model: &mut Model, rest: &mut Rest, brought: impl Fn(&mut Snapshot)) -> bool {
    let before = model.newest.clone();
    let mut next = (*before).clone();
    let pulse = next.pulse.as_mut().unwrap();
    pulse.at += TimeDelta::seconds(1);
    brought(&mut next);
    update(model, Msg::Snapshot(Arc::new(next)));
    !rest.may_wait(model, &before)
}

/// Which of ten such pulses were drawn, `x`, and which waited, `.`.
fn ten(snapshot: Snapshot, brought: impl Fn(&mut Snapshot)) -> String {
    let (mut model, mut rest) = (console(snapshot), Rest::default());
    let drawn = (0..10).map(|_| is_drawn(&mut model, &mut rest, &brought));
    drawn.map(|drawn| if drawn { 'x' } else { '.' }).collect()
}

fn settled() -> Snapshot {
    let mut snapshot = incident_snapshot();
    snapshot.settled = true;
    snapshot
}

#[test]
fn at_rest_every_fifth_pulse_is_drawn() {
    assert_eq!(ten(settled(), |_| ()), "....x....x");
}

#[test]
fn what_changed_is_drawn_with_its_pulse_and_the_next_ones_wait_again() {
    let (mut model, mut rest) = (console(settled()), Rest::default());
    assert!(!is_drawn(&mut model, &mut rest, |_| ()));
    assert!(is_drawn(&mut model, &mut rest, |s| s.launcher = Some(s.launcher != Some(true))));
    let again: Vec<bool> = (0..5).map(|_| is_drawn(&mut model, &mut rest, |_| ())).collect();
    assert_eq!(again, [false, false, false, false, true]);
    assert!(is_drawn(&mut model, &mut rest, |s| Arc::make_mut(&mut s.views[0]).signal.bases += 1));
    assert!(is_drawn(&mut model, &mut rest, |s| s.link = Link::Silent { since: night() }));
}

#[test]
fn what_is_under_way_or_young_ticks_with_every_pulse() {
    let every = "xxxxxxxxxx";
    let mut busy = settled();
    busy.settled = false;
    assert_eq!(ten(busy, |_| ()), every);
    let mut running = settled();
    let history = running.history.last.as_mut().unwrap();
    Arc::make_mut(&mut history.value).runs[0].status = RunStatus::Running;
    assert_eq!(ten(running, |_| ()), every);
    let mut refreshing = settled();
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
    Arc::make_mut(&mut refreshing.views[0]).refreshing = vec![who];
    assert_eq!(ten(refreshing, |_| ()), every);
    let mut young = settled();
    let stamp = Arc::make_mut(&mut young.views[0]).stamp.last.as_mut().unwrap();
    stamp.value.column = Some(night());
    assert_eq!(ten(young, |_| ()), every);
}

#[test]
fn a_notice_is_taken_away_when_its_time_is_over() {
    let (mut model, mut rest) = (console(settled()), Rest::default());
    mvtop::app::update::say(&mut model, "copied");
    assert!(is_drawn(&mut model, &mut rest, |_| ()));
}

#[test]
fn a_frozen_display_says_by_the_second_for_how_long_it_is() {
    let (mut model, mut rest) = (console(settled()), Rest::default());
    press(&mut model, "Space");
    assert!(is_drawn(&mut model, &mut rest, |_| ()));
}

#[test]
fn no_row_in_a_little_longer_is_no_news() {
    let none = |seconds| Some(Writes { rows: 0, over: TimeDelta::seconds(seconds) });
    assert!(Writes::say_the_same(none(10), none(19)) && Writes::say_the_same(none(300), none(299)));
    assert!(!Writes::say_the_same(none(10), none(20)) && !Writes::say_the_same(none(300), none(3)));
    assert!(!Writes::say_the_same(None, none(3)));
    let some = |seconds| Some(Writes { rows: 5, over: TimeDelta::seconds(seconds) });
    assert!(!Writes::say_the_same(none(10), some(11)) && !Writes::say_the_same(some(10), some(11)));
}
