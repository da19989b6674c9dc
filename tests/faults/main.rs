//! The real program when things go wrong: the server dies or hangs, locks are held, rights are missing. Nothing is lost
//! from the screen, the keys go on answering, and what is waited for is said.
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]
#![allow(clippy::print_stdout, reason = "what was measured, for `--nocapture`")]

mod actions;
mod hang;
mod lost;
#[path = "../support/pty.rs"]
mod pty;
#[path = "../pty/stage.rs"]
mod stage;
mod unreachable;
