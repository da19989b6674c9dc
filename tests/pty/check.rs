//! `mvtop check` on the incident and after it: exit code, text, and every key of the JSON.

use std::process::Output;

use serde_json::Value;

use crate::stage::{Stage, VIEW};

#[test]
fn check_says_what_the_console_says_before_and_after_a_refresh() {
    let stage = Stage::new();
    let before = stage.check(&["--json"]);
    assert_eq!(before.status.code(), Some(2), "{before:?}");
    let document = json(&before);
    assert_eq!(document["verdict"], "critical");
    let view = only_view(&document);
    assert_eq!(view["cause"]["code"], "never_scheduled");
    assert_eq!([group(view, "BOOM"), group(view, "VEN")], [(0, 29), (166, 0)]);
    assert_eq!(moved_from_osmara(view), 166);
    has_every_key(&document);
    is_text(&stage);
    names_are_looked_up(&stage);

    stage.session().run(&format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}"));
    let after = stage.check(&["--json"]);
    assert_eq!(after.status.code(), Some(1), "{after:?}");
    let document = json(&after);
    assert_eq!(document["verdict"], "warning");
    let view = only_view(&document);
    assert_eq!(group(view, "BOOM"), (29, 29));
    assert_eq!(group(view, "VEN"), (0, 0));
    assert_eq!(view["drift"]["flow"], Value::Array(Vec::new()));
    has_every_key(&document);
}

/// The view that does not exist is named, the one that does is found.
fn names_are_looked_up(stage: &Stage) {
    let unknown = stage.check(&["--view", "mv_of_nobody"]);
    assert_eq!(unknown.status.code(), Some(3));
    let said = String::from_utf8(unknown.stdout).unwrap();
    assert_eq!((said.lines().count(), unknown.stderr.len()), (1, 0), "{said}");
    assert!(said.starts_with("UNKNOWN - ") && said.contains("mv_of_nobody"), "{said}");
    for name in [VIEW, &format!("public.{VIEW}")] {
        assert_eq!(stage.check(&["--view", name]).status.code(), Some(2), "{name}");
    }
    let half = stage.check(&["--view", VIEW, "--view", "mv_of_nobody", "--json"]);
    assert_eq!(half.status.code(), Some(3), "a name that is wrong is not passed over");
}

fn is_text(stage: &Stage) {
    let output = stage.check(&[]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(&format!("CRITICAL - {VIEW} is wrong: 258 of 3,230 misplaced")), "{text}");
    let first = text.lines().next().unwrap();
    assert!(first.contains(" | age=") && first.contains("s;300;;0 wrong="), "figures as plugins have them: {first}");
    let there = format!("'{}' --view public.{VIEW}", stage.conninfo());
    let remedy = format!("remedy: mvtop fix refresh {there}, then mvtop fix cron {there}");
    for part in
        ["Osmara Partida sees VEN 166 instead of 0", "No cron job refreshes it.", "limit 5m", "moved 230", &remedy]
    {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(output.stderr.is_empty());
}

fn json(output: &Output) -> Value {
    assert!(output.stderr.is_empty(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn only_view(document: &Value) -> &Value {
    let views = document["views"].as_array().unwrap();
    assert_eq!(views.len(), 1);
    assert_eq!(views[0]["view"], format!("public.{VIEW}"));
    &views[0]
}

/// Osmara's rows in a coordinación: view, live. No group at all is none on both sides.
fn group(view: &Value, coordinacion: &str) -> (i64, i64) {
    let groups = view["drift"]["groups"].as_array().unwrap();
    let hers = groups.iter().find(|g| g["labels"][0] == "Osmara Partida" && g["labels"][1] == coordinacion);
    hers.map_or((0, 0), |g| (g["view"].as_i64().unwrap(), g["live"].as_i64().unwrap()))
}

fn moved_from_osmara(view: &Value) -> i64 {
    let flow = view["drift"]["flow"].as_array().unwrap();
    flow.iter().filter(|f| f["from"]["labels"][0] == "Osmara Partida").map(|f| f["rows"].as_i64().unwrap()).sum()
}

/// The keys that the issue names, and how they are written.
fn has_every_key(document: &Value) {
    let view = only_view(document);
    for key in ["view", "populated", "view_rows", "live_rows", "freshness", "drift", "job", "cause"] {
        assert!(view.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(
        (&view["populated"], &view["view_rows"], &view["live_rows"]),
        (&true.into(), &3230.into(), &3230.into())
    );
    let freshness = &view["freshness"];
    for key in ["age_s", "limit_s"] {
        assert!(freshness[key].is_number(), "{key} is no number: {freshness}");
    }
    for time in [&freshness["refreshed_at"], &document["at"], &view["drift"]["measured_at"]] {
        let time = time.as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
    }
    assert!(freshness["source"].is_string() && freshness["state"].is_string());
    for key in ["missing", "gone", "moved", "changed"] {
        assert!(view["drift"][key].is_u64(), "{key}: {}", view["drift"][key]);
    }
    for group in view["drift"]["groups"].as_array().unwrap() {
        assert!(group["keys"].is_array() && group["labels"].is_array(), "{group}");
        assert!(group["view"].is_u64() && group["live"].is_u64(), "{group}");
    }
    for flow in view["drift"]["flow"].as_array().unwrap() {
        assert!(flow.get("from").is_some() && flow.get("to").is_some() && flow["rows"].is_u64(), "{flow}");
    }
    assert!(view["cause"]["code"].is_string() && view["cause"]["text"].is_string());
    keys_are_snake_case(document);
}

fn keys_are_snake_case(value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            assert!(key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{key}");
            keys_are_snake_case(value);
        }),
        Value::Array(values) => values.iter().for_each(keys_are_snake_case),
        _ => {}
    }
}
