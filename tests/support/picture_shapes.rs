//! The characters that are pictures of lines, blocks and dots, as SVG shapes filling their cell exactly.

use std::fmt::Write as _;

/// The shape of a character, or none if it is a letter for the font. `cell` is its width and height in pixels.
pub fn shape(symbol: &str, cell: (f64, f64)) -> Option<String> {
    let mut chars = symbol.chars();
    let (c, None) = (chars.next()?, chars.next()) else {
        return None;
    };
    arms(c)
        .map(|arms| lines(arms, cell))
        .or_else(|| corner(c, cell))
        .or_else(|| block(c, cell))
        .or_else(|| braille(c, cell))
}

fn rect(x: f64, y: f64, width: f64, height: f64) -> String {
    format!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" shape-rendering="crispEdges"/>"#)
}

/// How thick the line from the middle to the left, right, top and bottom is; 0 is none.
fn arms(c: char) -> Option<[f64; 4]> {
    Some(match c {
        '─' | '╌' | '┄' => [1.0, 1.0, 0.0, 0.0],
        '│' | '╎' | '┆' => [0.0, 0.0, 1.0, 1.0],
        '┌' => [0.0, 1.0, 0.0, 1.0],
        '┐' => [1.0, 0.0, 0.0, 1.0],
        '└' => [0.0, 1.0, 1.0, 0.0],
        '┘' => [1.0, 0.0, 1.0, 0.0],
        '├' => [0.0, 1.0, 1.0, 1.0],
        '┤' => [1.0, 0.0, 1.0, 1.0],
        '┬' => [1.0, 1.0, 0.0, 1.0],
        '┴' => [1.0, 1.0, 1.0, 0.0],
        '┼' => [1.0, 1.0, 1.0, 1.0],
        '╴' => [1.0, 0.0, 0.0, 0.0],
        '╶' => [0.0, 1.0, 0.0, 0.0],
        '╵' => [0.0, 0.0, 1.0, 0.0],
        '╷' => [0.0, 0.0, 0.0, 1.0],
        '━' => [2.0, 2.0, 0.0, 0.0],
        '┃' => [0.0, 0.0, 2.0, 2.0],
        '┏' => [0.0, 2.0, 0.0, 2.0],
        '┓' => [2.0, 0.0, 0.0, 2.0],
        '┗' => [0.0, 2.0, 2.0, 0.0],
        '┛' => [2.0, 0.0, 2.0, 0.0],
        '┣' => [0.0, 2.0, 2.0, 2.0],
        '┫' => [2.0, 0.0, 2.0, 2.0],
        '┳' => [2.0, 2.0, 0.0, 2.0],
        '┻' => [2.0, 2.0, 2.0, 0.0],
        '╋' => [2.0, 2.0, 2.0, 2.0],
        '╸' => [2.0, 0.0, 0.0, 0.0],
        '╺' => [0.0, 2.0, 0.0, 0.0],
        _ => return None,
    })
}

fn lines([left, right, top, bottom]: [f64; 4], (width, height): (f64, f64)) -> String {
    let (x, y) = (width / 2.0, height / 2.0);
    let flat = left.max(right) / 2.0;
    let tall = top.max(bottom) / 2.0;
    // Each arm reaches to the far side of the line it meets, so corners are closed.
    let mut out = String::new();
    if left > 0.0 {
        out += &rect(0.0, y - flat, x + tall, left);
    }
    if right > 0.0 {
        out += &rect(x - tall, y - flat, width - x + tall, right);
    }
    if top > 0.0 {
        out += &rect(x - tall, 0.0, top, y + flat);
    }
    if bottom > 0.0 {
        out += &rect(x - tall, y - flat, bottom, height - y + flat);
    }
    out
}

/// Rounded corners: from one side to the middle, round, and on to another.
fn corner(c: char, (width, height): (f64, f64)) -> Option<String> {
    let (x, y) = (width / 2.0, height / 2.0);
    let (side, end) = match c {
        '╭' => (width, height),
        '╮' => (0.0, height),
        '╯' => (0.0, 0.0),
        '╰' => (width, 0.0),
        _ => return None,
    };
    let bend = if end > y { y + x } else { y - x };
    Some(format!(r#"<path d="M{side} {y}Q{x} {y} {x} {bend}V{end}" fill="none" stroke="currentColor"/>"#))
}

fn block(c: char, (width, height): (f64, f64)) -> Option<String> {
    let code = u32::from(c);
    let eighth = |first: u32| f64::from(code - first + 1) / 8.0;
    Some(match c {
        '▁'..='█' => {
            let tall = height * eighth(0x2581);
            rect(0.0, height - tall, width, tall)
        }
        '▉'..='▏' => rect(0.0, 0.0, width * (1.0 - eighth(0x2589)), height),
        '▀' => rect(0.0, 0.0, width, height / 2.0),
        '▐' => rect(width / 2.0, 0.0, width / 2.0, height),
        '▔' => rect(0.0, 0.0, width, height / 8.0),
        '▕' => rect(width * 0.875, 0.0, width / 8.0, height),
        '░' | '▒' | '▓' => {
            let share = f64::from(code - 0x2590) / 4.0;
            format!(r#"<g fill-opacity="{share}">{}</g>"#, rect(0.0, 0.0, width, height))
        }
        '▖'..='▟' => quadrants(c, (width, height)),
        _ => return None,
    })
}

fn quadrants(c: char, (width, height): (f64, f64)) -> String {
    // Bits: upper left, upper right, lower left, lower right, in the order of the code points.
    const PARTS: [u8; 10] = [0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111];
    let parts = PARTS[(u32::from(c) - 0x2596) as usize];
    let (w, h) = (width / 2.0, height / 2.0);
    let places = [(0b1000, 0.0, 0.0), (0b0100, w, 0.0), (0b0010, 0.0, h), (0b0001, w, h)];
    places.into_iter().filter(|(bit, ..)| parts & bit != 0).map(|(_, x, y)| rect(x, y, w, h)).collect()
}

fn braille(c: char, (width, height): (f64, f64)) -> Option<String> {
    // Column and row of the dot of each bit.
    const DOTS: [(f64, f64); 8] =
        [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 3.0), (1.0, 3.0)];
    let bits = u32::from(c).checked_sub(0x2800).filter(|bits| *bits < 256)?;
    let mut out = String::new();
    for (_, (column, row)) in DOTS.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0) {
        let (x, y) = (width * (0.25 + column / 2.0), height * (0.125 + row / 4.0));
        let _ = write!(out, r#"<circle cx="{x}" cy="{y}" r="1.3"/>"#);
    }
    Some(out)
}
