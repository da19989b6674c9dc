//! All that speaks to PostgreSQL: connecting, the probes that read, and the operator that changes things.

pub mod catalog;
pub mod compare;
pub mod connect;
pub mod conninfo;
pub mod fix;
pub mod grants;
pub mod look;
pub mod operator;
pub mod probes;
pub mod problem;
pub mod reassign;
pub mod session;
pub mod tls;
pub mod verify;
