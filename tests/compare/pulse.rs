//! The pulse reads rows again only when a transaction has ended, and so it must see whatever one of them changed.

use super::{connect, target};
use mvtop::demo::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
use mvtop::domain::job::RunId;
use mvtop::domain::view::Oid;
use mvtop::pg::probes::pulse::{self, Answer, Memory, Question};
use mvtop::pg::session::Session;
use tokio_postgres::{Client, SimpleQueryMessage};

/// A server of its own, on which nobody else ends a transaction; its pulse as the console takes it, and as it is without
/// a memory.
struct Quiet {
    client: Client,
    session: Session,
    memory: Memory,
    question: Question,
    cluster: Cluster,
}

impl Quiet {
    async fn new() -> Quiet {
        let cluster = Cluster::start(&ClusterOptions { keep: None, cron: true, settings: &[] }).unwrap();
        let conninfo = cluster.conninfo_for(SUPERUSER, DATABASE);
        let client = connect(&conninfo).await;
        let sql = "CREATE EXTENSION pg_cron; CREATE TABLE t (n int, long text); CREATE MATERIALIZED VIEW m AS TABLE t;
            CREATE VIEW p AS TABLE t; SELECT cron.schedule('j', '0 0 1 1 *', 'SELECT 1')";
        client.batch_execute(sql).await.unwrap();
        let question = Question { tables: vec![], plain: vec![], cron: true, above: RunId(0) };
        let session = Session::connect(&target(&conninfo), "test").await.unwrap();
        Quiet { client, session, memory: Memory::default(), question, cluster }
    }

    async fn pulse(&self) -> Answer {
        let remembered = pulse::pulse(&self.session, &self.question, &self.memory).await.unwrap();
        let fresh = pulse::pulse(&self.session, &self.question, &Memory::default()).await.unwrap();
        let rows = |a: &Answer| (a.views.clone(), a.schema, a.jobs.clone(), a.runs.clone());
        assert_eq!(rows(&remembered), rows(&fresh));
        remembered
    }

    /// What a pulse says of rows before and after a statement, and after nothing more.
    async fn across(&self, sql: &str) -> bool {
        let rows = |a: Answer| (a.views, a.schema, a.jobs, a.runs);
        let before = rows(self.pulse().await);
        self.client.batch_execute(sql).await.unwrap();
        let after = rows(self.pulse().await);
        assert_eq!(rows(self.pulse().await), after, "{sql}");
        before != after
    }
}

#[tokio::test]
async fn whatever_a_transaction_changed_is_seen_by_the_next_pulse() {
    let quiet = Quiet::new().await;
    for sql in [
        "REFRESH MATERIALIZED VIEW m",
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        "CREATE MATERIALIZED VIEW n AS TABLE t",
        "DROP MATERIALIZED VIEW n",
        "SELECT cron.schedule('j', '0 0 2 1 *', 'SELECT 1')",
        "SELECT cron.unschedule('j')",
        "INSERT INTO cron.job_run_details (jobid, runid, status) VALUES (1, 1, 'running')",
        "UPDATE cron.job_run_details SET status = 'failed', end_time = now() WHERE runid = 1",
    ] {
        assert!(quiet.across(sql).await, "not seen: {sql}");
    }
    for sql in ["SELECT 1", "BEGIN; DROP VIEW p; ROLLBACK", "INSERT INTO t VALUES (1)"] {
        assert!(!quiet.across(sql).await, "{sql}");
    }
}

#[tokio::test]
async fn without_one_the_rows_of_catalogs_and_cron_are_not_read() {
    let quiet = Quiet::new().await;
    quiet.pulse().await;
    let seen = quiet.memory.mark().expect("a primary has a mark");
    let prepared = format!("PREPARE p(oid[], oid[], int8, text) AS {}", pulse::sql(true));
    quiet.client.batch_execute(&prepared).await.unwrap();
    let skipped = async |mark: &str| {
        let explained = format!("EXPLAIN (ANALYZE, COSTS OFF) EXECUTE p('{{}}', '{{}}', 0, '{mark}')");
        let rows = quiet.client.simple_query(&explained).await.unwrap();
        let lines = rows.iter().filter_map(|m| if let SimpleQueryMessage::Row(row) = m { row.get(0) } else { None });
        let skipped = |line: &&str| line.contains("Scan") && line.contains("never executed");
        lines.filter(skipped).map(|line| line.trim().to_string()).collect::<Vec<_>>()
    };
    let (same, other) = (skipped(&seen).await, skipped("another").await);
    for table in ["on pg_class c ", "on job j", "on job_run_details d"] {
        let is_in = |lines: &[String]| lines.iter().any(|line| line.contains(table));
        assert!(is_in(&same) && !is_in(&other), "{table}: {same:#?} {other:#?}");
    }
    quiet.pulse().await;
    assert_eq!(quiet.memory.mark(), Some(seen));
}

/// One that was under way before an earlier pulse ends without a newer transaction's number having been given.
#[tokio::test]
async fn a_transaction_that_was_under_way_is_seen_when_it_ends() {
    let quiet = Quiet::new().await;
    let later = connect(&quiet.cluster.conninfo_for(SUPERUSER, DATABASE)).await;
    quiet.client.batch_execute("BEGIN; REFRESH MATERIALIZED VIEW m").await.unwrap();
    later.batch_execute("INSERT INTO t VALUES (1)").await.unwrap();
    let before = quiet.pulse().await;
    assert_eq!(quiet.pulse().await.views, before.views);
    quiet.client.batch_execute("COMMIT").await.unwrap();
    assert_ne!(quiet.pulse().await.views, before.views);
}

/// Rows that another question did not ask for are not taken from its answer.
#[tokio::test]
async fn another_question_is_not_answered_from_memory() {
    let mut quiet = Quiet::new().await;
    let oid: u32 = quiet.client.query_one("SELECT 'p'::regclass::oid", &[]).await.unwrap().get(0);
    quiet.pulse().await;
    quiet.question.plain = vec![Oid(oid)];
    assert!(quiet.pulse().await.views.iter().any(|(view, ..)| *view == Oid(oid)));
    quiet.question.cron = false;
    assert_eq!(quiet.pulse().await.jobs, None);
}

/// pg_class.xmin moves with both; only a refresh leaves the rest of the row as it is.
#[tokio::test]
async fn a_refresh_is_told_from_what_else_moves_the_catalog_row_of_a_view() {
    let quiet = Quiet::new().await;
    quiet.client.batch_execute("CREATE UNIQUE INDEX i ON m (n)").await.unwrap();
    for (sql, is_refresh) in [
        ("REFRESH MATERIALIZED VIEW m", true),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", true),
        ("GRANT SELECT ON m TO PUBLIC", false),
        ("CREATE ROLE other; ALTER MATERIALIZED VIEW m OWNER TO other", false),
        ("ALTER MATERIALIZED VIEW m SET (fillfactor = 80)", false),
        ("ALTER MATERIALIZED VIEW m RENAME TO o", false),
    ] {
        let [before, after] = [quiet.pulse().await, {
            quiet.client.batch_execute(sql).await.unwrap();
            quiet.pulse().await
        }];
        let ([(_, before)], [(_, after)]) = (&before.views[..], &after.views[..]) else { panic!("one view") };
        assert_ne!(before, after, "not seen: {sql}");
        assert_eq!(before.shape == after.shape, is_refresh, "{sql}");
    }
}

#[tokio::test]
async fn what_changes_the_tables_that_a_view_reads_is_seen() {
    let mut quiet = Quiet::new().await;
    quiet.client.batch_execute("CREATE TABLE whole (n int) PARTITION BY LIST (n)").await.unwrap();
    let oid: u32 = quiet.client.query_one("SELECT 'whole'::regclass::oid", &[]).await.unwrap().get(0);
    quiet.question.tables = vec![Oid(oid)];
    for (sql, is_seen) in [
        ("CREATE OR REPLACE VIEW p AS SELECT n + 1 AS n, long FROM t", true),
        ("CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)", true),
        ("ALTER TABLE whole DETACH PARTITION part", true),
        ("CREATE UNIQUE INDEX k ON m (n)", true),
        ("DROP INDEX k", true),
        ("ALTER TABLE whole RENAME TO entire", true),
        ("ALTER TABLE entire RENAME n TO m", true),
        ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", false),
        ("CREATE TRIGGER x AFTER INSERT ON entire EXECUTE FUNCTION f()", true),
        ("ALTER TABLE entire DISABLE TRIGGER x", true),
        ("CREATE TABLE other (n int PRIMARY KEY, long text)", false),
        ("CREATE TEMP TABLE passing (n int PRIMARY KEY, long text)", false),
        ("CREATE INDEX ON t (n)", false),
        ("REFRESH MATERIALIZED VIEW m", false),
        ("INSERT INTO t VALUES (1)", false),
    ] {
        let before = quiet.pulse().await.schema;
        quiet.client.batch_execute(sql).await.unwrap();
        assert_eq!(quiet.pulse().await.schema != before, is_seen, "{sql}");
    }
}
