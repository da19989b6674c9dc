//! The imitation of Supabase, and a pooler in transaction mode that drops `options` without a word.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use crate::harness::{House, Session, until};

/// The bootstrap superuser gets the name that it has there, so that `postgres` is free for the project's role.
const RENAMED: &str = "ALTER ROLE postgres RENAME TO supabase_admin";

/// Starts it: its superuser is `supabase_admin`, the views belong to `postgres`, and `oncall` reads and watches.
pub fn house() -> House {
    let settings = [("cron.database_name", "postgres"), ("statement_timeout", "120000")];
    let house = House::start(&settings, ["postgres", "supabase_admin", "postgres", "oncall"]);
    house.run_as("postgres", "CREATE ROLE builder SUPERUSER LOGIN");
    house.run_as("builder", RENAMED);
    house.run("DROP ROLE builder");
    house.run(include_str!("supabase.sql"));
    house
}

/// A pgbouncer in transaction mode. Server connections change hands between transactions, and start-up options are dropped in
/// silence, as Supabase's newer pooler does.
pub struct Pooler {
    child: Child,
    dir: tempfile::TempDir,
}

const PORT: u16 = 6432;

impl Pooler {
    /// Before a server, with so many server connections for each role, for these roles.
    pub fn before(house: &House, size: u32, users: &[&str]) -> Pooler {
        let dir = folder();
        let at = dir.path().display();
        let direct = house.conninfo(house.superuser);
        let host = direct.split_whitespace().find_map(|word| word.strip_prefix("host=")).unwrap();
        let settings = format!(
            "[databases]\n* = host={host} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {at}\nauth_type = trust\nauth_file = {at}/users\npool_mode = transaction\n\
             default_pool_size = {size}\nserver_reset_query =\nignore_startup_parameters = options\n"
        );
        std::fs::write(dir.path().join("ini"), settings).unwrap();
        let users: String = users.iter().map(|user| format!("\"{user}\" \"\"\n")).collect();
        std::fs::write(dir.path().join("users"), users.clone()).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut pgbouncer = unprivileged("/usr/bin/env", dir.path());
        pgbouncer.env("PATH", path).args(["pgbouncer", "ini"]);
        let child = pgbouncer.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let pooler = Pooler { child, dir };
        let user = users.split('"').nth(1).unwrap();
        until("pgbouncer takes connections (package pgbouncer)", || {
            Session::try_open(&pooler.conninfo(user, house.database)).is_ok()
        });
        pooler
    }

    /// A connection string through it.
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!("host={} port={PORT} user={user} dbname={database}", self.dir.path().display())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// A program run by the account that runs the servers: pgbouncer does not run as root.
fn unprivileged(program: impl AsRef<Path>, dir: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program.as_ref());
    command.current_dir(dir).env("LC_ALL", "C");
    if geteuid().is_root() {
        let account = User::from_name("postgres").unwrap().expect("an account that runs servers");
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// A folder that that account may use.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("mvp").tempdir_in("/tmp").unwrap();
    if geteuid().is_root() {
        let account = User::from_name("postgres").unwrap().expect("an account that runs servers");
        std::os::unix::fs::chown(folder.path(), Some(account.uid.as_raw()), Some(account.gid.as_raw())).unwrap();
    }
    folder
}

#[test]
fn the_imitation_has_supabases_roles_and_its_pooler_drops_options_in_silence() {
    let house = house();
    let is_superuser = |role| house.value(&format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{role}'"));
    assert_eq!([is_superuser("supabase_admin"), is_superuser("postgres")], ["t", "f"]);
    assert_eq!(house.value("SELECT has_table_privilege('anon', 'mv_simple', 'INSERT')"), "t", "default privileges");
    let pooler = Pooler::before(&house, 2, &["postgres"]);
    let through = pooler.conninfo("postgres", house.database);
    let through = Session::open(&format!("{through} options='-c search_path=pg_catalog'"));
    assert_eq!(through.rows("SHOW search_path"), [["\"$user\", public, extensions"]]);
}
