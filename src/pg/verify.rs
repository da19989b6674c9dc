//! What only the proof asks the database: what feeds the view, its triggers, who may refresh it, and a plain view in
//! the place of a materialized one.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::catalog::{self, unexpected};
use super::look::ViewReader;
use super::probes::compare::{Before, compare};
use super::session::{Limits, Session};
use crate::domain::drift::Scope;
use crate::domain::job::trigger_modes;
use crate::domain::reading::{Measured, Problem};
use crate::domain::snapshot::ViewState;
use crate::domain::verify::{Facts, Feed, RefreshTrigger};
use crate::domain::view::{Oid, View, ViewName};

#[derive(Deserialize)]
struct Answer {
    feeds: Vec<Feed>,
    triggers: Vec<RefreshTrigger>,
    tables: Vec<Table>,
    refreshers: Vec<String>,
}

#[derive(Deserialize)]
struct Table {
    oid: Oid,
    #[serde(flatten)]
    name: ViewName,
}

/// What only the proof asks about a view.
///
/// # Errors
/// What the database said.
pub async fn facts(session: &Session, view: &View) -> Result<Facts, Problem> {
    let sql = include_str!("sql/verify.sql");
    let rows = session.read(Limits::CHEAP, sql, &[(&view.oid.0, Type::OID)]).await?;
    let json: &str = rows.first().ok_or_else(|| unexpected("the view is not in the catalog any more"))?.get(0);
    let answer: Answer =
        serde_json::from_str(json).map_err(|e| unexpected(&format!("the view's surroundings: {e}")))?;
    Ok(Facts {
        feeds: answer.feeds,
        triggers: answer
            .triggers
            .into_iter()
            .filter(|t| trigger_modes(&t.body, t.search_path.as_deref(), &view.name).next().is_some())
            .collect(),
        tables: answer.tables.into_iter().map(|t| (t.oid, t.name)).collect(),
        refreshers: answer.refreshers,
    })
}

/// The plain view that a word names (`name` or `schema.name`), compared with its own definition like any other, so
/// that its numbers by group and by role are known; `None`: there is none.
///
/// # Errors
/// What the database said; a comparison that fails is kept in the state, as the watch keeps it.
pub async fn plain_view(reader: &ViewReader, word: &str, limits: Limits) -> Result<Option<ViewState>, Problem> {
    let session = &*reader.session().await?;
    let named = "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind = 'v' AND ($1 = c.relname OR $1 = n.nspname || '.' || c.relname) \
                 ORDER BY n.nspname <> 'public', n.nspname LIMIT 1";
    let rows = session.read(Limits::CHEAP, named, &[(&word, Type::TEXT)]).await?;
    let Some(oid) = rows.first().map(|row| Oid(row.get(0))) else { return Ok(None) };
    let Some(view) = catalog::plain_view(session, oid).await? else { return Ok(None) };
    let mut state = ViewState::new(view.into());
    let (asked, began) = (chrono::Utc::now(), std::time::Instant::now());
    let compared = match reader.look(&state.view).await {
        Ok(look) => compare(&look, Scope::Values, &Before::Nothing, limits).await,
        Err(problem) => Err(problem),
    };
    let compared = compared.map(|c| Measured { value: c.into(), at: asked, asked, took: began.elapsed() });
    state.values.finish(compared.clone(), asked);
    state.drift.finish(compared, asked);
    Ok(Some(state))
}
