//! A person with an account, on one device.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use session_core::{Account, AccountOptions, Event, Sent};
use session_crypto::AccountKeys;
use session_net::{NetworkProfile, Route};
use session_store::{
    KeyKeeping, MessageId, MessageRow, MessageState, NewAccount, OutgoingRow, Profile, Store,
};
use session_types::{AccountId, Timestamp};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::clock::real_time;
use super::log::Log;
use super::{Net, ShiftedClock, within};

/// Time between the polls of an actor: a test should not wait long.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// How a device differs from an ordinary one.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    /// Where it finds the network.
    pub(crate) seed_url: String,
    pub(crate) clock: ShiftedClock,
    pub(crate) options: AccountOptions,
    /// What the network says of its file server.
    pub(crate) file_server: Option<String>,
}

impl Device {
    /// An ordinary one.
    pub(crate) fn on(seed_url: impl Into<String>) -> Self {
        Self {
            seed_url: seed_url.into(),
            clock: ShiftedClock::default(),
            options: AccountOptions {
                poll_every: Some(POLL_EVERY),
                push_after: Duration::from_millis(100),
                quiet_delay: None,
                ..AccountOptions::default()
            },
            file_server: None,
        }
    }

    /// One that does not get round to storing configs.
    pub(crate) fn without_configs(mut self) -> Self {
        self.options.push_after = Duration::from_secs(3600);
        self
    }

    /// One that knows a file server.
    pub(crate) fn with_files(mut self, file_server: &str) -> Self {
        self.file_server = Some(file_server.to_owned());
        self
    }

    pub(crate) fn with_clock(mut self, clock: ShiftedClock) -> Self {
        self.clock = clock;
        self
    }
}

/// A person at a device. Everything waits with a deadline and fails with the person's name.
pub(crate) struct Actor {
    name: String,
    seed: [u8; 16],
    id: AccountId,
    home: Arc<TempDir>,
    device: Device,
    account: Option<Account>,
    log: Arc<Log>,
    /// Messages [`Actor::receive`] has handed out.
    taken: usize,
    /// Messages written at this device.
    written: BTreeSet<MessageId>,
}

impl Actor {
    /// Somebody new with an ordinary device.
    pub(crate) async fn new(net: &Net, name: &str) -> Self {
        Self::with(name, rand::random(), Device::on(net.seed_url())).await
    }

    /// Somebody new whose messages are kept by the swarm with this number, and whose device
    /// stores nothing but messages there, so that they can be counted.
    pub(crate) async fn in_swarm(net: &Net, name: &str, swarm: usize) -> Self {
        let device = Device::on(net.seed_url()).without_configs();
        Self::with(name, seed_in(net, swarm), device).await
    }

    /// Somebody new with a device of their choice.
    pub(crate) async fn with(name: &str, seed: [u8; 16], device: Device) -> Self {
        let mut actor = Self::offline(name, seed, device);
        actor.open().await;
        actor
    }

    /// The same with the program not started yet.
    pub(crate) fn offline(name: &str, seed: [u8; 16], device: Device) -> Self {
        Self::created(name, name, seed, device)
    }

    fn created(name: &str, display_name: &str, seed: [u8; 16], device: Device) -> Self {
        let home = tempfile::Builder::new()
            .prefix(&format!("session-{name}-"))
            .tempdir()
            .unwrap();
        let id = AccountKeys::from_seed16(seed).account_id();
        let account = NewAccount {
            seed: Zeroizing::new(seed),
            account_id: id,
            display_name: display_name.to_owned(),
            network: device.seed_url.clone(),
            file_server: None,
            created_at: real_time(),
        };
        let created = Profile::new(home.path()).create(&account, KeyKeeping::File, None);
        drop(created.unwrap());
        Self {
            name: name.to_owned(),
            seed,
            id,
            home: Arc::new(home),
            device,
            account: None,
            log: Arc::new(Log::default()),
            taken: 0,
            written: BTreeSet::new(),
        }
    }

    /// The same person at another device, which knows nothing yet but the recovery password.
    pub(crate) async fn second_device(&self) -> Self {
        self.second_device_with(self.device.clone()).await
    }

    /// The same with a device of another kind.
    pub(crate) async fn second_device_with(&self, device: Device) -> Self {
        let name = format!("{}2", self.name);
        let mut actor = Self::restored(&name, self.seed, device);
        actor.open().await;
        actor
    }

    /// A device that was given a recovery password and nothing else.
    fn restored(name: &str, seed: [u8; 16], device: Device) -> Self {
        Self::created(name, "", seed, device)
    }

    /// The same person at the same device, with the program running once more.
    pub(crate) async fn second_program(&self) -> Self {
        let mut second = Self {
            name: format!("{}'", self.name),
            seed: self.seed,
            id: self.id,
            home: Arc::clone(&self.home),
            device: self.device.clone(),
            account: None,
            log: Arc::new(Log::default()),
            taken: 0,
            written: BTreeSet::new(),
        };
        second.open().await;
        second
    }

    /// Starts the program.
    pub(crate) async fn open(&mut self) {
        self.open_with(self.store()).await;
    }

    /// Starts the program while the disk has no more room.
    pub(crate) async fn open_on_full_disk(&mut self) {
        let store = self.store();
        store.limit_size(0).unwrap();
        self.open_with(store).await;
    }

    async fn open_with(&mut self, store: Store) {
        assert!(self.account.is_none(), "{} is open", self.name);
        let mut network: NetworkProfile = self.device.seed_url.parse().unwrap();
        if let Some(server) = &self.device.file_server {
            network = network.with_file_server(server.parse().unwrap());
        }
        let clock = Box::new(self.device.clock.clone());
        let opened = Account::open(store, network, clock, self.device.options.clone());
        let account = within(&self.name, opened).await.unwrap();
        self.log.follow(&account);
        self.account = Some(account);
    }

    /// Ends the program.
    pub(crate) async fn close(&mut self) {
        let account = self.account.take().expect("an open account");
        within(&self.name, account.close()).await;
    }

    /// Ends the program as a crash does: nothing is waited for.
    pub(crate) fn crash(&mut self) {
        drop(self.account.take().expect("an open account"));
    }

    /// Ends the program and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.close().await;
        self.open().await;
    }

    /// The database, opened once more.
    pub(crate) fn store(&self) -> Store {
        Profile::new(self.home.path()).open(self.id, None).unwrap()
    }

    /// The folder the account is in.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    pub(crate) fn account(&self) -> &Account {
        self.account.as_ref().expect("an open account")
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Notes that a message was written at this device.
    pub(crate) fn wrote(&mut self, id: MessageId) {
        self.written.insert(id);
    }

    /// Writes a message and waits for nothing.
    pub(crate) async fn write(&mut self, to: AccountId, text: &str) -> OutgoingRow {
        let written = self.account().send_text(to, text);
        let row = within(&self.name, written).await.unwrap();
        self.written.insert(row.id);
        row
    }

    /// Writes a message and waits until the recipient's swarm has it, and the own swarm its
    /// copy.
    pub(crate) async fn send(&mut self, to: &Self, text: &str) -> Sent {
        let row = self.write(to.id, text).await;
        let sent = self.until_sent(row.id).await;
        if to.id != self.id {
            self.until_copied(row.id).await;
        }
        sent
    }

    /// Waits until a message is stored by its recipient's swarm.
    pub(crate) async fn until_sent(&self, id: MessageId) -> Sent {
        self.log
            .until(&format!("{}: message {id} sent", self.name), |events| {
                events.iter().find_map(|event| match event {
                    Event::MessageSent(sent) if sent.message_id == id => Some((**sent).clone()),
                    Event::MessageFailed { message_id, reason } if *message_id == id => {
                        panic!("message {id} failed: {reason}")
                    }
                    _ => None,
                })
            })
            .await
    }

    /// Whether the recipient's swarm is known to have a message.
    pub(crate) fn was_sent(&self, id: MessageId) -> bool {
        let events = self.log.events();
        events
            .iter()
            .any(|event| matches!(event, Event::MessageSent(sent) if sent.message_id == id))
    }

    /// Waits until the copy of a message is stored by the own swarm.
    pub(crate) async fn until_copied(&self, id: MessageId) {
        self.log
            .until(&format!("{}: copy of message {id}", self.name), |events| {
                events.iter().find_map(|event| match event {
                    Event::SyncCopyStored { message_id, .. } => (*message_id == id).then_some(()),
                    _ => None,
                })
            })
            .await;
    }

    /// Waits for the next reason why a message was postponed.
    pub(crate) async fn until_postponed(&self, id: MessageId) -> String {
        self.log
            .until(
                &format!("{}: message {id} postponed", self.name),
                |events| {
                    events.iter().rev().find_map(|event| match event {
                        Event::MessagePostponed {
                            message_id, reason, ..
                        } if *message_id == id => Some(reason.clone()),
                        _ => None,
                    })
                },
            )
            .await
    }

    /// Waits until nothing is left to be sent.
    pub(crate) async fn until_outbox_empty(&self) {
        let store = self.store();
        self.log
            .until_state(&format!("{}: everything sent", self.name), async || {
                store.next_job_at().unwrap().is_none().then_some(())
            })
            .await;
    }

    /// The next `count` messages that arrive, in the order they do.
    pub(crate) async fn receive(&mut self, count: usize) -> Vec<MessageRow> {
        let (from, to) = (self.taken, self.taken + count);
        self.taken = to;
        self.log
            .until(&format!("{} receives {count}", self.name), |events| {
                let rows = received(events);
                (rows.len() >= to).then(|| rows[from..to].to_vec())
            })
            .await
    }

    /// Waits until a conversation has `count` messages, and returns them.
    pub(crate) async fn until_history(&self, with: AccountId, count: usize) -> Vec<MessageRow> {
        let what = format!("{}: a conversation of {count} messages", self.name);
        let history = self.log.until_state(&what, async || {
            let rows = self.history(with).await;
            (rows.len() >= count).then_some(rows)
        });
        let rows = history.await;
        assert_eq!(rows.len(), count, "{}: too many messages", self.name);
        rows
    }

    /// What was written in a conversation, as it stands; without notices.
    pub(crate) async fn history(&self, with: AccountId) -> Vec<MessageRow> {
        let mut rows = self.timeline(with).await;
        rows.retain(|row| row.kind.is_written());
        rows
    }

    /// A conversation as it stands, with notices and what is left of deleted messages.
    pub(crate) async fn timeline(&self, with: AccountId) -> Vec<MessageRow> {
        within(&self.name, self.account().history(with, 10_000))
            .await
            .unwrap()
    }

    /// One message as it stands.
    pub(crate) async fn message(&self, id: MessageId) -> MessageRow {
        let found = within(&self.name, self.account().message(id)).await;
        found.unwrap().expect("a message")
    }

    /// The road of the last poll that succeeded.
    pub(crate) async fn next_poll_road(&self) -> Route {
        let seen = self.log.events().len();
        self.log
            .until(&format!("{} polls", self.name), |events| {
                events[seen..].iter().find_map(|event| match event {
                    Event::Polled { route, .. } => Some((**route).clone()),
                    _ => None,
                })
            })
            .await
    }

    /// Nothing was announced twice, nothing written here was announced as new, no message
    /// failed.
    pub(crate) fn assert_tidy(&self) {
        let events = self.log.events();
        let mut names = BTreeMap::new();
        for row in received(&events) {
            assert!(
                !self.written.contains(&row.id),
                "{}: the own message {} was announced",
                self.name,
                row.id
            );
            let name = (row.conversation, row.sender, row.sent_at, row.body.clone());
            let earlier = names.insert(name, row.id);
            assert_eq!(
                earlier, None,
                "{}: message {} came twice",
                self.name, row.id
            );
        }
        for event in events.iter() {
            if let Event::MessageFailed { message_id, reason } = event {
                panic!("{}: message {message_id} failed: {reason}", self.name);
            }
        }
    }
}

/// Messages that were announced.
fn received(events: &[Event]) -> Vec<MessageRow> {
    let rows = events.iter().filter_map(|event| match event {
        Event::MessageReceived { message, .. } => Some((**message).clone()),
        _ => None,
    });
    rows.collect()
}

/// An account whose messages are kept by the swarm with this number.
pub(crate) fn seed_in(net: &Net, swarm: usize) -> [u8; 16] {
    let members = &net.swarms()[swarm];
    loop {
        let seed: [u8; 16] = rand::random();
        let id = AccountKeys::from_seed16(seed).account_id();
        if net.swarm(id) == *members {
            return seed;
        }
    }
}

/// Texts in order.
pub(crate) fn bodies(rows: &[MessageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.body.as_str()).collect()
}

/// What must be equal on every device: time, writer and text of each message, in order.
pub(crate) fn facts(rows: &[MessageRow]) -> Vec<(Timestamp, AccountId, &str)> {
    let mut facts: Vec<_> = rows
        .iter()
        .map(|row| (row.sent_at, row.sender, row.body.as_str()))
        .collect();
    assert!(facts.is_sorted_by_key(|fact| fact.0), "out of order");
    // Messages of the same millisecond may be shown in either order.
    facts.sort_unstable();
    facts
}

/// Whether all own messages have arrived.
pub(crate) fn all_sent(rows: &[MessageRow]) -> bool {
    rows.iter()
        .all(|row| !row.outgoing || row.state == MessageState::Sent)
}
