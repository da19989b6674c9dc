//! What must stay in sight however little room there is.

use std::time::{Duration, Instant};

use mvtop::app::model::Dialog;
use mvtop::domain::snapshot::Counted;

use super::*;

#[test]
fn the_plan_in_use_is_said_with_its_price() {
    let mut snapshot = incident_snapshot();
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.counted = Some(Counted { took: Duration::from_millis(19), without: vec!["ultimo".into()] });
    let text = |snapshot: &Snapshot| text_of(&console(snapshot.clone(), "", (120, 40)));
    assert!(text(&snapshot).contains("groups 19ms without ultimo"), "{}", text(&snapshot));
    Arc::make_mut(&mut snapshot.views[0]).counted.as_mut().unwrap().without.clear();
    assert!(!text(&snapshot).contains("without") && text(&snapshot).contains("groups 19ms"));
}

#[test]
fn the_line_that_keeps_chosen_columns_is_shown_however_long_the_file_s_path_is() {
    for length in [8, 40, 90] {
        let mut model = console(unconventional(), "", (80, 24));
        model.settings.config_file = Some(format!("/home/{}/.config/mvtop/config.toml", "a".repeat(length)));
        press_key(&mut model, KeyEvent::new(KeyCode::Char('o'), KeyModifiers::NONE));
        let text = text_of(&model);
        assert!(text.contains("config.toml") && text.contains("groups = "), "{text}");
    }
}

#[test]
fn a_run_s_message_is_read_to_its_end_though_it_is_one_line() {
    let mut model = console(incident_snapshot(), "2 j Enter", (80, 24));
    let Some(Dialog::Run(run, _)) = &mut model.dialog else { panic!("no run is open") };
    run.message = Some(format!("{} the end", "it failed once more, ".repeat(300)));
    let key = |model: &mut Model, code| {
        press_key(model, KeyEvent::new(code, KeyModifiers::NONE));
    };
    (0..20).for_each(|_| key(&mut model, KeyCode::PageDown));
    assert!(text_of(&model).contains("the end"), "{}", text_of(&model));
    (0..3).for_each(|_| key(&mut model, KeyCode::PageUp));
    assert!(!text_of(&model).contains("the end"), "{}", text_of(&model));
}

#[test]
fn a_message_of_three_lines_leaves_the_counts_a_line() {
    let mut model = console(incident_snapshot(), "", (80, 24));
    mvtop::app::update::say(&mut model, "a long message ".repeat(15));
    let text = text_of(&model);
    assert!(text.contains("Osmara Partida   │") && text.contains("a long message"), "{text}");
}

#[test]
fn lines_that_differ_outside_the_window_are_counted_in_the_frame() {
    let names: Vec<String> = (0..40).map(|i| format!("Ejecutivo {i:02}")).collect();
    let side = |i: usize, place| Some((names[i].as_str(), place));
    let live = |i| if i < 6 { "BOOM" } else { "VEN" };
    let rows: Vec<_> = (0..names.len()).map(|i| (side(i, "VEN"), side(i, live(i)), 43 - i as u64, 0)).collect();
    let compared = comparison(mvtop::domain::drift::Scope::Values, &rows);
    let snapshot = scheduled_snapshot(compared, TimeDelta::hours(9), |_, _| {});
    let text = text_of(&console(snapshot.clone(), "", (80, 24)));
    assert!(text.contains(" differ below ") && !text.contains("differ above"), "{text}");
    assert_eq!(text.matches("┃ Ejecutivo ").count(), 4, "the counts have the room: {text}");
    let text = text_of(&console(snapshot, "G", (80, 24)));
    assert!(text.contains("▲ 6 differ above ┛"), "{text}");
}

#[test]
fn that_the_display_stands_still_is_said_beside_every_message() {
    for size in [(80, 24), (60, 16), (120, 40)] {
        let mut model = console(incident_snapshot(), "Space", size);
        mvtop::app::update::say(&mut model, "a long message ".repeat(9));
        let text = text_of(&model);
        assert!(text.contains(" FROZEN for 0s ") && text.contains("a long message"), "{text}");
    }
}

#[test]
fn the_screen_of_fixes_is_not_called_off_where_it_can_be_looked_at() {
    let mut model = console(weighed_snapshot(|_| ()), "", (120, 40));
    model.settings.read_only = true;
    let text = text_of(&model);
    assert!(text.contains(" f fix ") && !text.contains("(off)"), "{text}");
}

#[test]
fn the_smallest_terminal_shows_every_option_and_the_line_that_keeps_chosen_columns() {
    let text = text_of(&console(weighed_snapshot(|_| ()), "f j j j", (60, 16)));
    assert!(text.contains("▸ Plain view") && text.contains("Cron job  ") && !text.contains("WAL"), "{text}");
    let text = text_of(&console(unconventional(), "o Space j j Space j Space", (60, 16)));
    assert!(text.contains("groups = ") && text.contains("│ two columns are chosen already"), "{text}");
    let repairs = |facts: &mut mvtop::domain::fix::Facts| facts.unique = vec![vec!["prospecto_id".into()]];
    let mut snapshot = weighed_snapshot(repairs);
    let history = Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value);
    history.truncated = true;
    let text = text_of(&console(snapshot.clone(), "f", (60, 16)));
    assert!(text.contains(" ▼ 2 more ┛"), "{text}");
    let text = text_of(&console(snapshot, "f G", (60, 16)));
    assert!(text.contains("▸ Delete cron runs older") && text.contains("▲ "), "{text}");
}

#[test]
fn a_short_pane_marks_what_it_cuts() {
    let jobs = vec![job(3, "refresh", "*/5 * * * *", &refresh_job().command)];
    let mut snapshot = snapshot(vec![view_state(incident(), night())], history(jobs, Vec::new()));
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.counted = Some(Counted { took: Duration::from_millis(6), without: vec!["ultimo".into()] });
    let text = text_of(&console(snapshot, "4", (80, 24)));
    assert!(text.contains("groups 6ms without ultimo · …"), "{text}");
    assert!(text.contains("no run of it among the newest") && text.contains("│kept"), "{text}");
}

#[test]
fn a_long_schedule_or_filter_shows_the_caret_and_what_it_is_for() {
    let mut model = console(weighed_snapshot(|_| ()), "2 l e", (80, 24));
    update(&mut model, Msg::Paste(format!(" {} 漢字 the end", "aaaa ".repeat(40)), Instant::now()));
    let text = text_of(&model);
    assert!(text.contains(" Schedule of sincronizar-dynamics "), "{text}");
    assert!(text.contains("pg_cron ignores what follows") && text.contains("the end"), "{text}");
    assert!(text.contains("⏎ takes it   Esc leaves it as it was  "), "{text}");
    let mut model = console(incident_snapshot(), "3 /", (80, 24));
    update(&mut model, Msg::Paste("Osmara Partida de la Torre y Montes".into(), Instant::now()));
    let text = text_of(&model);
    assert!(text.contains("la Torre y Montes▏") && text.contains("total of all"), "{text}");
}
