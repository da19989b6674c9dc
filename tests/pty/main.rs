//! The real program in a pseudo-terminal, on the real demo: what a person sees from the first frame to the last.
#![allow(clippy::unwrap_used, reason = "a test's panic is its answer")]
#![allow(clippy::print_stdout, reason = "what was measured, for `--nocapture`")]

mod check;
mod ends;
mod incident;
#[path = "../support/pty.rs"]
mod pty;
mod questions;
mod rest;
mod serve;
mod stage;
mod walk;
