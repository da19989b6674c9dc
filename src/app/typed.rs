//! A word that must be typed before a question's yes is possible: for what ends somebody's session or takes a job away,
//! one letter is too easily hit.

use tui_input::Input;

use crate::domain::fix::Fix;
use crate::domain::job::JobId;
use crate::domain::snapshot::Snapshot;
use crate::domain::text::visible;

/// A longer name is not asked for; pg_cron 1.4 keeps 63 bytes.
const LONGEST: usize = 63;

/// The word that is asked for, and the field with what was typed of it.
#[derive(Clone, Debug)]
pub struct Typed {
    /// What it is, e.g. `pid`.
    pub kind: &'static str,
    /// The word itself.
    pub word: String,
    /// What was typed.
    pub input: Input,
    /// Does the field take keys? Not before the question was there to be read.
    pub open: bool,
}

impl PartialEq for Typed {
    fn eq(&self, other: &Typed) -> bool {
        (self.kind, &self.word, self.input.value(), self.open)
            == (other.kind, &other.word, other.input.value(), other.open)
    }
}

impl Eq for Typed {}

impl Typed {
    /// The word for this fix; `None`: a yes is enough for it.
    pub fn for_fix(fix: &Fix, snapshot: &Snapshot) -> Option<Typed> {
        let (kind, word) = match fix {
            Fix::Terminate(pid) => ("pid", pid.to_string()),
            Fix::CronRemove(id) => match job_name(snapshot, *id) {
                Some(name) => ("job's name", name),
                None => ("job's id", id.0.to_string()),
            },
            _ => return None,
        };
        Some(Typed { kind, word, input: Input::default(), open: false })
    }

    /// What is to be typed, as a sentence.
    pub fn asks(&self) -> String {
        format!("Type the {}, {}, and press Enter:", self.kind, self.word)
    }

    /// Was the word typed?
    pub fn matches(&self) -> bool {
        self.input.value().trim() == self.word
    }

    /// Puts text into the field, as if it were typed; what is no character is left out.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            self.input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
}

/// The job's name, if it has one that can be typed as it is shown.
fn job_name(snapshot: &Snapshot, id: JobId) -> Option<String> {
    let name = snapshot.history.value()?.job(id)?.name.as_deref()?;
    let can_be_typed = visible(name) == name && name.trim() == name && !name.is_empty();
    (can_be_typed && name.chars().count() <= LONGEST).then(|| name.to_string())
}
