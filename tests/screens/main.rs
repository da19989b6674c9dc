//! Every screen at 80×24 and 120×40, its text and its styles, drawn from Snapshots made by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../support/scene.rs"]
mod scene;

mod drill;
mod made;
mod questions;
mod rebound;
mod room;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use made::*;
use mvtop::app::model::Settings;
use mvtop::app::{Model, Msg, update};
use mvtop::domain::drift::Kind;
use mvtop::domain::groups::Interner;
use mvtop::domain::reading::{Problem, ProblemKind, Progress};
use mvtop::domain::server::{Cron, Link};
use mvtop::domain::snapshot::{
    ColumnValues, DriftRow, Drill, DrillIndex, DrillTarget, Refreshing, RowDetail, Snapshot, ValuesSource,
};
use mvtop::domain::view::Column;
use mvtop::journal::{End, Entry};
use mvtop::keys::Keymap;
use mvtop::theme::{ColorDepth, Theme};
use mvtop::ui;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use scene::*;

fn night_theme() -> Theme {
    Theme::builtin().into_iter().find(|t| t.name == "night").expect("the theme night")
}

fn console(snapshot: Snapshot, keys: &str, size: (u16, u16)) -> Model {
    let settings =
        Settings { place: "crm@db:5432 as postgres".into(), themes: vec!["night".into()], ..Settings::default() };
    let mut model = Model::new(settings, 0, size, night());
    update(&mut model, Msg::Snapshot(Arc::new(snapshot)));
    for key in keys.split_whitespace() {
        let code = match key {
            "Enter" => KeyCode::Enter,
            "Tab" => KeyCode::Tab,
            "Space" => KeyCode::Char(' '),
            key => KeyCode::Char(key.chars().next().unwrap_or(' ')),
        };
        press_key(&mut model, KeyEvent::new(code, KeyModifiers::NONE));
    }
    stand(&mut model);
    model
}

fn drawn(model: &Model) -> Buffer {
    drawn_in(model, &night_theme())
}

fn drawn_in(model: &Model, theme: &Theme) -> Buffer {
    let (columns, rows) = model.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
    terminal.draw(|frame| ui::draw(model, theme, frame)).expect("a frame");
    terminal.backend().buffer().clone()
}

/// The text, and under it the same grid with a letter for each style, and what the letters stand for.
fn picture(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let (mut text, mut styles) = (String::new(), String::new());
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            text.push_str(cell.symbol());
            let look = look(cell.style());
            let next = char::from(b'a' + letters.len() as u8);
            styles.push(*letters.entry(look).or_insert(next));
        }
        text.push('\n');
        styles.push('\n');
    }
    let legend: String = letters.iter().map(|(look, letter)| format!("{letter} {look}\n")).collect();
    let trimmed: String = text.lines().map(|l| format!("{}\n", l.trim_end())).collect();
    format!("{trimmed}\n{styles}\n{legend}")
}

fn look(style: Style) -> String {
    let colour = |c: Option<ratatui::style::Color>| c.map_or("-".into(), |c| c.to_string());
    format!("{} on {} {:?}", colour(style.fg), colour(style.bg), style.add_modifier)
}

fn at_both_sizes(name: &str, make: impl Fn((u16, u16)) -> Model) {
    for size in [(80, 24), (120, 40)] {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture(&drawn(&make(size))));
    }
}

fn text_of(model: &Model) -> String {
    let buffer = drawn(model);
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(|y| row(y) + "\n").collect()
}

#[test]
fn the_incident_with_each_pane_maximised() {
    at_both_sizes("incident", |size| console(incident_snapshot(), "", size));
    for (key, pane) in [("1", "views"), ("2", "cron"), ("3", "counts"), ("4", "flow")] {
        at_both_sizes(&format!("pane_{pane}"), |size| console(incident_snapshot(), &format!("{key} z"), size));
    }
}

#[test]
fn a_message_leaves_the_clock_beside_it_as_it_was_in_every_theme() {
    let mut model = console(incident_snapshot(), "", (120, 40));
    for theme in Theme::builtin() {
        model.notice = None;
        let clock = drawn_in(&model, &theme)[(118, 38)].clone();
        mvtop::app::update::say(&mut model, "done");
        assert_eq!(drawn_in(&model, &theme)[(118, 38)], clock, "{}", theme.name);
    }
}

#[test]
fn after_the_refresh_and_with_a_job() {
    at_both_sizes("healed", |size| console(healed_snapshot(), "", size));
    let scheduled = || scheduled_snapshot(healed(), TimeDelta::minutes(2), |_, _| {});
    at_both_sizes("all_is_well", |size| console(scheduled(), "", size));
}

#[test]
fn through_the_eyes_of_an_administrador_a_coordinador_and_an_ejecutivo() {
    for (keys, role) in [("w", "administrador"), ("w w", "coordinador"), ("w w w", "ejecutivo")] {
        at_both_sizes(&format!("lens_{role}"), |size| console(incident_snapshot(), keys, size));
    }
    let text = text_of(&console(incident_snapshot(), "w w w", (120, 40)));
    assert!(text.contains("As ejecutivo Osmara Partida: sees 166, should see 29 (-137)"), "{text}");
    assert!(text.contains("impact high: 137 shown but not theirs, 29 in the wrong coordinación"), "{text}");
    assert!(!text.contains("Carla Ibáñez    "), "no other ejecutivo's line is shown: {text}");
}

#[test]
fn the_options_stand_side_by_side_with_their_figures_and_the_recommended_one_first() {
    at_both_sizes("fix", |size| console(weighed_snapshot(|_| ()), "f", size));
    at_both_sizes("fix_dialog", |size| console(weighed_snapshot(|_| ()), "f Enter", size));
    at_both_sizes("fix_plain", |size| console(weighed_snapshot(|_| ()), "f j j j Enter", size));
    at_both_sizes("fix_schedule", |size| console(weighed_snapshot(|_| ()), "f e 1", size));
    let poor = || {
        weighed_snapshot(|facts| {
            facts.rights.can_schedule = false;
            facts.rights.tables[0].can_trigger = false;
            facts.pieces.stuck = vec!["materialized view nieta".into()];
        })
    };
    at_both_sizes("fix_poor", |size| console(poor(), "f", size));
    let text = text_of(&console(incident_snapshot(), "f", (80, 24)));
    assert!(text.contains("measuring what each option costs"), "{text}");
}

#[test]
fn the_log_tells_what_was_changed_and_what_was_interrupted() {
    let entry = |minute: i64, end: Option<End>| Entry {
        id: minute.to_string(),
        at: night() + TimeDelta::minutes(minute),
        who: "ana".into(),
        place: "crm@db:5432 as postgres".into(),
        database: None,
        title: "Refresh mv_conversaciones_dashboard?".into(),
        sql: vec!["BEGIN".into(), "REFRESH MATERIALIZED VIEW mv".into(), "COMMIT".into()],
        batches: false,
        former: None,
        undo: None,
        proof: None,
        end,
    };
    let done = End { at: night(), good: true, result: "done after 0.1s".into() };
    at_both_sizes("log", |size| {
        let mut model = console(incident_snapshot(), "L", size);
        update(&mut model, Msg::Log(vec![entry(0, Some(done.clone())), entry(3, None)], None));
        model
    });
}

#[test]
fn the_help_lists_every_key() {
    at_both_sizes("help", |size| console(incident_snapshot(), "?", size));
}

/// A view of which nothing is conventional, its columns counted.
#[test]
fn the_choice_of_groups_lists_the_columns_and_says_how_to_keep_it() {
    at_both_sizes("groups", |size| console(unconventional(), "o Space j j Space", size));
    let mut one = unconventional();
    Arc::make_mut(&mut one.views[0]).drift.last.as_mut().unwrap().value =
        Arc::new(comparison(mvtop::domain::drift::Scope::Values, &[]));
    let text = text_of(&console(one, "", (80, 24)));
    assert!(text.contains("counted as one group; o chooses columns (etapa 7 values, etapa_id 7, zona"), "{text}");
    let text = text_of(&console(unconventional(), "o Space", (80, 24)));
    assert!(text.contains("groups = [\"etapa\"]") && text.contains("[views.\"public.mv_conv"), "{text}");
}

#[test]
fn keys_bound_anew_are_those_of_the_banner_the_footer_and_the_help() {
    let rebound = BTreeMap::from([("refresh".to_string(), vec!["F5".to_string()])]);
    let mut model = console(incident_snapshot(), "", (120, 40));
    model.settings.keys = Keymap::new(&rebound, [("m".to_string(), "MVP".to_string())]).expect("good keys");
    let text = text_of(&model);
    assert!(text.contains("Press F5 to refresh") && text.contains(" F5 refresh") && text.contains("m MVP"), "{text}");
    assert!(!text.contains("r refresh  ") && !text.contains("b BOOM"), "{text}");
    press_key(&mut model, KeyEvent::new(KeyCode::Char('r'), KeyModifiers::NONE));
    assert_eq!(model.dialog, None);
    press_key(&mut model, KeyEvent::new(KeyCode::F(5), KeyModifiers::NONE));
    assert!(model.dialog.is_some());
}

#[test]
fn a_place_with_a_colour_shows_it_on_its_name_and_every_frame() {
    let model = console(incident_snapshot(), "", (120, 40));
    let theme = night_theme().tinted(Some(Color::Rgb(255, 0, 0)), ColorDepth::TrueColor);
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a test terminal");
    terminal.draw(|frame| ui::draw(&model, &theme, frame)).expect("a frame");
    let buffer = terminal.backend().buffer().clone();
    let red = |x: u16, y: u16| buffer[(x, y)].fg == Color::Rgb(255, 0, 0);
    assert!(red(1, 38) && red(10, 38), "the name of the place");
    assert!(red(0, 4) && red(119, 4), "the frames");
}

#[test]
fn osmaras_rows_with_where_they_went() {
    at_both_sizes("drill", |size| {
        let mut model = console(incident_snapshot(), "v", size);
        update(&mut model, Msg::Snapshot(Arc::new(drilled())));
        model
    });
    let mut model = console(incident_snapshot(), "v", (120, 40));
    update(&mut model, Msg::Snapshot(Arc::new(drilled())));
    let text = text_of(&model);
    assert!(text.contains("29 to another coordinacion, 137 to another ejecutivo"), "{text}");
}

/// The incident beside a view that is true, whose name comes first.
#[test]
fn the_banner_and_the_keys_are_about_the_selected_view_and_name_the_one_that_is_worse() {
    at_both_sizes("two_views", |size| console(two_views(), "1 j", size));
    let text = |keys| text_of(&console(two_views(), keys, (120, 40)));
    let worst = text("");
    assert!(worst.contains("✖ CRITICAL  fin.mv_ventas is wrong") && worst.contains("fin.mv_ventas against live"));
    assert!(!worst.contains("Worse:"), "{worst}");
    let other = text("1 j");
    assert!(other.contains("● OK        mv_conversaciones_dashboard is true"), "{other}");
    assert!(other.contains("✖ Worse: fin.mv_ventas is CRITICAL; ! goes there."), "{other}");
    assert!(other.contains("Ejecutivos of mv_conversaciones_dashboard"), "{other}");
    assert!(text("1 j r").contains("Refresh mv_conversaciones_dashboard?"));
    assert!(text("1 j !").contains("✖ CRITICAL  fin.mv_ventas is wrong"));
}

#[test]
fn the_end_of_a_cause_is_not_lost_while_there_are_rows_for_it() {
    let mut snapshot = scheduled_snapshot(incident(), TimeDelta::hours(74), |_, _| {});
    let history = Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value);
    let said = "ERROR:  could not write block 4711: No space left on device";
    history.runs[0].message = Some(said.into());
    history.runs[0].status = mvtop::domain::job::RunStatus::Failed;
    for size in [(80, 24), (120, 40)] {
        let text = text_of(&console(snapshot.clone(), "", size)).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("No space left on device"), "{size:?}: {text}");
        assert!(text.contains("Press r to refresh"), "{size:?}: {text}");
    }
}

#[test]
fn a_run_shows_its_whole_message_its_times_and_its_command() {
    let snapshot = || {
        let mut snapshot = scheduled_snapshot(incident(), TimeDelta::hours(74), |_, _| {});
        let history = Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value);
        history.runs[0].status = mvtop::domain::job::RunStatus::Failed;
        history.runs[0].message = Some(
            "ERROR:  could not create unique index \"pg_temp_1\"⏎DETAIL:  Key (prospecto_id)=(7) is duplicated.⏎\
             CONTEXT:  SQL statement \"REFRESH MATERIALIZED VIEW CONCURRENTLY mv\""
                .into(),
        );
        snapshot
    };
    at_both_sizes("run", |size| console(snapshot(), "2 Enter", size));
}

#[test]
fn every_empty_state_says_what_it_is() {
    let mut no_views = incident_snapshot();
    no_views.views.clear();
    let mut no_cron = incident_snapshot();
    Arc::make_mut(no_cron.server.as_mut().unwrap()).cron = Cron::Absent;
    (no_cron.history, no_cron.jobs) = Default::default();
    for (name, snapshot, words) in [
        ("no_views", no_views, "no materialized view in this database"),
        ("no_cron", no_cron, "pg_cron is not installed"),
        ("connecting", Snapshot::connecting(night()), "Connecting to crm@db:5432"),
    ] {
        assert!(text_of(&console(snapshot.clone(), "", (80, 24))).contains(words), "{name}");
        insta::assert_snapshot!(name, picture(&drawn(&console(snapshot, "", (80, 24)))));
    }
}

#[test]
fn a_lost_server_leaves_the_last_data_on_the_screen() {
    let mut snapshot = incident_snapshot();
    snapshot.link = Link::Down {
        since: night(),
        why: "cannot connect to 10.0.0.7:5432: Connection refused (os error 111); check that one runs there".into(),
        kind: mvtop::domain::reading::ProblemKind::Connection,
        tries: 4,
    };
    let model = console(snapshot, "", (80, 24));
    let text = text_of(&model);
    assert!(text.contains("runs there") && text.contains("Osmara Partida"), "{text}");
    insta::assert_snapshot!("no_connection", picture(&drawn(&model)));
}

#[test]
fn a_lock_a_wait_and_a_failure_are_said_in_their_panes() {
    let mut snapshot = incident_snapshot();
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.refreshing = vec![Refreshing {
        pid: 4_711,
        user: "ana".into(),
        application: "psql".into(),
        since: Some(night() - TimeDelta::seconds(42)),
        concurrently: false,
        state: Some("active".into()),
        granted: true,
        blocked_by: vec![],
    }];
    view.drift.progress = Progress::Failed {
        at: night(),
        why: Problem { kind: ProblemKind::LockTimeout, text: "another session holds a lock on it".into() },
    };
    let text = text_of(&console(snapshot, "", (120, 40)));
    assert!(text.contains("ana (psql, pid 4711) has it locked for 42s: readers wait"), "{text}");
    assert!(text.contains("another session holds a lock on it"), "{text}");
}

#[test]
fn below_60_by_16_it_says_how_much_room_it_needs() {
    for size in [(59, 24), (80, 15), (20, 5), (1, 1)] {
        let text = text_of(&console(incident_snapshot(), "", size));
        assert!(size.0 < 20 || text.contains("60×16"), "{size:?}: {text}");
    }
}

#[test]
fn every_size_draws_without_a_panic() {
    for columns in (1..220).step_by(19) {
        for rows in (1..70).step_by(9) {
            for keys in ["", "z", "1 z", "2 z", "4 z", "r", "?", "v", "f", "f Enter", "f e", "L", "w w", "w w w z"] {
                drawn(&console(weighed_snapshot(|_| ()), keys, (columns, rows)));
            }
        }
    }
}

#[test]
fn without_colours_each_state_still_has_its_word_and_sign() {
    let text = text_of(&console(incident_snapshot(), "", (120, 40)));
    assert!(text.contains("✖ CRITICAL") && text.contains("✖ wrong"), "{text}");
    assert!(text_of(&console(healed_snapshot(), "", (120, 40))).contains("▲ WARNING"));
}

#[test]
fn ten_thousand_ejecutivos_are_drawn_as_fast_as_ten() {
    let names: Vec<String> = (0..10_000).map(|i| format!("Ejecutivo {i:05}")).collect();
    let rows: Vec<_> = names.iter().map(|n| (Some((n.as_str(), "VEN")), Some((n.as_str(), "BOOM")), 3, 0)).collect();
    let big = comparison(mvtop::domain::drift::Scope::Values, &rows);
    let snapshot = scheduled_snapshot(big, TimeDelta::hours(9), |_, _| {});
    let model = console(snapshot, "G", (120, 40));
    assert!(text_of(&model).contains("Ejecutivo 09999"));
    let few = console(incident_snapshot(), "", (120, 40));
    // The fastest of several frames: a machine with other work slows some, hardly all.
    let fastest = |model: &Model| {
        let frame = |_| {
            let begun = std::time::Instant::now();
            drop(drawn(model));
            begun.elapsed()
        };
        (0..20).map(frame).min().unwrap()
    };
    let (many, few) = (fastest(&model), fastest(&few));
    assert!(many < few * 5, "{many:?} against {few:?}");
}
