//! Jobs that go on failing beside a new one: paused in its transaction where this role may do that, told of where not.

use super::Ground;
use super::cron::alter_active;
use crate::domain::fix::Plan;
use crate::domain::fix::jobs::broken_jobs;
use crate::domain::fix::needs::may_alter;

impl Ground<'_> {
    /// The statements that pause them.
    pub(super) fn pause_broken(&self, plan: &mut Plan) -> Vec<String> {
        let mut pauses = Vec::new();
        for (job, why) in broken_jobs(self.snapshot, &self.view.view) {
            let (title, may) = (job.title(), may_alter(self.server(), job));
            plan.notes.push(match may {
                true if self.can_alter_jobs() => {
                    let pause = vec![alter_active(job, false)];
                    pauses.push(self.guard_job(job, &pause));
                    pauses.extend(pause);
                    format!("{title} {why}: it is paused by this; resume or remove it in the cron pane.")
                }
                true => format!("{title} {why}, and goes on failing: remove it in the cron pane."),
                false => {
                    let by = &job.username;
                    format!("{title} {why}, and goes on failing: only {by} or a superuser can remove it.")
                }
            });
        }
        pauses
    }
}
