//! Messages on their way to the other members.
//!
//! Nearly every message reaches all members within milliseconds. To write down for each of them
//! that it waits, and strike it out again, takes longer than to store the message. So it is only
//! written down who has not answered, when that is known. Until then the file holds one number for
//! all messages: the row up to which every message is settled. It is brought up to date once a
//! second, with something that is written anyway. After a crash the messages behind it go to all
//! members as a dump, and they keep what they do not have.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use session_types::Ed25519PublicKey;

use super::database::Database;
use super::deliveries::{self, QUEUE_STEP};
use super::{Outbox, Store, StoreError, dumps, schema};

/// Name of the number in the file.
pub(super) const NUMBER: &str = "settled";

/// How long the number may be behind. What was stored meanwhile is sent again after a crash.
const INTERVAL: Duration = Duration::from_secs(1);

/// A row, and a number of its own: a row that was rolled back is used again.
type Entry = (i64, u64);

#[derive(Debug, Default)]
struct State {
    entries: BTreeSet<Entry>,
    begun: u64,
    /// Those of the entries nobody takes care of any more.
    abandoned: Vec<Entry>,
    /// Rows of an earlier run of which it is not known who has them.
    doubtful: Option<RangeInclusive<i64>>,
    next: Option<Instant>,
}

/// The messages whose members are being asked.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<State>);

/// A stored message that is being sent to the other members. Who lets go of it without having
/// settled it leaves it to the store.
#[derive(Debug)]
pub(crate) struct Sending {
    row: i64,
    /// `None`: every member has the message on its list.
    noted: Option<(Arc<InFlight>, u64)>,
}

impl InFlight {
    /// What an earlier run has left. Damage and a full disk keep nobody from using the rest: what
    /// is not known is sent again.
    pub(super) fn read(connection: &Database) -> Self {
        let newest = connection.newest().unwrap_or(i64::MAX);
        let settled = match schema::number(connection, NUMBER) {
            Ok(Some(settled)) => settled,
            // Nobody has sent anything in this way before.
            Ok(None) => {
                if let Err(error) = schema::set_number(connection, NUMBER, newest) {
                    tracing::warn!(%error, "a crash may keep messages from other members");
                }
                newest
            }
            Err(_) => 0,
        };
        let first = settled.saturating_add(1);
        Self(Mutex::new(State {
            doubtful: (first <= newest).then_some(first..=newest),
            ..State::default()
        }))
    }

    /// A message has been written to this row.
    pub(super) fn begin(self: &Arc<Self>, row: i64) -> Sending {
        let mut state = self.lock();
        state.begun = state.begun.wrapping_add(1);
        let number = state.begun;
        state.entries.insert((row, number));
        Sending {
            row,
            noted: Some((Arc::clone(self), number)),
        }
    }

    /// How many messages are on their way.
    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether it is time to write the number again.
    pub(super) fn is_due(&self) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let due = state.next.is_none_or(|next| next <= now);
        if due {
            state.next = Some(now + INTERVAL);
        }
        due
    }

    /// Brings the number in the file up to date, at the beginning of a transaction: what comes
    /// later in it has later rows.
    pub(super) fn note(&self, conn: &Database) -> rusqlite::Result<()> {
        let newest = conn.newest()?;
        let state = self.lock();
        let entry = state.entries.first().map(|(row, _)| *row);
        let doubtful = state.doubtful.as_ref().map(|rows| *rows.start());
        drop(state);
        let unsettled = entry.into_iter().chain(doubtful).min();
        let settled = unsettled.map_or(newest, |row| row.saturating_sub(1).min(newest));
        if schema::number(conn, NUMBER)? != Some(settled) {
            schema::set_number(conn, NUMBER, settled)?;
        }
        Ok(())
    }

    fn forget(&self, entries: &[Entry]) {
        let mut state = self.lock();
        for entry in entries {
            state.entries.remove(entry);
        }
        state.abandoned.retain(|entry| !entries.contains(entry));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sending {
    /// A message that was there before: everybody has it on the list already.
    pub(super) const fn listed(row: i64) -> Self {
        Self { row, noted: None }
    }

    /// Ends here when nobody lacks the message.
    pub(crate) fn unless_all_have_it(self, lacking: &[Ed25519PublicKey]) -> Option<Self> {
        if lacking.is_empty() && self.noted.is_some() {
            self.end();
            None
        } else {
            Some(self)
        }
    }

    /// What is to be known about it is in the file.
    fn end(mut self) {
        if let Some((in_flight, number)) = self.noted.take() {
            in_flight.lock().entries.remove(&(self.row, number));
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some((in_flight, number)) = self.noted.take() {
            in_flight.lock().abandoned.push((self.row, number));
        }
    }
}

impl Store {
    /// Records who has a message and who lacks it.
    pub(crate) async fn settle(
        &self,
        sending: Sending,
        having: Vec<Ed25519PublicKey>,
        lacking: Vec<Ed25519PublicKey>,
    ) -> Result<(), StoreError> {
        let Some(sending) = sending.unless_all_have_it(&lacking) else {
            return Ok(());
        };
        let row = sending.row;
        self.writer
            .write(move |conn| {
                for peer in &having {
                    deliveries::remove(conn, peer, &[row])?;
                }
                deliveries::add(conn, row, &Outbox { peers: lacking })
            })
            .await?;
        sending.end();
        Ok(())
    }

    /// Puts messages whose sending was broken off on the lists of the members.
    pub(crate) async fn list_abandoned(
        &self,
        members: &[Ed25519PublicKey],
    ) -> Result<(), StoreError> {
        let abandoned = self.in_flight.lock().abandoned.clone();
        if members.is_empty() {
            return Ok(());
        }
        for entries in abandoned.chunks(QUEUE_STEP) {
            let rows: Vec<i64> = entries.iter().map(|(row, _)| *row).collect();
            for member in members {
                self.queue_for(*member, &rows).await?;
            }
            self.in_flight.forget(entries);
        }
        Ok(())
    }

    /// Queues what was on its way when the node ended without notice for these members.
    pub(crate) async fn queue_doubtful(
        &self,
        members: Vec<Ed25519PublicKey>,
    ) -> Result<(), StoreError> {
        let doubtful = self.in_flight.lock().doubtful.clone();
        let Some(rows) = doubtful.filter(|_| !members.is_empty()) else {
            return Ok(());
        };
        self.writer
            .write(move |conn| {
                members
                    .iter()
                    .try_for_each(|member| dumps::queue_rows(conn, member, &rows))
            })
            .await?;
        self.in_flight.lock().doubtful = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
