//! Names, values, commands and messages that would move the cursor, turn the text round or break a line: wherever they are
//! shown nothing raw of them is left, JSON keeps them exactly, and SQL is sent as it is.

use std::fs;
use std::path::Path;
use std::process::Output;

use mvtop::demo::cluster::{Cluster, ClusterOptions};
use portable_pty::CommandBuilder;
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use crate::pty::Pty;
use crate::{MVTOP, mvtop, said};

/// A window title, a colour by C1's CSI, an override of the direction, a delete, a next line and a new one.
const NASTY: &str = "\u{1b}]0;EVIL\u{7}\u{9b}31m\u{202e}\u{7f}\u{85}\n";
/// What is left of it on a screen, on one line.
const SHOWN: &str = "<U+001B>]0;EVIL";

fn named(what: &str) -> String {
    format!("{what}{NASTY}ŋ")
}

fn ident(what: &str) -> String {
    format!("\"{}\"", named(what))
}

fn literal(what: &str) -> String {
    format!("'{}'", named(what))
}

/// What a terminal would obey or hide, line ends of our own and the console's sequences left out.
fn raw(text: &str) -> Option<String> {
    let is_raw = |c: &char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{7}');
    let found = text.char_indices().find(|(_, c)| is_raw(c));
    let escape = text.find("\u{1b}]0;EVIL");
    let at = found.map(|(at, _)| at).or(escape)?;
    let from = text.char_indices().map(|(i, _)| i).rfind(|i| *i + 60 <= at).unwrap_or(0);
    Some(format!("{:?}", text[from..].chars().take(120).collect::<String>()))
}

/// What the console wrote without its own window titles, each of which is clean and ends with the one BEL it has.
fn without_titles(raw: &str) -> String {
    let mut parts = raw.split("\u{1b}]0;mvtop ");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |all, part| {
        let (title, rest) = part.split_once('\u{7}').unwrap();
        must_be_clean("the window's title", title);
        all + rest
    })
}

fn must_be_clean(what: &str, text: &str) {
    assert!(raw(text).is_none(), "{what}: {}", raw(text).unwrap());
    // Behind a second edge it is a dialog's: exact SQL and a job's command have the line ends that they have.
    let of_pane = |line: &str| line.trim_start().trim_start_matches(['│', '┃']).trim_start().starts_with('ŋ');
    let lines = text.lines().filter(|line| of_pane(line)).count();
    assert_eq!(lines, 0, "{what}: a name broke its line:\n{text}");
}

async fn connect(conninfo: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The connection string, its database's or role's name quoted.
fn conninfo(cluster: &Cluster, role: &str, database: &str) -> String {
    let plain = cluster.conninfo_for("R", "D");
    plain.replace("user=R", &format!("user='{role}'")).replace("dbname=D", &format!("dbname='{database}'"))
}

/// A cluster where all names are so: in `crm`, where the jobs are, and in a database of such a name.
async fn planted() -> Cluster {
    let cluster = Cluster::start(&ClusterOptions { keep: None, cron: true, settings: &[] }).unwrap();
    let [role, schema, base, view, column, label] = ["role", "schema", "base", "mv", "column", "label"].map(ident);
    let database = ident("db");
    let admin = connect(&cluster.conninfo_for("postgres", "crm")).await;
    let roles = format!("CREATE ROLE {role} LOGIN; CREATE ROLE {} LOGIN", ident("poor"));
    admin.batch_execute(&roles).await.unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {database}")).await.unwrap();
    admin.batch_execute("CREATE EXTENSION pg_cron").await.unwrap();
    let there = connect(&conninfo(&cluster, "postgres", &named("db"))).await;
    let value = literal("value");
    let objects = format!(
        "CREATE SCHEMA {schema} AUTHORIZATION {role}; SET search_path = {schema};
         CREATE TABLE {base} (id int PRIMARY KEY, ejecutivo_id text, ejecutivo_nombre text, {column} text, {label} text);
         INSERT INTO {base} SELECT n, 'e' || n % 3, {value} || n % 3, {value} || n % 2, {value} FROM generate_series(1, 30) AS n;
         CREATE MATERIALIZED VIEW {view} AS SELECT id, ejecutivo_id, ejecutivo_nombre, {column}, {label} FROM {base};
         CREATE UNIQUE INDEX {} ON {view} (id);
         CREATE MATERIALIZED VIEW {} AS SELECT id, {column} FROM {base};
         UPDATE {base} SET ejecutivo_id = 'e0', ejecutivo_nombre = {value} || 0 WHERE id IN (1, 4, 7);
         UPDATE {base} SET {label} = {} WHERE id = 10; DELETE FROM {base} WHERE id = 13;
         ALTER TABLE {base} OWNER TO {role}; ALTER MATERIALIZED VIEW {view} OWNER TO {role}; RESET search_path",
        ident("index"), ident("other"), literal("changed"),
    );
    for client in [&admin, &there] {
        client.batch_execute(&objects).await.unwrap();
    }
    let command = format!("/* {} */ REFRESH MATERIALIZED VIEW {schema}.{view}", named("command"));
    let jobs = format!(
        "GRANT USAGE ON SCHEMA cron TO {role}; SET SESSION AUTHORIZATION {role};
         SELECT cron.schedule({}, '0 0 1 1 *', $command${command}$command$); RESET SESSION AUTHORIZATION;
         SELECT cron.schedule_in_database({}, '0 0 1 1 *', $command${command}$command$, {}, {});
         INSERT INTO cron.job_run_details (runid, jobid, database, username, command, status, return_message, start_time, end_time)
         SELECT jobid, jobid, database, username, command, 'failed', {}, now() - interval '5 minutes', now() - interval '4 minutes' FROM cron.job",
        literal("job"), literal("elsewhere"), literal("db"), literal("role"), literal("ERROR:  message"),
    );
    admin.batch_execute(&jobs).await.unwrap();
    cluster
}

/// A configuration with such names, too.
fn configuration(folder: &Path) -> String {
    let file = folder.join("mvtop.toml");
    let [view, column] = [format!("{}.{}", named("schema"), named("mv")), named("column")];
    let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f");
    let text = format!(
        "[views.{}]\ngroups = [\"ejecutivo_id\", {}]\n[views.{}]\nlimit = \"1h\"\n",
        quoted(&view),
        quoted(&column),
        quoted(&named("nowhere"))
    );
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_command_prints_obeys_a_name_and_json_has_the_exact_one() {
    let (cluster, state) = (planted().await, tempfile::tempdir().unwrap());
    let config = configuration(state.path());
    let view = format!("{}.{}", named("schema"), named("mv"));
    for database in ["crm".to_string(), named("db")] {
        let at = conninfo(&cluster, "postgres", &database);
        let poor = conninfo(&cluster, &named("poor"), &database);
        let run = |args: &[&str]| -> Output {
            mvtop(state.path(), &[args, &["--config", &config]].concat()).output().unwrap()
        };
        let mut all = String::new();
        for args in [
            &["check", &at][..],
            &["check", &poor],
            &["check", &at, "--view", &named("none")],
            &["check", &at, "--json"],
            &["verify", &at, "--view", &view],
            &["verify", &at, "--view", &view, "--json"],
            &["verify", &at, "--view", "none"],
            &["verify", &at],
            &["fix", &at, "--view", &view],
            &["fix", "cron", &at, "--view", &view, "--yes"],
            &["fix", "pause", &at, "--view", &view, "--yes"],
            &["fix", "index", &at, "--view", &view, "--undo", "--yes"],
            &["fix", "refresh", &poor, "--view", &view],
            &["fix", &at],
            &["fix", "cron", &at, "--undo", "--view", &view, "--yes"],
            &["init", &at, "--print"],
            &["check", &conninfo(&cluster, &named("nobody"), &database)],
            &["config", &at],
        ] {
            let said = said(&run(args));
            must_be_clean(&format!("{:?}", &args[..args.len().min(2)]), &said);
            all += &said;
        }
        assert!(all.matches(SHOWN).count() > 20, "names are shown: {all}");
        let json: Value = serde_json::from_slice(&run(&["check", &at, "--json"]).stdout).unwrap();
        let exact = json["views"].as_array().unwrap().iter().find(|v| v["view"] == view.as_str());
        let exact = exact.unwrap_or_else(|| panic!("{json:#}"));
        assert_eq!(json["server"]["database"], database.as_str());
        assert!(
            exact["drift"]["groups"].to_string().contains(&serde_json::to_string(&named("value")).unwrap()[1..20]),
            "{exact:#}"
        );
        // What is copied from a pipe is exact.
        let sql = run(&["fix", "refresh", &at, "--view", &view, "--dry-run"]);
        assert!(
            String::from_utf8_lossy(&sql.stdout).contains(&format!("{}.{}", ident("schema"), ident("mv"))),
            "{}",
            said(&sql)
        );
    }
    let log = fs::read_to_string(state.path().join("mvtop/actions.jsonl")).unwrap();
    must_be_clean("the log of changes", &log);
}

/// A terminal with the program in it.
fn terminal(state: &Path, args: &[&str]) -> Pty {
    let mut command = CommandBuilder::new(MVTOP);
    command.args(args);
    for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, state);
    }
    for name in ["DATABASE_URL", "MVTOP_LOG", "MVTOP_CONFIG"] {
        command.env_remove(name);
    }
    Pty::open(command, (140, 50))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_and_no_terminal_obeys_a_name() {
    let (cluster, state) = (planted().await, tempfile::tempdir().unwrap());
    let config = configuration(state.path());
    let view = format!("{}.{}", named("schema"), named("mv"));
    let esc = "\u{1b}";
    for database in ["crm".to_string(), named("db")] {
        let at = conninfo(&cluster, "postgres", &database);
        let mut pty = terminal(state.path(), &[&at, "--config", &config]);
        let title = format!("mv{SHOWN}");
        pty.wait("the comparison", |pty| pty.shows("compared") && pty.shows(&title));
        pty.press("2z", "the pane alone", |pty| !pty.shows("1 Views"));
        must_be_clean("the cron pane", &pty.text());
        pty.press("z", "the panes", |pty| pty.shows("1 Views") && pty.shows("⏎ run"));
        for (keys, opens) in [
            ("\r", "╭ Run "),
            ("e", "╭ Schedule of job<U+"),
            ("x", "╭ Remove the job job<U+"),
            ("p", "╭ Pause the job job<U+"),
            ("n", "╭ Run job<U+"),
            ("1o", "╭ Count schema<U+"),
            ("r", "╭ Refresh schema<U+"),
            ("L", "╭ What was changed"),
            ("?", "╭ Keys and signs"),
            ("3w", "As administrador"),
            ("3ww", "As ejecutivo value<U+"),
            ("3\r", "view/live"),
            ("f", "What can be done"),
            ("f\r", "Way back"),
            ("fj\r", "Way back"),
        ] {
            // The job of the other database is shown, but is none of the view's.
            if database != "crm" && ["e", "x", "p", "n"].contains(&keys) {
                continue;
            }
            pty.press(keys, opens, |pty| pty.shows(opens));
            must_be_clean(&format!("{keys:?}"), &pty.text());
            assert!(pty.shows("<U+"), "{keys:?} shows a name:\n{}", pty.text());
            for _ in 0..4 {
                if !pty.shows("1 Views") || pty.shows(opens) {
                    let before = pty.written();
                    pty.press(esc, "a step back", |pty| pty.written() > before);
                }
            }
            pty.wait("the panes", |pty| pty.shows("1 Views") && !pty.shows(opens));
        }
        pty.send("q");
        pty.exit();
        must_be_clean("the console", &without_titles(&pty.raw()));
        for args in [
            &["fix", "cron", &at, "--view", &view, "--dry-run"][..],
            &["verify", &at, "--view", &view],
            &["grants", &at],
            &["check", &at],
            &["fix", &at, "--view", &view],
        ] {
            let mut pty = terminal(state.path(), &[args, &["--config", &config]].concat());
            pty.exit();
            pty.wait("a name", |pty| pty.raw().contains(SHOWN));
            // SQL is shown line by line, as it is: its own line ends stay.
            assert!(raw(&pty.raw()).is_none(), "{:?}: {}", &args[..2], raw(&pty.raw()).unwrap());
        }
    }
}
