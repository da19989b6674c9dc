//! Reading a schedule exactly as pg_cron's `entry.c` and `ParseSchedule` do, quirks included.

use super::calendar::{Calendar, Clock, Days};
use super::dialect::Dialect;
use super::error::ScheduleError;
use super::field::Field;
use super::{Rhythm, seconds};

/// pg_cron copies the schedule into a buffer of this size, terminator included.
const BUFFER: usize = 1000;

/// `@yearly` since pg_cron 1.6: it sets no month. A day that never comes says the same.
const NEVER: &str = "0 0 30 2 *";

pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Rhythm, ScheduleError> {
    if text.contains('\0') {
        return Err(ScheduleError::Nul);
    }
    match seconds::parse(text) {
        Some(_) if !dialect.has_seconds() => Err(ScheduleError::SecondsUnsupported),
        Some(interval @ 1..=59) => Ok(Rhythm::Every(interval)),
        Some(_) => Err(ScheduleError::SecondsOutOfRange),
        None if text.len() >= BUFFER => Err(ScheduleError::TooLong { bytes: text.len() }),
        None => Reader::new(text, dialect).schedule(),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { text, at: 0, dialect }
    }

    fn schedule(&mut self) -> Result<Rhythm, ScheduleError> {
        self.skip_empty_lines();
        match self.peek() {
            None => Err(ScheduleError::Empty),
            Some(b'@') => self.word(),
            Some(_) => self.calendar().map(Rhythm::Calendar),
        }
    }

    fn word(&mut self) -> Result<Rhythm, ScheduleError> {
        let expanded = match self.take(|c| !matches!(c, b' ' | b'\t' | b'\n')) {
            "@reboot" | "@restart" => return Ok(Rhythm::AtStart),
            "@yearly" | "@annually" if self.dialect.yearly_is_broken() => NEVER,
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word => return Err(ScheduleError::UnknownWord { word: word.into() }),
        };
        Reader::new(expanded, self.dialect).schedule()
    }

    fn calendar(&mut self) -> Result<Calendar, ScheduleError> {
        let minutes = self.field(Field::Minute)?;
        let hours = self.field(Field::Hour)?;
        let any_day = self.peek() == Some(b'*');
        let last = self.last_day()?;
        let days = if last { 0 } else { self.field(Field::Day)? };
        let months = self.field(Field::Month)?;
        let any_weekday = self.peek() == Some(b'*');
        let weekdays = self.field(Field::Weekday)?;
        Ok(Calendar {
            clock: Clock { minutes, hours },
            days: Days {
                days,
                months,
                weekdays: (weekdays | weekdays >> 7) & 0x7f,
                last,
                both: any_day || any_weekday,
            },
        })
    }

    /// `$`, alone in its field and followed by a blank.
    fn last_day(&mut self) -> Result<bool, ScheduleError> {
        let column = self.column(self.at);
        if self.peek() != Some(b'$') {
            return Ok(false);
        }
        self.at += 1;
        match self.peek() {
            _ if !self.dialect.has_last_day() => Err(ScheduleError::LastDayUnsupported),
            Some(b' ' | b'\t') => {
                self.take(is_blank);
                Ok(true)
            }
            None => Err(ScheduleError::MissingField { field: Field::Month }),
            Some(_) => Err(ScheduleError::LastDayNotAlone { column }),
        }
    }

    /// A list of ranges. Whatever follows the last one up to the next blank is ignored: `5#2` is 5, `**` is `*`.
    fn field(&mut self, field: Field) -> Result<u64, ScheduleError> {
        if matches!(self.peek(), None | Some(b'\n')) {
            return Err(ScheduleError::MissingField { field });
        }
        let mut bits = self.range(field)?;
        while self.eat(b',') {
            bits |= self.range(field)?;
        }
        self.take(|c| !is_blank(c) && c != b'\n');
        self.take(is_blank);
        Ok(bits)
    }

    fn range(&mut self, field: Field) -> Result<u64, ScheduleError> {
        let column = self.column(self.at);
        let in_field = |value| match field.contains(value) {
            true => Ok(value),
            false => Err(ScheduleError::OutOfRange { field, value, column }),
        };
        let (first, last) = if self.eat(b'*') {
            (field.low(), field.high())
        } else {
            let value = self.value(field)?;
            match self.peek() {
                Some(b'-') => self.at += 1,
                Some(b'/') => {
                    let value = in_field(value)?;
                    return Err(ScheduleError::StepOnNumber { field, value, column });
                }
                _ => return in_field(value).map(|value| field.bits(value, value, 1)),
            }
            (value, self.value(field)?)
        };
        let step = match self.eat(b'/') {
            true => self.step(field, first, last)?,
            false => 1,
        };
        let (first, last) = (in_field(first)?, in_field(last)?);
        if step == 1 && first > last && self.dialect.spills_reversed_ranges() {
            return Ok(field.reversed(first, last));
        }
        Ok(field.bits(first, last, step))
    }

    /// A name of the field, or a number.
    fn value(&mut self, field: Field) -> Result<i32, ScheduleError> {
        let column = self.column(self.at);
        let word = self.take(|c| c.is_ascii_alphanumeric());
        if let Some(value) = field.named(word).or_else(|| atoi(word)) {
            return Ok(value);
        }
        let found = if word.is_empty() { self.sign() } else { word };
        Err(match found {
            "" => ScheduleError::MissingValue { field, column },
            _ => ScheduleError::NotAValue {
                field,
                column,
                instead: field.instead_of(found, self.dialect.has_last_day()),
                found: found.to_owned(),
            },
        })
    }

    fn step(&mut self, field: Field, first: i32, last: i32) -> Result<i32, ScheduleError> {
        let column = self.column(self.at);
        let highest = match self.dialect.limits_steps() {
            true => field.high(),
            false => i32::MAX,
        };
        // Before 1.6 such a sum becomes negative, and pg_cron refuses what lies below the field.
        let wraps = |step| first <= last && first.checked_add(step).is_none();
        atoi(self.take(|c| c.is_ascii_alphanumeric()))
            .filter(|step| (1..=highest).contains(step) && !wraps(*step))
            .ok_or(ScheduleError::BadStep { field, column })
    }

    /// Lines that are empty or start with `#` may precede a schedule.
    fn skip_empty_lines(&mut self) {
        loop {
            self.take(is_blank);
            if self.peek() == Some(b'#') {
                self.take(|c| c != b'\n');
            }
            if !self.eat(b'\n') {
                return;
            }
        }
    }

    /// The character under the cursor, unless it is one that ends a value.
    fn sign(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let next = rest.chars().next();
        let length = next.filter(|c| !matches!(c, ' ' | '\t' | '\n' | ','));
        &rest[..length.map_or(0, char::len_utf8)]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Takes bytes while they please. Callers stop only at ASCII or take whole characters, so the slice is sound.
    fn take(&mut self, pleases: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&pleases) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn column(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }
}

fn is_blank(c: u8) -> bool {
    matches!(c, b' ' | b'\t')
}

/// A number as C's `atoi` reads it: saturated at 64 bits, then cut to 32, so that 4294967301 is 5.
fn atoi(word: &str) -> Option<i32> {
    if word.is_empty() || !word.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(word.parse::<i64>().unwrap_or(i64::MAX) as i32)
}
