//! Why a view is not compared, as it is told.

use super::{NoSandbox, Refusal};
use crate::domain::view::Hidden;

impl Refusal {
    /// What is in the way and what to do, in one sentence.
    pub fn text(&self, session: &str, owner: &str) -> String {
        match self {
            Refusal::Code(code, why) => format!(
                "comparing it can run {}, with rights that {} lacks; {}; add {} to trusted_owners if you trust that role, or give \
                 --look-dsn a role with nothing to lose (mvtop grants)",
                code.describe(),
                code.owner,
                why.text(session, owner),
                code.owner,
            ),
            Refusal::RowSecurity(Hidden { table, role }) => format!(
                "row security may hide rows of {table} from {role}, by whose rights a refresh reads it, and {session} may not become {owner}"
            ),
            Refusal::DependsOnRole => format!(
                "its rows depend on the role that asks, and {session} may not become {owner}, as whom a refresh runs; connect as \
                 {owner} or a member of it"
            ),
            Refusal::DependsOnSession(on) => {
                format!(
                    "its rows depend on {on} in the session that refreshes it, which no other session can take over"
                )
            }
            Refusal::Lacks(rights) => format!("{session} needs {}", rights.join(" and ")),
            Refusal::UnknownRefresher { setting, role } => format!(
                "its rows depend on {setting}, which {role} has otherwise than {owner}, and row security hides from {session} whose job \
                 refreshes it; connect as a role that sees all jobs: a superuser, or one with BYPASSRLS"
            ),
            Refusal::OwnSetting { setting, refresher } => format!(
                "its rows depend on {setting}, which this connection has of its own (from {session}, PGTZ or options) and a refresh by \
                 {refresher} has not, so that its value there is not known; ALTER ROLE {session} RESET {setting}, or leave it away"
            ),
            Refusal::ClosedSchemas(schemas, why) => format!(
                "{owner} needs USAGE on the schema {}, for comparing names what a refresh finds without; {}",
                schemas.join(", "),
                why.text(session, owner)
            ),
        }
    }
}

impl NoSandbox {
    pub(super) fn text(&self, session: &str, owner: &str) -> String {
        match self {
            NoSandbox::NotTheOwner => format!("{session} may not become {owner}, whose rights would limit it"),
            NoSandbox::OwnerIsSuperuser => format!("its owner {owner} is a superuser, whose rights are no limit"),
            NoSandbox::Standby => "this is a standby, where no sandbox can be made".into(),
            NoSandbox::TypesOfStrangers => "its types belong to others, whose code would run with your rights".into(),
            NoSandbox::NoTemp(role) => format!("a sandbox needs TEMP on the database for {role}"),
            NoSandbox::EventTrigger(code) => format!("making a sandbox would run {}", code.describe()),
        }
    }
}
