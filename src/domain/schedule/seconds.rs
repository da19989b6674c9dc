//! `N seconds` as pg_cron's `TryParseInterval` reads it: `sscanf(" %u secon%c%c %c")` on the text in lower case.

/// The number in an interval, whether or not pg_cron takes it; nothing when the text is no interval.
///
/// Blanks of any kind may come first, between and (after the plural only) last: `5seconds`, ` 5 Second`, `5 seconds `.
pub(super) fn parse(text: &str) -> Option<u32> {
    let text = text.trim_start_matches(is_space);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word_at = unsigned.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = unsigned.split_at(word_at);
    if digits.is_empty() || !is_second(rest.trim_start_matches(is_space)) {
        return None;
    }
    Some(strtoul(digits, text.starts_with('-')))
}

fn is_second(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word == "second" || word.trim_end_matches(is_space) == "seconds"
}

/// A number as `%u` stores it: saturated at 64 bits, negated if need be, then cut to 32.
fn strtoul(digits: &str, negative: bool) -> u32 {
    let number = match digits.parse::<u64>() {
        Ok(number) if negative => number.wrapping_neg(),
        Ok(number) => number,
        Err(_) => u64::MAX,
    };
    number as u32
}

/// C's `isspace`; unlike Rust's it counts the vertical tab.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}
