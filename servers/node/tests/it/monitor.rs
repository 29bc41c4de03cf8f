//! Subscriptions: cases 40 and 41.

use std::time::Duration;

use session_crypto::Ed25519Secret;
use session_encoding::bt;
use session_storage_rpc::monitor::{self, Notification, Registration};
use session_storage_rpc::{Permissions, RequestSigner, Store, SubaccountSigner, SubaccountToken};
use session_types::{Namespace, SwarmId, Timestamp};
use tokio::time::timeout;

use crate::quic::QuicClient;
use crate::support::{DAY, DEADLINE, Network, SWARM, TWO_WEEKS};

const SMALL: &[(u64, usize)] = &[(SWARM, 2)];
const OTHER: u64 = u64::MAX / 2;

fn namespaces(values: &[i16]) -> Vec<Namespace> {
    values.iter().copied().map(Namespace::new).collect()
}

fn registration(
    signer: &impl RequestSigner,
    values: &[i16],
    with_data: bool,
    now: Timestamp,
) -> Registration {
    Registration::signed(signer, namespaces(values), with_data, now)
}

impl QuicClient {
    /// Registers; the code of the refusal, if it is one.
    async fn register(&self, registration: &Registration) -> Option<i64> {
        let answer = self.ask("monitor", registration.encode()).await.unwrap();
        monitor::decode_answer(&answer).unwrap().err().map(|e| e.0)
    }

    async fn notified(&mut self) -> Notification {
        let (endpoint, body) = timeout(DEADLINE, self.pushes.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(endpoint, "notify");
        Notification::decode(&body).unwrap()
    }

    /// Nothing comes that was pushed before an answer to a request sent now.
    async fn not_notified(&mut self) {
        self.ask("snode_ping", "").await.unwrap();
        assert!(self.pushes.try_recv().is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_40_registration() {
    let network = Network::start(&[(SWARM, 2), (OTHER, 1)]).await;
    let client = QuicClient::connect(&network, 0).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let own = registration(&bob.signer(), &[0, -10], false, now);
    assert_eq!(client.register(&own).await, None);

    let group = network.person_with(SWARM, |person| person.group().owner());
    let by_group = registration(&group.group(), &[11], true, now);
    assert_eq!(client.register(&by_group).await, None);
    let member = Ed25519Secret::from_seed([7; 32]);
    let token = SubaccountToken::new(3, Permissions::READ, member.public());
    let token_signature = group.key.sign(token.as_bytes());
    let owner = group.group().owner();
    let signer = SubaccountSigner::new(owner, token, token_signature, |text: &[u8]| {
        member.sign(text)
    });
    let by_member = registration(&signer, &[11], true, now);
    assert_eq!(client.register(&by_member).await, None);

    let mut wrong = own.clone();
    wrong.with_data = true;
    assert_eq!(client.register(&wrong).await, Some(5));
    let mut unsorted = own.clone();
    unsorted.namespaces = namespaces(&[1, 0]);
    assert_eq!(client.register(&unsorted).await, Some(3));
    let old = now.minus(Duration::from_secs(15 * 24 * 3600));
    let old = registration(&bob.signer(), &[0], false, old);
    assert_eq!(client.register(&old).await, Some(4));

    let stranger = network.person(OTHER);
    let elsewhere = registration(&stranger.signer(), &[0], false, now);
    let answer = client.ask("monitor", elsewhere.encode()).await.unwrap();
    let answer = bt::parse(&answer).unwrap();
    assert_eq!(answer.get("errcode").unwrap().as_i64(), Some(6));
    let swarm = SwarmId::new(OTHER).to_string();
    assert_eq!(answer.get("swarm").unwrap().as_str(), Some(&*swarm));
    let nodes = answer.get("snodes").unwrap().as_list().unwrap();
    assert_eq!(nodes.len(), 1);

    let list = [
        b"l".as_slice(),
        &own.encode(),
        &wrong.encode(),
        &by_group.encode(),
        b"e",
    ];
    let answer = client.ask("monitor", list.concat()).await.unwrap();
    let answer = bt::parse(&answer).unwrap();
    let codes: Vec<_> = answer
        .as_list()
        .unwrap()
        .iter()
        .map(|one| one.get("errcode").and_then(bt::Value::as_i64))
        .collect();
    assert_eq!(codes, [None, Some(5), None]);
    let nonsense = client.ask("monitor", "nonsense").await.unwrap();
    assert!(nonsense.starts_with(b"d7:errcodei1e5:error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_one_notification_for_each_new_message() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    // One with data at the node that is asked, one without at the other, one for other things.
    let mut near = QuicClient::connect(&network, 0).await;
    let mut far = QuicClient::connect(&network, 1).await;
    let mut other = QuicClient::connect(&network, 0).await;
    let with_data = registration(&bob.signer(), &[-10, 0, 5], true, now);
    assert_eq!(near.register(&with_data).await, None);
    let without = registration(&bob.signer(), &[0], false, now);
    assert_eq!(far.register(&without).await, None);
    let elsewhere = registration(&bob.signer(), &[5], true, now);
    assert_eq!(other.register(&elsewhere).await, None);

    let store = Store::unsigned(bob.owner(), now, TWO_WEEKS, b"data".to_vec()).unwrap();
    let stored = network.store(0, store.clone()).await;
    let expected = Notification {
        owner: bob.owner(),
        hash: stored.hash.unwrap(),
        namespace: Namespace::DEFAULT,
        timestamp: now,
        expiry: now.plus(TWO_WEEKS),
        data: Some(b"data".to_vec()),
    };
    assert_eq!(near.notified().await, expected);
    let bare = Notification {
        data: None,
        ..expected.clone()
    };
    assert_eq!(far.notified().await, bare);
    // Once more the same.
    network.store(0, store).await;
    network
        .store(
            1,
            Store::unsigned(bob.owner(), now, DAY, b"data".to_vec()).unwrap(),
        )
        .await;
    near.not_notified().await;
    far.not_notified().await;
    other.not_notified().await;

    // Namespaces are merged, and the wish for data remains.
    let more = registration(&bob.signer(), &[2], false, now);
    assert_eq!(near.register(&more).await, None);
    let saved = network.save(0, &bob.signer(), 2, b"config").await;
    let notified = near.notified().await;
    assert_eq!(
        (notified.hash, notified.data),
        (saved, Some(b"config".to_vec()))
    );
    network.send(0, &bob, b"again").await;
    assert_eq!(near.notified().await.data, Some(b"again".to_vec()));
    assert_eq!(far.notified().await.data, None);

    // Renewed by one of them after an hour; the other is forgotten after 65 minutes.
    network.clock.advance(Duration::from_secs(3600));
    assert_eq!(near.register(&with_data).await, None);
    network.clock.advance(Duration::from_secs(5 * 60 + 1));
    let hash = network.send(0, &bob, b"later").await;
    assert_eq!(near.notified().await.hash, hash);
    far.not_notified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_messages_pushed_in_bulk_are_not_announced() {
    let mut network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    network.stop(1).await;
    let hash = network.send(0, &bob, b"missed").await;
    network.restart(1).await;
    let mut client = QuicClient::connect(&network, 1).await;
    let wish = registration(&bob.signer(), &[0], false, network.now());
    assert_eq!(client.register(&wish).await, None);
    network.until_held(1, &bob.signer(), 0, &[hash]).await;
    client.not_notified().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_an_account_hears_that_it_has_gone() {
    let mut network = Network::start(&[(SWARM, 2), (OTHER, 2)]).await;
    let bob = network.person(SWARM);
    let mut client = QuicClient::connect(&network, 0).await;
    let wish = registration(&bob.signer(), &[0], false, network.now());
    assert_eq!(client.register(&wish).await, None);
    // The node moves to the other swarm.
    network.assign(0, SwarmId::new(OTHER));
    network.publish();
    let (endpoint, body) = timeout(DEADLINE, client.pushes.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(endpoint, "monitor_ended");
    let ended = bt::parse(&body).unwrap();
    let account = bob.owner().to_bytes();
    assert_eq!(ended.get("@").unwrap().as_bytes(), Some(&account[..]));
    assert_eq!(ended.get("errcode").unwrap().as_i64(), Some(6));
    let nodes = ended.get("snodes").unwrap().as_list().unwrap();
    assert_eq!(nodes.len(), 1);
    let swarm = SwarmId::new(SWARM).to_string();
    assert_eq!(ended.get("swarm").unwrap().as_str(), Some(&*swarm));
    assert_eq!(client.register(&wish).await, Some(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_loses_its_connection_and_nobody_waits() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let client = QuicClient::connect(&network, 0).await;
    // Its first stream is one that nobody reads: a connection of its own.
    let own = registration(&bob.signer(), &[0], true, network.now());
    let raw = QuicClient::connect_without_stream(&network, 0).await;
    let (mut send, recv) = raw.quic().open_bi().await.unwrap();
    let command = session_storage_rpc::stream::StreamMessage::Command {
        id: 0,
        endpoint: "monitor".to_owned(),
        body: own.encode(),
    };
    send.write_all(&command.encode().unwrap()).await.unwrap();
    let closed = async {
        let mut number = 0u32;
        while !raw.is_closed() {
            let mut data = vec![1; 70_000];
            data[..4].copy_from_slice(&number.to_be_bytes());
            network.send(0, &bob, &data).await;
            number += 1;
        }
    };
    timeout(3 * DEADLINE, closed).await.unwrap();
    drop((send, recv));
    assert_eq!(client.ask("snode_ping", "").await.unwrap(), b"pong");
}
