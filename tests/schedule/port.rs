//! pg_cron's rules a second time, as close to its C as Rust allows and as slow: bytes of bits, one minute at a time.
//!
//! Nothing here is shared with the module under test, so an agreement of the two means something.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

/// pg_cron's patch releases whose sources differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    V1_4,
    V1_5,
    V1_6,
}

const EOF: i32 = -1;
const DOM_STAR: u8 = 0x01;
const DOW_STAR: u8 = 0x02;
const MIN_STAR: u8 = 0x08;
const HR_STAR: u8 = 0x10;
const DOM_LAST: u8 = 0x20;

/// A parsed entry, or the interval in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub minute: [u8; 8],
    pub hour: [u8; 3],
    pub dom: [u8; 4],
    pub month: [u8; 2],
    pub dow: [u8; 1],
    pub flags: u8,
    pub seconds: u32,
}

struct File<'a> {
    data: &'a [u8],
    pointer: usize,
    release: Release,
}

impl File<'_> {
    fn get(&mut self) -> i32 {
        let ch = match self.data.get(self.pointer) {
            Some(byte) => i32::from(*byte),
            None if self.pointer == self.data.len() => 0,
            None => return EOF,
        };
        self.pointer += 1;
        ch
    }
}

fn is(ch: i32, wanted: char) -> bool {
    ch == wanted as i32
}

fn blank(ch: i32) -> bool {
    is(ch, ' ') || is(ch, '\t')
}

/// `parse_cron_entry`, then (from 1.5) `TryParseInterval`.
pub fn parse(text: &str, release: Release) -> Option<Entry> {
    if let Some(entry) = parse_entry(text, release) {
        return Some(entry);
    }
    let seconds = (release >= Release::V1_5).then(|| interval(text.as_bytes())).flatten()?;
    Some(Entry { seconds, ..Entry::default() })
}

fn parse_entry(text: &str, release: Release) -> Option<Entry> {
    if text.len() >= 1000 {
        return None;
    }
    let mut file = File { data: text.as_bytes(), pointer: 0, release };
    let mut ch = skip_comments(&mut file);
    let mut entry = Entry::default();
    if ch == EOF {
        return None;
    }
    if is(ch, '@') {
        word(&mut entry, &mut file)?;
    } else {
        if is(ch, '*') {
            entry.flags |= MIN_STAR;
        }
        ch = list(&mut entry.minute, 0, 59, &[], ch, &mut file)?;
        if is(ch, '*') {
            entry.flags |= HR_STAR;
        }
        ch = list(&mut entry.hour, 0, 23, &[], ch, &mut file)?;
        if is(ch, '$') && release >= Release::V1_6 {
            ch = file.get();
            if !blank(ch) {
                return None;
            }
            while blank(ch) {
                ch = file.get();
            }
            entry.flags |= DOM_LAST;
        } else {
            if is(ch, '*') {
                entry.flags |= DOM_STAR;
            }
            ch = list(&mut entry.dom, 1, 31, &[], ch, &mut file)?;
        }
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        ch = list(&mut entry.month, 1, 12, &months, ch, &mut file)?;
        if is(ch, '*') {
            entry.flags |= DOW_STAR;
        }
        let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        list(&mut entry.dow, 0, 7, &weekdays, ch, &mut file)?;
    }
    if entry.dow[0] & 0x81 != 0 {
        entry.dow[0] |= 0x81;
    }
    Some(entry)
}

fn skip_comments(file: &mut File<'_>) -> i32 {
    loop {
        let mut ch = file.get();
        while blank(ch) {
            ch = file.get();
        }
        if !is(ch, '\n') && !is(ch, '#') {
            return ch;
        }
        while !is(ch, '\n') && ch != EOF {
            ch = file.get();
        }
        if ch == EOF {
            return EOF;
        }
    }
}

fn word(entry: &mut Entry, file: &mut File<'_>) -> Option<()> {
    let mut word = Vec::new();
    loop {
        let ch = file.get();
        if ch == EOF || ch == 0 || blank(ch) || is(ch, '\n') {
            break;
        }
        word.push(u8::try_from(ch).ok()?);
    }
    let broken = file.release >= Release::V1_6;
    let (hour, dom, month, dow, flags): ([u8; 3], [u8; 4], [u8; 2], u8, u8) = match word.as_slice() {
        b"reboot" | b"restart" => {
            *entry = Entry { flags: 0x04, ..Entry::default() };
            return Some(());
        }
        b"yearly" | b"annually" => ([1, 0, 0], [1, 0, 0, 0], [u8::from(!broken), 0], 0xff, DOW_STAR),
        b"monthly" => ([1, 0, 0], [1, 0, 0, 0], [0xff, 0x0f], 0xff, DOW_STAR),
        b"weekly" => ([1, 0, 0], [0xff; 4], [0xff, 0x0f], 1, DOW_STAR),
        b"daily" | b"midnight" => ([1, 0, 0], [0xff; 4], [0xff, 0x0f], 0xff, 0),
        b"hourly" => ([0xff; 3], [0xff; 4], [0xff, 0x0f], 0xff, HR_STAR),
        _ => return None,
    };
    *entry = Entry { hour, dom, month, dow: [dow], flags, ..Entry::default() };
    entry.minute[0] = 1;
    Some(())
}

fn list(bits: &mut [u8], low: i32, high: i32, names: &[&str], mut ch: i32, file: &mut File<'_>) -> Option<i32> {
    loop {
        ch = range(bits, low, high, names, ch, file)?;
        if !is(ch, ',') {
            break;
        }
        ch = file.get();
    }
    while !blank(ch) && !is(ch, '\n') && ch != EOF && ch != 0 {
        ch = file.get();
    }
    while blank(ch) {
        ch = file.get();
    }
    (ch != EOF).then_some(ch)
}

fn range(bits: &mut [u8], low: i32, high: i32, names: &[&str], mut ch: i32, file: &mut File<'_>) -> Option<i32> {
    let (num1, num2);
    if is(ch, '*') {
        (num1, num2) = (low, high);
        ch = file.get();
    } else {
        (num1, ch) = number(low, names, ch, file)?;
        if !is(ch, '-') {
            if is(ch, '/') || num1 < low || num1 > high {
                return None;
            }
            set(bits, num1 - low);
            return Some(ch);
        }
        ch = file.get();
        (num2, ch) = number(low, names, ch, file)?;
    }
    let mut num3 = 1;
    if is(ch, '/') {
        ch = file.get();
        (num3, ch) = number(0, &[], ch, file)?;
        if num3 <= 0 {
            return None;
        }
    }
    if num1 < low || num1 > high || num2 < low || num2 > high {
        return None;
    }
    if file.release >= Release::V1_6 && num3 > high {
        return None;
    }
    if file.release >= Release::V1_6 && num3 == 1 {
        nset(bits, num1 - low, num2 - low);
        return Some(ch);
    }
    let mut i = num1;
    while i <= num2 {
        if i < low || i > high {
            return None;
        }
        set(bits, i - low);
        i = i.wrapping_add(num3);
    }
    Some(ch)
}

fn number(low: i32, names: &[&str], mut ch: i32, file: &mut File<'_>) -> Option<(i32, i32)> {
    let mut temp = String::new();
    while let Some(c) = u8::try_from(ch).ok().filter(u8::is_ascii_alphanumeric) {
        temp.push(c.into());
        ch = file.get();
    }
    if let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(&temp)) {
        return Some((i32::try_from(index).ok()? + low, ch));
    }
    if temp.is_empty() || temp.bytes().any(|c| !c.is_ascii_digit()) {
        return None;
    }
    let long = temp.bytes().fold(0_i64, |n, c| n.saturating_mul(10).saturating_add(i64::from(c - b'0')));
    Some((long as i32, ch))
}

fn set(bits: &mut [u8], bit: i32) {
    bits[(bit >> 3) as usize] |= 1 << (bit & 7);
}

fn nset(bits: &mut [u8], start: i32, stop: i32) {
    let (mut first, last) = ((start >> 3) as usize, (stop >> 3) as usize);
    if first == last {
        bits[first] |= ((0xff << (start & 7)) & (0xff >> (7 - (stop & 7)))) as u8;
        return;
    }
    bits[first] |= (0xff << (start & 7)) as u8;
    first += 1;
    while first < last {
        bits[first] = 0xff;
        first += 1;
    }
    bits[last] |= (0xff >> (7 - (stop & 7))) as u8;
}

/// `sscanf(lower, " %u secon%c%c %c")` and the tests after it.
fn interval(text: &[u8]) -> Option<u32> {
    let space = |c: &u8| matches!(c, b' ' | 9..=13);
    let skip = |mut at: usize| {
        while text.get(at).is_some_and(space) {
            at += 1;
        }
        at
    };
    let mut at = skip(0);
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(negative || text.get(at) == Some(&b'+'));
    let (mut n, mut digits) = (0_u128, 0);
    while let Some(c) = text.get(at).filter(|c| c.is_ascii_digit()) {
        n = (n * 10 + u128::from(c - b'0')).min(1 << 65);
        (at, digits) = (at + 1, digits + 1);
    }
    let long = match u64::try_from(n) {
        Ok(n) if negative => n.wrapping_neg(),
        Ok(n) => n,
        Err(_) => u64::MAX,
    };
    at = skip(at);
    let word = text.get(at..at + 6)?.to_ascii_lowercase();
    let rest = &text[at + 6..];
    let ends = match rest {
        [] => true,
        [b's' | b'S', after @ ..] => after.iter().all(space),
        _ => false,
    };
    let seconds = long as u32;
    (digits > 0 && word == *b"second" && ends && (1..60).contains(&seconds)).then_some(seconds)
}

fn test(bits: &[u8], bit: u32) -> bool {
    bits[(bit >> 3) as usize] & (1 << (bit & 7)) != 0
}

/// `ShouldRunTask` at the start of a minute.
pub fn should_run(entry: &Entry, minute: DateTime<Utc>, tz: Tz) -> bool {
    let now = minute.with_timezone(&tz);
    let tomorrow = (minute + TimeDelta::days(1)).with_timezone(&tz);
    let lastdom = entry.flags & DOM_LAST != 0 && tomorrow.day() == 1;
    let thisdom = lastdom || test(&entry.dom, now.day() - 1);
    let thisdow = test(&entry.dow, now.weekday().num_days_from_sunday());
    test(&entry.minute, now.minute())
        && test(&entry.hour, now.hour())
        && test(&entry.month, now.month() - 1)
        && if entry.flags & (DOM_STAR | DOW_STAR) != 0 { thisdom && thisdow } else { thisdom || thisdow }
}

/// Every minute after `from`, up to and including `to`, that runs the entry.
pub fn fires(entry: &Entry, from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> Vec<DateTime<Utc>> {
    let first = from.timestamp().div_euclid(60) + 1;
    (first..=to.timestamp().div_euclid(60))
        .filter_map(|minute| DateTime::from_timestamp(minute * 60, 0))
        .filter(|minute| should_run(entry, *minute, tz))
        .collect()
}
