//! The real program: profiles, `mvtop config`, completions, the man page.

use assert_cmd::Command;

use super::File;

fn mvtop(file: &File, words: &[&str]) -> (bool, String, String) {
    let mut command = Command::cargo_bin("mvtop").unwrap();
    command.env_clear().env("HOME", file.folder.path()).env("MVTOP_CONFIG", file.path());
    let output = command.args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn check_takes_a_profile_and_says_when_the_word_is_only_near_one() {
    let file = File::new("[profiles.prod]\nconninfo = \"host=/nowhere dbname=crm user=ana\"\n");
    let (_, out, _) = mvtop(&file, &["check", "prod"]);
    assert!(out.contains("UNKNOWN") && out.contains("/nowhere"), "{out}");
    let (_, out, _) = mvtop(&file, &["check", "prdo"]);
    assert!(out.starts_with("UNKNOWN - there is no profile \"prdo\"; did you mean \"prod\"?"), "{out}");
}

#[test]
fn a_check_that_cannot_begin_is_unknown_on_stdout_and_never_critical() {
    let file = File::new("");
    for (words, said) in [
        (&["check", "--timeout", "soon"][..], "invalid value 'soon'"),
        (&["check", "--timeout", "0s"], "no time to ask"),
        (&["check", "--what"], "--what"),
        (&["check", "host=h port=x"], "port"),
        (&["check", "db", "postgresql://ana:SECRET@h/db"], "unexpected argument"),
    ] {
        let mut command = Command::cargo_bin("mvtop").unwrap();
        let output = command.env_clear().env("MVTOP_CONFIG", file.path()).args(words).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {out}");
        assert!(out.starts_with("UNKNOWN - ") && out.contains(said) && !out.contains("SECRET"), "{words:?}: {out}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("SECRET"), "{words:?}");
    }
    let (_, out, _) = mvtop(&file, &["check", "--json", "host=h port=x"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["verdict"], "unknown", "{out}");
}

#[test]
fn an_empty_mvtop_log_is_none_and_init_makes_the_file_that_the_environment_names() {
    let file = File::new("");
    let new = file.folder.path().join("new.toml");
    let mut command = Command::cargo_bin("mvtop").unwrap();
    command.env_clear().env("HOME", file.folder.path()).env("MVTOP_LOG", "").env("MVTOP_CONFIG", &new);
    let said = |output: std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let err = said(command.args(["init", "host=/nowhere dbname=crm user=ana"]).output().unwrap());
    assert!(err.contains("/nowhere") && !err.contains("new.toml") && !err.contains("MVTOP_LOG"), "{err}");
}

#[test]
fn a_profile_named_like_a_command_is_refused() {
    let file = File::new("[profiles.check]\nread_only = true\n");
    let (good, _, err) = mvtop(&file, &["config"]);
    assert!(!good && err.contains("mvtop check is a command"), "{err}");
}

#[test]
fn config_prints_what_is_in_force_and_with_default_the_documented_file() {
    let file = File::new("theme = \"night\"\n");
    let (good, out, _) = mvtop(&file, &["config", "--budget", "9"]);
    assert!(good && out.contains("config.toml:1") && out.contains("# --budget"), "{out}");
    assert_eq!(mvtop(&file, &["config", "--default"]).1, mvtop::config::DEFAULT);
}

#[test]
fn an_unknown_theme_is_said_with_where_it_was_asked_for() {
    let file = File::new("\ntheme = \"nihgt\"\n");
    // Without a terminal the console does not open, but what is wrong before is said first.
    let (_, _, err) = mvtop(&file, &["host=/nowhere"]);
    assert!(err.contains("config.toml:2: there is no theme called \"nihgt\"; did you mean \"night\"?"), "{err}");
}

#[test]
fn a_theme_that_the_console_would_refuse_is_not_printed_as_in_force() {
    let file = File::new("theme = \"dya\"\n");
    let (good, out, err) = mvtop(&file, &["config"]);
    assert!(!good && out.is_empty() && err.contains("config.toml:1: there is no theme called \"dya\""), "{err}");
    assert!(mvtop(&file, &["config", "--theme", "day"]).0);
}

#[test]
fn a_faulty_theme_file_matters_only_where_it_is_the_one_wanted() {
    let file = File::new("");
    let folder = file.folder.path().join(".config/mvtop/themes");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.toml"), "name = \"mine\"\nbroken").unwrap();
    for (words, said) in [
        (&["host=/nowhere"][..], "terminal"),
        (&["--theme", "day", "host=/nowhere"], "terminal"),
        (&["--theme", "nope", "host=/nowhere"], "there is no theme called \"nope\""),
    ] {
        let (_, _, err) = mvtop(&file, words);
        assert!(err.contains(said) && !err.contains("mine.toml"), "{words:?}: {err}");
    }
    let (_, _, err) = mvtop(&file, &["--theme", "mine", "host=/nowhere"]);
    assert!(err.contains("mine.toml:2"), "{err}");
}

#[test]
fn shells_and_man_get_what_they_want() {
    let file = File::new("");
    for shell in ["bash", "zsh", "fish"] {
        let (good, out, _) = mvtop(&file, &["completions", shell]);
        assert!(good && out.contains("statement-timeout"), "{shell}");
    }
    let (good, out, _) = mvtop(&file, &["man"]);
    assert!(good && out.starts_with(".ie") && out.contains("statement\\-timeout"), "{out}");
    for said in [".SH \"MVTOP VERIFY\"", "no\\-write", "keep", ".SH \"EXIT STATUS\"", "fBmvtop check"] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let (_, fish, _) = mvtop(&file, &["completions", "fish"]);
    for word in ["triggers", "night", "never_scheduled", "launcher_dead"] {
        assert!(fish.contains(word), "{word}");
    }
}

#[test]
fn a_demo_that_cannot_be_says_why_before_anything_is_made() {
    let file = File::new("");
    let begun = std::time::Instant::now();
    let (good, _, err) = mvtop(&file, &["demo"]);
    assert!(!good && err.contains("needs a terminal") && err.contains("--serve") && !err.contains("starting"), "{err}");
    let (good, _, err) = mvtop(&file, &["demo", "--scenario", "launcher-off"]);
    assert!(!good && err.contains("it is not here: it needs pg_cron 1.6"), "{err}");
    assert!(begun.elapsed().as_secs() < 5);
}
