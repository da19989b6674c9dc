//! When a five-field schedule fires, in a time zone.
//!
//! pg_cron looks at every minute of *universal* time and asks what the wall clock of `cron.timezone` shows then. What follows
//! from it is reproduced here: a time that the clock skips in spring does not fire that day, a time that comes twice in
//! autumn fires twice, and an every-five-minutes job never pauses. (The special treatment of clock jumps in Vixie cron is
//! there in pg_cron too, but it watches universal time, so it acts on a stopped launcher or a corrected clock, not on
//! daylight saving.) The last day of the month is *when 24 hours later it is the 1st*: where the clock changes on or
//! before that day, `0 0 $ * *` can miss it and `30 23 $ * *` can fire a day early as well.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::calendar::{Calendar, DAY};

/// How far to look for a fire. Sunday, February 29 can be 40 years away; beyond that nothing comes.
const HORIZON: i64 = 44 * 366 * DAY as i64;

/// Long enough to see the pauses of a year, short enough to see a yearly job twice.
const YEAR: i64 = 53 * 7 * DAY as i64;

/// The first fire after a moment.
pub(super) fn next_after(calendar: &Calendar, t: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
    first_after(calendar, t, tz).and_then(from_minute)
}

/// The longest pause between consecutive fires from the first one after a moment, over a year or two fires at least.
pub(super) fn longest_gap(calendar: &Calendar, t: DateTime<Utc>, tz: Tz) -> Option<TimeDelta> {
    let first = first_after(calendar, t, tz)?;
    let mut whole_day = None;
    let (mut previous, mut longest) = (first, 0);
    for stretch in Walk::new(calendar, tz, first) {
        let mut fires = stretch.fires(calendar);
        let Some(opening) = fires.next() else {
            continue;
        };
        let inner = if stretch.clock == (0..DAY) {
            *whole_day.get_or_insert_with(|| widest(&stretch, calendar))
        } else {
            widest(&stretch, calendar)
        };
        longest = inner.max(opening - previous).max(longest);
        previous = fires.next_back().unwrap_or(opening);
        if opening >= first + YEAR {
            break;
        }
    }
    (longest > 0).then(|| TimeDelta::minutes(longest))
}

fn first_after(calendar: &Calendar, t: DateTime<Utc>, tz: Tz) -> Option<i64> {
    let from = t.timestamp().div_euclid(60) + 1;
    Walk::new(calendar, tz, from).find_map(|stretch| stretch.fires(calendar).next())
}

fn widest(stretch: &Stretch, calendar: &Calendar) -> i64 {
    let later = stretch.fires(calendar).skip(1);
    let pauses = later.zip(stretch.fires(calendar)).map(|(b, a)| b - a);
    pauses.max().unwrap_or(0)
}

/// Minutes of universal time, since 1970, during which the local date and the offset stay the same.
struct Stretch {
    start: i64,
    /// The local minutes of the day it covers.
    clock: Range<u32>,
}

impl Stretch {
    fn fires(&self, calendar: &Calendar) -> impl DoubleEndedIterator<Item = i64> {
        let midnight = self.start - i64::from(self.clock.start);
        let times = calendar.clock.times(self.clock.clone());
        times.map(move |time| midnight + i64::from(time))
    }
}

/// Goes through the stretches of the days on which a schedule fires, in order.
struct Walk<'a> {
    calendar: &'a Calendar,
    tz: Tz,
    at: i64,
    until: i64,
}

impl<'a> Walk<'a> {
    fn new(calendar: &'a Calendar, tz: Tz, from: i64) -> Self {
        let until = if calendar.is_empty() { from } else { from.saturating_add(HORIZON) };
        Self { calendar, tz, at: from, until }
    }

    /// Jumps to two days before the next day that matches: more than the clocks of the world are apart, plus a change.
    fn jump(&mut self) -> Option<()> {
        let from = date_of(self.at)?.checked_sub_days(Days::new(2))?;
        let next = self.calendar.days.next(from, date_of(self.until)?)?;
        self.at = self.at.max(day_number(next) - 2 * i64::from(DAY));
        Some(())
    }

    /// The next stretch, and whether it lies in a day that matches.
    fn step(&mut self) -> Option<(Stretch, bool)> {
        self.jump()?;
        let here = Wall::at(self.at, self.tz)?;
        let start = self.at;
        let length = self.unchanged(&here, here.to_midnight());
        self.at += i64::from(length);
        let clock = here.minute..here.minute + length;
        let matches = self.calendar.days.contain(here.date, here.tomorrow.day() == 1);
        Some((Stretch { start, clock }, matches))
    }

    /// How many minutes, out of `length`, pass before an offset changes. None of the world's clocks changed twice in a day
    /// and back, so looking at the ends tells.
    fn unchanged(&self, here: &Wall, length: u32) -> u32 {
        let same = |minutes: u32| offsets(self.at + i64::from(minutes), self.tz) == Some(here.offsets);
        let (mut same_until, mut changed_from) = (0, length);
        if same(length - 1) {
            return length;
        }
        while changed_from - same_until > 1 {
            let middle = same_until.midpoint(changed_from);
            if same(middle) {
                same_until = middle;
            } else {
                changed_from = middle;
            }
        }
        changed_from
    }
}

impl Iterator for Walk<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        while self.at < self.until {
            let (stretch, matches) = self.step()?;
            if matches {
                return Some(stretch);
            }
        }
        None
    }
}

/// What the wall clock shows at a minute, and what date it will show 24 hours later.
struct Wall {
    date: NaiveDate,
    minute: u32,
    tomorrow: NaiveDate,
    tomorrow_minute: u32,
    offsets: (i64, i64),
}

impl Wall {
    fn at(minute: i64, tz: Tz) -> Option<Self> {
        let offsets = offsets(minute, tz)?;
        let (here, later) = (minute + offsets.0, minute + i64::from(DAY) + offsets.1);
        Some(Self {
            date: date_of(here)?,
            minute: minute_of_day(here)?,
            tomorrow: date_of(later)?,
            tomorrow_minute: minute_of_day(later)?,
            offsets,
        })
    }

    /// Minutes until one of the two dates changes.
    fn to_midnight(&self) -> u32 {
        DAY - self.minute.max(self.tomorrow_minute)
    }
}

/// The offsets from universal time at a minute and 24 hours later, in whole minutes.
fn offsets(minute: i64, tz: Tz) -> Option<(i64, i64)> {
    let offset = |minute| {
        let moment = from_minute(minute)?.naive_utc();
        let seconds = tz.offset_from_utc_datetime(&moment).fix();
        Some(i64::from(seconds.local_minus_utc()).div_euclid(60))
    };
    Some((offset(minute)?, offset(minute + i64::from(DAY))?))
}

fn from_minute(minute: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(minute.checked_mul(60)?, 0)
}

fn date_of(minute: i64) -> Option<NaiveDate> {
    from_minute(minute).map(|moment| moment.date_naive())
}

fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days()) * i64::from(DAY)
}

fn minute_of_day(minute: i64) -> Option<u32> {
    u32::try_from(minute.rem_euclid(i64::from(DAY))).ok()
}
