//! What mvtop talks about: views, jobs, drift, freshness, the Snapshot and its Diagnosis.
//!
//! Pure: no I/O, no database, no terminal, and no clock: the present enters as an argument.

pub mod day;
pub mod diagnosis;
pub mod drift;
pub mod fix;
pub mod freshness;
pub mod grants;
pub mod group_columns;
pub mod groups;
pub mod job;
pub mod lens;
pub mod look;
pub mod matrix;
pub mod reading;
pub mod rights;
pub mod rules;
pub mod schedule;
pub mod server;
pub mod snapshot;
pub mod stats;
pub mod text;
pub mod time;
pub mod tolerance;
pub mod trace;
pub mod verify;
pub mod view;
