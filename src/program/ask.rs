//! The questions of the command line, answered by a line typed at the terminal.

use std::io::{self, BufRead as _, Write};

use crate::term::forget_typed;

/// Asks and waits for the answer: was it a yes? What was typed before the question stood there is thrown away, so that
/// the rest of a pasted text is no answer. The caller has made sure that standard input is a terminal.
///
/// # Errors
/// The question could not be asked, or the answer not be read.
pub(super) fn ask(out: &mut impl Write, question: &str) -> io::Result<bool> {
    forget_typed()?;
    write!(out, "{question}")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
