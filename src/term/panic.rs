//! What a panic shows. It is logged at once, but printed only when the terminal can hold it: right away if the thread of the
//! screen panics, else when the screen is left, because a panicking task does not end the console.

use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use super::screen::{Entered, entered, give_back};

/// Reports of panics in other threads, waiting for the screen to be left.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Installs color-eyre for errors and panics, and the order of things for a panic: log, restore the terminal, print.
/// Call it once, first of all; a second call changes nothing.
///
/// # Errors
/// Another error report handler is already installed.
pub fn install_panic_hook() -> color_eyre::Result<()> {
    let (panics, errors) = color_eyre::config::HookBuilder::default().try_into_hooks()?;
    errors.install()?;
    std::panic::set_hook(Box::new(move |info| report(info, panics.panic_report(info).to_string())));
    Ok(())
}

fn report(info: &PanicHookInfo<'_>, text: String) {
    let thread = std::thread::current();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let message = message(info);
    tracing::error!(thread = thread.name().unwrap_or("unnamed"), place, message, "panic");
    reports().push(text);
    if let Entered::Here = entered() {
        // A dead terminal is no reason to panic once more.
        let _ = give_back();
    }
    if let Entered::No = entered() {
        print_reports();
    }
}

fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let owned = || payload.downcast_ref::<String>().map(String::as_str);
    payload.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("a value that is not text")
}

fn reports() -> std::sync::MutexGuard<'static, Vec<String>> {
    REPORTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The panics of tasks since the last call, if the console wants to show them itself; they are then not printed later.
#[must_use]
pub fn take_reports() -> Vec<String> {
    std::mem::take(&mut *reports())
}

/// Prints what waited, ignoring a standard error that is gone: `eprintln!` would panic.
pub(super) fn print_reports() {
    for text in take_reports() {
        let _ = writeln!(io::stderr(), "{text}");
    }
}
