//! One module per command.

pub(crate) mod account;
pub(crate) mod chats;
pub(crate) mod clear;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod devnet;
pub(crate) mod disappear;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod listen;
pub(crate) mod man;
pub(crate) mod node;
pub(crate) mod person;
pub(crate) mod profile;
pub(crate) mod react;
pub(crate) mod reply;
pub(crate) mod requests;
pub(crate) mod rpc;
pub(crate) mod save;
pub(crate) mod search;
pub(crate) mod seed;
pub(crate) mod send;
pub(crate) mod settings;
