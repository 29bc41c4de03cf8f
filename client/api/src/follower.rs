//! Shows one account to one connection: its events, lists and timelines.

mod telling;
#[cfg(test)]
mod tests;
mod views;

use core::pin::Pin;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use session_core::Event;
use session_core::view::{ConversationItem, DayOf, Direction, Dirty, Filter, Live};
use session_net::NetworkStatus;
use session_types::AccountId;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedMutexGuard, broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::OpenAccount;
use crate::connection::{Inner, Outgoing, Turn};
use crate::notification::{AccountChanged, Missed, NetworkChanged, ProfileChanged};
use crate::params::{
    AccountInfo, ConversationsOpened, NetworkState, Profile, TimelineAt, TimelineEdges,
    TimelineOpened,
};
use crate::{ApiError, Notification};

use telling::{is_outdone, told};
use views::Views;

/// Requests that wait for the task.
const COMMANDS: usize = 64;
/// Notifications that wait for their turn; what comes while there are more is left out.
const WAITING: usize = 1024;
/// Events looked at before anything is shown.
const AT_ONCE: usize = 256;

pub(crate) type Answer<R> = oneshot::Sender<Result<R, ApiError>>;

/// What can be asked of the task.
#[derive(Debug)]
pub(crate) enum Command {
    OpenList(Filter, Answer<ConversationsOpened>),
    OpenTimeline(TimelineAt, Zone, Answer<TimelineOpened>),
    More(u64, Direction, usize, Answer<TimelineEdges>),
    Close(u64, Answer<()>),
    /// All conversations of a filter, once.
    List(Filter, Answer<Vec<ConversationItem>>),
}

/// Where the reader of a timeline is.
#[derive(Clone)]
pub(crate) struct Zone(pub(crate) DayOf);

impl core::fmt::Debug for Zone {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Zone").finish_non_exhaustive()
    }
}

/// A handle to the task.
#[derive(Debug)]
pub(crate) struct Follower {
    account: Arc<OpenAccount>,
    /// Set when the task is over.
    over: CancellationToken,
    pub(crate) commands: mpsc::Sender<Command>,
    /// Calls that change the account stand in this line, and the task itself when it has
    /// something to tell: what a call did is told after its answer.
    pub(crate) line: Arc<tokio::sync::Mutex<()>>,
}

impl Follower {
    /// Whether it shows this account, and not the same one before it was closed.
    pub(crate) fn shows(&self, account: &Arc<OpenAccount>) -> bool {
        Arc::ptr_eq(&self.account, account)
    }
}

/// The handle and the task of an account, which ends when the account or the connection does.
/// It begins when the one that showed the account before is over.
pub(crate) fn start(
    connection: &Arc<Inner>,
    account: &Arc<OpenAccount>,
    before: Option<&Follower>,
    is_new: bool,
) -> (Follower, impl Future<Output = ()> + Send + 'static) {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let line = Arc::new(tokio::sync::Mutex::new(()));
    let over = CancellationToken::new();
    let follower = Follower {
        account: Arc::clone(account),
        over: over.clone(),
        commands,
        line: Arc::clone(&line),
    };
    let connection = Arc::downgrade(connection);
    let account = Arc::clone(account);
    let before = before.map(|before| before.over.clone());
    let task = async move {
        let _over = over.drop_guard();
        if let Some(before) = before {
            before.cancelled().await;
        }
        run(connection, account, line, inbox, is_new).await;
    };
    (follower, task)
}

struct Task {
    connection: Weak<Inner>,
    id: AccountId,
    account: Arc<OpenAccount>,
    live: Live,
    views: Views,
    queue: mpsc::Sender<Outgoing>,
    /// What is to be told when the turn has come.
    waiting: VecDeque<Notification>,
    missed: u64,
    /// What is to be shown anew then.
    dirty: Dirty,
}

type Place = Pin<Box<dyn Future<Output = Option<OwnedMutexGuard<()>>> + Send>>;

async fn run(
    connection: Weak<Inner>,
    account: Arc<OpenAccount>,
    line: Arc<tokio::sync::Mutex<()>>,
    mut inbox: mpsc::Receiver<Command>,
    is_new: bool,
) {
    let Some((cancel, queue)) = connection
        .upgrade()
        .map(|connection| (connection.cancel().clone(), connection.queue()))
    else {
        return;
    };
    let mut task = Task {
        connection,
        id: account.id(),
        views: Views::new(account.id(), account.reader()),
        account,
        live: Live::default(),
        queue,
        waiting: VecDeque::new(),
        missed: 0,
        dirty: Dirty::default(),
    };
    if is_new {
        let account = task.info().await;
        task.tell(Notification::AccountChanged(AccountChanged { account }));
    }
    // An account that is closed already has nothing to tell but that.
    if let Ok((events, status)) = task.account.listen().await {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = task.follow(events, status, &mut inbox, &line) => {}
        }
    }
    // What was said before the end, and the end.
    let account = AccountInfo::closed(&task.account.entry());
    task.tell(Notification::AccountChanged(AccountChanged { account }));
    tokio::select! {
        () = cancel.cancelled() => {}
        () = task.flush_all() => {}
    }
}

impl Task {
    /// Tells and shows what happens until the account is closed.
    async fn follow(
        &mut self,
        mut events: broadcast::Receiver<Event>,
        mut status: watch::Receiver<NetworkStatus>,
        inbox: &mut mpsc::Receiver<Command>,
        line: &Arc<tokio::sync::Mutex<()>>,
    ) {
        let closing = self.account.closing().clone();
        let queue = self.queue.clone();
        let mut turn: Option<Place> = None;
        let mut full = false;
        loop {
            if turn.is_none() && !full && self.has_news() {
                let line = Arc::clone(line);
                turn = Some(Box::pin(async move { Turn::of(line).await.come().await }));
            }
            let wake = self.next_wake();
            tokio::select! {
                () = closing.cancelled() => return,
                Some(command) = inbox.recv() => self.answer(command).await,
                event = events.recv() => self.events(event, &mut events).await,
                Ok(()) = status.changed() => self.network(&mut status),
                () = sleep_until(wake) => self.wake(),
                // Calls go on while nobody reads.
                room = queue.reserve(), if full => match room {
                    Ok(_) => full = false,
                    Err(_) => return,
                },
                guard = come(&mut turn) => {
                    turn = None;
                    full = !self.show().await;
                    drop(guard);
                }
            }
        }
    }

    fn tell(&mut self, notification: Notification) {
        if is_outdone(&mut self.waiting, &notification) {
            return;
        }
        if self.waiting.len() < WAITING {
            self.waiting.push_back(notification);
        } else {
            self.missed += 1;
        }
    }

    fn has_news(&self) -> bool {
        !self.waiting.is_empty() || self.missed > 0 || self.views.concerns(&self.dirty)
    }

    /// When something changes without an event.
    fn next_wake(&self) -> Option<Instant> {
        let typing = self.live.next_end();
        let lists = self.views.next_change();
        typing.into_iter().chain(lists).min()
    }

    fn wake(&mut self) {
        let ended = self.live.end(Instant::now());
        if self.views.concerns(&ended) {
            self.dirty.add(ended);
        }
        self.views.wake(Instant::now());
    }

    async fn answer(&mut self, command: Command) {
        // Whoever asked may be gone.
        match command {
            Command::OpenList(filter, answer) => {
                let opened = match self.subscription() {
                    Ok(sub) => self.views.open_list(sub, filter, &self.live).await,
                    Err(error) => Err(error),
                };
                let _ = answer.send(opened);
            }
            Command::OpenTimeline(at, zone, answer) => {
                let opened = match self.subscription() {
                    Ok(sub) => {
                        let opened = self.views.open_timeline(sub, at, zone.0, &self.live);
                        opened.await
                    }
                    Err(error) => Err(error),
                };
                let _ = answer.send(opened);
            }
            Command::More(sub, direction, count, answer) => {
                let more = self.views.more(sub, direction, count, &self.live).await;
                let edges = more.map(|(edges, diff)| {
                    // Never left out: the next diff counts on it.
                    self.waiting.extend(diff);
                    edges
                });
                let _ = answer.send(edges);
            }
            Command::Close(sub, answer) => {
                let _ = answer.send(self.views.close(sub));
            }
            Command::List(filter, answer) => {
                let _ = answer.send(self.views.list_once(filter, &self.live).await);
            }
        }
    }

    fn subscription(&self) -> Result<u64, ApiError> {
        self.views.has_room()?;
        let connection = self.connection.upgrade();
        Ok(connection.ok_or_else(ApiError::not_open)?.subscription())
    }

    /// Takes note of an event and of those that have come meanwhile.
    async fn events(
        &mut self,
        first: Result<Event, RecvError>,
        events: &mut broadcast::Receiver<Event>,
    ) {
        let mut next = first;
        for _ in 0..AT_ONCE {
            match next {
                Ok(event) => self.event(event).await,
                Err(RecvError::Lagged(missed)) => {
                    self.missed += missed;
                    self.dirty.add(Dirty::everything());
                }
                // The account ends; that is told by itself.
                Err(RecvError::Closed) => return,
            }
            next = match events.try_recv() {
                Ok(event) => Ok(event),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            };
        }
        // One more was taken out of the queue.
        if let Ok(event) = next {
            self.event(event).await;
        }
    }

    async fn event(&mut self, event: Event) {
        let dirty = self.live.note(&event, Instant::now());
        if self.views.concerns(&dirty) {
            self.dirty.add(dirty);
        }
        let notification = match event {
            Event::ProfileChanged => {
                let Ok(profile) = self.profile().await else {
                    return;
                };
                Some(Notification::ProfileChanged(ProfileChanged {
                    account: self.id,
                    profile,
                }))
            }
            event => told(self.id, event),
        };
        if let Some(notification) = notification {
            self.tell(notification);
        }
    }

    fn network(&mut self, status: &mut watch::Receiver<NetworkStatus>) {
        let network = NetworkState::from(&*status.borrow_and_update());
        let account = self.id;
        self.tell(Notification::NetworkChanged(NetworkChanged {
            account,
            network,
        }));
    }

    async fn name(&self) -> Result<String, ApiError> {
        Ok(self.account.in_use().await?.name().await?)
    }

    async fn profile(&self) -> Result<Profile, ApiError> {
        let account = self.account.in_use().await?;
        let picture = account.picture(self.id).await?;
        Ok(Profile::new(
            self.id,
            account.name().await?,
            picture.as_ref(),
        ))
    }

    async fn info(&self) -> AccountInfo {
        let mut info = AccountInfo::closed(&self.account.entry());
        info.open = true;
        info.name = self.name().await.ok().map(Into::into);
        info
    }

    /// Tells and shows all that is new, as far as there is room for it. False when there is
    /// none left.
    async fn show(&mut self) -> bool {
        if !self.flush() {
            return false;
        }
        let dirty = core::mem::take(&mut self.dirty);
        let diffs = self.views.refresh(&dirty, &self.live).await;
        self.waiting.extend(diffs);
        self.flush()
    }

    fn flush(&mut self) -> bool {
        while let Some(notification) = self.next_waiting() {
            match self.queue.try_reserve() {
                Ok(room) => room.send(Outgoing::Notification(Box::new(notification))),
                Err(_) => {
                    self.waiting.push_front(notification);
                    return false;
                }
            }
        }
        true
    }

    /// The same, waiting for room.
    async fn flush_all(&mut self) {
        while let Some(notification) = self.next_waiting() {
            let outgoing = Outgoing::Notification(Box::new(notification));
            if self.queue.send(outgoing).await.is_err() {
                return;
            }
        }
    }

    fn next_waiting(&mut self) -> Option<Notification> {
        if let Some(next) = self.waiting.pop_front() {
            return Some(next);
        }
        let count = core::mem::take(&mut self.missed);
        let account = self.id;
        (count > 0).then_some(Notification::Missed(Missed { account, count }))
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => core::future::pending().await,
    }
}

async fn come(turn: &mut Option<Place>) -> Option<OwnedMutexGuard<()>> {
    match turn {
        Some(place) => place.as_mut().await,
        None => core::future::pending().await,
    }
}
