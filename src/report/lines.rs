//! Text on a terminal: lines that are too long go on below their words instead of breaking in the middle of one.

use crate::domain::text::{folds, width};

/// The text with each line that is wider than the terminal continued below where its last column of words begins.
pub fn on_terminal(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        out.push_str(&hanging(words, columns).join("\n"));
        out.push_str(end);
    }
    out
}

fn hanging(line: &str, columns: usize) -> Vec<String> {
    if width(line) <= columns || columns < 20 {
        return vec![line.to_string()];
    }
    let indent = indent(line, columns);
    let (head, words) = line.split_at(line.char_indices().nth(indent).map_or(line.len(), |(byte, _)| byte));
    let parts = folds(words, columns - indent);
    let last = parts.len() - 1;
    let shown = |(place, part): (usize, &str)| {
        let part = if place < last { part.trim_end() } else { part };
        if place == 0 { format!("{head}{part}") } else { format!("{}{}", " ".repeat(indent), part.trim_start()) }
    };
    parts.into_iter().enumerate().map(shown).collect()
}

/// Where the words of a line begin that go on below: behind the last gap of two blanks in its first two thirds, and behind a dash.
fn indent(line: &str, columns: usize) -> usize {
    let characters: Vec<char> = line.chars().take(columns * 2 / 3).collect();
    let is_gap = |end: &usize| *end == 0 || *end >= 2 && characters[*end - 2..*end].iter().all(|c| *c == ' ');
    let begins = |at: &usize| characters.get(*at).is_some_and(|c| *c != ' ') && is_gap(at);
    let start = (0..characters.len()).rev().find(begins).unwrap_or(0);
    start + if characters[start..].starts_with(&['-', ' ']) { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_below_its_words_and_none_is_broken() {
        let table = "  pass      rows       every row of the view is in its place today\n        - one more that is far too long for this line\nshort\n";
        let expected = "  pass      rows       every row of the\n                       view is in its\n                       place today\n        - one more that is far too long\n          for this line\nshort\n";
        assert_eq!(on_terminal(table, 40), expected);
        assert_eq!(on_terminal("twenty columns long, and more", 20), "twenty columns long,\nand more");
    }
}
