//! Every action bound to another key: no screen, question or reason names a key that is not in force.

use mvtop::app::disabled::disabled;
use mvtop::keys::TABLE;

use super::*;

/// A letter for each line of the table, none of which is a usual key.
const LETTERS: &str = "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯΓΔΘΛΞΠΣΦΨΩαβγδ";

/// Usual keys that are neither a unit (`3d02h`) nor a word (`a`).
const USUAL: &str = "rfKRcCbvxpeowtLqzgGujkl2!";

fn rebound() -> Keymap {
    let letters = LETTERS.chars().map(|letter| vec![letter.to_string()]);
    let lines: BTreeMap<String, Vec<String>> = Keymap::names().into_iter().zip(letters).collect();
    assert_eq!(lines.len(), Keymap::names().len(), "a letter for each");
    Keymap::new(&lines, [("ѣ".to_string(), "BOOM".to_string()), ("ѳ".to_string(), "VEN".to_string())])
        .expect("good keys")
}

/// The places where a usual key stands as a word of its own.
fn usual_keys(text: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_matches(|c| "()·,;:.".contains(c)).to_string();
    let is_usual = |word: &str| word.chars().count() == 1 && USUAL.contains(word);
    // A word that a frame cuts is not one of its own.
    let mut found: Vec<String> =
        text.split_whitespace().filter(|word| is_usual(&bare(word))).map(str::to_string).collect();
    // The numbers of the panes are names, too.
    found.retain(|word| word != "2" && word != "!");
    found
}

#[test]
fn no_screen_question_or_reason_names_a_key_that_is_not_in_force() {
    let mut wrong = String::new();
    let mut look = |name: &str, snapshot: Snapshot, keys: &str| {
        let mut model = console(snapshot, keys, (200, 60));
        model.settings.keys = rebound();
        let mut said = vec![text_of(&model)];
        said.extend(TABLE.iter().filter_map(|line| disabled(&model, line.action)));
        for text in said {
            for word in usual_keys(&text) {
                let line = text.lines().find(|line| line.split_whitespace().any(|w| w == word)).unwrap_or(&text).trim();
                wrong += &format!("{name} after {keys:?}: {word} in {line}\n");
            }
        }
    };
    for keys in
        ["", "2", "3", "4", "f", "f e", "o", "?", "L", "w", "r", "s", "/", "Enter", "2 Enter", "Space", "Space Enter"]
    {
        look("the incident", weighed_snapshot(|_| ()), keys);
    }
    for keys in ["", "2", "f", "2 x", "2 p"] {
        look("healed", healed_snapshot(), keys);
        look("unconventional", unconventional(), keys);
    }
    for keys in ["", "r", "K", "C", "f"] {
        look("blocked", blocked_snapshot(3_510), keys);
    }
    assert!(wrong.is_empty(), "{wrong}");
}
