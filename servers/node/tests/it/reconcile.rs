//! Members that compare what they hold, and what time it is (docs/protocol/node.md section 17).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_node::clock::{Clock, SystemClock};
use session_node::{NodeConfig, NodeIdentity};
use session_storage_rpc::bulk::{self, BulkMessage};
use session_storage_rpc::request::{Delete, DeleteBefore, Expire};
use session_storage_rpc::{ExpireMode, NamespaceFilter, Request, Store};
use session_types::{MessageHash, Namespace, Timestamp};

use crate::peer_traffic::{command, send_as};
use crate::support::{DAY, Network, Person, SWARM, TWO_WEEKS, until};

const INTERVAL: Duration = Duration::from_millis(200);

fn often(config: &mut NodeConfig) {
    config.timing.reconcile_interval = INTERVAL;
}

fn row(person: &Person, namespace: i16, now: Timestamp, data: &[u8]) -> BulkMessage {
    let namespace = Namespace::new(namespace);
    BulkMessage {
        owner: person.owner(),
        namespace,
        hash: session_crypto::hash::message_hash(&person.owner(), namespace, data),
        timestamp: now,
        expiry: now.plus(TWO_WEEKS),
        data: data.to_vec(),
    }
}

/// Puts messages into one node's database and nowhere else, as if another member had pushed them.
async fn put(network: &Network, index: usize, rows: &[BulkMessage]) {
    let sender = (index + 1) % network.len();
    for batch in bulk::encode(rows, bulk::DEFAULT_BATCH_BYTES) {
        send_as(network, sender, index, "/node/v1/data", batch)
            .await
            .expect_text(200, "OK");
    }
}

/// Has one node carry out a request and nobody else.
async fn order(network: &Network, index: usize, request: &Request) {
    let sender = (index + 1) % network.len();
    let path = "/node/v1/storage_cc";
    let answer = send_as(network, sender, index, path, command(request)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn held(network: &Network, index: usize, person: &Person) -> BTreeSet<MessageHash> {
    let hashes = network.hashes(index, &person.signer(), 0).await;
    hashes.into_iter().collect()
}

/// Waits until every node has compared with every other a few times.
async fn rounds(network: &Network) {
    let asked = async |index: usize| {
        let metrics = network.node(index).metrics().await;
        metrics.node_calls_quic + metrics.node_calls_https
    };
    for index in 0..network.len() {
        let before = asked(index).await;
        let enough = 4 * u64::try_from(network.len()).unwrap();
        until("the members have compared", || async {
            (asked(index).await >= before + enough).then_some(())
        })
        .await;
    }
}

/// With `SESSION_RECONCILE_MESSAGES=100000` this shows how long many messages take.
#[tokio::test(flavor = "multi_thread")]
async fn members_that_hold_different_messages_end_with_all_of_them() {
    let count: u32 = match std::env::var("SESSION_RECONCILE_MESSAGES") {
        Ok(count) => count.parse().unwrap(),
        Err(_) => 3000,
    };
    let many = count > 3000;
    let network = Network::start_with(&[(SWARM, 2)], move |config| {
        often(config);
        if many {
            config.timing.reconcile_interval = Duration::from_secs(600);
        }
    })
    .await;
    let people: Vec<Person> = (0..20).map(Person::number).collect();
    let now = network.now();
    let rows: Vec<BulkMessage> = (0..count)
        .map(|number| {
            let data = [&number.to_be_bytes()[..], &[7; 400]].concat();
            row(&people[number as usize % 20], 0, now, &data)
        })
        .collect();
    let (some, others) = rows.split_at(rows.len() / 3);
    put(&network, 0, some).await;
    put(&network, 1, others).await;
    if many {
        // The first comparisons found nothing; one that comes back is compared with at once.
        send_as(
            &network,
            0,
            1,
            "/node/v1/data_ready",
            b"d1:@i0e1:ti0ee".to_vec(),
        )
        .await
        .expect_text(200, "OK");
    }
    let began = Instant::now();
    let deadline = Duration::from_secs(if many { 600 } else { 30 });
    loop {
        let mut counts = Vec::new();
        for index in 0..2 {
            counts.push(network.node(index).message_count().await.unwrap());
        }
        if counts == [u64::from(count); 2] {
            break;
        }
        assert!(began.elapsed() < deadline, "{counts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{count} messages in {:?}", began.elapsed());
    if !many {
        for person in &people {
            let first = held(&network, 0, person).await;
            assert_eq!(first, held(&network, 1, person).await);
            assert_eq!(first.len(), rows.len() / 20);
        }
    }
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_missing_is_sent() {
    let network = Network::start_with(&[(SWARM, 3)], often).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let common: Vec<BulkMessage> = (0..500u32)
        .map(|number| row(&bob, 0, now, &number.to_be_bytes()))
        .collect();
    for index in 0..3 {
        put(&network, index, &common).await;
    }
    rounds(&network).await;
    let extra = row(&bob, 0, now, b"only here");
    put(&network, 0, std::slice::from_ref(&extra)).await;
    for index in 1..3 {
        until("the missing message is there", || async {
            held(&network, index, &bob)
                .await
                .contains(&extra.hash)
                .then_some(())
        })
        .await;
    }
    let mut sent = 0;
    for index in 0..3 {
        sent += network.node(index).metrics().await.reconciled;
    }
    // Both who lack it, perhaps by two who have it, perhaps while the pushes above were running.
    assert!((2..50).contains(&sent), "{sent}");
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_at_one_member_does_not_come_back_to_it() {
    let network = Network::start_with(&[(SWARM, 3)], often).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let single = network.send(0, &bob, b"deleted by hash").await;
    let kept = network.send(0, &bob, b"kept").await;
    let early = row(&bob, 2, now.minus(2 * DAY), b"deleted by time");
    let short = network.save(0, &bob.signer(), 3, b"made to expire").await;
    for index in 0..3 {
        put(&network, index, std::slice::from_ref(&early)).await;
    }
    for index in 0..3 {
        network
            .until_held(index, &bob.signer(), 3, std::slice::from_ref(&short))
            .await;
    }

    // Only one member hears of all this.
    let signer = bob.signer();
    let delete = Delete::signed(&signer, vec![single.clone()]).unwrap();
    order(&network, 0, &Request::Delete(delete)).await;
    let namespace = NamespaceFilter::One(Namespace::new(2));
    let before = DeleteBefore::signed(&signer, namespace, now.minus(DAY));
    order(&network, 0, &Request::DeleteBefore(before)).await;
    let soon = now.plus(Duration::from_secs(60));
    let expire = Expire::signed(&signer, vec![short.clone()], soon, ExpireMode::Shorten);
    order(&network, 0, &Request::Expire(expire.unwrap())).await;
    network.clock.advance(Duration::from_secs(61));
    // A long time later it is still remembered.
    let gone = async || {
        network.hashes(0, &signer, 0).await == [kept.clone()]
            && network.hashes(0, &signer, 2).await.is_empty()
            && network.hashes(0, &signer, 3).await.is_empty()
    };
    until("it is gone", || async { gone().await.then_some(()) }).await;
    rounds(&network).await;
    assert!(gone().await);
    // It is not sent there with every comparison either.
    let sent = async || {
        let mut sent = 0;
        for index in 0..3 {
            sent += network.node(index).metrics().await.bulk_delivered;
        }
        sent
    };
    rounds(&network).await;
    let (before, began) = (sent().await, Instant::now());
    rounds(&network).await;
    rounds(&network).await;
    // Three messages, two members: at most one of their offers falls into this time.
    let allowed = if began.elapsed() < 8 * INTERVAL {
        6
    } else {
        12
    };
    let after = sent().await;
    assert!(after - before <= allowed, "{before} {after}");

    // Who stores it again wants it back, everywhere.
    let again = network.send(0, &bob, b"deleted by hash").await;
    assert_eq!(again, single);
    for index in 0..3 {
        network
            .until_held(index, &signer, 0, &[kept.clone(), single.clone()])
            .await;
    }
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_set_at_one_member_stays() {
    let network = Network::start_with(&[(SWARM, 2)], often).await;
    let bob = network.person(SWARM);
    let signer = bob.signer();
    let hash = network.save(0, &signer, 3, b"config").await;
    network
        .until_held(1, &signer, 3, std::slice::from_ref(&hash))
        .await;
    let wanted = network.now().plus(Duration::from_secs(3600));
    let expire = Expire::signed(&signer, vec![hash.clone()], wanted, ExpireMode::Shorten);
    order(&network, 0, &Request::Expire(expire.unwrap())).await;
    // Something else is missing, so that messages are compared and sent.
    let other = row(&bob, 0, network.now(), b"other");
    put(&network, 1, &[other]).await;
    rounds(&network).await;
    assert_eq!(expiry(&network, 0, &bob, &hash).await, wanted);
    assert!(expiry(&network, 1, &bob, &hash).await > wanted);
    network.shut_down().await;
}

async fn expiry(network: &Network, index: usize, person: &Person, hash: &MessageHash) -> Timestamp {
    let hashes = std::slice::from_ref(hash);
    let request =
        session_storage_rpc::request::GetExpiries::signed(&person.signer(), hashes, network.now());
    let answer = network
        .ask(index, Request::GetExpiries(request.unwrap()))
        .await
        .ok();
    Timestamp::from_ms(answer["expiries"][hash.as_str()].as_u64().unwrap())
}

/// A message that was replaced in an outbox does not return when the new one is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_does_not_come_back() {
    let network = Network::start_with(&[(SWARM, 2)], often).await;
    let bob = network.person(SWARM);
    let signer = bob.signer();
    let now = network.now();
    let old = row(&bob, -1, now.minus(Duration::from_secs(50)), b"old");
    let new = row(&bob, -1, now.minus(Duration::from_secs(20)), b"new");
    put(&network, 0, &[old.clone(), new.clone()]).await;
    let delete = Delete::signed(&signer, vec![new.hash.clone()]).unwrap();
    order(&network, 0, &Request::Delete(delete)).await;
    put(&network, 1, std::slice::from_ref(&old)).await;
    rounds(&network).await;
    assert!(network.hashes(0, &signer, -1).await.is_empty());
    network.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comparisons_are_for_members_only_and_in_order() {
    const LEFT: u64 = 0x4000_0000_0000_0000;
    const RIGHT: u64 = 0xc000_0000_0000_0000;
    let network = Network::start_with(&[(LEFT, 2), (RIGHT, 1)], often).await;
    let path = "/node/v1/reconcile";
    send_as(&network, 1, 0, path, b"nonsense".to_vec())
        .await
        .expect_text(400, "Failed to parse the question");
    let question = |first: u64, last: u64| {
        let mut body = b"d1:@i0e1:a16:".to_vec();
        body.extend(first.to_be_bytes());
        body.extend(last.to_be_bytes());
        body.extend(b"1:r16:");
        body.extend([0; 16]);
        body.push(b'e');
        body
    };
    let (first, last) = (1, 0x8000_0000_0000_0000);
    let answer = until("the node has summed up what it holds", || async {
        let answer = send_as(&network, 1, 0, path, question(first, last)).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.text.starts_with("d1:d1:\u{1}1:ti"),
        "{}",
        answer.text
    );
    send_as(&network, 1, 0, path, question(first, last - 1))
        .await
        .expect_text(409, "swarm mismatch");
    send_as(&network, 2, 0, path, question(first, last))
        .await
        .expect_text(409, "swarm mismatch");
    network.shut_down().await;
}

/// The machine's clock, wrong by a fixed time.
#[derive(Debug)]
struct Wrong {
    ahead: bool,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        let hour = Duration::from_secs(3600);
        let now = SystemClock.now();
        if self.ahead {
            now.plus(hour)
        } else {
            now.minus(hour)
        }
    }
}

/// Nodes with the right time, but for the last one.
async fn with_a_wrong_clock(nodes: usize, ahead: bool, quic: bool) -> Network {
    let wrong = u8::try_from(nodes - 1).unwrap();
    let wrong = *NodeIdentity::from_seed([0xa0 + wrong; 32]).ed25519();
    Network::start_with(&[(SWARM, nodes)], move |config| {
        often(config);
        config.clock = if *config.identity.ed25519() == wrong {
            Arc::new(Wrong { ahead })
        } else {
            Arc::new(SystemClock)
        };
        if !quic {
            config.quic = None;
        }
    })
    .await
}

fn message_of(time: Timestamp, bob: &Person, text: &[u8]) -> Request {
    Request::Store(Store::unsigned(bob.owner(), time, TWO_WEEKS, text.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_goes_by_the_others() {
    for (ahead, quic) in [(true, true), (false, false)] {
        let network = with_a_wrong_clock(4, ahead, quic).await;
        let bob = network.person(SWARM);
        until("the node knows better", || async {
            let off = network.node(3).metrics().await.clock_off_seconds;
            (3590..=3610).contains(&off).then_some(())
        })
        .await;
        for index in 0..3 {
            assert_eq!(network.node(index).metrics().await.clock_off_seconds, 0);
        }
        let now = SystemClock.now();
        network.clock.set(now.as_ms());
        let answer = network.ask(3, message_of(now, &bob, b"right")).await.ok();
        let hash: MessageHash = answer["hash"].as_str().unwrap().parse().unwrap();
        for index in 0..4 {
            network
                .until_held(index, &bob.signer(), 0, std::slice::from_ref(&hash))
                .await;
        }
        let wrong = Wrong { ahead }.now();
        let answer = network.ask(3, message_of(wrong, &bob, b"wrong")).await;
        assert_eq!(
            answer.status,
            if ahead { 406 } else { 200 },
            "{}",
            answer.text
        );
        network.shut_down().await;
    }
}

/// With two nodes nobody knows whose clock is wrong. What one takes and the other refuses gets
/// there all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_refuses_because_of_the_time_reaches_it_later() {
    let network = with_a_wrong_clock(2, true, true).await;
    let bob = network.person(SWARM);
    let time = Wrong { ahead: true }.now();
    let request = message_of(time, &bob, b"from the future");
    let answer = network.ask(1, request).await.ok();
    let hash: MessageHash = answer["hash"].as_str().unwrap().parse().unwrap();
    let refusing = network.contact(0).ed25519.to_hex();
    assert_eq!(answer["swarm"][refusing]["failed"], true, "{answer}");
    network.clock.set(SystemClock.now().as_ms());
    network
        .until_held(0, &bob.signer(), 0, std::slice::from_ref(&hash))
        .await;
    network.shut_down().await;
}
