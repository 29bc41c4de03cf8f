//! A front end's connection: its calls, and what it is told.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::Poll;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use session_types::AccountId;
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{InUse, OpenAccount};
use crate::follower::{self, Follower};
use crate::method::{Method, Order};
use crate::session::{Session, lock};
use crate::{ApiError, Notification};

/// Answers and notifications that wait to be taken; whoever has more to say waits. Calls made
/// with [`Connection::call`] have no answer in the queue and go on when it is full.
const OUTGOING: usize = 2048;

/// How far a front end reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything the program may read and write: it names files by their paths.
    Computer,
    /// The accounts alone: a call that names a path is refused. For pages of a browser.
    Accounts,
}

/// What goes out of a connection.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Notification(Box<Notification>),
    /// A JSON text: the answer to a call that came as text.
    Answer(String),
    /// Nothing follows.
    End,
}

/// A front end's connection to a session: calls and notifications. Subscriptions belong to it and
/// end with it.
///
/// A notification that tells of what a call did comes after the call is answered.
#[derive(Debug)]
pub struct Connection {
    inner: Arc<Inner>,
    outgoing: mpsc::Receiver<Outgoing>,
}

/// Makes calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    session: Session,
    reach: Reach,
    outgoing: mpsc::Sender<Outgoing>,
    followers: Mutex<BTreeMap<AccountId, Follower>>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    subscriptions: AtomicU64,
}

/// A place in the line of an account's calls.
pub(crate) enum Turn {
    /// Nobody is before this one, or it need not wait.
    Now(Option<OwnedMutexGuard<()>>),
    Later(Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>>),
}

impl Connection {
    pub(crate) fn new(session: Session, reach: Reach) -> Self {
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let inner = Arc::new(Inner {
            session,
            reach,
            outgoing: sender,
            followers: Mutex::default(),
            cancel: CancellationToken::new(),
            tasks: TaskTracker::new(),
            subscriptions: AtomicU64::new(1),
        });
        Self { inner, outgoing }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Calls a method and waits for its result.
    ///
    /// # Errors
    /// [`ApiError`]: the method's own, or that there is no such method, or that the parameters
    /// are not those of the method.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, ApiError> {
        self.caller().call(method, params).await
    }

    /// The same with the types of the method, which [`crate::params`] has.
    ///
    /// # Errors
    /// As [`Self::call`]; also when the result is of another type.
    pub async fn ask<R: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Result<R, ApiError> {
        self.caller().ask(method, params).await
    }

    /// Makes calls while somebody else waits for notifications.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            inner: Arc::clone(&self.inner),
        }
    }

    /// The next notification. Safe to be dropped while it waits.
    pub async fn next(&mut self) -> Option<Notification> {
        loop {
            match self.outgoing.recv().await? {
                Outgoing::Notification(notification) => return Some(*notification),
                Outgoing::Answer(_) => {}
                Outgoing::End => return None,
            }
        }
    }

    /// The next thing to be written out, if there is one already.
    pub(crate) fn try_next_outgoing(&mut self) -> Option<Outgoing> {
        self.outgoing.try_recv().ok()
    }

    /// The next thing to be written out.
    pub(crate) async fn next_outgoing(&mut self) -> Option<Outgoing> {
        self.outgoing.recv().await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.inner.cancel.cancel();
    }
}

impl Caller {
    /// Calls a method and waits for its result.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, ApiError> {
        let turn = self.inner.turn(method, &params).await;
        let (_turn, result) = self.inner.run(turn, method, params).await;
        result
    }

    /// The same with the types of the method, which [`crate::params`] has.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub async fn ask<R: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Result<R, ApiError> {
        let params = serde_json::to_value(params).map_err(ApiError::params)?;
        let result = self.call(method, params).await?;
        serde_json::from_value(result)
            .map_err(|_| ApiError::internal("the result is of another type"))
    }
}

impl Inner {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Set when the connection is gone.
    pub(crate) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    pub(crate) fn queue(&self) -> mpsc::Sender<Outgoing> {
        self.outgoing.clone()
    }

    /// Puts something in the queue, in order. False when nobody takes it any more.
    pub(crate) async fn put(&self, outgoing: Outgoing) -> bool {
        tokio::select! {
            sent = self.outgoing.send(outgoing) => sent.is_ok(),
            () = self.cancel.cancelled() => false,
        }
    }

    /// A number for a new subscription.
    pub(crate) fn subscription(&self) -> u64 {
        self.subscriptions.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes its place in the line of its account's calls. To be awaited in the order in which
    /// calls come; never waits for other calls.
    pub(crate) async fn turn(&self, method: &str, params: &Value) -> Turn {
        let in_turn = Method::find(method).is_some_and(|method| method.order == Order::InTurn);
        let account = named_account(params).filter(|_| in_turn);
        let line = account.and_then(|id| {
            let followers = lock(&self.followers);
            followers
                .get(&id)
                .map(|follower| Arc::clone(&follower.line))
        });
        match line {
            None => Turn::Now(None),
            Some(line) => Turn::of(line).await,
        }
    }

    /// Runs a call when its turn has come. The turn lasts until it is dropped.
    pub(crate) async fn run(
        self: &Arc<Self>,
        turn: Turn,
        method: &str,
        params: Value,
    ) -> (Option<OwnedMutexGuard<()>>, Result<Value, ApiError>) {
        let Some(method) = Method::find(method) else {
            let error = ApiError::new(
                crate::ApiErrorKind::Method,
                "api.unknown_method",
                "there is no such method",
            );
            return (None, Err(error));
        };
        if self.reach == Reach::Accounts && names_path(&params) {
            let problem = "this connection names no files of the computer";
            return (None, Err(ApiError::bad_input("api.no_paths", problem)));
        }
        let account = named_account(&params).and_then(|id| self.session.opened(id));
        let call = async {
            let turn = turn.come().await;
            (turn, method.run(Arc::clone(self), params).await)
        };
        match account.filter(|_| method.order != Order::Process) {
            None => call.await,
            Some(account) => tokio::select! {
                done = call => done,
                () = account.closing().cancelled() => (None, Err(ApiError::not_open())),
            },
        }
    }

    /// The account a call is about.
    pub(crate) fn account(&self, id: AccountId) -> Result<Arc<OpenAccount>, ApiError> {
        self.session.opened(id).ok_or_else(ApiError::not_open)
    }

    /// The same to be worked with.
    pub(crate) async fn in_use(&self, id: AccountId) -> Result<InUse, ApiError> {
        self.account(id)?.in_use().await
    }

    /// Asks the task that shows an account to this connection.
    pub(crate) async fn ask_follower<R>(
        &self,
        account: AccountId,
        command: impl FnOnce(follower::Answer<R>) -> follower::Command,
    ) -> Result<R, ApiError> {
        let commands = {
            let followers = lock(&self.followers);
            followers
                .get(&account)
                .map(|follower| follower.commands.clone())
        };
        let commands = commands.ok_or_else(ApiError::not_open)?;
        let (answer, wait) = tokio::sync::oneshot::channel();
        commands
            .send(command(answer))
            .await
            .map_err(|_| ApiError::not_open())?;
        wait.await.map_err(|_| ApiError::not_open())?
    }

    /// Shows an account to this connection until it is closed.
    pub(crate) fn follow(self: &Arc<Self>, account: &Arc<OpenAccount>, is_new: bool) {
        let mut followers = lock(&self.followers);
        let known = followers.get(&account.id());
        if self.cancel.is_cancelled() || known.is_some_and(|known| known.shows(account)) {
            return;
        }
        let (follower, task) = follower::start(self, account, known, is_new);
        followers.insert(account.id(), follower);
        drop(followers);
        self.tasks.spawn(task);
    }

    /// Ends all subscriptions. Everything said until then is in the queue.
    pub(crate) async fn end(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Turn {
    /// The next place in a line.
    pub(crate) async fn of(line: Arc<tokio::sync::Mutex<()>>) -> Self {
        let mut place: Pin<Box<dyn Future<Output = OwnedMutexGuard<()>> + Send>> =
            Box::pin(line.lock_owned());
        // Looking once is what takes the place.
        let first = poll_fn(|context| Poll::Ready(place.as_mut().poll(context))).await;
        match first {
            Poll::Ready(turn) => Self::Now(Some(turn)),
            Poll::Pending => Self::Later(place),
        }
    }

    /// Waits until it has come.
    pub(crate) async fn come(self) -> Option<OwnedMutexGuard<()>> {
        match self {
            Self::Now(turn) => turn,
            Self::Later(place) => Some(place.await),
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
        })
    }
}

/// The account that parameters name.
fn named_account(params: &Value) -> Option<AccountId> {
    params.get("account")?.as_str()?.parse().ok()
}

/// Whether there is a `path` anywhere in parameters: files of the computer are named by these.
fn names_path(params: &Value) -> bool {
    match params {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| (name == "path" && !value.is_null()) || names_path(value)),
        Value::Array(items) => items.iter().any(names_path),
        _ => false,
    }
}
