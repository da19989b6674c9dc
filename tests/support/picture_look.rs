//! What the pictured terminal makes of the colours in a buffer.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

/// What the pictured terminal makes of colours that are not RGB.
#[derive(Debug, Clone)]
pub struct Look {
    pub background: Rgb,
    pub foreground: Rgb,
    /// The sixteen colours, black to white.
    pub ansi: [Rgb; 16],
}

impl Look {
    /// A dark terminal with Tango's sixteen colours.
    pub fn dark() -> Self {
        Self::new((0x17, 0x19, 0x1e), (0xd3, 0xd7, 0xcf))
    }

    /// A light one.
    pub fn light() -> Self {
        Self::new((0xff, 0xff, 0xff), (0x2e, 0x34, 0x36))
    }

    /// Any ground and words, with Tango's sixteen colours.
    pub fn new(background: Rgb, foreground: Rgb) -> Self {
        const TANGO: [u32; 16] = [
            0x2e_3436, 0xcc_0000, 0x4e_9a06, 0xc4_a000, 0x34_65a4, 0x75_507b, 0x06_989a, 0xd3_d7cf, 0x55_5753,
            0xef_2929, 0x8a_e234, 0xfc_e94f, 0x72_9fcf, 0xad_7fa8, 0x34_e2e2, 0xee_eeec,
        ];
        let ansi = TANGO.map(|hex| {
            let [_, r, g, b] = hex.to_be_bytes();
            (r, g, b)
        });
        Self { background, foreground, ansi }
    }

    fn rgb(&self, color: Color, unset: Rgb) -> Rgb {
        const NAMED: [Color; 16] = [
            Color::Black,
            Color::Red,
            Color::Green,
            Color::Yellow,
            Color::Blue,
            Color::Magenta,
            Color::Cyan,
            Color::Gray,
            Color::DarkGray,
            Color::LightRed,
            Color::LightGreen,
            Color::LightYellow,
            Color::LightBlue,
            Color::LightMagenta,
            Color::LightCyan,
            Color::White,
        ];
        match color {
            Color::Rgb(r, g, b) => (r, g, b),
            Color::Indexed(index @ 0..=15) => self.ansi[usize::from(index)],
            Color::Indexed(index) => {
                let fixed = termprofile::ansi256_to_rgb(index.into());
                (fixed.r(), fixed.g(), fixed.b())
            }
            named => NAMED.iter().position(|name| *name == named).map_or(unset, |index| self.ansi[index]),
        }
    }

    /// Foreground and background of a cell after reverse and dim.
    pub fn colours(&self, cell: &Cell) -> (Rgb, Rgb) {
        let mut fg = self.rgb(cell.fg, self.foreground);
        let mut bg = self.rgb(cell.bg, self.background);
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fg, &mut bg);
        }
        if cell.modifier.contains(Modifier::DIM) {
            fg = mix(fg, bg, 0.4);
        }
        (fg, bg)
    }
}

/// `share` of the second colour in the first.
pub fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    let one = |a: u8, b: u8| (f64::from(a) * (1.0 - share) + f64::from(b) * share).round() as u8;
    (one(a.0, b.0), one(a.1, b.1), one(a.2, b.2))
}

/// As SVG writes it.
pub fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// How bright a colour is, 0 to 255.
pub fn luma((r, g, b): Rgb) -> f64 {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
}
