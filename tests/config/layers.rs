//! Defaults ← file ← profile ← environment ← flags, and where each value comes from.

use std::time::Duration;

use chrono::TimeDelta;
use mvtop::config::{Given, Origin, load};
use mvtop::domain::rules::{Bound, Label};
use mvtop::domain::tolerance::Tolerance;
use mvtop::domain::view::ViewName;
use mvtop::keys::Action;

use super::{File, config};

const LAYERED: &str = "theme = \"night\"\nbudget = 3\n[profiles.prod]\nbudget = 4\nread_only = true\n";

fn environment(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
}

#[test]
fn each_layer_wins_over_the_one_below_and_is_remembered() {
    let file = File::new(LAYERED);
    let flag = || vec![("budget", "--budget", "6".to_string())];
    let set = [("MVTOP_BUDGET", "5")];
    let cases: [(Option<&str>, bool, bool, f64, &str); 5] = [
        (None, false, false, 3.0, "config.toml:2"),
        (Some("prod"), false, false, 4.0, "config.toml:4"),
        (Some("prod"), true, false, 5.0, "env MVTOP_BUDGET"),
        (None, true, true, 6.0, "--budget"),
        (Some("prod"), false, true, 6.0, "--budget"),
    ];
    for (word, has_variable, has_flag, budget, origin) in cases {
        let flags = if has_flag { flag() } else { Vec::new() };
        let given = Given { word, flags, ..file.given() };
        let variable = |name: &str| {
            let (known, value) = set[0];
            (has_variable && name == known).then(|| value.to_string())
        };
        let config = load(&given, variable).unwrap();
        assert_eq!(config.settings.budget, budget);
        assert!(config.origin("budget").unwrap().to_string().ends_with(origin), "{:?}", config.origin("budget"));
        assert_eq!(config.settings.theme, "night");
        assert_eq!(config.origin("statement_timeout"), Some(&Origin::Default));
        assert_eq!(config.settings.read_only, word.is_some());
    }
}

#[test]
fn an_empty_variable_is_none_and_a_wrong_one_is_named() {
    let file = File::new("");
    let config = load(&file.given(), environment(&[("MVTOP_THEME", ""), ("MVTOP_READ_ONLY", "yes")])).unwrap();
    assert_eq!((config.settings.theme.as_str(), config.settings.read_only), ("terminal", true));
    let wrong = load(&file.given(), environment(&[("MVTOP_BUDGET", "lots")])).map(|_| ()).unwrap_err().to_string();
    assert_eq!(wrong, "env MVTOP_BUDGET: budget must be a percentage above 0 and up to 100");
}

#[test]
fn mvtop_config_names_the_file_and_a_named_file_must_exist_while_the_usual_one_need_not() {
    let file = File::new("budget = 7");
    let path = file.path().display().to_string();
    let config = load(&Given::default(), |name| (name == "MVTOP_CONFIG").then(|| path.clone())).unwrap();
    assert_eq!(config.settings.budget, 7.0);
    let nowhere = Given { file: Some("/nowhere/config.toml".into()), ..Given::default() };
    let said = load(&nowhere, |_| None).map(|_| ()).unwrap_err().to_string();
    assert!(said.starts_with("the configuration /nowhere/config.toml cannot be read"), "{said}");
}

#[test]
fn what_is_said_of_a_view_holds_for_it_by_either_name() {
    let config = config(
        "limit = \"1d\"\n[views.\"public.mv\"]\nlimit = \"none\"\ngroups = [\"etapa\", \"zona\"]\ntolerance = \"0.5%\"\n\
         scheduled = \"elsewhere\"\nrefresh_columns = \"hecho\"\nlabels.etapa = \"etapa_nombre\"\n\
         labels.zona = \"SELECT id, nombre FROM public.zonas;\"\n[views.otra]\ntolerance = 12\n",
    );
    let book = config.settings.rulebook();
    let of = |schema: &str, name: &str| book.of(&ViewName { schema: schema.into(), name: name.into() });
    let rules = of("public", "mv");
    assert_eq!((rules.limit, rules.elsewhere), (Some(Bound::Never), true));
    assert_eq!(rules.groups, Some(vec!["etapa".to_string(), "zona".to_string()]));
    assert_eq!(rules.refresh_columns, Some(vec!["hecho".to_string()]));
    assert_eq!(rules.tolerance.map(|t| t.rows(1_000)), Some(5));
    assert_eq!(rules.labels["etapa"], Label::Column("etapa_nombre".into()));
    assert_eq!(rules.labels["zona"], Label::Query("SELECT id, nombre FROM public.zonas".into()));
    assert_eq!(of("ventas", "otra").tolerance, Some(Tolerance::Rows(12)));
    let usual = of("ventas", "mv");
    assert_eq!((usual.limit, usual.usual), (None, Bound::Within(TimeDelta::days(1))));
}

#[test]
fn with_ctrl_a_capital_letter_is_the_small_one_as_terminals_report_it() {
    let keys = config("[keys]\nquit = [\"Ctrl-Q\"]\n").settings.keymap().unwrap();
    assert_eq!(keys.key(Action::Quit), "Ctrl-q");
}

#[test]
fn keys_are_bound_by_the_actions_name_and_groups_by_theirs() {
    let config = config("[keys]\nrefresh = [\"F5\", \"r\"]\nzoom = []\n[jump]\nb = \"\"\nm = \"Ventas México\"\n");
    let keys = config.settings.keymap().unwrap();
    assert_eq!((keys.key(Action::Refresh), keys.key(Action::Zoom)), ("F5", ""));
    assert_eq!((keys.jump(0), keys.jump(1), keys.jump(2)), (Some("Ventas México"), Some("VEN"), None));
}

#[test]
fn a_profile_has_its_connection_and_anything_else_for_itself_only() {
    let text = "[profiles.prod]\nconninfo = \"host=db user=ana\"\ncolour = \"#ff0000\"\nstatement_timeout = \"2m\"\n\
                keys.refresh = \"F5\"\n[profiles.prod.views.mv]\ntolerance = 3\n[profiles.staging]\n";
    let file = File::new(text);
    let prod = load(&Given { word: Some("prod"), ..file.given() }, |_| None).unwrap();
    assert_eq!(prod.profile.as_deref(), Some("prod"));
    assert_eq!(prod.settings.statement_timeout, Duration::from_secs(120));
    assert!(prod.settings.colour.is_some() && prod.settings.views.contains_key("mv"));
    let none = file.load().unwrap();
    assert_eq!(none.settings.statement_timeout, Duration::from_secs(30));
    assert!(none.settings.colour.is_none() && none.settings.views.is_empty());
}

#[test]
fn a_word_near_a_profile_is_asked_about_and_any_other_is_a_database() {
    let file = File::new("[profiles.prod]\nread_only = true\n[profiles.staging]\nread_only = true\n");
    let named = |word: &'static str| load(&Given { word: Some(word), ..file.given() }, |_| None);
    let said = named("stagin").map(|_| ()).unwrap_err().to_string();
    assert_eq!(said, "there is no profile \"stagin\"; did you mean \"staging\"? A database of that name: -d stagin");
    for database in ["crm", "dbname=prod", "postgresql://prod", "/prod"] {
        assert_eq!(named(database).unwrap().profile, None, "{database}");
    }
}

#[test]
fn what_is_in_force_is_printed_with_its_origin_as_a_file_that_says_the_same_but_no_secret() {
    let file = File::new(
        "budget = 2.5\n[profiles.prod]\nconninfo = \"host=db password=hunter2\"\n\
         read_dsn = \"postgresql://u:hunter2@r/db\"\n[profiles.prod.views.\"a.b\"]\nlabels.x = \"SELECT 1, 2\"\n",
    );
    let given = Given { word: Some("prod"), ..file.given() };
    let config = load(&given, environment(&[("MVTOP_THEME", "night")])).unwrap();
    let shown = config.show();
    for line in ["theme = \"night\" # env MVTOP_THEME", "[views.\"a.b\"]", "refresh = [\"r\"] # default"] {
        let squeezed = shown.lines().any(|l| l.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(squeezed, "{line} is not in\n{shown}");
    }
    assert!(shown.contains("config.toml:1") && shown.contains("# profiles: prod; prod is used"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let again: String = shown.lines().filter(|l| !l.contains("(not shown)")).map(|l| format!("{l}\n")).collect();
    let again = super::config(&again).settings;
    assert_eq!((again.budget, again.theme.as_str()), (2.5, "night"));
    assert_eq!(
        (again.keys, again.jump, again.views),
        (config.settings.keys.clone(), config.settings.jump.clone(), config.settings.views.clone())
    );
    assert_eq!(config.warnings.len(), 1, "others may read the password");
}
