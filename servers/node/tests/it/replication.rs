//! Members that miss something get it later, whatever dies in between (section 15.4).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use session_crypto::hash::message_hash;
use session_node::edge::{Edge, Held, Passage};
use session_storage_rpc::request::{Delete, DeleteAll};
use session_storage_rpc::response::{Deleted, NodeFailure, SwarmAnswer};
use session_storage_rpc::{NamespaceFilter, NodeOutcome, Request, Store};
use session_types::{Ed25519PublicKey, MessageHash, Namespace, SwarmId};

use crate::support::{Network, Person, SWARM, TWO_WEEKS, until};

const SMALL: &[(u64, usize)] = &[(SWARM, 3)];
const OTHER: u64 = u64::MAX / 2;

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_stopped_member_gets_what_it_missed_when_it_returns() {
    let mut network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let before = network.send(0, &bob, b"before").await;
    network.until_delivered(0).await;
    network.stop(2).await;

    let request =
        Store::unsigned(bob.owner(), network.now(), TWO_WEEKS, b"missed".to_vec()).unwrap();
    let answer = network.ask(0, Request::Store(request.clone())).await.ok();
    let absent = network.contact(2).ed25519;
    let entry = &answer["swarm"][absent.to_hex()];
    assert_eq!(
        *entry,
        serde_json::json!({ "failed": true, "timeout": true })
    );
    let missed = network.store(0, request).await;
    assert_eq!(missed.successes().count(), 2);
    assert_eq!(
        missed.swarm[&absent],
        NodeOutcome::Failed(NodeFailure::timeout())
    );
    let config = network.save(1, &bob.signer(), 5, b"groups").await;

    network.restart(2).await;
    let both = [before, missed.hash.unwrap()];
    network.until_held(2, &bob.signer(), 0, &both).await;
    // With its namespace.
    network.until_held(2, &bob.signer(), 5, &[config]).await;
    network.until_delivered(0).await;
    network.until_delivered(1).await;
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_the_death_of_the_node_that_has_it() {
    let mut network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    network.kill(2).await;
    network.kill(1).await;
    let mut sent = Vec::new();
    for number in 0..30u8 {
        sent.push(network.send(0, &bob, &[number; 500]).await);
    }
    network.kill(0).await;
    // First a member that missed everything, then the only one that has it.
    network.restart(1).await;
    network.restart(0).await;
    network.until_held(1, &bob.signer(), 0, &sent).await;
    network.restart(2).await;
    network.until_held(2, &bob.signer(), 0, &sent).await;
    network.until_delivered(0).await;
    assert_eq!(network.hashes(0, &bob.signer(), 0).await, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_stores_loses_nothing_acknowledged() {
    let mut network = Network::start(SMALL).await;
    let bob = Arc::new(network.person(SWARM));
    for round in 0..3u32 {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..8u32)
            .map(|writer| {
                let (http, url) = (network.http.clone(), network.url(0, "/storage_rpc/v1"));
                let (bob, stop, now) = (Arc::clone(&bob), Arc::clone(&stop), network.now());
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    for number in 0u32.. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let mut data = vec![0; 200];
                        let label = [round, writer, number].map(u32::to_be_bytes).concat();
                        data[..12].copy_from_slice(&label);
                        if let Some(hash) = store(&http, &url, &bob, now, data).await {
                            acknowledged.push(hash);
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        until("enough has been stored", || async {
            (count.load(Ordering::SeqCst) >= 60).then_some(())
        })
        .await;
        network.kill(0).await;
        stop.store(true, Ordering::SeqCst);
        let mut acknowledged = BTreeSet::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert!(acknowledged.len() >= 60, "{}", acknowledged.len());
        network.restart(0).await;
        for index in 0..3 {
            let what = format!("member {index} holds everything acknowledged");
            until(&what, || async {
                let held: BTreeSet<MessageHash> = network
                    .hashes(index, &bob.signer(), 0)
                    .await
                    .into_iter()
                    .collect();
                acknowledged.is_subset(&held).then_some(())
            })
            .await;
        }
    }
}

/// A node that can send nothing while its edge is shut.
#[derive(Debug, Default)]
struct Gate {
    shut: AtomicBool,
}

impl Edge for Gate {
    fn outgoing<'a>(&'a self, _to: &'a Ed25519PublicKey) -> Held<'a, Passage> {
        Box::pin(async {
            if self.shut.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Passage::Through
        })
    }

    fn incoming<'a>(&'a self, _from: Option<&'a Ed25519PublicKey>) -> Held<'a, ()> {
        Box::pin(async {})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_on_their_way_when_a_node_is_killed_arrive_even_if_it_has_moved() {
    let gate = Arc::new(Gate::default());
    let edge: Arc<dyn Edge> = gate.clone();
    let swarms = [(SWARM, 3), (OTHER, 1)];
    let mut network = Network::start_with(&swarms, move |config| {
        config.edge = Some(Arc::clone(&edge));
        config.timing.forward_timeout = Duration::from_secs(600);
    })
    .await;
    let bob = network.person(SWARM);
    let arrived = network.send(0, &bob, b"arrived").await;
    gate.shut.store(true, Ordering::SeqCst);
    let mut sent = vec![arrived];
    for number in 0..20u8 {
        let (http, url) = (network.http.clone(), network.url(0, "/storage_rpc/v1"));
        let data = vec![number; 100];
        sent.push(message_hash(&bob.owner(), Namespace::DEFAULT, &data));
        let request = Store::unsigned(bob.owner(), network.now(), TWO_WEEKS, data).unwrap();
        let body = Request::Store(request).to_json_text();
        tokio::spawn(async move { http.post(url).body(body).send().await });
    }
    until("the node has them all", || async {
        let count = network.node(0).message_count().await.unwrap();
        (count == 21).then_some(())
    })
    .await;
    network.kill(0).await;
    gate.shut.store(false, Ordering::SeqCst);
    // It does not compare what it holds with those it has left.
    network.assign(0, SwarmId::new(OTHER));
    network.publish();
    network.restart(0).await;
    for index in 1..3 {
        network.until_held(index, &bob.signer(), 0, &sent).await;
    }
    network.until_delivered(0).await;
}

/// The hash, if the node acknowledged the message.
async fn store(
    http: &reqwest::Client,
    url: &str,
    bob: &Person,
    now: session_types::Timestamp,
    data: Vec<u8>,
) -> Option<MessageHash> {
    let request = Store::unsigned(bob.owner(), now, TWO_WEEKS, data).unwrap();
    let body = Request::Store(request).to_json_text();
    let answer = http.post(url).body(body).send().await.ok()?;
    if answer.status() != 200 {
        return None;
    }
    let answer: serde_json::Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    answer["hash"].as_str()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_member_that_was_away_learns_of_deletions() {
    let mut network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let one = network.send(0, &bob, b"one").await;
    let two = network.send(0, &bob, b"two").await;
    network.save(0, &bob.signer(), 2, b"config").await;
    network.until_delivered(0).await;
    network.stop(2).await;

    let delete = Delete::signed(&bob.signer(), vec![one.clone()]).unwrap();
    let answer = network.ask(0, Request::Delete(delete)).await.ok();
    let answer = SwarmAnswer::<Deleted>::from_json(&answer).unwrap();
    assert_eq!(answer.successes().count(), 2);
    let now = network.now();
    let all = DeleteAll::signed(&bob.signer(), NamespaceFilter::All, now);
    network.ask(1, Request::DeleteAll(all)).await.ok();
    // Stored after the deletion; must survive it.
    network.clock.advance(Duration::from_secs(3600));
    let later = network.send(1, &bob, b"later").await;

    network.restart(2).await;
    network
        .until_held(2, &bob.signer(), 0, std::slice::from_ref(&later))
        .await;
    network.until_held(2, &bob.signer(), 2, &[]).await;
    network.until_delivered(0).await;
    network.until_delivered(1).await;
    assert!(!network.hashes(2, &bob.signer(), 0).await.contains(&two));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_does_not_stop_the_work() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let mut sent = Vec::new();
    for number in 0..20u8 {
        let data = vec![number; 50];
        let request = Store::unsigned(bob.owner(), network.now(), TWO_WEEKS, data).unwrap();
        sent.push(message_hash(
            &request.owner,
            request.namespace,
            &request.data,
        ));
        let body = Request::Store(request).to_json_text();
        let asking = network.post(0, "/storage_rpc/v1", body);
        // Dropped at some point in between.
        let patience = Duration::from_micros(500 * u64::from(number));
        let _ = tokio::time::timeout(patience, asking).await;
    }
    let held = |index| {
        let (network, bob) = (&network, &bob);
        async move {
            network
                .hashes(index, &bob.signer(), 0)
                .await
                .into_iter()
                .collect()
        }
    };
    // Whatever the node took, every member has in the end.
    until("the members agree", || async {
        let sets: [BTreeSet<MessageHash>; 3] = [held(0).await, held(1).await, held(2).await];
        (sets[0] == sets[1] && sets[1] == sets[2] && !sets[0].is_empty()).then_some(())
    })
    .await;
    network.until_delivered(0).await;
    assert!(
        held(0)
            .await
            .is_subset(&sent.into_iter().collect::<BTreeSet<_>>())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_known_to_be_down_is_not_waited_for() {
    let mut network = Network::start_with(SMALL, |config| {
        config.timing.forward_timeout = Duration::from_secs(3);
        config.timing.retry_first = Duration::from_secs(60);
        config.timing.retry_max = Duration::from_secs(60);
    })
    .await;
    let bob = network.person(SWARM);
    network.send(0, &bob, b"settle").await;
    network.stop(2).await;
    // Something takes its place that accepts and never answers.
    let port = network.contact(2).https_port;
    let silent = until("the port is free", || async {
        std::net::TcpListener::bind(("127.0.0.1", port)).ok()
    })
    .await;
    for number in 0..2u8 {
        network.send(0, &bob, &[number]).await;
    }
    let start = std::time::Instant::now();
    for number in 10..15u8 {
        network.send(0, &bob, &[number]).await;
    }
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    drop(silent);
}
