//! Reads whose code a look at a view can run, and what this role and the owner may do.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::guard;
use crate::domain::look::{Code as CodeItem, CodeFacts, CodeKind, Setting};
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::view::{Hidden, NamedRelation, View, ViewName, depends_on_role};
use crate::pg::catalog::{Lack, rights, unexpected};
use crate::pg::session::{Limits, Session};

/// The answer of `code.sql`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Code {
    pub owner: String,
    pub session: String,
    pub version: i32,
    owner_is_superuser: bool,
    may_become_owner: bool,
    session_has_temp: bool,
    owner_has_temp: bool,
    is_standby: bool,
    strangers: Vec<Stranger>,
    attachable: Option<Stranger>,
    has_types_of_strangers: bool,
    /// Does whoever parses a constant of its types run something?
    pub parses_code: bool,
    /// Do the server's own functions in it look at the search_path?
    reads_path: bool,
    /// Does it ask who logged in?
    session_user: bool,
    event_trigger: Option<Stranger>,
    binds: Option<Hidden>,
    pub runs_on_path: bool,
    pub open_schemas: Vec<String>,
    bodies: Vec<String>,
    pub operator_schemas: Vec<String>,
    stable: Vec<String>,
    writes_text: bool,
    lacks: Vec<Lack>,
    closed_to_owner: Vec<String>,
    pub settings: Vec<Setting>,
    all_settings: Vec<Setting>,
    /// The jobs' roles that may refresh it.
    pub refreshers: Vec<String>,
    pub definition: String,
    pub marks: String,
    pub relations: Vec<i64>,
    pub names: Vec<NamedRelation>,
    /// Partitions and other children below those, as far as this role and the owner may name them.
    pub children: Vec<NamedRelation>,
    pub functions: Vec<i64>,
    pub types: Vec<i64>,
    pub schemas: Vec<i64>,
    pub allowed: Vec<i64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Stranger {
    kind: CodeKind,
    name: String,
    /// 0: PUBLIC.
    role: i64,
    owner: String,
}

impl Stranger {
    fn item(&self) -> CodeItem {
        CodeItem { kind: self.kind, name: self.name.clone(), owner: self.owner.clone() }
    }
}

/// What of a view is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Its definition, and its rows.
    Definition,
    /// Its rows alone.
    Rows,
}

/// Reads it.
pub(super) async fn read(session: &Session, view: &View, reads: Reads, trusted: &[String]) -> Result<Code, Problem> {
    let sql = guard::code_sql();
    let jobs = &view.refresher.jobs;
    let rows = session
        .read(
            Limits::CHEAP,
            &sql,
            &[
                (&view.oid.0, Type::OID),
                (&trusted, Type::TEXT_ARRAY),
                (jobs, Type::TEXT_ARRAY),
                (&(reads == Reads::Definition), Type::BOOL),
            ],
        )
        .await?;
    let gone = || Problem { kind: ProblemKind::Changed, text: "the view does not exist any more".into() };
    let row = rows.first().ok_or_else(gone)?;
    serde_json::from_str(row.get(0)).map_err(|e| unexpected(&format!("the code of a view: {e}")))
}

impl Code {
    /// The code of roles that are not trusted, the gravest first.
    pub(super) fn strangers(&self) -> Vec<CodeItem> {
        self.strangers.iter().map(Stranger::item).collect()
    }

    /// What decides how the view is looked at. Whether this role has something to lose is asked only where strangers' code runs.
    pub(super) async fn facts(&self, session: &Session, view: &View) -> Result<CodeFacts, Problem> {
        let temp = [(self.session_has_temp, &self.session), (self.owner_has_temp, &self.owner)];
        let queries = std::iter::once(&self.definition).chain(&view.plain_views).chain(&self.bodies);
        Ok(CodeFacts {
            owner_is_superuser: self.owner_is_superuser,
            may_become_owner: self.may_become_owner,
            is_standby: self.is_standby,
            lacks_temp: temp.into_iter().find(|(has, _)| !has).map(|(_, role)| role.clone()),
            strangers: self.strangers(),
            has_nothing_to_lose: self.has_nothing_to_lose(session).await?,
            attachable: self.attachable.as_ref().map(Stranger::item),
            event_trigger: self.event_trigger.as_ref().map(Stranger::item),
            binds: self.binds.clone(),
            depends_on_role: queries.into_iter().any(|query| depends_on_role(query)),
            lacks: rights(&self.lacks),
            closed_to_owner: self.closed_to_owner.clone(),
            unknown_refresher: self.unknown_refresher(view),
            own_setting: None,
            has_types_of_strangers: self.has_types_of_strangers,
            reads_path: self.reads_path && self.version < 170_000,
            asks_who_logged_in: self.session_user && self.refresher_of(view) != self.session,
            open_path: None,
        })
    }

    /// The roles whose code it can run; 0 is PUBLIC.
    pub(super) fn roles_of_strangers(&self) -> Vec<i64> {
        self.strangers.iter().map(|stranger| stranger.role).collect()
    }

    /// May a stranger attach code to something that it reads, at any moment?
    pub(super) fn is_attachable(&self) -> bool {
        self.attachable.is_some()
    }

    /// The role of the first job that may refresh it, if one may.
    pub(super) fn refresher<'a>(&self, view: &'a View) -> Option<&'a String> {
        view.refresher.jobs.iter().find(|job| self.refreshers.contains(job))
    }

    fn refresher_of<'a>(&'a self, view: &'a View) -> &'a str {
        self.refresher(view).unwrap_or(&self.owner)
    }

    async fn has_nothing_to_lose(&self, session: &Session) -> Result<bool, Problem> {
        if self.strangers.is_empty() {
            return Ok(false);
        }
        let roles = self.roles_of_strangers();
        let rows = session.read(Limits::CHEAP, guard::RISK, &[(&roles, Type::INT8_ARRAY)]).await?;
        Ok(rows.is_empty())
    }

    /// A setting on which the rows depend, and a role that has it otherwise than the owner, where jobs of such a role may be
    /// hidden from this one.
    fn unknown_refresher(&self, view: &View) -> Option<(String, String)> {
        if !view.refresher.may_be_hidden || !view.refresher.jobs.is_empty() {
            return None;
        }
        let of_owner =
            |name: &str| self.settings.iter().find(|s| s.role == self.owner && s.name == name).map(|s| &s.value);
        let differs =
            |s: &&Setting| s.role != self.owner && of_owner(&s.name) != Some(&s.value) && self.depends_on(&s.name);
        self.all_settings.iter().find(differs).map(|s| (s.name.clone(), s.role.clone()))
    }

    /// The first setting on which its rows depend, which this connection has of its own and this refresher has not: the role's,
    /// or one that was chosen for the connection where that does not count as the refresher's.
    pub(super) fn own_setting<'a>(&'a self, refresher: &str, chosen: &'a [String], has_job: bool) -> Option<&'a str> {
        let is_in = |list: &[String], name: &str| list.iter().any(|chosen| chosen.eq_ignore_ascii_case(name));
        let has =
            |role: &str, name: &str| self.settings.iter().any(|s| s.role == role && s.name.eq_ignore_ascii_case(name));
        let own = self.settings.iter().filter(|s| s.role == self.session && (has_job || !is_in(chosen, &s.name)));
        let names = own.map(|s| s.name.as_str()).chain(chosen.iter().filter(|_| has_job).map(String::as_str));
        names.filter(|name| !has(refresher, name)).find(|name| self.depends_on(name))
    }

    /// Do its rows depend on this setting?
    pub(super) fn depends_on(&self, setting: &str) -> bool {
        const NO_SETTING: [&str; 4] = ["now", "transaction_timestamp", "statement_timestamp", "current_user"];
        let calls = |name: &str| self.stable.iter().any(|function| function == name);
        let is_stable = self.stable.iter().any(|name| !NO_SETTING.contains(&name.as_str()));
        match setting.to_lowercase().as_str() {
            "search_path" => self.runs_on_path && self.version < 170_000,
            "timezone" | "datestyle" | "intervalstyle" => is_stable || self.writes_text || !self.bodies.is_empty(),
            "default_text_search_config" => {
                self.stable.iter().any(|name| name.contains("ts")) || !self.bodies.is_empty()
            }
            "bytea_output" | "extra_float_digits" | "xmlbinary" | "xmloption" => self.writes_text,
            name if name.starts_with("lc_") => is_stable || self.writes_text,
            name if name.contains('.') => {
                calls("current_setting") || self.bodies.iter().any(|body| body.contains("current_setting"))
            }
            _ => false,
        }
    }

    /// Is what it names what the catalog said?
    pub(super) fn has_names(&self, names: &[NamedRelation]) -> bool {
        let sorted = |list: &[NamedRelation]| {
            let mut all: Vec<(u32, ViewName)> = list.iter().map(|r| (r.oid.0, r.name.clone())).collect();
            all.sort();
            all
        };
        sorted(&self.names) == sorted(names)
    }
}
