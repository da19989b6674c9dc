//! The fixes on the real demo: each does what it promises, its undo brings the database back, and what cannot be done
//! says why. Here is what the parts share.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's panic is its answer")]

mod another;
mod console;
mod dangers;
mod interrupted;
mod meanwhile;
mod options;
mod plain;
mod refusals;
mod repairs;
mod strangers;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::Utc;
use mvtop::demo::{Demo, Options};
use mvtop::domain::diagnosis::{Verdict, diagnose};
use mvtop::domain::fix::{Fix, Plan};
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::pg::fix::Ground;
use mvtop::pg::operator::{self, Ending, Event};
use mvtop::report::check;
use mvtop::watch::{self, Request};
use tokio_postgres::{Client, NoTls};

const VIEW: &str = "mv_conversaciones_dashboard";
const OSMARA: &str = "d7847ffa-0758-4eb2-a97b-f80e54886531";

/// A small, still night, and a superuser's connection to it.
struct Night {
    demo: Demo,
    client: Client,
}

impl Night {
    async fn start() -> Night {
        let options = Options { rows: 400, traffic: false, ..Options::default() };
        let demo = Demo::start(&options, |_| ()).await.unwrap();
        let client = connect(demo.conninfo()).await;
        Night { demo, client }
    }

    fn conninfo(&self, role: &str) -> String {
        self.demo.conninfo().replace("user=postgres", &format!("user={role}"))
    }

    async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }

    async fn text(&self, sql: &str) -> String {
        self.client.query_one(sql, &[]).await.unwrap().get::<_, Option<String>>(0).unwrap_or_default()
    }

    async fn look(&self, role: &str) -> Arc<Snapshot> {
        look(&self.conninfo(role)).await
    }

    /// The plan that `role` gets for the incident's view.
    async fn plan_as(&self, role: &str, fix: Fix) -> Plan {
        let snapshot = self.look(role).await;
        plan(&snapshot, &fix)
    }

    async fn plan(&self, fix: Fix) -> Plan {
        self.plan_as("postgres", fix).await
    }

    async fn run(&self, plan: &Plan) -> Ending {
        run(&target(self.demo.conninfo()), plan).await
    }

    /// Carries it out and expects what is found afterwards to be as promised; gives what is said of it.
    async fn does(&self, fix: Fix) -> String {
        let plan = self.plan(fix).await;
        assert!(plan.needs.is_empty(), "{} needs {:?}", plan.title, plan.needs);
        match self.run(&plan).await {
            Ending::Done(Some(found)) if found.good => found.text,
            other => panic!("{}: {other:?}\n{}", plan.title, plan.sql()),
        }
    }

    /// The schema as `pg_dump` writes it, and the jobs, whose rows a dump of the schema leaves out.
    async fn dump(&self) -> String {
        let output = Command::new("pg_dump").args(["--schema-only", self.demo.conninfo()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Newer releases write a random word into these lines.
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> =
            lines.lines().filter(|l| !l.starts_with("\\restrict") && !l.starts_with("\\unrestrict")).collect();
        let jobs = "SELECT string_agg(format('%s %s %s %s', jobname, schedule, active, command), chr(10) ORDER BY jobname) FROM cron.job";
        format!("{}\n{}", lines.join("\n"), self.text(jobs).await)
    }

    /// Is what people see true, and does something keep it so?
    async fn is_well(&self) -> bool {
        let snapshot = self.look("postgres").await;
        let diagnosis = diagnose(&snapshot, snapshot.server_time(Utc::now()));
        diagnosis.verdict == Verdict::Ok
    }
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn target(conninfo: &str) -> Target {
    Target::resolve(Some(conninfo), &[], &Environment::from_process()).unwrap()
}

/// Everything known, the facts of the incident's view included.
async fn look(conninfo: &str) -> Arc<Snapshot> {
    let mut watch = watch::start(watch::Settings::new(target(conninfo)));
    let snapshot = check::take(&mut watch, Duration::ZERO, Duration::from_secs(20)).await;
    let oid = snapshot.views.iter().find(|v| v.view.name.name == VIEW).expect("the view").view.oid;
    watch.requests.send(Request::Price(oid)).unwrap();
    let known = watch.snapshots.wait_for(|s| s.view(oid).unwrap().facts.is_settled());
    let snapshot = tokio::time::timeout(Duration::from_secs(20), known).await.unwrap().unwrap().clone();
    let problem = snapshot.view(oid).unwrap().facts.problem();
    assert!(problem.is_none(), "{problem:?}");
    snapshot
}

fn plan(snapshot: &Snapshot, fix: &Fix) -> Plan {
    let now = snapshot.server_time(Utc::now());
    let diagnosis = diagnose(snapshot, now);
    let view = snapshot.views.iter().find(|v| v.view.name.name == VIEW).unwrap();
    Ground { snapshot, view, report: diagnosis.view(view.view.oid), now }.plan(fix).expect("a plan")
}

async fn run(target: &Target, plan: &Plan) -> Ending {
    let ended = Mutex::new(None);
    operator::run(target, plan, |event| {
        if let Event::Ended(ending, _) = event {
            *ended.lock().unwrap() = Some(ending);
        }
    })
    .await;
    ended.into_inner().unwrap().expect("an ending")
}

/// Waits until a query says yes.
async fn until(client: &Client, what: &str, sql: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn needs(plan: &Plan, words: &str) {
    assert!(plan.needs.iter().any(|n| n.text().contains(words)), "{} needs {:?}, not {words}", plan.title, plan.needs);
}

/// Carries it out and expects it to fail with these words.
async fn refused(night: &Night, plan: &Plan, words: &str) {
    match night.run(plan).await {
        Ending::Failed(problem) => assert!(problem.text.contains(words), "{}: {}", plan.title, problem.text),
        other => panic!("{}: {other:?}\n{}", plan.title, plan.sql()),
    }
}

fn every_five_minutes() -> Fix {
    Fix::CronInstall { schedule: "*/5 * * * *".into() }
}
