//! A temporary function of the view's owner, in which a statement runs with the owner's rights and cannot get ours back.
//!
//! Seen on PostgreSQL 15: within a function that is SECURITY DEFINER, RESET ROLE, SET SESSION AUTHORIZATION and READ WRITE
//! are refused. Only values of the server's own types leave it, so that no output function or cast of a stranger runs outside.

use std::hash::{BuildHasher, Hasher};

use postgres_protocol::escape::escape_identifier as quote;
use tokio_postgres::types::Type;

use super::Query;
use super::guard;
use crate::pg::session::Parameters;

/// What every statement of one view is contained by.
pub(super) struct Sandbox {
    pub owner: String,
    /// `server_version_num`.
    pub version: i32,
    /// Is its text parsed before the function is given to the owner? Parsing runs what the types of its constants bring.
    pub is_parsed_first: bool,
    /// The search_path inside.
    pub path: String,
    /// The OIDs of functions, operators and relations that the statement may depend on.
    pub allowed: Vec<i64>,
}

/// One statement, contained.
pub(super) struct Container {
    /// Makes the function, gives it to the owner, and forbids writing.
    pub make: String,
    /// Fails unless the function's text means what the view's rule means.
    pub guard: String,
    /// Calls it.
    pub call: String,
}

impl Sandbox {
    pub(super) fn contain(&self, query: &Query, parameters: Parameters<'_>) -> Container {
        // A name that nobody can have put into a shared backend beforehand.
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let name = format!("mvtop_look_{random:016x}");
        let types: Vec<&str> = parameters.iter().map(|(_, kind)| type_name(kind)).collect();
        let signature = format!("pg_temp.{name}({})", types.join(", "));
        let make = format!(
            "SET LOCAL check_function_bodies = off; CREATE FUNCTION {signature} RETURNS SETOF record LANGUAGE sql \
             SECURITY DEFINER SET search_path = {} {}; ALTER FUNCTION {signature} OWNER TO {}; SET TRANSACTION READ ONLY",
            self.path,
            self.body(&query.sql),
            quote(&self.owner),
        );
        let places: Vec<String> = (1..=parameters.len()).map(|place| format!("${place}")).collect();
        let columns: Vec<String> = query.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        Container {
            make,
            guard: guard::checked(&self.condition(&name)),
            call: format!("SELECT * FROM pg_temp.{name}({}) AS r ({})", places.join(", "), columns.join(", ")),
        }
    }

    /// From PostgreSQL 14 a body can be parsed here, under our search_path, and kept so.
    fn body(&self, sql: &str) -> String {
        match self.is_parsed_first && self.version >= 140_000 {
            true => format!("BEGIN ATOMIC {sql}; END"),
            false => format!("AS {}", guard::literal(sql)),
        }
    }

    /// That the function is there, and depends on nothing that the view's rule and its types do not depend on.
    fn condition(&self, name: &str) -> String {
        let list: Vec<String> = self.allowed.iter().map(i64::to_string).collect();
        format!(
            "EXISTS (SELECT FROM pg_proc p WHERE p.proname = '{name}' AND p.pronamespace = pg_my_temp_schema()) AND NOT EXISTS \
             (SELECT FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid \
             WHERE p.proname = '{name}' AND p.pronamespace = pg_my_temp_schema() AND d.refobjid >= 16384 \
             AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass) \
             AND NOT d.refobjid = ANY ('{{{}}}'::oid[]))",
            list.join(",")
        )
    }
}

/// A parameter's type as SQL.
fn type_name(kind: &Type) -> &'static str {
    match *kind {
        Type::TEXT_ARRAY => "text[]",
        Type::INT8 => "bigint",
        Type::INT8_ARRAY => "bigint[]",
        Type::BOOL => "boolean",
        Type::OID => "oid",
        _ => "text",
    }
}
