//! The attack suite: the real program, on real servers where strangers may create things. Whoever plants code gains nothing
//! by somebody else's look, the look is the refresh's own, and no definition can keep it.
//!
//! Nothing here depends on a sentence: marks that planted code left in the server's log, exit codes, numbers of the JSON,
//! what the server says is in force.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod called;
mod corners;
mod endless;
mod faces;
mod harness;
mod imitation;
mod indirect;
mod kinds;
mod marks;
mod planted;

#[path = "../support/pty.rs"]
mod pty;
mod race;
mod read_only;
mod rules;
mod truth;
mod wire;
