//! Who hears of what changed: front ends through events, the account's task through marks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_net::Route;
use session_store::{FileId, MessageId};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::model::Changes;
use crate::{CoreError, Event};

/// Marks for the account's task.
pub(crate) mod mark {
    /// The outbox has something new.
    pub(crate) const OUTBOX: u8 = 1;
    /// There is something to ask of the own swarm.
    pub(crate) const TASKS: u8 = 2;
    /// The configs hold something the swarm does not have.
    pub(crate) const CONFIGS: u8 = 4;
    /// A message got a time to disappear.
    pub(crate) const DISAPPEARING: u8 = 8;
}

/// Passes on what transactions changed.
#[derive(Debug)]
pub(crate) struct Hub {
    events: broadcast::Sender<Event>,
    marks: AtomicU8,
    wake: Notify,
    /// There are files to be fetched or uploaded.
    pub(crate) files: Notify,
    /// Which of them somebody has just asked for.
    wanted: Mutex<BTreeSet<FileId>>,
    /// What is under way.
    pub(crate) transfers: Transfers,
}

/// Transfers of files under way, so that they can be stopped.
#[derive(Debug, Default)]
pub(crate) struct Transfers(Mutex<BTreeMap<FileId, (MessageId, CancellationToken)>>);

impl Transfers {
    /// One begins.
    pub(crate) fn begin(&self, file: FileId, message: MessageId) -> CancellationToken {
        let stop = CancellationToken::new();
        self.lock().insert(file, (message, stop.clone()));
        stop
    }

    /// It is over.
    pub(crate) fn end(&self, file: FileId) {
        self.lock().remove(&file);
    }

    fn stop(&self, what: impl Fn(&FileId, &MessageId) -> bool) {
        for (file, (message, stop)) in self.lock().iter() {
            if what(file, message) {
                stop.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FileId, (MessageId, CancellationToken)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    pub(crate) fn new(events: broadcast::Sender<Event>) -> Self {
        Self {
            events,
            marks: AtomicU8::new(0),
            wake: Notify::new(),
            files: Notify::new(),
            wanted: Mutex::default(),
            transfers: Transfers::default(),
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn emit(&self, event: Event) {
        // No subscriber is not an error.
        let _ = self.events.send(event);
    }

    /// Says that the disk is the reason, if it is.
    pub(crate) fn note_storage(&self, error: &CoreError) {
        if let CoreError::Store(error) = error
            && error.is_of_the_disk()
        {
            self.emit(Event::StorageFailed { code: error.code() });
        }
    }

    /// Tells everybody what a transaction changed; `route` is the road by which it came.
    pub(crate) fn tell(&self, changes: Changes, route: Option<&Route>) {
        let mut marks = 0;
        for (is_set, mark) in [
            (changes.outbox, mark::OUTBOX),
            (changes.tasks, mark::TASKS),
            (changes.configs, mark::CONFIGS),
            (changes.disappearing, mark::DISAPPEARING),
        ] {
            if is_set {
                marks |= mark;
            }
        }
        self.mark(marks);
        self.wanted().extend(&changes.wanted);
        if changes.files {
            self.files.notify_one();
        }
        self.transfers
            .stop(|file, message| changes.left.contains(file) || changes.removed.contains(message));
        for message in changes.received {
            if message.kind.is_written()
                && let Some(route) = route
            {
                self.emit(Event::MessageReceived {
                    message: Box::new(message),
                    route: Box::new(route.clone()),
                });
            }
        }
        for (conversation, begins) in changes.typing {
            self.emit(Event::Typing {
                conversation,
                begins,
            });
        }
        if !changes.conversations.is_empty() {
            self.emit(Event::ConversationsChanged {
                conversations: changes.conversations.into_iter().collect(),
                removed: changes.removed,
            });
        }
        if changes.profile {
            self.emit(Event::ProfileChanged);
        }
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<FileId>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files that somebody has asked for since this was last called.
    pub(crate) fn take_wanted(&self) -> BTreeSet<FileId> {
        core::mem::take(&mut self.wanted())
    }

    /// Tells the account's task that there is work.
    pub(crate) fn mark(&self, marks: u8) {
        if marks != 0 {
            self.marks.fetch_or(marks, Ordering::AcqRel);
            self.wake.notify_one();
        }
    }

    /// Waits for marks and takes them.
    pub(crate) async fn marks(&self) -> u8 {
        loop {
            let marks = self.marks.swap(0, Ordering::AcqRel);
            if marks != 0 {
                return marks;
            }
            self.wake.notified().await;
        }
    }
}
