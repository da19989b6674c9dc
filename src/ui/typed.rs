//! A text being typed, on one line however long it is: the caret is always in sight, and what is cut is marked.

use tui_input::Input;

use crate::domain::text::{fit, visible, width};

/// What is before the caret, under it, and behind it.
pub struct Typed {
    /// The end of what is before it.
    pub before: String,
    /// The character under it; a blank at the end.
    pub under: String,
    /// The beginning of what is behind it.
    pub after: String,
}

/// The part of the text around the caret that fits so many columns.
pub fn typed(input: &Input, columns: usize) -> Typed {
    let caret = input.value().char_indices().nth(input.cursor()).map_or(input.value().len(), |(byte, _)| byte);
    let (before, rest) = input.value().split_at(caret);
    let mut rest = rest.chars();
    let under = rest.next().map_or(" ".to_string(), |c| visible(&c.to_string()).into_owned());
    let before = end(&visible(before), columns.saturating_sub(width(&under)));
    let room = columns.saturating_sub(width(&before) + width(&under));
    let after = fit(rest.as_str(), room).into_owned();
    Typed { before, under, after }
}

/// The end of a text, behind `…` where it is cut.
fn end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_string();
    }
    let from = text.char_indices().map(|(byte, _)| byte).find(|byte| width(&text[*byte..]) < columns);
    format!("…{}", from.map_or("", |byte| &text[byte..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_in_sight_wherever_it_is_and_what_is_cut_is_marked() {
        let shown = |input: Input| {
            let typed = typed(&input, 8);
            format!("{}[{}]{}", typed.before, typed.under, typed.after)
        };
        let text = || Input::from("ejecutivos y coordinaciones");
        assert_eq!(shown(text()), "…ciones[ ]");
        assert_eq!(shown(text().with_cursor(0)), "[e]jecuti…");
        assert_eq!(shown(text().with_cursor(13)), "…vos y [c]");
        assert_eq!(shown(Input::from("李明王李明")), "…王李明[ ]");
        assert_eq!(shown(Input::from("VEN")), "VEN[ ]");
    }
}
