//! How many rows may be in the wrong place before a test fails, or before a view is called wrong.

use std::fmt;
use std::str::FromStr;

/// Rows, or a share of the larger side, that may be in the wrong place in one group or for one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// So many rows.
    Rows(u64),
    /// So many per cent.
    Percent(f64),
}

impl Tolerance {
    /// What the incident document allowed, for the total.
    pub const DOCUMENT: Tolerance = Tolerance::Percent(5.0);

    /// Does it let nothing pass?
    pub fn is_none(self) -> bool {
        self == Tolerance::Rows(0) || self == Tolerance::Percent(0.0)
    }

    /// The rows that may differ of so many.
    pub fn rows(self, of: u64) -> u64 {
        match self {
            Tolerance::Rows(rows) => rows,
            Tolerance::Percent(percent) => (of as f64 * percent / 100.0).floor() as u64,
        }
    }

    /// Does it let `wrong` of `rows` pass?
    pub fn allows(self, wrong: u64, rows: u64) -> bool {
        match self {
            Tolerance::Rows(most) => wrong <= most,
            Tolerance::Percent(most) => wrong as f64 * 100.0 <= most * rows as f64,
        }
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Tolerance::Rows(0)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Rows(1) => write!(f, "1 row"),
            Tolerance::Rows(n) => write!(f, "{n} rows"),
            Tolerance::Percent(p) => write!(f, "{p} %"),
        }
    }
}

impl FromStr for Tolerance {
    type Err = String;

    /// `3` is three rows, `5%` five per cent.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is neither a number of rows such as 3 nor a percentage such as 5%");
        match text.strip_suffix('%') {
            None => text.parse().map(Tolerance::Rows).map_err(|_| wrong()),
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| wrong())?;
                if (0.0..=100.0).contains(&share) { Ok(Tolerance::Percent(share)) } else { Err(wrong()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_percentages_are_read_and_let_pass_what_they_say() {
        let allows = |text: &str, wrong, rows| text.parse::<Tolerance>().unwrap().allows(wrong, rows);
        assert!(allows("0", 0, 10) && !allows("0", 1, 10));
        assert!(allows("3", 3, 3) && !allows("3", 4, 1_000));
        assert!(allows("5%", 5, 100) && !allows("5 %", 6, 100));
        assert!(allows("0%", 0, 0) && !allows("100%", 1, 0));
        assert_eq!(Tolerance::default(), Tolerance::Rows(0));
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "-1", "five", "101%", "-1%", "NaN%", "%"] {
            let refused = text.parse::<Tolerance>().unwrap_err();
            assert!(refused.contains("5%"), "{text}: {refused}");
        }
    }
}
