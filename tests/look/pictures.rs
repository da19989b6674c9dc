//! Pictures show what the buffer holds: colours after reverse and dim, whole lines, wide letters once, nothing of XML broken.

use std::num::NonZeroU16;

use crate::picture::{self, Look};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use resvg::tiny_skia::Pixmap;

fn buffer(text: &str, style: Style) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 3));
    for (row, line) in (0..).zip(text.lines()) {
        buffer.set_string(0, row, line, style);
    }
    buffer
}

fn svg(text: &str, style: Style) -> String {
    picture::svg(&buffer(text, style), "a title", &Look::new((1, 2, 3), (201, 202, 203)))
}

/// The picture's pixels, through a real PNG file.
fn pixels(svg: &str) -> Pixmap {
    let file = tempfile::Builder::new().suffix(".png").tempfile().unwrap();
    picture::png(svg, file.path());
    Pixmap::load_png(file.path()).unwrap()
}

fn pixel(pixels: &Pixmap, column: f64, row: f64) -> (u8, u8, u8) {
    let (x, y) = picture::pixel_of(column, row);
    let seen = pixels.pixel(x, y).unwrap().demultiply();
    (seen.red(), seen.green(), seen.blue())
}

#[test]
fn reverse_swaps_and_dim_moves_towards_the_ground() {
    assert!(svg("x", Style::new().fg(Color::Rgb(250, 10, 10))).contains(r##"fill="#fa0a0a">x<"##));
    let reversed = svg("x", Style::new().reversed());
    assert!(reversed.contains(r##"fill="#010203">x<"##), "{reversed}");
    assert!(reversed.contains(r##"width="9" height="20" fill="#c9cacb""##), "{reversed}");
    assert!(svg("x", Style::new().dim()).contains(r##"fill="#797a7b">x<"##));
}

#[test]
fn weight_slant_and_lines_are_drawn() {
    let style = Style::new().add_modifier(Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED);
    let drawn = svg("ab", style);
    assert!(drawn.contains(r#"font-weight="700" font-style="italic">ab<"#), "{drawn}");
    assert_eq!(drawn.matches(r#"height="1""#).count(), 2, "one underline a cell");
}

#[test]
fn wide_letters_are_drawn_once_and_markup_is_escaped() {
    let drawn = svg("李<&>e\u{301}", Style::new());
    assert_eq!(drawn.matches('李').count(), 1);
    assert!(drawn.contains("&lt;&amp;&gt;") && drawn.contains(">e\u{301}<"), "{drawn}");
    pixels(&drawn);
}

#[test]
fn lines_and_blocks_meet_without_a_gap() {
    let bright = (201, 202, 203);
    let lines = pixels(&svg("│█\n│█\n┼──", Style::new()));
    for down in 0..100 {
        let row = f64::from(down) / 40.0;
        assert_eq!(pixel(&lines, 0.5, row), bright, "the line is broken {row} rows down");
    }
    for down in 0..80 {
        assert_eq!(pixel(&lines, 1.5, f64::from(down) / 40.0), bright, "the bar is broken");
    }
    for right in 9..54 {
        let column = f64::from(right) / 18.0;
        assert_eq!(pixel(&lines, column, 2.5), bright, "the line is broken {column} columns right");
    }
}

#[test]
fn every_character_of_lines_blocks_and_dots_is_a_shape() {
    for symbol in "─│┌┐└┘├┤┬┴┼╭╮╰╯━┃┏┓┗┛▁▂▃▄▅▆▇█▏▎▍▌▋▊▉▐▀▖▗▘▙▚▛▜▝▞▟░▒▓⠋⠿⣿".chars()
    {
        let drawn = svg(&symbol.to_string(), Style::new());
        assert!(!drawn.contains(&format!(">{symbol}<")), "{symbol} is left to the font");
        assert!(drawn.contains("<g transform=\"translate(0 0)\""), "{symbol} is not drawn");
    }
}

#[test]
fn a_terminal_becomes_a_buffer_with_its_colours_and_modifiers() {
    let size = |n| NonZeroU16::new(n).unwrap();
    let mut terminal = vt100::Parser::new(size(2), size(10), 0);
    terminal.process("\x1b[1;3;38;2;9;8;7;48;5;236mA\x1b[0;7;2;4mB\x1b[0m李\x1b[35mC".as_bytes());
    let seen = picture::buffer_from_vt100(terminal.screen());
    assert_eq!(seen.area, Rect::new(0, 0, 10, 2));
    let a = Style::new().fg(Color::Rgb(9, 8, 7)).bg(Color::Indexed(236)).bold().italic();
    let mut wanted = Buffer::empty(seen.area);
    wanted.set_string(0, 0, "A", a);
    wanted.set_string(1, 0, "B", Style::new().reversed().dim().underlined());
    wanted.set_string(2, 0, "李", Style::new());
    wanted.set_string(4, 0, "C", Style::new().fg(Color::Indexed(5)));
    assert_eq!(seen, wanted);
}
