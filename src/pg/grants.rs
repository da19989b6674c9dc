//! Reads what two roles that have nothing else must be granted, for `mvtop grants`.

use serde::de::DeserializeOwned;
use tokio_postgres::types::Type;

use super::catalog::unexpected;
use super::conninfo::Target;
use super::session::{Limits, Parameters, Session};
use crate::domain::grants::{Facts, Place};
use crate::domain::reading::Problem;

/// What the views need, for roles of these names.
///
/// # Errors
/// What the database said.
pub async fn facts(session: &Session, watch: &str, look: &str) -> Result<Facts, Problem> {
    let names = [(&watch as _, Type::TEXT), (&look as _, Type::TEXT)];
    one(session, include_str!("sql/grants.sql"), &names).await
}

/// The database that is looked at.
///
/// # Errors
/// What the database said.
pub async fn place(session: &Session) -> Result<Place, Problem> {
    one(session, include_str!("sql/grants_cron.sql"), &[]).await
}

/// Another database of the server, by a connection of a moment.
///
/// # Errors
/// It cannot be connected to, or what it said.
pub async fn place_in(target: &Target, database: &str) -> Result<Place, Problem> {
    place(&Session::connect(&target.clone().in_database(database), "grants").await?).await
}

async fn one<T: DeserializeOwned>(session: &Session, sql: &str, parameters: Parameters<'_>) -> Result<T, Problem> {
    let rows = session.read(Limits::CHEAP, sql, parameters).await?;
    let json: &str = rows.first().ok_or_else(|| unexpected("the catalogs said nothing about rights"))?.get(0);
    serde_json::from_str(json).map_err(|e| unexpected(&format!("the rights that are needed: {e}")))
}
