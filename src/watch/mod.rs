//! Watches one database: decides which probe runs when, and folds the answers into the Snapshot.
//!
//! One task owns everything. It holds two connections, one for the pulse and the cheap catalogs, one for whatever
//! reads the views, so that a comparison that hangs on a lock never stops the pulse.

mod asking;
mod backoff;
pub mod keeper;
pub mod probe;
mod replica;
mod settings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::future::OptionFuture;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};

use crate::domain::reading::{Problem, ProblemKind};
use crate::domain::snapshot::{DrillTarget, Snapshot};
use crate::domain::view::Oid;
use crate::pg::catalog;
use crate::pg::look::ViewReader;
use crate::pg::probes::pulse;
use crate::pg::session::Session;
use asking::Asking;
use keeper::Keeper;
use probe::{Answer, Probe};
pub use settings::{NO_VIEW, Settings};

/// What a face may ask of the watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Measure a view now, whatever the budget.
    Measure(Oid),
    /// Read what the fixes of a view must know, now.
    Price(Oid),
    /// Count a view's rows by these columns from now on.
    Group(Oid, Vec<String>),
    /// Read how many values each column of a view has.
    Columns(Oid),
    /// Look at one ejecutivo's rows, or stop looking.
    Drill(Option<DrillTarget>),
    /// Read a page of their values.
    Page(usize),
    /// Cancel a statement of our own that runs on another connection.
    Cancel(i32),
    /// Try to connect now instead of waiting.
    Reconnect,
}

/// A running watch; it ends when this is dropped.
pub struct Watch {
    /// The newest Snapshot.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Where to send requests.
    pub requests: mpsc::UnboundedSender<Request>,
    /// The right to a third connection: an action's, or for a moment that to pg_cron's own database.
    pub third: Arc<Mutex<()>>,
    task: JoinHandle<()>,
}

/// How long the end of a watch may take.
const CLOSES_WITHIN: Duration = Duration::from_secs(3);

impl Watch {
    /// Ends it, and with it what it runs on the server: a definition may take no notice that nobody waits for it any more.
    pub async fn close(self) {
        let Watch { requests, task, snapshots, third: _ } = self;
        drop((requests, snapshots));
        // Later than that the server's own timeouts must do.
        let _ = timeout(CLOSES_WITHIN, task).await;
    }
}

/// One pulse a second.
const PULSE: Duration = Duration::from_secs(1);

/// A pulse that takes longer is said to be unanswered.
const SILENT_AFTER: Duration = Duration::from_secs(3);

/// A pulse that takes longer is given up, and the connection with it.
const DEAD_AFTER: Duration = Duration::from_secs(15);

/// How long the first look at the replica may hold up the first comparison.
const REPLICA_WITHIN: Duration = Duration::from_secs(2);

/// Starts to watch.
pub fn start(settings: Settings) -> Watch {
    let now = Utc::now();
    let (publish, snapshots) = watch::channel(Arc::new(Snapshot::connecting(now)));
    let (requests, inbox) = mpsc::unbounded_channel();
    let keeper = Keeper::new(Snapshot::connecting(now), settings.only.clone(), settings.budget)
        .with_rules(settings.rules.clone())
        .with_look_role(settings.look_target.is_some());
    let third = Arc::new(Mutex::new(()));
    let task = tokio::spawn(Task { settings, keeper, publish, inbox, third: third.clone() }.run());
    Watch { snapshots, requests, third, task }
}

struct Task {
    settings: Settings,
    keeper: Keeper,
    publish: watch::Sender<Arc<Snapshot>>,
    inbox: mpsc::UnboundedReceiver<Request>,
    third: Arc<Mutex<()>>,
}

/// Why the task leaves a connection.
enum Leave {
    Lost(Problem),
    /// Nobody listens any more.
    Unwanted,
}

/// The connections.
struct Link {
    pulse: Arc<Session>,
    reader: Arc<ViewReader>,
    memory: pulse::Memory,
    /// The first catalog, asked for already, until it is wanted.
    catalog: Option<JoinHandle<Answer>>,
    replica: Option<watch::Receiver<replica::State>>,
}

impl Link {
    /// The replica as last seen, where there is to be one.
    fn replica(&self) -> Option<replica::State> {
        self.replica.as_ref().map(|states| states.borrow().clone())
    }
}

impl Task {
    async fn run(mut self) {
        let mut tries = 0;
        loop {
            let leave = match self.connect().await {
                Ok(link) => {
                    tries = 0;
                    self.attend(link).await
                }
                Err(leave) => leave,
            };
            let Leave::Lost(problem) = leave else { return };
            tries += 1;
            tracing::warn!(tries, why = problem.text, "not connected");
            self.keeper.disconnected(problem, tries, Utc::now());
            self.publish();
            if self.pause(backoff::wait(tries - 1)).await.is_none() {
                return;
            }
        }
    }

    fn publish(&mut self) {
        let snapshot = self.keeper.snapshot(Utc::now(), Instant::now());
        self.publish.send_if_modified(|last| {
            let has_changed = !Arc::ptr_eq(last, &snapshot);
            *last = snapshot;
            has_changed
        });
    }

    /// Connects both sessions and asks one what the server is and the other which views it has, while requests are
    /// still taken in.
    async fn connect(&mut self) -> Result<Link, Leave> {
        let target = self.settings.target.clone();
        let (looking, trusted) = (self.settings.look_target.clone(), self.settings.trusted_owners.clone());
        let ahead = self.keeper.server_time(Utc::now()) - Utc::now();
        let connecting = async move {
            let (pulse, probes) =
                tokio::try_join!(Session::connect(&target, "pulse"), Session::connect(&target, "probe"))?;
            let (pulse, probes) = (Arc::new(pulse), Arc::new(probes));
            let asked = probes.clone();
            let views = async move { Probe::Catalog(None).run_cheap(&asked, Utc::now() + ahead).await };
            let catalog = tokio::spawn(views);
            let server = timeout(DEAD_AFTER, catalog::server(&pulse)).await.unwrap_or_else(|_| Err(no_answer()));
            // What nobody will hear of must not hold its connection.
            let server = server.inspect_err(|_| catalog.abort())?;
            let reader = match looking {
                Some(look) => looking_by(ViewReader::new(look, trusted, false).by_look_dsn(), &pulse).await,
                None => ViewReader::new(target, trusted, true).with_session(probes),
            };
            Ok((pulse.clone(), reader.watched_by(pulse, server.version_num), server, catalog))
        };
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connected = &mut connecting => {
                    let (pulse, reader, server, catalog) = connected.map_err(Leave::Lost)?;
                    self.keeper.connected(server);
                    self.publish();
                    let replica = self.replica(&pulse).await;
                    let reader = Arc::new(reader);
                    return Ok(Link { pulse, reader, memory: pulse::Memory::default(), catalog: Some(catalog), replica });
                }
                request = self.inbox.recv() => self.keeper.request(request.ok_or(Leave::Unwanted)?),
            }
        }
    }

    /// Follows the replica, if there is to be one, and gives it a moment to answer: else the first comparisons would
    /// run on the server it is to spare.
    async fn replica(&self, pulse: &Arc<Session>) -> Option<watch::Receiver<replica::State>> {
        let trusted = self.settings.trusted_owners.clone();
        let mut states = replica::follow(self.settings.read_target.clone()?, trusted, pulse.clone());
        // Too late is no fault: the comparisons begin on the server.
        let _ = timeout(REPLICA_WITHIN, states.wait_for(|state| state.seen.is_some())).await;
        Some(states)
    }

    /// Waits before the next try; `None`: nobody listens any more.
    async fn pause(&mut self, length: Duration) -> Option<()> {
        let pause = sleep(length);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Some(()),
                request = self.inbox.recv() => match request? {
                    Request::Reconnect => return Some(()),
                    request => self.keeper.request(request),
                },
            }
        }
    }

    /// Lives with a connection until it ends.
    async fn attend(&mut self, mut link: Link) -> Leave {
        let (answers, mut arrived) = mpsc::unbounded_channel::<Answer>();
        let (beats, mut beaten) = mpsc::unbounded_channel();
        let mut ticker = interval(PULSE);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked: Option<Instant> = None;
        // Before a view is measured because somebody asked, a pulse that began later must have been taken: it sees
        // what was refreshed, so that the measurement counts as one from after it. Wanted, then asked.
        let mut measures: [Vec<Oid>; 2] = Default::default();
        loop {
            let wake = self.keeper.wake(Instant::now());
            tokio::select! {
                () = until(wake) => {}
                _ = ticker.tick() => match asked {
                    None => {
                        asked = Some(Instant::now());
                        measures[1] = std::mem::take(&mut measures[0]);
                        self.beat(&link, beats.clone());
                    }
                    Some(since) if since.elapsed() > DEAD_AFTER => return Leave::Lost(no_answer()),
                    Some(since) if since.elapsed() > SILENT_AFTER => self.keeper.silent(since.elapsed(), Utc::now()),
                    Some(_) => continue,
                },
                Some((took, beat)) = beaten.recv() => {
                    asked = None;
                    match beat {
                        Ok(beat) => self.keeper.pulse(beat, took, Utc::now()),
                        Err(problem) if link.pulse.is_closed() => return Leave::Lost(problem),
                        Err(problem) if problem.kind == ProblemKind::Connection => return Leave::Lost(problem),
                        Err(problem) => self.keeper.pulse_failed(problem, Utc::now()),
                    }
                    measures[1].drain(..).for_each(|oid| self.keeper.request(Request::Measure(oid)));
                }
                Some(answer) = arrived.recv() => {
                    if link.pulse.is_closed() && answer.outcome.is_err() {
                        return Leave::Lost(answer.outcome.err().unwrap_or_else(no_answer));
                    }
                    self.keeper.answer(answer, Utc::now(), Instant::now());
                }
                request = self.inbox.recv() => match request {
                    None => {
                        link.reader.end_running().await;
                        return Leave::Unwanted;
                    }
                    Some(Request::Cancel(pid)) => cancel(link.pulse.clone(), pid),
                    Some(Request::Measure(oid)) => measures[0].push(oid),
                    Some(request) => self.keeper.request(request),
                },
            }
            if asked.is_none() && (!measures[0].is_empty() || self.keeper.take_wants_pulse()) {
                ticker.reset_immediately();
            }
            if let Some(replica) = link.replica() {
                self.keeper.replica(replica.seen);
            }
            self.launch(&mut link, &answers);
            self.publish();
        }
    }

    fn beat(&self, link: &Link, beats: mpsc::UnboundedSender<(Duration, Result<pulse::Answer, Problem>)>) {
        let (session, memory, question) = (link.pulse.clone(), link.memory.clone(), self.keeper.question());
        tokio::spawn(async move {
            let began = Instant::now();
            let beat = pulse::pulse(&session, &question, &memory).await;
            // Nobody listens only when the connection was left meanwhile.
            let _ = beats.send((began.elapsed(), beat));
        });
    }

    fn launch(&mut self, link: &mut Link, answers: &mpsc::UnboundedSender<Answer>) {
        let limits = self.settings.limits();
        while let Some(probe) = self.keeper.next(Utc::now(), Instant::now()) {
            let first = link.catalog.take_if(|_| probe == Probe::Catalog(None));
            let (answers, at) = (answers.clone(), self.keeper.server_time(Utc::now()));
            let asking = Asking {
                watched: link.pulse.clone(),
                reader: link.reader.clone(),
                replica: link.replica().and_then(|r| r.reader).filter(|_| probe.is_expensive()),
                limits,
            };
            let elsewhere = matches!(probe, Probe::Elsewhere(..));
            let (target, third) = (self.settings.target.clone(), self.third.clone());
            let told = probe.clone();
            let task = tokio::spawn(async move {
                if let Some(Ok(first)) = OptionFuture::from(first).await {
                    first
                } else if elsewhere {
                    let _turn = third.lock().await;
                    probe.run_elsewhere(&target, at).await
                } else {
                    asking.ask(probe, at).await
                }
            });
            tokio::spawn(async move {
                let _ = answers.send(Answer::of(task, told, at).await);
            });
        }
    }
}

/// The reader of another role, if that is on the same server and database.
async fn looking_by(reader: ViewReader, watched: &Session) -> ViewReader {
    let is_same = match reader.session().await {
        Ok(session) => replica::is_of_the_same(&session, watched).await,
        // It is tried again with each look.
        Err(_) => Ok(true),
    };
    match is_same {
        Ok(true) => reader,
        Ok(false) => {
            let text = "look_dsn is another server or another database: nothing is compared by it".into();
            reader.refusing(Problem { kind: ProblemKind::NotCompared, text })
        }
        Err(why) => reader.refusing(why),
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}

fn cancel(session: Arc<Session>, pid: i32) {
    tokio::spawn(async move {
        // Behind a transaction pooler another client may have that backend by now.
        let own = "SELECT pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a \
                   WHERE a.pid = $1::int4 AND a.application_name = 'mvtop action'";
        let cancelled = session.glance(own, &[(&pid, tokio_postgres::types::Type::INT4)]).await;
        if let Err(problem) = cancelled {
            tracing::warn!(pid, why = problem.text, "cancel failed");
        }
    });
}

fn no_answer() -> Problem {
    let text = format!("the server has not answered for {}s", DEAD_AFTER.as_secs());
    Problem { kind: ProblemKind::Connection, text }
}
