//! TLS against real servers with a private authority, side by side with psql.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use crate::server::{Cluster, PASSWORD, Surroundings, agree, openssl, ours};
use mvtop::pg::conninfo::{Environment, Target};

/// Makes an authority (`ca.crt`), a stranger (`stranger.crt`) and a client's certificate.
fn authority(dir: &Path) {
    openssl(
        dir,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.crt",
    );
    openssl(
        dir,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=stranger -keyout stranger.key -out stranger.crt",
    );
    request(dir, "certuser");
    openssl(dir, "x509 -req -in certuser.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out certuser.crt");
    // Named as a client but signed by nobody the server knows.
    request(dir, "impostor");
    openssl(
        dir,
        "x509 -req -in impostor.csr -CA stranger.crt -CAkey stranger.key -CAcreateserial -days 30 -out impostor.crt",
    );
    openssl(dir, "pkcs8 -topk8 -in certuser.key -passout pass:x -out encrypted.key");
    for key in ["certuser.key", "impostor.key", "encrypted.key"] {
        fs::set_permissions(dir.join(key), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn request(dir: &Path, name: &str) {
    openssl(
        dir,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ),
    );
}

/// A certificate as one makes them today: for the names db.test and *.wild.test, signed by the authority.
pub fn modern(dir: &Path) -> bool {
    authority(dir);
    request(dir, "server");
    fs::write(dir.join("names"), "subjectAltName=DNS:db.test,DNS:*.wild.test,IP:127.0.0.1\n").unwrap();
    openssl(
        dir,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.crt",
    );
    // A list in which the server's certificate is not, and one in which it is.
    fs::write(dir.join("index.txt"), "").unwrap();
    fs::write(dir.join("crlnumber"), "01\n").unwrap();
    let settings = "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\n\
                    default_crl_days=30\ncertificate=ca.crt\nprivate_key=ca.key\ncrl_extensions=extensions\n\
                    [extensions]\nauthorityKeyIdentifier=keyid\n";
    fs::write(dir.join("ca.cnf"), settings).unwrap();
    openssl(dir, "ca -config ca.cnf -gencrl -out empty.crl");
    openssl(dir, "ca -config ca.cnf -revoke server.crt");
    openssl(dir, "ca -config ca.cnf -gencrl -out revoked.crl");
    true
}

/// The certificate that PostgreSQL's manual makes: version 1, the host in the common name only.
fn manual(dir: &Path) -> bool {
    authority(dir);
    openssl(dir, "req -newkey rsa:2048 -nodes -subj /CN=db.test -keyout server.key -out server.csr");
    openssl(dir, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out server.crt");
    let text =
        std::process::Command::new("openssl").current_dir(dir).args(["x509", "-in", "server.crt", "-text"]).output();
    assert!(String::from_utf8_lossy(&text.unwrap().stdout).contains("Version: 1"), "openssl made another version");
    true
}

/// The manual's other certificate: self-signed, and itself given to the clients as the root.
fn self_signed(dir: &Path) -> bool {
    authority(dir);
    openssl(
        dir,
        "req -new -x509 -days 30 -nodes -newkey rsa:2048 -subj /CN=db.test -keyout server.key -out server.crt",
    );
    true
}

/// A certificate whose time is over.
fn expired(dir: &Path) -> bool {
    authority(dir);
    openssl(dir, "req -newkey rsa:2048 -nodes -subj /CN=db.test -keyout server.key -out server.csr");
    openssl(dir, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days -1 -out server.crt");
    true
}

pub struct Shared(Mutex<Weak<Cluster>>);

impl Shared {
    const fn new() -> Shared {
        Shared(Mutex::new(Weak::new()))
    }

    /// The server that tests share while any of them runs.
    pub fn get(&self, certificate: fn(&Path) -> bool) -> Arc<Cluster> {
        let mut shared = self.0.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(Cluster::start(certificate));
            *shared = Arc::downgrade(&cluster);
            cluster
        })
    }
}

pub static MODERN: Shared = Shared::new();
static MANUAL: Shared = Shared::new();

/// Words for a user who needs a password, reaching the server under a name of the test's choice.
fn words(cluster: &Cluster, host: &str, more: &str) -> String {
    let password = PASSWORD.replace('\\', "\\\\");
    let more = more.replace("DIR", &cluster.file(""));
    format!("host={host} hostaddr=127.0.0.1 port={} user=tlsonly password={password} dbname=crm {more}", cluster.port)
}

/// Asserts that psql and we both reach the server encrypted, or both refuse it, for each host and words.
async fn agree_on(cluster: &Cluster, cases: &[(&str, &str, bool)]) {
    let home = tempfile::tempdir().unwrap();
    for (host, more, accepted) in cases {
        let surroundings = Surroundings { home: home.path(), variables: &[] };
        let outcome = agree(&words(cluster, host, more), &surroundings).await;
        assert_eq!(outcome.is_ok(), *accepted, "{host} {more}: {outcome:?}");
        if let Ok(answer) = outcome {
            assert!(answer.ends_with("|t"), "{host} {more}: not encrypted: {answer}");
        }
    }
}

#[tokio::test]
async fn the_six_modes_check_what_psqls_check() {
    let cluster = MODERN.get(modern);
    agree_on(
        &cluster,
        &[
            ("db.test", "sslmode=disable", false),
            ("db.test", "sslmode=allow", true),
            ("db.test", "", true),
            ("db.test", "sslmode=prefer", true),
            ("db.test", "sslmode=require", true),
            ("other.test", "sslmode=require sslsni=0", true),
            ("db.test", "sslmode=verify-ca", false),
            ("db.test", "sslmode=verify-full", false),
            ("db.test", "sslmode=verify-ca sslrootcert=DIRca.crt", true),
            ("other.test", "sslmode=verify-ca sslrootcert=DIRca.crt", true),
            ("db.test", "sslmode=verify-ca sslrootcert=DIRstranger.crt", false),
            ("db.test", "sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("DB.Test", "sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("a.wild.test", "sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("a.b.wild.test", "sslmode=verify-full sslrootcert=DIRca.crt", false),
            ("127.0.0.1", "sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("other.test", "sslmode=verify-full sslrootcert=DIRca.crt", false),
            ("server", "sslmode=verify-full sslrootcert=DIRca.crt", false),
            ("db.test", "sslmode=verify-full sslrootcert=DIRnothing.crt", false),
            ("db.test", "sslmode=verify-full sslrootcert=DIRnames", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_root_certificate_makes_the_weaker_modes_check() {
    let cluster = MODERN.get(modern);
    agree_on(
        &cluster,
        &[
            ("other.test", "sslmode=require sslrootcert=DIRca.crt", true),
            ("db.test", "sslmode=require sslrootcert=DIRstranger.crt", false),
            ("db.test", "sslmode=prefer sslrootcert=DIRstranger.crt", false),
            ("db.test", "sslmode=allow sslrootcert=DIRstranger.crt", false),
            ("db.test", "sslmode=require sslrootcert=DIRnothing.crt", true),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_usual_files_in_the_home_folder_count() {
    let cluster = MODERN.get(modern);
    let home = tempfile::tempdir().unwrap();
    let usual = home.path().join(".postgresql");
    fs::create_dir(&usual).unwrap();
    let surroundings = Surroundings { home: home.path(), variables: &[] };
    for (root, mode, accepted) in
        [("ca.crt", "verify-full", true), ("stranger.crt", "require", false), ("ca.crt", "require", true)]
    {
        fs::copy(cluster.file(root), usual.join("root.crt")).unwrap();
        let outcome = agree(&words(&cluster, "db.test", &format!("sslmode={mode}")), &surroundings).await;
        assert_eq!(outcome.is_ok(), accepted, "{root} {mode}: {outcome:?}");
    }
    fs::copy(cluster.file("revoked.crl"), usual.join("root.crl")).unwrap();
    let outcome = agree(&words(&cluster, "db.test", "sslmode=verify-ca"), &surroundings).await;
    assert!(outcome.is_err(), "a revoked certificate in the usual list");
}

#[tokio::test]
async fn revoked_certificates_are_refused() {
    let cluster = MODERN.get(modern);
    let base = "sslmode=verify-full sslrootcert=DIRca.crt";
    agree_on(
        &cluster,
        &[
            ("db.test", &format!("{base} sslcrl=DIRempty.crl"), true),
            ("db.test", &format!("{base} sslcrl=DIRrevoked.crl"), false),
            ("db.test", "sslmode=require sslrootcert=DIRca.crt sslcrl=DIRrevoked.crl", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_passwords_exchange_can_be_bound_to_the_channel() {
    let cluster = MODERN.get(modern);
    agree_on(
        &cluster,
        &[
            ("db.test", "channel_binding=require", true),
            ("db.test", "channel_binding=disable", true),
            ("db.test", "channel_binding=require sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("db.test", "ssl_max_protocol_version=TLSv1.2 channel_binding=require", true),
            ("db.test", "ssl_min_protocol_version=TLSv1.3", true),
        ],
    )
    .await;
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings { home: home.path(), variables: &[] };
    for user in ["user=trusted", "user=cleartext", "user=trusted sslmode=disable"] {
        let words = words(&cluster, "db.test", &format!("{user} channel_binding=require"));
        assert!(agree(&words, &surroundings).await.is_err(), "{user} has no channel to bind");
    }
}

#[tokio::test]
async fn weaker_modes_fall_back_as_psqls_do() {
    let cluster = MODERN.get(modern);
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings { home: home.path(), variables: &[] };
    for (more, expected) in [
        ("user=plainonly", Some("|f")),
        ("user=plainonly sslmode=allow", Some("|f")),
        ("user=plainonly sslmode=require", None),
        ("user=owner sslmode=allow", Some("|f")),
        ("user=owner sslmode=prefer", Some("|t")),
        ("user=owner sslmode=prefer sslrootcert=DIRstranger.crt", Some("|f")),
    ] {
        let outcome = agree(&words(&cluster, "db.test", more), &surroundings).await;
        assert_eq!(outcome.is_ok(), expected.is_some(), "{more}: {outcome:?}");
        assert!(outcome.is_err() || outcome.unwrap().ends_with(expected.unwrap()), "{more}");
    }
}

#[tokio::test]
async fn client_certificates_open_the_door() {
    let cluster = MODERN.get(modern);
    agree_on(
        &cluster,
        &[
            ("db.test", "user=certuser sslcert=DIRcertuser.crt sslkey=DIRcertuser.key", true),
            (
                "db.test",
                "user=certuser ssl_max_protocol_version=TLSv1.2 sslcert=DIRcertuser.crt sslkey=DIRcertuser.key",
                true,
            ),
            ("db.test", "user=certuser", false),
            ("db.test", "user=certuser sslcert=DIRcertuser.crt sslkey=DIRnothing.key", false),
            ("db.test", "user=certuser sslcert=DIRcertuser.crt sslkey=DIRimpostor.key", false),
            ("db.test", "user=certuser sslcert=DIRimpostor.crt sslkey=DIRimpostor.key sslmode=require", false),
            ("db.test", "user=trusted sslmode=require sslcert=DIRnothing.crt", true),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_key_others_can_read_is_refused_as_psql_does() {
    let cluster = MODERN.get(modern);
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("open.key");
    fs::copy(cluster.file("certuser.key"), &key).unwrap();
    let more = format!("user=certuser sslmode=require sslcert=DIRcertuser.crt sslkey={}", key.display());
    for (mode, as_root) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let accepted = mode == 0o600 || (as_root && nix::unistd::geteuid().is_root());
        agree_on(&cluster, &[("db.test", more.as_str(), accepted)]).await;
    }
}

#[tokio::test]
async fn the_manuals_certificates_work_in_every_mode() {
    let cluster = MANUAL.get(manual);
    agree_on(
        &cluster,
        &[
            ("other.test", "sslmode=require", true),
            ("other.test", "sslmode=require ssl_max_protocol_version=TLSv1.2", true),
            ("db.test", "channel_binding=require", true),
            ("other.test", "sslmode=verify-ca sslrootcert=DIRca.crt", true),
            ("other.test", "sslmode=verify-ca sslrootcert=DIRca.crt ssl_max_protocol_version=TLSv1.2", true),
            ("db.test", "sslmode=verify-ca sslrootcert=DIRstranger.crt", false),
            ("db.test", "sslmode=verify-full sslrootcert=DIRca.crt", true),
            ("other.test", "sslmode=verify-full sslrootcert=DIRca.crt", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_when_it_is_the_root() {
    let cluster = Cluster::start(self_signed);
    agree_on(
        &cluster,
        &[
            ("db.test", "sslmode=verify-full sslrootcert=DIRserver.crt", true),
            ("other.test", "sslmode=verify-full sslrootcert=DIRserver.crt", false),
            ("other.test", "sslmode=verify-ca sslrootcert=DIRserver.crt", true),
            ("db.test", "sslmode=verify-ca sslrootcert=DIRca.crt", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_expired_certificate_is_refused_when_it_is_checked() {
    let cluster = Cluster::start(expired);
    agree_on(
        &cluster,
        &[
            ("db.test", "sslmode=require", true),
            ("db.test", "sslmode=verify-ca sslrootcert=DIRca.crt", false),
            ("db.test", "sslmode=verify-full sslrootcert=DIRca.crt", false),
        ],
    )
    .await;
}

/// The error for these words, which the psql at hand may be too old to know.
async fn error(cluster: &Cluster, host: &str, more: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    ours(&words(cluster, host, more), &Surroundings { home: home.path(), variables: &[] }).await.unwrap_err()
}

#[tokio::test]
async fn the_systems_authorities_do_not_vouch_for_a_private_one() {
    let cluster = MODERN.get(modern);
    let error = error(&cluster, "db.test", "sslrootcert=system").await;
    assert!(error.contains("UnknownIssuer") || error.contains("certificate store"), "{error}");
}

#[tokio::test]
async fn errors_say_what_to_do_about_it() {
    let cluster = MODERN.get(modern);
    for (host, more, expected) in [
        ("db.test", "sslmode=verify-full", "sslrootcert=system"),
        ("other.test", "sslmode=verify-full sslrootcert=DIRca.crt", "check that host is the name"),
        ("db.test", "sslmode=verify-ca sslrootcert=DIRstranger.crt", "name the authority's certificate"),
        ("db.test", "sslmode=require sslcert=DIRcertuser.crt sslkey=DIRencrypted.key sslpassword=x", "openssl pkey"),
        ("db.test", "sslmode=require sslcert=DIRcertuser.crt sslkey=DIRnothing.key", "sslkey"),
        ("db.test", "sslmode=verify-ca sslrootcert=DIRca.crt sslcrl=DIRnothing.crl", "revocation list"),
        ("db.test", "sslmode=require sslnegotiation=direct", "PostgreSQL 17"),
        (
            "db.test",
            "sslmode=require user=certuser sslcert=DIRimpostor.crt sslkey=DIRimpostor.key",
            "client certificate",
        ),
    ] {
        let error = error(&cluster, host, more).await;
        assert!(error.contains(expected) && error.contains(&format!("{host}:")), "{more}: {error}");
    }
}

#[test]
fn a_named_root_that_is_not_there_is_reported_when_it_checks_nothing() {
    let warnings = |words: &str| {
        let target = Target::resolve(Some(words), &[], &Environment::empty().user("me")).unwrap();
        target.warnings().join(" ")
    };
    assert!(warnings("host=h sslmode=require sslrootcert=/nowhere/root.crt").contains("/nowhere/root.crt"));
    assert_eq!(warnings("host=h sslmode=verify-full sslrootcert=/nowhere/root.crt"), "");
    assert_eq!(warnings("host=h sslmode=require"), "");
}
