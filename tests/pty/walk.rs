//! Every key that moves, filters, sorts, zooms or explains, at the console of a quiet demo.

use crate::pty::Pty;
use crate::stage::{LARGE, SMALL, Stage};

const ESC: &str = "\x1b";
const TOTAL: &str = "166 moved (29 to another coordinacion, 137 to another ejecutivo)";

/// The seven ejecutivos who have Osmara's rows now, and how many each.
const HEIRS: [(&str, usize); 7] = [
    ("Abigail Montoya", 41),
    ("Bruno Zaragoza", 29),
    ("Carmen Olvera", 22),
    ("Diego Santillán", 17),
    ("Elisa Bermúdez", 13),
    ("Fabián Cordero", 9),
    ("Graciela Nava", 6),
];

#[test]
fn osmaras_rows_are_told_one_by_one_with_where_they_went() {
    let stage = Stage::new();
    let mut pty = ready(&stage, LARGE);
    pty.send("\r");
    pty.see(TOTAL);
    // A very tall terminal shows all of them at once.
    pty.resize(120, 240);
    pty.wait("166 rows", |pty| moved(pty).len() == 166);
    let rows = moved(&pty);
    let count = |part: &str| rows.iter().filter(|row| row.contains(part)).count();
    assert_eq!(count("Osmara Partida: VEN → BOOM"), 29, "{rows:#?}");
    for (name, expected) in HEIRS {
        assert_eq!(count(&format!("VEN: Osmara Partida → {name}")), expected, "{name}");
    }
    pty.resize(LARGE.0, LARGE.1);
    pty.wait("a frame of that size", |pty| is_whole(pty, LARGE));
    jump_to_her_groups(&mut pty);
    pty.send(ESC);
    pty.see("3 Ejecutivos");
    pty.send("b");
    pty.see("1 of 29");
    pty.send(ESC);
    pty.see("3 Ejecutivos");
}

/// From all her rows to BOOM's and VEN's, and round the tabs.
fn jump_to_her_groups(pty: &mut Pty) {
    pty.send("b");
    pty.see("29 moved (29 to another coordinacion)");
    pty.see("1 of 29");
    pty.send("v");
    pty.see("1 of 166");
    pty.send("G");
    pty.see("166 of 166");
    pty.send("k");
    pty.see("165 of 166");
    pty.wait("the row's values", |pty| pty.shows("coordinacion_codigo") || pty.shows("ejecutivo_nombre"));
    pty.send("\t");
    pty.see("1 of 29");
    pty.send("l");
    pty.see("Every row here is as it should be.");
}

#[test]
fn every_key_of_the_panes_does_what_the_help_says() {
    let stage = Stage::new();
    let mut pty = ready(&stage, LARGE);
    filter(&mut pty);
    sort(&mut pty);
    freeze(&mut pty);
    zoom(&mut pty);
    pty.send("?");
    pty.see("refresh the selected view (asks first)");
    pty.send(ESC);
    pty.wait("no help", |pty| !pty.shows("refresh the selected view (asks first)"));
    themes(&mut pty);
    panes(&mut pty);
}

#[test]
fn the_console_fits_any_size_while_it_runs() {
    let stage = Stage::new();
    let mut pty = ready(&stage, LARGE);
    for (size, panes) in [(SMALL, 4), ((60, 16), 1), ((200, 50), 4)] {
        pty.resize(size.0, size.1);
        pty.wait(&format!("{panes} panes at {size:?}"), |pty| pane_count(pty) == panes && is_whole(pty, size));
        pty.see("Osmara Partida");
    }
    pty.resize(50, 10);
    pty.see("mvtop needs more room");
    pty.see("60×16 at least, this is 50×10");
    pty.resize(LARGE.0, LARGE.1);
    pty.wait("all four panes", |pty| pane_count(pty) == 4 && is_whole(pty, LARGE));
    assert!(!pty.shows("needs more room"));
    pty.resize(SMALL.0, SMALL.1);
    pty.wait("a frame of that size", |pty| is_whole(pty, SMALL));
    pty.send("v");
    pty.see(TOTAL);
    pty.see("1 of 166");
}

/// As when somebody types while dragging the window's corner.
#[test]
fn a_key_that_comes_together_with_a_resize_is_not_left_waiting_for_the_next_key() {
    let stage = Stage::new();
    let mut pty = ready(&stage, LARGE);
    for size in [SMALL, LARGE].into_iter().cycle().take(40) {
        pty.resize(size.0, size.1);
        pty.send("?");
        pty.see("refresh the selected view (asks first)");
        pty.resize(LARGE.0, LARGE.1 + 1);
        pty.send(ESC);
        pty.wait("no help", |pty| !pty.shows("refresh the selected view (asks first)"));
    }
}

/// The console with everything measured.
fn ready(stage: &Stage, size: (u16, u16)) -> Pty {
    let pty = stage.console(size);
    pty.see("changed 203");
    pty
}

fn moved(pty: &Pty) -> Vec<String> {
    let text = pty.text();
    text.lines().map(|l| l.trim_matches(['┃', ' '])).filter(|l| l.starts_with("moved ")).map(str::to_owned).collect()
}

fn pane_count(pty: &Pty) -> usize {
    let titles = ["1 Views", "2 Cron history", "3 Ejecutivos", "4 View against live"];
    titles.iter().filter(|title| pty.shows(title)).count()
}

/// The footer is on the last line: the frame is of this size and complete.
fn is_whole(pty: &Pty, (_, rows): (u16, u16)) -> bool {
    pty.text().lines().nth(rows as usize - 1).is_some_and(|line| line.contains("? help"))
}

fn filter(pty: &mut Pty) {
    pty.send("/");
    pty.see("type to filter");
    // Letters that are keys elsewhere are only letters here.
    pty.send("qr");
    pty.see("/qr");
    pty.send("\x7f\x7fosm");
    pty.see("1 of 48 · /osm");
    pty.send("\r");
    pty.see("r refresh");
    assert!(pty.line("Osmara Partida   │").is_some() && !pty.shows("Abigail Montoya  │"), "{}", pty.state());
    pty.send(ESC);
    pty.see("Abigail Montoya  │");
}

fn sort(pty: &mut Pty) {
    for order in ["by name", "by view", "by live", "worst first"] {
        pty.press("s", order, |pty| pty.shows(&format!("48 · {order}")));
    }
}

fn freeze(pty: &mut Pty) {
    pty.send(" ");
    pty.see("FROZEN for 1s");
    pty.send(" ");
    pty.wait("time goes on", |pty| !pty.shows("FROZEN"));
}

fn zoom(pty: &mut Pty) {
    pty.press("z", "one pane", |pty| pane_count(pty) == 1 && pty.shows("Irene Tapia"));
    pty.press("z", "all panes", |pty| pane_count(pty) == 4);
}

/// Another theme has other colours: the name says which, and Osmara's row is not drawn as before.
fn themes(pty: &mut Pty) {
    let before = pty.screen().contents_formatted();
    let says_theme = |pty: &Pty| pty.text().lines().any(|line| line.starts_with(" theme "));
    pty.press("t", "the theme's name", says_theme);
    assert_ne!(before, pty.screen().contents_formatted());
    pty.press(ESC, "no message", |pty| !says_theme(pty));
}

fn panes(pty: &mut Pty) {
    for (key, title) in [("1", "1 Views"), ("2", "2 Cron history"), ("3", "3 Ejecutivos"), ("4", "4 View against live")]
    {
        pty.press(key, title, |pty| has_focus(pty, title));
    }
    pty.press("\t", "the first pane", |pty| has_focus(pty, "1 Views"));
    pty.press("\x1b[Z", "the last pane", |pty| has_focus(pty, "4 View against live"));
}

/// The pane with the keyboard has a thick border.
fn has_focus(pty: &Pty, title: &str) -> bool {
    pty.shows(&format!("┏ {title}"))
}
