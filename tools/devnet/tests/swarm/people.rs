//! Clients that keep account of what was acknowledged.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use reqwest::Client;
use session_crypto::Ed25519Secret;
use session_devnet::Devnet;
use session_storage_rpc::request::Delete;
use session_storage_rpc::{
    AccountSigner, Request, Retrieve, RetrieveResponse, Store, StoreResponse,
};
use session_types::{AccountId, MessageHash, Namespace, SwarmPubkey, Timestamp};

use crate::until;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody with an account.
pub(crate) struct Person {
    key: Ed25519Secret,
    account: AccountId,
}

impl Person {
    pub(crate) fn number(number: u64) -> Self {
        let mut seed = [0x51; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let key = Ed25519Secret::from_seed(seed);
        let account = AccountId::from_x25519(*key.to_x25519().public());
        Self { key, account }
    }

    pub(crate) fn owner(&self) -> SwarmPubkey {
        self.account.into()
    }

    pub(crate) fn signer(&self) -> AccountSigner<'_> {
        AccountSigner::new(self.account, &self.key)
    }
}

/// Time as a client with a right clock has it.
pub(crate) fn now() -> Timestamp {
    use session_node::clock::{Clock as _, SystemClock};
    SystemClock.now()
}

/// What was acknowledged to somebody, and what was deleted again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    /// By the person's number.
    pub(crate) stored: BTreeMap<u64, BTreeSet<MessageHash>>,
    pub(crate) deleted: BTreeSet<MessageHash>,
    /// Deletions without an answer may have taken place or not.
    pub(crate) doubtful: BTreeSet<MessageHash>,
}

impl Ledger {
    pub(crate) fn acknowledged(&self) -> usize {
        self.stored.values().map(BTreeSet::len).sum()
    }

    /// What must be found for somebody.
    pub(crate) fn expected(&self, person: u64) -> BTreeSet<MessageHash> {
        let stored = self.stored.get(&person).cloned().unwrap_or_default();
        let gone = |hash: &MessageHash| self.deleted.contains(hash) || self.doubtful.contains(hash);
        stored.into_iter().filter(|hash| !gone(hash)).collect()
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (person, hashes) in other.stored {
            self.stored.entry(person).or_default().extend(hashes);
        }
        self.deleted.extend(other.deleted);
        self.doubtful.extend(other.doubtful);
    }
}

/// A client that takes any certificate, as those of nodes do.
pub(crate) fn http() -> Client {
    // Fails when another test did it before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// Where a node answers, and its name in answers.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    url: String,
    key: String,
}

/// The places of all nodes; they do not change while the network runs.
pub(crate) fn places(network: &Devnet) -> Vec<Place> {
    let nodes = network.nodes();
    nodes
        .iter()
        .map(|node| Place {
            url: format!("{}/storage_rpc/v1", node.contact.https_base()),
            key: node.contact.ed25519.to_hex(),
        })
        .collect()
}

async fn ask(http: &Client, place: &Place, request: Request) -> Option<serde_json::Value> {
    let body = request.to_json_text();
    let answer = http.post(&place.url).body(body).send().await.ok()?;
    if answer.status() != 200 {
        return None;
    }
    serde_json::from_slice(&answer.bytes().await.ok()?).ok()
}

/// Stores a message; its hash if that was acknowledged.
pub(crate) async fn store(
    http: &Client,
    place: &Place,
    person: &Person,
    data: Vec<u8>,
) -> Option<MessageHash> {
    let fortnight = Duration::from_secs(14 * 24 * 3600);
    let request = Store::unsigned(person.owner(), now(), fortnight, data).unwrap();
    let answer = ask(http, place, Request::Store(request)).await?;
    StoreResponse::from_json(&answer).ok()?.hash
}

/// Deletes messages; whether the asked node has done so and sees to it that the others will.
pub(crate) async fn delete(
    http: &Client,
    place: &Place,
    person: &Person,
    hashes: Vec<MessageHash>,
) -> bool {
    let request = Delete::signed(&person.signer(), hashes).unwrap();
    let Some(answer) = ask(http, place, Request::Delete(request)).await else {
        return false;
    };
    answer["swarm"][&place.key]["deleted"].is_array()
}

/// What a node has for somebody.
pub(crate) async fn held(
    http: &Client,
    place: &Place,
    person: &Person,
) -> Option<BTreeSet<MessageHash>> {
    let mut found = BTreeSet::new();
    let mut last = None;
    loop {
        let request = Retrieve::signed(&person.signer(), Namespace::DEFAULT, now())
            .after(last)
            .max_size(-1);
        let answer = ask(http, place, Request::Retrieve(request)).await?;
        let page = RetrieveResponse::from_json(&answer).ok()?;
        last = page.messages.last().map(|message| message.hash.clone());
        found.extend(page.messages.into_iter().map(|message| message.hash));
        if !page.more {
            return Some(found);
        }
    }
}

/// What the members hold of what they should.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    /// Messages every member of the swarm has.
    pub(crate) found: usize,
    /// Messages some member lacks.
    pub(crate) lost: usize,
    /// Deleted messages some member has.
    pub(crate) undead: usize,
    /// All members hold the same, and nothing is lost or undead.
    pub(crate) settled: bool,
}

/// Asks all members what they hold. A node that does not answer counts as holding nothing.
pub(crate) async fn count(network: &Devnet, http: &Client, ledger: &Ledger) -> Count {
    let places = places(network);
    let mut count = Count {
        settled: true,
        ..Count::default()
    };
    for number in ledger.stored.keys() {
        let person = Person::number(*number);
        let mut sets = Vec::new();
        for index in network.swarm_of(&person.owner()) {
            let mut set = held(http, &places[index], &person)
                .await
                .unwrap_or_default();
            set.retain(|hash| !ledger.doubtful.contains(hash));
            sets.push((index, set));
        }
        let expected = ledger.expected(*number);
        let everywhere = |hash: &&MessageHash| sets.iter().all(|(_, set)| set.contains(*hash));
        let found = expected.iter().filter(everywhere).count();
        let undead: BTreeSet<_> = sets
            .iter()
            .flat_map(|(_, set)| set.intersection(&ledger.deleted))
            .collect();
        count.found += found;
        count.lost += expected.len() - found;
        count.undead += undead.len();
        // Stores without an acknowledgement may be there too, but at all members.
        count.settled &= sets.windows(2).all(|pair| pair[0].1 == pair[1].1);
        // For a run that does not settle.
        if std::env::var_os("SESSION_SWARM_TRACE").is_some() {
            for (index, set) in &sets {
                let lacks = expected.difference(set).count();
                let undead = set.intersection(&ledger.deleted).count();
                let all = set.len();
                println!("{number} at {index}: {all} held, {lacks} lacking, {undead} undead");
            }
        }
    }
    count.settled &= count.lost == 0 && count.undead == 0;
    count
}

/// Waits until all members of everybody's swarm hold exactly what they should. Returns how many
/// of the acknowledged messages are found.
pub(crate) async fn until_all_agree(network: &Devnet, http: &Client, ledger: &Ledger) -> usize {
    until("the members hold what was acknowledged", async || {
        let counted = count(network, http, ledger).await;
        counted.settled.then_some(counted.found)
    })
    .await
}
