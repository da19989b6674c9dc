//! Schedules: against the real extension, and against a second, naive reading of its source.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod expressions;
mod fires;
mod live;
mod port;
