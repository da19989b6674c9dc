//! The terminal around the console: entering and leaving it, signals, panics, and the title.
//!
//! Whatever ends the program, the terminal is given back: alternate screen left, cursor shown, raw mode off. Nothing here
//! panics or prints when the terminal is already gone.

mod events;
mod panic;
mod screen;
mod signals;

pub use events::{Events, forget_typed};
pub use panic::{install_panic_hook, take_reports};
pub use screen::{Options, Screen};
pub use signals::{Shutdown, Signal, Signals};
