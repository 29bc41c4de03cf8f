//! Fetching from the own swarm: one batch for all namespaces, decoded, stored, announced.

use core::time::Duration;
use std::collections::BTreeMap;

use session_crypto::hash;
use session_messages::{ContentKind, decode_direct};
use session_net::{NetError, Purpose, SwarmReply};
use session_storage_rpc::response::RetrievedMessage;
use session_storage_rpc::{AccountSigner, Request, Retrieve, RetrieveResponse};
use session_store::{
    LastHash, ReceivedItem, ReceivedMessage, ReceivedOutcome as Outcome, Store, StoreError,
};
use session_types::{
    AccountId, Ed25519PublicKey, MessageHash, Namespace, NodeContact, SwarmPubkey, Timestamp,
};

use super::{PollSummary, Shared};
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

/// Messages of one writer with one sent time that are all kept. Further ones are dropped: nobody
/// writes that fast.
const MOST_EQUAL_TIMES: usize = 64;

type LastHashes = BTreeMap<Namespace, MessageHash>;

/// Polls once. Tries the next member when one does not answer.
pub(super) async fn poll(shared: &Shared) -> Result<PollSummary, CoreError> {
    let owner = SwarmPubkey::from(shared.id());
    let members = shared.network.swarm(&owner).await?;
    let mut order = members_in_turn(shared, members);
    order.sort_by_key(|member| !shared.network.answers(&member.ed25519));
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
            Err(error) => last_error = error.into(),
        }
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
        .store
        .call(move |store| {
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
    let mut items = Vec::new();
    let mut last_hashes = Vec::new();
    let mut more = false;
    for ((namespace, _), answer) in NAMESPACES.into_iter().zip(&reply.results) {
        if answer.code != 200 {
            tracing::debug!(%namespace, code = answer.code, "a namespace was not read");
            continue;
        }
        let answer = RetrieveResponse::from_json(&answer.body).map_err(|_| NetError::BadReply)?;
        more |= answer.more && !answer.messages.is_empty();
        if let Some(last) = answer.messages.last() {
            last_hashes.push(LastHash {
                node,
                owner: *owner,
                namespace,
                hash: last.hash.clone(),
                expires_at: last.expiration,
            });
        }
        items.extend(
            answer
                .messages
                .into_iter()
                .map(|m| received(shared, node, namespace, m)),
        );
    }
    let rows = shared
        .store
        .call(move |store| {
            part_equal_times(store, &mut items)?;
            store.ingest(&items, &last_hashes)
        })
        .await?;
    let new_messages = rows.len();
    for message in rows {
        shared.emit(Event::MessageReceived {
            message,
            route: Box::new(reply.route.clone()),
        });
    }
    shared.emit(Event::Polled {
        route: Box::new(reply.route),
        new_messages,
    });
    Ok(PollSummary { new_messages, more })
}

/// Moves a message by milliseconds when another one of its writer has its sent time: two devices
/// of one account may write in the same millisecond, and neither message must be taken for a
/// repetition of the other. A repetition has the same text.
fn part_equal_times(store: &Store, items: &mut [ReceivedItem]) -> Result<(), StoreError> {
    let mut taken: BTreeMap<(AccountId, Timestamp), (AccountId, String)> = BTreeMap::new();
    for item in items {
        let Outcome::Message(message) = &mut item.outcome else {
            continue;
        };
        for _ in 0..MOST_EQUAL_TIMES {
            let name = (message.sender, message.sent_at);
            let other = match taken.get(&name) {
                Some((conversation, body)) => Some((*conversation, body.clone())),
                None => store
                    .message_by_sender(&name.0, name.1)?
                    .map(|row| (row.conversation, row.body)),
            };
            let this = (message.conversation, message.body.clone());
            if other.as_ref().is_none_or(|other| *other == this) {
                taken.insert(name, this);
                break;
            }
            message.sent_at = message.sent_at.plus(Duration::from_millis(1));
        }
    }
    Ok(())
}

/// Decides what a stored message is to this account.
fn received(
    shared: &Shared,
    node: Ed25519PublicKey,
    namespace: Namespace,
    message: RetrievedMessage,
) -> ReceivedItem {
    let outcome = if namespace == Namespace::DEFAULT {
        outcome_of(shared, &message.data)
    } else {
        // Configs of other clients are kept as they are, so that nothing is lost before they
        // can be read.
        Outcome::Config { data: message.data }
    };
    ReceivedItem {
        namespace,
        hash: message.hash,
        node,
        stored_at: message.timestamp,
        expires_at: message.expiration,
        outcome,
    }
}

fn outcome_of(shared: &Shared, data: &[u8]) -> Outcome {
    let incoming = match decode_direct(data, &shared.keys) {
        Ok(incoming) => incoming,
        Err(error) if error.is_quiet() => return Outcome::Ignored,
        Err(error) => {
            tracing::debug!(%error, "a stored message cannot be read");
            return Outcome::Undecodable;
        }
    };
    let ContentKind::Visible(visible) = incoming.content.kind() else {
        return Outcome::Ignored;
    };
    let Some(body) = visible.body() else {
        return Outcome::Ignored;
    };
    Outcome::Message(ReceivedMessage {
        sender: incoming.sender,
        conversation: *incoming.conversation(),
        sent_at: incoming.sent_at,
        body: body.as_str().to_owned(),
        outgoing: incoming.sender == shared.id(),
        sender_name: incoming
            .content
            .profile()
            .and_then(|profile| profile.name.as_ref())
            .map(|name| name.as_str().to_owned()),
    })
}
