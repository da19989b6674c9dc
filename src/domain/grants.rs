//! Two roles that have what mvtop needs and nothing else: one watches the server, one looks at the rows.
//!
//! Pure: [`Facts`] are read from the catalogs, and [`script`] is the SQL that makes the roles, each statement with its reason
//! and with who may run it. Nothing here is ever sent by this program.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::text::wrap;
use super::view::ViewName;

/// What the catalogs say about what must be granted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// The server's version, e.g. `15.18`.
    pub version: String,
    /// The role that was asked with.
    pub user: String,
    /// May it make roles?
    pub makes_roles: bool,
    /// May it make others members of `pg_monitor`?
    pub grants_monitor: bool,
    /// May everybody create things in the schema public, as in each database made before PostgreSQL 15?
    pub public_creates: bool,
    /// The role that watches and the role that looks.
    pub roles: [Role; 2],
    /// The materialized views.
    pub views: Vec<ViewNeeds>,
}

/// A role that is to be made, or is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Role {
    /// Its name as SQL.
    pub sql: String,
    /// Is there such a role?
    pub exists: bool,
    /// What it has beyond what it should, in words.
    pub too_much: Vec<String>,
}

/// A privilege as it stands between GRANT and TO.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Privilege {
    /// E.g. `SELECT ON TABLE public.prospectos`; its names are quoted.
    pub privilege: String,
    /// Who owns the thing.
    pub owner: String,
    /// Has everybody got it?
    pub public: bool,
    /// May the role that was asked with grant it?
    pub may: bool,
}

/// What looking at one view needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ViewNeeds {
    /// The view.
    pub name: ViewName,
    /// All privileges, also those that everybody has.
    pub privileges: Vec<Privilege>,
    /// Tables whose row security keeps the looking role from comparing it.
    pub hidden: Vec<ViewName>,
    /// Foreign servers that it reads, as SQL: the looking role needs a user mapping for each.
    pub foreign: Vec<String>,
}

/// A database that the watching role connects to: the one that is looked at, or the one where pg_cron keeps its jobs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// Its name.
    pub database: String,
    /// The name as SQL.
    pub sql: String,
    /// To connect.
    pub connect: Privilege,
    /// To read pg_cron's jobs and runs, where it is there.
    pub cron: Vec<Privilege>,
    /// The other database where pg_cron keeps its jobs, if it does.
    pub elsewhere: Option<String>,
}

/// The SQL that makes both roles, with a reason before each statement. `there` is pg_cron's other database, or why it could
/// not be asked.
pub fn script(facts: &Facts, place: &Place, there: Option<&Result<Place, String>>) -> String {
    let mut script = Script { out: String::new(), user: &facts.user, last: String::new() };
    let [watch, look] = &facts.roles;
    script.note(&format!(
        "What mvtop needs in the database {} (PostgreSQL {}), as two roles that have nothing else. mvtop grants only prints \
         it: read it, then run it with psql as somebody who may.",
        place.database, facts.version
    ));
    script.blank();
    script.note("1. To watch: what the server does, the list of views, pg_cron's history. It reads no row of yours.");
    script.role(watch, facts.makes_roles);
    script.watch(watch, facts, place);
    if let Some(there) = there {
        script.elsewhere(watch, there);
    }
    script.blank();
    script.note(
        "2. To look: the views, and what stands in their definitions, on the same server (--look-dsn). Whatever code a \
         definition runs finds nothing to take here: no attribute, no predefined role, nothing of its own.",
    );
    if matches!(there, Some(Ok(_))) {
        script.connect_to(place);
    }
    script.role(look, facts.makes_roles);
    script.look(look, facts, place);
    script.limits(facts);
    script.out
}

/// The width of a comment.
const COLUMNS: usize = 110;

struct Script<'a> {
    out: String,
    /// Who was asked with.
    user: &'a str,
    /// The newest comment.
    last: String,
}

impl Script<'_> {
    /// A comment, unless the statement before has the same; no name in it ends its line.
    fn note(&mut self, text: &str) {
        if self.last == text {
            return;
        }
        for line in wrap(text, COLUMNS) {
            // Writing to a String cannot fail.
            let _ = writeln!(self.out, "-- {line}");
        }
        self.last = text.into();
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn statement(&mut self, sql: &str) {
        let _ = writeln!(self.out, "{sql};");
    }

    fn role(&mut self, role: &Role, makes_roles: bool) {
        if role.exists {
            self.note(&format!("The role {} is there already.", role.sql));
            if !role.too_much.is_empty() {
                self.note(&format!("▲ It has too much, take another: {}.", role.too_much.join("; ")));
            }
            return;
        }
        if !makes_roles {
            self.note(&format!("{} cannot make it: that needs CREATEROLE.", self.user));
        }
        self.note(&format!("It has no password yet: \\password {} in psql gives it one.", role.sql));
        self.statement(&format!("CREATE ROLE {} LOGIN", role.sql));
    }

    /// A grant with its reason, left out where everybody has it.
    fn grant(&mut self, privilege: &Privilege, role: &Role, why: &str) {
        if privilege.public {
            return;
        }
        let owner = &privilege.owner;
        let who = match privilege.may {
            true => String::new(),
            false => format!(" {} cannot grant it: {owner} can, and a superuser.", self.user),
        };
        self.note(&format!("{why}{who}"));
        self.statement(&format!("GRANT {} TO {}", privilege.privilege, role.sql));
    }

    fn watch(&mut self, role: &Role, facts: &Facts, place: &Place) {
        self.grant(&place.connect, role, "To connect, which not everybody may here.");
        let who = match facts.grants_monitor {
            true => String::new(),
            false => format!(
                " {} cannot grant it: a superuser can, and whoever has it WITH ADMIN OPTION (Supabase's postgres).",
                self.user
            ),
        };
        self.note(&format!(
            "What other sessions do: who refreshes, who blocks, whether pg_cron's launcher lives.{who}"
        ));
        self.statement(&format!("GRANT pg_monitor TO {}", role.sql));
        self.cron(role, &place.cron);
    }

    fn cron(&mut self, role: &Role, privileges: &[Privilege]) {
        for privilege in privileges {
            self.grant(privilege, role, "pg_cron's jobs and their runs.");
        }
        if !privileges.is_empty() {
            self.note(
                "pg_cron's row security shows each role only its own jobs and runs; those of other roles stay hidden, and \
                 mvtop says so. BYPASSRLS would show them, but also every row of every table, so it is not advised; \
                 Supabase's postgres cannot even give it.",
            );
        }
    }

    fn elsewhere(&mut self, role: &Role, there: &Result<Place, String>) {
        match there {
            Ok(there) => {
                self.note(&format!(
                    "pg_cron keeps its jobs in the database {}: what follows belongs there.",
                    there.database
                ));
                self.connect_to(there);
                self.grant(&there.connect, role, "To connect there, which not everybody may.");
                self.cron(role, &there.cron);
            }
            Err(why) => {
                self.note(&format!("▲ pg_cron keeps its jobs in another database that could not be asked: {why}"))
            }
        }
    }

    /// psql's own command, which takes some names for connection strings: any but a plain one is only told.
    fn connect_to(&mut self, place: &Place) {
        let is_plain = place.database.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c));
        match is_plain {
            true => {
                let _ = writeln!(self.out, "\\connect {}", place.sql);
            }
            false => self.note(&format!("Connect to {} here.", place.sql)),
        }
    }

    fn look(&mut self, role: &Role, facts: &Facts, place: &Place) {
        self.grant(&place.connect, role, "To connect, which not everybody may here.");
        let mut needs: BTreeMap<(usize, &Privilege), Vec<String>> = BTreeMap::new();
        for view in &facts.views {
            for privilege in &view.privileges {
                let rank = ["USAGE", "SELECT", "EXECUTE"].iter().position(|word| privilege.privilege.starts_with(word));
                needs.entry((rank.unwrap_or_default(), privilege)).or_default().push(view.name.short());
            }
        }
        for ((rank, privilege), views) in needs {
            let why = match rank {
                0 => "Names in it stand in",
                1 => "It is, or it stands in,",
                _ => "It is called by",
            };
            self.grant(privilege, role, &format!("{why} {}.", some(&views)));
        }
    }

    /// What no grant here gives.
    fn limits(&mut self, facts: &Facts) {
        let look = &facts.roles[1].sql;
        self.blank();
        for view in facts.views.iter().filter(|view| !view.hidden.is_empty()) {
            let tables: Vec<String> = view.hidden.iter().map(ViewName::short).collect();
            self.note(&format!(
                "▲ {look} cannot compare {}: row security of {} hides rows, which would look like drift.",
                view.name.short(),
                some(&tables)
            ));
        }
        for view in facts.views.iter().filter(|view| !view.foreign.is_empty()) {
            self.note(&format!(
                "▲ {look} also needs a user mapping to compare {}: CREATE USER MAPPING FOR {look} SERVER {} OPTIONS (…).",
                view.name.short(),
                view.foreign.join(", ")
            ));
        }
        if facts.public_creates {
            self.note(
                "▲ Everybody may create things in the schema public, as in each database made before PostgreSQL 15. \
                 Unless something of yours needs it: REVOKE CREATE ON SCHEMA public FROM PUBLIC.",
            );
        }
        self.note("Neither role can change anything: refreshes and fixes are done by the view's owner.");
    }
}

/// How many names a comment has room for.
const NAMED: usize = 3;

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
