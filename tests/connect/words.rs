//! Connection strings, resolved without a server and, for the same words, side by side with psql.

mod psql;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use crate::server::{Cluster, PASSWORD, Surroundings, agree, ours};
use mvtop::pg::conninfo::{Candidate, ConninfoError, Environment, Place, SessionAttrs, Target};
use mvtop::pg::tls::SslMode;
use proptest::prelude::*;

fn plain() -> Environment {
    Environment::empty().user("me")
}

fn resolve(words: &str, environment: &Environment) -> Result<Target, String> {
    Target::resolve(Some(words), &[], environment).map_err(|error| error.to_string())
}

type Variables = &'static [(&'static str, &'static str)];

/// Words, variables and where they lead.
const PLACES: &[(&str, Variables, &str)] = &[
    // Nothing at all, a bare name.
    ("", &[], "me@localhost:5432 as me"),
    ("crm", &[], "crm@localhost:5432 as me"),
    ("with space", &[], "with space@localhost:5432 as me"),
    // word=value
    ("host=h", &[], "me@h:5432 as me"),
    ("host=h port=1 dbname=d user=u", &[], "d@h:1 as u"),
    ("  host = h   port= 1 ", &[], "me@h:1 as me"),
    ("host\t=\n h", &[], "me@h:5432 as me"),
    ("dbname='with space'", &[], "with space@localhost:5432 as me"),
    (r"dbname='it\'s'", &[], "it's@localhost:5432 as me"),
    (r"dbname='back\\slash'", &[], r"back\slash@localhost:5432 as me"),
    (r"dbname=with\ space", &[], "with space@localhost:5432 as me"),
    (r"dbname=it\'s", &[], "it's@localhost:5432 as me"),
    ("dbname=a'b", &[], "a'b@localhost:5432 as me"),
    ("dbname='a'user=b", &[], "a@localhost:5432 as b"),
    ("dbname=a dbname=b", &[], "b@localhost:5432 as me"),
    ("dbname='' user=u", &[], "u@localhost:5432 as u"),
    ("dbname= user=u", &[], "user=u@localhost:5432 as me"),
    ("host=h user=", &[], "me@h:5432 as me"),
    ("dbname=ñandú", &[], "ñandú@localhost:5432 as me"),
    ("host=/run/pg port=6432", &[], "me@/run/pg:6432 as me"),
    ("host=@abstract", &[], "me@@abstract:5432 as me"),
    ("host=::1", &[], "me@[::1]:5432 as me"),
    ("host=a,b,c", &[], "me@a:5432,b:5432,c:5432 as me"),
    ("host=a,b port=1,2", &[], "me@a:1,b:2 as me"),
    ("host=a,b port=7", &[], "me@a:7,b:7 as me"),
    ("host=a,b port=1,", &[], "me@a:1,b:5432 as me"),
    ("host=a,,c", &[], "me@a:5432,localhost:5432,c:5432 as me"),
    ("hostaddr=10.0.0.1", &[], "me@10.0.0.1:5432 as me"),
    ("host=h hostaddr=10.0.0.1", &[], "me@h:5432 as me"),
    ("host=a,b hostaddr=10.0.0.1,", &[], "me@a:5432,b:5432 as me"),
    ("dbname=postgres://u@h/d", &[], "postgres://u@h/d@localhost:5432 as me"),
    // URIs
    ("postgres://", &[], "me@localhost:5432 as me"),
    ("postgresql:///", &[], "me@localhost:5432 as me"),
    ("postgres:///d", &[], "d@localhost:5432 as me"),
    ("postgres://h", &[], "me@h:5432 as me"),
    ("postgres://h/d", &[], "d@h:5432 as me"),
    ("postgres://h:1/d", &[], "d@h:1 as me"),
    ("postgres://:1/d", &[], "d@localhost:1 as me"),
    ("postgres://u@h/d", &[], "d@h:5432 as u"),
    ("postgres://u:p@h/d", &[], "d@h:5432 as u"),
    ("postgres://u:p@/d", &[], "d@localhost:5432 as u"),
    ("postgres://u:@h", &[], "u@h:5432 as u"),
    ("postgres://:p@h", &[], "me@h:5432 as me"),
    ("postgres://u:p%40%2F%3A@h/d", &[], "d@h:5432 as u"),
    ("postgres://u%40org:p@h/d%2Fe", &[], "d/e@h:5432 as u@org"),
    ("postgres://%2Frun%2Fpg/d", &[], "d@/run/pg:5432 as me"),
    ("postgres://[::1]:1/d", &[], "d@[::1]:1 as me"),
    ("postgres://[2001:db8::7],h:2/d", &[], "d@[2001:db8::7]:5432,h:2 as me"),
    ("postgres://a:1,b:2,c/d", &[], "d@a:1,b:2,c:5432 as me"),
    ("postgres://a,b/d", &[], "d@a:5432,b:5432 as me"),
    ("postgres://h/d?user=u&port=9", &[], "d@h:9 as u"),
    ("postgres://h?dbname=x", &[], "x@h:5432 as me"),
    ("postgres:///d?host=/run/pg", &[], "d@/run/pg:5432 as me"),
    ("postgres://h/d?&", &[], "d@h:5432 as me"),
    ("postgres://h/d?application_name=a%26b&", &[], "d@h:5432 as me"),
    ("postgres://h?host=i", &[], "me@i:5432 as me"),
    ("postgres://postgres.ref:p@pool.example:6543/postgres", &[], "postgres@pool.example:6543 as postgres.ref"),
    // The environment, and what hides it.
    ("", &[("PGHOST", "h"), ("PGPORT", "1"), ("PGUSER", "u"), ("PGDATABASE", "d")], "d@h:1 as u"),
    ("host=x", &[("PGHOST", "h"), ("PGPORT", "1")], "me@x:1 as me"),
    ("host=''", &[("PGHOST", "h")], "me@localhost:5432 as me"),
    ("", &[("PGHOST", ""), ("PGPORT", ""), ("PGUSER", ""), ("PGDATABASE", "")], "me@localhost:5432 as me"),
    ("postgres:///?user=u", &[("PGDATABASE", "d")], "d@localhost:5432 as u"),
    ("", &[("PGUSER", "u")], "u@localhost:5432 as u"),
    ("", &[("PGHOSTADDR", "10.0.0.1"), ("PGHOST", "h")], "me@h:5432 as me"),
    ("", &[("PGHOST", "a,b"), ("PGPORT", "1,2")], "me@a:1,b:2 as me"),
];

#[test]
fn words_lead_where_libpq_would_go() {
    for (words, variables, expected) in PLACES {
        let environment =
            variables.iter().fold(plain(), |environment, (name, value)| environment.variable(name, value));
        let target = resolve(words, &environment).unwrap_or_else(|error| panic!("{words}: {error}"));
        assert_eq!(target.describe(), *expected, "{words} {variables:?}");
    }
}

/// Words that must be refused, and what the message must say.
const REFUSALS: &[(&str, &str)] = &[
    ("host=h pgbouncer=true", "\"pgbouncer\""),
    ("postgres://h/d?pgbouncer=true", "\"pgbouncer\""),
    ("password=x pgbouncer=true", "\"pgbouncer\""),
    ("hots=h", "did you mean \"host\"?"),
    ("postgres://h/d?sslmodes=require", "did you mean \"sslmode\"?"),
    ("postgres://h/d?ssl=false", "\"ssl\""),
    ("host=h dbname", "without \"=\""),
    ("=h", "no word"),
    ("dbname='open", "never closes"),
    (r"dbname='open\'", "never closes"),
    ("sslmode=requre", "did you mean require?"),
    ("sslmode=REQUIRE", "did you mean require?"),
    ("port=0", "port"),
    ("port=65536", "port"),
    ("port=5432x", "port"),
    ("port=1,2", "different lengths"),
    ("host=a,b,c port=1,2", "different lengths"),
    ("host=a,b hostaddr=10.0.0.1", "different lengths"),
    ("hostaddr=h", "hostaddr"),
    ("host=p@ss", "%40"),
    ("connect_timeout=soon", "connect_timeout"),
    ("keepalives=yes", "keepalives"),
    ("target_session_attrs=master", "target_session_attrs"),
    ("load_balance_hosts=yes", "random"),
    ("channel_binding=on", "channel_binding"),
    ("require_auth=scram-sha-256", "will not ignore"),
    ("sslcertmode=require", "will not ignore"),
    ("gssencmode=require", "will not ignore"),
    ("replication=database", "will not ignore"),
    ("sslrootcert=system sslmode=require", "verify-full"),
    ("sslnegotiation=direct", "require"),
    ("ssl_max_protocol_version=TLSv1.1", "TLSv1.2"),
    ("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "TLS"),
    ("hostaddr=10.0.0.1 sslmode=verify-full", "host=name"),
    ("service=nowhere", "\"nowhere\""),
    ("postgres://h/d?x", "word=value"),
    ("postgres://h/d?host=a=b", "%3D"),
    ("postgres://h/%zz", "dbname"),
    ("postgres://u:%zz@h", "password"),
    ("postgres://h/%00", "not text"),
    ("postgres://h/%ff", "not text"),
    ("postgres://[::1", "IPv6"),
    ("postgres://[]/d", "IPv6"),
    ("postgres://[::1]x/d", "IPv6"),
    ("postgres://u:p@ss@h/d", "%40"),
    ("postgres://u:p/ss@h/d", "%2F"),
];

#[test]
fn bad_words_are_refused_by_name() {
    for (words, expected) in REFUSALS {
        let error = resolve(words, &plain()).expect_err(words);
        assert!(error.contains(expected), "{words}: {error}");
    }
}

#[test]
fn harmless_words_of_libpq_are_taken() {
    for words in [
        "gssencmode=disable krbsrvname=postgres gsslib=gssapi gssdelegation=0",
        "client_encoding=UTF8 replication=off sslcompression=0 sslsni=1 sslpassword=x",
        "keepalives=1 keepalives_idle=5 keepalives_interval=5 keepalives_count=2 tcp_user_timeout=2000",
        "sslcertmode=disable min_protocol_version=3.0 max_protocol_version=latest",
        "ssl_min_protocol_version=tlsv1 ssl_max_protocol_version=TLSv1.3",
    ] {
        assert!(resolve(words, &plain()).is_ok(), "{words}");
    }
}

#[test]
fn settings_have_the_defaults_of_a_program_that_must_not_hang() {
    let seconds = |words: &str| resolve(words, &plain()).unwrap().connect_timeout().map(|limit| limit.as_secs());
    assert_eq!(seconds(""), Some(10));
    assert_eq!(seconds("connect_timeout=1"), Some(2));
    assert_eq!(seconds("connect_timeout=' 30 '"), Some(30));
    assert_eq!(seconds("connect_timeout=0"), None);
    assert_eq!(seconds("connect_timeout=-1"), None);
}

#[test]
fn sslmode_comes_from_words_then_variables_then_defaults() {
    let mode = |words: &str, environment: &Environment| resolve(words, environment).unwrap().tls().mode;
    assert_eq!(mode("", &plain()), SslMode::Prefer);
    assert_eq!(mode("sslrootcert=system", &plain()), SslMode::VerifyFull);
    assert_eq!(mode("", &plain().variable("PGSSLMODE", "disable")), SslMode::Disable);
    assert_eq!(mode("sslmode=allow", &plain().variable("PGSSLMODE", "disable")), SslMode::Allow);
    assert_eq!(mode("requiressl=1", &plain()), SslMode::Require);
    assert_eq!(mode("postgres://h?ssl=true", &plain()), SslMode::Require);
    assert_eq!(mode("", &plain().variable("PGREQUIRESSL", "1")), SslMode::Require);
    assert_eq!(mode("", &plain().variable("PGREQUIRESSL", "1").variable("PGSSLMODE", "allow")), SslMode::Allow);
}

#[test]
fn other_settings_are_read() {
    let target = resolve("target_session_attrs=prefer-standby options='-c work_mem=7MB'", &plain()).unwrap();
    assert_eq!(target.session_attrs(), SessionAttrs::PreferStandby);
    assert_eq!(target.options(), Some("-c work_mem=7MB"));
    let name = |words: &str| resolve(words, &plain()).unwrap().application_name().map(str::to_owned);
    assert_eq!(name("fallback_application_name=f").as_deref(), Some("f"));
    assert_eq!(name("fallback_application_name=f application_name=a").as_deref(), Some("a"));
}

#[test]
fn overrides_win_and_may_bring_a_whole_string() {
    let describe = |words, overrides: &[(&str, &str)]| Target::resolve(words, overrides, &plain()).unwrap().describe();
    let uri = Some("postgres://u@h:1/d");
    assert_eq!(describe(uri, &[("host", "x"), ("port", "2"), ("user", "v"), ("dbname", "e")]), "e@x:2 as v");
    assert_eq!(describe(uri, &[("host", ""), ("dbname", "")]), "d@h:1 as u");
    assert_eq!(describe(None, &[("dbname", "postgres://u@h:1/d")]), "d@h:1 as u");
    assert_eq!(describe(None, &[("dbname", "host=h")]), "me@h:5432 as me");
    assert_eq!(describe(None, &[]), "me@localhost:5432 as me");
}

#[test]
fn the_default_host_is_the_socket_folder_that_has_the_port() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(second.path().join(".s.PGSQL.7777"), "").unwrap();
    let environment = plain().socket_dir(first.path()).socket_dir(second.path());
    let place = |words: &str| resolve(words, &environment).unwrap().candidates()[0].place.clone();
    assert_eq!(place("port=7777"), Place::Socket(second.path().to_owned()));
    assert_eq!(place(""), Place::Socket(first.path().to_owned()));
}

fn write(file: &Path, text: &str, mode: u32) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_service_sits_between_words_and_variables() {
    let dir = tempfile::tempdir().unwrap();
    let text = "# ours\n[other]\nhost=wrong\n[crm]\n  host=h\nport=1\nport=2\nuser=u \n[last]\nhost=l\n";
    write(&dir.path().join(".pg_service.conf"), text, 0o644);
    let system = "[site]\nhost=site\n[crm]\nhost=hidden\n";
    write(&dir.path().join("etc/pg_service.conf"), system, 0o644);
    let environment = plain().home(dir.path()).sysconf_dir(dir.path().join("etc"));
    let describe = |words: &str, environment: &Environment| resolve(words, environment).map(|target| target.describe());
    assert_eq!(describe("service=crm", &environment).unwrap(), "u@h:1 as u");
    assert_eq!(describe("service=crm port=9", &environment).unwrap(), "u@h:9 as u");
    let with = |name, value| environment.clone().variable(name, value);
    assert_eq!(describe("", &with("PGSERVICE", "crm").variable("PGUSER", "v")).unwrap(), "u@h:1 as u");
    assert_eq!(describe("service=site", &environment).unwrap(), "me@site:5432 as me");
    assert!(describe("service=none", &environment).unwrap_err().contains("pg_service.conf"));
    let missing = with("PGSERVICEFILE", "/nowhere/services");
    assert!(describe("service=crm", &missing).unwrap_err().contains("/nowhere/services"));
}

#[test]
fn a_bad_line_of_a_service_file_is_named_by_number() {
    let dir = tempfile::tempdir().unwrap();
    for (line, expected) in
        [("hots=h", "did you mean \"host\""), ("service=x", "another service"), ("host", "word=value")]
    {
        write(&dir.path().join(".pg_service.conf"), &format!("[crm]\nport=1\n{line}\n"), 0o644);
        let error = resolve("service=crm", &plain().home(dir.path())).unwrap_err();
        assert!(error.contains("line 3") && error.contains(expected), "{error}");
    }
}

const PGPASS: &str = "\
# a comment
h:1:d:u:exact
h:*:d:v:with\\:colon\\\\and more:not this
*:*:with\\:colon:*:database
localhost:*:*:*:socket
10.0.0.1:*:*:*:address
";

#[test]
fn the_password_file_is_matched_as_libpq_does() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join(".pgpass"), PGPASS, 0o600);
    let sockets = dir.path().join("sockets");
    fs::create_dir(&sockets).unwrap();
    let environment = plain().home(dir.path()).socket_dir(&sockets);
    let known = |words: &str| -> Vec<bool> {
        resolve(words, &environment).unwrap().candidates().iter().map(Candidate::has_password).collect()
    };
    assert_eq!(known("host=h port=1 dbname=d user=u"), [true]);
    assert_eq!(known("host=h port=2 dbname=d user=u"), [false]);
    assert_eq!(known("host=h port=2 dbname=d user=v"), [true]);
    assert_eq!(known("host=x dbname=with:colon"), [true]);
    assert_eq!(known("dbname=d"), [true], "the default socket is localhost");
    assert_eq!(known("host=/elsewhere"), [false]);
    assert_eq!(known("hostaddr=10.0.0.1"), [true]);
    assert_eq!(known("host=x hostaddr=10.0.0.1"), [false], "the name is the key when both are given");
    assert_eq!(known("host=h,x,localhost port=1 dbname=d user=u"), [true, false, true]);
}

#[test]
fn a_password_file_others_can_read_is_not_used_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("passwords");
    let words = format!("passfile={} host=h", file.display());
    for mode in [0o640, 0o604, 0o620, 0o601] {
        write(&file, "*:*:*:*:x\n", mode);
        let target = resolve(&words, &plain()).unwrap();
        assert!(!target.has_password());
        assert!(target.warnings()[0].contains("chmod 0600"), "{:?}", target.warnings());
    }
    write(&file, "*:*:*:*:x\n", 0o600);
    assert!(resolve(&words, &plain()).unwrap().has_password());
    let given = resolve(&format!("{words} password=y"), &plain()).unwrap();
    assert!(given.warnings().is_empty(), "a password that is given needs no file");
}

#[test]
fn debug_and_describe_hide_the_password() {
    let target = resolve("postgres://u:hunter2@h/d?sslpassword=hunter2", &plain()).unwrap();
    let target = target.with_password("hunter2".to_owned());
    assert!(!format!("{target:?} {}", target.describe()).contains("hunter2"));
    let environment = plain().variable("PGPASSWORD", "hunter2");
    assert!(!format!("{environment:?}").contains("hunter2"));
}

/// Strings with a hole for a password, whole or broken.
const HOLES: &[&str] = &[
    "postgres://u:{}@h/d",
    "postgres://u:{}@h:x/d",
    "postgres://u:{}@[h/d",
    "postgres://u:{}@h/d?x",
    "postgres://u:{}@h/d?nosuch=1",
    "postgres://u:{}@h/%zz",
    "postgres://u:{}h/d",
    "postgres://{}/d",
    "postgres://u:{}",
    "postgres://u@h/d?password={}",
    "postgres://u@h/d?passwrd={}",
    "postgres://u@h/d?password={}&nosuch=1",
    "password={}",
    "password={} host",
    "password={} nosuch=1",
    "password={} port=x",
    "password='{}' port=x",
    "password='{}",
    "passwrd={}",
    "passwrd='{}'",
    "port={}",
    "sslmode={}",
    "hostaddr={}",
    "connect_timeout={}",
    "host=h user=u {}",
];

#[test]
fn a_password_pasted_where_a_word_belongs_is_not_repeated() {
    for bare in ["ZqaaA=", "hunter2==", "Ab3.x-y=z", "pa55word="] {
        let error = resolve(&format!("host=h user=u {bare}"), &plain()).unwrap_err();
        assert_eq!(error, ConninfoError::UnreadableWord.to_string(), "{bare}");
    }
    for near in ["Host=h", "ssl-mode=require"] {
        let error = resolve(near, &plain()).unwrap_err().to_string();
        assert!(error.contains("did you mean"), "{near}: {error}");
    }
    let error = resolve("host=h nosuch_word=1", &plain()).unwrap_err().to_string();
    assert!(error.contains("nosuch_word"), "what looks like a word is named: {error}");
}

proptest! {
    /// Neither the password nor a piece of it that a separator cut off.
    #[test]
    fn no_error_repeats_a_password(password in "Zq[ -~]{4,16}", hole in 0..HOLES.len()) {
        let words = HOLES[hole].replace("{}", &password);
        if let Err(error) = Target::resolve(Some(&words), &[], &plain()) {
            let text = format!("{error} {error:?}");
            let pieces = password.split([' ', '=', '&', '?', '@', '/', ':', '\'', '\\', '%', ',']);
            for piece in pieces.filter(|piece| piece.len() > 4) {
                prop_assert!(!text.contains(piece), "{} in {}", piece, text);
            }
        }
    }

    #[test]
    fn any_text_is_resolved_or_refused(words in "\\PC{0,40}", uri in any::<bool>()) {
        let words = if uri { format!("postgres://{words}") } else { words };
        let _ = Target::resolve(Some(&words), &[], &plain());
    }
}
