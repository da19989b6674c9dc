//! Text that came from somewhere else, made safe to show: hidden characters become `visible`, and strings are cut and padded
//! by the columns they take on a terminal, not by bytes or characters.
//!
//! Whatever lays text out ([`fit`], [`pad_right`], [`wrap`], [`wrap_within`]) makes it visible first.

mod visible;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use visible::{escaped, escaped_json, make_visible, visible};

/// `1 run`, `3 runs`.
#[must_use]
pub fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// The text with its first letter as a capital.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A share of 1 in per cent with one decimal, never rounded up: `99.9 %` is not all.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", (share * 1000.0).floor() / 10.0)
}

/// The text as a filter compares it: without case and without accents, so that `fabian` finds `Fabián`.
#[must_use]
pub fn folded(text: &str) -> String {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// The words of a text, each with the blank behind it; a number and its unit stay together.
#[must_use]
pub fn pieces(text: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(' ') {
        let end = start + word.len();
        let unit = word.trim_end().trim_end_matches(['.', ',', ';', ')']);
        let is_unit = unit == "%" || (1..=3).contains(&unit.len()) && unit.chars().all(|c| c.is_ascii_alphabetic());
        match pieces.last_mut().filter(|last| is_unit && last.trim_end().ends_with(|c: char| c.is_ascii_digit())) {
            Some(last) => *last = &text[start - last.len()..end],
            None => pieces.push(word),
        }
        start = end;
    }
    pieces
}

/// A text on as many lines as the columns ask for, broken between words; a word that is longer than a line is cut.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for word in pieces(&visible(text)).into_iter().map(str::trim).filter(|word| !word.is_empty()) {
        let taken = width(word);
        match lines.last_mut().filter(|(_, used)| used + 1 + taken <= columns) {
            Some((line, used)) => {
                line.push(' ');
                line.push_str(word);
                *used += 1 + taken;
            }
            None => lines.push((fit(word, columns).into_owned(), taken.min(columns))),
        }
    }
    lines.into_iter().map(|(line, _)| line).collect()
}

/// The same on so many lines at most; what is left out is marked by a final `…`.
#[must_use]
pub fn wrap_within(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut all = wrap(text, columns);
    if all.len() > lines {
        all.truncate(lines);
        if let Some(last) = all.last_mut() {
            *last = fit(&format!("{last} …"), columns).into_owned();
        }
    }
    all
}

/// The whole text, which is `visible` already, on lines of so many columns, broken behind blanks, which may stand over: no
/// character of it is lost.
#[must_use]
pub fn folds(text: &str, columns: usize) -> Vec<&str> {
    let (mut lines, mut start, mut blank, mut used) = (Vec::new(), 0, 0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let taken = grapheme_width(grapheme);
        if used + taken > columns && at > start && grapheme != " " {
            let end = if blank > start { blank } else { at };
            lines.push(&text[start..end]);
            (start, used) = (end, width(&text[end..at]));
        }
        used += taken;
        if grapheme == " " {
            blank = at + 1;
        }
    }
    lines.push(&text[start..]);
    lines
}

/// The columns `s` takes on a terminal, counted grapheme by grapheme as ratatui lays them out.
#[must_use]
pub fn width(s: &str) -> usize {
    if s.chars().all(is_simple) { s.chars().count() } else { s.graphemes(true).map(grapheme_width).sum() }
}

/// Is it a grapheme of its own among such, one column wide? Nearly all of every frame is, and finding graphemes took a third
/// of it.
#[must_use]
pub fn is_simple(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' | '\u{2500}'..='\u{259f}')
}

/// ratatui gives a column to each half-width katakana sound mark, which unicode-width counts as none.
fn grapheme_width(grapheme: &str) -> usize {
    let marks = grapheme.matches(['\u{FF9E}', '\u{FF9F}']).count();
    grapheme.width() + marks
}

/// `s` itself when it fits in `columns`, else as many whole graphemes as leave room for a final `…`.
#[must_use]
pub fn fit(s: &str, columns: usize) -> Cow<'_, str> {
    let s = visible(s);
    if width(&s) <= columns {
        return s;
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let mut kept = String::with_capacity(s.len());
    for grapheme in s.graphemes(true) {
        used += grapheme_width(grapheme);
        if used > room {
            break;
        }
        kept.push_str(grapheme);
    }
    kept.push('…');
    Cow::Owned(kept)
}

/// `s` fitted into exactly `columns`, blanks after it: for words.
#[must_use]
pub fn pad_right(s: &str, columns: usize) -> String {
    let shown = fit(s, columns);
    format!("{shown}{:blank$}", "", blank = columns - width(&shown))
}

/// A byte count in its largest unit.
pub fn bytes(n: i64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit < units.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 99.5 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// The word of `known` that `word` most likely meant: at most a third of its letters are typed wrong.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (mistakes, near) = known.iter().map(|candidate| (mistakes(word, candidate), *candidate)).min()?;
    (mistakes <= near.chars().count().max(3) / 3).then_some(near)
}

/// How many letters were added, dropped, replaced or swapped with their neighbour to make `b` of `a` (Damerau, each pair
/// swapped at most once).
fn mistakes(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut cost = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            cost[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = cost[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                replaced.min(cost[i - 1][j] + 1).min(cost[i][j - 1] + 1)
            };
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost[i][j] = cost[i][j].min(cost[i - 2][j - 2] + 1);
            }
        }
    }
    cost[a.len()][b.len()]
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Strings rich in what goes wrong: controls, direction marks, wide letters, emoji, marks.
    pub fn nasty() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "a",
            "ñ",
            "中",
            "ｶﾞ",
            "e\u{301}",
            "👩‍👩‍👧",
            "🇲🇽",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "\u{1F3F4}\u{E0067}",
            "\u{1b}[2J",
            "\n",
            "\t",
            "\u{85}",
            "\u{202E}",
            "\u{200B}",
            "\u{FEFF}",
            "لا",
            "\u{0301}",
            "\u{200D}",
            "…",
            "<U+202E>",
        ]);
        let from_pieces = prop::collection::vec(pieces, 0..12).prop_map(|v| v.concat());
        prop_oneof![from_pieces, any::<String>()]
    }

    #[test]
    fn simple_characters_are_graphemes_of_one_column_whatever_stands_beside_them() {
        let simple: Vec<char> = ('\0'..=char::MAX).filter(|c| is_simple(*c)).collect();
        let reversed = simple.iter().rev().collect::<String>();
        for text in [simple.iter().collect(), simple.iter().flat_map(|c| [*c, *c]).collect(), reversed] {
            let text: String = text;
            assert!(text.graphemes(true).all(|g| g.chars().count() == 1 && grapheme_width(g) == 1));
        }
    }

    #[test]
    fn bytes_are_told_in_three_figures() {
        assert_eq!(
            [0, 999, 1024, 5_000_000, 213_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "4.8 MB", "198 GB"]
        );
    }

    #[test]
    fn a_filter_finds_names_whatever_their_case_and_accents() {
        assert_eq!(folded("Fabián IBÁÑEZ"), "fabian ibanez");
        assert_eq!(folded("Fabia\u{301}n"), folded("FABIÁN"));
        assert_eq!(folded("李明"), "李明");
    }

    #[test]
    fn text_is_wrapped_between_words_and_what_does_not_fit_is_marked() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("prospectos", 6), ["prosp…"]);
        assert_eq!(wrap("load about 0.0 %, next", 15), ["load about", "0.0 %, next"]);
        assert_eq!(wrap_within("one two three four", 7, 2), ["one two", "three …"]);
        assert_eq!(wrap_within("one two three", 7, 2), ["one two", "three"]);
    }

    #[test]
    fn cuts_between_graphemes_and_pads_by_columns() {
        assert_eq!(fit("prospectos", 10), "prospectos");
        assert_eq!(fit("prospectos", 6), "prosp…");
        assert_eq!(fit("李明王", 4), "李…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(pad_right("李明王", 4), "李… ");
    }

    proptest! {
        #[test]
        fn fitted_text_is_never_wider_than_asked(raw in nasty(), columns in 0_usize..20) {
            prop_assert!(width(&fit(&raw, columns)) <= columns);
        }

        #[test]
        fn folds_lose_nothing_and_fit(raw in nasty(), columns in 4_usize..20) {
            prop_assert!(folds(&raw, columns).iter().all(|line| width(line.trim_end_matches(' ')) <= columns));
            prop_assert_eq!(folds(&raw, columns).concat(), raw);
        }

        #[test]
        fn padded_text_takes_exactly_its_columns(raw in nasty(), columns in 0_usize..20) {
            prop_assert_eq!(width(&pad_right(&raw, columns)), columns);
        }

        #[test]
        fn ratatui_draws_visible_text_in_the_columns_we_count(raw in nasty()) {
            use ratatui::{buffer::Buffer, layout::Rect, style::Style};
            let shown = visible(&raw);
            let counted = width(&shown);
            let mut buffer = Buffer::empty(Rect::new(0, 0, u16::try_from(counted + 4).unwrap(), 1));
            let (end, _) = buffer.set_stringn(0, 0, shown.as_ref(), usize::MAX, Style::new());
            prop_assert_eq!(usize::from(end), counted);
        }
    }
}
