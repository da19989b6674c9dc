//! Times and lengths of time as people read them.

use chrono::{DateTime, TimeDelta, Utc};

/// A point in time. The server's clock, unless a name says otherwise.
pub type Time = DateTime<Utc>;

/// The length of time from `then` to `now`, never negative (clocks differ by milliseconds).
pub fn age(then: Time, now: Time) -> TimeDelta {
    (now - then).max(TimeDelta::zero())
}

/// A length of time in at most six columns, in its two largest units: `41ms`, `0.5s`, `12s`, `4m59s`, `3h07m`, `3d02h`, `400d`.
pub fn human(length: TimeDelta) -> String {
    let ms = length.num_milliseconds();
    let seconds = length.num_seconds();
    match seconds {
        _ if length < TimeDelta::zero() => format!("-{}", human(-length)),
        0 if (1..100).contains(&ms) => format!("{ms}ms"),
        0..10 => format!("{}.{}s", ms / 1_000, ms % 1_000 / 100).replace(".0s", "s"),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60).replace("m00s", "m"),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60).replace("h00m", "h"),
        86_400..8_640_000 => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600).replace("d00h", "d"),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago, in whole seconds so that it ticks calmly: `12s`, `4m59s`, `3d02h`.
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
    fn a_length_is_told_in_its_two_largest_units_and_six_columns() {
        let said: Vec<_> =
            [0, 4, 99, 100, 516, 999, 1_000, 1_250, 12_300, 299_000, 300_000, 86_399_000, 273_600_000, 8_640_000_000]
                .map(|ms| human(TimeDelta::milliseconds(ms)))
                .into();
        let short = ["0s", "4ms", "99ms", "0.1s", "0.5s", "0.9s", "1s", "1.2s"];
        let long = ["12s", "4m59s", "5m", "23h59m", "3d04h", "100d"];
        assert_eq!(said, [&short[..], &long].concat());
        assert!(said.iter().all(|said| said.len() <= 6), "{said:?}");
        assert_eq!(human(TimeDelta::milliseconds(-1_500)), "-1.5s");
    }
}
