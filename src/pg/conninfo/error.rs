//! What can be wrong with a connection string. No message repeats a value: a slipped quote or an unescaped `@` can put
//! the password anywhere, and the words alone say enough.

use std::path::PathBuf;

/// Why a connection string, a service file or the environment could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConninfoError {
    /// A word libpq does not know.
    #[error("the connection string has a word \"{word}\" that PostgreSQL does not know; {hint}")]
    UnknownWord {
        /// The word as written.
        word: String,
        /// What it may be instead.
        hint: String,
    },
    /// Something unreadable where a word should be.
    #[error(
        "the connection string has something that is no word before a \"=\"; a value with spaces needs quotes: \
         password='two words'"
    )]
    UnreadableWord,
    /// A word without its `=`.
    #[error("the connection string has a word without \"=\"; a value with spaces needs quotes: password='two words'")]
    MissingEquals,
    /// A quote that never closes.
    #[error("a quote in the connection string never closes; inside quotes write \\' for ' and \\\\ for \\")]
    OpenQuote,
    /// `%` not followed by two hexadecimal digits.
    #[error("a \"%\" in the {part} of the URI is not followed by two hexadecimal digits; write %25 for a plain \"%\"")]
    BadPercent {
        /// Which part of the URI.
        part: &'static str,
    },
    /// `%00`, or bytes that are not UTF-8.
    #[error("the {part} of the URI decodes to bytes that are not text; check the % escapes")]
    NotText {
        /// Which part of the URI.
        part: &'static str,
    },
    /// An `@` that can be read in two ways.
    #[error(
        "the URI has an \"@\" or \"/\" that can be read in two ways; in a user name or password write %40 for \"@\" \
         and %2F for \"/\""
    )]
    StrayAt,
    /// A bad `[…]` address.
    #[error(
        "the URI has an IPv6 address that is empty, never closes its \"]\" or runs into other text; write [::1]:5432"
    )]
    BadBrackets,
    /// A parameter after `?` that is not `word=value`.
    #[error(
        "a parameter after \"?\" in the URI is not word=value; write %3D for a \"=\" and %26 for a \"&\" in a value"
    )]
    BadParameter,
    /// A value outside the word's choices.
    #[error("{word} has a value PostgreSQL does not know; it is one of {choices}{hint}")]
    BadChoice {
        /// The word.
        word: &'static str,
        /// What it may be.
        choices: String,
        /// The choice that was probably meant, or nothing.
        hint: String,
    },
    /// A value that should be a whole number.
    #[error("{word} is not a whole number{range}")]
    BadNumber {
        /// The word.
        word: &'static str,
        /// The range it must be in, or nothing.
        range: &'static str,
    },
    /// `hostaddr` that is no address.
    #[error("hostaddr is not an IP address; put a name into host instead")]
    BadAddress,
    /// A host that holds an `@`.
    #[error("host holds an \"@\"; if it is a piece of the password, write %40 there")]
    BadHost,
    /// Lists of different lengths.
    #[error(
        "{left} and {right} are lists of different lengths ({left_count} and {right_count}); give one for each host"
    )]
    Uneven {
        /// One word.
        left: &'static str,
        /// The other word.
        right: &'static str,
        /// How many the first has.
        left_count: usize,
        /// How many the second has.
        right_count: usize,
    },
    /// A service that no file defines.
    #[error("no service file defines {service}; looked for one at {}", list(.looked_in))]
    NoService {
        /// The service's name, or "that service" when it looks like something else.
        service: String,
        /// Where one was looked for, there or not.
        looked_in: Vec<PathBuf>,
    },
    /// A service file that cannot be read.
    #[error("the service file {} cannot be read ({why}); check PGSERVICEFILE", .file.display())]
    ServiceUnreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// A line of a service file that makes no sense.
    #[error("line {line} of the service file {} {problem}", .file.display())]
    ServiceLine {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system has no name for this user and none was given.
    #[error("no user name was given and the operating system has none for this account; give one with -U or PGUSER")]
    NoUser,
    /// A word this program understands and cannot honour.
    #[error("{word} asks for {what}, which this program cannot do and will not ignore; {instead}")]
    Unsupported {
        /// The word.
        word: &'static str,
        /// What it asks for.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// Two words that do not go together.
    #[error("{what}; {instead}")]
    Contradiction {
        /// What contradicts what.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

fn list(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    if names.is_empty() { "no file at all".to_owned() } else { names.join(", ") }
}
