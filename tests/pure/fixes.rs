//! The fix screen, the cron pane's keys and the schedule field, without a terminal.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mvtop::app::action::Stage;
use mvtop::app::model::Dialog;
use mvtop::app::{Cmd, Msg, update};
use mvtop::domain::fix::Fix;
use mvtop::domain::job::JobId;
use mvtop::domain::reading::{Problem, ProblemKind};
use mvtop::domain::snapshot::{Blocker, Refreshing};
use mvtop::domain::view::Oid;
use mvtop::pg::operator::{Ending, Event, Found};
use mvtop::watch::Request;

use crate::scene::*;
use crate::update::{console, notice, press};

pub fn asked(model: &mvtop::app::Model) -> &mvtop::domain::fix::Plan {
    match &model.dialog {
        Some(Dialog::Act(question)) => &question.plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f_enter_y_schedules_and_refreshes_in_one_transaction() {
    let mut model = console(weighed_snapshot(|_| ()));
    assert_eq!(press(&mut model, "f"), [Cmd::Watch(Request::Price(VIEW))]);
    assert_eq!(press(&mut model, "Enter"), []);
    let plan = asked(&model).clone();
    assert_eq!(plan.fix, Fix::CronInstall { schedule: "*/4 * * * *".into() });
    assert!(plan.notes[0].contains("02:16:00, 02:20:00, 02:24:00, 02:28:00, 02:32:00 UTC"), "{:?}", plan.notes);
    assert_eq!(plan.statements.iter().filter(|s| s.starts_with("BEGIN") || *s == "COMMIT").count(), 2);
    assert!(plan.sql().contains("REFRESH MATERIALIZED VIEW CONCURRENTLY") && plan.sql().contains("cron.schedule"));
    let commands = press(&mut model, "y");
    assert_eq!(commands, [Cmd::Run(Arc::new(plan))], "what was shown is what is sent");
    let found = Found { good: true, text: "job 3 refresh-conversaciones-dashboard: active".into() };
    let ended = Event::Ended(Ending::Done(Some(found)), Duration::from_millis(90));
    assert_eq!(update(&mut model, Msg::Action(ended)), [Cmd::Watch(Request::Measure(VIEW))]);
    let mut after = healed_snapshot();
    Arc::make_mut(&mut after.views[0]).values.last.as_mut().unwrap().asked = night() + TimeDelta::seconds(1);
    update(&mut model, Msg::Snapshot(Arc::new(after)));
    let Some(Stage::Over { good: true, text }) = model.action.map(|a| a.stage) else { panic!() };
    assert!(text.contains("now none of 3,230 is") && text.contains("job 3"), "{text}");
}

#[test]
fn a_change_that_reports_no_error_but_is_not_there_is_said_to_have_failed() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "f Enter y");
    let found = Found { good: false, text: "there is no such job".into() };
    update(&mut model, Msg::Action(Event::Ended(Ending::Done(Some(found)), Duration::ZERO)));
    let Some(Stage::Over { good: false, text }) = model.action.map(|a| a.stage) else { panic!() };
    assert!(text.contains("without an error, but there is no such job"), "{text}");
}

#[test]
fn before_the_facts_are_read_enter_asks_to_wait() {
    let mut model = console(incident_snapshot());
    press(&mut model, "f Enter");
    assert!(model.dialog.is_none() && notice(&model).contains("still being measured"), "{}", notice(&model));
}

#[test]
fn every_option_has_its_question_and_f_is_not_the_key_that_confirms() {
    for (keys, fix) in
        [("f j Enter", Fix::Refresh), ("f j j Enter", Fix::TriggersInstall), ("f j j j Enter", Fix::PlainView)]
    {
        let mut model = console(weighed_snapshot(|_| ()));
        assert_eq!(press(&mut model, keys)[1..], []);
        assert_eq!(asked(&model).fix, fix);
        assert_eq!(press(&mut model, "f f Enter"), [], "f does nothing there and Enter is on Cancel");
        assert!(model.dialog.is_none() && model.action.is_none());
    }
}

#[test]
fn what_cannot_be_done_is_shown_but_not_sent() {
    let mut model = console(weighed_snapshot(|f| f.pieces.stuck = vec!["materialized view nieta".into()]));
    press(&mut model, "f j j j Enter");
    let screen = crate::rest::frame(&model);
    assert!(screen.contains("▸ Close  Esc") && !screen.contains("Replace  y"), "no deed to press: {screen}");
    model.size = (60, 16);
    press(&mut model, "y");
    assert!(model.action.is_none() && notice(&model).contains("nieta"), "{}", notice(&model));
    press(&mut model, "f j j j Enter Right Enter");
    assert!(model.action.is_none() && model.dialog.is_none(), "Enter closes it");
}

#[test]
fn a_typed_schedule_is_checked_and_a_wrong_one_stays_in_the_field() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "f e");
    press(&mut model, &"Backspace ".repeat(12));
    press(&mut model, "* / 1 Enter");
    assert!(model.field.is_some() && notice(&model).contains("stops before"), "{}", notice(&model));
    press(&mut model, "0 Space * Space * Space * Space * Enter Enter");
    assert_eq!(asked(&model).fix, Fix::CronInstall { schedule: "*/10 * * * *".into() });
    press(&mut model, "Esc e Esc Enter");
    assert!(asked(&model).sql().contains("*/10"), "Esc leaves it as it was");
}

#[test]
fn the_cron_panes_keys_work_there_only_and_ask_first() {
    for (key, fix) in [
        ("p", Fix::CronPause(JobId(1))),
        ("x", Fix::CronRemove(JobId(1))),
        ("n", Fix::CronRunNow(JobId(1))),
        ("e Enter", Fix::CronReschedule(JobId(1), "*/15 * * * *".into())),
    ] {
        let mut model = console(weighed_snapshot(|_| ()));
        press(&mut model, key.split(' ').next().unwrap());
        assert!(model.dialog.is_none() && notice(&model).contains("cron pane"), "{key}: {}", notice(&model));
        assert_eq!(press(&mut model, &format!("2 Left {key}")), []);
        assert_eq!(asked(&model).fix, fix);
        let others = "the cron pane, or SELECT cron.alter_job(job_id := 1, active := true)";
        assert!(key != "p" || asked(&model).undo.as_deref() == Some(others), "{:?}", asked(&model).undo);
    }
    let mut model = console(scheduled_snapshot(healed(), TimeDelta::minutes(2), |job, _| job.active = false));
    press(&mut model, "2 p");
    assert_eq!(asked(&model).fix, Fix::CronResume(JobId(3)));
    assert_eq!(asked(&model).undo.as_deref(), Some("the cron pane, or mvtop fix pause"));
}

#[test]
fn a_blocker_is_cancelled_or_ended_only_while_it_blocks() {
    let mut blocked = weighed_snapshot(|_| ());
    let blocker = Blocker {
        pid: 12,
        user: "ana".into(),
        application: "psql".into(),
        state: "active".into(),
        since: Some(night()),
        query: None,
    };
    Arc::make_mut(&mut blocked.views[0]).refreshing = vec![Refreshing {
        pid: 77,
        user: "cron".into(),
        application: "pg_cron".into(),
        since: None,
        state: None,
        concurrently: true,
        granted: false,
        blocked_by: vec![blocker],
    }];
    let mut screen = console(blocked.clone());
    press(&mut screen, "f Enter");
    assert_eq!(asked(&screen).fix, Fix::Cancel(12), "the banner sends people to f, so it is there, too");
    for (key, fix, function) in
        [("C", Fix::Cancel(12), "pg_cancel_backend"), ("K", Fix::Terminate(12), "pg_terminate_backend")]
    {
        let mut model = console(blocked.clone());
        press(&mut model, key);
        assert_eq!(asked(&model).fix, fix);
        assert!(
            asked(&model).sql().contains(function) && asked(&model).sql().contains("xact_start = '2026-02-04T02:15:00")
        );
        let mut free = console(weighed_snapshot(|_| ()));
        press(&mut free, key);
        assert!(free.dialog.is_none() && notice(&free).contains("no refresh"), "{}", notice(&free));
    }
}

#[test]
fn the_cursor_stays_on_its_fix_when_another_comes_before_it() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "f j j j");
    let mut longer = weighed_snapshot(|_| ());
    Arc::make_mut(&mut longer.views[0]).refreshing = vec![Refreshing {
        pid: 77,
        user: "cron".into(),
        application: "pg_cron".into(),
        since: None,
        state: Some("idle in transaction".into()),
        concurrently: true,
        granted: true,
        blocked_by: vec![],
    }];
    let row = model.fix.as_ref().unwrap().row;
    update(&mut model, Msg::Snapshot(Arc::new(longer)));
    assert_ne!(model.fix.as_ref().unwrap().row, row, "what blocks stands first");
    press(&mut model, "Enter");
    assert_eq!(asked(&model).fix, Fix::PlainView);
}

#[test]
fn a_job_of_a_dropped_role_that_stops_all_others_can_be_removed_from_the_screen() {
    let mut snapshot = scheduled_snapshot(healed(), TimeDelta::minutes(2), |job, _| job.owner_exists = false);
    Arc::make_mut(&mut snapshot.views[0]).facts = measured(Arc::new(facts()), night(), 120);
    let mut model = console(snapshot);
    press(&mut model, "f Enter");
    assert_eq!(asked(&model).fix, Fix::CronRemove(JobId(3)));
}

#[test]
fn that_a_change_cannot_be_written_down_is_said_before_it() {
    let mut model = console(weighed_snapshot(|_| ()));
    model.settings.unlogged = Some("What is changed cannot be written down".into());
    press(&mut model, "r");
    assert!(asked(&model).notes.iter().any(|n| n.contains("cannot be written down")), "{:?}", asked(&model).notes);
}

#[test]
fn a_disk_that_is_full_by_now_is_told_in_the_question_that_is_open() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "r");
    let full = Some("What is changed cannot be written down".to_string());
    update(&mut model, Msg::Unlogged(full.clone()));
    update(&mut model, Msg::Unlogged(full));
    let told = asked(&model).notes.iter().filter(|n| n.contains("cannot be written down")).count();
    assert_eq!(told, 1);
}

#[test]
fn batches_deleted_before_an_early_end_are_told() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "r y");
    let why = Problem { kind: ProblemKind::Other, text: "it was cancelled".into() };
    let ended = Event::Ended(Ending::Partly(why, "5000 rows were deleted before".into()), Duration::ZERO);
    update(&mut model, Msg::Action(ended));
    let Some(Stage::Over { good: false, text }) = model.action.map(|a| a.stage) else { panic!() };
    assert!(text.contains("5000 rows were deleted") && !text.contains("as it was"), "{text}");
}

#[test]
fn read_only_and_a_standby_show_the_options_and_change_nothing() {
    let mut model = console(weighed_snapshot(|_| ()));
    model.settings.read_only = true;
    press(&mut model, "f Enter");
    assert!(model.fix.is_some() && model.dialog.is_none() && notice(&model).contains("read-only"));
    let mut standby = weighed_snapshot(|_| ());
    Arc::make_mut(standby.server.as_mut().unwrap()).standby = true;
    let mut model = console(standby);
    press(&mut model, "f Enter");
    assert!(model.dialog.is_none() && notice(&model).contains("standby"), "{}", notice(&model));
}

#[test]
fn y_shows_the_rest_of_a_long_question_before_it_confirms() {
    let mut model = console(weighed_snapshot(|_| ()));
    model.size = (60, 16);
    press(&mut model, "f Down Down Down Enter");
    let plan = asked(&model).clone();
    let mut pages = 0;
    let commands = loop {
        let Some(Dialog::Act(question)) = &model.dialog else { panic!("{:?}", model.dialog) };
        let (is_read, room) = (question.is_read(model.room()), model.room());
        let shown = question.lines(room.columns).len() - question.first(room);
        assert_eq!(is_read, shown <= room.lines);
        let commands = press(&mut model, "y");
        assert_eq!(commands.is_empty(), !is_read);
        if is_read {
            break commands;
        }
        pages += 1;
    };
    assert!(pages > 0, "it is long");
    assert_eq!(commands, [Cmd::Run(Arc::new(plan))]);
}

#[test]
fn on_a_terminal_too_small_to_see_anything_no_key_does_anything_but_leave() {
    let mut model = console(incident_snapshot());
    update(&mut model, Msg::Resize(40, 10));
    assert_eq!(press(&mut model, "r y f Enter y R"), []);
    assert!(model.dialog.is_none() && model.fix.is_none() && model.action.is_none());
    assert_eq!(press(&mut model, "q"), [Cmd::Quit]);
    for keys in ["?", "r", "/", "L"] {
        let mut inside = console(incident_snapshot());
        press(&mut inside, keys);
        update(&mut inside, Msg::Resize(40, 10));
        assert_eq!(press(&mut inside, "q"), [Cmd::Quit], "it says that q quits, whatever is open: {keys}");
    }
    update(&mut model, Msg::Resize(60, 16));
    press(&mut model, "r");
    assert!(model.dialog.is_some());
}

#[test]
fn a_view_that_is_gone_meanwhile_is_said_to_be_and_not_measured_for_ever() {
    let mut model = console(weighed_snapshot(|_| ()));
    press(&mut model, "f");
    let mut replaced = weighed_snapshot(|_| ());
    Arc::make_mut(&mut Arc::make_mut(&mut replaced.views[0]).view).oid = Oid(99);
    update(&mut model, Msg::Snapshot(Arc::new(replaced)));
    let screen = crate::rest::frame(&model);
    assert!(screen.contains("It was dropped or replaced meanwhile") && !screen.contains("measuring"), "{screen}");
    assert_eq!(press(&mut model, "Esc f"), [Cmd::Watch(Request::Price(Oid(99)))]);
}
