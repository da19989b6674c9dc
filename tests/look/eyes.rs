//! The built-in themes keep their promises to eyes, at every colour depth.

use std::collections::HashMap;
use std::path::Path;

use crate::colour::{Eye, contrast, distance, rgb};
use mvtop::theme::{Appearance, ColorDepth, Theme};
use ratatui::style::{Color, Modifier, Style};

/// Roles that lie on a ground: the rest either bring their own ground or are only ground or decoration.
const WORDS: &[&str] = &[
    "text", "dim", "title", "header", "number", "accent", "key", "found", "ok", "warning", "critical", "unknown",
    "missing", "gone", "moved", "changed", "danger", "busy", "spark", "stale",
];
const QUIET: &[&str] = &["dim", "stale"];
const GROUNDS: &[&str] = &["text", "selection", "selection_idle", "dialog"];
const PLATES: &[&str] = &["badge_ok", "badge_warning", "badge_critical", "badge_unknown", "input", "dialog"];

fn role(theme: &Theme, name: &str) -> Style {
    theme.roles().into_iter().find(|(role, _)| *role == name).unwrap().1
}

fn colourful() -> Vec<Theme> {
    Theme::builtin().into_iter().filter(|theme| theme.appearance != Appearance::Terminal).collect()
}

/// Every pair of a role's words and a ground they can lie on, with what they need and have.
fn faint_words(theme: &Theme, quiet: f64, loud: f64) -> Vec<String> {
    let on_grounds = WORDS.iter().flat_map(|word| GROUNDS.iter().map(move |ground| (*word, *ground)));
    let on_themselves = PLATES.iter().map(|plate| (*plate, *plate));
    let pairs = on_grounds.chain(on_themselves);
    let faint = pairs.filter_map(|(word, ground)| {
        let needed = if QUIET.contains(&word) { quiet } else { loud };
        let has = contrast(rgb(role(theme, word).fg.unwrap()), rgb(role(theme, ground).bg.unwrap()));
        (has < needed).then(|| format!("{}: {word} on {ground} has {has:.2}, needs {needed}", theme.name))
    });
    faint.collect()
}

#[test]
fn every_built_in_theme_is_sound_and_terminal_is_the_first() {
    let names: Vec<_> = Theme::builtin().into_iter().map(|theme| theme.name).collect();
    assert_eq!(names, ["terminal", "night", "day", "amber", "paper"]);
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("themes")).unwrap() {
        let theme = Theme::load(&entry.unwrap().path()).unwrap();
        assert!(names.contains(&theme.name), "{} is not compiled into the program", theme.name);
    }
}

#[test]
fn words_keep_wcag_contrast_on_every_ground() {
    let faint: Vec<_> = colourful().iter().flat_map(|theme| faint_words(theme, 3.0, 4.5)).collect();
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

#[test]
fn paper_keeps_the_strongest_wcag_contrast() {
    let paper = Theme::named("paper", None).unwrap();
    let faint = faint_words(&paper, 7.0, 7.0);
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

/// Rounding to the nearest of 256 may cost half a step of contrast, no more.
#[test]
fn words_stay_readable_in_256_colours() {
    let themes = colourful().into_iter().map(|theme| theme.adapt(ColorDepth::Ansi256));
    let faint: Vec<_> = themes.flat_map(|theme| faint_words(&theme, 3.0, 4.0)).collect();
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

#[test]
fn states_differ_for_eyes_without_red_or_green() {
    let pairs = [("ok", "critical", 20.0), ("ok", "warning", 10.0), ("warning", "critical", 10.0)];
    let plates = pairs.map(|(a, b, least)| (format!("badge_{a}"), format!("badge_{b}"), least));
    for theme in colourful() {
        for eye in Eye::ALL {
            for (a, b, least) in pairs {
                let apart = distance(rgb(role(&theme, a).fg.unwrap()), rgb(role(&theme, b).fg.unwrap()), eye);
                assert!(apart >= least, "{}: {a} and {b} are {apart:.1} apart for {eye:?}", theme.name);
            }
            for (a, b, least) in &plates {
                let apart = distance(rgb(role(&theme, a).bg.unwrap()), rgb(role(&theme, b).bg.unwrap()), eye);
                assert!(apart >= *least, "{}: {a} and {b} are {apart:.1} apart for {eye:?}", theme.name);
            }
        }
    }
}

/// Black, yellow, magenta, cyan and white as sold: xterm, VGA, Tango (GNOME), Campbell (Windows), Solarized.
const SOLD: [(&str, [u32; 5]); 5] = [
    ("xterm", [0x00_0000, 0xcd_cd00, 0xcd_00cd, 0x00_cdcd, 0xff_ffff]),
    ("VGA", [0x00_0000, 0xaa_5500, 0xaa_00aa, 0x00_aaaa, 0xff_ffff]),
    ("Tango", [0x2e_3436, 0xc4_a000, 0x75_507b, 0x06_989a, 0xee_eeec]),
    ("Campbell", [0x0c_0c0c, 0xc1_9c00, 0x88_1798, 0x3a_96dd, 0xf2_f2f2]),
    ("Solarized", [0x07_3642, 0xb5_8900, 0xd3_3682, 0x2a_a198, 0xfd_f6e3]),
];

#[test]
fn terminal_reads_on_any_ground_because_no_word_hangs_on_a_hue() {
    for (name, style) in Theme::terminal().roles() {
        match (style.fg, style.bg) {
            (None | Some(Color::Reset), None | Some(Color::Reset)) => {}
            (Some(_), None) => assert!(["border_focus", "spark"].contains(&name), "{name} hangs on a hue"),
            (Some(fg), Some(bg)) => {
                for (terminal, colours) in SOLD {
                    let has = contrast(sold(fg, colours), sold(bg, colours));
                    assert!(has >= 3.0, "{name} has {has:.2} on {terminal}");
                }
            }
            (None, Some(_)) => panic!("{name} brings a ground without its words"),
        }
    }
}

fn sold(color: Color, colours: [u32; 5]) -> (u8, u8, u8) {
    let names = [Color::Black, Color::Yellow, Color::Magenta, Color::Cyan, Color::White];
    let index = names.iter().position(|name| *name == color).unwrap_or_else(|| panic!("{color:?} is not listed"));
    let [_, r, g, b] = colours[index].to_be_bytes();
    (r, g, b)
}

#[test]
fn the_selection_is_seen_at_every_depth() {
    for theme in Theme::builtin() {
        for depth in [ColorDepth::None, ColorDepth::Ansi16, ColorDepth::Ansi256, ColorDepth::TrueColor] {
            let adapted = theme.clone().adapt(depth);
            let reversed = adapted.selection.add_modifier.contains(Modifier::REVERSED);
            let ground = adapted.selection.bg.is_some() && adapted.selection.bg != adapted.text.bg;
            assert!(reversed || ground, "{} at {depth:?}: {:?}", theme.name, adapted.selection);
        }
    }
}

#[test]
fn without_colours_no_colour_is_left_and_plates_are_reversed() {
    for theme in Theme::builtin() {
        let plain = theme.adapt(ColorDepth::None);
        for (name, style) in plain.roles() {
            assert_eq!((style.fg, style.bg), (None, None), "{name} of {}", plain.name);
        }
        let reversed = |style: Style| style.add_modifier.contains(Modifier::REVERSED);
        assert!(reversed(plain.badge_critical), "{}", plain.name);
        let words = [plain.dialog, plain.warning, plain.critical, plain.danger];
        assert!(!words.into_iter().any(reversed), "{}: words look selected", plain.name);
        assert!(plain.warning.add_modifier.contains(Modifier::BOLD), "{}", plain.name);
    }
}

#[test]
fn sixteen_colours_take_the_roles_of_terminal_and_keep_the_name() {
    let night = Theme::named("night", None).unwrap().adapt(ColorDepth::Ansi16);
    assert_eq!(night, Theme { name: "night".into(), ..Theme::terminal() });
}

struct Tty;
impl termprofile::IsTerminal for Tty {
    fn is_terminal(&self) -> bool {
        true
    }
}

#[test]
fn depth_follows_the_environment() {
    let depth = |vars: &[(&'static str, &'static str)]| {
        ColorDepth::from_source(&HashMap::from_iter(vars.iter().copied()), &Tty)
    };
    assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColorDepth::TrueColor);
    assert_eq!(depth(&[("TERM", "xterm-256color")]), ColorDepth::Ansi256);
    assert_eq!(depth(&[("TERM", "linux")]), ColorDepth::Ansi16);
    assert_eq!(depth(&[("TERM", "dumb")]), ColorDepth::None);
    assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "please")]), ColorDepth::None);
    assert_eq!(depth(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), ColorDepth::Ansi256);
}
