//! Names of what mvtop makes: of at most 63 bytes, which is all that PostgreSQL keeps of a name, pg_cron 1.4 of a job's too.

use super::refresh_sql;
use crate::domain::job::Job;
use crate::domain::view::{RefreshMode, ViewName};

/// The bytes that the server keeps of a name (NAMEDATALEN less one).
const ROOM: usize = 63;

/// A name that fits; what is cut off becomes a number, so that two long names do not become one.
pub(super) fn short_name(prefix: &str, name: &str) -> String {
    fit(&format!("{prefix}{name}"), ROOM)
}

fn fit(whole: &str, room: usize) -> String {
    if whole.len() <= room {
        return whole.into();
    }
    // FNV-1a: the same number for ever, which the standard library's hashes do not promise.
    let number = whole.bytes().fold(0x811c_9dc5_u32, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193));
    format!("{}_{number:08x}", cut(whole, room - 9))
}

/// As many whole characters as there is room for.
fn cut(text: &str, room: usize) -> &str {
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

fn whole_job_name(view: &ViewName) -> String {
    let schema = if view.schema == "public" { String::new() } else { format!("{}-", view.schema) };
    let name = view.name.strip_prefix("mv_").unwrap_or(&view.name);
    format!("refresh-{schema}{name}").replace('_', "-")
}

/// The name a job gets: `mv_conversaciones_dashboard` → `refresh-conversaciones-dashboard`.
pub fn job_name(view: &ViewName) -> String {
    fit(&whole_job_name(view), ROOM)
}

/// The name of the job's second, third, … namesake.
pub(super) fn numbered_name(view: &ViewName, number: u32) -> String {
    let tail = format!("-{number}");
    fit(&whole_job_name(view), ROOM - tail.len()) + &tail
}

/// Did this program make the job? By its name and by how it writes the command.
pub fn is_ours(job: &Job, view: &ViewName) -> bool {
    let Some(name) = job.name.as_deref() else { return false };
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse::<u32>().ok());
    let is_numbered = number.is_some_and(|n| numbered_name(view, n) == name);
    // What an older mvtop named without regard to the room, pg_cron 1.4 cut.
    let whole = whole_job_name(view);
    let is_cut = whole.len() > ROOM && (name == whole || name == cut(&whole, ROOM));
    let modes = [RefreshMode::Concurrently, RefreshMode::PlainNoUniqueIndex];
    (name == job_name(view) || is_numbered || is_cut)
        && modes.iter().any(|mode| refresh_sql(view, *mode) == job.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(name: &str) -> ViewName {
        ViewName { schema: "public".into(), name: name.into() }
    }

    #[test]
    fn two_long_views_never_share_a_job_and_the_usual_name_stays() {
        assert_eq!(job_name(&view("mv_conversaciones_dashboard")), "refresh-conversaciones-dashboard");
        let long = "ñ".repeat(29);
        let (a, b) = (view(&format!("{long}_a")), view(&format!("{long}_b")));
        let names = [job_name(&a), job_name(&b), numbered_name(&a, 2), numbered_name(&b, 2), numbered_name(&a, 12)];
        assert!(names.iter().all(|n| n.len() <= ROOM), "{names:?}");
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }
}
