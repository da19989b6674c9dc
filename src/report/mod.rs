//! The Snapshot's other faces: text and JSON for scripts and monitoring.

pub mod check;
pub mod json;
pub mod lines;
pub mod verify;
