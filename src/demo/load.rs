//! Puts the incident into an empty database: all of it made by the server from the seed, in one transaction.

use tokio_postgres::{Client, Error, NoTls};

use super::error::DemoError;

/// The incident's steps, each with what the user is told meanwhile. Order matters: the view is filled between
/// the night and what came after, with the clock turned back.
const STEPS: [(&str, &[&str]); 3] = [
    (
        "writing the CRM as it was that night",
        &[
            include_str!("sql/extensions.sql"),
            include_str!("sql/dice.sql"),
            include_str!("sql/schema.sql"),
            include_str!("sql/people.sql"),
            include_str!("sql/phrases.sql"),
            include_str!("sql/night.sql"),
            include_str!("sql/indexes.sql"),
        ],
    ),
    (
        "filling the view and reassigning the prospectos",
        &[
            include_str!("sql/clock_back.sql"),
            include_str!("sql/view.sql"),
            include_str!("sql/clock_restore.sql"),
            include_str!("sql/since.sql"),
        ],
    ),
    (
        "writing a day of cron history",
        &[include_str!("sql/jobs.sql"), include_str!("sql/history.sql"), include_str!("sql/finish.sql")],
    ),
];
const CONNECTING: &str = "connecting";
const COMMITTING: &str = "committing";
const REOPENING: &str = "opening the kept demo";
const REOPEN: &str = include_str!("sql/reopen.sql");

/// Fills the database unless an earlier time did; one transaction, so it is filled wholly or not at all. True when it
/// was filled now.
pub(super) async fn load(
    conninfo: &str,
    rows: u32,
    seed: u64,
    progress: &mut impl FnMut(&str),
) -> Result<bool, DemoError> {
    let client = connect(conninfo).await?;
    if is_filled(&client).await.map_err(failed(REOPENING))? {
        progress(REOPENING);
        return client.batch_execute(REOPEN).await.map(|()| false).map_err(failed(REOPENING));
    }
    let mut script = format!("BEGIN;\n{}", parameters(rows, seed));
    for (phase, files) in STEPS {
        progress(phase);
        for sql in files {
            script.push_str(sql);
        }
        client.batch_execute(&script).await.map_err(failed(phase))?;
        script.clear();
    }
    // Temporary functions end with the session, which nobody may be in when the program looks around.
    client.batch_execute("COMMIT; DISCARD TEMP").await.map(|()| true).map_err(failed(COMMITTING))
}

/// A connection that lives as long as its client.
pub(super) async fn connect(conninfo: &str) -> Result<Client, DemoError> {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.map_err(failed(CONNECTING))?;
    tokio::spawn(connection);
    Ok(client)
}

async fn is_filled(client: &Client) -> Result<bool, Error> {
    client.query_one("SELECT to_regclass('public.prospectos') IS NOT NULL", &[]).await?.try_get(0)
}

/// The two numbers everything else is computed from, as functions that the planner turns into constants.
fn parameters(rows: u32, seed: u64) -> String {
    let seed = seed.cast_signed();
    format!(
        "CREATE FUNCTION pg_temp.seed() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT ({seed})::bigint';
         CREATE FUNCTION pg_temp.filas() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT {rows}';\n"
    )
}

pub(super) fn failed(phase: &'static str) -> impl Fn(Error) -> DemoError {
    move |error| DemoError::Load {
        phase,
        message: error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string),
    }
}
