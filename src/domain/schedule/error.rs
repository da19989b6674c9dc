//! Why a schedule is refused: what is wrong, where, and what to write instead.

use thiserror::Error;

use super::field::Field;

/// Why pg_cron refuses a schedule.
///
/// A job already stored with such a schedule (after an upgrade, say) never runs, and only the server log says why.
/// Columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Nothing but blanks, empty lines and comments.
    #[error("the schedule is empty: write five fields such as `*/5 * * * *`, or a word such as @hourly")]
    Empty,
    /// PostgreSQL text cannot hold it.
    #[error("the schedule contains a NUL character, which PostgreSQL cannot store: remove it")]
    Nul,
    /// pg_cron's buffer holds 999 bytes.
    #[error("the schedule is {bytes} bytes long and pg_cron reads at most 999: shorten it")]
    TooLong {
        /// Length of the schedule in bytes.
        bytes: usize,
    },
    /// An `@word` that is not one of pg_cron's.
    #[error(
        "pg_cron does not know the word `{word}`: write @hourly, @daily, @midnight, @weekly, @monthly or @reboot, in lower case"
    )]
    UnknownWord {
        /// The word, with its `@`.
        word: String,
    },
    /// `N seconds` on a server before 1.5.
    #[error(
        "schedules in seconds need pg_cron 1.5 and this server has an older one: write `* * * * *` for every minute"
    )]
    SecondsUnsupported,
    /// `N seconds` with N outside 1 to 59.
    #[error("pg_cron takes intervals of 1 to 59 seconds only: for longer ones write minutes, as in `*/5 * * * *`")]
    SecondsOutOfRange,
    /// The text ends before the fifth field.
    #[error(
        "the schedule stops before its {field} field: pg_cron needs five, minute hour day month weekday, as in `*/5 * * * *`"
    )]
    MissingField {
        /// The first field that is not there.
        field: Field,
    },
    /// A list or a range that lacks its next value, as in `1,` or `5-`.
    #[error("a value is missing in the {field} field (column {column}): write {}", field.expects())]
    MissingValue {
        /// The field it is missing from.
        field: Field,
        /// Where it should stand.
        column: usize,
    },
    /// Something that is neither a number nor a name of that field.
    #[error("`{found}` in the {field} field (column {column}) is not valid: write {instead}")]
    NotAValue {
        /// The field it stands in.
        field: Field,
        /// The word or sign, as written.
        found: String,
        /// Where it starts.
        column: usize,
        /// What to write.
        instead: String,
    },
    /// A number outside the field's range.
    #[error("{value} in the {field} field (column {column}) is out of range: write {}", field.expects())]
    OutOfRange {
        /// The field it stands in.
        field: Field,
        /// The number as pg_cron reads it.
        value: i32,
        /// Where its range starts.
        column: usize,
    },
    /// A step on a single number, as in `1/20`.
    #[error(
        "the {field} field (column {column}) has a step on a single number, which needs a range: write `{value}-{high}/…`", high = field.high()
    )]
    StepOnNumber {
        /// The field it stands in.
        field: Field,
        /// The number before the slash.
        value: i32,
        /// Where the number starts.
        column: usize,
    },
    /// A step that is zero, not a number, or larger than this pg_cron takes.
    #[error(
        "the step in the {field} field (column {column}) is not valid: write a number from 1 to {high}", high = field.high()
    )]
    BadStep {
        /// The field it stands in.
        field: Field,
        /// Where the step starts.
        column: usize,
    },
    /// `$` before 1.6.
    #[error(
        "`$` for the last day of the month needs pg_cron 1.6 and this server has an older one: write a day from 1 to 28"
    )]
    LastDayUnsupported,
    /// `$` with something attached to it.
    #[error("`$` must be the whole day of month field (column {column}): write it alone")]
    LastDayNotAlone {
        /// Where the `$` stands.
        column: usize,
    },
}
