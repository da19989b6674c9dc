//! Questions from their first frame, when no yes counts yet, to the lit one; and those that want a word typed.

use super::*;

#[test]
fn the_refresh_dialog_states_the_sql_the_lock_and_focuses_cancel() {
    at_both_sizes("refresh_dialog", |size| console(incident_snapshot(), "r", size));
    let mut plain = incident_snapshot();
    let mut view = view();
    view.has_unique_index = false;
    Arc::make_mut(&mut plain.views[0]).view = Arc::new(view);
    let text = text_of(&console(plain, "r", (120, 40)));
    assert!(text.contains("REFRESH MATERIALIZED VIEW \"public\"") && text.contains("every reader waits"), "{text}");
}

/// The incident's console with one more key, at the first frame after it.
fn opened(snapshot: Snapshot, keys: &str, key: char, size: (u16, u16)) -> Model {
    let mut model = console(snapshot, keys, size);
    press_key(&mut model, letter(key));
    model
}

fn letter(key: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)
}

fn type_all(model: &mut Model, text: &str) {
    for key in text.chars() {
        press_key(model, letter(key));
    }
}

#[test]
fn the_yes_is_dim_at_first_says_what_came_too_early_and_is_then_lit() {
    at_both_sizes("question_dim", |size| opened(incident_snapshot(), "", 'r', size));
    let mut model = opened(incident_snapshot(), "", 'r', (80, 24));
    let text = text_of(&model);
    assert!(text.contains("Refresh  y in a moment") && !text.contains("y yes"), "{text}");
    update(&mut model, Msg::Key(letter('y'), Instant::now()));
    insta::assert_snapshot!("question_too_early", picture(&drawn(&model)));
    stand(&mut model);
    let text = text_of(&model);
    assert!(text.contains("Refresh  y  ") && text.contains(" y yes  "), "{text}");
    assert!(text.contains("Too early: read it first."), "why nothing happened stays to be read: {text}");
}

#[test]
fn the_question_before_leaving_is_dim_at_first_too() {
    let mut model = console(incident_snapshot(), "r y", (80, 24));
    press_key(&mut model, letter('q'));
    let text = text_of(&model);
    assert!(text.contains("Leave  y in a moment"), "{text}");
    stand(&mut model);
    assert!(text_of(&model).contains("Leave  y  "), "{}", text_of(&model));
}

#[test]
fn a_session_is_ended_only_after_its_pid_was_typed() {
    let blocked = || blocked_snapshot(3_510);
    at_both_sizes("question_pid", |size| console(blocked(), "K", size));
    let text = text_of(&opened(blocked(), "", 'K', (60, 16)));
    assert!(text.contains("Type the pid, 3510, and press Enter:") && text.contains("End it  ⏎ "), "{text}");
    let mut model = console(blocked(), "K", (80, 24));
    type_all(&mut model, "35y");
    insta::assert_snapshot!("question_pid_wrong", picture(&drawn(&model)));
    press_key(&mut model, KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE));
    type_all(&mut model, "10");
    assert!(text_of(&model).contains("End it  ⏎ in a moment"), "{}", text_of(&model));
    stand(&mut model);
    insta::assert_snapshot!("question_pid_lit", picture(&drawn(&model)));
}

#[test]
fn a_job_is_removed_only_after_its_name_was_typed_or_its_id_where_it_has_none() {
    at_both_sizes("question_job", |size| console(incident_snapshot(), "2 l x", size));
    let mut nameless = incident_snapshot();
    let history = Arc::make_mut(&mut nameless.history.last.as_mut().unwrap().value);
    history.jobs[0].name = None;
    history.jobs[1].name = Some("sincronizar\u{202e}dynamics".into());
    for (keys, asks) in [("2 h x", "Type the job's id, 1, and"), ("2 l x", "Type the job's id, 2, and")] {
        let text = text_of(&console(nameless.clone(), keys, (60, 16)));
        assert!(text.contains(asks), "{text}");
    }
}

#[test]
fn a_long_name_is_asked_for_whole_on_the_smallest_terminal() {
    let mut snapshot = incident_snapshot();
    let name = "refresh_".repeat(8)[..63].to_string();
    Arc::make_mut(&mut snapshot.history.last.as_mut().unwrap().value).jobs[1].name = Some(name.clone());
    let mut model = console(snapshot, "2 l x", (60, 16));
    type_all(&mut model, &name);
    for _ in 0..2 {
        press_key(&mut model, KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE));
    }
    stand(&mut model);
    let text = text_of(&model);
    // What stands between the dialog's edges, without the blanks at which it is folded.
    let inside = |line: &str| line.chars().skip(3).take_while(|c| *c != '│').collect::<String>();
    let shown: String = text.lines().map(inside).collect::<String>().split_whitespace().collect();
    assert!(shown.contains(&format!("Typethejob'sname,{name},andpressEnter:")), "{text}");
    assert!(text.contains("● it matches") && text.contains("Remove  ⏎  "), "{text}");
}
