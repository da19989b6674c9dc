//! The log of what was changed: one JSON object a line, only ever appended to, in
//! `$XDG_STATE_HOME/mvtop/actions.jsonl` (`~/.local/state` by default).
//!
//! An entry is written before the first statement and another after the last, so that a change which was interrupted
//! shows as one that has no end. Each change is one transaction: interrupted means all of it or nothing, and a plan's
//! proof tells which; but for one in batches, of which what was done by then stays.
//!
//! The log is data: its SQL is shown and never run. What is looked at after an interruption is kept as a [`Proof`], from
//! which this program writes the query. The file is its user's alone ([`private_file`]).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chrono::Utc;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::domain::fix::{Former, Plan, Proof};
use crate::domain::job::JobId;
use crate::domain::text::escaped_json;
use crate::domain::time::{Time, took};
use crate::pg::conninfo::Target;
use crate::pg::operator::{self, Ending, Event, Found};
use crate::private_file;

/// Bytes that must be free before a change: its line with all its SQL, and the one after it.
const ROOM: usize = 256 * 1024;

/// A change, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Start and end carry the same.
    pub id: String,
    /// When it began.
    pub at: Time,
    /// The person's account on this machine.
    pub who: String,
    /// Where: database, host and role, no password.
    pub place: String,
    /// Another database of that server, if it was done there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// What, in words.
    pub title: String,
    /// The exact statements.
    pub sql: Vec<String>,
    /// Was it done in batches, each a transaction of its own?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batches: bool,
    /// What a job was that was set right: the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// How it is taken back, in words and SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// What is looked at to know what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<KeptProof>,
    /// How it ended; none while it runs, and for ever if it was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// A proof as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeptProof {
    /// One that is understood.
    Known(Proof),
    /// SQL of a version before this one, or what a later one means: it is only kept.
    Other(serde_json::Value),
}

/// The end of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: Time,
    /// Was it done, and is it as it should be?
    pub good: bool,
    /// What came of it.
    pub result: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Started(Box<Entry>),
    Ended {
        id: String,
        #[serde(flatten)]
        end: End,
    },
}

/// The log's file.
#[derive(Clone, Debug)]
pub struct Journal {
    path: Option<PathBuf>,
}

impl Journal {
    /// The person's own; without a home there is none.
    pub fn own() -> Journal {
        use etcetera::BaseStrategy as _;
        let base = etcetera::choose_base_strategy().ok();
        Journal { path: base.and_then(|b| Some(b.state_dir()?.join("mvtop").join("actions.jsonl"))) }
    }

    /// One in a place of its own.
    pub fn at(path: PathBuf) -> Journal {
        Journal { path: Some(path) }
    }

    /// Where it is.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Everything in it, oldest first; lines that cannot be read are passed over.
    pub fn entries(&self) -> Vec<Entry> {
        let Some(file) = self.path.as_deref().and_then(|p| private_file::read(p).ok()) else { return Vec::new() };
        let mut order = Vec::new();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
            match serde_json::from_slice(&line) {
                Ok(Line::Started(entry)) => {
                    order.push(entry.id.clone());
                    entries.insert(entry.id.clone(), *entry);
                }
                Ok(Line::Ended { id, end }) => {
                    if let Some(entry) = entries.get_mut(&id) {
                        entry.end = Some(end);
                    }
                }
                Err(_) => {}
            }
        }
        order.iter().filter_map(|id| entries.remove(id)).collect()
    }

    /// What a job at this place was before it was set right from here, by the newest such entry.
    pub fn former(&self, target: &Target, job: JobId) -> Option<Former> {
        let place = target.describe();
        let is_done = |e: &Entry| e.place == place && e.end.as_ref().is_some_and(|end| end.good);
        let mut formers = self.entries().into_iter().rev().filter(is_done).filter_map(|e| e.former);
        formers.find(|f| f.job == job)
    }

    /// Can it be written, and is there room for it? If not, why: whoever changes something should know it before. Blanks are
    /// written, synced and taken away again; what an interruption leaves of them is a line's indentation.
    ///
    /// # Errors
    /// Why not, in one sentence.
    pub fn writable(&self) -> Result<(), String> {
        let Some(path) = self.path.as_deref() else {
            return Err("What is changed cannot be written down: there is no home to keep the log in".into());
        };
        let tried = || {
            let (file, end) = locked(path)?;
            write_whole(&file, end, &[b' '; ROOM])?;
            file.set_len(end)
        };
        tried().map_err(|e| format!("What is changed cannot be written down in {}: {e}", path.display()))
    }

    /// Carries out a plan with a line before and a line after. A log that cannot be written keeps nobody from helping
    /// at night; [`Journal::writable`] tells it before.
    pub async fn carry_out(&self, target: &Target, plan: &Plan, report: impl Fn(Event)) {
        let entry = begin(target, plan);
        // Held while it runs, so that another mvtop does not take it for interrupted.
        let _held = self.hold(&entry.id);
        let _ = self.append(&Line::Started(Box::new(entry.clone())));
        let journal = self.clone();
        operator::run(target, plan, move |event| {
            if let Event::Ended(ending, length) = &event {
                let end = end(ending, &format!(" after {}", took(*length)));
                let _ = journal.append(&Line::Ended { id: entry.id.clone(), end });
            }
            report(event);
        })
        .await;
    }

    /// Changes at this place that never ended, each looked at now, and closed with what was found.
    pub async fn settle(&self, target: &Target) -> Vec<String> {
        let place = target.describe();
        let open = self.entries().into_iter().filter(|e| e.end.is_none() && e.place == place);
        let mut said = Vec::new();
        for entry in open {
            if self.is_held(&entry.id) {
                continue;
            }
            let result = match &entry.proof {
                None if entry.sql.len() == 1 => "what it had committed by then stays".into(),
                None => "it was one transaction: all of it or nothing; the age of the view shows which".into(),
                Some(KeptProof::Other(_)) => {
                    "look at the view: this mvtop does not know how to look at what came of it".into()
                }
                Some(KeptProof::Known(proof)) => match operator::look(target, entry.database.as_deref(), proof).await {
                    Ok(Found { good: true, text }) => format!("it was done: {text}"),
                    Ok(Found { good: false, text }) if entry.batches => {
                        format!("what it had done by then stays: {text}")
                    }
                    Ok(Found { good: false, text }) => format!("it was not done: {text}"),
                    // Another time, when the server answers.
                    Err(_) => continue,
                },
            };
            let text = format!("Interrupted {} UTC, {} {result}", entry.at.format("%m-%d %H:%M"), entry.title);
            let end = End {
                at: Utc::now(),
                good: result.starts_with("it was done"),
                result: format!("interrupted; {result}"),
            };
            let _ = self.append(&Line::Ended { id: entry.id, end });
            said.push(text);
        }
        said
    }

    /// Adds a line: all of it or nothing.
    fn append(&self, line: &Line) -> io::Result<()> {
        let path = self.path.as_deref().ok_or_else(|| io::Error::other("there is no home to keep it in"))?;
        let write = || {
            let (file, end) = locked(path)?;
            // Whatever another program left there without an end is no part of this line.
            let begin = if ends_line(&file, end)? { "" } else { "\n" };
            let text = format!("{begin}{}\n", escaped_json(&serde_json::to_string(line)?));
            write_whole(&file, end, text.as_bytes())
        };
        write().inspect_err(|error| tracing::warn!(%error, path = %path.display(), "the action log cannot be written"))
    }

    /// The lock of a change; `None` for an id that this program did not make: it stands in a file, and is no path.
    fn lock_path(&self, id: &str) -> Option<PathBuf> {
        let is_plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_plain.then_some(())?;
        Some(self.path.as_deref()?.with_file_name(format!("{id}.running")))
    }

    /// Keeps a lock as long as this process lives; the file goes with it where it ends well.
    fn hold(&self, id: &str) -> Option<Held> {
        let path = self.lock_path(id)?;
        let lock = Flock::lock(private_file::write(&path).ok()?, FlockArg::LockExclusiveNonblock).ok()?;
        Some(Held { _lock: lock, path })
    }

    /// Does another process carry it out at this moment?
    fn is_held(&self, id: &str) -> bool {
        let Some(path) = self.lock_path(id) else { return false };
        let Ok(file) = private_file::read(&path) else { return false };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(_) => {
                let _ = fs::remove_file(path);
                false
            }
            Err(_) => true,
        }
    }
}

/// The log for one writer at a time, so that two consoles do not mix their lines, and where it ends.
fn locked(path: &Path) -> io::Result<(Flock<File>, u64)> {
    let file = Flock::lock(private_file::append(path)?, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
    let end = file.metadata()?.len();
    Ok((file, end))
}

/// Adds bytes behind the `end` and syncs them; where that fails nothing of them stays.
fn write_whole(file: &File, end: u64, bytes: &[u8]) -> io::Result<()> {
    let mut writer = file;
    let written = writer.write_all(bytes).and_then(|()| file.sync_data());
    if written.is_err() {
        let _ = file.set_len(end);
    }
    written
}

fn ends_line(file: &File, end: u64) -> io::Result<bool> {
    let mut last = [b'\n'];
    if end > 0 {
        file.read_exact_at(&mut last, end - 1)?;
    }
    Ok(last == [b'\n'])
}

struct Held {
    _lock: Flock<File>,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn begin(target: &Target, plan: &Plan) -> Entry {
    let at = Utc::now();
    let uid = nix::unistd::getuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |u| u.name);
    Entry {
        id: format!("{}-{}", at.format("%Y%m%dT%H%M%S%6f"), std::process::id()),
        at,
        who: user,
        place: target.describe(),
        database: plan.database.clone(),
        title: plan.title.clone(),
        sql: plan.statements.clone(),
        batches: plan.batches,
        former: plan.former.clone(),
        undo: plan.undo.clone(),
        proof: plan.proof.clone().map(KeptProof::Known),
        end: None,
    }
}

fn end(ending: &Ending, after: &str) -> End {
    let (good, result) = match ending {
        Ending::Done(None) => (true, "done".into()),
        Ending::Done(Some(found)) => (found.good, format!("done: {}", found.text)),
        Ending::Cancelled => (false, "cancelled, nothing was changed".into()),
        Ending::LockTimeout => (false, "the lock was not free in time, nothing was changed".into()),
        Ending::Failed(problem) => (false, format!("failed, nothing was changed: {}", problem.text)),
        Ending::Partly(problem, stays) => (false, format!("ended early, {stays}: {}", problem.text)),
        Ending::Unclear(problem) => (false, format!("the connection was lost: {}", problem.text)),
    };
    End { at: Utc::now(), good, result: result + after }
}
