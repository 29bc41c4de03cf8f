//! Everything an account said, in order, and waiting for it to say more.

use std::sync::{Arc, Mutex, MutexGuard};

use session_core::{Account, Event};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::DEADLINE;

/// The events of one device, over all restarts of its program.
#[derive(Debug, Default)]
pub(crate) struct Log {
    events: Mutex<Vec<Event>>,
    /// How many there are.
    count: watch::Sender<usize>,
}

impl Log {
    /// Writes down what `account` says until it ends.
    pub(crate) fn follow(self: &Arc<Self>, account: &Account) {
        let mut events = account.subscribe();
        let log = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => log.add(event),
                    Err(RecvError::Lagged(missed)) => panic!("{missed} events were missed"),
                    Err(RecvError::Closed) => break,
                }
            }
        });
    }

    fn add(&self, event: Event) {
        self.events().push(event);
        self.count.send_modify(|count| *count += 1);
    }

    /// All of them so far.
    pub(crate) fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap()
    }

    /// Looks at the events, again after each new one, until `find` finds something.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut find: impl FnMut(&[Event]) -> Option<T>,
    ) -> T {
        let mut count = self.count.subscribe();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                count.mark_unchanged();
                if let Some(found) = find(&self.events()) {
                    return found;
                }
                count.changed().await.unwrap();
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {DEADLINE:?}; {}", self.tail()),
        }
    }

    /// Runs `ask` after each new event until it has an answer.
    pub(crate) async fn until_state<T>(
        &self,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let mut count = self.count.subscribe();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                count.mark_unchanged();
                if let Some(found) = ask().await {
                    return found;
                }
                count.changed().await.unwrap();
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {DEADLINE:?}; {}", self.tail()),
        }
    }

    /// The last events, for a failure's text.
    fn tail(&self) -> String {
        let events = self.events();
        let from = events.len().saturating_sub(12);
        let lines: Vec<String> = events[from..].iter().map(summary).collect();
        format!(
            "{} events, the last being\n  {}",
            events.len(),
            lines.join("\n  ")
        )
    }
}

fn summary(event: &Event) -> String {
    match event {
        Event::MessageReceived { message, .. } => format!("received {}", message.id),
        Event::MessageSent(sent) => format!("sent {}", sent.message_id),
        Event::MessagePostponed {
            message_id, reason, ..
        } => format!("postponed {message_id}: {reason}"),
        Event::MessageFailed { message_id, reason } => format!("failed {message_id}: {reason}"),
        Event::SyncCopyStored { message_id, .. } => format!("copy stored {message_id}"),
        Event::Polled { new_messages, .. } => format!("polled: {new_messages} new"),
        Event::PollFailed { reason } => format!("poll failed: {reason}"),
        _ => "another event".to_owned(),
    }
}
