//! The sentences that say what a role or a server cannot do; those that need a server no test can make are here.

use std::sync::Arc;

use mvtop::domain::reading::{Problem, ProblemKind};
use mvtop::domain::rights::{cannot_compare, no_jobs, no_refresh, off};
use mvtop::domain::server::Cron;
use mvtop::domain::snapshot::ViewState;
use mvtop::domain::view::View;

use crate::scene::*;

#[test]
fn each_way_of_not_having_pg_cron_is_told_apart() {
    let said = |cron| {
        let mut snapshot = healed_snapshot();
        Arc::make_mut(snapshot.server.as_mut().unwrap()).cron = cron;
        no_jobs(&snapshot).unwrap()
    };
    let ways = [
        (Cron::Absent, "not installed on this server"),
        (Cron::NotLoaded, "shared_preload_libraries"),
        (Cron::NotCreated, "CREATE EXTENSION pg_cron was never run"),
        (Cron::Hidden, "hidden from postgres"),
        (Cron::Elsewhere("otra".into()), "in the database otra"),
        (Cron::Forbidden, "USAGE on the schema cron"),
    ];
    for (cron, says) in ways {
        let said = said(cron);
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(no_jobs(&healed_snapshot()), None);
}

#[test]
fn from_17_a_refresh_needs_maintain_and_before_the_owner() {
    let foreign = View { can_refresh: false, ..view() };
    let needs =
        |version_num| no_refresh(&mvtop::domain::server::Server { version_num, ..server() }, &foreign).unwrap().why;
    assert!(needs(160_004).contains("owner or a member"));
    assert!(needs(170_000).contains("MAINTAIN"));
    assert_eq!(no_refresh(&server(), &view()), None);
}

#[test]
fn a_right_that_is_missing_is_named_and_row_security_is_never_drift() {
    let view = View { lacks: vec!["USAGE on the schema x".into(), "SELECT on a, b".into()], ..view() };
    let state = ViewState::new(Arc::new(view));
    let why = |kind| cannot_compare(Some(&server()), &state, &Problem { kind, text: "what the server says".into() });
    assert_eq!(why(ProblemKind::Permission), "postgres needs USAGE on the schema x and SELECT on a, b");
    assert!(why(ProblemKind::RowSecurity).contains("would look like drift (what the server says)"));
    assert_eq!(why(ProblemKind::Timeout), "what the server says");
}

#[test]
fn for_who_may_everything_nothing_is_off() {
    assert_eq!(off(&healed_snapshot()), []);
}
