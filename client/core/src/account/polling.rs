//! Fetching from the own swarm: one batch for all namespaces, decoded, stored, announced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use session_crypto::hash;
use session_net::{NetError, Purpose, SwarmReply};
use session_storage_rpc::{AccountSigner, Request, Retrieve, RetrieveResponse};
use session_store::LastHash;
use session_types::{Ed25519PublicKey, MessageHash, Namespace, NodeContact, SwarmPubkey};

use super::{PollSummary, Shared};
use crate::model::{CONFIG_NAMESPACES, Fetched};
use crate::{CoreError, Event};

/// Order and share of the answer, as stock clients ask (docs/protocol/paths.md section 7.2).
const NAMESPACES: [(Namespace, i64); 5] = [
    (Namespace::DEFAULT, -2),
    (Namespace::USER_PROFILE, -8),
    (Namespace::CONTACTS, -8),
    (Namespace::USER_GROUPS, -8),
    (Namespace::CONVO_INFO_VOLATILE, -8),
];

/// Members asked in turn: few nodes learn the poll pattern, and what one of them misses the next
/// one has (docs/protocol/traffic-analysis.md M-10).
const MEMBERS_ASKED: usize = 3;
const ROTATE_AFTER_MS: u64 = 24 * 3600 * 1000;

type LastHashes = BTreeMap<Namespace, MessageHash>;

/// Polls once. Tries the next member when one does not answer.
pub(super) async fn poll(shared: &Shared) -> Result<PollSummary, CoreError> {
    let owner = SwarmPubkey::from(shared.id());
    let members = shared.network.swarm(&owner).await?;
    let mut order = members_in_turn(shared, members);
    order.sort_by_key(|member| !shared.network.answers(&member.ed25519));
    let asked = order.len();
    let mut silent = 0;
    let mut last_error = CoreError::Net(NetError::NoSwarm);
    for member in order {
        let last = last_hashes(shared, &member.ed25519, &owner).await?;
        match ask(shared, &owner, &member, &last).await {
            Ok(reply) => match take_in(shared, &owner, reply).await {
                Err(error @ CoreError::Net(_)) => last_error = error,
                done => return done,
            },
            Err(NetError::WrongSwarm) => {
                // The cache has learned the right members; they are asked at the next poll.
                last_error = NetError::WrongSwarm.into();
            }
            Err(error) => {
                // Marked so when the path worked, as far as can be known, and the member did not.
                silent += usize::from(!shared.network.answers(&member.ed25519));
                last_error = error.into();
            }
        }
    }
    if silent == asked && asked > 0 {
        shared.network.own_swarm_is_silent(asked);
    }
    Err(last_error)
}

/// The day's members, the one whose turn it is first. Derived from the account's secret, so that
/// the choice survives restarts and nobody else can foresee it.
fn members_in_turn(shared: &Shared, members: Vec<NodeContact>) -> Vec<NodeContact> {
    let now = shared.network.now().as_ms();
    let day = (now / ROTATE_AFTER_MS).to_le_bytes();
    let secret = shared.keys.ed25519().seed();
    let mut ranked: Vec<_> = members
        .into_iter()
        .map(|member| {
            let rank: [u8; 32] =
                hash::blake2b_keyed(secret, &[b"poll order", &day, member.ed25519.as_bytes()]);
            (rank, member)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut order: Vec<_> = ranked.into_iter().map(|(_, member)| member).collect();
    let chosen = order.len().min(MEMBERS_ASKED);
    if let Some(day_members) = order.get_mut(..chosen).filter(|m| !m.is_empty()) {
        let turn = shared.poll_turn();
        day_members.rotate_left(turn % chosen);
    }
    order
}

async fn last_hashes(
    shared: &Shared,
    member: &Ed25519PublicKey,
    owner: &SwarmPubkey,
) -> Result<LastHashes, CoreError> {
    let (member, owner, now) = (*member, *owner, shared.network.now());
    shared
        .model
        .read(move |store| {
            let mut last = LastHashes::new();
            for (namespace, _) in NAMESPACES {
                if let Some(hash) = store.last_hash(&member, &owner, namespace, now)? {
                    last.insert(namespace, hash);
                }
            }
            Ok(last)
        })
        .await
}

async fn ask(
    shared: &Shared,
    owner: &SwarmPubkey,
    member: &NodeContact,
    last: &LastHashes,
) -> Result<SwarmReply, NetError> {
    shared
        .network
        .ask_member(*owner, member, Purpose::OwnSwarm, |now, _member| {
            let signer = AccountSigner::new(shared.id(), shared.keys.ed25519());
            let requests = NAMESPACES
                .into_iter()
                .map(|(namespace, max_size)| {
                    let request = Retrieve::signed(&signer, namespace, now)
                        .after(last.get(&namespace).cloned())
                        .max_size(max_size);
                    Request::Retrieve(request)
                })
                .collect();
            Ok(Request::batch(requests)?)
        })
        .await
}

async fn take_in(
    shared: &Shared,
    owner: &SwarmPubkey,
    reply: SwarmReply,
) -> Result<PollSummary, CoreError> {
    let node = reply.route.destination.ed25519;
    let mut fetched = Vec::new();
    let mut last_hashes = Vec::new();
    let mut more = false;
    let mut configs_read = 0;
    for ((namespace, _), answer) in NAMESPACES.into_iter().zip(&reply.results) {
        if answer.code != 200 {
            tracing::debug!(%namespace, code = answer.code, "a namespace was not read");
            continue;
        }
        let answer = RetrieveResponse::from_json(&answer.body).map_err(|_| NetError::BadReply)?;
        let has_more = answer.more && !answer.messages.is_empty();
        more |= has_more;
        if CONFIG_NAMESPACES.contains(&namespace) && !has_more {
            configs_read += 1;
        }
        if let Some(last) = answer.messages.last() {
            last_hashes.push(LastHash {
                node,
                owner: *owner,
                namespace,
                hash: last.hash.clone(),
                expires_at: last.expiration,
            });
        }
        let messages = answer.messages.into_iter();
        fetched.extend(messages.map(|message| Fetched { namespace, message }));
    }
    let (now, hub, route) = (
        shared.network.now(),
        Arc::clone(&shared.hub),
        reply.route.clone(),
    );
    let new_messages = shared
        .model
        .call(move |model| {
            let (new, changes) = model.take_in(fetched, &last_hashes, now)?;
            hub.tell(changes, Some(&route));
            Ok(new)
        })
        .await?;
    if configs_read == CONFIG_NAMESPACES.len() && !shared.is_caught_up.swap(true, Ordering::AcqRel)
    {
        shared.hub.mark(crate::hub::mark::CONFIGS);
    }
    shared.emit(Event::Polled {
        route: Box::new(reply.route),
        new_messages,
    });
    Ok(PollSummary { new_messages, more })
}
