//! How a database is watched.

use std::time::Duration;

use crate::domain::rules::Rulebook;
use crate::pg::conninfo::Target;
use crate::pg::session::Limits;

/// How a database is watched.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where.
    pub target: Target,
    /// A replica of it that takes the comparisons.
    pub read_target: Option<Target>,
    /// Another role on the same server that looks at views, with nothing to lose to their code.
    pub look_target: Option<Target>,
    /// Roles whose code may run with our rights.
    pub trusted_owners: Vec<String>,
    /// Which views to measure, by `name` or `schema.name`; empty: all.
    pub only: Vec<String>,
    /// The longest a statement of a comparison may take.
    pub statement_timeout: Duration,
    /// The share of the server's time that comparisons may take, e.g. 0.02.
    pub budget: f64,
    /// What the configuration says of views.
    pub rules: Rulebook,
}

/// A word for [`Settings::only`] that no view answers to: nothing is measured.
pub const NO_VIEW: &str = "";

impl Settings {
    /// The usual settings for a target.
    pub fn new(target: Target) -> Settings {
        Settings {
            target,
            read_target: None,
            look_target: None,
            trusted_owners: Vec::new(),
            only: Vec::new(),
            statement_timeout: Duration::from_secs(30),
            budget: 0.02,
            rules: Rulebook::default(),
        }
    }

    /// With a typed password; the replica gets it where it has none.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Settings {
        let with = |target: Target| target.with_password(password.to_owned());
        self.read_target = self.read_target.map(|t| if t.has_password() { t } else { with(t) });
        self.target = with(self.target);
        self
    }

    pub(super) fn limits(&self) -> Limits {
        Limits::new(self.statement_timeout, Duration::from_secs(2), true)
    }
}
