//! What eyes make of colours: WCAG contrast, and how people without red or green cones see them.

use ratatui::style::Color;
use termprofile::ansi256_to_rgb;

/// Linear red, green and blue, each 0 to 1.
type Linear = [f64; 3];

/// The colour as an RGB triple; only for true colours and the fixed part of the 256.
pub fn rgb(color: Color) -> (u8, u8, u8) {
    match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(index) => {
            let color = ansi256_to_rgb(index.into());
            (color.r(), color.g(), color.b())
        }
        other => panic!("{other:?} has no fixed value"),
    }
}

fn linear((r, g, b): (u8, u8, u8)) -> Linear {
    [r, g, b].map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
}

fn luminance([r, g, b]: Linear) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// WCAG 2 contrast, from 1 (none) to 21 (black on white).
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(linear(a)), luminance(linear(b)));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How a colour reaches an eye.
#[derive(Debug, Clone, Copy)]
pub enum Eye {
    Usual,
    /// Without red cones.
    Protan,
    /// Without green cones.
    Deutan,
}

impl Eye {
    pub const ALL: [Self; 3] = [Self::Usual, Self::Protan, Self::Deutan];

    /// Viénot, Brettel and Mollon (1999), in linear light.
    fn sees(self, [r, g, b]: Linear) -> Linear {
        let (red, green, lost) = match self {
            Self::Usual => return [r, g, b],
            Self::Protan => (0.11238, 0.88762, [0.004, -0.004]),
            Self::Deutan => (0.29275, 0.70725, [-0.02234, 0.02234]),
        };
        let mixed = red * r + green * g;
        [mixed, mixed, lost[0] * r + lost[1] * g + b].map(|c| c.clamp(0.0, 1.0))
    }
}

/// How far apart two colours are for that eye: CIE 1976 ΔE, where 2 is just seen and 20 is plainly another colour.
pub fn distance(a: (u8, u8, u8), b: (u8, u8, u8), eye: Eye) -> f64 {
    let (a, b) = (lab(eye.sees(linear(a))), lab(eye.sees(linear(b))));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn lab([r, g, b]: Linear) -> [f64; 3] {
    let f = |t: f64| {
        if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 }
    };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}
