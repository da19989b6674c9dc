//! What stands in the way of a fix.

/// Why a fix is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// This is missing, as it reads after "it needs".
    Missing(String),
    /// All is as the fix would make it, as this sentence without its full stop says.
    Already(String),
}

impl Need {
    /// The need as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Need::Missing(what) => format!("It needs {what}."),
            Need::Already(how) => format!("Nothing to do: {how}."),
        }
    }

    /// What is missing or done already, without the words around it.
    pub fn text(&self) -> &str {
        match self {
            Need::Missing(text) | Need::Already(text) => text,
        }
    }

    /// Is there nothing left to do?
    pub fn is_already(&self) -> bool {
        matches!(self, Need::Already(_))
    }

    /// The needs in one line, as they read after "needs".
    pub fn joined(needs: &[Need]) -> String {
        let word = |need: &Need| match need {
            Need::Missing(what) => what.clone(),
            Need::Already(how) => format!("nothing: {how}"),
        };
        needs.iter().map(word).collect::<Vec<_>>().join("; ")
    }

    /// The texts of these needs.
    pub(super) fn texts(needs: &mut [Need]) -> impl Iterator<Item = &mut String> {
        needs.iter_mut().map(|need| match need {
            Need::Missing(text) | Need::Already(text) => text,
        })
    }
}

impl From<String> for Need {
    fn from(what: String) -> Need {
        Need::Missing(what)
    }
}

impl From<&str> for Need {
    fn from(what: &str) -> Need {
        Need::Missing(what.into())
    }
}
