//! What must be in force for each statement that the program sends, judged from what it sent.

use crate::wire::Sent;

/// May a transaction write?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// It was said that it does not.
    ReadOnly,
    /// It was said that it does.
    ReadWrite,
    /// Nothing was said: it may.
    Unsaid,
}

/// What holds for the next statement.
#[derive(Clone, Debug)]
struct InForce {
    access: Access,
    has_clean_path: bool,
}

/// The path under which no stranger's name is found before PostgreSQL's own.
const CLEAN: &str = "pg_catalog,pg_temp";

/// Schemas in which no stranger may create in the houses that are judged: where the functions of a definition look for names, as
/// in a refresh until PostgreSQL 16, these may stand between.
const CLOSED: [&str; 6] = ["public", "app", "auth", "extensions", "postgres", "supabase_admin"];

/// The statements of a session for which something wrong was in force. `are_options_heard`: the server got the start-up
/// options. `may_write`: somebody confirmed an action, whose transactions say READ WRITE.
pub fn faults(sent: &Sent, are_options_heard: bool, may_write: bool) -> Vec<String> {
    let options = sent.parameters.get("options").filter(|_| are_options_heard).cloned().unwrap_or_default();
    let options = options.replace(['\\', ' '], "").to_lowercase();
    let is_on =
        ["on", "true", "1", "yes"].iter().any(|on| options.contains(&format!("default_transaction_read_only={on}")));
    let session = InForce {
        access: if is_on { Access::ReadOnly } else { Access::Unsaid },
        has_clean_path: options.contains(&format!("search_path={CLEAN}")),
    };
    let (mut transaction, mut faults) = (None::<InForce>, Vec::new());
    for text in &sent.texts {
        let mut is_implicit = transaction.is_none();
        for statement in statements(text) {
            let words = statement.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            match words.split([' ', '(', ';']).next().unwrap_or_default() {
                "" => {}
                "begin" | "start" => {
                    transaction = Some(InForce { access: said(&words).unwrap_or(session.access), ..session.clone() });
                    is_implicit = false;
                }
                "commit" | "rollback" | "end" | "abort" => transaction = None,
                "set" | "reset" => set(&words, transaction.get_or_insert_with(|| session.clone())),
                "show" => {}
                _ if is_question(&words) => set(&words, transaction.get_or_insert_with(|| session.clone())),
                _ => {
                    let now = transaction.as_ref().unwrap_or(&session);
                    faults.extend(
                        fault(now, may_write || is_sandbox(&words))
                            .map(|fault| format!("{fault}: {}", words.chars().take(150).collect::<String>())),
                    );
                }
            }
        }
        if is_implicit {
            transaction = None;
        }
    }
    faults
}

/// Does it only ask for, or set, a setting?
fn is_question(words: &str) -> bool {
    let is_setting = words.contains("current_setting(") || words.contains("set_config(");
    words.starts_with("select") && is_setting && !words.contains(" from ")
}

fn fault(now: &InForce, may_write: bool) -> Option<&'static str> {
    match now.access {
        Access::Unsaid => Some("not said whether it writes"),
        Access::ReadWrite if !may_write => Some("may write, and nobody confirmed it"),
        // An action runs as its refresher would.
        Access::ReadWrite => None,
        Access::ReadOnly if !now.has_clean_path => Some("under a path that others fill"),
        Access::ReadOnly => None,
    }
}

fn is_clean(path: &str) -> bool {
    let between = path.strip_prefix("pg_catalog,").and_then(|rest| rest.strip_suffix("pg_temp"));
    between.is_some_and(|schemas| schemas.split(',').all(|schema| schema.is_empty() || CLOSED.contains(&schema)))
}

/// Does it make the function in which a look is confined, or give it to the owner, or ask where that is? Nothing of it runs before
/// that forbids writing; `kinds` has code that would.
fn is_sandbox(words: &str) -> bool {
    let asks = "select pg_backend_pid() as pid, transaction_timestamp() as began";
    ["create function pg_temp.mvtop_look_", "alter function pg_temp.mvtop_look_", asks]
        .iter()
        .any(|w| words.starts_with(w))
}

fn said(words: &str) -> Option<Access> {
    if words.contains("read only") {
        return Some(Access::ReadOnly);
    }
    words.contains("read write").then_some(Access::ReadWrite)
}

/// Takes what a SET or set_config changes.
fn set(words: &str, now: &mut InForce) {
    if let Some(access) = said(words) {
        now.access = access;
    }
    let plain: String = words.replace(" to ", "=").chars().filter(|c| !" '\"".contains(*c)).collect();
    if let Some(value) = after(&plain, "transaction_read_only") {
        now.access =
            if value.starts_with("on") || value.starts_with("true") { Access::ReadOnly } else { Access::ReadWrite };
    }
    if let Some(value) = after(&plain, "search_path") {
        let end = value.find([';', ')']).unwrap_or(value.len());
        now.has_clean_path = is_clean(value[..end].trim_end_matches(",true"));
    }
}

/// What a text without blanks sets a name to.
fn after<'a>(plain: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = plain.split_once(name)?;
    value.strip_prefix(['=', ','])
}

/// The statements of a simple query, without comments. What stands in quotes or between dollars is no end.
fn statements(text: &str) -> Vec<String> {
    let (mut all, mut one, mut rest) = (Vec::new(), String::new(), text);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => 1 + rest[1..].find(first).map_or(rest.len() - 1, |end| end + 1),
            '$' => dollars(rest),
            '-' if rest.starts_with("--") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            // The body of a function that is parsed when it is made.
            ';' if one.contains("BEGIN ATOMIC") && rest[1..].trim_start().starts_with("END") => 1,
            ';' => {
                all.push(std::mem::take(&mut one));
                rest = &rest[1..];
                continue;
            }
            _ => first.len_utf8(),
        };
        one.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    all.push(one);
    all
}

/// How long the text between dollars at the beginning is; a parameter is one sign.
fn dollars(text: &str) -> usize {
    let tag = text[1..].find('$').map(|end| &text[..end + 2]);
    let Some(tag) = tag.filter(|tag| tag[1..tag.len() - 1].chars().all(|c| c.is_alphanumeric() || c == '_')) else {
        return 1;
    };
    if tag[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return 1;
    }
    text[tag.len()..].find(tag).map_or(text.len(), |end| end + 2 * tag.len())
}

#[test]
fn a_statement_is_judged_by_what_was_said_before_it() {
    let session = |options: &str, texts: &[&str]| {
        let parameters = [("options".to_string(), options.to_string())].into();
        faults(&Sent { parameters, texts: texts.iter().map(ToString::to_string).collect() }, true, false).len()
    };
    let clean = "-c default_transaction_read_only=on -c search_path=pg_catalog,\\ pg_temp";
    let local = "SET LOCAL search_path = pg_catalog, pg_temp";
    assert_eq!(session("", &["SELECT 1"]), 1);
    assert_eq!(session(clean, &["SELECT 1", "-- a; b\nSELECT ';'; SELECT 2"]), 0);
    assert_eq!(session("-c default_transaction_read_only=on", &["SELECT 1"]), 1, "the path");
    assert_eq!(session("", &[&format!("BEGIN READ ONLY; {local}"), "SELECT 1", "COMMIT"]), 0);
    assert_eq!(session("", &[&format!("BEGIN READ ONLY; {local}; COMMIT"), "SELECT 1"]), 1, "after it");
    assert_eq!(session(clean, &["BEGIN READ WRITE", "UPDATE t SET a = 1", "COMMIT"]), 1);
    assert_eq!(session(clean, &["BEGIN", "SET TRANSACTION READ WRITE", "UPDATE t SET a = 1"]), 1);
    assert_eq!(session(clean, &["BEGIN", "SET LOCAL search_path = public", "SELECT 1"]), 1);
    assert_eq!(
        session("", &["BEGIN READ ONLY; SELECT set_config('search_path', 'pg_catalog, pg_temp', true)", "SELECT 1"]),
        0
    );
    assert_eq!(session("", &["SELECT current_setting('default_transaction_read_only')"]), 0, "asking is no reading");
    assert_eq!(session(clean, &["DO $a$ BEGIN; END $a$; SELECT $1"]), 0);
}
