//! The same words, files and variables on a real server, side by side with psql.

use super::*;

/// The server that the tests of this file share while any of them runs.
fn cluster() -> Arc<Cluster> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(Cluster::start(|_| false));
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn we_reach_what_psql_reaches() {
    let cluster = cluster();
    let home = tempfile::tempdir().unwrap();
    let (port, socket) = (cluster.port, cluster.socket());
    let (bare, uri) = (PASSWORD.replace('\\', "\\\\"), percent(PASSWORD));
    let tcp = format!("host=127.0.0.1 port={port} user=owner password={bare}");
    let dead = crate::server::binary("nothing").display().to_string();
    let accepted = [
        format!("{tcp} dbname=crm"),
        format!("{tcp} dbname='with space' application_name='it\\'s me'"),
        format!("{tcp} dbname=crm options='-c work_mem=7MB -c search_path=a'"),
        format!("{tcp} dbname=crm options=-cwork_mem=9MB target_session_attrs=primary"),
        format!("{tcp} dbname=crm target_session_attrs=read-write"),
        format!("{tcp} dbname=crm target_session_attrs=prefer-standby"),
        format!("{tcp} dbname=crm sslmode=allow gssencmode=disable"),
        format!("host=localhost hostaddr=127.0.0.1 port={port} user=owner password='{bare}' dbname=crm"),
        format!("host={socket} port={port} user=owner password={bare} dbname=crm"),
        format!("host={socket} port={port} user=trusted dbname=crm sslmode=verify-full"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm"),
        format!("host=127.0.0.1 port={port} user=md5user password=old-password dbname=crm"),
        format!("host=127.0.0.1 port={port} user=cleartext password={bare} dbname=crm"),
        format!("host=127.0.0.1 port={port} user=plainonly password={bare} dbname=crm"),
        format!("postgres://owner:{uri}@127.0.0.1:{port}/crm"),
        format!("postgres://owner:{uri}@127.0.0.1:{port}/with%20space?application_name=a%26b"),
        format!("postgresql://owner:{uri}@{}:{port}/crm", percent(&socket)),
        format!("postgres:///crm?host={socket}&port={port}&user=trusted"),
        format!("postgres://trusted@127.0.0.1:1,127.0.0.1:{port}/crm"),
        format!("host={dead},127.0.0.1 port={port} user=trusted dbname=crm"),
    ];
    for words in accepted {
        let surroundings = Surroundings { home: home.path(), variables: &[] };
        assert!(agree(&words, &surroundings).await.is_ok(), "both refuse {words}");
    }
}

#[tokio::test]
async fn we_refuse_what_psql_refuses() {
    let cluster = cluster();
    let home = tempfile::tempdir().unwrap();
    let (port, socket) = (cluster.port, cluster.socket());
    for words in [
        format!("host=127.0.0.1 port={port} user=owner password=wrong dbname=crm"),
        format!("host=127.0.0.1 port={port} user=owner dbname=crm"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=nowhere"),
        format!("host=127.0.0.1 port={port} user=nobody dbname=crm"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm sslmode=require"),
        format!("host=127.0.0.1 port={port} user=tlsonly password=x dbname=crm"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm target_session_attrs=standby"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm target_session_attrs=read-only"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm channel_binding=require"),
        format!("host=127.0.0.1,{socket} port={port} user=owner password=wrong dbname=crm"),
        format!("host={socket} port={port} user=trusted dbname=crm requirepeer=nobody-at-all"),
        "host=127.0.0.1 port=1 user=trusted dbname=crm".to_owned(),
        "host=name.invalid user=trusted dbname=crm".to_owned(),
        format!("postgres://trusted@127.0.0.1:{port}/crm?pgbouncer=true"),
        format!("postgres://trusted@127.0.0.1:{port}/crm%zz"),
        format!("host=127.0.0.1 port={port} user=trusted dbname=crm sslmode=required"),
    ] {
        let surroundings = Surroundings { home: home.path(), variables: &[] };
        assert!(agree(&words, &surroundings).await.is_err(), "both take {words}");
    }
}

#[tokio::test]
async fn files_and_variables_mean_what_they_mean_to_psql() {
    let cluster = cluster();
    let home = tempfile::tempdir().unwrap();
    let port = cluster.port.to_string();
    let escaped = PASSWORD.replace('\\', "\\\\").replace(':', "\\:");
    let line = format!("127.0.0.1:{port}:crm:owner:{escaped}\n");
    write(&home.path().join(".pg_service.conf"), &format!("[crm]\nhost=127.0.0.1\nport={port}\ndbname=crm\n"), 0o644);
    write(&home.path().join(".pgpass"), &format!("127.0.0.1:1:*:*:no\n{line}"), 0o600);
    let variables = [("PGHOST", "127.0.0.1"), ("PGPORT", port.as_str()), ("PGUSER", "owner"), ("PGDATABASE", "crm")];
    let with = |more: &[(&'static str, &'static str)]| [variables.as_slice(), more].concat();
    for (words, variables, fine) in [
        ("", with(&[]), true),
        ("", with(&[("PGAPPNAME", "named")]), true),
        ("", with(&[("PGOPTIONS", "-c work_mem=5MB")]), true),
        ("", with(&[("PGPASSWORD", "wrong")]), false),
        ("", with(&[("PGPASSWORD", "")]), true),
        ("dbname=postgres", with(&[]), false),
        ("service=crm", vec![("PGUSER", "owner")], true),
        ("user=owner", vec![("PGSERVICE", "crm")], true),
        ("service=nothing", with(&[]), false),
        ("", with(&[("PGPASSFILE", "/nowhere")]), false),
        ("passfile=/nowhere", with(&[]), false),
        ("", with(&[("PGSSLMODE", "require")]), false),
        ("", with(&[("PGTARGETSESSIONATTRS", "standby")]), false),
    ] {
        let outcome = agree(words, &Surroundings { home: home.path(), variables: &variables }).await;
        assert_eq!(outcome.is_ok(), fine, "{words} {variables:?}: {outcome:?}");
    }
    write(&home.path().join(".pgpass"), &line, 0o640);
    let outcome = agree("", &Surroundings { home: home.path(), variables: &variables }).await;
    assert!(outcome.unwrap_err().contains("asks for a password"), "a password file that others read is no use");
}

/// Connects and gives the error.
async fn failure(words: &str) -> mvtop::pg::connect::ConnectError {
    resolve(words, &plain()).unwrap().connect(None, "test").await.expect_err("should fail")
}

#[tokio::test]
async fn errors_say_what_where_why_and_what_to_try() {
    let cluster = cluster();
    let port = cluster.port;
    let base = format!("host=127.0.0.1 port={port} dbname=crm");
    let missing = failure(&format!("{base} user=owner")).await;
    assert!(missing.needs_password() && missing.to_string().contains(&format!("127.0.0.1:{port}")), "{missing}");
    let wrong = failure(&format!("{base} user=owner password=hunter2")).await;
    assert!(wrong.needs_password() && wrong.sqlstate() == Some("28P01"), "{wrong}");
    assert!(!format!("{wrong} {wrong:?}").contains("hunter2"), "{wrong:?}");
    let no_database = failure(&format!("host=127.0.0.1 port={port} user=trusted dbname=nowhere")).await;
    assert_eq!(no_database.sqlstate(), Some("3D000"));
    assert!(!no_database.needs_password() && no_database.to_string().contains("\"nowhere\""), "{no_database}");
    let dead = failure("host=127.0.0.1 port=1 user=u").await;
    assert!(dead.to_string().contains("127.0.0.1:1") && dead.to_string().contains("refused"), "{dead}");
    let both = failure("host=127.0.0.1,/nowhere port=1 user=u").await;
    assert!(both.to_string().contains("127.0.0.1:1") && both.to_string().contains("/nowhere:1"), "{both}");
    let name = failure("host=name.invalid user=u").await;
    assert!(name.to_string().contains("name.invalid:5432") && name.to_string().contains("looked up"), "{name}");
}

#[tokio::test]
async fn a_refused_password_from_the_file_names_the_file() {
    let cluster = cluster();
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join(".pgpass"), "*:*:*:*:wrong\n", 0o600);
    let words = format!("host=127.0.0.1 port={} user=owner dbname=crm", cluster.port);
    let target = resolve(&words, &plain().home(home.path())).unwrap();
    let error = target.connect(None, "test").await.unwrap_err();
    assert!(error.to_string().contains(".pgpass"), "{error}");
    let typed = target.with_password(PASSWORD.to_owned()).connect(None, "test").await;
    assert!(typed.is_ok());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = std::time::Instant::now();
    let error = failure(&format!("host=127.0.0.1 port={port} user=u connect_timeout=2")).await;
    assert!(error.to_string().contains("no answer within 2s"), "{error}");
    assert!(started.elapsed().as_secs() < 8);
}

#[tokio::test]
async fn the_owner_of_a_socket_is_checked_when_asked() {
    let cluster = cluster();
    let owner = if nix::unistd::geteuid().is_root() {
        "postgres".to_owned()
    } else {
        nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name
    };
    let base = format!("host={} port={} user=trusted dbname=crm", cluster.socket(), cluster.port);
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings { home: home.path(), variables: &[] };
    assert!(agree(&format!("{base} requirepeer={owner}"), &surroundings).await.is_ok());
    assert!(agree(&format!("{base} requirepeer=daemon"), &surroundings).await.unwrap_err().contains("requirepeer"));
}

#[tokio::test]
async fn the_programs_options_come_after_the_users() {
    let cluster = cluster();
    let words = format!(
        "host=127.0.0.1 port={} user=trusted dbname=crm options='-c work_mem=7MB -c statement_timeout=1'",
        cluster.port
    );
    let target = resolve(&words, &plain()).unwrap();
    let (client, driver) = target.connect(Some("-c statement_timeout=5000"), "mvtop probe").await.unwrap();
    let driving = tokio::spawn(driver);
    let sql = "select concat_ws(' ', current_setting('work_mem'), current_setting('statement_timeout'), \
               current_setting('application_name'))";
    let rows = client.query_typed(sql, &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, &str>(0), "7MB 5s mvtop probe");
    drop(client);
    driving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_query_can_be_cancelled() {
    let cluster = cluster();
    let words = format!("host=127.0.0.1 port={} user=trusted dbname=crm sslmode=disable", cluster.port);
    let (client, driver) = resolve(&words, &plain()).unwrap().connect(None, "test").await.unwrap();
    tokio::spawn(driver);
    let token = client.cancel_token();
    // A cancel that comes before the query does nothing, so keep asking until the query ends.
    let query = client.batch_execute("select pg_sleep(60)");
    tokio::pin!(query);
    let error = loop {
        tokio::select! {
            outcome = &mut query => break outcome.unwrap_err(),
            cancelled = token.cancel_query(tokio_postgres::NoTls) => cancelled.unwrap(),
        }
    };
    assert_eq!(error.code().map(|code| code.code()), Some("57014"));
}

#[tokio::test]
async fn an_unwritten_at_sign_in_a_uri_is_refused_where_psql_would_show_a_piece_of_the_password() {
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings { home: home.path(), variables: &[] };
    let words = "postgres://u:pa@hunter2@name.invalid/d";
    assert!(crate::server::psql(words, &surroundings).unwrap_err().contains("hunter2"));
    assert!(!ours(words, &surroundings).await.unwrap_err().contains("hunter2"));
}
