//! Who hears of what changed: front ends through events, the account's task through marks.

use std::sync::atomic::{AtomicU8, Ordering};

use session_net::Route;
use tokio::sync::{Notify, broadcast};

use crate::Event;
use crate::model::Changes;

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
}

impl Hub {
    pub(crate) fn new(events: broadcast::Sender<Event>) -> Self {
        Self {
            events,
            marks: AtomicU8::new(0),
            wake: Notify::new(),
        }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn emit(&self, event: Event) {
        // No subscriber is not an error.
        let _ = self.events.send(event);
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
