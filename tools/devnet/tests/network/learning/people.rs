//! Two people with real clients.

use core::time::Duration;

use session_core::{Account, AccountOptions, Event};
use session_crypto::AccountKeys;
use session_net::{NetworkProfile, SystemClock};
use session_store::{KeyKeeping, NewAccount, Profile};
use session_types::{AccountId, SwarmPubkey, Timestamp};
use tempfile::TempDir;
use tokio::sync::broadcast;
use zeroize::Zeroizing;

use crate::within;
use session_devnet::Devnet;

/// Somebody at a device.
pub(super) struct Person {
    pub(super) keys: AccountKeys,
    account: Account,
    events: broadcast::Receiver<Event>,
    _home: TempDir,
}

impl Person {
    /// Somebody whose messages are kept by a swarm with this node.
    pub(super) async fn in_swarm_with(network: &Devnet, node: usize, name: &str) -> Self {
        let (seed, keys) = loop {
            let seed: [u8; 16] = rand::random();
            let keys = AccountKeys::from_seed16(seed);
            let owner = SwarmPubkey::from(keys.account_id());
            if network.swarm_of(&owner).contains(&node) {
                break (seed, keys);
            }
        };
        let home = tempfile::tempdir().unwrap();
        let new = NewAccount {
            seed: Zeroizing::new(seed),
            account_id: keys.account_id(),
            display_name: name.to_owned(),
            network: network.seed_url(),
            file_server: None,
            created_at: Timestamp::from_ms(1_700_000_000_000),
        };
        let store = Profile::new(home.path())
            .create(&new, KeyKeeping::File, None)
            .unwrap();
        let profile: NetworkProfile = network.seed_url().parse().unwrap();
        let options = AccountOptions {
            poll_every: Some(Duration::from_millis(250)),
            // Configs are stored under their owner's signature. What members learn of messages is
            // looked at here, however long that takes.
            push_after: Duration::from_secs(3600),
            ..AccountOptions::default()
        };
        let opened = Account::open(store, profile, Box::new(SystemClock), options);
        let account = within(opened).await.unwrap();
        Self {
            events: account.subscribe(),
            account,
            keys,
            _home: home,
        }
    }

    pub(super) fn id(&self) -> AccountId {
        self.keys.account_id()
    }

    pub(super) async fn send(&self, to: &Self, text: &str) {
        within(self.account.send_text(to.id(), text)).await.unwrap();
    }

    /// Waits for a message with this text.
    pub(super) async fn receive(&mut self, text: &str) {
        within(async {
            loop {
                match self.events.recv().await.unwrap() {
                    Event::MessageReceived { message, .. } if message.body == text => return,
                    Event::MessageFailed { reason, .. } => panic!("{reason}"),
                    _ => {}
                }
            }
        })
        .await;
    }

    /// Waits until the copy for the own devices is stored.
    pub(super) async fn copied(&mut self) {
        within(async {
            while !matches!(
                self.events.recv().await.unwrap(),
                Event::SyncCopyStored { .. }
            ) {}
        })
        .await;
    }

    pub(super) async fn close(self) {
        within(self.account.close()).await;
    }
}
