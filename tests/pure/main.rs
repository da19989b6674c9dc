//! What needs no database and no terminal: the Diagnosis, the keeper's plan, the console's update.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../support/scene.rs"]
mod scene;

mod advice;
mod causes;
mod check;
mod chosen;
mod day;
mod diagnosis;
mod fixes;
mod groups;
mod jobs;
mod keeper;
mod layers;
mod many;
mod price;
mod questions;
mod rest;
mod rights;
mod runs;
mod update;
mod verdict;
mod verify;
