//! Random schedules: mostly sensible, some odd, some broken, some only just on one side of a rule.
//!
//! The parts are boxed because their plain types, nested, overflow the stack of a test thread.

use proptest::prelude::*;

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => (0..14u32).prop_map(|n| n.to_string()),
        6 => (0..70u32).prop_map(|n| n.to_string()),
        1 => (0..70u32).prop_map(|n| format!("0{n}")),
        1 => proptest::sample::select(vec!["2147483647", "4294967301", "99999999999999999999", "7x", ""])
            .prop_map(String::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    proptest::sample::select(vec!["jan", "FEB", "Mar", "dec", "sun", "MON", "Fri", "sat", "Monday", "june"])
        .prop_map(String::from)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![9 => number(), 1 => name()]
}

fn range() -> BoxedStrategy<String> {
    prop_oneof![
        8 => Just("*".to_owned()),
        8 => value(),
        4 => (value(), value()).prop_map(|(a, b)| format!("{a}-{b}")),
        4 => number().prop_map(|n| format!("*/{n}")),
        3 => (value(), value(), number()).prop_map(|(a, b, n)| format!("{a}-{b}/{n}")),
        1 => (value(), number()).prop_map(|(a, n)| format!("{a}/{n}")),
        1 => Just("$".to_owned()),
        1 => proptest::sample::select(vec!["?", "L", "**", "*-3", "5#2", "", "-", "*/", "$,1", "1,$", "é", "*é"])
            .prop_map(String::from),
    ]
    .boxed()
}

fn field() -> BoxedStrategy<String> {
    prop_oneof![
        8 => range(),
        1 => proptest::collection::vec(range(), 1..4).prop_map(|ranges| ranges.join(",")),
        1 => range().prop_map(|r| format!("{r};junk")),
    ]
    .boxed()
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![20 => Just(" "), 1 => Just("\t"), 1 => Just("  \t "), 1 => Just("\n"), 1 => Just("\r"), 1 => Just("\u{b}")]
}

/// Fields joined by blanks, with something before and after now and then.
fn fields(count: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = String> {
    let lead = prop_oneof![16 => Just(""), 1 => Just(" "), 1 => Just("\n\t\n"), 1 => Just("# note\n"), 1 => Just("#")];
    let tail = prop_oneof![12 => Just(""), 1 => Just(" "), 1 => Just(" run it"), 1 => Just("\n"), 1 => Just(" 1 2")];
    (lead, proptest::collection::vec((field(), blank()), count), tail).prop_map(|(lead, fields, tail)| {
        let mut text = lead.to_owned();
        for (index, (field, blank)) in fields.iter().enumerate() {
            text += if index == 0 { "" } else { blank };
            text += field;
        }
        text + tail
    })
}

fn word() -> impl Strategy<Value = String> {
    let words = vec![
        "@hourly",
        "@daily",
        "@midnight",
        "@weekly",
        "@monthly",
        "@yearly",
        "@annually",
        "@reboot",
        "@restart",
        "@Daily",
        "@",
        "@dailyx",
        " @daily",
        "@every 5m",
        "@hourly now",
        "@weekly\n",
        "x@daily",
    ];
    proptest::sample::select(words).prop_map(String::from)
}

fn seconds() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        8 => (0..70u64).prop_map(|n| n.to_string()),
        1 => Just("+5".to_owned()), 1 => Just("-5".to_owned()), 1 => Just("- 5".to_owned()),
        1 => Just("4294967301".to_owned()), 1 => Just("-4294967291".to_owned()),
        1 => Just("18446744073709551621".to_owned()), 1 => Just(String::new()),
    ];
    let blank = || proptest::sample::select(vec![" ", " ", "", "  ", "\t", "\n", "\u{b}"]);
    let words =
        vec!["second", "seconds", "Seconds", "SECOND", "sec", "secon", "secondx", "secondss", "second s", "minutes"];
    let tail = proptest::sample::select(vec!["", "", "", " ", "\n", " x", "é"]);
    (blank(), number, blank(), proptest::sample::select(words), tail)
        .prop_map(|(lead, n, gap, word, tail)| format!("{lead}{n}{gap}{word}{tail}"))
}

/// A sensible schedule with one odd field: where a rule is wrong, nothing else hides it.
fn one_odd_field() -> impl Strategy<Value = String> {
    (calendar_schedule(), 0..5_usize, field()).prop_map(|(text, index, odd)| {
        let mut fields: Vec<&str> = text.split(' ').collect();
        fields[index] = &odd;
        fields.join(" ")
    })
}

/// Any text one might hand to `cron.schedule`.
pub fn any_schedule() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => fields(5),
        40 => one_odd_field(),
        6 => fields(0..7),
        8 => seconds(),
        4 => word(),
        4 => "[0-9*/,$@# -]{0,16}",
    ]
}

/// Five fields of which most are accepted and fire now and then: what comparing fire times needs.
pub fn calendar_schedule() -> impl Strategy<Value = String> {
    fn bounded(low: u32, high: u32) -> BoxedStrategy<String> {
        let n = low..=high;
        prop_oneof![
            6 => Just("*".to_owned()),
            5 => n.clone().prop_map(|a| a.to_string()),
            2 => (n.clone(), n.clone()).prop_map(|(a, b)| format!("{a}-{b}")),
            2 => (1..=high).prop_map(|s| format!("*/{s}")),
            2 => (n.clone(), n.clone(), 1..=high).prop_map(|(a, b, s)| format!("{}-{}/{s}", a.min(b), a.max(b))),
            2 => (n.clone(), n).prop_map(|(a, b)| format!("{a},{b}")),
        ]
        .boxed()
    }
    let day = prop_oneof![6 => bounded(1, 31), 1 => Just("$".to_owned())];
    (bounded(0, 59), bounded(0, 23), day, bounded(1, 12), bounded(0, 7))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}
