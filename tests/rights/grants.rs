//! The two roles that `mvtop grants` prints: with its SQL they can do what they are for, and without any line of it not.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tokio_postgres::Client;

use crate::{connect, run, start};

const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");

/// A database where everybody has nothing, and a view that meets every kind of right there is.
const CLOSED: &str = "
    CREATE ROLE duena;
    REVOKE CONNECT ON DATABASE crm FROM PUBLIC;
    REVOKE USAGE ON SCHEMA public FROM PUBLIC;
    REVOKE SELECT ON cron.job, cron.job_run_details FROM PUBLIC;
    REVOKE USAGE ON SCHEMA cron FROM PUBLIC;
    SELECT cron.schedule('diaria', '0 4 * * *', 'SELECT 1');
    CREATE SCHEMA base; CREATE SCHEMA calls; CREATE SCHEMA below; CREATE SCHEMA ops; CREATE SCHEMA spelling; CREATE SCHEMA types;
    CREATE SCHEMA keys; CREATE SCHEMA panel; CREATE SCHEMA shelf; CREATE SCHEMA hidden; CREATE SCHEMA second;
    CREATE EXTENSION citext SCHEMA keys;
    CREATE TABLE base.prospectos (id int PRIMARY KEY, correo keys.citext NOT NULL, n int NOT NULL);
    INSERT INTO base.prospectos SELECT n, 'e' || n, n FROM generate_series(1, 20) AS n;
    CREATE TABLE hidden.notas AS SELECT id, 'nota ' || id AS nota FROM base.prospectos;
    CREATE FUNCTION calls.doble(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
    CREATE FUNCTION below.triple(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 3 * $1; END';
    CREATE FUNCTION below.igual(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 = $2; END';
    REVOKE EXECUTE ON FUNCTION calls.doble, below.triple, below.igual FROM PUBLIC;
    CREATE OPERATOR ops.=== (FUNCTION = below.igual, LEFTARG = int, RIGHTARG = int);
    CREATE COLLATION spelling.exact FROM \"C\";
    CREATE DOMAIN types.cuenta AS int;
    CREATE VIEW shelf.notas AS SELECT id, nota, below.triple(id) AS triple FROM hidden.notas;
    CREATE MATERIALIZED VIEW panel.mv_todo AS
        SELECT p.correo, p.id, calls.doble(p.n) AS doble, p.n::types.cuenta AS cuenta, s.nota COLLATE spelling.exact AS nota,
               s.triple, p.n OPERATOR(ops.===) p.id AS igual
        FROM base.prospectos p JOIN shelf.notas s USING (id);
    CREATE UNIQUE INDEX ON panel.mv_todo (correo);
    CREATE MATERIALIZED VIEW second.mv_sobre AS SELECT correo, id FROM panel.mv_todo";

/// A plain view by the rights of whoever reads it, from 15 on.
const INVOKER: &str = "
    CREATE SCHEMA inner_schema; CREATE TABLE inner_schema.zonas AS SELECT generate_series(1, 5) AS id;
    CREATE VIEW shelf.zonas WITH (security_invoker = true) AS SELECT id FROM inner_schema.zonas;
    CREATE MATERIALIZED VIEW second.mv_zonas AS SELECT id FROM shelf.zonas";

fn mvtop(args: &[&str]) -> Output {
    Command::new(MVTOP).env_clear().args(args).stdin(Stdio::null()).output().unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = mvtop(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a script as people do, and expects it to go through.
fn psql(conninfo: &str, script: &str) {
    let mut child = Command::new("psql");
    child.args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", conninfo]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
}

/// What a role is told to miss: what is off, and each view that it cannot compare; what everybody of its kind misses is left
/// out.
fn missing(conninfo: &str, looks: bool) -> Vec<String> {
    let output = mvtop(&["check", conninfo, "--json", "--timeout", "20s"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let json: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    let mut missing: Vec<String> = json["problem"]["text"].as_str().into_iter().map(String::from).collect();
    if looks {
        let views = json["views"].as_array().unwrap();
        for view in views.iter().filter(|view| !view["live_rows"].is_number() || view["drift"]["problem"].is_string()) {
            missing.push(format!("{}: {}", view["view"], view["cause"]["text"]));
        }
    } else {
        let off = json["server"]["off"].as_array().into_iter().flatten();
        missing.extend(off.filter(|off| off["what"] != "other_jobs").map(|off| off["why"].to_string()));
    }
    missing
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_roles_can_do_what_they_are_for_and_no_line_of_their_grants_is_too_much() {
    let cluster = start(true, &[]);
    let admin = cluster.conninfo_for("postgres", "crm");
    let client = connect(&admin).await;
    client.batch_execute(&format!("CREATE EXTENSION pg_cron; {CLOSED}")).await.unwrap();
    let version: i32 =
        client.query_one("SELECT current_setting('server_version_num')::int4", &[]).await.unwrap().get(0);
    if version >= 150_000 {
        client.batch_execute(INVOKER).await.unwrap();
    }
    let script = printed(&["grants", &admin]);
    psql(&admin, &script);
    let [watch, look] = ["mvtop_watch", "mvtop_look"].map(|role| cluster.conninfo_for(role, "crm"));
    assert_eq!(missing(&watch, false), Vec::<String>::new(), "{script}");
    assert_eq!(missing(&look, true), Vec::<String>::new(), "{script}");
    let grants: Vec<&str> = script.lines().filter(|line| line.starts_with("GRANT ")).collect();
    for grant in &grants {
        let looks = grant.contains("mvtop_look");
        let revoke = grant.replacen("GRANT", "REVOKE", 1).replace(" TO mvtop_", " FROM mvtop_");
        client.batch_execute(&revoke).await.unwrap();
        let missing = missing(if looks { &look } else { &watch }, looks);
        assert!(!missing.is_empty(), "nobody misses {grant}\n{script}");
        client.batch_execute(grant).await.unwrap();
    }
    assert!(grants.len() >= if version >= 150_000 { 24 } else { 20 }, "{script}");
    assert_eq!(missing(&look, true), Vec::<String>::new(), "all are there again");
    // A second time the roles are there, and it runs all the same.
    let again = printed(&["grants", &admin]);
    assert!(!again.contains("CREATE ROLE") && again.contains("mvtop_look is there already"), "{again}");
    psql(&admin, &again);
    let one = printed(&["grants", &admin, "--view", "mv_sobre", "--watch-role", "Ojo \"a\"", "--look-role", "vista"]);
    assert!(
        one.contains(r#"GRANT pg_monitor TO "Ojo ""a""";"#) && one.contains("TO vista;") && !one.contains("doble"),
        "{one}"
    );
}

async fn crm(cron: bool, sql: &str) -> (mvtop::demo::cluster::Cluster, Client) {
    let cluster = start(cron, &[]);
    let client = connect(&cluster.conninfo_for("postgres", "crm")).await;
    client.batch_execute(sql).await.unwrap();
    (cluster, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_granted_by_whom_and_what_no_grant_gives_is_told() {
    let sql = "CREATE ROLE ana LOGIN; CREATE ROLE otra; CREATE ROLE vista LOGIN CREATEDB IN ROLE pg_monitor, otra;
        CREATE TABLE suya (id int); ALTER TABLE suya OWNER TO vista;
        CREATE TABLE ajena (id int); ALTER TABLE ajena OWNER TO otra; ALTER TABLE ajena ENABLE ROW LEVEL SECURITY;
        CREATE MATERIALIZED VIEW mv_ajena AS SELECT id FROM ajena; GRANT CREATE ON SCHEMA public TO PUBLIC";
    let (cluster, _client) = crm(false, sql).await;
    let said = printed(&["grants", &cluster.conninfo_for("ana", "crm"), "--look-role", "vista"]).replace("\n-- ", " ");
    for part in [
        "ana cannot make it: that needs CREATEROLE.",
        "ana cannot grant it: otra can, and a superuser.",
        "ana cannot grant it: a superuser can, and whoever has it WITH ADMIN OPTION",
        "The role vista is there already.",
        "It has too much, take another: CREATEDB; membership in otra, pg_monitor; ownership of 1 objects.",
        "vista cannot compare mv_ajena: row security of ajena",
        "Everybody may create things in the schema public",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert!(!said.contains("BYPASSRLS") && !said.contains("GRANT CONNECT") && !said.contains("cron."), "{said}");
    let refused = |args: &[&str]| String::from_utf8_lossy(&mvtop(args).stderr).into_owned();
    let at = cluster.conninfo_for("ana", "crm");
    assert!(refused(&["grants", &at, "--view", "ninguna"]).contains("there is no materialized view ninguna"));
    assert!(refused(&["grants", &at, "--look-role", "mvtop_watch"]).contains("must be another one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pg_crons_other_database_is_granted_there() {
    let (cluster, client) = crm(true, "CREATE EXTENSION pg_cron").await;
    client.batch_execute("CREATE DATABASE ventas").await.unwrap();
    client.batch_execute("SELECT cron.schedule_in_database('v', '0 4 * * *', 'SELECT 1', 'ventas')").await.unwrap();
    let admin = cluster.conninfo_for("postgres", "ventas");
    run(&admin, "CREATE TABLE t (id int); CREATE MATERIALIZED VIEW mv AS SELECT id FROM t").await;
    let script = printed(&["grants", &admin]);
    let order = [
        "GRANT pg_monitor",
        "\\connect crm",
        "GRANT USAGE ON SCHEMA cron",
        "\\connect ventas",
        "CREATE ROLE mvtop_look",
    ];
    let places: Vec<Option<usize>> = order.iter().map(|part| script.find(part)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}\n{script}");
    psql(&admin, &script);
    assert_eq!(missing(&cluster.conninfo_for("mvtop_watch", "ventas"), false), Vec::<String>::new());
    assert_eq!(missing(&cluster.conninfo_for("mvtop_look", "ventas"), true), Vec::<String>::new());
}
