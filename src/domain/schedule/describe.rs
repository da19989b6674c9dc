//! A schedule in short English, or as written where English would be long or wrong.

use super::calendar::{Calendar, Clock, DAY, Days, has};
use super::field::{Field, MONTHS, WEEKDAYS};
use super::{Rhythm, Schedule};

/// More items than this are harder to read than the schedule itself.
const LIST: usize = 3;

pub(super) fn describe(schedule: &Schedule) -> String {
    let text = schedule.as_str().trim();
    match &schedule.rhythm {
        Rhythm::Every(1) => "every second".into(),
        Rhythm::Every(seconds) => format!("every {seconds} seconds"),
        Rhythm::AtStart => "when the server starts".into(),
        Rhythm::Calendar(calendar) if calendar.is_empty() => format!("never ({text})"),
        Rhythm::Calendar(calendar) => sentence(calendar).unwrap_or_else(|| text.to_owned()),
    }
}

fn sentence(calendar: &Calendar) -> Option<String> {
    let (times, at_times) = times(calendar.clock)?;
    let days = days(&calendar.days)?;
    let daily = if at_times && days.every_day { "daily " } else { "" };
    Some(format!("{daily}{times}{}", days.phrase))
}

/// The times of a day, and whether they are a list of times rather than a rhythm.
fn times(clock: Clock) -> Option<(String, bool)> {
    let minutes = indices(clock.minutes, 60);
    let hours = indices(clock.hours, 24);
    let rhythm = |text: String| Some((text, false));
    let from_to = |last: u32| format!(" from {:02}:00 to {:02}:{last:02}", hours[0], hours[hours.len() - 1]);
    match (minutes.as_slice(), step(&minutes, 60), step(&hours, 24)) {
        (_, Some(1), Some(1)) => rhythm("every minute".into()),
        (_, Some(n), Some(1)) => rhythm(format!("every {n} minutes")),
        (_, Some(1), _) if run(&hours) => rhythm(format!("every minute{}", from_to(59))),
        (_, Some(n), _) if run(&hours) => rhythm(format!("every {n} minutes{}", from_to(60 - n))),
        ([0], _, Some(1)) => rhythm("hourly".into()),
        ([0], _, Some(n)) => rhythm(format!("every {n} hours")),
        ([..], _, Some(1)) => rhythm(format!("hourly at {}", list(&minutes, |m| format!(":{m:02}"))?)),
        ([m], _, Some(n)) => rhythm(format!("every {n} hours at :{m:02}")),
        ([0], _, _) if run(&hours) && hours.len() > LIST => rhythm(format!("hourly{}", from_to(0))),
        _ => {
            let all = clock.times(0..DAY).collect::<Vec<_>>();
            let text = list(&all, |t| format!("{:02}:{:02}", t / 60, t % 60))?;
            Some((format!("at {text}"), true))
        }
    }
}

struct DayPhrase {
    phrase: String,
    every_day: bool,
}

fn days(days: &Days) -> Option<DayPhrase> {
    let any_day = days.days == Field::Day.bits(1, 31, 1);
    let any_weekday = days.weekdays == 0x7f;
    let months = months(days.months)?;
    let of = match months.strip_prefix(" in ") {
        Some(named) => format!(" of {named}"),
        None => format!(" of the month{months}"),
    };
    let by_day = || Some(format!(" on the {}{of}", ordinals(days)?));
    let by_weekday = || Some(format!("{}{months}", weekdays(days.weekdays)?));
    let no_day = days.days == 0 && !days.last;
    let phrase = match days.both {
        true if any_day && any_weekday => None,
        true if any_day => Some(by_weekday()?),
        true if any_weekday => Some(by_day()?),
        true => return None,
        false if any_day || any_weekday => None,
        false if no_day => Some(by_weekday()?),
        false if days.weekdays == 0 => Some(by_day()?),
        false => Some(format!("{} and{}", by_day()?, by_weekday()?.trim_start_matches(','))),
    };
    Some(DayPhrase { every_day: phrase.is_none(), phrase: phrase.unwrap_or(months) })
}

fn ordinals(days: &Days) -> Option<String> {
    let mut items: Vec<String> = indices(days.days, 31).iter().map(|d| ordinal(d + 1)).collect();
    items.extend(days.last.then(|| "last day".to_owned()));
    join(&items)
}

fn ordinal(day: u32) -> String {
    let suffix = match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    format!("{day}{suffix}")
}

fn weekdays(bits: u64) -> Option<String> {
    let days = indices(bits, 7);
    let name = |day: u32| WEEKDAYS[day as usize];
    if run(&days) && days.len() >= LIST {
        return Some(format!(", {} to {}", name(days[0]), name(*days.last()?)));
    }
    Some(format!(" on {}", list(&days, |day| format!("{}s", name(day)))?))
}

fn months(bits: u64) -> Option<String> {
    let months = indices(bits, 12);
    let name = |month: u32| MONTHS[month as usize];
    if months.len() == 12 {
        return Some(String::new());
    }
    if run(&months) && months.len() >= LIST {
        return Some(format!(", {} to {}", name(months[0]), name(*months.last()?)));
    }
    Some(format!(" in {}", list(&months, |month| name(month).to_owned())?))
}

fn indices(bits: u64, width: u32) -> Vec<u32> {
    (0..width).filter(|index| has(bits, *index)).collect()
}

/// The step of an even rhythm that starts at 0 and divides the cycle, so that it goes on evenly into the next one.
fn step(values: &[u32], cycle: u32) -> Option<u32> {
    let count = u32::try_from(values.len()).ok()?;
    let step = cycle.checked_div(count)?;
    let even = (0..).zip(values).all(|(index, value)| *value == index * step);
    (count > 1 && even && step * count == cycle).then_some(step)
}

fn run(values: &[u32]) -> bool {
    values.len() > 1 && values.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

fn list(values: &[u32], text: impl Fn(u32) -> String) -> Option<String> {
    join(&values.iter().map(|value| text(*value)).collect::<Vec<_>>())
}

/// `a`, `a and b`, `a, b and c`; nothing when there are none or too many.
fn join(items: &[String]) -> Option<String> {
    let (last, rest) = items.split_last().filter(|_| items.len() <= LIST)?;
    Some(match rest {
        [] => last.clone(),
        _ => format!("{} and {last}", rest.join(", ")),
    })
}
