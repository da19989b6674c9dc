//! The words of a connection string: libpq's table of them, and one set of values being filled in.
//!
//! The table is `PQconninfoOptions` of libpq's fe-connect.c up to PostgreSQL 18, with each word's environment variable.

use std::collections::BTreeMap;

use super::error::ConninfoError;

/// Every word libpq knows, with the environment variable that stands in when the word is not given.
pub(super) const WORDS: &[(&str, Option<&str>)] = &[
    ("service", Some("PGSERVICE")),
    ("servicefile", Some("PGSERVICEFILE")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("client_encoding", Some("PGCLIENTENCODING")),
    ("options", Some("PGOPTIONS")),
    ("application_name", Some("PGAPPNAME")),
    ("fallback_application_name", None),
    ("keepalives", None),
    ("keepalives_idle", None),
    ("keepalives_interval", None),
    ("keepalives_count", None),
    ("tcp_user_timeout", None),
    ("sslmode", Some("PGSSLMODE")),
    ("sslnegotiation", Some("PGSSLNEGOTIATION")),
    ("sslcompression", Some("PGSSLCOMPRESSION")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslcertmode", Some("PGSSLCERTMODE")),
    ("sslpassword", None),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslcrl", Some("PGSSLCRL")),
    ("sslcrldir", Some("PGSSLCRLDIR")),
    ("sslsni", Some("PGSSLSNI")),
    ("sslkeylogfile", None),
    ("requirepeer", Some("PGREQUIREPEER")),
    ("require_auth", Some("PGREQUIREAUTH")),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION")),
    ("gssencmode", Some("PGGSSENCMODE")),
    ("krbsrvname", Some("PGKRBSRVNAME")),
    ("gsslib", Some("PGGSSLIB")),
    ("gssdelegation", Some("PGGSSDELEGATION")),
    ("replication", None),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    ("scram_client_key", None),
    ("scram_server_key", None),
    ("oauth_issuer", None),
    ("oauth_client_id", None),
    ("oauth_client_secret", None),
    ("oauth_scope", None),
];

/// Words of other clients that people paste, and whose they are.
const FOREIGN: &[(&str, &str)] = &[
    ("pgbouncer", "Prisma; a pooler needs no word here"),
    ("connection_limit", "Prisma"),
    ("pool_timeout", "Prisma"),
    ("schema", "Prisma; write options=-csearch_path%3Dname"),
    ("currentSchema", "JDBC; write options=-csearch_path%3Dname"),
    ("prepareThreshold", "JDBC"),
    ("statement_cache_size", "asyncpg"),
    ("prepared_statement_cache_size", "asyncpg"),
    ("supa", "Supabase's pooler"),
    ("uselibpqcompat", "node-postgres"),
    ("sslaccept", "Prisma; write sslmode"),
    ("search_path", "a server setting; write options=-csearch_path%3Dname"),
    ("timezone", "a server setting; write options=-ctimezone%3Dname"),
];

/// The values given so far. It has no `Debug`: one of them may be a password.
#[derive(Clone, Default)]
pub(super) struct Words(BTreeMap<&'static str, String>);

impl Words {
    /// The value of a word as given, perhaps empty.
    pub(super) fn raw(&self, word: &str) -> Option<&str> {
        self.0.get(word).map(String::as_str)
    }

    /// The value of a word, if it is given and not empty: libpq takes empty for "the default".
    pub(super) fn get(&self, word: &str) -> Option<&str> {
        self.raw(word).filter(|value| !value.is_empty())
    }

    /// Stores a value, over an earlier one. `requiressl`, libpq's old spelling, becomes `sslmode`.
    pub(super) fn set(&mut self, word: &str, value: String) -> Result<(), ConninfoError> {
        if word == "requiressl" {
            let mode = if value.starts_with('1') { "require" } else { "prefer" };
            return self.set("sslmode", mode.to_owned());
        }
        self.0.insert(known(word).ok_or_else(|| unknown(word))?, value);
        Ok(())
    }

    /// Takes over every value of `other`.
    pub(super) fn overlay(&mut self, other: Words) {
        self.0.extend(other.0);
    }

    /// Takes from `other` only what is not given yet.
    pub(super) fn underlay(&mut self, other: Words) {
        for (word, value) in other.0 {
            self.0.entry(word).or_insert(value);
        }
    }
}

/// The table's own spelling of a word, if libpq knows it.
pub(super) fn known(word: &str) -> Option<&'static str> {
    WORDS.iter().map(|(name, _)| *name).find(|name| *name == word)
}

/// Whether a word, known or not, is surely meant as a word: then an error may repeat it.
pub(super) fn recognised(word: &str) -> bool {
    let has_sign = word.contains(|c: char| !c.is_ascii_alphabetic() && !"_-".contains(c));
    foreign(word).is_some() || !has_sign && nearest(word, names()).is_some()
}

/// The error for a word libpq does not know. The word is repeated only when it is surely one or looks like one: what a
/// slipped quote or a password pasted alone puts in its place may be a piece of the password. (One of small letters alone
/// cannot be told from a word.)
pub(super) fn unknown(word: &str) -> ConninfoError {
    if !recognised(word) && !looks_like_a_word(word) {
        return ConninfoError::UnreadableWord;
    }
    let hint = match (foreign(word), nearest(word, names())) {
        (Some(whose), _) => format!("it belongs to {whose}; remove it"),
        (None, Some(name)) => format!("did you mean \"{name}\"?"),
        (None, None) => "the words are those psql takes".to_owned(),
    };
    ConninfoError::UnknownWord { word: word.to_owned(), hint }
}

/// As every word of libpq and most of other clients look: letters and `_`, a small one first. No digit, no other sign, no
/// capital at the start: those are what passwords are made of.
fn looks_like_a_word(word: &str) -> bool {
    let starts_small = word.starts_with(|c: char| c.is_ascii_lowercase());
    starts_small && word.len() <= 40 && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}

fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, _)| *name)
}

fn foreign(word: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, whose)| *whose)
}

/// The candidate closest to what was written, if it is close enough to be a slip of the hand.
pub(super) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase();
    candidates
        .map(|candidate| (distance(&written, candidate), candidate))
        .filter(|(far, candidate)| *far <= 3.min(candidate.len() / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { table[i - 2][j - 2] + 1 } else { usize::MAX };
                change.min(swap).min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
            };
        }
    }
    table[a.len()][b.len()]
}
