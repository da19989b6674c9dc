//! A five-field schedule as bits: which minutes of a day, which days.

use std::ops::Range;

use chrono::{Datelike, Months, NaiveDate};

/// Minutes in a day without a change of the clock.
pub(super) const DAY: u32 = 24 * 60;

/// A parsed five-field schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calendar {
    pub clock: Clock,
    pub days: Days,
}

/// The times of day: every chosen minute of every chosen hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub minutes: u64,
    pub hours: u64,
}

/// The days: bit 0 is the 1st, January and Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub days: u64,
    pub months: u64,
    pub weekdays: u64,
    /// The last day of the month too (`$`).
    pub last: bool,
    /// Day of month *and* day of week must match; otherwise one is enough.
    pub both: bool,
}

pub(super) fn has(bits: u64, index: u32) -> bool {
    bits >> index & 1 == 1
}

impl Calendar {
    /// Whether no date of any year can match.
    pub fn is_empty(&self) -> bool {
        self.clock.minutes == 0 || self.clock.hours == 0 || self.days.is_empty()
    }
}

impl Clock {
    /// The chosen minutes of the day, in order, out of a part of a day.
    pub fn times(self, within: Range<u32>) -> impl DoubleEndedIterator<Item = u32> {
        (within.start / 60..within.end.div_ceil(60))
            .filter(move |hour| has(self.hours, *hour))
            .flat_map(move |hour| {
                (0..60).filter(move |minute| has(self.minutes, *minute)).map(move |minute| hour * 60 + minute)
            })
            .filter(move |time| within.contains(time))
    }
}

impl Days {
    /// Whether jobs run on a day. pg_cron takes a moment for the last day of the month when 24 hours later it is the 1st,
    /// which is up to the caller to find out.
    pub fn contain(&self, date: NaiveDate, last_of_month: bool) -> bool {
        let by_day = has(self.days, date.day0()) || self.last && last_of_month;
        let by_weekday = has(self.weekdays, date.weekday().num_days_from_sunday());
        has(self.months, date.month0()) && if self.both { by_day && by_weekday } else { by_day || by_weekday }
    }

    /// The first day on which jobs run, from one day to another. Months that are not chosen are jumped over.
    pub fn next(&self, from: NaiveDate, until: NaiveDate) -> Option<NaiveDate> {
        let mut date = from;
        while date <= until {
            let tomorrow = date.succ_opt()?;
            if !has(self.months, date.month0()) {
                date = date.with_day(1)?.checked_add_months(Months::new(1))?;
            } else if self.contain(date, tomorrow.day() == 1) {
                return Some(date);
            } else {
                date = tomorrow;
            }
        }
        None
    }

    /// Every day and month that exist meet every weekday sooner or later, so only Feb 30 and its like need a look.
    fn is_empty(&self) -> bool {
        const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let exists = |(month, length): (u32, &u32)| {
            has(self.months, month) && (self.last || self.days & ((1 << length) - 1) != 0)
        };
        let by_day = (0..).zip(&LENGTHS).any(exists);
        let by_weekday = self.months != 0 && self.weekdays != 0;
        !if self.both { by_day && by_weekday } else { by_day || by_weekday }
    }
}
