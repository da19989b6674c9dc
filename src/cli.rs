//! The command line: one declaration for parsing and help.

mod mistake;
mod shells;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::demo::scenarios::{self, Scenario};
use crate::domain::text::nearest;
use crate::domain::verify::Tolerance;

pub use mistake::Mistake;
pub use shells::{completed, manual};

/// The on-call console for PostgreSQL materialized views: is what people see true? If not, for whom is it wrong, why,
/// and which key helps.
#[derive(Debug, Parser)]
#[command(name = "mvtop", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
// -h is the host, as in psql; the help is --help and -?.
#[command(disable_help_flag = true)]
pub struct Cli {
    /// What to do instead of opening the console.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// How the console looks and what it may do.
    #[command(flatten)]
    pub console: Console,
    /// Read this configuration file; also MVTOP_CONFIG
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print this help
    #[arg(short = '?', long, action = clap::ArgAction::Help, global = true)]
    help: Option<bool>,
}

impl Cli {
    /// How long the end may wait for what still runs: a demo's server must be stopped, while a task that hangs on a
    /// dead server must not hold the program.
    pub fn patience(&self) -> Duration {
        match self.command {
            Some(Command::Demo(_)) => Duration::from_secs(10),
            _ => Duration::ZERO,
        }
    }
}

/// What to do instead of opening the console.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the console on a private PostgreSQL with pg_cron, in the state of the incident's night
    Demo(Demo),
    /// Look once, print what was found, and end with a monitoring plugin's exit code (0 ok, 1 warning, 2 critical, 3 unknown)
    Check(Check),
    /// Prove that one view is true and stays so: the incident's three tests and its checklist (0 all hold, 1 something
    /// does not, 3 it could not be found out)
    Verify(Verify),
    /// Show what can be done about a view and what it costs here, or do it after a look at the exact SQL
    Fix(Fix),
    /// Print the SQL of two roles that have what mvtop needs here and nothing else: better than a superuser
    Grants(Grants),
    /// Look at the database and write a configuration for it, every line of it a comment until you take the # away
    Init(Init),
    /// Print the configuration in force, each value with where it comes from
    Config(ShowConfig),
    /// Print a shell's completions, e.g. mvtop completions bash > ~/.local/share/bash-completion/completions/mvtop
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the man page, e.g. mvtop man | man -l -
    Man,
}

/// Where to connect, in psql's words.
#[derive(Clone, Debug, Default, Args)]
pub struct Connect {
    /// A profile's name, or a URL or key=value string as psql takes it; without it DATABASE_URL, then the PG* variables
    #[arg(value_name = "CONNINFO")]
    pub conninfo: Option<String>,
    /// Host name or socket folder
    #[arg(short = 'h', long, value_name = "HOST")]
    pub host: Option<String>,
    /// Port
    #[arg(short = 'p', long, value_name = "PORT")]
    pub port: Option<String>,
    /// Role
    #[arg(short = 'U', long, value_name = "NAME")]
    pub username: Option<String>,
    /// Database
    #[arg(short = 'd', long, value_name = "NAME")]
    pub dbname: Option<String>,
    /// A replica of it that takes the comparisons, so that they cost the primary nothing; also MVTOP_READ_DSN
    #[arg(long, value_name = "CONNINFO")]
    pub read_dsn: Option<String>,
    /// Another role on the same server that looks at views, one with nothing to lose (mvtop grants); also MVTOP_LOOK_DSN
    #[arg(long, value_name = "CONNINFO")]
    pub look_dsn: Option<String>,
    /// The share of the server's time that comparisons may take, in percent [default: 2]
    #[arg(long, value_name = "PERCENT")]
    pub budget: Option<String>,
    /// The longest a statement of a comparison may take [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub statement_timeout: Option<String>,
}

impl Connect {
    /// The words that name the same place to another command; `CONNINFO` stands for a string that may hold a password.
    pub fn words(&self) -> Vec<String> {
        let options = [("-h", &self.host), ("-p", &self.port), ("-U", &self.username), ("-d", &self.dbname)];
        let options = options
            .into_iter()
            .filter_map(|(option, value)| Some([option, shown(value.as_deref()?)].map(String::from)));
        self.conninfo.iter().map(|words| shown(words).to_string()).chain(options.flatten()).collect()
    }
}

fn shown(conninfo: &str) -> &str {
    if matches!(mistake::without_password(conninfo), Cow::Owned(_)) { "CONNINFO" } else { conninfo }
}

/// How the console looks and what it may do.
#[derive(Clone, Debug, Default, Args)]
pub struct Console {
    /// Only look: no key changes anything
    #[arg(long)]
    pub read_only: bool,
    /// A theme's name (night, day, terminal, …) or a theme file; also MVTOP_THEME
    #[arg(long, value_name = "NAME|FILE")]
    pub theme: Option<String>,
    /// Write what happens to this file; also MVTOP_LOG
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// Options of `mvtop demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Rows in the view
    #[arg(long, value_name = "N", default_value_t = 3230)]
    pub scale: u32,
    /// Which made-up data: the same seed makes the same data
    #[arg(long, value_name = "N", default_value_t = 202602040215)]
    pub seed: u64,
    /// Keep the cluster in this folder, and go on with it the next time
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// No traffic: nothing changes by itself
    #[arg(long)]
    pub quiet: bool,
    /// What goes wrong, by the word of the cause; --list tells them all
    #[arg(long, value_name = "NAME", value_parser = scenario)]
    pub scenario: Option<Wanted>,
    /// Print the scenarios, one a line, and end
    #[arg(long)]
    pub list: bool,
    /// No console: print the connection string when ready, and stay until SIGINT or SIGTERM
    #[arg(long)]
    pub serve: bool,
    /// How the console looks.
    #[command(flatten)]
    pub console: Console,
}

/// What `--scenario` asks for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// This one.
    Scenario(&'static Scenario),
    /// Their list.
    List,
}

/// Options of `mvtop check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// Only this view, as name or schema.name; may be given several times
    #[arg(long = "view", value_name = "VIEW")]
    pub views: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Look for at least this long, for what shows only over time: bulk writes, refreshes that wait
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub watch: Duration,
    /// End after this time, whatever is known by then
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = some_time)]
    pub timeout: Duration,
}

/// Options of `mvtop verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// The view, as name or schema.name; a plain view in a materialized one's place, too
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How many rows may be in the wrong place in one group or for one person: 3 rows or 5%. Usually what the
    /// configuration says of the view, else none
    #[arg(long, value_name = "N|P%")]
    pub tolerance: Option<Tolerance>,
    /// Run Test 2 without asking: it changes one row and refreshes the view in a transaction that is rolled back
    #[arg(long, conflicts_with = "no_write")]
    pub yes: bool,
    /// Leave Test 2 out: nothing is written at all
    #[arg(long)]
    pub no_write: bool,
    /// Print Test 2's exact SQL and do nothing
    #[arg(long, conflicts_with_all = ["yes", "no_write", "json"])]
    pub dry_run: bool,
    /// Let a warning count as a failure
    #[arg(long)]
    pub strict: bool,
    /// Wait for the comparison as long as this
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = some_time)]
    pub timeout: Duration,
}

/// A time in which something can be looked at.
fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text).map_err(|why| why.to_string())? {
        // The server knows no shorter time than a millisecond.
        time if time < Duration::from_millis(1) => {
            Err("that leaves no time to ask the server anything; 10s is usual".into())
        }
        time => Ok(time),
    }
}

fn scenario(name: &str) -> Result<Wanted, String> {
    match Scenario::named(name) {
        Some(scenario) => Ok(Wanted::Scenario(scenario)),
        None if name == "list" => Ok(Wanted::List),
        None if let Some(why) = scenarios::elsewhere(name) => Err(format!("it is not here: it {why}")),
        None => Err("there is no such scenario; mvtop demo --list prints them".into()),
    }
}

/// Options of `mvtop fix`.
#[derive(Debug, Args)]
pub struct Fix {
    /// refresh, cron, pause, resume, run, triggers, view, index or purge; without one the options are shown side by side
    #[arg(value_name = "WHAT")]
    pub word: Option<String>,
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// The view, as name or schema.name; needed where there are several
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// The cron job's schedule; by default the longest interval that keeps the limit
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: Option<String>,
    /// The unique index's columns; by default ones that are unique today
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// purge: how many days of run history to keep
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub keep: u32,
    /// Do it without asking
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Take the option back: remove the job, drop the triggers or the index, make the view materialized again
    #[arg(long)]
    pub undo: bool,
    /// Print the SQL and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

impl Fix {
    /// What is wanted, and where: WHAT may be left out, so that a single word is one or the other.
    ///
    /// # Errors
    /// The word is neither, for the place is said already or looks otherwise; or it is to be done, and nobody said what.
    pub fn settle(mut self) -> Result<(Option<What>, Fix), String> {
        let is_order = self.yes || self.undo || self.dry_run;
        if let Some(word) = self.word.take() {
            if let Ok(what) = <What as clap::ValueEnum>::from_str(&word, false) {
                return Ok((Some(what), self));
            }
            let is_place_known = self.connect.conninfo.is_some() || self.connect.dbname.is_some();
            if is_place_known || is_order && !word.contains(['=', ':', '/']) {
                let words = What::words();
                let known: Vec<&str> = words.iter().map(String::as_str).collect();
                let near = nearest(&word, &known).map_or(String::new(), |near| format!(", did you mean {near}?"));
                return Err(format!("mvtop fix knows no {word}{near} (it does {})", words.join(", ")));
            }
            self.connect.conninfo = Some(word);
        }
        match is_order {
            true => Err(format!("mvtop fix must be told what to do: {}", What::words().join(", "))),
            false => Ok((None, self)),
        }
    }
}

impl What {
    fn words() -> Vec<String> {
        let word = |what: &What| Some(clap::ValueEnum::to_possible_value(what)?.get_name().to_owned());
        <What as clap::ValueEnum>::value_variants().iter().filter_map(word).collect()
    }
}

/// The options and repairs, by their words on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Refresh once, now
    Refresh,
    /// A cron job that refreshes it
    Cron,
    /// Pause the job that refreshes it
    Pause,
    /// Let that job go on
    Resume,
    /// Run that job's command now
    Run,
    /// Triggers that refresh it after every write
    Triggers,
    /// A plain view in its place
    View,
    /// The unique index that CONCURRENTLY needs
    Index,
    /// Delete old rows of cron's run history
    Purge,
}

/// Options of `mvtop grants`.
#[derive(Debug, Args)]
pub struct Grants {
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// Only this view, as name or schema.name; may be given several times
    #[arg(long = "view", value_name = "VIEW")]
    pub views: Vec<String>,
    /// What the role is called that watches the server
    #[arg(long, value_name = "NAME", default_value = "mvtop_watch")]
    pub watch_role: String,
    /// What the role is called that looks at the rows
    #[arg(long, value_name = "NAME", default_value = "mvtop_look")]
    pub look_role: String,
}

/// Options of `mvtop init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// Print it instead of writing the file
    #[arg(long)]
    pub print: bool,
    /// Write over a file that exists
    #[arg(long)]
    pub force: bool,
}

/// Options of `mvtop config`.
#[derive(Debug, Args)]
pub struct ShowConfig {
    /// Where to connect.
    #[command(flatten)]
    pub connect: Connect,
    /// How the console looks.
    #[command(flatten)]
    pub console: Console,
    /// Print the documented default file instead
    #[arg(long)]
    pub default: bool,
}
