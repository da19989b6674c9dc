//! What `check` prints: its first line as monitoring plugins read it, and what it says where there is nothing to look at.

use clap::Parser;
use mvtop::cli::{Cli, Command};
use mvtop::domain::diagnosis::{Verdict, diagnose};
use mvtop::domain::freshness::LimitSource;
use mvtop::domain::rules::Bound;
use mvtop::domain::snapshot::Snapshot;
use mvtop::domain::view::{Trigger, ViewName};
use mvtop::report::check;

use crate::causes::with_view;
use crate::many::many;
use crate::scene::*;

fn said(snapshot: &Snapshot) -> (Verdict, String) {
    let diagnosis = diagnose(snapshot, night());
    let (views, _) = check::chosen(snapshot, &[]);
    (check::verdict(&diagnosis, &views), check::text(snapshot, &diagnosis, &views, &[]))
}

#[test]
fn the_first_line_says_how_many_of_how_many_and_the_worst_with_the_figures_of_each() {
    let (verdict, text) = said(&many(3));
    let first = text.lines().next().unwrap();
    assert_eq!(verdict, Verdict::Critical);
    assert!(first.starts_with("CRITICAL - 1 of 3 views is not as it should be: mv_001 is wrong: 194 of"), "{first}");
    assert!(first.contains(" | 'mv_000 age'=120s;"), "{first}");
    assert!(first.contains("'mv_001 wrong'=394;;;0") && first.ends_with("'mv_002 wrong'=0;;;0"), "{first}");
    assert_eq!(text.matches('|').count(), 1, "{text}");
}

#[test]
fn a_database_without_a_view_is_not_well() {
    let empty = Snapshot { views: Vec::new(), ..incident_snapshot() };
    let (verdict, text) = said(&empty);
    assert_eq!(verdict, Verdict::Unknown);
    assert!(text.starts_with("UNKNOWN - the database crm has no materialized view"), "{text}");
}

#[test]
fn no_name_reaches_the_terminal_as_it_is() {
    let named = with_view(incident_snapshot(), |v| {
        let mut view = (*v.view).clone();
        view.name = ViewName { schema: "public".into(), name: "mv\u{1b}[2J\nOK - |x".into() };
        v.view = view.into();
    });
    let (_, text) = said(&named);
    assert!(text.starts_with("CRITICAL - mv<U+001B>[2J⏎OK - ¦x is wrong"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("\nOK"), "{text}");
}

#[test]
fn a_configured_limit_wins_over_triggers_that_keep_the_view() {
    let kept = |limit: Option<Bound>| {
        with_view(healed_snapshot(), |v| {
            let trigger = Trigger {
                table: TABLE,
                name: "t".into(),
                body: String::new(),
                search_path: None,
                enabled: true,
                writes: 28,
            };
            let mut view = (*v.view).clone();
            view.triggers = vec![trigger];
            v.view = view.into();
            std::sync::Arc::make_mut(&mut v.rules).limit = limit;
        })
    };
    let source = |limit| diagnose(&kept(limit), night()).views[0].freshness.limit.source;
    assert_eq!(source(None), LimitSource::Triggers);
    assert_eq!(source(Some(Bound::Within(chrono::TimeDelta::hours(1)))), LimitSource::Configured);
}

#[test]
fn what_helps_leads_to_the_same_server_and_tells_no_password() {
    let words = |line: &[&str]| {
        let Ok(Cli { command: Some(Command::Check(args)), .. }) =
            Cli::try_parse_from([&["mvtop", "check"], line].concat())
        else {
            panic!("{line:?} is no check")
        };
        args.connect.words()
    };
    assert_eq!(words(&[]), [""; 0]);
    assert_eq!(words(&["prod", "--view", "v"]), ["prod"]);
    assert_eq!(
        words(&["-d", "crm", "-h", "db1", "-U", "ana", "-p", "6543"]),
        "-h db1 -p 6543 -U ana -d crm".split(' ').collect::<Vec<_>>()
    );
    for open in ["postgresql://ana@db1/crm", "host=db1 user=ana"] {
        assert_eq!(words(&[open]), [open]);
    }
    assert_eq!(words(&["-d", "postgres://ana:s3cret@db1/crm"]), ["-d", "CONNINFO"]);
    for secret in
        ["postgres://ana:s3cret@db1/crm", "postgres://db1/?user=ana&PASSWORD=x", "host=db1 password = 's3cret'"]
    {
        assert_eq!(words(&[secret]), ["CONNINFO"]);
    }
    let diagnosis = diagnose(&incident_snapshot(), night());
    let (snapshot, to) = (incident_snapshot(), ["host=db1 user=ana".to_string()]);
    let text = check::text(&snapshot, &diagnosis, &check::chosen(&snapshot, &[]).0, &to);
    assert!(text.contains("remedy: mvtop fix refresh 'host=db1 user=ana' --view public."), "{text}");
}
