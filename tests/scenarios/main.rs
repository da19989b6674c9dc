//! Every cause made for real: each scenario is started, the real `mvtop check --json` must give its code, its sentence and
//! its remedy, and the console's banner must say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod expected;
mod jobs;
mod minute;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use mvtop::app::model::Settings as ModelSettings;
use mvtop::app::{Model, Msg, update};
use mvtop::demo::scenarios::{ALL, ELSEWHERE, Scenario};
use mvtop::demo::{Demo, Options};
use mvtop::domain::diagnosis::CauseCode;
use mvtop::domain::snapshot::Snapshot;
use mvtop::pg::conninfo::{Environment, Target};
use mvtop::theme::Theme;
use mvtop::watch::{Settings, start};
use mvtop::{report, ui};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::Value;
use tokio::sync::Semaphore;

use expected::EXPECTED;

const MVTOP: &str = env!("CARGO_BIN_EXE_mvtop");
/// A demo mostly waits for its looks, one a second: so many keep two cores busy.
const AT_A_TIME: usize = 6;
/// What shows only over time: it comes three seconds after somebody began to look.
const WATCHED: [&str; 2] = ["bulk_write", "stale_install"];
const VIEW: &str = "public.mv_conversaciones_dashboard";

#[test]
fn every_cause_has_a_scenario_or_a_reason_why_it_cannot_be_made_here() {
    let mut made: Vec<&str> = ALL.iter().map(|s| s.name).chain(ELSEWHERE.iter().map(|(name, _)| *name)).collect();
    let mut codes: Vec<&str> = CauseCode::ALL.iter().map(|c| c.code()).collect();
    made.sort();
    codes.sort();
    assert_eq!(made, codes);
    assert!(ALL.iter().all(|s| EXPECTED.iter().any(|e| e.0 == s.name)), "each has its expectation");
}

#[test]
fn the_list_names_each_scenario_in_one_line_and_a_wrong_name_points_to_it() {
    for arguments in [&["demo", "--list"][..], &["demo", "--scenario", "list"]] {
        let out = Command::new(MVTOP).args(arguments).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.success());
        assert_eq!(text.lines().count(), CauseCode::ALL.len(), "{text}");
    }
    let out = Command::new(MVTOP).args(["demo", "--scenario", "mondays"]).output().unwrap();
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("--list"), "{out:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scenario_is_told_by_check_and_by_the_console_with_its_code_sentence_and_remedy() {
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let tests: Vec<_> = ALL.iter().map(|scenario| tokio::spawn(tried(scenario, room.clone()))).collect();
    let mut wrong = Vec::new();
    for (test, scenario) in tests.into_iter().zip(ALL) {
        match test.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => wrong.push(format!("{}: {why}", scenario.name)),
            Err(panic) => wrong.push(format!("{}: {panic}", scenario.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn tried(scenario: &'static Scenario, room: Arc<Semaphore>) -> Result<(), String> {
    let _room = room.acquire().await.unwrap();
    let options = Options { rows: 400, traffic: false, scenario: Some(scenario), ..Options::default() };
    let demo = Demo::start(&options, |_| ()).await.map_err(|e| e.to_string())?;
    let conninfo = demo.conninfo().to_string();
    let checking = tokio::task::spawn_blocking({
        let conninfo = conninfo.clone();
        move || checked(scenario.name, &conninfo)
    });
    let (checked, said) = tokio::join!(checking, banner_says_it(scenario.name, &conninfo));
    let outcome = checked.map_err(|e| e.to_string()).and_then(|outcome| outcome).and(said);
    // Stopping a server blocks.
    tokio::task::spawn_blocking(move || drop(demo)).await.map_err(|e| e.to_string())?;
    outcome
}

/// What `check` says, tried again while what shows only over time has not come yet.
fn checked(name: &str, conninfo: &str) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(if WATCHED.contains(&name) { 60 } else { 0 });
    loop {
        let mut check = Command::new(MVTOP);
        check.args(["check", conninfo, "--json", "--timeout", "20s"]).stdin(Stdio::null());
        if WATCHED.contains(&name) {
            check.args(["--watch", "10s"]);
        }
        let out = check.output().map_err(|e| e.to_string())?;
        let json: Value = serde_json::from_slice(&out.stdout).map_err(|e| format!("{e}: {out:?}"))?;
        match meets(name, &json, out.status.code()) {
            Err(_) if Instant::now() < deadline => {}
            outcome => return outcome,
        }
    }
}

fn meets(name: &str, json: &Value, exit: Option<i32>) -> Result<(), String> {
    let &(_, verdict, words, remedy) = EXPECTED.iter().find(|e| e.0 == name).ok_or("nothing is expected of it")?;
    let view = json["views"].as_array().and_then(|views| views.iter().find(|v| v["view"] == VIEW));
    let causes = view.and_then(|v| v["causes"].as_array()).cloned().unwrap_or_default();
    let cause = causes.iter().chain([&json["problem"]]).find(|c| c["code"] == name);
    let cause = cause.ok_or_else(|| format!("not among the causes: {causes:?} {:?}", json["problem"]))?;
    let text = cause["text"].as_str().unwrap_or_default();
    if !text.contains(words) {
        return Err(format!("its sentence is {text}"));
    }
    if cause["remedy"].as_str().unwrap_or_default() != remedy {
        return Err(format!("its remedy is {}", cause["remedy"]));
    }
    let said = view.map_or(&json["verdict"], |v| &v["verdict"]);
    if *said != verdict {
        return Err(format!("the verdict is {said}, exit code {exit:?}"));
    }
    Ok(())
}

/// The console, drawn from a Snapshot of the same database.
async fn banner_says_it(name: &str, conninfo: &str) -> Result<(), String> {
    let target = Target::resolve(Some(conninfo), &[], &Environment::default()).map_err(|e| e.to_string())?;
    // A wait or a bulk write that is over before anybody looks is for `check --watch` alone. And where another view is
    // the cause, the banner tells of that one.
    if WATCHED.contains(&name) || name == "reads_stale_view" {
        return Ok(());
    }
    let mut watch = start(Settings { only: vec![VIEW.into()], ..Settings::new(target) });
    let snapshot = report::check::take(&mut watch, Duration::ZERO, Duration::from_secs(20)).await;
    let model = console(snapshot);
    let report = model.selected_report();
    let cause = report.and_then(|r| r.causes.iter().find(|c| c.code.code() == name));
    let sentence = cause.map(|c| c.text.clone()).or_else(|| {
        let down = model.diagnosis.server.as_ref()?;
        Some(down.text.trim_start_matches("No connection: ").to_string())
    });
    let sentence = sentence.ok_or("the console knows no such cause")?;
    let banner = banner(&model);
    if banner.contains(&sentence) { Ok(()) } else { Err(format!("the banner lacks “{sentence}”:\n{banner}")) }
}

fn console(snapshot: Arc<Snapshot>) -> Model {
    let settings = ModelSettings { place: "crm".into(), themes: vec!["night".into()], ..ModelSettings::default() };
    // Wide, so that no sentence is cut.
    let mut model = Model::new(settings, 0, (320, 50), Utc::now());
    update(&mut model, Msg::Snapshot(snapshot));
    model
}

fn banner(model: &Model) -> String {
    let theme = Theme::builtin().remove(0);
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| ui::draw(model, &theme, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..4).map(|y| row(y) + "\n").collect()
}
