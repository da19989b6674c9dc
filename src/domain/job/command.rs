//! What a job's command refreshes, read from its text as far as that takes.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::path::SearchPath;
use super::words::{Token, tokens};
use crate::domain::view::ViewName;

/// How what a trigger runs refreshes the view, each time that it does: with CONCURRENTLY? A name without a schema is taken for
/// the view's unless the function has its `own` search_path without that schema: which one a write has nobody knows.
pub fn trigger_modes(body: &str, own: Option<&str>, view: &ViewName) -> impl Iterator<Item = bool> {
    // Of one schema a name is in that one, of several in the first on the path.
    let schemas = vec![view.schema.clone(); if own.is_some() { 2 } else { 1 }];
    let homes = Homes::from([(view.name.clone(), schemas)]);
    let reader = Reader { homes: &homes, routines: &[] };
    let all = reader.refreshes(body, SearchPath::of(own, ""));
    all.into_iter().filter(move |refresh| refresh.view == *view).map(|refresh| refresh.concurrently)
}

/// What begins a statement that leaves a transaction around it alone and can run in one.
const WHOLE: [&str; 12] = [
    "refresh", "select", "insert", "update", "delete", "with", "merge", "values", "truncate", "analyze", "set", "table",
];

/// Can a command be put into one transaction, so that it is done or nothing? One that ends transactions itself, or calls what
/// may do so, cannot.
pub fn is_whole(command: &str) -> bool {
    let words = tokens(command);
    let mut statements = words.split(|token| *token == Token::End).filter_map(|statement| statement.first());
    statements.all(|first| WHOLE.iter().any(|word| first.is(word)))
}

/// In which schemas there is a view of a bare name.
pub type Homes = BTreeMap<String, Vec<String>>;

/// A function or procedure that refreshes something when a command calls it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Routine {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it runs.
    pub body: String,
    /// The search_path that it sets for itself, if it does.
    #[serde(default)]
    pub search_path: Option<String>,
    /// The role by whose rights it runs, where those are not its caller's (SECURITY DEFINER).
    #[serde(default)]
    pub definer: Option<String>,
}

/// One REFRESH that a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    pub view: ViewName,
    /// Does it let readers go on?
    pub concurrently: bool,
    /// The role by whose rights, where those are not the command's own.
    pub definer: Option<String>,
}

/// How deep texts and routines that are run may lie in one another.
const DEPTH: usize = 4;

/// Before these words' names a bracket opens no call.
const NO_CALL: [&str; 7] = ["function", "procedure", "routine", "into", "table", "on", "trigger"];

/// What is known of the database in which a command runs.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub homes: &'a Homes,
    pub routines: &'a [Routine],
}

/// By whose rights, and how deep.
#[derive(Clone, Copy)]
struct Frame<'a> {
    definer: Option<&'a str>,
    depth: usize,
}

impl Reader<'_> {
    /// Every REFRESH that a command does: in its own words, and in those of what it calls.
    pub(super) fn refreshes(&self, command: &str, path: SearchPath) -> Vec<Refresh> {
        let mut all = Vec::new();
        self.read(command, path, Frame { definer: None, depth: 0 }, &mut all);
        all
    }

    /// Does a command refresh something whose name is made only as it runs: in the text of a `DO`, or in what it calls?
    pub(super) fn hides_names(&self, command: &str, path: &SearchPath) -> bool {
        let words = tokens(command);
        let is_dynamic = |statement: &[Token], place: usize| {
            self.called(statement, place, path).any(|routine| makes_names(&routine.body))
                || run_text(&statement[place..]).is_some_and(makes_names)
        };
        let mut statements = words.split(|word| *word == Token::End);
        statements.any(|statement| (0..statement.len()).any(|place| is_dynamic(statement, place)))
    }

    /// A text in a command is run by `DO` and `EXECUTE` alone, and what is only explained is not run.
    fn read(&self, command: &str, mut path: SearchPath, frame: Frame, all: &mut Vec<Refresh>) {
        let words = tokens(command);
        let statements =
            words.split(|word| *word == Token::End).filter(|s| !s.first().is_some_and(|w| w.is("explain")));
        let deeper = Frame { depth: frame.depth + 1, ..frame };
        for statement in statements {
            for place in 0..statement.len() {
                path.follow(&statement[place..]);
                if let Some((name, concurrently)) = refreshed(&statement[place..])
                    && let Some(view) = self.view(name, &path)
                {
                    all.push(Refresh { view, concurrently, definer: frame.definer.map(Into::into) });
                }
                if deeper.depth > DEPTH {
                    continue;
                }
                if let Some(text) = run_text(&statement[place..]) {
                    self.read(text, path.clone(), deeper, all);
                }
                self.called(statement, place, &path).for_each(|routine| {
                    let definer = routine.definer.as_deref().or(frame.definer);
                    let own = routine.search_path.as_deref();
                    let path = own.map_or(path.clone(), |own| SearchPath::of(Some(own), definer.unwrap_or_default()));
                    self.read(&routine.body, path, Frame { definer, ..deeper }, all);
                });
            }
        }
    }

    /// The view that a name is; `None`: there are several of that name, and the search_path has none of them.
    fn view(&self, (schema, name): Name, path: &SearchPath) -> Option<ViewName> {
        let schema = schema.or_else(|| match self.homes.get(name).map(Vec::as_slice) {
            None => Some(path.likely().into()),
            Some([only]) => Some(only.clone()),
            Some(several) => path.first_of(several).map(Into::into),
        });
        Some(ViewName { schema: schema?, name: name.into() })
    }

    /// The routines that are called at this place of a statement: with a name alone the only ones of that name, or those
    /// that the search_path comes to first.
    fn called<'a>(
        &'a self,
        statement: &[Token],
        place: usize,
        path: &SearchPath,
    ) -> impl Iterator<Item = &'a Routine> + use<'a> {
        let is_name = !statement[..place].last().is_some_and(|w| *w == Token::Dot || NO_CALL.iter().any(|no| w.is(no)));
        let called = name(&statement[place..]).filter(|(_, rest)| is_name && rest.first() == Some(&Token::Open));
        let called = called.and_then(|((schema, name), _)| {
            let named = self.routines.iter().filter(|r| r.name == name);
            let mut schemas: Vec<String> = named.map(|r| r.schema.clone()).collect();
            schemas.dedup();
            let home = match schemas.as_slice() {
                [only] => Some(only.as_str()),
                several => path.first_of(several),
            };
            Some((schema.or(home.map(Into::into))?, name.to_string()))
        });
        self.routines.iter().filter(move |r| called.as_ref().is_some_and(|(s, n)| r.schema == *s && r.name == *n))
    }
}

/// Holds it a text that refreshes what the text alone does not name?
fn makes_names(body: &str) -> bool {
    let words = tokens(body);
    let is_made = |(place, word): (usize, &Token)| {
        let Token::Text(text) = word else { return false };
        let inner = tokens(text);
        let refreshes = (0..inner.len()).any(|at| after(&inner[at..], &["refresh", "materialized", "view"]).is_some());
        let names = (0..inner.len()).any(|at| refreshed(&inner[at..]).is_some());
        refreshes && (!names || words.get(place + 1) == Some(&Token::Other))
    };
    words.iter().enumerate().any(is_made)
}

/// A name, with its schema where it has one.
type Name<'a> = (Option<String>, &'a str);

/// How many names a command refreshes in its own words.
pub(super) fn own_refreshes(command: &str) -> usize {
    let words = tokens(command);
    (0..words.len()).filter(|&place| refreshed(&words[place..]).is_some()).count()
}

/// The name that the REFRESH at the beginning of these words refreshes, the database before it left out: in another one
/// it fails; and whether it does so CONCURRENTLY. What it empties it does not refresh.
fn refreshed(words: &[Token]) -> Option<(Name<'_>, bool)> {
    let words = after(words, &["refresh", "materialized", "view"])?;
    let rest = after(words, &["concurrently"]);
    let (name, tail) = name(rest.unwrap_or(words))?;
    after(tail, &["with", "no", "data"]).is_none().then_some((name, rest.is_some()))
}

/// What comes after these words, if they are the first.
fn after<'a>(words: &'a [Token], expected: &[&str]) -> Option<&'a [Token]> {
    let (first, rest) = words.split_at_checked(expected.len())?;
    first.iter().zip(expected).all(|(word, expected)| word.is(expected)).then_some(rest)
}

/// A name, of whose dotted parts the last two count, and what comes after it.
fn name(words: &[Token]) -> Option<(Name<'_>, &[Token])> {
    let (mut schema, mut name, mut rest) = (None, words.first()?.identifier()?, &words[1..]);
    while let [Token::Dot, next, tail @ ..] = rest {
        (schema, name, rest) = (Some(name.to_string()), next.identifier()?, tail);
    }
    Some(((schema, name), rest))
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
