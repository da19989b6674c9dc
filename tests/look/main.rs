//! How it looks: the themes keep their promises to eyes and to their files, the pictures to the screen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../support/colour.rs"]
mod colour;
#[path = "../support/picture.rs"]
mod picture;

mod eyes;
mod files;
mod pictures;
