//! The front door.
pub mod proto;
