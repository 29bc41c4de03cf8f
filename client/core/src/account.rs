//! An account and the task that works for it.

mod actor;
mod api;
mod config_push;
mod delivery;
mod files;
mod names;
mod pace;
mod polling;
mod previews;
mod room;
mod swarm_tasks;
mod undoing;
mod writing;

use core::time::Duration;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use session_crypto::AccountKeys;
use session_net::{
    CachedNetwork, Clock, Network, NetworkCache, NetworkOptions, NetworkProfile, NoCache,
};
use session_store::Store;
use session_types::AccountId;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::files::FilesHome;
use crate::cache::StoreCache;
use crate::hub::Hub;
use crate::model::Model;
use crate::model_thread::{Closed, ModelThread};
use crate::{CoreError, Event};

/// Commands waiting for the account's task; a caller waits when this many are queued.
const COMMANDS: usize = 64;
/// Events a slow subscriber may fall behind by before it misses some.
const EVENTS: usize = 1024;

/// How an account behaves.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// Time between polls of the own swarm; `None`: only when asked with
    /// [`Account::poll_now`].
    pub poll_every: Option<Duration>,
    /// Time between polls while somebody talks, if that is shorter: until 10 to 20 minutes after
    /// the last message.
    pub poll_lively: Duration,
    /// How long a change of contacts and settings waits for others, so that one request takes
    /// them all to the swarm.
    pub push_after: Duration,
    /// How long receipts and copies for the own other devices wait on average, so that whoever
    /// watches the network cannot tell from them who wrote to whom
    /// (docs/protocol/traffic-analysis.md M-08); `None`: they go at once, as programs need that
    /// end as soon as all is sent.
    pub quiet_delay: Option<Duration>,
    /// How files and the own picture are encrypted. Both forms are always read.
    pub file_form: FileForm,
    /// Pauses before a file is asked for again; after the last of them it has failed
    /// (docs/protocol/client.md section 5.7).
    pub file_retries: Vec<Duration>,
    /// Settings of the network side.
    pub network: NetworkOptions,
}

impl AccountOptions {
    /// For a program that stays at work: what nobody waits for goes out a minute later on
    /// average.
    #[must_use]
    pub fn staying() -> Self {
        Self {
            quiet_delay: Some(Duration::from_secs(60)),
            ..Self::default()
        }
    }
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            poll_every: Some(Duration::from_secs(5)),
            poll_lively: Duration::from_millis(1500),
            push_after: Duration::from_secs(3),
            quiet_delay: None,
            file_form: FileForm::default(),
            file_retries: vec![
                Duration::from_secs(30),
                Duration::from_secs(30 * 60),
                Duration::from_secs(6 * 3600),
            ],
            network: NetworkOptions::default(),
        }
    }
}

pub use files::{FileForm, FileSource, NewDraft, NewFile};
pub use previews::LinkCard;
pub use writing::Composed;

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
    /// Fetches files and pictures.
    files: Option<JoinHandle<()>>,
    closed: Option<Closed>,
    /// What has happened since the start, for the first subscriber.
    first: Mutex<Option<broadcast::Receiver<Event>>>,
}

/// What the handle and the task both use.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) keys: AccountKeys,
    pub(crate) model: ModelThread,
    pub(crate) network: Network,
    pub(crate) files_home: FilesHome,
    pub(crate) hub: Arc<Hub>,
    pub(crate) options: AccountOptions,
    /// Polls so far: whose turn it is among the day's swarm members.
    polls: AtomicUsize,
    /// Pages that were looked at for previews.
    pub(crate) previews: Mutex<previews::Seen>,
    /// Whether a poll since the start has told what the own swarm holds.
    pub(crate) is_caught_up: AtomicBool,
}

impl Shared {
    pub(crate) fn poll_turn(&self) -> usize {
        self.polls.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn id(&self) -> AccountId {
        self.keys.account_id()
    }

    pub(crate) fn emit(&self, event: Event) {
        self.hub.emit(event);
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
        let (events, first) = broadcast::channel(EVENTS);
        let hub = Arc::new(Hub::new(events));
        let opened = tokio::task::spawn_blocking(move || {
            let identity = store.identity()?;
            let remembered = StoreCache::load(&store)?;
            Ok::<_, CoreError>((Model::open(store)?, identity, remembered))
        });
        let (model, identity, remembered) = opened.await.map_err(|_| CoreError::Stopped)??;
        let (model, closed) = ModelThread::start(model, Arc::clone(&hub))?;
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
            Arc::new(StoreCache::new(model.clone()))
        } else {
            Arc::new(NoCache)
        };
        let files_home = FilesHome::new(profile.file_server().cloned());
        let network = Network::new(profile, clock, options.network.clone(), cached, cache)?;
        network.set_own_account(keys.account_id());
        let shared = Arc::new(Shared {
            keys,
            model,
            network,
            files_home,
            hub,
            options,
            polls: AtomicUsize::new(0),
            previews: Mutex::default(),
            is_caught_up: AtomicBool::new(false),
        });
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(actor::run(Arc::clone(&shared), inbox, cancel.clone()));
        let files = tokio::spawn(files::run(Arc::clone(&shared), cancel.clone()));
        Ok(Self {
            shared,
            commands,
            cancel,
            task: Some(task),
            files: Some(files),
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
        first.take().unwrap_or_else(|| self.shared.hub.subscribe())
    }

    /// Stops the task: requests under way end, what is queued stays queued, deletions can no
    /// longer be undone. When it returns, everything is on disk and the database is closed.
    pub async fn close(mut self) {
        self.finish_deletions().await;
        self.cancel.cancel();
        for task in [self.task.take(), self.files.take()].into_iter().flatten() {
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
