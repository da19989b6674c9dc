//! A refresh that cannot be, or that is stopped on its way: who or what is in the way is said, and nothing is harmed.

use mvtop::demo::cluster::{Cluster, ClusterOptions, DATABASE, SUPERUSER};
use tokio::runtime::Runtime;

use crate::pty::Pty;
use crate::stage::{Folder, LARGE, Session, Stage, VIEW, runtime, until};

#[test]
fn a_lock_that_is_in_the_way_is_told_with_its_holder() {
    let stage = Stage::new();
    let mut pty = stage.console(LARGE);
    pty.see("changed 203");
    let other = stage.session();
    let holder = format!("postgres (somebody else, pid {})", other.pid());

    other.run(&format!("BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}"));
    pty.see("✖ running");
    pty.send("r");
    pty.see(&format!("K first: {holder} refreshed {VIEW} and did not commit"));
    assert!(!pty.shows("▸ Cancel") && !pty.shows("r refresh"), "{}", pty.state());
    other.run("ROLLBACK");
    pty.see("r refresh");

    // ANALYZE's lock is not a refresh's: it is in the way all the same.
    pty.send("r");
    pty.see_lit();
    other.run(&format!("BEGIN; ANALYZE {VIEW}"));
    pty.send("y");
    pty.see("waiting for postgres (somebody else");
    pty.wait("who held the lock", |pty| {
        pty.line("was not free within 3s").is_some_and(|line| line.contains(&format!("{holder} holds it")))
    });
    other.run("ROLLBACK");

    // One that comes between the dialog and its confirmation: seen by then, or run into.
    pty.send("r");
    pty.see_lit();
    other.run(&format!("BEGIN; REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}"));
    pty.send("y");
    pty.wait("who refreshes it", |pty| {
        let said = pty.text();
        said.contains(&format!("K first: {holder} refreshed {VIEW}")) || said.contains(&format!("{holder} holds it"))
    });
    other.run("ROLLBACK");
}

/// A server of its own with a view whose refresh takes a minute, but only when the console does it.
struct Slow {
    cluster: Cluster,
    runtime: Runtime,
    folder: Folder,
}

const SLOW: &str = "CREATE TABLE t AS SELECT n AS id, 'n' || n AS name FROM generate_series(1, 3) n;
    CREATE FUNCTION slow(id int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('application_name') = 'mvtop action' THEN PERFORM pg_sleep(20); END IF;
      RETURN id; END $$;
    CREATE MATERIALIZED VIEW slow_view AS SELECT slow(id) AS id, name FROM t;
    CREATE UNIQUE INDEX ON slow_view (id);
    UPDATE t SET name = 'new'";

impl Slow {
    fn new(sql: &str) -> Slow {
        let slow = Slow {
            cluster: Cluster::start(&ClusterOptions::default()).unwrap(),
            runtime: runtime(),
            folder: Folder::new(),
        };
        slow.session().run(sql);
        slow
    }

    fn conninfo(&self, user: &str) -> String {
        self.cluster.conninfo_for(user, DATABASE)
    }

    fn session(&self) -> Session<'_> {
        Session::open(&self.runtime, &self.conninfo(SUPERUSER))
    }

    fn console(&self, user: &str, args: &[&str]) -> Pty {
        self.folder.open(&[&[&*self.conninfo(user)], args].concat(), LARGE)
    }

    /// A refresh by the console is under way.
    fn refreshing(&self) -> Pty {
        let mut pty = self.console(SUPERUSER, &[]);
        pty.see("changed 3");
        pty.confirm("r");
        pty.wait("a refresh that can be cancelled", |pty| pty.shows("c cancels it") && pty.shows(" c cancel "));
        self.must_be_under_way();
        pty
    }

    /// The server is at it, past its first statements.
    fn must_be_under_way(&self) {
        let session = self.session();
        until("the refresh runs", || if refreshes(&session) == "1" { Ok(()) } else { Err("none runs".to_owned()) });
    }

    /// The refresh is over for the server too, and the view is as it was.
    fn must_be_cancelled(&self) {
        let session = self.session();
        until("the refresh is cancelled", || match refreshes(&session) {
            none if none == "0" => Ok(()),
            some => Err(format!("{some} run")),
        });
        assert_eq!(session.value("SELECT count(*) FROM slow_view WHERE name <> 'new'"), "3");
    }
}

/// How many run.
fn refreshes(session: &Session<'_>) -> String {
    session.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'REFRESH%' AND state = 'active'")
}

#[test]
fn a_long_refresh_is_cancelled_with_c_and_the_view_stays_as_it_was() {
    let slow = Slow::new(SLOW);
    let mut pty = slow.refreshing();
    pty.send("c");
    pty.wait("that it was cancelled", |pty| {
        pty.line("was cancelled after ").is_some_and(|line| line.contains("the view is as it was."))
    });
    slow.must_be_cancelled();
    pty.send("r");
    pty.see("▸ Cancel");
}

#[test]
fn leaving_during_a_refresh_asks_and_cancels_it() {
    let slow = Slow::new(SLOW);
    let mut pty = slow.refreshing();
    pty.send("q");
    pty.see("Leave while a refresh runs?");
    pty.see("▸ Cancel");
    pty.send("\r");
    pty.wait("that it goes on", |pty| !pty.shows("Leave while") && pty.shows("Refreshing slow_view for "));
    pty.confirm("q");
    assert_eq!(pty.exit(), (0, None));
    slow.must_be_cancelled();
}

#[test]
fn ctrl_c_in_a_dialog_and_a_signal_cancel_a_refresh_too() {
    let slow = Slow::new(SLOW);
    let mut pty = slow.refreshing();
    pty.send("?");
    pty.see("leave; a refresh that still runs is cancelled");
    pty.send("\x03");
    assert_eq!(pty.exit(), (0, None));
    slow.must_be_cancelled();
    let mut pty = slow.refreshing();
    pty.signal("TERM");
    assert_eq!(pty.exit(), (143, None));
    slow.must_be_cancelled();
}

const PLAIN: &str = "CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 5) n;
    CREATE MATERIALIZED VIEW plain AS SELECT id FROM t;
    CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
    INSERT INTO t VALUES (6)";

#[test]
fn a_view_without_a_unique_index_is_offered_a_plain_refresh_with_its_warning() {
    let slow = Slow::new(PLAIN);
    let mut pty = slow.console(SUPERUSER, &[]);
    pty.see("missing 1");
    pty.send("r");
    pty.see("REFRESH MATERIALIZED VIEW \"public\".\"plain\";");
    pty.see("every reader waits until it ends");
    pty.see("needs a unique index");
    pty.see_lit();
    pty.send("y");
    pty.see("1 row was wrong, now none of 6 is.");
    assert_eq!(slow.session().value("SELECT count(*) FROM plain"), "6");
}

#[test]
fn who_may_not_refresh_is_told_which_right_is_missing() {
    let slow = Slow::new(PLAIN);
    let mut pty = slow.console("reader", &[]);
    pty.see("missing 1");
    assert!(!pty.shows("r refresh"), "{}", pty.state());
    pty.send("r");
    pty.see("reader may not refresh plain: it needs ");
    assert!(!pty.shows("▸ Cancel"));

    let mut pty = slow.console(SUPERUSER, &["--read-only"]);
    pty.see("missing 1");
    assert!(!pty.shows("r refresh") && pty.shows("read-only"), "{}", pty.state());
    pty.send("r");
    pty.see("read-only mode has no actions");
    assert!(!pty.shows("▸ Cancel"));
}

#[test]
fn a_view_that_was_never_filled_is_critical_and_can_be_filled() {
    let slow = Slow::new(
        "CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 5) n;
         CREATE MATERIALIZED VIEW empty AS SELECT id FROM t WITH NO DATA; CREATE UNIQUE INDEX ON empty (id)",
    );
    let mut pty = slow.console(SUPERUSER, &[]);
    pty.see("empty holds no data");
    pty.see("✖ CRITICAL");
    pty.send("r");
    pty.see("REFRESH MATERIALIZED VIEW \"public\".\"empty\";");
    pty.see("It was never populated");
    pty.see_lit();
    pty.send("y");
    pty.see("empty is true: all 5 rows match");
    pty.wait("the proof", |pty| pty.shows("now none of 5 is."));
}
