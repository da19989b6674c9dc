//! mvtop, the on-call console for PostgreSQL materialized views.
//!
//! The crate's map, along the way of the data:
//!
//! - [`cli`] reads the command line, [`program`] starts what it asks for.
//! - [`pg`] speaks to PostgreSQL, [`watch`] decides when, and folds what comes into one [`domain`] Snapshot.
//! - [`domain`] is what all of it is about, and pure: views, jobs, drift, freshness, the Diagnosis.
//! - [`app`] is the console as data, [`ui`] draws it in a [`theme`], [`keys`] is its one table of keys, [`term`] the
//!   terminal under it, and [`runtime`] the loop that ties them together.
//! - [`report`] says the same Snapshot as text and JSON.
//! - [`journal`] is the log of what was changed, [`private_file`] keeps what this program writes to its user.
//! - [`demo`] makes a private PostgreSQL in the state of the incident's night.

pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod journal;
pub mod keys;
pub mod pg;
pub mod private_file;
pub mod program;
pub mod report;
pub mod runtime;
pub mod term;
pub mod theme;
pub mod ui;
pub mod watch;
pub mod written;
