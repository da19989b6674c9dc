//! The replica that takes the comparisons (`read_dsn`): connected, looked at every few seconds, left out while it is
//! away. Without it the comparisons run on the watched server, and the Snapshot says why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::backoff;
use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::server::Replica;
use crate::domain::time::Time;
use crate::pg::catalog::unexpected;
use crate::pg::conninfo::Target;
use crate::pg::look::ViewReader;
use crate::pg::session::{Limits, Session};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// How long it may take to answer a look.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How long a comparison waits for it to replay what the watched server has written.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);

/// How often it is asked while a comparison waits.
const CATCH_UP_EVERY: Duration = Duration::from_millis(20);

/// The replica as it was at the last look.
#[derive(Clone)]
pub(super) struct State {
    /// What reads there, where comparisons may run on it.
    pub reader: Option<Arc<ViewReader>>,
    /// What is said of it; `None`: it was not looked at yet.
    pub seen: Option<Arc<Replica>>,
}

/// Follows a replica until nobody listens any more.
pub(super) fn follow(target: Target, trusted: Vec<String>, watched: Arc<Session>) -> watch::Receiver<State> {
    let (publish, states) = watch::channel(State { reader: None, seen: None });
    tokio::spawn(async move {
        let following = async {
            let mut tries = 0;
            loop {
                let reader = publish.borrow().reader.clone();
                let state = look(&target, &trusted, reader, &watched).await;
                tries = if state.reader.is_some() { 0 } else { tries + 1 };
                publish.send_replace(state);
                sleep(if tries == 0 { EVERY } else { backoff::wait(tries - 1) }).await;
            }
        };
        tokio::select! {
            () = publish.closed() => {}
            () = following => {}
        }
    });
    states
}

async fn look(target: &Target, trusted: &[String], reader: Option<Arc<ViewReader>>, watched: &Session) -> State {
    let place = target.describe();
    let looking = async {
        let reader = match reader {
            Some(reader) if reader.is_connected().await => reader,
            _ => {
                let session = Arc::new(connect(target, watched).await?);
                Arc::new(ViewReader::new(target.clone(), trusted.to_vec(), false).with_session(session))
            }
        };
        let lag = lag(&*reader.session().await?, position(watched).await?).await?;
        Ok((reader, lag))
    };
    let outcome = timeout(ANSWER_WITHIN, looking).await.unwrap_or_else(|_| Err(problem("it does not answer")));
    let (reader, lag, problem) = match outcome {
        Ok((reader, lag)) => (Some(reader), Some(lag), None),
        Err(why) => {
            tracing::warn!(why = why.text, "the replica is not used");
            (None, None, Some(why.text))
        }
    };
    State { reader, seen: Some(Arc::new(Replica { place, lag, problem })) }
}

/// Connects, and makes sure that it is a replica of the server that is watched and no other.
async fn connect(target: &Target, watched: &Session) -> Result<Session, Problem> {
    let session = Session::connect(target, "probe").await?;
    match is_of_the_same(&session, watched).await? {
        true => Ok(session),
        false => Err(problem("read_dsn is another server or another database, not a replica of this one")),
    }
}

/// Is it the same database of the same server, or of a copy of it?
pub(super) async fn is_of_the_same(session: &Session, watched: &Session) -> Result<bool, Problem> {
    let sql =
        "SELECT (SELECT system_identifier FROM pg_control_system()) AS system, current_database()::text AS database";
    let identity = async |session: &Session| -> Result<(i64, String), Problem> {
        let rows = session.read(Limits::CHEAP, sql, &[]).await?;
        let row = rows.first().ok_or_else(|| unexpected("no system identifier"))?;
        Ok((row.get("system"), row.get("database")))
    };
    Ok(identity(session).await? == identity(watched).await?)
}

/// How much the watched server has written, or replayed if it is a standby itself.
async fn position(watched: &Session) -> Result<i64, Problem> {
    let sql = "SELECT ((CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END) \
               - '0/0'::pg_lsn)::int8 AS written";
    let rows = watched.read(Limits::CHEAP, sql, &[]).await?;
    rows.first().map(|row| row.get("written")).ok_or_else(|| unexpected("no WAL position"))
}

/// How far behind `written` it is, by the time of the last transaction it replayed, or if it replayed none since it was
/// started of the checkpoint that it started from; zero when it replayed everything.
async fn lag(replica: &Session, written: i64) -> Result<TimeDelta, Problem> {
    let sql = "SELECT pg_is_in_recovery() AS standby, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8 AS replayed, \
               coalesce(pg_last_xact_replay_timestamp(), (SELECT checkpoint_time FROM pg_control_checkpoint())) AS last, \
               clock_timestamp() AS now";
    let rows = replica.read(Limits::CHEAP, sql, &[]).await?;
    let row = rows.first().ok_or_else(|| unexpected("no replay position"))?;
    if !row.get::<_, bool>("standby") {
        return Err(problem("the server of read_dsn is no standby"));
    }
    if row.get::<_, Option<i64>>("replayed").is_some_and(|replayed| replayed >= written) {
        return Ok(TimeDelta::zero());
    }
    let (last, now): (Time, Time) = (row.get("last"), row.get("now"));
    // Behind, if only by what was written this moment: never nothing.
    Ok((now - last).max(TimeDelta::milliseconds(1)))
}

/// Waits a little until it has replayed what the watched server has written by now; how far behind it is then.
pub(super) async fn catch_up(replica: &ViewReader, watched: &Session) -> Result<TimeDelta, Problem> {
    let (written, replica) = (position(watched).await?, replica.session().await?);
    let deadline = Instant::now() + CATCH_UP_WITHIN;
    loop {
        let lag = lag(&replica, written).await?;
        if lag.is_zero() || Instant::now() > deadline {
            return Ok(lag);
        }
        sleep(CATCH_UP_EVERY).await;
    }
}

fn problem(text: &str) -> Problem {
    Problem { kind: ProblemKind::Connection, text: text.into() }
}
