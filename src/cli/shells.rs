//! What the command line gives to shells and to man: the same declaration, with the values that a shell can offer.

use std::io;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Command, CommandFactory, ValueEnum};
use clap_mangen::Man;

use super::{Cli, What};
use crate::demo::scenarios;
use crate::theme::Theme;

/// Other values work, too, where these stand beside them: a theme file, a place to connect to.
fn offering(command: Command, argument: &'static str, values: Vec<PossibleValue>) -> Command {
    command.mut_arg(argument, |arg| arg.value_parser(PossibleValuesParser::new(values)))
}

/// The command line with the words that a shell completes.
pub fn completed() -> Command {
    let themes: Vec<PossibleValue> = Theme::NAMES.into_iter().map(PossibleValue::new).collect();
    let scenario = |name, line| PossibleValue::new(name).help(line);
    let list = scenario("list", "print them all");
    let scenarios = scenarios::ALL.iter().map(|s| scenario(s.name, s.line)).chain([list]).collect();
    let fixes = What::value_variants().iter().filter_map(What::to_possible_value).collect();
    let of_console = |command| offering(command, "theme", themes.clone());
    of_console(Cli::command())
        .mut_subcommand("fix", |fix| offering(fix, "word", fixes))
        .mut_subcommand("demo", |demo| offering(of_console(demo), "scenario", scenarios))
        .mut_subcommand("config", of_console)
}

/// What each command's exit code says.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
check
0 ok, 1 warning, 2 critical, 3 unknown: a monitoring plugin's codes
.TP
verify
0 everything holds, 1 something does not, 3 it could not be found out
.TP
fix
0 done, 1 not done or not as it should be, 3 impossible here, or nothing could be looked at
.TP
all others
0 when it did what it was asked, 3 when it could not; 128 and the signal's number when a signal ended the console
"#;

/// One page: the program, then each command with its options, then the exit codes.
///
/// # Errors
/// It could not be written.
pub fn manual() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut whole = Vec::new();
    Man::new(command.clone()).render(&mut whole)?;
    let mut page = String::from_utf8_lossy(&whole).into_owned();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let man = Man::new(sub.clone());
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        // Its parts are below its own heading.
        let section = String::from_utf8_lossy(&section).replace("\n.SH ", "\n.SS ");
        let section = section.strip_prefix(".SH ").map_or(section.clone(), |rest| format!(".SS {rest}"));
        // There is no page of its own to look up.
        let name = sub.get_name();
        page = page.replace(&format!("mvtop\\-{name}(1)"), &format!("mvtop {name}"));
        page.push_str(&format!(".SH \"MVTOP {}\"\n{section}", name.to_uppercase()));
    }
    Ok(page + EXIT_STATUS)
}
