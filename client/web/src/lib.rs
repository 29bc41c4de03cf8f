#![doc = include_str!("../README.md")]

mod again;
mod guard;
mod keys;
mod listener;
mod page;
mod places;
mod routes;
mod server;
mod socket;

pub use again::launch_again;
pub use keys::Launch;
pub use page::is_built;
pub use server::{WebError, WebOptions, WebServer};
