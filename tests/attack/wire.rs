//! What the program sends: a socket between it and the server that remembers each session's start-up packet and statements.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// One session of the program's.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The start-up packet: user, database, application_name, options.
    pub parameters: BTreeMap<String, String>,
    /// The statements in the order in which they were sent: a simple query is one text, however many stand in it.
    pub texts: Vec<String>,
}

/// The socket, and what went through it.
pub struct Wire {
    dir: tempfile::TempDir,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Wire {
    /// Before the server, or the pooler, of a connection string.
    pub fn before(conninfo: &str) -> Wire {
        let word = |name: &str| conninfo.split_whitespace().find_map(|w| w.strip_prefix(name)).unwrap().to_string();
        let server = PathBuf::from(word("host=")).join(format!(".s.PGSQL.{}", word("port=")));
        let dir = tempfile::Builder::new().prefix("mvw").tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let sent = Arc::clone(&sent);
            move || {
                for client in listener.incoming().flatten() {
                    let server = UnixStream::connect(&server).unwrap();
                    carry(client, server, &sent);
                }
            }
        });
        Wire { dir, sent }
    }

    /// A connection string through it.
    pub fn conninfo(&self, user: &str, database: &str) -> String {
        format!("host={} port=5432 user={user} dbname={database}", self.dir.path().display())
    }

    /// Is any session after so many such a one?
    pub fn has(&self, after: usize, is_such: impl Fn(&Sent) -> bool) -> bool {
        self.sent.lock().unwrap()[after..].iter().any(is_such)
    }

    /// How many sessions there were by now.
    pub fn sessions(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// What was sent since the last call, by session. Cancel requests and sessions without a start-up packet are left out.
    pub fn take(&self) -> Vec<Sent> {
        let mut sent = self.sent.lock().unwrap();
        let taken = sent.iter().filter(|s| !s.parameters.is_empty()).cloned().collect();
        for session in sent.iter_mut() {
            session.texts.clear();
        }
        taken
    }
}

/// Carries a session both ways, and writes down what the client says.
fn carry(mut client: UnixStream, mut server: UnixStream, sent: &Arc<Mutex<Vec<Sent>>>) {
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let (sent, number) = (Arc::clone(sent), {
        let mut all = sent.lock().unwrap();
        all.push(Sent::default());
        all.len() - 1
    });
    std::thread::spawn(move || {
        let (mut bytes, mut pending, mut started) = ([0; 8192], Vec::new(), false);
        while let Ok(count @ 1..) = client.read(&mut bytes) {
            pending.extend_from_slice(&bytes[..count]);
            read_messages(&mut pending, &mut started, &mut sent.lock().unwrap()[number]);
            // Written down first: what the server answers to was seen.
            if server.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    });
}

/// The protocol's version 3.0 in a start-up packet; others ask for encryption or to cancel.
const START: u32 = 196_608;

/// Takes whole messages from the bytes.
fn read_messages(pending: &mut Vec<u8>, started: &mut bool, sent: &mut Sent) {
    loop {
        let head = usize::from(*started);
        let Some(length) = pending.get(head..head + 4) else { return };
        let end = head + u32::from_be_bytes(length.try_into().unwrap()) as usize;
        if pending.len() < end {
            return;
        }
        let message: Vec<u8> = pending.drain(..end).collect();
        let body = &message[head + 4..];
        let mut words = body.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        if !*started {
            *started = u32::from_be_bytes(body[..4].try_into().unwrap()) == START;
            if *started {
                sent.parameters = parameters(&body[4..]);
            }
            continue;
        }
        match message[0] {
            b'Q' => sent.texts.extend(words.next()),
            b'P' => sent.texts.extend(words.nth(1)),
            _ => {}
        }
    }
}

fn parameters(body: &[u8]) -> BTreeMap<String, String> {
    let mut words = body.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let mut parameters = BTreeMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        parameters.insert(name, value);
    }
    parameters.remove("");
    parameters
}
