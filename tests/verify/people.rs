//! Who sees what, who may prove it, and which views it can be proved of.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use tokio_postgres::Client;

use crate::pty::Pty;
use crate::{MVTOP, OSMARA, REFRESH, VIEW, incident, loud, proof, said};

/// `column → rows`, asked by hand.
async fn counts(client: &Client, column: &str, from: &str) -> BTreeMap<String, i64> {
    let sql = format!("SELECT {column}::text, count(*) FROM {from} WHERE {column} IS NOT NULL GROUP BY 1");
    client.query(&sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn numbers(people: &Value, field: &str) -> BTreeMap<String, i64> {
    let people = people.as_array().unwrap().iter();
    let numbers = people.map(|p| (p["key"].as_str().unwrap().to_string(), p[field].as_i64().unwrap()));
    numbers.filter(|(_, n)| *n > 0).collect()
}

async fn the_numbers_are_those_of_sql_by_hand(client: &Client, at: &str) {
    let definition: String =
        client.query_one("SELECT rtrim(pg_get_viewdef($1::text::regclass), ';')", &[&VIEW]).await.unwrap().get(0);
    let live = format!("({definition}) AS live");
    let (proof, _) = proof(at, &["--no-write"]);
    for (kind, column) in [("ejecutivos", "ejecutivo_id"), ("coordinadores", "coordinacion_id")] {
        let people = &proof["roles"][kind];
        assert_eq!(numbers(people, "sees"), counts(client, column, VIEW).await, "{kind} see");
        assert_eq!(numbers(people, "should_see"), counts(client, column, &live).await, "{kind} should see");
    }
    // Osmara's own, by a join on the key.
    let foreign = format!(
        "SELECT count(*) FROM {VIEW} v LEFT JOIN {live} USING (prospecto_id)
         WHERE v.ejecutivo_id = '{OSMARA}' AND live.ejecutivo_id IS DISTINCT FROM v.ejecutivo_id"
    );
    let foreign: i64 = client.query_one(&foreign, &[]).await.unwrap().get(0);
    let osmara = &proof["roles"]["ejecutivos"][0];
    assert_eq!(osmara["label"], "Osmara Partida");
    assert_eq!((&osmara["foreign"], &osmara["misfiled"]), (&foreign.into(), &29.into()));
    assert_eq!((&osmara["unseen"], &osmara["impact"]), (&0.into(), &"high".into()));
    assert_eq!(loud(&proof).iter().filter(|c| *c == "reassign skipped").count(), 1);

    let check = Command::new(MVTOP).args(["check", at, "--json"]).output().unwrap();
    let check: Value = serde_json::from_slice(&check.stdout).unwrap();
    let impact = &check["views"][0]["impact"];
    let affected = |kind: &str| {
        let people = proof["roles"][kind].as_array().unwrap();
        people.iter().filter(|p| p["impact"] != "none").count()
    };
    for (kind, hurt) in [("administradores", "low"), ("coordinadores", "medium"), ("ejecutivos", "high")] {
        assert_eq!(
            (&impact[kind]["impact"], &impact[kind]["affected"]),
            (&hurt.into(), &affected(kind).into()),
            "{kind}"
        );
        assert_eq!(impact[kind]["worst"][0], proof["roles"][kind][0], "{kind}");
    }
}

fn the_json_has_its_shape(at: &str) {
    let (proof, _) = proof(at, &["--yes"]);
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&proof), ["outcome", "view", "tolerance", "strict", "tests", "reassignment", "roles"]);
    let tests: Vec<&str> = proof["tests"].as_array().unwrap().iter().map(|t| t["code"].as_str().unwrap()).collect();
    assert_eq!(tests, ["test_1", "test_2", "test_3", "checklist"]);
    assert_eq!(keys(&proof["tests"][0]["checks"][0]), ["code", "what", "outcome", "text", "details"]);
    assert_eq!((&proof["outcome"], &proof["view"]), (&"fail".into(), &format!("public.{VIEW}").into()));
    let run = &proof["reassignment"];
    let of = |side: &str, who: &str| run[side][who].as_i64().unwrap();
    assert_eq!(of("view_after", "from"), of("live_before", "from") - 1);
    assert_eq!(of("view_after", "to"), of("live_before", "to") + 1);
    assert_eq!((&run["view_after"]["row_of"], &run["from"]["label"]), (&run["to"]["key"], &"Osmara Partida".into()));
    let sql: Vec<&str> = run["sql"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    assert_eq!(sql[0], "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE");
    assert_eq!(sql.iter().filter(|s| s.starts_with("UPDATE") || s.starts_with("REFRESH")).count(), 2);
    assert!(!sql.contains(&"COMMIT") && sql.contains(&"ROLLBACK"));
}

fn the_tolerance_is_rows_or_a_share(at: &str) {
    let groups = |tolerance: &str| {
        let (proof, _) = proof(at, &["--no-write", "--tolerance", tolerance]);
        loud(&proof).contains(&"groups fail".to_string())
    };
    assert!(groups("0") && groups("50%") && !groups("400"));
    let (text, code) = said(at, &["--tolerance", "much"]);
    assert!(code == 3 && text.contains("such as 5%"), "{text}");
}

/// The exact SQL is shown, and only a yes runs it.
fn it_asks_first(at: &str) {
    for (answer, outcome) in [("n\r", "NOT PROVEN"), ("y\r", "pass")] {
        let mut pty = Pty::run("sh", &["-c", &format!("stty cols 200 rows 60; exec {MVTOP} verify '{at}'")]);
        pty.resize(200, 60);
        pty.wait("the question", |p| p.shows("Run it? [y/N]"));
        assert!(pty.shows("UPDATE \"public\".\"prospectos\" SET \"ejecutivo_id\" = "), "{}", pty.text());
        assert!(pty.shows("REFRESH MATERIALIZED VIEW CONCURRENTLY") && pty.shows("ROLLBACK;"), "{}", pty.text());
        assert!(pty.shows("ExclusiveLock on the view until the rollback"), "{}", pty.text());
        pty.send(answer);
        pty.wait("the proof", |p| p.line("one leaves, one arrives").is_some_and(|l| l.contains(outcome)));
    }
}

async fn who_may_not_is_told_what_is_missing(client: &Client, at: &str) {
    client
        .batch_execute(&format!(
            "CREATE ROLE lectora LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO lectora;
             CREATE ROLE duena LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO duena;
             GRANT CREATE ON SCHEMA public TO duena; GRANT USAGE ON SCHEMA cron TO lectora, duena;
             GRANT SELECT ON cron.job, cron.job_run_details TO lectora, duena; ALTER MATERIALIZED VIEW {VIEW} OWNER TO duena"
        ))
        .await
        .unwrap();
    for (role, why) in [
        ("lectora", "not possible for this role: lectora may not refresh mv_conversaciones_dashboard, it needs "),
        ("duena", "not possible for this role: duena may not UPDATE prospectos.ejecutivo_id"),
    ] {
        let (proof, code) = proof(&at.replace("user=postgres", &format!("user={role}")), &["--yes"]);
        let said = proof["reassignment"]["why"].as_str().unwrap();
        assert!(said.starts_with(why), "{said}");
        assert!(loud(&proof).contains(&"reassign not_proven".to_string()) && code == 3, "{proof}");
    }
}

/// Views without ejecutivos or prospectos, with and without something to reassign.
async fn any_view_is_proved_as_far_as_it_can_be(client: &Client, at: &str) {
    client
        .batch_execute(
            "CREATE MATERIALIZED VIEW mv_codigos AS SELECT id, codigo FROM coordinaciones;
             CREATE MATERIALIZED VIEW mv_por_coordinacion AS
               SELECT prospectos.id, prospectos.coordinacion_id, 'x'::text AS nota FROM prospectos;
             CREATE MATERIALIZED VIEW mv_cuantos AS
               SELECT ejecutivo_id, count(*) AS prospectos FROM prospectos GROUP BY ejecutivo_id",
        )
        .await
        .unwrap();
    let cases = [
        ("mv_codigos", "skipped", "it has no group column"),
        ("mv_por_coordinacion", "pass", "(coordinacion_id)"),
        ("mv_cuantos", "skipped", "no column of the view names a row of prospectos"),
    ];
    for (view, outcome, words) in cases {
        let (proof, code) = proof(at, &["--yes", "--view", view]);
        let test = &proof["tests"][1]["checks"][0];
        assert!(test["outcome"] == outcome && test.to_string().contains(words), "{view}: {test}");
        assert_eq!(code, 0, "{view}: {proof}");
    }
    let (text, code) = said(at, &["--yes"]);
    assert!(code == 3 && text.contains("name one with --view: mv_codigos, mv_conversaciones_dashboard"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_what_who_may_prove_it_and_of_which_views() {
    let (demo, client) = incident().await;
    let at = demo.conninfo();
    the_numbers_are_those_of_sql_by_hand(&client, at).await;
    the_json_has_its_shape(at);
    the_tolerance_is_rows_or_a_share(at);
    it_asks_first(at);
    client.batch_execute(REFRESH).await.unwrap();
    who_may_not_is_told_what_is_missing(&client, at).await;
    any_view_is_proved_as_far_as_it_can_be(&client, at).await;
}
