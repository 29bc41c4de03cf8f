//! Sending one queued message: encode, seal, store in the right swarm, write down what happened.

use core::time::Duration;

use session_messages::{Content, encode_direct};
use session_net::{NetError, Purpose, SwarmReply};
use session_storage_rpc::{Request, Store as StoreRequest, StoreResponse};
use session_store::{Delivered, JobKind, OutboxJob, StoreError};
use session_types::{AccountId, ErrorKind, SwarmPubkey, Timestamp};

use super::{Shared, files};
use crate::model::{Tx, content_of};
use crate::{CoreError, Event, Sent};

/// After this long without success a message is reported as failed.
const GIVE_UP_AFTER: Duration = Duration::from_secs(14 * 24 * 3600);
/// Members that should confirm a message; with fewer another one is asked as well.
const ENOUGH: usize = 2;
/// Pause after a first failure; it doubles with each further one.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(300);
/// How long a try waits for the network's time when the message needs it.
const TIME_PATIENCE: Duration = Duration::from_secs(10);

/// What the swarm's answer says.
struct Stored {
    delivered: Delivered,
    confirmed_by: usize,
    reply: SwarmReply,
}

/// Runs `job` once and records the outcome: done, postponed, or failed. Returns how long to wait
/// before it is tried again, the longer the more `failures` there were before; `None` when it is
/// done with.
pub(super) async fn run(shared: &Shared, job: OutboxJob, failures: u32) -> Option<Duration> {
    let mut wait = None;
    let recorded = match deliver(shared, &job).await {
        Ok(stored) => succeed(shared, &job, stored).await,
        Err(CoreError::Gone | CoreError::Store(StoreError::UnknownMessage)) => {
            // Deleted before anybody had it: nothing failed.
            let id = job.id;
            record(shared, &job, move |tx| {
                Ok(tx.store.job_failed(id, "deleted")?)
            })
            .await
        }
        Err(error) => {
            let age = shared.network.now().since(job.sent_at);
            // What is wrong here, a full disk for example, can be put right as well.
            let give_up = match error.kind() {
                ErrorKind::BadInput | ErrorKind::Unauthorised => true,
                _ => age > GIVE_UP_AFTER,
            };
            if give_up {
                fail(shared, &job, error.to_string()).await
            } else {
                let pause = pause(failures);
                wait = Some(pause);
                postpone(shared, &job, pause, error.to_string()).await
            }
        }
    };
    if let Err(error) = recorded {
        // The row is unchanged, so the job is due again and the swarm answers `already`.
        tracing::error!(kind = ?error.kind(), "the outcome of a delivery was not recorded");
        wait = Some(pause(failures));
    }
    wait
}

/// The longer, the more failures there were before.
pub(super) fn pause(failures: u32) -> Duration {
    FIRST_RETRY
        .saturating_mul(1u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX))
        .min(LAST_RETRY)
}

async fn deliver(shared: &Shared, job: &OutboxJob) -> Result<Stored, CoreError> {
    // A note to oneself is only the copy.
    let (target, purpose) = match job.kind {
        JobKind::Deliver => (job.recipient, Purpose::Contact(job.recipient)),
        JobKind::SyncCopy => (shared.id(), Purpose::OwnSwarm),
    };
    let (data, ttl) = sealed(shared, job, &target).await?;
    let owner = SwarmPubkey::from(target);
    let build = |now, _member: &_| {
        let store = StoreRequest::unsigned(owner, now, ttl, data.clone())?;
        Ok(Request::sequence(vec![Request::Store(store)])?)
    };
    let reply = shared
        .network
        .ask_swarm(owner, purpose.clone(), build)
        .await?;
    let mut stored = read(shared, reply, ttl)?;
    if stored.confirmed_by < ENOUGH {
        // This member may be cut off from the others, by its clock for example, so that nobody
        // but itself would ever have the message.
        let first = [stored.reply.route.destination.ed25519];
        let second = shared
            .network
            .ask_others(owner, purpose, &first, build)
            .await
            .map_err(CoreError::from)
            .and_then(|reply| read(shared, reply, ttl));
        match second {
            Ok(second) if second.confirmed_by > stored.confirmed_by => stored = second,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "only one member has the message for now"),
        }
    }
    Ok(stored)
}

/// What a member's answer says.
fn read(shared: &Shared, reply: SwarmReply, ttl: Duration) -> Result<Stored, CoreError> {
    let answer = reply.results.first().ok_or(NetError::BadReply)?;
    let body = answer.success().map_err(NetError::from)?;
    let stored = StoreResponse::from_json(body).map_err(|_| NetError::BadReply)?;
    let now = shared.network.now();
    let member = &reply.route.destination.ed25519;
    let expiry = stored
        .successes()
        .find(|(node, _)| *node == member)
        .and_then(|(_, s)| s.expiry);
    let delivered = Delivered {
        hash: stored.hash.clone().ok_or(NetError::BadReply)?,
        stored_at: stored.t.unwrap_or(now),
        expires_at: expiry.unwrap_or_else(|| now.plus(ttl)),
        now,
    };
    // A member's word counts only under its signature.
    let confirmed_by = stored
        .successes()
        .filter(|(node, s)| s.verify(node).is_ok())
        .count();
    Ok(Stored {
        delivered,
        confirmed_by,
        reply,
    })
}

/// The bytes to store, and how long. Made at the first try and kept with the job, so that a retry
/// after a lost answer stores the same message and not a second one.
async fn sealed(
    shared: &Shared,
    job: &OutboxJob,
    target: &AccountId,
) -> Result<(Vec<u8>, Duration), CoreError> {
    let (content, sent_at) = content(shared, job, target).await?;
    let is_copy = *target == shared.id();
    // A copy names the real recipient and carries no profile.
    let content = if is_copy {
        content.sync_copy(&job.conversation).unwrap_or(content)
    } else {
        content
    };
    let ttl = content.ttl(is_copy);
    if let Some(payload) = &job.payload {
        return Ok((payload.clone(), ttl));
    }
    let data = encode_direct(&content, &shared.keys, target, sent_at, &mut rand::rng())?;
    let (id, kept) = (job.id, data.clone());
    let still_there = shared
        .model
        .write(shared.network.now(), move |tx| {
            Ok(tx.store.begin_try(id, &kept)?)
        })
        .await?;
    if !still_there {
        return Err(CoreError::Gone);
    }
    Ok((data, ttl))
}

/// What a job says and when it was written. A message written without knowing the network's time
/// gets it now.
async fn content(
    shared: &Shared,
    job: &OutboxJob,
    target: &AccountId,
) -> Result<(Content, Timestamp), CoreError> {
    let Some(message) = job.message else {
        let content = Content::decode(&job.content, job.sent_at)
            .map_err(session_messages::MessageError::from)?;
        return Ok((content, job.sent_at));
    };
    let row = shared
        .model
        .read(move |store| store.message(message))
        .await?
        .ok_or(CoreError::Gone)?;
    if job.payload.is_none() {
        files::upload_all(shared, message).await?;
    }
    // Another program at work for the account may have stamped it since the job was read.
    let mut sent_at = row.sent_at;
    if row.time_unsure && job.payload.is_none() {
        if !shared.network.learn_time_within(TIME_PATIENCE).await {
            // Most often there is a reason that says more.
            shared.network.swarm(&SwarmPubkey::from(*target)).await?;
            return Err(CoreError::TimeUnknown);
        }
        let now = shared.network.now();
        sent_at = shared
            .model
            .write(now, move |tx| tx.stamp_anew(message))
            .await?;
    }
    let (transfers, profile) = shared
        .model
        .call(move |model| {
            let transfers = model.store().transfers_of(message)?;
            Ok((transfers, model.configs().profile_to_send()))
        })
        .await?;
    Ok((content_of(&row, &transfers, &profile)?, sent_at))
}

async fn succeed(shared: &Shared, job: &OutboxJob, stored: Stored) -> Result<(), CoreError> {
    let Stored {
        delivered,
        confirmed_by,
        reply,
    } = stored;
    let (id, message, kept) = (job.id, job.message, delivered.clone());
    record(shared, job, move |tx| {
        // The message may disappear some time after now.
        tx.changes.disappearing = message.is_some();
        Ok(tx.store.job_succeeded(id, &kept)?)
    })
    .await?;
    let Some(message_id) = message else {
        return Ok(());
    };
    let is_copy = job.kind == JobKind::SyncCopy && job.conversation != shared.id();
    shared.emit(if is_copy {
        Event::SyncCopyStored {
            message_id,
            route: Box::new(reply.route),
        }
    } else {
        Event::MessageSent(Box::new(Sent {
            message_id,
            hash: delivered.hash,
            expires_at: delivered.expires_at,
            confirmed_by,
            took: shared.network.now().since(job.sent_at),
            route: reply.route,
        }))
    });
    Ok(())
}

/// Writes down what became of a job; who shows its message hears of it.
async fn record(
    shared: &Shared,
    job: &OutboxJob,
    work: impl FnOnce(&mut Tx<'_>) -> Result<(), CoreError> + Send + 'static,
) -> Result<(), CoreError> {
    let (message, conversation) = (job.message, job.conversation);
    shared
        .model
        .write(shared.network.now(), move |tx| {
            if message.is_some() {
                tx.touch(conversation);
            }
            work(tx)
        })
        .await
}

async fn postpone(
    shared: &Shared,
    job: &OutboxJob,
    wait: Duration,
    reason: String,
) -> Result<(), CoreError> {
    let next_attempt = shared.network.now().plus(wait);
    let (id, text) = (job.id, reason.clone());
    record(shared, job, move |tx| {
        Ok(tx.store.job_postponed(id, next_attempt, &text)?)
    })
    .await?;
    if let Some(message_id) = job.message {
        shared.emit(Event::MessagePostponed {
            message_id,
            reason,
            next_attempt,
        });
    }
    Ok(())
}

async fn fail(shared: &Shared, job: &OutboxJob, reason: String) -> Result<(), CoreError> {
    let (id, text) = (job.id, reason.clone());
    record(shared, job, move |tx| Ok(tx.store.job_failed(id, &text)?)).await?;
    match job.message {
        Some(message_id) => shared.emit(Event::MessageFailed { message_id, reason }),
        None => tracing::debug!(%reason, "something that is not shown could not be sent"),
    }
    Ok(())
}
