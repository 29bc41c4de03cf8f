#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a body that panics has found a fault: that is how it reports"
)]

pub mod actors;
mod attachments;
mod configs;
mod encoding;
mod identities;
mod messages;
mod nodes;
mod onion;
mod reached;
mod requests;
mod sealed;
mod secret_stream;
mod transfers;

pub use attachments::{attachment_legacy, attachment_stream};
pub use configs::{
    community_address, config_dump, config_group_keys, config_merge, config_message,
};
pub use encoding::{bt_lenient, bt_strict, mnemonic, zstd_frame};
pub use identities::{identifiers, keys};
pub use messages::{message_content, message_direct, message_group, message_inbox, message_post};
pub use nodes::{
    active_nodes, monitor, node_list, rpc_bulk, rpc_peer_answers, rpc_responses, stream_messages,
};
pub use onion::{hop_failure, onion_entry, onion_layer, onion_reply, onion_v4};
pub use reached::accepted;
pub use requests::{rpc_forwarded, rpc_json_body, rpc_params};
pub use sealed::{name_value, picture, push_notification, sealed_messages};
pub use secret_stream::SecretStream;
pub use transfers::file_transfer;

/// A decoder under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the function, of `fuzz_targets/<name>.rs` and of the folder under `corpus`.
    pub name: &'static str,
    /// Decodes the bytes and checks what must hold of any of them.
    pub body: fn(&[u8]),
    /// How many changed seeds the ordinary tests run; fewer where curves are computed.
    pub mutations: usize,
}

macro_rules! targets {
    ($($mutations:literal: $($name:ident),+;)+) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[
            $($(Target { name: stringify!($name), body: $name, mutations: $mutations },)+)+
        ];
    };
}

targets! {
    10000: bt_lenient, bt_strict, community_address, file_transfer, hop_failure, identifiers, message_content,
        message_post, mnemonic, node_list, onion_v4, push_notification, rpc_bulk,
        rpc_peer_answers, rpc_responses, stream_messages, zstd_frame;
    2000: active_nodes, attachment_legacy, config_dump, config_group_keys, config_message, keys,
        message_direct, message_group, message_inbox, monitor, name_value, onion_entry, onion_layer,
        onion_reply, picture, rpc_forwarded, rpc_json_body, rpc_params, sealed_messages;
    400: attachment_stream, config_merge;
}
