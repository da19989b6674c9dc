//! Schedules against the real extension: what `cron.schedule` takes and refuses, we take and refuse.

use mvtop::demo::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
use mvtop::domain::schedule::{Dialect, Schedule};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tokio_postgres::{Client, NoTls};

use crate::expressions;

/// Only pg_cron's own refusal counts as one; any other error fails the test. Nothing is committed, so no job ever runs.
const SETUP: &str = "
    CREATE EXTENSION pg_cron;
    CREATE FUNCTION accepts(schedule text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM cron.schedule(schedule, 'SELECT 1');
        RETURN true;
    EXCEPTION WHEN invalid_parameter_value THEN
        RETURN false;
    END $$;
    BEGIN";

const DIALECT: &str = "
    SELECT extversion,
           EXISTS (SELECT FROM pg_settings WHERE name = 'cron.timezone'),
           EXISTS (SELECT FROM pg_settings WHERE name = 'cron.launch_active_jobs')
    FROM pg_extension WHERE extname = 'pg_cron'";

const VERDICTS: &str = "
    SELECT accepts(schedule) FROM unnest($1::text[]) WITH ORDINALITY AS s(schedule, n) ORDER BY n";

async fn dialect(client: &Client) -> Dialect {
    let row = client.query_one(DIALECT, &[]).await.unwrap();
    Dialect::of(row.get(0), row.get(1), row.get(2))
}

fn random_schedules() -> Vec<String> {
    let mut runner = TestRunner::default();
    let mut many = |count, strategy: proptest::strategy::BoxedStrategy<String>| {
        (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect::<Vec<_>>()
    };
    let mut all = many(6000, expressions::any_schedule().boxed());
    all.extend(many(1000, expressions::calendar_schedule().boxed()));
    all
}

/// Lengths around the size of pg_cron's buffer, in blanks and in characters of two bytes.
fn long_schedules() -> Vec<String> {
    let padded = |pad: &str, count| format!("* * * * *{}", pad.repeat(count));
    vec![
        padded(" ", 990),
        padded(" ", 991),
        padded("é", 495),
        padded("é", 496),
        format!("{}1 * * * *", "0".repeat(980)),
    ]
}

#[tokio::test]
async fn the_extension_and_we_accept_the_same_schedules() {
    let options = ClusterOptions { keep: None, cron: true, settings: &[] };
    let cluster = Cluster::start(&options).unwrap();
    let (client, connection) =
        tokio_postgres::connect(&cluster.conninfo_for(SUPERUSER, DATABASE), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(SETUP).await.unwrap();
    let dialect = dialect(&client).await;
    let schedules = [random_schedules(), long_schedules()].concat();
    let rows = client.query(VERDICTS, &[&schedules]).await.unwrap();
    let theirs: Vec<bool> = rows.iter().map(|row| row.get(0)).collect();

    let accepted = theirs.iter().filter(|yes| **yes).count();
    assert!(
        accepted > 1500 && theirs.len() - accepted > 1500,
        "{accepted} of {} accepted: too one-sided to prove much",
        theirs.len()
    );
    let differences: Vec<_> = schedules
        .iter()
        .zip(theirs)
        .map(|(text, theirs)| (text, theirs, Schedule::parse(text, dialect)))
        .filter(|(_, theirs, ours)| *theirs != ours.is_ok())
        .collect();
    assert!(differences.is_empty(), "(schedule, theirs, ours): {differences:#?}");
}
