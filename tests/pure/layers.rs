//! The layers of ARCHITECTURE.md, held against every `crate::` path in the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each part of the program with the parts that it may use. What is not named here may use everything.
const LAYERS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("private_file", &[]),
    ("written", &["domain"]),
    ("keys", &["domain"]),
    ("term", &["domain"]),
    ("pg", &["domain"]),
    ("theme", &["written"]),
    ("watch", &["domain", "pg"]),
    ("journal", &["domain", "pg", "private_file"]),
    ("app", &["domain", "journal", "keys", "pg", "watch", "written"]),
    ("ui", &["app", "domain", "journal", "keys", "theme"]),
    ("report", &["domain", "pg", "watch"]),
    ("config", &["domain", "keys", "pg", "theme", "written"]),
    ("demo", &["private_file"]),
];

/// Parts at the top, which put the others together.
const TOP: [&str; 4] = ["cli", "program", "runtime", "main"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "rs")).chain(below).collect()
}

/// The first word after each `crate::` of a file.
fn used(text: &str) -> BTreeSet<&str> {
    let word = |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    text.split("crate::").skip(1).map(|rest| &rest[..word(rest)]).collect()
}

#[test]
fn each_part_uses_only_the_parts_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = String::new();
    let mut seen = BTreeSet::new();
    for file in sources(&source) {
        let below = file.strip_prefix(&source).unwrap();
        let part = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string();
        seen.insert(part.clone());
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == part) else {
            assert!(part == "lib" || TOP.contains(&&*part), "{part} is in no layer");
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for other in used(&text).into_iter().filter(|other| *other != part && !allowed.contains(other)) {
            wrong += &format!("{} uses {other}\n", below.display());
        }
    }
    assert!(LAYERS.iter().all(|(part, _)| seen.contains(*part)), "a layer of no file: {seen:?}");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_layers_have_no_circle() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < LAYERS.len() {
        let free = LAYERS.iter().find(|(part, below)| !done.contains(part) && below.iter().all(|b| done.contains(b)));
        let (part, _) = free.unwrap_or_else(|| panic!("what is left goes in a circle; done: {done:?}"));
        done.insert(part);
    }
}
