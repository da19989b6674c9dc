//! Whom a probe asks: for a catalog the pulse's connection; for a view the replica, if there is one, else the server.

use std::sync::Arc;

use chrono::Utc;

use super::probe::{Answer, Probe};
use super::replica;
use crate::domain::reading::ProblemKind;
use crate::domain::time::Time;
use crate::pg::look::ViewReader;
use crate::pg::session::{Limits, Session};

/// Whom a probe asks.
pub(super) struct Asking {
    /// The pulse's connection.
    pub(super) watched: Arc<Session>,
    pub(super) reader: Arc<ViewReader>,
    pub(super) replica: Option<Arc<ViewReader>>,
    pub(super) limits: Limits,
}

impl Asking {
    /// Asks the replica, if there is one and it answers, else the server.
    pub(super) async fn ask(self, probe: Probe, at: Time) -> Answer {
        if probe.is_cheap() {
            return probe.run_cheap(&self.watched, at).await;
        }
        let asked = Utc::now();
        if let Some(replica) = &self.replica
            && let Ok(lag) = replica::catch_up(replica, &self.watched).await
        {
            let answer = probe.clone().run(replica, self.limits, at).await;
            if !matches!(&answer.outcome, Err(problem) if problem.kind == ProblemKind::Connection) {
                // What a replica says is as old as what it had replayed by then.
                return Answer { at: at - lag, asked: asked - lag, ..answer };
            }
        }
        probe.run(&self.reader, self.limits, at).await
    }
}
