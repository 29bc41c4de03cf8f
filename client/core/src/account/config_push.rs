//! Contacts and settings on their way to the own swarm (docs/protocol/paths.md section 7.4,
//! config.md section 8).

use std::sync::atomic::Ordering;

use session_net::{NetError, Purpose};
use session_storage_rpc::request::{Delete, Expire};
use session_storage_rpc::{
    AccountSigner, ExpireMode, Request, Store as StoreRequest, StoreResponse,
};
use session_types::{MessageHash, Namespace, SwarmPubkey, Timestamp};

use super::Shared;
use crate::{CoreError, Event};

/// Stored configs live this long.
const TTL: core::time::Duration = core::time::Duration::from_secs(30 * 24 * 3600);

/// Messages of one sequence, beside the deletion: 20 requests are allowed.
const MOST_PARTS: usize = 19;

/// One message of a config.
struct Part {
    namespace: Namespace,
    seqno: i64,
    data: Vec<u8>,
}

/// Stores what the swarm does not have, and deletes what became obsolete. True when there was
/// something to do and it is done; false when it has to wait for a first poll.
pub(super) async fn push(shared: &Shared) -> Result<bool, CoreError> {
    if !shared.is_caught_up.load(Ordering::Acquire) {
        // Other devices may have stored what this one does not know of yet.
        return Ok(false);
    }
    let now = shared.network.now();
    let (pushes, obsolete) = shared.model.write(now, |tx| tx.config_pushes()).await?;
    let parts: Vec<Part> = pushes
        .into_iter()
        .flat_map(|config| {
            let (namespace, seqno) = (config.namespace, config.push.seqno);
            let messages = config.push.messages.into_iter();
            messages.map(move |data| Part {
                namespace,
                seqno,
                data,
            })
        })
        .collect();
    if parts.is_empty() && obsolete.is_empty() {
        return Ok(true);
    }
    let mut stored: Vec<(Namespace, i64, Vec<MessageHash>)> = Vec::new();
    // Nearly always one request; the deletions go with the last one, when all is stored.
    let mut rest = parts.as_slice();
    loop {
        let (now_stored, later) = rest.split_at(rest.len().min(MOST_PARTS));
        rest = later;
        let delete = if rest.is_empty() { &obsolete[..] } else { &[] };
        for (part, hash) in now_stored
            .iter()
            .zip(request(shared, now_stored, delete).await?)
        {
            match stored.last_mut() {
                Some((namespace, _, hashes)) if *namespace == part.namespace => hashes.push(hash),
                _ => stored.push((part.namespace, part.seqno, vec![hash])),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    let expires_at = now.plus(TTL);
    shared
        .model
        .write(now, move |tx| {
            for (namespace, seqno, hashes) in &stored {
                tx.config_stored(*namespace, *seqno, hashes, expires_at)?;
            }
            tx.obsolete_deleted(&obsolete)
        })
        .await?;
    shared.emit(Event::ConfigsStored);
    Ok(true)
}

/// Stores messages and deletes others in one sequence. Returns the hashes of those stored, which
/// count only as a whole: a sequence stops at what fails.
async fn request(
    shared: &Shared,
    parts: &[Part],
    delete: &[MessageHash],
) -> Result<Vec<MessageHash>, CoreError> {
    let owner = SwarmPubkey::from(shared.id());
    let reply = shared
        .network
        .ask_swarm(owner, Purpose::OwnSwarm, |now, _member| {
            let signer = AccountSigner::new(shared.id(), shared.keys.ed25519());
            let mut requests = Vec::new();
            for part in parts {
                let data = part.data.clone();
                let store = StoreRequest::signed(&signer, part.namespace, now, TTL, data)?;
                requests.push(Request::Store(store));
            }
            if !delete.is_empty() {
                requests.push(Request::Delete(Delete::signed(&signer, delete.to_vec())?));
            }
            Ok(Request::sequence(requests)?)
        })
        .await?;
    let mut hashes = Vec::new();
    for index in 0..parts.len() {
        let answer = reply.results.get(index).ok_or(NetError::BadReply)?;
        let body = answer.success().map_err(NetError::from)?;
        let answer = StoreResponse::from_json(body).map_err(|_| NetError::BadReply)?;
        hashes.push(answer.hash.ok_or(NetError::BadReply)?);
    }
    Ok(hashes)
}

/// Keeps the stored configs from expiring.
pub(super) async fn extend(shared: &Shared) -> Result<(), CoreError> {
    let hashes = shared
        .model
        .call(|model| Ok(model.configs().active_hashes()))
        .await?;
    if hashes.is_empty() {
        return Ok(());
    }
    let owner = SwarmPubkey::from(shared.id());
    shared
        .network
        .ask_swarm(owner, Purpose::OwnSwarm, |now: Timestamp, _member| {
            let signer = AccountSigner::new(shared.id(), shared.keys.ed25519());
            let until = now.plus(TTL);
            let expire = Expire::signed(&signer, hashes.clone(), until, ExpireMode::Extend)?;
            Ok(Request::sequence(vec![Request::Expire(expire)])?)
        })
        .await?;
    Ok(())
}
