#![doc = include_str!("../README.md")]

mod bidi;
mod config;
mod draw;
mod editor;
mod effect;
mod keys;
mod layout;
mod look;
mod plain;
mod run;
mod state;
mod text;
mod time;
mod timeline;

pub use config::ConfigError;
pub use draw::draw_on;
pub use effect::{Call, Effect, FileOfMessage, Input, Then};
pub use look::{Depth, Surroundings};
pub use plain::plain;
pub use run::{Options, TuiError, key_table, run};
pub use state::State;
