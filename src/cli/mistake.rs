//! A command line that cannot be read: said in words, without the passwords that stand in it.

use std::borrow::Cow;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::domain::text::{nearest, visible};

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In one line.
    pub line: String,
    /// The same with the usage, for a person.
    pub text: String,
    /// Was it a check? Monitoring reads its stdout.
    pub is_check: bool,
    /// Was JSON wanted?
    pub is_json: bool,
}

impl Mistake {
    /// What clap found in these arguments (without the program's name); `None`: it is no mistake but help or version.
    pub fn of(error: &clap::Error, arguments: &[String]) -> Option<Mistake> {
        let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
        if asked.contains(&error.kind()) {
            return None;
        }
        let first = word(arguments);
        let text = match first.and_then(|first| unknown_command(error, first)) {
            Some(said) => format!("error: {said}\n\nFor more information, try '--help'.\n"),
            None => masked(&error.render().to_string(), arguments),
        };
        let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
        let has = |wanted: &str| arguments.iter().any(|a| a == wanted);
        Some(Mistake { is_check: first == Some("check"), is_json: has("--json"), line, text })
    }
}

/// The first word that is no option: a command, a profile or a place.
fn word(arguments: &[String]) -> Option<&str> {
    let is_config = |place: usize| place > 0 && arguments[place - 1] == "--config";
    let words = arguments.iter().enumerate().filter(|(place, a)| !a.starts_with('-') && !is_config(*place));
    words.map(|(_, a)| a.as_str()).next()
}

/// Where an argument is one too many because the word before it is no command, that word is the one to look at.
fn unknown_command(error: &clap::Error, first: &str) -> Option<String> {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    // clap takes what follows a word for a command that comes too late.
    let is_one_too_many = [ErrorKind::UnknownArgument, ErrorKind::ArgumentConflict].contains(&error.kind());
    if !is_one_too_many || names.contains(&first) || first.contains(['=', '/', '@']) {
        return None;
    }
    let invalid = match error.get(ContextKind::InvalidSubcommand).or(error.get(ContextKind::InvalidArg)) {
        Some(ContextValue::String(invalid)) => invalid.as_str(),
        _ => "",
    };
    if let Some(late) = names.iter().find(|name| **name == invalid) {
        return Some(format!("the command comes first: mvtop {late} {}", visible(first)));
    }
    let near = nearest(first, &names).map(|near| format!("; did you mean {near}?"));
    let is_option = invalid.starts_with('-');
    // An option that is unknown after a word near to no command is the mistake itself.
    (near.is_some() || !is_option)
        .then(|| format!("mvtop has no command {}{}", visible(first), near.unwrap_or_default()))
}

/// A text that quotes arguments, without the passwords in them.
fn masked(text: &str, arguments: &[String]) -> String {
    let values = arguments.iter().flat_map(|a| [Some(a.as_str()), a.split_once('=').map(|(_, value)| value)]);
    let mut quoted: Vec<&str> = values.flatten().collect();
    // The whole before its parts.
    quoted.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_string();
    for value in quoted {
        if let Cow::Owned(hidden) = without_password(value) {
            text = text.replace(value, &hidden);
        }
    }
    text
}

/// A connection string without what may be a password in it: better too much is hidden than too little.
pub fn without_password(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    if let Some(start) = text.find("://").map(|at| at + 3)
        && let Some(end) = text.rfind('@').filter(|end| *end > start)
        && let Some(colon) = text[start..end].find(':')
    {
        shown = Cow::Owned(format!("{}…{}", &text[..=start + colon], &text[end..]));
    }
    let Some(word) = shown.to_ascii_lowercase().find("password") else { return shown };
    let Some(sign) = shown[word..].find(['=', ' ']).map(|at| word + at) else { return shown };
    // A value may hold blanks, quotes and escapes, and may be mistyped: all that follows goes.
    Cow::Owned(format!("{}=…", &shown[..sign]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    fn mistake(line: &[&str]) -> Mistake {
        let arguments: Vec<String> = line.iter().map(|a| a.to_string()).collect();
        let error = Cli::try_parse_from([&["mvtop".to_string()][..], &arguments].concat()).unwrap_err();
        Mistake::of(&error, &arguments).unwrap()
    }

    #[test]
    fn no_password_is_repeated_whatever_is_mistyped() {
        let uri = "postgresql://ana:SECRET@h/db";
        for line in [
            &["chekc", uri][..],
            &["check", uri, uri],
            &["check", "db", "host=h password=SECRET dbname=x"],
            &["check", "db", "host=h password='SECRET two' dbname=x"],
            &["check", "db", "postgresql://h/db?user=ana&password=SECRET"],
            &["check", "db", "postgresql://ana:a@b:SECRET@h/db"],
            &["check", "db", "host=h sslpassword = SECRET"],
            &["check", "--timeout", uri],
            &["check", &format!("--timeout={uri}")],
            &["--read-dns", uri],
            &["fix", "cron", uri, "host=h PGPASSWORD=SECRET"],
        ] {
            let mistake = mistake(line);
            assert!(!mistake.text.contains("SECRET") && !mistake.line.contains("SECRET"), "{line:?}: {}", mistake.text);
        }
    }

    #[test]
    fn an_unknown_command_is_named_and_the_nearest_one_too() {
        let said = mistake(&["chekc", "postgresql://ana:SECRET@h/db"]);
        assert_eq!(said.line, "mvtop has no command chekc; did you mean check?");
        assert_eq!(mistake(&["chekc", "--json"]).line, "mvtop has no command chekc; did you mean check?");
        assert_eq!(mistake(&["somewhere", "else"]).line, "mvtop has no command somewhere");
        assert_eq!(mistake(&["prod", "check"]).line, "the command comes first: mvtop check prod");
        assert!(mistake(&["prod", "--jsno"]).line.contains("--jsno"));
    }

    #[test]
    fn a_check_is_known_as_one_and_help_is_no_mistake() {
        assert!(mistake(&["check", "--timeout", "soon"]).is_check);
        assert!(mistake(&["--config", "x", "check", "--what"]).is_check);
        assert!(!mistake(&["verify", "--what"]).is_check);
        let help = Cli::try_parse_from(["mvtop", "check", "--help"]).unwrap_err();
        assert_eq!(Mistake::of(&help, &[]), None);
    }
}
