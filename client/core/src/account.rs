//! An account and the task that works for it.

mod actor;
mod delivery;
mod polling;

use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use session_crypto::AccountKeys;
use session_net::{
    CachedNetwork, Clock, Network, NetworkCache, NetworkOptions, NetworkProfile, NoCache,
};
use session_store::{ConversationRow, MessageId, MessageRow, NewOutgoing, OutgoingRow, Store};
use session_types::{AccountId, limits};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cache::StoreCache;
use crate::store_thread::{Closed, StoreThread};
use crate::{CoreError, Event};

/// Commands waiting for the account's task; a caller waits when this many are queued.
const COMMANDS: usize = 64;
/// Events a slow subscriber may fall behind by before it misses some.
const EVENTS: usize = 1024;
/// How long the first message waits for the network's time.
const TIME_PATIENCE: Duration = Duration::from_secs(2);

/// How an account behaves.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// Time between polls of the own swarm; `None`: only when asked with
    /// [`Account::poll_now`].
    pub poll_every: Option<Duration>,
    /// Settings of the network side.
    pub network: NetworkOptions,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            poll_every: Some(Duration::from_secs(5)),
            network: NetworkOptions::default(),
        }
    }
}

/// What one poll brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollSummary {
    /// Messages that were not known.
    pub new_messages: usize,
    /// The member holds more; another poll continues.
    pub more: bool,
}

/// Requests to the account's task.
#[derive(Debug)]
pub(crate) enum Command {
    /// The outbox has something new.
    OutboxChanged,
    /// Poll once, now.
    Poll(oneshot::Sender<Result<PollSummary, CoreError>>),
}

/// One account at work: sends what is queued, polls its swarm, tells what happens.
///
/// All state lives in the database and in one task; this is a handle. Dropping it stops the
/// task; nothing queued is lost, the next [`Account::open`] goes on.
#[derive(Debug)]
pub struct Account {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
    closed: Option<Closed>,
    /// What has happened since the start, for the first subscriber.
    first: Mutex<Option<broadcast::Receiver<Event>>>,
}

/// What the handle and the task both use.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) keys: AccountKeys,
    pub(crate) store: StoreThread,
    pub(crate) network: Network,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) options: AccountOptions,
    /// Polls so far: whose turn it is among the day's swarm members.
    polls: AtomicUsize,
}

impl Shared {
    pub(crate) fn poll_turn(&self) -> usize {
        self.polls.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn id(&self) -> AccountId {
        self.keys.account_id()
    }

    pub(crate) fn emit(&self, event: Event) {
        // No subscriber is not an error.
        let _ = self.events.send(event);
    }
}

impl Account {
    /// Starts working for the account in `store` on the network `profile`.
    ///
    /// Needs no connection: what the database remembers of the network is used at once, and what
    /// is queued is sent when a connection is there.
    ///
    /// # Errors
    /// [`CoreError::Store`] when the database cannot be read, [`CoreError::Net`] when TLS cannot
    /// be set up.
    pub async fn open(
        store: Store,
        profile: NetworkProfile,
        clock: Box<dyn Clock>,
        options: AccountOptions,
    ) -> Result<Self, CoreError> {
        let (store, closed) = StoreThread::start(store)?;
        let (identity, remembered) = store
            .call(|store| Ok((store.identity()?, StoreCache::load(store)?)))
            .await?;
        let keys = AccountKeys::from_seed16(*identity.seed);
        // What is remembered is about the account's own network; another one, asked for this
        // once, must neither use nor replace it.
        let is_own_network = identity.network == profile.name();
        let cached = if is_own_network {
            remembered
        } else {
            CachedNetwork::default()
        };
        let cache: Arc<dyn NetworkCache> = if is_own_network {
            Arc::new(StoreCache::new(store.clone()))
        } else {
            Arc::new(NoCache)
        };
        let network = Network::new(profile, clock, options.network.clone(), cached, cache)?;
        network.set_own_account(keys.account_id());
        let (events, first) = broadcast::channel(EVENTS);
        let shared = Arc::new(Shared {
            keys,
            store,
            network,
            events,
            options,
            polls: AtomicUsize::new(0),
        });
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(actor::run(Arc::clone(&shared), inbox, cancel.clone()));
        Ok(Self {
            shared,
            commands,
            cancel,
            task: Some(task),
            closed: Some(closed),
            first: Mutex::new(Some(first)),
        })
    }

    /// The account's id.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.shared.id()
    }

    /// The network side: status, clock.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.shared.network
    }

    /// Everything that happens from now on; the first subscriber also gets what has happened
    /// since the start.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first
            .take()
            .unwrap_or_else(|| self.shared.events.subscribe())
    }

    /// Queues a text message on disk and returns its row. From then on it is sent, retried, or
    /// reported as failed, across restarts. To the own account id: Note to Self.
    ///
    /// The message gets the network's time. While that is not known yet this waits for it, two
    /// seconds at most; without a network the message has this machine's time.
    ///
    /// # Errors
    /// [`CoreError::EmptyMessage`], [`CoreError::MessageTooLong`], or a database error: then
    /// nothing is queued.
    pub async fn send_text(&self, to: AccountId, text: &str) -> Result<OutgoingRow, CoreError> {
        if text.trim().is_empty() {
            return Err(CoreError::EmptyMessage);
        }
        let found = text.chars().count();
        if found > limits::MAX_BODY_CHARS {
            return Err(CoreError::MessageTooLong {
                found,
                limit: limits::MAX_BODY_CHARS,
            });
        }
        self.shared.network.learn_time_within(TIME_PATIENCE).await;
        let message = NewOutgoing {
            conversation: to,
            body: text.to_owned(),
            now: self.shared.network.now(),
        };
        let row = self
            .shared
            .store
            .call(move |store| store.queue_outgoing(&message))
            .await?;
        // The task may be gone already; the message is on disk all the same.
        let _ = self.commands.send(Command::OutboxChanged).await;
        Ok(row)
    }

    /// Tries a failed message again. False when it has not failed.
    ///
    /// # Errors
    /// A database error.
    pub async fn retry(&self, message_id: MessageId) -> Result<bool, CoreError> {
        let now = self.shared.network.now();
        let queued = self
            .shared
            .store
            .call(move |store| store.retry_failed(message_id, now))
            .await?;
        let _ = self.commands.send(Command::OutboxChanged).await;
        Ok(queued)
    }

    /// Polls the own swarm once, after a poll that is under way: what was stored before this call
    /// is found.
    ///
    /// # Errors
    /// [`CoreError::Net`] when the network does not answer.
    pub async fn poll_now(&self) -> Result<PollSummary, CoreError> {
        let (answer, wait) = oneshot::channel();
        self.commands
            .send(Command::Poll(answer))
            .await
            .map_err(|_| CoreError::Stopped)?;
        wait.await.map_err(|_| CoreError::Stopped)?
    }

    /// One message.
    ///
    /// # Errors
    /// A database error.
    pub async fn message(&self, message_id: MessageId) -> Result<Option<MessageRow>, CoreError> {
        self.shared
            .store
            .call(move |store| store.message(message_id))
            .await
    }

    /// The newest `limit` messages of a conversation, oldest first.
    ///
    /// # Errors
    /// A database error.
    pub async fn history(&self, with: AccountId, limit: u32) -> Result<Vec<MessageRow>, CoreError> {
        self.shared
            .store
            .call(move |store| store.history(&with, limit, None))
            .await
    }

    /// All conversations, the one with the newest message first.
    ///
    /// # Errors
    /// A database error.
    pub async fn conversations(&self) -> Result<Vec<ConversationRow>, CoreError> {
        self.shared.store.call(|store| store.conversations()).await
    }

    /// Stops the task: requests under way end, what is queued stays queued. When it returns,
    /// everything is on disk and the database is closed.
    pub async fn close(mut self) {
        self.cancel.cancel();
        if let Some(task) = self.task.take() {
            // A task that panicked has nothing left to say.
            let _ = task.await;
        }
        let closed = self.closed.take();
        // The last handle to the database goes with this one.
        drop(self);
        if let Some(closed) = closed {
            closed.wait().await;
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
