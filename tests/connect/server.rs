//! A private PostgreSQL server for a test, stopped and removed when the last user lets go of it.
#![allow(dead_code)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mvtop::pg::conninfo::{Environment, Target};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

/// The password of `owner` and of every other user that has one.
pub const PASSWORD: &str = "s3cret:of\\owner";

/// Which users may come in how.
const HBA: &str = "\
local     all trusted    trust
local     all all        scram-sha-256
hostssl   all certuser   127.0.0.1/32 cert
hostssl   all tlsonly    127.0.0.1/32 scram-sha-256
hostnossl all plainonly  127.0.0.1/32 scram-sha-256
host      all md5user    127.0.0.1/32 md5
host      all cleartext  127.0.0.1/32 password
host      all trusted    127.0.0.1/32 trust
hostssl   all plainonly  127.0.0.1/32 reject
hostnossl all tlsonly    127.0.0.1/32 reject
hostnossl all certuser   127.0.0.1/32 reject
host      all all        127.0.0.1/32 scram-sha-256
";

pub struct Cluster {
    child: Child,
    pub dir: tempfile::TempDir,
    pub port: u16,
}

/// The account a server can run under: not root.
fn account() -> Option<User> {
    geteuid().is_root().then(|| User::from_name("postgres").unwrap().expect("a user postgres to run the server"))
}

pub fn binary(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path()).collect();
    versions.sort();
    versions.pop().map_or_else(|| PathBuf::from(name), |version| version.join("bin").join(name))
}

fn command(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").env("LC_ALL", "C.UTF-8");
    if let Some(account) = account() {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// Makes a file or folder the server's own.
fn own(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if let Some(account) = account() {
        chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw())).unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

impl Cluster {
    /// A server on a Unix socket and on 127.0.0.1; with TLS if `certificate` writes server.crt and server.key.
    pub fn start(certificate: impl FnOnce(&Path) -> bool) -> Cluster {
        let dir = tempfile::Builder::new().prefix("pgc").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["data", "run"] {
            fs::create_dir(at(name)).unwrap();
            own(&at(name), if name == "data" { 0o700 } else { 0o755 });
        }
        fs::write(at("pw"), PASSWORD).unwrap();
        own(&at("pw"), 0o600);
        let made = command("initdb")
            .args(["--no-sync", "--username=owner", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--pwfile")
            .arg(at("pw"))
            .arg("--pgdata")
            .arg(at("data"))
            .status();
        assert!(made.unwrap().success(), "initdb");
        fs::write(at("data/pg_hba.conf"), HBA).unwrap();
        let tls = certificate(dir.path());
        let mut settings = "listen_addresses='127.0.0.1'\nfsync=off\nmax_connections=60\n".to_owned();
        if tls {
            own(&at("server.crt"), 0o644);
            own(&at("server.key"), 0o600);
            let path = dir.path().display();
            settings += &format!("ssl=on\nssl_cert_file='{path}/server.crt'\nssl_key_file='{path}/server.key'\n");
            settings += &format!("ssl_ca_file='{path}/ca.crt'\n");
        }
        fs::write(at("data/postgresql.auto.conf"), settings).unwrap();
        let port = free_port();
        let child = command("postgres")
            .arg("-D")
            .arg(at("data"))
            .arg("-k")
            .arg(at("run"))
            .args(["-p", &port.to_string()])
            .spawn()
            .unwrap();
        let cluster = Cluster { child, dir, port };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut psql = self.psql_as_owner("select 1");
        while !psql.output().unwrap().status.success() {
            assert!(Instant::now() < deadline, "the server did not come up");
            std::thread::yield_now();
        }
        let mut sql = String::new();
        for user in ["trusted", "certuser", "tlsonly", "plainonly", "cleartext"] {
            sql += &format!("create role {user} login password '{PASSWORD}';");
        }
        sql += "set password_encryption = md5; create role md5user login password 'old-password';";
        assert!(self.psql_as_owner(&sql).status().unwrap().success());
        for name in ["crm", "with space"] {
            assert!(self.psql_as_owner(&format!("create database \"{name}\"")).status().unwrap().success());
        }
    }

    fn psql_as_owner(&self, sql: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.env_clear().env("PGPASSWORD", PASSWORD).env("PATH", std::env::var("PATH").unwrap_or_default());
        psql.args(["-X", "-w", "-q", "-v", "ON_ERROR_STOP=1", "-U", "owner", "-d", "postgres", "-c", sql]);
        psql.args(["-h", &self.socket(), "-p", &self.port.to_string()]);
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        psql
    }

    pub fn socket(&self) -> String {
        self.file("run")
    }

    pub fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT);
        let _ = self.child.wait();
    }
}

/// Runs openssl in a folder.
pub fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(dir).args(arguments.split_whitespace()).output();
    let output = output.expect("openssl, to make a private authority");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What both programs are asked once connected.
const WHERE_AM_I: &str = "select current_user, current_database(), coalesce(host(inet_server_addr()), 'socket'), \
     current_setting('port'), current_setting('application_name'), current_setting('work_mem'), \
     (select ssl from pg_stat_ssl where pid = pg_backend_pid())";

/// The surroundings of one comparison: variables, and a home folder.
pub struct Surroundings<'a> {
    pub home: &'a Path,
    pub variables: &'a [(&'a str, &'a str)],
}

/// Where psql gets with these words, or what it complains of.
pub fn psql(words: &str, surroundings: &Surroundings<'_>) -> Result<String, String> {
    let mut psql = Command::new("psql");
    psql.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("HOME", surroundings.home);
    psql.envs(surroundings.variables.iter().copied()).args(["-X", "-A", "-t", "-w", "-c", WHERE_AM_I, words]);
    let output = psql.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Where we get with the same words.
pub async fn ours(words: &str, surroundings: &Surroundings<'_>) -> Result<String, String> {
    // psql too takes its default user from the system's account.
    let user = User::from_uid(geteuid()).unwrap().unwrap().name;
    let mut environment = Environment::empty().home(surroundings.home).user(&user);
    for (name, value) in surroundings.variables {
        environment = environment.variable(name, value);
    }
    let target = Target::resolve(Some(words), &[], &environment).map_err(|error| error.to_string())?;
    let (client, driver) = target.connect(None, "psql").await.map_err(|error| error.to_string())?;
    let encrypted = driver.is_encrypted();
    let driving = tokio::spawn(driver);
    let answer = client.simple_query(WHERE_AM_I).await.map_err(|error| error.to_string())?;
    drop(client);
    driving.await.unwrap().unwrap();
    let row = answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.unwrap();
    let columns: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect();
    assert_eq!(
        columns.last(),
        Some(&if encrypted { "t" } else { "f" }),
        "is_encrypted() must say what the server says"
    );
    Ok(columns.join("|"))
}

/// Asserts that psql and we reach the same place or both refuse, and says which.
pub async fn agree(words: &str, surroundings: &Surroundings<'_>) -> Result<String, String> {
    let (theirs, ours) = (psql(words, surroundings), ours(words, surroundings).await);
    match (&theirs, &ours) {
        (Ok(theirs), Ok(ours)) => assert_eq!(theirs, ours, "{words}"),
        (Err(_), Err(_)) => {}
        _ => panic!("they disagree on {words}\npsql: {theirs:?}\nours: {ours:?}"),
    }
    ours
}
