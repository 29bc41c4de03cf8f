//! Requests, prepared before the clock starts.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::ValueEnum;
use rand::Rng as _;
use session_crypto::AccountKeys;
use session_node::clock::{Clock as _, SystemClock};
use session_storage_rpc::{AccountSigner, Request, Retrieve, Store};
use session_types::{Namespace, SwarmPubkey, Timestamp};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// `info`: what the framework costs.
    Info,
    /// `store` of a new message into a public inbox.
    Store,
    /// A signed `retrieve` of ten messages.
    Retrieve,
    /// A batch of five signed retrieves of ten messages each.
    Batch,
    /// A batch of five signed retrieves that find nothing new.
    IdlePoll,
    /// `info` on a new connection each time, with a full TLS handshake.
    Handshake,
    /// `info` on a new connection each time, resuming an earlier session.
    Resumption,
    /// `store` as an onion request to the node that keeps it.
    OnionStore,
    /// `store` as an onion request over two relays; needs three nodes.
    OnionStore3,
    /// A signed `retrieve` of ten messages as an onion request over two relays.
    OnionRetrieve3,
    /// Passing on: of three nodes only the middle one of the path is measured, which takes a layer
    /// off a 1 KiB request and hands the answer back.
    RelayedHop,
    /// Stores, retrieves and polls, directly and as onion requests over two relays; some of them
    /// on new connections.
    Mixed,
}

/// What `mixed` consists of, in this order again and again.
pub(crate) const MIXTURE: [Case; 10] = [
    Case::Store,
    Case::Retrieve,
    Case::IdlePoll,
    Case::OnionStore3,
    Case::Retrieve,
    Case::Store,
    Case::OnionRetrieve3,
    Case::IdlePoll,
    Case::Retrieve,
    Case::OnionStore,
];

impl Case {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Store => "store",
            Self::Retrieve => "retrieve",
            Self::Batch => "batch",
            Self::IdlePoll => "idle-poll",
            Self::Handshake => "handshake",
            Self::Resumption => "resumption",
            Self::OnionStore => "onion-store",
            Self::OnionStore3 => "onion-store3",
            Self::OnionRetrieve3 => "onion-retrieve3",
            Self::RelayedHop => "relayed-hop",
            Self::Mixed => "mixed",
        }
    }

    /// What a good answer must contain, besides status 200.
    pub(crate) const fn expected(self) -> &'static [u8] {
        match self {
            Self::Info | Self::Handshake | Self::Resumption | Self::RelayedHop => b"\"version\"",
            Self::Store | Self::OnionStore | Self::OnionStore3 => b"\"hash\"",
            Self::Retrieve | Self::Batch | Self::OnionRetrieve3 => b"\"data\"",
            Self::IdlePoll => b"\"messages\":[]",
            // Each of its requests has its own.
            Self::Mixed => b"",
        }
    }

    /// Nodes an onion request passes, the last included; `None` for direct requests.
    pub(crate) const fn hops(self) -> Option<usize> {
        match self {
            Self::OnionStore => Some(1),
            Self::OnionStore3 | Self::OnionRetrieve3 | Self::RelayedHop | Self::Mixed => Some(3),
            _ => None,
        }
    }

    /// Whether the accounts must have messages.
    pub(crate) const fn reads(self) -> bool {
        matches!(
            self,
            Self::Retrieve | Self::Batch | Self::OnionRetrieve3 | Self::Mixed
        )
    }

    /// Whether each request must be another one.
    pub(crate) const fn writes(self) -> bool {
        matches!(
            self,
            Self::Store | Self::OnionStore | Self::OnionStore3 | Self::Mixed
        )
    }

    /// After how many requests a connection is replaced by a new one.
    pub(crate) const fn requests_per_connection(self) -> Option<usize> {
        match self {
            Self::Handshake | Self::Resumption => Some(1),
            Self::Mixed => Some(100),
            _ => None,
        }
    }
}

/// Messages an account has when retrieving is measured.
pub(crate) const PRELOADED: usize = 10;

/// Who messages are stored for and retrieved by. Those that are read from are not written to, so
/// their answers stay the same.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) readers: Vec<AccountKeys>,
    pub(crate) writers: Vec<AccountKeys>,
}

impl Accounts {
    /// `count` of each.
    pub(crate) fn generate(count: u16) -> Self {
        Self {
            readers: accounts(count),
            writers: accounts(count),
        }
    }

    /// Those a case is about.
    pub(crate) fn of(&self, case: Case) -> &[AccountKeys] {
        if case.writes() {
            &self.writers
        } else {
            &self.readers
        }
    }
}

pub(crate) fn accounts(count: u16) -> Vec<AccountKeys> {
    (0..count)
        .map(|_| AccountKeys::generate(&mut rand::rng()))
        .collect()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn info() -> Bytes {
    Request::Info.to_json_text().into()
}

/// `info` with a kibibyte of something else, so that an onion layer has a usual size.
pub(crate) fn padded_info() -> Bytes {
    let padding = "x".repeat(1024);
    let body = serde_json::json!({ "method": "info", "params": { "padding": padding } });
    body.to_string().into()
}

/// How long a stored message lives unless stated otherwise.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn store(account: &AccountKeys, bytes: usize, ttl: Duration) -> anyhow::Result<Bytes> {
    let mut data = vec![0; bytes];
    rand::rng().fill_bytes(&mut data);
    let owner = SwarmPubkey::from(account.account_id());
    let store = Store::unsigned(owner, now(), ttl, data).context("message size")?;
    Ok(Request::Store(store).to_json_text().into())
}

pub(crate) fn retrieve(account: &AccountKeys) -> Bytes {
    let signer = AccountSigner::new(account.account_id(), account.ed25519());
    Request::Retrieve(Retrieve::signed(&signer, Namespace::DEFAULT, now()))
        .to_json_text()
        .into()
}

/// Five times the same: the node does not notice.
pub(crate) fn batch(account: &AccountKeys) -> anyhow::Result<Bytes> {
    let signer = AccountSigner::new(account.account_id(), account.ed25519());
    let retrieve = || Request::Retrieve(Retrieve::signed(&signer, Namespace::DEFAULT, now()));
    Ok(Request::batch((0..5).map(|_| retrieve()).collect())
        .context("batch")?
        .to_json_text()
        .into())
}

pub(crate) fn idle_poll(account: &AccountKeys) -> anyhow::Result<Bytes> {
    let signer = AccountSigner::new(account.account_id(), account.ed25519());
    let namespaces = [
        Namespace::USER_PROFILE,
        Namespace::CONTACTS,
        Namespace::USER_GROUPS,
        Namespace::CONVO_INFO_VOLATILE,
        Namespace::new(21),
    ];
    let requests = namespaces
        .into_iter()
        .map(|namespace| Request::Retrieve(Retrieve::signed(&signer, namespace, now())))
        .collect();
    Ok(Request::batch(requests)
        .context("batch")?
        .to_json_text()
        .into())
}
