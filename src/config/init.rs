//! What `mvtop init` proposes: a configuration for the database at hand, every line of it a comment until a person takes
//! the `#` away.

use std::fmt::Write;

use chrono::TimeDelta;

use super::show::dotted;
use crate::domain::diagnosis::{Diagnosis, ViewReport};
use crate::domain::freshness::LimitSource;
use crate::domain::group_columns::likely;
use crate::domain::job::History;
use crate::domain::snapshot::{Snapshot, ViewState};
use crate::domain::text::visible;
use crate::domain::time::human;
use crate::keys::JUMPS;
use crate::pg::conninfo::Target;
use crate::written::quoted;

/// How many likely columns are named in a comment.
const LIKELY: usize = 6;

/// The text of the file.
pub fn proposal(snapshot: &Snapshot, diagnosis: &Diagnosis, target: &Target) -> String {
    let mut out = format!(
        "# mvtop's configuration, proposed by `mvtop init` for {}.\n\
         # Every line of it is a comment, so the file changes nothing yet: take the # away from what you want to say.\n\
         # What is marked \"in force\" holds already without it; the rest are proposals and examples.\n\
         # `mvtop config` prints what is in force, `mvtop config --default` every setting there is, explained.\n\
         # `mvtop grants` prints the SQL of two roles that have what mvtop needs here and nothing else: better than a superuser.\n\n\
         #theme = \"terminal\"       # in force; night, day, amber, paper, or one of your own\n\
         #read_only = false         # in force; true: no key changes anything\n\
         #limit = \"5m\"              # in force; how old a view may be where no job and no line below says\n\n\
         # Keys by the action's name; a key that opens a group's rows by the group's name.\n\
         #[keys]\n#refresh = [\"r\"]           # in force\n#[jump]\n{}",
        visible(&target.describe()),
        jumps(snapshot)
    );
    let history = snapshot.history.value().map(|h| &**h);
    for view in &snapshot.views {
        if let Some(report) = diagnosis.view(view.view.oid) {
            out.push_str(&self::view(view, report, history));
        }
    }
    if snapshot.views.is_empty() {
        out.push_str("\n# There is no materialized view in this database yet.\n");
    }
    out.push_str(&profile(target));
    out
}

fn view(state: &ViewState, report: &ViewReport, history: Option<&History>) -> String {
    let view = &state.view;
    let mut out = format!(
        "\n# {}: {}, {}; {}\n",
        shown(&view.name.to_string()),
        counted(view.columns.len() as u64, "column"),
        key(state),
        jobs(state, history)
    );
    let mut say = |setting: String, why: String| {
        let why = if why.is_empty() { why } else { format!("  # {why}") };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "#{setting}{why}");
    };
    say(format!("[{}]", dotted(&["views", &view.name.to_string()])), String::new());
    let (length, source) = limit(report);
    say(format!("limit = {}", quoted(&length)), source);
    let (groups, why) = groups(state);
    say(format!("groups = {}", list(&groups)), why);
    for group in view.groups.iter().filter(|g| groups.contains(&g.column)) {
        if let Some(label) = &group.label {
            say(format!("{} = {}", dotted(&["labels", &group.column]), quoted(label)), "in force".into());
        }
    }
    let stamps = if view.refresh_columns.is_empty() {
        "in force; its definition has none"
    } else {
        "in force; found in its definition"
    };
    say(format!("refresh_columns = {}", list(&view.refresh_columns)), stamps.into());
    say("tolerance = 0".into(), "in force; rows that may differ, or a share as in \"0.5%\"".into());
    if report.job.is_none() {
        say("scheduled = \"elsewhere\"".into(), "example: something outside of this database refreshes it".into());
    }
    out
}

/// The keys that open a group: those there are mean something only where there are coordinaciones.
fn jumps(snapshot: &Snapshot) -> String {
    let has_them = snapshot.views.iter().any(|v| v.view.groups.iter().any(|g| g.noun() == "coordinacion"));
    let usual = || JUMPS.iter().map(|(key, group)| format!("#{key} = {}               # in force\n", quoted(group)));
    if has_them { usual().collect() } else { "#m = \"north\"               # example\n".into() }
}

/// Names may hold anything, and a comment ends with its line.
fn shown(name: &str) -> String {
    visible(name).into_owned()
}

fn key(state: &ViewState) -> String {
    match state.view.key.as_slice() {
        [] => "no unique key".into(),
        key => {
            let names: Vec<&str> = key.iter().map(|k| k.name.as_str()).collect();
            format!("key {}", shown(&names.join(", ")))
        }
    }
}

fn jobs(state: &ViewState, history: Option<&History>) -> String {
    let Some(history) = history else { return "pg_cron's jobs cannot be read here".into() };
    let job = |job: &crate::domain::job::Job| {
        let paused = if job.active { "" } else { ", paused" };
        format!("job {} {} ({}{paused})", job.id.0, job.title(), shown(&job.schedule))
    };
    let jobs: Vec<String> = history.jobs_refreshing(&state.view.name).map(job).collect();
    if jobs.is_empty() { "no job refreshes it".into() } else { format!("refreshed by {}", jobs.join(", ")) }
}

/// The limit in force, in whole seconds, and where it comes from.
fn limit(report: &ViewReport) -> (String, String) {
    let limit = report.freshness.limit;
    let Some(length) = limit.length else { return ("none".into(), "in force; never late".into()) };
    let seconds = (length + TimeDelta::milliseconds(999)).num_seconds().max(1) as u64;
    let written = humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string();
    let source = match limit.source {
        LimitSource::Default => "the usual limit".into(),
        LimitSource::Triggers => "kept true by triggers: its age says nothing".into(),
        LimitSource::Plain => "a plain view has no age".into(),
        LimitSource::Configured => "from the configuration".into(),
        LimitSource::Job(id) => format!("{} from job {}: interval, usual duration, 30 s", human(length), id.0),
    };
    (written, format!("in force; {source}"))
}

/// The groups in use, else the two likeliest as a proposal; and the other columns with few values.
fn groups(state: &ViewState) -> (Vec<String>, String) {
    let used: Vec<String> = state.view.groups.iter().map(|g| g.column.clone()).collect();
    let likely = likely(state);
    let (mark, groups) = match (used.is_empty(), likely.is_empty()) {
        (false, _) => ("in force", used),
        (true, true) => ("in force; all rows are one group", used),
        (true, false) => {
            ("proposal; now all rows are one group", likely.iter().take(2).map(|c| c.name.clone()).collect())
        }
    };
    let others = likely.iter().filter(|c| !groups.contains(&c.name)).take(LIKELY);
    let others: Vec<String> =
        others.map(|c| format!("{} ({})", shown(&c.name), counted(c.values.unwrap_or(0), "value"))).collect();
    let others = if others.is_empty() { String::new() } else { format!("; few values: {}", others.join(", ")) };
    (groups, format!("{mark}{others}"))
}

/// `1 column`, `2 columns`.
fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
}

/// The connection as a profile, without its password.
fn profile(target: &Target) -> String {
    let value = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let joined = |part: &dyn Fn(&crate::pg::conninfo::Candidate) -> String| {
        target.candidates().iter().map(part).collect::<Vec<_>>().join(",")
    };
    let (hosts, ports) = (joined(&|c| c.host()), joined(&|c| c.port.to_string()));
    let conninfo =
        format!("host={} port={ports} dbname={} user={}", value(&hosts), value(target.dbname()), value(target.user()));
    format!(
        "\n# This connection with a name: `mvtop prod`, `mvtop check prod`. Its password belongs into ~/.pgpass.\n\
         #[profiles.prod]\n#conninfo = {}\n#colour = \"red\"             # of its name and the frames\n#read_only = true\n",
        quoted(&conninfo)
    )
}
