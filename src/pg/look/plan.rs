//! How one view is looked at, ready to be sent: what is set before, the guard, the sandbox.

use std::sync::Arc;

use super::Query;
use super::code::Code;
use super::guard;
use super::path::Paths;
use super::sandbox::{Container, Sandbox};
use crate::domain::look::{CodeFacts, Difference, Look, LookReport, Setting, WhySandbox};
use crate::domain::reading::Problem;
use crate::domain::view::{View, depends_on_role};
use crate::pg::session::{CLEAN_PATH, FOR_CATALOGS, Limits, Parameters, Session};

/// How one view is looked at.
pub struct LookPlan {
    /// In words.
    pub report: Arc<LookReport>,
    /// The view, its definition as it reads under the look's search_path.
    pub view: Arc<View>,
    /// Was it made without reading whose code runs?
    pub(super) is_simple: bool,
    /// What is set after BEGIN: the refresher's settings, the search_path, the role.
    pub(super) setup: Option<String>,
    pub(super) guard: String,
    sandbox: Option<Sandbox>,
    asked: View,
    text: String,
    has_names: bool,
}

impl LookPlan {
    /// For a view that runs nothing but what came with the server, under settings that no role changes.
    pub(super) fn simple(view: &View, session: &str, trusted: &[String]) -> LookPlan {
        let mut queries = std::iter::once(&*view.definition).chain(view.plain_views.iter().map(String::as_str));
        let facts = CodeFacts {
            may_become_owner: view.may_become_owner,
            binds: view.hides.clone(),
            depends_on_role: queries.any(depends_on_role),
            lacks: view.lacks.clone(),
            ..CodeFacts::default()
        };
        let look = facts.decide();
        let setup = become_owner(&look, session, &view.owner);
        let report = LookReport {
            look,
            session: session.into(),
            owner: view.owner.clone(),
            refresher: view.owner.clone(),
            settings: Vec::new(),
            path: None,
            differences: Vec::new(),
        };
        LookPlan {
            report: Arc::new(report),
            view: Arc::new(view.clone()),
            is_simple: true,
            setup,
            guard: guard::simple(view, session, trusted),
            sandbox: None,
            asked: view.clone(),
            text: view.definition.to_string(),
            has_names: true,
        }
    }

    /// For a view whose code was read.
    pub(super) async fn judged(
        session: &Session,
        view: &View,
        code: Code,
        chosen: &[String],
    ) -> Result<LookPlan, Problem> {
        let job = code.refresher(view).cloned();
        let has_job = job.is_some();
        let refresher = job.unwrap_or_else(|| code.owner.clone());
        let all = settings_of(&code.settings, &refresher);
        let path = all.iter().find(|(name, _)| name == "search_path").map(|(_, value)| value.as_str());
        let paths = Paths::of(&code, path);
        // What a person gives by PGTZ or options counts as in psql, unless a job is known to refresh the view.
        let is_chosen = |name: &str| !has_job && chosen.iter().any(|chosen| chosen.eq_ignore_ascii_case(name));
        let own_setting = code.own_setting(&refresher, chosen, has_job).filter(|name| is_applied(name));
        let facts = CodeFacts {
            open_path: paths.open.clone(),
            own_setting: own_setting.map(|name| (name.into(), refresher.clone())),
            ..code.facts(session, view).await?
        };
        let look = facts.decide();
        let settings: Vec<(String, String)> =
            all.into_iter().filter(|(name, _)| is_applied(name) && !is_chosen(name)).collect();
        let is_sandbox = matches!(look, Look::Sandbox(_));
        let text_path = if is_sandbox { &paths.text } else { paths.of_statement() };
        let definition = match text_path == CLEAN_PATH {
            true => code.definition.clone(),
            false => definition_under(session, view, text_path).await?,
        };
        let differences = differences(&code, view);
        let setup = [
            set(&settings),
            (text_path != CLEAN_PATH).then(|| format!("SET LOCAL search_path = {text_path}")),
            become_owner(&look, &code.session, &code.owner),
        ];
        let setup: Vec<String> = setup.into_iter().flatten().collect();
        // Parsed by us it finds what the owner may not name, and no operator on the path of its functions; but to parse a
        // constant is to run its type's code.
        let is_parsed_first = matches!(look, Look::Sandbox(WhySandbox::ClosedSchemas(_))) || !code.parses_code;
        let path = if is_parsed_first { paths.functions.as_ref().unwrap_or(&paths.text) } else { &paths.text };
        let sandbox = is_sandbox.then(|| Sandbox {
            is_parsed_first,
            owner: code.owner.clone(),
            version: code.version,
            path: path.clone(),
            allowed: code.allowed.clone(),
        });
        let guard = guard::judged(&code, &look);
        let report = LookReport {
            look,
            session: code.session.clone(),
            owner: code.owner.clone(),
            refresher,
            settings,
            path: paths.refreshers.clone(),
            differences,
        };
        Ok(LookPlan {
            report: Arc::new(report),
            view: Arc::new(View { definition: trimmed(&definition).into(), ..view.clone() }),
            is_simple: false,
            setup: (!setup.is_empty()).then(|| setup.join("; ")),
            guard,
            sandbox,
            asked: view.clone(),
            text: trimmed(&code.definition).into(),
            has_names: code.has_names(&view.names),
        })
    }

    /// Was it made for this view as it is described now?
    pub(super) fn is_for(&self, view: &View) -> bool {
        self.asked == *view
    }

    /// Does the definition read as the catalog said, and name the same relations?
    pub(super) fn is_same_text(&self, asked: &View) -> bool {
        self.has_names && *self.text == *asked.definition
    }

    /// The temporary function that a statement runs in, if it runs in one.
    pub(super) fn container(&self, query: &Query, parameters: Parameters<'_>) -> Option<Container> {
        Some(self.sandbox.as_ref()?.contain(query, parameters))
    }
}

/// A definition as it reads under a search_path.
async fn definition_under(session: &Session, view: &View, path: &str) -> Result<String, Problem> {
    let sql = format!("SELECT pg_get_viewdef({}::oid)", view.oid.0);
    let batch = crate::pg::session::Batch {
        begin: Limits::CHEAP.begin(false) + FOR_CATALOGS,
        setup: Some(&format!("SET LOCAL search_path = {path}")),
        guard: None,
        sql: &sql,
        parameters: &[],
        end: "COMMIT",
    };
    let mut text = String::new();
    session
        .run(batch, |row| text = row.get::<_, Option<String>>(0).unwrap_or_default())
        .await
        .map_err(crate::pg::session::BatchError::into_problem)?;
    Ok(text)
}

fn trimmed(definition: &str) -> &str {
    definition.trim().trim_end_matches(';')
}

fn become_owner(look: &Look, session: &str, owner: &str) -> Option<String> {
    (*look == Look::AsOwner && session != owner).then(|| format!("SET LOCAL ROLE {}", guard::role(owner)))
}

fn settings_of(settings: &[Setting], role: &str) -> Vec<(String, String)> {
    settings.iter().filter(|s| s.role == role).map(|s| (s.name.clone(), s.value.clone())).collect()
}

/// Is a setting taken over from the refresher? Those alone that say what values are and how they read, and how a query is planned:
/// one that says how a text is read (standard_conforming_strings) would make constants of a definition into SQL.
fn is_applied(name: &str) -> bool {
    const TAKEN: [&str; 10] = [
        "timezone",
        "timezone_abbreviations",
        "datestyle",
        "intervalstyle",
        "default_text_search_config",
        "bytea_output",
        "extra_float_digits",
        "xmlbinary",
        "xmloption",
        "array_nulls",
    ];
    const KINDS: [&str; 3] = ["lc_", "enable_", "geqo"];
    let name = name.to_lowercase();
    name.contains('.') || TAKEN.contains(&&*name) || KINDS.iter().any(|kind| name.starts_with(kind))
}

/// The statement that takes settings over until the transaction ends; `None`: there are none.
pub fn set(settings: &[(String, String)]) -> Option<String> {
    let call = |(name, value): &(String, String)| {
        format!("pg_catalog.set_config({}, {}, true)", guard::literal(name), guard::literal(value))
    };
    (!settings.is_empty()).then(|| format!("SELECT {}", settings.iter().map(call).collect::<Vec<_>>().join(", ")))
}

/// The settings on which a view's rows depend and in which its jobs' roles and its owner differ.
fn differences(code: &Code, view: &View) -> Vec<Difference> {
    if code.refresher(view).is_none() {
        return Vec::new();
    }
    let jobs = view.refresher.jobs.iter().filter(|job| code.refreshers.contains(job));
    let mut roles: Vec<&String> = jobs.chain([&code.owner]).collect();
    roles.dedup();
    let mut names: Vec<&str> =
        code.settings.iter().filter(|s| roles.contains(&&s.role)).map(|s| s.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |role: &str, name: &str| {
        code.settings.iter().find(|s| s.role == role && s.name == name).map(|s| s.value.clone())
    };
    let of = |name: &str| Difference {
        name: name.into(),
        values: roles.iter().map(|role| (role.to_string(), value(role, name))).collect(),
    };
    let differs = |d: &Difference| d.values.iter().any(|(_, value)| *value != d.values[0].1);
    names.into_iter().filter(|name| code.depends_on(name)).map(of).filter(differs).collect()
}
