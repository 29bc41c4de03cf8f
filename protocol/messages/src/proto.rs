//! The messages as they are on the wire, generated from `proto/session.proto`.
//!
//! Nothing here is checked: a value of these types may lack required fields. The types of the
//! crate's root are what remains after all checks.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "generated code"
)]

mod bounds;
mod required;

pub(crate) use bounds::{MAX_REPEATED, check_bounds, without_field};
pub(crate) use required::check_required;

include!(concat!(env!("OUT_DIR"), "/session.rs"));
