//! A mistake is shown with its place and the nearest right word; what may be a password is never repeated.

use super::refusal;

#[test]
fn a_mistake_has_its_line_its_column_and_the_nearest_right_word() {
    let cases = [
        ("theem = \"night\"", "FILE:1:1: unknown key \"theem\"; did you mean \"theme\"?"),
        ("\n[vews.\"public.mv\"]\nlimit = \"5m\"", "FILE:2:2: unknown key \"vews\"; did you mean \"views\"?"),
        ("[views.mv]\nlimt = \"5m\"", "FILE:2:1: unknown key for a view \"limt\"; did you mean \"limit\"?"),
        ("[views.mv]\nlimit = 5", "FILE:2:9: views.mv.limit must be a length of time with its unit"),
        ("[views.mv]\nlimit = \"never\"", "FILE:2:9: views.mv.limit must be a length of time with its unit"),
        ("[views.mv]\ngroups = [1]", "FILE:2:10: views.mv.groups must be a list of columns"),
        ("[views.mv]\ngroups = [\"a\", \"b\", \"c\"]", "FILE:2:10: groups takes two columns at most"),
        ("[views.mv]\ntolerance = \"5 rows\"", "FILE:2:13: views.mv.tolerance must be a number of rows, or a share"),
        ("[views.mv]\ntolerance = -1", "FILE:2:13: views.mv.tolerance must be a number of rows, or a share"),
        ("[views.mv]\nscheduled = \"here\"", "FILE:2:13: views.mv.scheduled must be \"elsewhere\""),
        ("[views]\nmv = 3", "FILE:2:6: views takes a table of its own for each view"),
        ("[keys]\nrefesh = \"r\"", "FILE:2:1: unknown action \"refesh\"; did you mean \"refresh\"?"),
        ("[keys]\nzoom = \"Ctrl-m\"", "FILE:2:8: unknown key \"Ctrl-m\"; did you mean \"Enter\"?"),
        ("[keys]\nrefresh = \"Spcae\"", "FILE:2:11: unknown key \"Spcae\"; did you mean \"Space\"?"),
        ("[jump]\nCtrl-bb = \"BOOM\"", "FILE:2:11: unknown key \"Ctrl-bb\""),
        ("[keys]\nzoom = \"r\"", "FILE:2:8: the key r means refresh and zoom; give one of them another key"),
        ("[jump]\nr = \"VEN\"", "FILE:2:5: the key r means refresh and jump to VEN; give one of them another key"),
        ("budget = 0", "FILE:1:10: budget must be a percentage above 0 and up to 100"),
        ("read_only = \"yes\"", "FILE:1:13: read_only must be true or false"),
        ("statement_timeout = \"500us\"", "FILE:1:21: statement_timeout must be a length of time"),
        ("statement_timeout = \"0s\"", "FILE:1:21: statement_timeout must be a length of time"),
        ("[theme]\nname = \"night\"", "FILE:2:8: theme takes one value, not a table"),
        ("[profiles.prod]\ncolour = \"rde\"", "FILE:2:10: unknown colour \"rde\"; did you mean \"red\"?"),
        ("[profiles.prod]\nconinfo = \"\"", "FILE:2:1: unknown key \"coninfo\"; did you mean \"conninfo\"?"),
        ("[profiles.prod]\nkeys.zoom = \"r\"", "FILE:2:13: the key r means"),
        ("[keys]\ndialog_confirm = \"r\"", "FILE:2:18: the key r would start refresh and confirm it"),
        ("[profiles]\nprod = 3", "FILE:2:8: profiles takes a table of its own for each profile"),
        ("theme = \"night", "FILE:1:15: this is not valid TOML: "),
    ];
    for (text, start) in cases {
        let said = refusal(text);
        assert!(said.starts_with(start), "{text}\nsaid   {said}\nwanted {start}");
    }
}

#[test]
fn a_password_is_never_repeated() {
    let secret = "hunter2";
    for text in [
        "[profiles.prod]\nconninfo = postgresql://ana:hunter2@db/crm",
        "[profiles.prod]\nconninfo = \"postgresql://ana:hunter2@db/crm",
        "[profiles.prod]\nconninfo = [\"postgresql://ana:hunter2@db/crm\"]",
        "[profiles.prod]\nconninfo.password = \"hunter2\"",
        "[profiles.prod]\nconinfo = \"password=hunter2\"",
        "[profiles.prod]\n\"postgresql://ana:hunter2@db/crm\" = 1",
        "[profiles.prod]\npostgresql://ana:hunter2@db/crm",
        "[profiles.prod]\nconninfo = 'password=hunter2' x",
        "[profiles.prod]\nread_dsn = 5 # hunter2",
        "conninfo = \"password=hunter2\"",
        "theme = true\n[profiles.prod]\nconninfo = \"password=hunter2\"",
    ] {
        let said = refusal(text);
        assert!(!said.contains(secret), "{text}\nsaid {said}");
    }
}
