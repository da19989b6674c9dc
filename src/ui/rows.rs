//! Table rows of fixed columns: each cell padded to its width, so that a pane draws only the rows in its window.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::text::{fit, pieces, width};

/// A column's width and side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Text, to the left.
    Text(usize),
    /// A number, to the right.
    Number(usize),
}

impl Column {
    /// Its width in terminal columns.
    pub fn width(self) -> usize {
        match self {
            Column::Text(width) | Column::Number(width) => width,
        }
    }

    /// The text, and the blanks that fill its column, before or behind it. The blanks have no style of their own: a
    /// state that brings its own ground is as wide as its word.
    fn cell<'a>(self, text: &str, style: Style) -> [Span<'a>; 2] {
        let text = fit(text, self.width());
        let blanks = Span::raw(" ".repeat(self.width().saturating_sub(width(&text))));
        let text = Span::styled(text.into_owned(), style);
        match self {
            Column::Text(_) => [text, blanks],
            Column::Number(_) => [blanks, text],
        }
    }
}

/// One row: the cells with their styles, a blank between them. A column of no width is left out.
pub fn row<'a>(columns: &[Column], cells: impl IntoIterator<Item = (String, Style)>) -> Line<'a> {
    let mut spans = Vec::new();
    for (column, (text, style)) in columns.iter().zip(cells) {
        if column.width() == 0 {
            continue;
        }
        spans.extend(column.cell(&text, style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// What is left of `width` for one flexible column beside the others and their blanks.
pub fn rest(width: u16, fixed: &[Column]) -> usize {
    let taken: usize = fixed.iter().map(|c| c.width()).filter(|w| *w > 0).map(|w| w + 1).sum();
    (width as usize).saturating_sub(taken + 1)
}

/// A sentence as one span a word, so that it can be wrapped.
pub fn words<'a>(text: &str, style: Style) -> Line<'a> {
    pieces(text).into_iter().map(|word| Span::styled(word.to_string(), style)).collect()
}

/// A line's spans on as many lines as the columns ask for; a span is never broken.
pub fn wrapped(line: Line<'_>, columns: u16) -> Vec<Line<'_>> {
    let mut lines = vec![Line::default()];
    for span in line.spans {
        let last = lines.len() - 1;
        let is_full = lines[last].width() + width(span.content.trim_end()) > columns as usize;
        if is_full && !lines[last].spans.is_empty() {
            lines.push(Line::from(span));
        } else {
            lines[last].spans.push(span);
        }
    }
    lines
}
