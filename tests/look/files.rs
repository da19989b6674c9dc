//! A faulty theme file is refused with its place and a proposal, and a user's own themes are found.

use std::path::Path;

use mvtop::theme::{Theme, ThemeError};
use ratatui::style::{Color, Modifier, Style};

const HEAD: &str = "name = \"mine\"\nappearance = \"dark\"\nextends = \"night\"\n";

fn refusal(text: &str) -> String {
    Theme::parse(text, Path::new("mine.toml")).unwrap_err().to_string()
}

#[test]
fn a_short_file_changes_a_colour_everywhere() {
    let theme = Theme::parse(
        &format!("{HEAD}[palette]\nrose = \"#ff0077\"\n[roles]\nok = {{ like = \"accent\", bold = false }}"),
        Path::new("mine.toml"),
    )
    .unwrap();
    let rose = Some(Color::Rgb(255, 0, 0x77));
    assert_eq!((theme.critical.fg, theme.badge_critical.bg, theme.danger.fg), (rose, rose, rose));
    assert_eq!(theme.ok, Style::new().fg(theme.accent.fg.unwrap()).remove_modifier(Modifier::BOLD));
}

#[test]
fn a_faulty_theme_is_refused_with_its_place_and_the_nearest_word() {
    let cases = [
        ("[roles]\ntitel = \"sky\"", "mine.toml:5:1: unknown role \"titel\"; did you mean \"title\"?"),
        ("[roles]\ntitle = \"skye\"", "mine.toml:5:9: unknown colour \"skye\"; did you mean \"sky\"?"),
        ("[palette]\nsky = \"bleu\"", "mine.toml:5:7: unknown colour \"bleu\"; did you mean \"blue\"?"),
        ("[palette]\nsky = \"#12345\"", "mine.toml:5:7: unknown colour \"#12345\"; write one of #rrggbb, "),
        (
            "[roles]\nok = { fg = \"sky\", blod = true }",
            "mine.toml:5:20: unknown word for a role \"blod\"; did you mean \"bold\"?",
        ),
        ("[roles]\nok = { bold = 1 }", "mine.toml:5:15: bold must be true or false"),
        ("[roles]\nok = { like = \"okay\" }", "mine.toml:5:15: unknown role \"okay\""),
        (
            "[roles]\nok = { like = \"key\" }\nkey = { like = \"ok\" }",
            "mine.toml:6:1: the role \"key\" ends up being like itself",
        ),
        ("[roles]\nok = 7", "mine.toml:5:6: ok must be a colour in quotes"),
        ("[role]\nok = \"sky\"", "mine.toml:4:2: unknown key \"role\"; did you mean \"roles\"?"),
        ("[roles]\nok = \"sky", "mine.toml:5:10: this is not valid TOML"),
    ];
    for (text, start) in cases {
        let said = refusal(&format!("{HEAD}{text}"));
        assert!(said.starts_with(start), "said   {said}\nwanted {start}");
    }
}

#[test]
fn the_top_of_the_file_is_checked_too() {
    let wrong_base = "name = \"mine\"\nappearance = \"dark\"\nextends = \"nigth\"";
    assert_eq!(refusal(wrong_base), "mine.toml:3:11: unknown built-in theme \"nigth\"; did you mean \"night\"?");
    let wrong_ground = "name = \"mine\"\nappearance = \"drak\"";
    assert_eq!(
        refusal(&format!("{wrong_ground}\nextends = \"night\"")),
        "mine.toml:2:14: unknown appearance \"drak\"; did you mean \"dark\"?"
    );
    assert_eq!(
        refusal("appearance = \"dark\""),
        "mine.toml:1:1: the theme has no \"name\"; add it at the top of the file"
    );
}

#[test]
fn a_theme_without_a_role_is_refused_and_told_which() {
    let night = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("themes/night.toml")).unwrap();
    let without: String =
        night.lines().filter(|line| !line.starts_with("gone")).map(|line| format!("{line}\n")).collect();
    let said = refusal(&without);
    assert!(said.starts_with("mine.toml:23:1: no style for gone; add it to [roles]"), "{said}");
}

#[test]
fn a_users_theme_wins_over_a_built_in_one_and_a_broken_neighbour_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("night.toml", &HEAD.replace("mine", "night"));
    write("broken.toml", "name = ");
    write("notes.txt", "not a theme");
    let (themes, faults) = Theme::load_dir(folder.path());
    assert_eq!((themes.len(), faults.len()), (1, 1));
    assert!(faults[0].to_string().contains("broken.toml:1:"), "{}", faults[0]);
    assert!(Theme::named("night", Some(folder.path())).is_ok());
    assert!(matches!(Theme::named("broken", Some(folder.path())), Err(ThemeError::Faulty { .. })));
    let said = Theme::named("nihgt", Some(folder.path())).unwrap_err().to_string();
    assert_eq!(said, "there is no theme called \"nihgt\"; did you mean \"night\"?");
    assert!(Theme::load_dir(&folder.path().join("nowhere")).0.is_empty());
}
