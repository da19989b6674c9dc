//! The five fields of a schedule: their ranges, names, and how a range becomes bits.

use std::fmt;

/// One of the five fields, in the order they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    Day,
    /// 1 to 12, or `jan` to `dec`.
    Month,
    /// 0 to 7, both ends Sunday, or `sun` to `sat`.
    Weekday,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Field {
    /// The lowest value, which bit 0 stands for.
    #[must_use]
    pub fn low(self) -> i32 {
        match self {
            Self::Minute | Self::Hour | Self::Weekday => 0,
            Self::Day | Self::Month => 1,
        }
    }

    /// The highest value.
    #[must_use]
    pub fn high(self) -> i32 {
        match self {
            Self::Minute => 59,
            Self::Hour => 23,
            Self::Day => 31,
            Self::Month => 12,
            Self::Weekday => 7,
        }
    }

    pub(super) fn contains(self, value: i32) -> bool {
        (self.low()..=self.high()).contains(&value)
    }

    /// The value of a three-letter name, in any case.
    pub(super) fn named(self, word: &str) -> Option<i32> {
        let index = self.names().iter().position(|name| name[..3].eq_ignore_ascii_case(word))?;
        Some(self.low() + i32::try_from(index).ok()?)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Month => &MONTHS,
            Self::Weekday => &WEEKDAYS,
            Self::Minute | Self::Hour | Self::Day => &[],
        }
    }

    /// What may be written in this field, for messages.
    pub(super) fn expects(self) -> &'static str {
        match self {
            Self::Minute => "a number from 0 to 59",
            Self::Hour => "a number from 0 to 23",
            Self::Day => "a number from 1 to 31",
            Self::Month => "a number from 1 to 12 or a name such as jan",
            Self::Weekday => "a number from 0 to 7 or a name such as mon",
        }
    }

    /// The best guess at what `found` was meant to be, for messages.
    pub(super) fn instead_of(self, found: &str, last_day: bool) -> String {
        let full_name = self.names().iter().find(|name| name.eq_ignore_ascii_case(found));
        match (self, found, full_name) {
            (_, _, Some(name)) => format!("the three letters `{}`", name[..3].to_lowercase()),
            (_, "?", _) => "`*`".into(),
            (Self::Hour, "minute" | "minutes" | "min", _) => "minutes as a step, as in `*/5 * * * *`".into(),
            (Self::Day, "L" | "l", _) if last_day => "`$` for the last day of the month".into(),
            _ => self.expects().into(),
        }
    }

    /// The bits of `first-last/step`, bit 0 standing for the lowest value. The ends must lie in the field.
    pub(super) fn bits(self, first: i32, last: i32, step: i32) -> u64 {
        (first..=last)
            .filter(|value| (value - first) % step == 0)
            .fold(0, |bits, value| bits | 1 << (value - self.low()))
    }

    /// The bits that pg_cron 1.6 sets for a range written backwards without a step, such as `22-2`.
    ///
    /// It means to set none, but its C macro fills the byte of the first bit upwards and the byte of the last bit downwards
    /// when the two differ: hours `22-2` do fire at 22, 23, 0, 1 and 2, while hours `5-1` never do.
    pub(super) fn reversed(self, first: i32, last: i32) -> u64 {
        let (first, last) = (first - self.low(), last - self.low());
        if first / 8 == last / 8 {
            return 0;
        }
        let upwards = (0xff << (first % 8) & 0xff) << (first / 8 * 8);
        let downwards = (0xff >> (7 - last % 8)) << (last / 8 * 8);
        (upwards | downwards) & self.bits(self.low(), self.high(), 1)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of month",
            Self::Month => "month",
            Self::Weekday => "day of week",
        })
    }
}
