//! Times and lengths of time as people read them.

use chrono::{DateTime, TimeDelta, Utc};

/// A point in time. The server's clock, unless a name says otherwise.
pub type Time = DateTime<Utc>;

/// The length of time from `then` to `now`, never negative (clocks differ by milliseconds).
pub fn age(then: Time, now: Time) -> TimeDelta {
    (now - then).max(TimeDelta::zero())
}

/// A length of time in its two largest units: `0.4 s`, `12 s`, `4:59`, `3 h 07 m`, `2 d 04 h`.
pub fn human(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    match seconds {
        ..0 => format!("-{}", human(-length)),
        0..10 if length.num_milliseconds() < 10_000 && length.num_milliseconds() % 1000 != 0 => {
            human_millis(length.num_milliseconds())
        }
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

fn human_millis(ms: i64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

/// A length of time in at most six columns, for tables: `750ms`, `12s`, `4m59s`, `3h07m`, `3d02h`, `400d`.
pub fn compact(length: TimeDelta) -> String {
    let ms = length.num_milliseconds();
    let seconds = length.num_seconds();
    match seconds {
        ..0 => format!("-{}", compact(-length)),
        0 => format!("{ms}ms"),
        1..10 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100).replace(".0s", "s"),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60).replace("m00s", "m"),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60).replace("h00m", "h"),
        86_400..8_640_000 => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600).replace("d00h", "d"),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago, in whole seconds so that it ticks calmly: `12 s`, `4:59 min`, `3 d 02 h`.
pub fn ago(then: Time, now: Time) -> String {
    human(TimeDelta::seconds(age(then, now).num_seconds()))
}

/// A `std` duration as people read it.
pub fn took(duration: std::time::Duration) -> String {
    human(TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX))
}

/// A clock time for today, a date and time for another day (UTC).
pub fn clock(at: Time, now: Time) -> String {
    if at.date_naive() == now.date_naive() {
        at.format("%H:%M:%S").to_string()
    } else {
        at.format("%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_length_keeps_to_six_columns() {
        let said: Vec<_> = [4, 1_250, 12_300, 299_000, 300_000, 86_399_000, 273_600_000, 8_640_000_000]
            .map(|ms| compact(TimeDelta::milliseconds(ms)))
            .into();
        assert_eq!(said, ["4ms", "1.2s", "12s", "4m59s", "5m", "23h59m", "3d04h", "100d"]);
    }

    #[test]
    fn a_length_is_told_in_its_two_largest_units() {
        let said: Vec<_> = [4, 999, 1_000, 1_250, 12_300, 299_000, 11_220_000, 273_600_000]
            .map(|ms| human(TimeDelta::milliseconds(ms)))
            .into();
        assert_eq!(said, ["4 ms", "999 ms", "1 s", "1.2 s", "12 s", "4:59 min", "3 h 07 m", "3 d 04 h"]);
    }
}
