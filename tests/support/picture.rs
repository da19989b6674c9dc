//! Pictures of the screen: a buffer becomes an SVG, the SVG a PNG at twice its size. Letters are JetBrains Mono; lines, blocks and
//! braille are drawn as shapes on whole pixels, so that frames and bars have no gaps.
//!
//! Include it with `#[path = "support/picture.rs"] mod picture;`.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use resvg::{tiny_skia, usvg};

#[path = "picture_look.rs"]
mod look;
#[path = "picture_shapes.rs"]
mod shapes;

pub use look::{Look, Rgb};
use look::{hex, luma, mix};

/// One cell, in pixels before scaling. JetBrains Mono is 0.6 em wide: 9 pixels at 15.
const CELL: (f64, f64) = (9.0, 20.0);
const FONT_SIZE: f64 = 15.0;
/// From the top of a cell to the foot of its letters.
const BASELINE: f64 = 15.0;
/// Blank around the cells inside the window, and around the window for its shadow.
const PADDING: f64 = 14.0;
const MARGIN: f64 = 36.0;
const TITLE_BAR: f64 = 38.0;
const SCALE: f32 = 2.0;

/// The buffer in a window with rounded corners, three dots and a title.
pub fn svg(buffer: &Buffer, title: &str, look: &Look) -> String {
    let area = buffer.area;
    let (width, height) = (f64::from(area.width) * CELL.0, f64::from(area.height) * CELL.1);
    let ground = commonest_ground(buffer, look);
    let mut out = window(width + 2.0 * PADDING, height + PADDING + TITLE_BAR, title, ground);
    let (x, y) = (MARGIN + PADDING, MARGIN + TITLE_BAR);
    let _ = write!(out, r#"<g transform="translate({x} {y})" font-family="JetBrains Mono" font-size="{FONT_SIZE}">"#);
    for row in 0..area.height {
        grounds(&mut out, buffer, row, look, ground);
    }
    for row in 0..area.height {
        glyphs(&mut out, buffer, row, look);
    }
    out.push_str("</g></svg>\n");
    out
}

/// The window takes the ground the program painted most, so that no seam shows around it.
fn commonest_ground(buffer: &Buffer, look: &Look) -> Rgb {
    let mut cells = BTreeMap::new();
    for cell in &buffer.content {
        *cells.entry(look.colours(cell).1).or_insert(0) += 1;
    }
    cells.into_iter().max_by_key(|(_, count)| *count).map_or(look.background, |(ground, _)| ground)
}

fn window(width: f64, height: f64, title: &str, ground: Rgb) -> String {
    let (total_width, total_height) = (width + 2.0 * MARGIN, height + 2.0 * MARGIN);
    let ink = if luma(ground) < 128.0 { (255, 255, 255) } else { (0, 0, 0) };
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{total_height}" viewBox="0 0 {total_width} {total_height}">"#
    );
    shadow(&mut out, width, height);
    let (x, y) = (MARGIN + 0.5, MARGIN + 0.5);
    let _ = write!(
        out,
        r#"<rect x="{x}" y="{y}" width="{}" height="{}" rx="11.5" fill="{}" stroke="{}"/>"#,
        width - 1.0,
        height - 1.0,
        hex(ground),
        hex(mix(ground, ink, 0.16))
    );
    let y = MARGIN + TITLE_BAR / 2.0;
    for (x, share) in [(22.0, 0.42), (42.0, 0.31), (62.0, 0.22)] {
        let fill = hex(mix(ground, ink, share));
        let _ = write!(out, r#"<circle cx="{}" cy="{y}" r="6" fill="{fill}"/>"#, MARGIN + x);
    }
    let _ = writeln!(
        out,
        r#"<text x="{}" y="{}" text-anchor="middle" font-family="JetBrains Mono" font-size="13" fill="{}">{}</text>"#,
        MARGIN + width / 2.0,
        y + 4.5,
        hex(mix(ground, ink, 0.5)),
        escape(title)
    );
    out
}

/// Rings one pixel wide, fainter and fainter: as soft as a blur, and much cheaper to draw.
fn shadow(out: &mut String, width: f64, height: f64) {
    const DROP: i32 = 8;
    const REACH: i32 = 27;
    for ring in -DROP..REACH {
        let grow = f64::from(ring) + 0.5;
        let (x, y) = (MARGIN - grow, MARGIN + f64::from(DROP) - grow);
        let (width, height, round) = (width + 2.0 * grow, height + 2.0 * grow, 12.0 + grow);
        let opacity = 0.24 * (1.0 - f64::from(ring + DROP) / f64::from(REACH + DROP)).powi(2);
        let _ = write!(
            out,
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{round}" fill="none" stroke="black" stroke-opacity="{opacity:.4}"/>"#
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The pixel of the PNG at a place of the buffer, counted in cells: (0.5, 0.5) is the middle of the first.
pub fn pixel_of(column: f64, row: f64) -> (u32, u32) {
    let x = (MARGIN + PADDING + column * CELL.0) * f64::from(SCALE);
    let y = (MARGIN + TITLE_BAR + row * CELL.1) * f64::from(SCALE);
    (x as u32, y as u32)
}

fn place(column: u16, row: u16) -> (f64, f64) {
    (f64::from(column) * CELL.0, f64::from(row) * CELL.1)
}

/// One rectangle for each stretch of cells on the same background.
fn grounds(out: &mut String, buffer: &Buffer, row: u16, look: &Look, window: Rgb) {
    let area = buffer.area;
    let ground = |column: u16| look.colours(&buffer[(area.x + column, area.y + row)]).1;
    let mut column = 0;
    while column < area.width {
        let start = column;
        let colour = ground(start);
        while column < area.width && ground(column) == colour {
            column += 1;
        }
        if colour != window {
            let (x, y) = place(start, row);
            let width = f64::from(column - start) * CELL.0;
            let _ = write!(
                out,
                r#"<rect x="{x}" y="{y}" width="{width}" height="{}" fill="{}" shape-rendering="crispEdges"/>"#,
                CELL.1,
                hex(colour)
            );
        }
    }
}

fn glyphs(out: &mut String, buffer: &Buffer, row: u16, look: &Look) {
    let area = buffer.area;
    let mut run = Run::default();
    let mut column = 0;
    while column < area.width {
        let cell = &buffer[(area.x + column, area.y + row)];
        let (x, y) = place(column, row);
        let fg = hex(look.colours(cell).0);
        let columns = cell.cell_width().max(1);
        decorations(out, cell, (x, y), f64::from(columns) * CELL.0, &fg);
        match shapes::shape(cell.symbol(), CELL) {
            Some(shape) => {
                let _ = write!(out, r#"<g transform="translate({x} {y})" fill="{fg}" color="{fg}">{shape}</g>"#);
            }
            None if cell.symbol().trim().is_empty() => {}
            None => run.push(out, cell, (x, y), fg),
        }
        column += columns;
    }
    run.flush(out);
}

fn decorations(out: &mut String, cell: &Cell, (x, y): (f64, f64), width: f64, fg: &str) {
    for (modifier, down) in [(Modifier::UNDERLINED, BASELINE + 2.0), (Modifier::CROSSED_OUT, BASELINE - 5.0)] {
        if cell.modifier.contains(modifier) {
            let y = y + down;
            let _ = write!(
                out,
                r#"<rect x="{x}" y="{y}" width="{width}" height="1" fill="{fg}" shape-rendering="crispEdges"/>"#
            );
        }
    }
}

/// Letters of one row and style. Each has its own x, which also keeps the font from making ligatures of `->` and `!=`.
#[derive(Default)]
struct Run {
    style: (String, Modifier),
    y: f64,
    xs: String,
    text: String,
}

impl Run {
    fn push(&mut self, out: &mut String, cell: &Cell, (x, y): (f64, f64), fg: String) {
        let style = (fg, cell.modifier & (Modifier::BOLD | Modifier::ITALIC));
        // A cell of several code points needs a text of its own: x counts code points.
        let is_simple = cell.symbol().chars().count() == 1;
        if style != self.style || !is_simple {
            self.flush(out);
        }
        self.style = style;
        self.y = y + BASELINE;
        let _ = write!(self.xs, "{x} ");
        self.text.push_str(cell.symbol());
        if !is_simple {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut String) {
        if self.text.is_empty() {
            return;
        }
        let weight = if self.style.1.contains(Modifier::BOLD) { r#" font-weight="700""# } else { "" };
        let slant = if self.style.1.contains(Modifier::ITALIC) { r#" font-style="italic""# } else { "" };
        let _ = write!(
            out,
            r#"<text x="{}" y="{}" fill="{}"{weight}{slant}>{}</text>"#,
            self.xs.trim_end(),
            self.y,
            self.style.0,
            escape(&self.text)
        );
        self.xs.clear();
        self.text.clear();
    }
}

/// Writes the SVG as a PNG with twice as many pixels.
pub fn png(svg: &str, path: &Path) {
    static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_system_fonts();
        Arc::new(fonts)
    });
    let options = usvg::Options { fontdb: FONTS.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).unwrap();
    let size = tree.size();
    let mut pixels = tiny_skia::Pixmap::new((size.width() * SCALE) as u32, (size.height() * SCALE) as u32).unwrap();
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.save_png(path).unwrap();
}

/// What a terminal shows, as a buffer: for pictures of the real program running in a pty.
pub fn buffer_from_vt100(screen: &vt100::Screen) -> Buffer {
    let (rows, columns) = screen.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns.get(), rows.get()));
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            if let Some(seen) = screen.cell(row, column) {
                copy(seen, &mut buffer[(column, row)]);
            }
        }
    }
    buffer
}

fn copy(seen: &vt100::Cell, cell: &mut Cell) {
    if seen.has_contents() {
        cell.set_symbol(seen.contents());
    }
    cell.fg = colour(seen.fgcolor());
    cell.bg = colour(seen.bgcolor());
    let modifiers = [
        (seen.bold(), Modifier::BOLD),
        (seen.dim(), Modifier::DIM),
        (seen.italic(), Modifier::ITALIC),
        (seen.underline(), Modifier::UNDERLINED),
        (seen.inverse(), Modifier::REVERSED),
    ];
    cell.modifier = modifiers.into_iter().filter(|(on, _)| *on).map(|(_, modifier)| modifier).collect();
}

fn colour(color: vt100::Color) -> Color {
    match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
