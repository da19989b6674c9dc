//! Table rows of fixed columns: each cell padded to its width, so that a pane draws only the rows in its window.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::text::{fit, is_simple, pieces, visible, width};

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
    let mut spans = Vec::with_capacity(columns.len() * 3);
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
    pieces(&visible(text)).into_iter().map(|word| Span::styled(word.to_string(), style)).collect()
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

/// The same on so many lines at most; where more are left out the last one ends in `…`.
pub fn wrapped_within(line: Line<'_>, columns: u16, most: usize) -> Vec<Line<'_>> {
    within(wrapped(line, columns), columns, most)
}

/// The first lines; where more are left out the last one ends in `…`.
pub fn within(mut lines: Vec<Line<'_>>, columns: u16, most: usize) -> Vec<Line<'_>> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            cut(last, columns);
        }
    }
    lines
}

/// Puts `…` behind a line, over its last words where it is full.
fn cut(line: &mut Line<'_>, columns: u16) {
    while line.spans.len() > 1 && line.width() + 2 > columns as usize {
        line.spans.pop();
    }
    if let Some(last) = line.spans.last_mut() {
        let marked = format!("{} …", last.content.trim_end());
        last.content = fit(&marked, columns as usize).into_owned().into();
    }
}

/// A line whose every span is made visible, for what is drawn by ratatui itself: it would leave out what a terminal obeys
/// without a sign of it.
pub fn shown(mut line: Line<'_>) -> Line<'_> {
    for span in &mut line.spans {
        if let Cow::Owned(shown) = visible(&span.content) {
            span.content = shown.into();
        }
    }
    line
}

/// Draws lines from the top left corner of an area that is blank yet. What [`Text`](ratatui::text::Text) does, but blanks
/// without a style, half of a table, are stepped over instead of being written, and plain text is not searched for graphemes.
pub fn paint<'a>(frame: &mut Frame, area: Rect, lines: impl IntoIterator<Item = Line<'a>>) {
    let buffer = frame.buffer_mut();
    for (row, line) in area.rows().zip(lines) {
        if line.style != Style::default() {
            buffer.set_style(row, line.style);
        }
        let mut x = row.x;
        for span in line.spans {
            if x == row.right() {
                break;
            }
            x = paint_span(buffer, x, row, &span);
        }
    }
}

/// Draws a span from a column of a row on, and tells the column behind it.
fn paint_span(buffer: &mut Buffer, x: u16, row: Rect, span: &Span) -> u16 {
    let room = row.right() - x;
    if !span.content.chars().all(is_simple) {
        let span = &Span::styled(visible(&span.content), span.style);
        let end = buffer.set_span(x, row.y, span, room).0;
        // A wide character that no longer fits leaves a column that is nobody's.
        return if width(&span.content) > room.into() { row.right() } else { end };
    }
    let taken = span.content.chars().count().min(room.into());
    if span.style != Style::default() || span.content.chars().any(|c| c != ' ') {
        let start = buffer.index_of(x, row.y);
        for (cell, c) in buffer.content[start..start + taken].iter_mut().zip(span.content.chars()) {
            cell.set_char(c).set_style(span.style);
        }
    }
    x + taken as u16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;
    use ratatui::text::Text;

    #[test]
    fn lines_are_painted_as_ratatui_would_however_narrow_the_area() {
        let style = Style::new().fg(Color::Red);
        let words = ["plain", "  ", "Núñez │", "漢字", "é\u{301}", "👩‍🚀", "", " "];
        let lines: Vec<Line> = (0..words.len())
            .map(|first| {
                let spans = words.iter().cycle().skip(first).take(6).enumerate();
                let line: Line =
                    spans.map(|(i, w)| Span::styled(*w, if i % 2 == 0 { style } else { Style::default() })).collect();
                if first % 3 == 0 { line.style(Style::new().bg(Color::Blue)) } else { line }
            })
            .collect();
        for columns in 0..40 {
            let area = Rect::new(2, 1, columns, 8);
            let mut terminal = Terminal::new(TestBackend::new(44, 12)).unwrap();
            let painted = terminal.draw(|frame| paint(frame, area, lines.clone())).unwrap().buffer.clone();
            let mut terminal = Terminal::new(TestBackend::new(44, 12)).unwrap();
            let expected = terminal.draw(|frame| frame.render_widget(Text::from(lines.clone()), area)).unwrap();
            assert_eq!(&painted, expected.buffer, "{columns} columns");
        }
    }
}
