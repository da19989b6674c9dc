//! The search_path under which a definition's text is read, and that on which its functions look for names.

use postgres_protocol::escape::escape_identifier as quote;

use super::code::Code;
use crate::domain::job::schemas_of_path;

/// What a session without settings of its own has.
const USUAL: &str = "\"$user\", public";

/// The search_paths of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    /// That under which the text means what the stored rule means.
    pub text: String,
    /// That on which functions without a path of their own look for names, where a refresh has one: until PostgreSQL 16.
    pub functions: Option<String>,
    /// A schema on the latter in which strangers may create.
    pub open: Option<String>,
    /// The refresher's own, with what temporary objects there are last, for a refresh from here.
    pub refreshers: Option<String>,
}

impl Paths {
    /// Of a view with this code, refreshed under this search_path; `None`: the usual one.
    pub(super) fn of(code: &Code, refreshers: Option<&str>) -> Paths {
        let text = list(&code.operator_schemas);
        if code.version >= 170_000 || !code.runs_on_path {
            return Paths { text, functions: None, open: None, refreshers: None };
        }
        let schemas = schemas_of_path(refreshers.unwrap_or(USUAL), &code.owner);
        let open = schemas.iter().find(|schema| code.open_schemas.contains(schema)).cloned();
        let all: Vec<String> = code.operator_schemas.iter().chain(&schemas).cloned().collect();
        Paths { text, functions: Some(list(&all)), open, refreshers: Some(list(&schemas)) }
    }

    /// The one path under which all of it runs in one statement: nobody may put anything on it that would be found there.
    pub(super) fn of_statement(&self) -> &str {
        match (&self.functions, &self.open) {
            (Some(path), None) => path,
            _ => &self.text,
        }
    }
}

/// The server's own schema first, what temporary objects there are last.
fn list(schemas: &[String]) -> String {
    let mut all: Vec<String> = vec!["pg_catalog".into()];
    for schema in schemas.iter().filter(|schema| *schema != "pg_catalog" && *schema != "pg_temp").map(|s| quote(s)) {
        if !all.contains(&schema) {
            all.push(schema);
        }
    }
    all.push("pg_temp".into());
    all.join(", ")
}
