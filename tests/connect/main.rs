//! Connecting as libpq does: the same words, side by side with psql on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod program;
#[path = "../support/pty.rs"]
mod pty;
mod server;
mod tls;
mod words;
