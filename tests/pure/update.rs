//! The console without a terminal: messages in, Model and commands out.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use mvtop::app::action::Stage;
use mvtop::app::arming::Buttons;
use mvtop::app::model::{Dialog, Pane, Settings, Sort};
use mvtop::app::{Cmd, Model, Msg, update};
use mvtop::domain::fix::Fix;
use mvtop::domain::reading::{Problem, ProblemKind};
use mvtop::domain::server::Link;
use mvtop::domain::snapshot::{Blocker, DrillTarget, Refreshing, Snapshot};
use mvtop::keys::Keymap;
use mvtop::pg::operator::{Ending, Event};
use mvtop::watch::Request;

use crate::scene::*;

pub fn console(snapshot: Snapshot) -> Model {
    let settings = Settings {
        place: "crm@db:5432 as postgres".into(),
        themes: vec!["terminal".into(), "night".into()],
        ..Settings::default()
    };
    let mut model = Model::new(settings, 0, (120, 40), night());
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    model
}

pub fn press(model: &mut Model, keys: &str) -> Vec<Cmd> {
    keys.split_whitespace().flat_map(|key| press_key(model, event(key))).collect()
}

pub fn event(key: &str) -> KeyEvent {
    let (code, modifiers) = match key {
        "Tab" => (KeyCode::Tab, KeyModifiers::NONE),
        "Shift-Tab" => (KeyCode::BackTab, KeyModifiers::SHIFT),
        "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
        "Backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
        "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
        "Space" => (KeyCode::Char(' '), KeyModifiers::NONE),
        "Up" => (KeyCode::Up, KeyModifiers::NONE),
        "Down" => (KeyCode::Down, KeyModifiers::NONE),
        "Left" => (KeyCode::Left, KeyModifiers::NONE),
        "Right" => (KeyCode::Right, KeyModifiers::NONE),
        "Ctrl-c" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
        key => (KeyCode::Char(key.chars().next().unwrap()), KeyModifiers::NONE),
    };
    KeyEvent::new(code, modifiers)
}

pub fn notice(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |n| &n.text)
}

fn selected(model: &Model) -> &str {
    model.selected_line().map_or("", |l| l.member.title())
}

#[test]
fn the_worst_ejecutivo_is_under_the_cursor_from_the_start() {
    assert_eq!(selected(&console(incident_snapshot())), "Osmara Partida");
}

fn eyes(model: &Model) -> String {
    model.lens().map_or("one's own".into(), |lens| lens.title())
}

#[test]
fn w_goes_through_the_roles_and_the_cursor_says_whose_eyes() {
    let mut model = console(incident_snapshot());
    let seen: Vec<String> = (0..4)
        .map(|_| {
            press(&mut model, "w");
            eyes(&model)
        })
        .collect();
    assert_eq!(seen, ["administrador", "coordinador of VEN", "ejecutivo Osmara Partida", "one's own"]);
    press(&mut model, "w w Right");
    assert_eq!(eyes(&model), "coordinador of BOOM");
    press(&mut model, "w j");
    assert_eq!(eyes(&model), "ejecutivo Berta Lagos");
    press(&mut model, "Esc");
    assert_eq!(eyes(&model), "one's own");
}

#[test]
fn esc_leaves_the_fix_screen_whatever_is_said_below_it() {
    let mut model = console(incident_snapshot());
    press(&mut model, "f Enter");
    assert!(model.fix.is_some() && model.notice.is_some());
    press(&mut model, "Esc");
    assert!(model.fix.is_none() && model.notice.is_none());
}

#[test]
fn without_the_server_f_says_so_instead_of_measuring_for_ever() {
    let mut snapshot = incident_snapshot();
    snapshot.link = Link::Silent { since: night() };
    let mut model = console(snapshot);
    press(&mut model, "f");
    assert!(model.fix.is_none() && notice(&model).contains("does not answer"));
}

#[test]
fn w_passes_over_the_ejecutivo_where_nobody_is_behind_the_line() {
    let mut model = console(incident_snapshot());
    press(&mut model, "G");
    assert_eq!(selected(&model), "(none)");
    press(&mut model, "w w w");
    assert_eq!(eyes(&model), "one's own");
}

#[test]
fn r_asks_first_with_cancel_focused_and_does_nothing_on_enter() {
    let mut model = console(incident_snapshot());
    assert_eq!(press(&mut model, "r"), []);
    let Some(Dialog::Act(question)) = &model.dialog else { panic!("{:?}", model.dialog) };
    assert_eq!((&question.plan.fix, question.plan.view, question.buttons.on_yes), (&Fix::Refresh, Some(VIEW), false));
    assert_eq!(press(&mut model, "Enter"), []);
    assert_eq!((&model.dialog, &model.action), (&None, &None));
}

#[test]
fn r_in_the_dialog_does_not_confirm() {
    let mut model = console(incident_snapshot());
    assert_eq!(press(&mut model, "r r r"), []);
    assert!(model.action.is_none());
}

#[test]
fn y_or_the_focused_button_sends_exactly_the_statements_that_the_dialog_showed() {
    let mut model = console(incident_snapshot());
    let by_key = press(&mut model, "r y");
    let by_button = press(&mut console(incident_snapshot()), "r Tab Enter");
    assert_eq!(by_key, by_button);
    let [Cmd::Run(plan)] = by_key.as_slice() else { panic!("{by_key:?}") };
    let refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY \"public\".\"mv_conversaciones_dashboard\"";
    let [.., before, after, end] = plan.statements.as_slice() else { panic!("{:?}", plan.statements) };
    assert_eq!((before.as_str(), end.as_str()), (refresh, "COMMIT"));
    assert!(after.contains("is another view now"), "who waited for a lock looks once more: {after}");
    assert!(model.action.as_ref().is_some_and(|a| a.is_running()));
}

#[test]
fn after_the_refresh_the_view_is_measured_and_only_then_the_proof_is_told() {
    let mut model = console(incident_snapshot());
    press(&mut model, "r y");
    update(&mut model, Msg::Action(Event::Running(77)));
    let commands = update(&mut model, Msg::Action(Event::Ended(Ending::Done(None), Duration::from_millis(120))));
    assert_eq!(commands, [Cmd::Watch(Request::Measure(VIEW))]);
    update(&mut model, Msg::Snapshot(Arc::new(incident_snapshot())));
    let stage = |model: &Model| model.action.as_ref().unwrap().stage.clone();
    assert!(matches!(stage(&model), Stage::Measuring { .. }), "a comparison asked before the end proves nothing");
    let mut after = healed_snapshot();
    let view = Arc::make_mut(&mut after.views[0]);
    view.values.last.as_mut().unwrap().asked = night() + TimeDelta::seconds(1);
    update(&mut model, Msg::Snapshot(Arc::new(after)));
    let Stage::Over { good: true, text } = stage(&model) else { panic!("{:?}", stage(&model)) };
    assert!(text.contains("394 rows were wrong, now none of 3,230 is"), "{text}");
}

#[test]
fn a_lock_timeout_says_who_held_the_lock() {
    let mut model = console(incident_snapshot());
    press(&mut model, "r y");
    update(&mut model, Msg::Action(Event::Running(77)));
    let mut snapshot = incident_snapshot();
    let blocker = Blocker {
        pid: 12,
        user: "ana".into(),
        application: "psql".into(),
        state: "idle in transaction".into(),
        since: None,
        query: None,
    };
    Arc::make_mut(&mut snapshot.views[0]).refreshing = vec![Refreshing {
        pid: 77,
        user: "postgres".into(),
        application: "mvtop action".into(),
        since: None,
        concurrently: true,
        state: Some("active".into()),
        granted: false,
        blocked_by: vec![blocker],
    }];
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    assert!(crate::rest::frame(&model).contains("waiting for ana"));
    let mut granted = incident_snapshot();
    Arc::make_mut(&mut granted.views[0]).refreshing.clear();
    let mut until_granted = console(incident_snapshot());
    until_granted.action = model.action.clone();
    update(&mut until_granted, Msg::Snapshot(Arc::new(granted)));
    assert!(!crate::rest::frame(&until_granted).contains("waiting for ana"), "it had its lock");
    update(&mut model, Msg::Action(Event::Ended(Ending::LockTimeout, Duration::from_secs(3))));
    let Some(Stage::Over { good: false, text }) = model.action.map(|a| a.stage) else { panic!() };
    assert!(text.contains("ana (psql, pid 12) holds it, idle in transaction"), "{text}");
}

#[test]
fn a_refresh_can_be_cancelled_by_its_own_backend_only() {
    let mut model = console(incident_snapshot());
    assert_eq!(press(&mut model, "c"), [], "nothing runs");
    assert!(notice(&model).contains("no refresh or other action of yours"));
    press(&mut model, "r y");
    assert!(!crate::rest::frame(&model).contains("c cancels it"), "there is nothing to cancel yet");
    press(&mut model, "c");
    assert!(notice(&model).contains("nothing of it was sent"), "{}", notice(&model));
    update(&mut model, Msg::Action(Event::Running(77)));
    assert_eq!(press(&mut model, "c"), [Cmd::Watch(Request::Cancel(77))]);
}

#[test]
fn leaving_during_a_refresh_asks_and_then_cancels_it() {
    let mut model = console(incident_snapshot());
    press(&mut model, "r y");
    update(&mut model, Msg::Action(Event::Running(77)));
    assert_eq!(press(&mut model, "q"), []);
    assert!(matches!(model.dialog, Some(Dialog::Quit(Buttons { on_yes: false, .. }))), "{:?}", model.dialog);
    assert_eq!(press(&mut model, "y"), [Cmd::Watch(Request::Cancel(77)), Cmd::Quit]);
    assert_eq!(press(&mut console(incident_snapshot()), "q"), [Cmd::Quit]);
}

#[test]
fn read_only_mode_has_no_refresh_and_says_so() {
    let mut model = console(incident_snapshot());
    model.settings.read_only = true;
    assert_eq!(press(&mut model, "r"), []);
    assert_eq!(model.dialog, None);
    assert!(notice(&model).contains("read-only"), "{}", notice(&model));
}

#[test]
fn a_missing_right_a_standby_and_a_running_refresh_each_say_why_r_is_off() {
    let mut no_right = incident_snapshot();
    let mut view = view();
    view.can_refresh = false;
    Arc::make_mut(&mut no_right.views[0]).view = Arc::new(view);
    let mut standby = incident_snapshot();
    Arc::make_mut(standby.server.as_mut().unwrap()).standby = true;
    let mut running = incident_snapshot();
    Arc::make_mut(&mut running.views[0]).refreshing = vec![Refreshing {
        pid: 5,
        user: "cron".into(),
        application: "pg_cron".into(),
        since: None,
        concurrently: true,
        state: Some("active".into()),
        granted: true,
        blocked_by: vec![],
    }];
    for (snapshot, why) in [
        (no_right, "it needs to be its owner"),
        (standby, "this is a standby"),
        (running, "cron (pg_cron, pid 5) refreshes mv_conversaciones_dashboard already"),
    ] {
        let mut model = console(snapshot);
        press(&mut model, "r");
        assert!(notice(&model).contains(why), "{} does not say {why}", notice(&model));
        assert_eq!(model.dialog, None);
    }
}

#[test]
fn the_cursor_stays_on_its_ejecutivo_when_the_rows_change_and_goes_to_the_top_of_another_order() {
    let mut model = console(incident_snapshot());
    press(&mut model, "j");
    let who = selected(&model).to_string();
    assert_ne!(who, "Osmara Partida");
    update(&mut model, Msg::Snapshot(Arc::new(healed_snapshot())));
    assert_eq!(selected(&model), who);
    press(&mut model, "s");
    assert_eq!((model.line_place(), model.counts.sort), (0, Sort::Name));
}

#[test]
fn a_run_opens_with_all_that_its_narrow_line_has_no_room_for() {
    let mut model = console(incident_snapshot());
    press(&mut model, "2 j Enter");
    let run = model.selected_run().unwrap().clone();
    assert_eq!(model.dialog, Some(Dialog::Run(run.clone(), 0)));
    press(&mut model, "j Esc");
    assert_eq!((&model.dialog, model.selected_run()), (&None, Some(&run)));
    press(&mut model, "/");
    assert!(!model.is_typing() && model.focus == Pane::Cron && notice(&model).contains("unfiltered"));
}

#[test]
fn the_filter_narrows_the_lines_and_takes_every_letter() {
    let mut model = console(incident_snapshot());
    press(&mut model, "/ o s m q r");
    assert!(model.counts.editing && model.counts.order.is_empty(), "q and r are letters here");
    press(&mut model, "Esc / i b a n Enter");
    assert_eq!((model.counts.order.len(), selected(&model)), (1, "Carla Ibáñez"), "without its accents");
    press(&mut model, "Esc / c a r Enter");
    assert_eq!((model.counts.order.len(), selected(&model)), (1, "Carla Ibáñez"));
    press(&mut model, "Esc");
    assert_eq!(model.counts.order.len(), 4);
}

#[test]
fn b_and_v_open_the_selected_ejecutivo_in_that_coordinacion() {
    let mut model = console(incident_snapshot());
    let commands = press(&mut model, "b");
    assert!(matches!(commands.as_slice(), [Cmd::Watch(Request::Drill(Some(target)))] if target.view == VIEW));
    let drill = model.drill.as_ref().unwrap();
    assert_eq!((drill.title.as_str(), &drill.tab), ("Osmara Partida", &Some(Some(Some("BOOM".into())))));
    press(&mut model, "v");
    assert_eq!(model.drill.as_ref().unwrap().tab, Some(Some(Some("VEN".into()))));
    assert_eq!(press(&mut model, "Esc"), [Cmd::Watch(Request::Drill(None))]);
    assert!(model.drill.is_none());
}

#[test]
fn space_freezes_what_is_shown_while_the_newest_is_kept() {
    let mut model = console(incident_snapshot());
    press(&mut model, "Space");
    update(&mut model, Msg::Snapshot(Arc::new(healed_snapshot())));
    assert_eq!(model.comparison().unwrap().totals.moved, 166);
    press(&mut model, "Space");
    assert_eq!(model.comparison().unwrap().totals.moved, 0);
}

#[test]
fn a_display_that_stands_still_opens_no_rows_that_were_not_read() {
    let mut model = console(incident_snapshot());
    for keys in ["Space Enter", "b"] {
        assert_eq!(press(&mut model, keys), []);
        assert!(model.drill.is_none() && notice(&model).contains("stands still"), "{}", notice(&model));
    }
    press(&mut model, "Space Enter");
    assert!(model.drill.is_some());
}

#[test]
fn a_key_that_jumps_to_a_line_opens_that_line_s_rows_from_another_s() {
    let mut model = console(incident_snapshot());
    let jumps = [("y".to_string(), "Osmara Partida".to_string())];
    model.settings.keys = Keymap::new(&Default::default(), jumps).unwrap();
    press(&mut model, "j Enter");
    assert_ne!(model.drill.as_ref().unwrap().title, "Osmara Partida");
    let target = DrillTarget { view: VIEW, member: Some(Some("Osmara Partida".into())) };
    assert_eq!(press(&mut model, "y"), [Cmd::Watch(Request::Drill(Some(target)))]);
    assert_eq!(model.drill.as_ref().unwrap().title, "Osmara Partida");
}

#[test]
fn esc_drops_the_filter_of_the_views_from_whichever_pane() {
    let mut model = console(incident_snapshot());
    press(&mut model, "1 / z z z Enter Tab Esc");
    assert!(model.views.filter.value().is_empty() && model.focus == Pane::Cron);
}

#[test]
fn what_is_scrolled_to_its_end_goes_back_at_once() {
    let mut model = console(incident_snapshot());
    press(&mut model, "L Down Down Down Down Down Down");
    assert!(matches!(model.dialog, Some(Dialog::Log(0))), "nothing was changed yet: {:?}", model.dialog);
}

#[test]
fn panes_are_reached_by_number_and_in_turn() {
    let mut model = console(incident_snapshot());
    for (keys, pane) in
        [("1", Pane::Views), ("Tab", Pane::Cron), ("4", Pane::Flow), ("Tab", Pane::Views), ("Shift-Tab", Pane::Flow)]
    {
        press(&mut model, keys);
        assert_eq!(model.focus, pane, "after {keys}");
    }
}

#[test]
fn a_refresh_that_failed_for_a_right_says_that_nothing_changed() {
    let mut model = console(incident_snapshot());
    press(&mut model, "r y");
    let why = Problem { kind: ProblemKind::Permission, text: "must be owner".into() };
    update(&mut model, Msg::Action(Event::Ended(Ending::Failed(why), Duration::ZERO)));
    let Some(Stage::Over { good: false, text }) = model.action.map(|a| a.stage) else { panic!() };
    assert!(text.contains("nothing was changed") && text.contains("must be owner"), "{text}");
}

#[test]
fn ctrl_c_leaves_even_from_a_field_or_a_dialog() {
    for keys in ["Ctrl-c", "/ Ctrl-c", "r Ctrl-c", "? Ctrl-c"] {
        assert_eq!(press(&mut console(incident_snapshot()), keys), [Cmd::Quit], "{keys}");
    }
}
