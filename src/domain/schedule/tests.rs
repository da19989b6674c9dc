//! What people write, and what must be said about it. Agreement with pg_cron at large is shown in `tests/schedule*.rs`.

#![allow(clippy::unwrap_used)]

use chrono_tz::{America, Europe};

use super::*;

const RELEASES: [&str; 3] = ["1.4-1", "1.5", "1.6"];

fn on(extversion: &str) -> Dialect {
    Dialect::of(extversion, false, false)
}

fn schedule(text: &str) -> Schedule {
    Schedule::parse(text, Dialect::latest()).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn fires(text: &str, from: &str, to: &str, tz: Tz) -> Vec<String> {
    schedule(text).fires_between(at(from), at(to), tz).map(|t| t.format("%d %H:%M").to_string()).collect()
}

fn error(text: &str) -> String {
    Schedule::parse(text, Dialect::latest()).unwrap_err().to_string()
}

#[test]
fn releases_differ_as_their_sources_do() {
    let accepts = |text| RELEASES.map(|release| Schedule::parse(text, on(release)).is_ok());
    assert_eq!(accepts("*/60 * * * *"), [true, true, false]);
    assert_eq!(accepts("0 0 $ * *"), [false, false, true]);
    assert_eq!(accepts("30 seconds"), [false, true, true]);
    assert_eq!(accepts("1-59/2147483647 * * * *"), [false, false, false]);

    let never = |text| RELEASES.map(|release| Schedule::parse(text, on(release)).unwrap().never_fires());
    assert_eq!(never("@yearly"), [false, false, true]);
    assert_eq!(never("0 22-2 * * *"), [true, true, false]);
    assert_eq!(never("0 5-1 * * *"), [true, true, true]);
}

#[test]
fn a_setting_of_the_loaded_library_outranks_an_old_extversion() {
    assert_eq!(Dialect::of("1.4-1", false, true), Dialect::latest());
    assert_eq!(Dialect::of("1.4", true, false), on("1.5"));
    assert_eq!(Dialect::of("1.6", false, false), Dialect::latest());
    assert_eq!(Dialect::of("2.0", false, false), Dialect::latest());
    assert_eq!(Dialect::of("unknown", false, false), Dialect::latest());
    assert!(!on("1.3").has_seconds() && !on("1.5").has_last_day());
}

#[test]
fn what_can_never_come_never_fires() {
    for text in ["@yearly", "0 0 * * fri-sun", "5-1 * * * *", "0 0 30 2 *", "0 0 31 4,6 *", "@reboot"] {
        let schedule = schedule(text);
        assert!(schedule.never_fires(), "{text}");
        assert_eq!(schedule.next_after(at("2026-01-01T00:00:00Z"), Tz::UTC), None);
        assert_eq!(schedule.longest_gap(at("2026-01-01T00:00:00Z"), Tz::UTC), None);
    }
    for text in ["0 0 29 2 *", "0 0 30 2 1", "0 0 $ 2 *", "1 second"] {
        assert!(!schedule(text).never_fires(), "{text}");
    }
    assert!(schedule("@reboot").runs_at_start() && !schedule("@yearly").runs_at_start());
}

#[test]
fn the_next_fire_is_strictly_later_and_on_the_minute() {
    let next = |text: &str, t| schedule(text).next_after(at(t), Tz::UTC);
    assert_eq!(next("*/5 * * * *", "2026-01-01T00:05:00Z"), Some(at("2026-01-01T00:10:00Z")));
    assert_eq!(next("*/5 * * * *", "2026-01-01T00:04:59.999Z"), Some(at("2026-01-01T00:05:00Z")));
    assert_eq!(next("0 0 1 1 *", "2026-01-01T00:00:00Z"), Some(at("2027-01-01T00:00:00Z")));
    assert_eq!(next("0 0 29 2 */7", "2088-03-01T00:00:00Z"), Some(at("2128-02-29T00:00:00Z")));
    assert_eq!(next("30 seconds", "2026-01-01T00:00:07.5Z"), Some(at("2026-01-01T00:00:37.5Z")));
}

#[test]
fn what_follows_a_schedule_is_known_to_be_ignored() {
    let ignored = |text| Schedule::parse(text, Dialect::latest()).unwrap().ignored().map(str::to_string);
    assert_eq!(ignored("*/10 * * * *  漢字 aaaa "), Some("漢字 aaaa".into()));
    assert_eq!(ignored("@hourly please"), Some("please".into()));
    for text in ["*/10 * * * *", " 0\t6 * * mon ", "@daily", "30 seconds", "0 0 $ * *"] {
        assert_eq!(ignored(text), None, "{text}");
    }
}

#[test]
fn no_moment_is_too_far_away() {
    for t in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        for text in ["* * * * *", "0 0 $ * *", "59 seconds"] {
            let _ = schedule(text).next_after(t, America::New_York);
            let _ = schedule(text).longest_gap(t, America::New_York);
        }
    }
}

#[test]
fn days_must_both_match_only_where_a_field_starts_with_a_star() {
    let days = |text| fires(text, "2026-01-31T23:59:00Z", "2026-02-09T00:00:00Z", Tz::UTC);
    assert_eq!(days("0 0 2 * 5"), ["02 00:00", "06 00:00"]);
    assert_eq!(days("0 0 */2 * 5"), Vec::<String>::new());
    assert_eq!(days("0 0 */3 * 3"), ["04 00:00"]);
    assert_eq!(days("0 0 1-31/3 * 3"), ["01 00:00", "04 00:00", "07 00:00"]);
}

#[test]
fn a_time_the_clock_skips_does_not_fire_and_a_repeated_one_fires_twice() {
    let spring = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(fires("30 2 * * *", spring.0, spring.1, Europe::Madrid), ["30 00:30"]);
    let autumn = ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
    assert_eq!(fires("30 2 * * *", autumn.0, autumn.1, Europe::Madrid), ["25 00:30", "25 01:30"]);
    let always_skipped = schedule("30 2 8-14 3 */7");
    assert_eq!(always_skipped.next_after(at("2026-01-01T00:00:00Z"), America::New_York), None);
}

#[test]
fn the_last_day_is_missed_where_it_has_25_hours() {
    let october = ("2027-10-30T12:00:00Z", "2027-11-01T12:00:00Z");
    assert_eq!(fires("0 0 $ * *", october.0, october.1, Europe::Madrid), Vec::<String>::new());
    assert_eq!(fires("0 12 $ * *", october.0, october.1, Europe::Madrid), ["31 11:00"]);
    assert_eq!(fires("0 0 $ * *", october.0, october.1, Tz::UTC), ["31 00:00"]);
}

#[test]
fn the_longest_gap_is_the_worst_pause_of_the_year() {
    let gap = |text: &str, tz| schedule(text).longest_gap(at("2026-06-10T10:00:00Z"), tz).unwrap();
    assert_eq!(gap("*/5 * * * *", Tz::UTC), TimeDelta::minutes(5));
    assert_eq!(gap("*/7 * * * *", Tz::UTC), TimeDelta::minutes(7));
    assert_eq!(gap("0 6 * * *", Tz::UTC), TimeDelta::hours(24));
    assert_eq!(gap("0 6 * * *", Europe::Madrid), TimeDelta::hours(25));
    assert_eq!(gap("0 9-18 * * 1-5", Tz::UTC), TimeDelta::hours(63));
    assert_eq!(gap("0 0 29 2 *", Tz::UTC), TimeDelta::days(4 * 365 + 1));
    assert_eq!(gap("30 seconds", Tz::UTC), TimeDelta::seconds(30));
}

#[test]
fn the_pause_around_a_moment_is_the_one_that_it_lies_in() {
    let pause = |text: &str, t: &str| schedule(text).pause_around(at(t), Tz::UTC);
    let office = "*/5 7-22 * * *";
    assert_eq!(pause(office, "2026-06-10T14:02:00Z"), Some(TimeDelta::minutes(5)));
    assert_eq!(pause(office, "2026-06-10T14:05:00Z"), Some(TimeDelta::minutes(5)), "a fire begins its pause");
    assert_eq!(pause(office, "2026-06-10T03:00:00Z"), Some(TimeDelta::minutes(8 * 60 + 5)), "22:55 to 07:00");
    assert_eq!(pause("0 9-18 * * 1-5", "2026-06-13T12:00:00Z"), Some(TimeDelta::hours(63)), "a weekend");
    assert_eq!(pause("0 0 29 2 *", "2026-06-10T10:00:00Z"), Some(TimeDelta::days(4 * 365 + 1)));
    assert_eq!(pause("30 seconds", "2026-06-10T10:00:00Z"), Some(TimeDelta::seconds(30)));
    assert_eq!(pause("@reboot", "2026-06-10T10:00:00Z"), None);
}

#[test]
fn descriptions_are_english_or_the_schedule_itself() {
    for (text, english) in [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0-59/5 * * * * refresh it", "every 5 minutes"),
        ("30 seconds", "every 30 seconds"),
        ("1 second", "every second"),
        ("@hourly", "hourly"),
        ("5,35 * * * *", "hourly at :05 and :35"),
        ("15 */6 * * *", "every 6 hours at :15"),
        ("0 6 * * *", "daily at 06:00"),
        ("0 6,18 * * *", "daily at 06:00 and 18:00"),
        ("0 6 * * 1", "at 06:00 on Mondays"),
        ("0 6 * * mon-fri", "at 06:00, Monday to Friday"),
        ("*/5 9-18 * * 1-5", "every 5 minutes from 09:00 to 18:55, Monday to Friday"),
        ("0 9-18 * * *", "hourly from 09:00 to 18:00"),
        ("0 0 1,15 * *", "at 00:00 on the 1st and 15th of the month"),
        ("0 0 1 1 *", "at 00:00 on the 1st of January"),
        ("0 0 1 1-3 *", "at 00:00 on the 1st of the month, January to March"),
        ("0 0 * 1-6 *", "daily at 00:00, January to June"),
        ("0 0 1 * 1", "at 00:00 on the 1st of the month and on Mondays"),
        ("0 0 $ * *", "at 00:00 on the last day of the month"),
        ("@reboot", "when the server starts"),
        ("@yearly", "never (@yearly)"),
        ("*/7 * * * *", "*/7 * * * *"),
        ("0 0 */2 * 1", "0 0 */2 * 1"),
        ("0 1,3,7,9 * * *", "0 1,3,7,9 * * *"),
    ] {
        assert_eq!(schedule(text).describe(), english, "{text}");
    }
}

#[test]
fn errors_say_what_is_wrong_where_and_what_to_write() {
    for (text, parts) in [
        ("", ["empty", "`*/5 * * * *`"]),
        ("* * * *", ["stops before its day of week field", "needs five"]),
        ("60 * * * *", ["60 in the minute field (column 1)", "0 to 59"]),
        ("1/20 * * * *", ["step on a single number", "`1-59/…`"]),
        ("*/60 * * * *", ["step in the minute field (column 3)", "1 to 59"]),
        ("0 0 L * *", ["`L` in the day of month field (column 5)", "`$`"]),
        ("? * * * *", ["`?`", "write `*`"]),
        ("* * * * Monday", ["`Monday` in the day of week field (column 9)", "`mon`"]),
        ("*é 1, * * *", ["a value is missing in the hour field (column 6)", "0 to 23"]),
        ("0 0 $,1 * *", ["(column 5)", "alone"]),
        ("@Daily", ["`@Daily`", "lower case"]),
        ("90 seconds", ["1 to 59 seconds", "minutes"]),
        ("5 minutes", ["`minutes` in the hour field", "`*/5 * * * *`"]),
    ] {
        let message = error(text);
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
    let old = |text| Schedule::parse(text, on("1.4-1")).unwrap_err();
    assert_eq!(old("5 seconds"), ScheduleError::SecondsUnsupported);
    assert_eq!(old("0 0 $ * *"), ScheduleError::LastDayUnsupported);
    assert_eq!(error("* * * * *\0"), ScheduleError::Nul.to_string());
}
