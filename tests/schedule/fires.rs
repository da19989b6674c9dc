//! Schedules against a second, naive reading of pg_cron's source: what is accepted, and when it fires.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use mvtop::domain::schedule::{Dialect, Schedule};
use proptest::prelude::*;

use crate::port::Release;
use crate::{expressions, port};

const RELEASES: [(Release, &str); 3] = [(Release::V1_4, "1.4-1"), (Release::V1_5, "1.5"), (Release::V1_6, "1.6")];

fn release() -> impl Strategy<Value = (Release, Dialect)> {
    proptest::sample::select(RELEASES.to_vec())
        .prop_map(|(release, extversion)| (release, Dialect::of(extversion, false, false)))
}

/// Any zone of the world, half the time one whose clock does something unusual.
fn zone() -> impl Strategy<Value = Tz> {
    let odd = vec![
        Tz::Australia__Lord_Howe,
        Tz::Africa__Casablanca,
        Tz::America__New_York,
        Tz::America__Havana,
        Tz::America__Tijuana,
        Tz::Asia__Kathmandu,
        Tz::Asia__Beirut,
        Tz::Europe__Madrid,
        Tz::Pacific__Apia,
        Tz::Pacific__Kiritimati,
    ];
    prop_oneof![proptest::sample::select(odd), proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec()), Just(Tz::UTC)]
}

/// Seconds from 1900 to 2090: clocks ran by the sun at first, which is the hardest case there is.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        3 => 1_577_836_800..1_900_000_000_i64,
        1 => -2_208_988_800..3_786_912_000_i64,
    ]
    .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

/// Moments up to two days before the clock of a zone changes, looked for from a random moment on.
fn near_change() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    (zone(), moment(), 0..2880_i64).prop_map(|(tz, from, before)| {
        let offset = |t: DateTime<Utc>| t.with_timezone(&tz).naive_local() - t.naive_utc();
        let change = (0..400).map(|day| from + TimeDelta::days(day)).find(|t| offset(*t) != offset(from));
        (tz, change.unwrap_or(from) - TimeDelta::minutes(before))
    })
}

/// A failure prints its schedule; the seed is worth no file in the tree.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn every_release_accepts_what_its_source_accepts(text in expressions::any_schedule()) {
        for (release, extversion) in RELEASES {
            let ours = Schedule::parse(&text, Dialect::of(extversion, false, false));
            let theirs = port::parse(&text, release);
            prop_assert_eq!(ours.is_ok(), theirs.is_some(), "{:?} {:?}", release, ours);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*|[0-9*/,$@#é\n\t -]*") {
        let _ = Schedule::parse(&text, Dialect::latest()).map(|schedule| schedule.describe());
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn fires_are_those_of_a_scan_minute_by_minute(
        (release, dialect) in release(), text in expressions::calendar_schedule(), tz in zone(), from in moment(),
    ) {
        same_fires(&text, release, dialect, from, from + TimeDelta::days(20), tz)?;
    }

    #[test]
    fn fires_around_a_change_of_the_clock_are_those_of_a_scan(
        (release, dialect) in release(), text in expressions::calendar_schedule(), (tz, from) in near_change(),
    ) {
        same_fires(&text, release, dialect, from, from + TimeDelta::days(4), tz)?;
    }

    #[test]
    fn the_last_day_of_the_month_is_the_one_of_a_scan(
        hour in prop_oneof![Just("*".to_owned()), (0..24_u32).prop_map(|h| h.to_string())],
        weekday in prop_oneof![3 => Just("*"), 1 => Just("1"), 1 => Just("*/3")],
        (tz, near) in near_change(),
    ) {
        let text = format!("*/15 {hour} $ * {weekday}");
        let from = near - TimeDelta::days(31);
        same_fires(&text, Release::V1_6, Dialect::latest(), from, from + TimeDelta::days(36), tz)?;
    }

    #[test]
    fn the_next_fire_is_the_first_of_a_scan_over_months(
        (release, dialect) in release(), text in expressions::calendar_schedule(), tz in zone(), from in moment(),
    ) {
        let Ok(schedule) = Schedule::parse(&text, dialect) else { return Ok(()) };
        let to = from + TimeDelta::days(120);
        let entry = port::parse(&text, release).unwrap();
        let theirs = first(&entry, from, to, tz);
        prop_assert_eq!(schedule.next_after(from, tz).filter(|next| *next <= to), theirs);
    }

    #[test]
    fn the_longest_gap_is_that_of_all_fires(
        text in expressions::calendar_schedule(), tz in zone(), from in moment(),
    ) {
        let Ok(schedule) = Schedule::parse(&text, Dialect::latest()) else { return Ok(()) };
        prop_assume!(schedule.fires_between(from, from + TimeDelta::weeks(1), tz).count() < 300);
        let gap = schedule.longest_gap(from, tz);
        prop_assert!(gap >= gap_of_all(&schedule, from, TimeDelta::weeks(53), tz));
        prop_assert!(gap <= gap_of_all(&schedule, from, TimeDelta::weeks(53) + TimeDelta::days(2), tz));
    }
}

/// The first fire, a day at a time, so that the scan of months ends as soon as there is one.
fn first(entry: &port::Entry, from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
    (0..120).find_map(|day| {
        let start = from + TimeDelta::days(day);
        port::fires(entry, start, (start + TimeDelta::days(1)).min(to), tz).first().copied()
    })
}

fn same_fires(
    text: &str,
    release: Release,
    dialect: Dialect,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    tz: Tz,
) -> Result<(), TestCaseError> {
    let entry = port::parse(text, release);
    let ours = Schedule::parse(text, dialect).ok();
    prop_assert_eq!(ours.is_some(), entry.is_some());
    let (Some(ours), Some(entry)) = (ours, entry) else {
        return Ok(());
    };
    let ours: Vec<_> = ours.fires_between(from, to, tz).collect();
    prop_assert_eq!(ours, port::fires(&entry, from, to, tz));
    Ok(())
}

/// The longest pause over all fires up to the first one that comes `period` after the first, two fires at least.
fn gap_of_all(schedule: &Schedule, from: DateTime<Utc>, period: TimeDelta, tz: Tz) -> Option<TimeDelta> {
    let first = schedule.next_after(from, tz)?;
    let mut longest = None;
    let mut previous = first;
    while let Some(next) = schedule.next_after(previous, tz) {
        longest = longest.max(Some(next - previous));
        previous = next;
        if next >= first + period {
            break;
        }
    }
    longest
}
