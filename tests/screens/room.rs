//! What must stay in sight however little room there is.

use std::time::Duration;

use mvtop::domain::snapshot::Counted;

use super::*;

#[test]
fn the_plan_in_use_is_said_with_its_price() {
    let mut snapshot = incident_snapshot();
    let view = Arc::make_mut(&mut snapshot.views[0]);
    view.counted = Some(Counted { took: Duration::from_millis(19), without: vec!["ultimo".into()] });
    let text = |snapshot: &Snapshot| text_of(&console(snapshot.clone(), "", (120, 40)));
    assert!(text(&snapshot).contains("groups 19 ms without ultimo"), "{}", text(&snapshot));
    Arc::make_mut(&mut snapshot.views[0]).counted.as_mut().unwrap().without.clear();
    assert!(!text(&snapshot).contains("without") && text(&snapshot).contains("groups 19 ms"));
}

#[test]
fn the_line_that_keeps_chosen_columns_is_shown_however_long_the_file_s_path_is() {
    for length in [8, 40, 90] {
        let mut model = console(unconventional(), "", (80, 24));
        model.settings.config_file = Some(format!("/home/{}/.config/mvtop/config.toml", "a".repeat(length)));
        update(&mut model, Msg::Key(KeyEvent::new(KeyCode::Char('o'), KeyModifiers::NONE)));
        let text = text_of(&model);
        assert!(text.contains("config.toml") && text.contains("groups = "), "{text}");
    }
}

#[test]
fn a_message_of_three_lines_leaves_the_counts_a_line() {
    let mut model = console(incident_snapshot(), "", (80, 24));
    mvtop::app::update::say(&mut model, "a long message ".repeat(15));
    let text = text_of(&model);
    assert!(text.contains("Osmara Partida   │") && text.contains("a long message"), "{text}");
}
