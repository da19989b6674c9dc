//! What a job's command refreshes, read from its text as far as that takes.

use std::collections::BTreeMap;

use super::words::{Token, tokens};
use crate::domain::view::ViewName;

/// Does this command refresh the view?
pub fn command_refreshes(command: &str, view: &ViewName) -> bool {
    refreshed_views(command, &Homes::new()).any(|name| name == *view)
}

/// In which schema a view is that is the only one of its bare name.
pub type Homes = BTreeMap<String, String>;

/// The views a command refreshes. An unqualified name is the only view of that name; else one in `public`, the schema that
/// a session without settings of its own finds.
pub(super) fn refreshed_views(command: &str, homes: &Homes) -> impl Iterator<Item = ViewName> {
    let home = |name: &String| homes.get(name).cloned().unwrap_or_else(|| "public".into());
    let qualified = move |(schema, name): (Option<String>, String)| ViewName {
        schema: schema.unwrap_or_else(|| home(&name)),
        name,
    };
    refreshed_names(command).into_iter().map(qualified)
}

/// The names a command refreshes: each `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name` in it, but for those it empties and
/// those that it only has explained. A text in it is run by `DO` and `EXECUTE` alone.
pub(super) fn refreshed_names(command: &str) -> Vec<(Option<String>, String)> {
    names(command, DEPTH)
}

/// How deep texts that are run may lie in one another.
const DEPTH: usize = 4;

fn names(command: &str, depth: usize) -> Vec<(Option<String>, String)> {
    let words = tokens(command);
    let statements = words.split(|word| *word == Token::End).filter(|s| !s.first().is_some_and(|w| w.is("explain")));
    let mut all = Vec::new();
    for statement in statements {
        for place in 0..statement.len() {
            all.extend(refreshed(&statement[place..]));
            if let Some(text) = run_text(&statement[place..]).filter(|_| depth > 0) {
                all.extend(names(text, depth - 1));
            }
        }
    }
    all
}

/// The name that the REFRESH at the beginning of these words refreshes, the database before it left out: in another one
/// it fails.
fn refreshed(words: &[Token]) -> Option<(Option<String>, String)> {
    let words = after(words, &["refresh", "materialized", "view"])?;
    let words = after(words, &["concurrently"]).unwrap_or(words);
    let (name, rest) = name(words)?;
    after(rest, &["with", "no", "data"]).is_none().then_some(name)
}

/// What comes after these words, if they are the first.
fn after<'a>(words: &'a [Token], expected: &[&str]) -> Option<&'a [Token]> {
    let (first, rest) = words.split_at_checked(expected.len())?;
    first.iter().zip(expected).all(|(word, expected)| word.is(expected)).then_some(rest)
}

/// A name, of whose dotted parts the last two count, and what comes after it.
fn name(words: &[Token]) -> Option<((Option<String>, String), &[Token])> {
    let (mut schema, mut name, mut rest) = (None, words.first()?.identifier()?, &words[1..]);
    while let [Token::Dot, next, tail @ ..] = rest {
        (schema, name, rest) = (Some(name.to_string()), next.identifier()?, tail);
    }
    Some(((schema, name.to_string()), rest))
}

/// The text that `DO [LANGUAGE …]` or a function's EXECUTE at the beginning of these words runs.
fn run_text(words: &[Token]) -> Option<&str> {
    let text = match words {
        [first, Token::Text(text), ..] if first.is("do") || first.is("execute") => text,
        [first, word, _, Token::Text(text), ..] if first.is("do") && word.is("language") => text,
        _ => return None,
    };
    Some(text)
}
