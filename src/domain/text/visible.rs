//! What a terminal would obey or hide, made visible on a screen and escaped in JSON.

use std::borrow::Cow;

/// The three flags built from tag characters (England, Scotland, Wales) that Unicode recommends for interchange. In any
/// other place tag characters carry text nobody sees.
const TAG_FLAGS: [&str; 3] = [
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
    "\u{1F3F4}\u{E0067}\u{E0062}\u{E0077}\u{E006C}\u{E0073}\u{E007F}",
];

/// Shows what a terminal would obey or hide: newline as `⏎`, tab as `⇥`, and every other control, direction mark,
/// zero-width space or tag character as `<U+202E>`. Letters of any script, emoji, flags and combining marks stay as they are.
///
/// Applying it twice changes nothing more, and the result never holds a control character.
#[must_use]
pub fn visible(raw: &str) -> Cow<'_, str> {
    // Nearly all of every text is plain.
    let is_plain = raw.bytes().all(|b| matches!(b, b' '..=b'~'));
    if is_plain || !raw.chars().any(is_hidden) {
        return Cow::Borrowed(raw);
    }
    let mut shown = String::with_capacity(raw.len() + 8);
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let flag = TAG_FLAGS.into_iter().find(|flag| rest.starts_with(flag));
        let (piece, tail) = rest.split_at(flag.map_or(first.len_utf8(), str::len));
        if flag.is_some() || !is_hidden(first) {
            shown.push_str(piece);
        } else {
            shown.push_str(&name(first));
        }
        rest = tail;
    }
    Cow::Owned(shown)
}

/// Texts made visible, each where it stands.
pub fn make_visible<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    for text in texts {
        if let Cow::Owned(shown) = visible(text) {
            *text = shown;
        }
    }
}

/// JSON whose strings hold nothing raw that a terminal would obey or hide: such a character is written as its escape, so
/// that whoever reads the JSON gets the exact value.
#[must_use]
pub fn escaped_json(json: &str) -> String {
    escaped(json, |c| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect())
}

/// A text of a language that has escapes, with one for each character that a terminal would obey or hide; line ends stay.
#[must_use]
pub fn escaped(text: &str, escape: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_hidden(c) { out.push_str(&escape(c)) } else { out.push(c) }
    }
    out
}

fn name(hidden: char) -> Cow<'static, str> {
    match hidden {
        '\n' => Cow::Borrowed("⏎"),
        '\t' => Cow::Borrowed("⇥"),
        other => Cow::Owned(format!("<U+{:04X}>", u32::from(other))),
    }
}

/// Joiners (U+200C, U+200D) and variation selectors are missing on purpose: scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'                  // soft hyphen
            | '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' // direction
            | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}' // zero width
            | '\u{2028}' | '\u{2029}'   // line and paragraph separators
            | '\u{3164}' | '\u{FFA0}'   // fillers that look like an empty field
            | '\u{FFF9}'..='\u{FFFB}'   // interlinear annotation
            | '\u{E0000}'..='\u{E007F}' // tags
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::text::tests::nasty;
    use proptest::prelude::*;

    #[test]
    fn names_what_a_terminal_would_obey() {
        assert_eq!(visible("a\u{1b}[2J\r\nb\tc"), "a<U+001B>[2J<U+000D>⏎b⇥c");
        assert_eq!(visible("\u{9b}31m\u{7f}"), "<U+009B>31m<U+007F>");
    }

    #[test]
    fn names_what_a_terminal_would_hide() {
        for hidden in "\u{202A}\u{202E}\u{2066}\u{2069}\u{200B}\u{FEFF}\u{AD}\u{2028}\u{2029}\u{E0041}\u{200E}".chars()
        {
            let raw = format!("VEN{hidden}BOOM");
            assert_eq!(visible(&raw), format!("VEN<U+{:04X}>BOOM", u32::from(hidden)));
        }
    }

    #[test]
    fn leaves_every_language_and_emoji_alone() {
        for text in
            ["Osmara Partida", "李明", "👩‍👩‍👧‍👦", "🇲🇽", TAG_FLAGS[0], "❤️", "e\u{301}", "مرحبا", "ｶﾞ", "می\u{200C}خواهم"]
        {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn names_tags_that_are_not_a_known_flag() {
        assert_eq!(visible("\u{1F3F4}\u{E0067}x"), "\u{1F3F4}<U+E0067>x");
    }

    #[test]
    fn json_keeps_the_exact_value_without_a_raw_control_or_direction_mark() {
        let value = serde_json::json!({"name": "a\u{1b}[2J\u{9b}31m\u{202e}\u{85}\u{7f}\u{e0041}ñ\n", "n": [1]});
        let json = escaped_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(json.contains(r"\u009b31m\u202e\u0085\u007f\udb40\udc41ñ\n") && !json.contains('\u{9b}'), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }

    proptest! {
        #[test]
        fn visible_twice_is_visible_once(raw in nasty()) {
            let once = visible(&raw).into_owned();
            prop_assert_eq!(visible(&once), once.as_str());
        }

        #[test]
        fn visible_text_holds_no_control_or_direction_mark(raw in nasty()) {
            let bad = |c: char| c.is_control() || ('\u{202A}'..='\u{202E}').contains(&c) || c == '\u{200B}';
            prop_assert!(!visible(&raw).chars().any(bad));
        }
    }
}
