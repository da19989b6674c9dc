//! A drill while only the rows that its list begins with are there.

use mvtop::domain::drift::Scope;

use super::*;

/// The drill with its first 100 rows.
fn begun(edit: impl FnOnce(&mut Drill)) -> Snapshot {
    let mut snapshot = drilled();
    let drill = Arc::make_mut(snapshot.drill.as_mut().unwrap());
    let index = Arc::make_mut(&mut drill.index.last.as_mut().unwrap().value);
    index.rows.truncate(100);
    index.is_beginning = true;
    edit(drill);
    snapshot
}

fn text(tab: &str, edit: impl FnOnce(&mut Drill)) -> String {
    let mut model = console(incident_snapshot(), tab, (120, 40));
    update(&mut model, Msg::Snapshot(Arc::new(begun(edit))));
    text_of(&model)
}

#[test]
fn the_first_rows_are_shown_as_the_first_and_nothing_is_counted_by_them() {
    let said = text("v", |_| ());
    assert!(said.contains("The first 100 rows; the list of all: reading…"), "{said}");
    assert!(said.contains("─ 1 of the first 100 ─"), "{said}");
    assert!(!said.contains("100 moved"), "{said}");
    let began = night() - TimeDelta::seconds(3);
    assert!(text("v", |drill| drill.index.start(began)).contains("the list of all: reading for 3s"));
    let why = Problem { kind: ProblemKind::Timeout, text: "It took too long.".into() };
    let failed = |drill: &mut Drill| drill.index.progress = Progress::Failed { at: night(), why };
    assert!(text("v", failed).contains("the list of all: It took too long."));
    let why = Problem { kind: ProblemKind::LockTimeout, text: "It is locked.".into() };
    let unread = |drill: &mut Drill| drill.pages.get_mut(&0).unwrap().finish(Err(why), night());
    assert!(text("v", unread).contains("moved"), "a page that was read once stays");
    let why = Problem { kind: ProblemKind::LockTimeout, text: "It is locked.".into() };
    let never = |drill: &mut Drill| {
        drill.pages.clear();
        drill.pages.entry(0).or_default().finish(Err(why), night());
    };
    assert!(text("v", never).contains("its values were not read: It is locked."));
}

#[test]
fn a_tab_without_any_of_the_first_rows_is_not_said_to_be_true() {
    let said = text("v l l", |_| ());
    assert!(said.contains("None of the first rows is here; the list of all: reading…"), "{said}");
    assert!(!said.contains("as it should be"), "{said}");
}

#[test]
fn rows_that_were_read_of_another_line_are_not_shown_as_this_one_s() {
    let others = |drill: &mut Drill| drill.target.member = Some(Some("Berta Lagos".into()));
    let said = text("v", others);
    assert!(said.contains("reading the rows that differ…"), "{said}");
    assert!(!said.contains("as it should be") && !said.contains("Contacto 1"), "{said}");
}

#[test]
fn the_chosen_tab_is_seen_however_many_there_are() {
    let places: Vec<String> = (1..=12).map(|i| format!("PLACE-{i:02}")).collect();
    let rows = places.iter().map(|place| (Some(("Osmara Partida", place.as_str())), None, 7, 0)).collect::<Vec<_>>();
    let compared = measured(Arc::new(comparison(Scope::Values, &rows)), night(), 80);
    let mut snapshot = incident_snapshot();
    let view = Arc::make_mut(&mut snapshot.views[0]);
    (view.drift, view.values) = (compared.clone(), compared);
    let member = Some(Some("Osmara Partida".into()));
    snapshot.drill = Some(Arc::new(Drill::new(DrillTarget { view: VIEW, member })));
    let mut model = console(snapshot, "3 Enter", (80, 24));
    for place in &places {
        press_key(&mut model, KeyEvent::new(KeyCode::Char('l'), KeyModifiers::NONE));
        let text = text_of(&model);
        assert!(text.contains(&format!(" {place} 7/0 ")), "{place}: {text}");
        assert!(text.contains("view/live"), "{text}");
        let is_last = place == places.last().unwrap();
        assert_eq!(text.contains("› view/live"), !is_last, "{text}");
    }
}

#[test]
fn the_cursor_stays_on_its_row_when_the_list_turns_out_to_begin_with_others() {
    let mut model = console(incident_snapshot(), "3 Enter", (120, 40));
    update(&mut model, Msg::Snapshot(Arc::new(begun(|_| ()))));
    for _ in 0..10 {
        press_key(&mut model, KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE));
    }
    assert!(text_of(&model).contains("─ 11 of the first 100 ─ key 0000-0010 ─"), "{}", text_of(&model));
    let mut whole = drilled();
    let drill = Arc::make_mut(whole.drill.as_mut().unwrap());
    Arc::make_mut(&mut drill.index.last.as_mut().unwrap().value).rows.rotate_right(5);
    update(&mut model, Msg::Snapshot(Arc::new(whole)));
    assert!(text_of(&model).contains("─ 16 of 166 ─ key 0000-0010 ─"), "{}", text_of(&model));
}

#[test]
fn a_tab_that_is_no_more_gives_way_to_all_rows() {
    let mut model = console(incident_snapshot(), "b", (120, 40));
    update(&mut model, Msg::Snapshot(Arc::new(drilled())));
    assert!(text_of(&model).contains("─ 1 of 29 ─"), "{}", text_of(&model));
    let mut elsewhere = drilled();
    let compared = comparison(Scope::Values, &[(Some(("Osmara Partida", "SUR")), None, 7, 0)]);
    Arc::make_mut(&mut elsewhere.views[0]).drift = measured(Arc::new(compared), night(), 80);
    update(&mut model, Msg::Snapshot(Arc::new(elsewhere)));
    assert!(text_of(&model).contains("─ 1 of 166 ─"), "{}", text_of(&model));
}

#[test]
fn on_the_smallest_terminal_a_row_is_seen_and_what_is_cut_is_marked() {
    let mut model = console(incident_snapshot(), "3 Enter", (60, 16));
    let mut long = drilled();
    let drill = Arc::make_mut(long.drill.as_mut().unwrap());
    let index = Arc::make_mut(&mut drill.index.last.as_mut().unwrap().value);
    index.rows[0].key = "[\"Claudia Velázquez Alvarado de la Torre y Montes de Oca\"]".into();
    update(&mut model, Msg::Snapshot(Arc::new(long)));
    let text = text_of(&model);
    assert!(text.contains("┃moved    Contacto 0"), "{text}");
    assert!(text.contains("key Claudia") && text.contains("…┃"), "{text}");
    assert!(text.contains("137 to another …"), "{text}");
}
