//! A house with planted code in it, and the marks that it leaves in the server's log.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::harness::House;
use crate::kinds::KINDS;

/// Makes mallory, her schema and the function by which her code leaves its marks, in the database at hand.
pub const MARK: &str = include_str!("mark.sql");

/// Plants all kinds: each with its view, and what stands in public and in the schema named after each role.
pub fn plant(house: &House) {
    let of_owner = |sql: &str| sql.replace("{owner}", house.owner);
    house.run(MARK);
    house.run(&of_owner(include_str!("ground.sql")));
    for kind in KINDS {
        let view = format!("app.v_{}", kind.name);
        house.run(&format!(
            "{}; SET ROLE {}; CREATE MATERIALIZED VIEW {view} AS {}; CREATE UNIQUE INDEX ON {view} (id); RESET ROLE; {}",
            of_owner(kind.plant),
            house.owner,
            of_owner(kind.definition),
            of_owner(kind.then),
        ));
    }
    for table in ["base", "t_index", "t_trigger", "t_generated", "t_check", "t_partition_1", "t_rule"] {
        house.run(&format!("UPDATE app.{table} SET ejecutivo_id = 3, coordinacion_id = 'BOOM' WHERE id IN (4, 8)"));
    }
    plant_ambient(house, "public", "public");
    for role in [house.superuser, house.owner, house.reader] {
        house.run(&format!("CREATE SCHEMA IF NOT EXISTS {role}; ALTER SCHEMA {role} OWNER TO mallory"));
        plant_ambient(house, role, "own_schema");
    }
    house.run("GRANT SELECT ON ALL TABLES IN SCHEMA app TO mirona, mallory; ANALYZE");
}

/// Better fitting functions and operators for the names that the program's SQL uses.
fn plant_ambient(house: &House, schema: &str, kind: &str) {
    let names: Vec<String> = named_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pg")).into_iter().collect();
    // Into a role's own schema go some of them, so that those in public are reached, too.
    let operators = if schema == "public" { OPERATORS } else { "\">=\",\"&\"" };
    let is_wanted = |name: &&String| schema == "public" || name.starts_with("hash");
    let names = names.iter().filter(is_wanted).map(String::as_str).collect::<Vec<_>>().join(",");
    let sql = include_str!("ambient.sql").replace("{{names}}", &format!("{{{names}}}"));
    let sql = sql.replace("{{operators}}", &format!("{{{operators}}}"));
    house.run(&format!(
        "SET search_path = pg_catalog; SET ROLE mallory; {}",
        sql.replace("{schema}", schema).replace("{kind}", kind)
    ));
}

const OPERATORS: &str =
    r##""=","<>","<",">","<=",">=","||","+","-","*","/","#","&","~","~*","~~","!~","->","->>","@>""##;

/// All words that stand before a parenthesis in the files of a folder: the functions that its SQL calls are among them.
fn named_in(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            names.extend(named_in(&entry));
            continue;
        }
        let text = std::fs::read_to_string(&entry).unwrap();
        let is_in_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        for (end, _) in text.match_indices('(') {
            let word = text[..end].rsplit(|c| !is_in_word(c)).next().unwrap_or_default();
            names.extend((!word.is_empty()).then(|| word.to_string()));
        }
    }
    names
}

/// Planted code that ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Which kind of code.
    pub kind: String,
    /// Whose rights it ran with.
    pub user: String,
    /// Whom RESET ROLE makes of it; `None`: it was refused.
    pub becomes: Option<String>,
    /// The beginning of the client's statement.
    pub query: String,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let becomes = self.becomes.as_deref().unwrap_or("nobody else");
        write!(f, "{} ran as {}, may become {becomes}: {}", self.kind, self.user, self.query)
    }
}

impl Mark {
    /// All in a piece of the log.
    pub fn all(log: &str) -> BTreeSet<Mark> {
        let read = |line: &str| {
            let mut words = line.split_once("MARK|")?.1.split('|').map(String::from);
            let [kind, user, becomes, query] = std::array::from_fn(|_| words.next().unwrap_or_default());
            Some(Mark { kind, user, becomes: (becomes != "-").then_some(becomes), query })
        };
        log.lines().filter_map(read).collect()
    }

    /// Does it gain nothing that its author lacks (as a role with nothing to lose, it does not), or nothing that a refresh does not give it anyway? A refresh runs a
    /// definition as the view's owner without a way to anybody else's rights. What a refresh does not run, such as
    /// functions that *our* SQL finds, may run as its author at most. What the server runs by itself inside of a REFRESH is its own.
    pub fn is_harmless(&self, owner: &str) -> bool {
        let author = ["mallory", "mirona"];
        let is_ambient = AMBIENT.iter().any(|kind| self.kind.starts_with(kind));
        let within = |roles: &[&str]| {
            roles.contains(&self.user.as_str()) && self.becomes.as_ref().is_none_or(|b| roles.contains(&b.as_str()))
        };
        let is_refresh = self.query.trim_start().starts_with("REFRESH MATERIALIZED VIEW") && self.becomes.is_none();
        within(&author) || is_refresh || !is_ambient && within(&[&author[..], &[owner]].concat())
    }
}

/// What no definition calls.
const AMBIENT: [&str; 5] = ["public", "own_schema", "pg_temp", "event_trigger", "fake_cron"];

/// The marks that give somebody something, each kind and role once.
pub fn gains(log: &str, owner: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Mark::all(log).into_iter().filter(|mark| !mark.is_harmless(owner)).collect();
    marks.dedup_by(|a, b| (&a.kind, &a.user) == (&b.kind, &b.user));
    marks
}
