//! The documented default file is the default, and names every key there is.

use mvtop::config::{DEFAULT, PROFILE, Settings, TOP, VIEW};
use mvtop::keys::Keymap;

use super::{File, config};

/// The file with its examples in force.
fn uncommented(text: &str) -> String {
    let example = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest.to_string(),
        _ => line.to_string(),
    };
    text.lines().map(|line| example(line) + "\n").collect()
}

#[test]
fn the_default_file_says_exactly_what_holds_without_it() {
    assert_eq!(config(DEFAULT).settings, Settings::default());
    assert_eq!(config("").settings, Settings::default());
    // Every value is there: the file as the only layer over other values gives the defaults, too.
    for line in ["theme = ", "read_only = ", "budget = ", "statement_timeout = ", "limit = "] {
        assert!(DEFAULT.lines().any(|l| l.starts_with(line)), "{line}");
    }
    for name in Keymap::names() {
        assert!(DEFAULT.lines().any(|l| l.starts_with(&format!("{name} = ["))), "{name} is missing under [keys]");
    }
}

#[test]
fn every_key_there_is_stands_in_the_default_file_and_its_examples_can_be_used() {
    let file = File::new(&uncommented(DEFAULT));
    let config = file.load().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.profiles(), ["prod"]);
    let view = &config.settings.views["public.mv_conversaciones_dashboard"];
    assert!(view.limit.is_some() && view.tolerance.is_some() && view.elsewhere);
    for key in TOP.iter().chain(&PROFILE).chain(&VIEW) {
        let is_there = uncommented(DEFAULT).lines().any(|l| {
            l.starts_with(&format!("{key} = "))
                || l.starts_with(&format!("{key}."))
                || l.starts_with(&format!("[{key}"))
        });
        assert!(is_there, "{key} is not in the default file");
    }
}

#[test]
fn every_setting_of_the_default_file_has_a_comment() {
    let mut before = "";
    let mut section = "";
    for line in DEFAULT.lines() {
        if line.starts_with('[') || line.starts_with("#[") {
            section = line;
        }
        let is_setting = line.contains(" = ") && !line.starts_with("# ");
        // Each key has its own at the end of the line; the profile's and the jumps' last ones share the one before.
        let is_shared = section == "[jump]" || line == "#read_only = true" || line.starts_with("#labels.coordinacion");
        if is_setting && !is_shared {
            assert!(line.contains(" # ") || before.starts_with("# "), "{line} has no comment");
        }
        before = line;
    }
}
