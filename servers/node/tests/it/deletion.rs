//! The delete family: cases 17 to 20.

use std::time::Duration;

use serde_json::json;
use session_storage_rpc::request::{Delete, DeleteAll, DeleteBefore};
use session_storage_rpc::response::{
    Deleted, DeletedAll, DeletedBefore, HashLists, NodeResult, SwarmAnswer,
};
use session_storage_rpc::{NamespaceFilter, Request};
use session_types::{MessageHash, Namespace};

use crate::support::{Answer, Network, SWARM, params};

const SMALL: &[(u64, usize)] = &[(SWARM, 3)];

fn results<T: NodeResult>(answer: &Answer) -> SwarmAnswer<T> {
    let answer = SwarmAnswer::from_json(&answer.json()).unwrap();
    assert_eq!(answer.successes().count(), 3);
    answer
}

fn sorted(mut hashes: Vec<MessageHash>) -> Vec<MessageHash> {
    hashes.sort();
    hashes
}

#[tokio::test(flavor = "multi_thread")]
async fn case_17_delete_all() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let signer = bob.signer();
    let mut inbox = Vec::new();
    for number in 0..4u8 {
        inbox.push(network.send(0, &bob, &[number]).await);
    }
    let config = network.save(0, &signer, 2, b"config").await;
    let contacts = network.save(0, &signer, 3, b"contacts").await;

    let request = |namespace| DeleteAll::signed(&signer, namespace, network.now());
    let one = request(Namespace::USER_PROFILE.into());
    let answer = network.ask(1, Request::DeleteAll(one.clone())).await;
    for (node, result) in &results::<DeletedAll>(&answer).swarm {
        let result = result.done().unwrap();
        assert_eq!(result.deleted, HashLists::One(vec![config.clone()]));
        result.verify(node, &one).unwrap();
    }
    let default = request(Namespace::DEFAULT.into());
    let answer = network.ask(2, Request::DeleteAll(default.clone())).await;
    for (node, result) in &results::<DeletedAll>(&answer).swarm {
        let result = result.done().unwrap();
        assert_eq!(result.deleted, HashLists::One(sorted(inbox.clone())));
        result.verify(node, &default).unwrap();
    }
    let again = network.send(0, &bob, b"again").await;
    let all = request(NamespaceFilter::All);
    let answer = network.ask(0, Request::DeleteAll(all.clone())).await;
    let expected = [
        (Namespace::DEFAULT, vec![again]),
        (Namespace::CONTACTS, vec![contacts]),
    ];
    for (node, result) in &results::<DeletedAll>(&answer).swarm {
        let result = result.done().unwrap();
        assert_eq!(
            result.deleted,
            HashLists::ByNamespace(expected.clone().into())
        );
        result.verify(node, &all).unwrap();
    }
    for index in 0..3 {
        for namespace in [0, 2, 3] {
            assert!(network.hashes(index, &signer, namespace).await.is_empty());
        }
    }
    let off = Duration::from_millis(60_001);
    for time in [network.now().minus(off), network.now().plus(off)] {
        let request = DeleteAll::signed(&signer, NamespaceFilter::All, time);
        network
            .ask(0, Request::DeleteAll(request))
            .await
            .expect_text(406, "delete_all timestamp too far from current time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_18_delete_by_hash() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let hash = network.send(0, &bob, b"known").await;
    let unknown = MessageHash::from_digest(&[3; 32]);
    let request = Delete::signed(&bob.signer(), vec![unknown.clone(), hash.clone()]).unwrap();
    let answer = network.ask(1, Request::Delete(request.clone())).await;
    assert_eq!(answer.status, 200);
    for (node, result) in &results::<Deleted>(&answer).swarm {
        let result = result.done().unwrap();
        assert_eq!(result.deleted, std::slice::from_ref(&hash));
        result.verify(node, &request).unwrap();
    }
    let required = Request::Delete(Delete {
        required: true,
        ..request.clone()
    });
    let answer = network.ask(0, required).await;
    assert_eq!(answer.status, 404);
    assert!(
        results::<Deleted>(&answer)
            .successes()
            .all(|(_, r)| r.deleted.is_empty())
    );

    let mut bad = params(&Request::Delete(request));
    bad.insert("messages".to_owned(), json!(["short"]));
    network
        .call(0, "delete", json!(bad))
        .await
        .expect_text(400, "invalid request: invalid message hash: short");
    bad.insert("messages".to_owned(), json!([]));
    network.call(0, "delete", json!(bad)).await.expect_text(
        400,
        "invalid request: messages does not contain any message hashes",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_delete_before_includes_its_boundary() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let mut sent = Vec::new();
    for number in 0..4u8 {
        sent.push((network.now(), network.send(0, &bob, &[number]).await));
        network.clock.advance(Duration::from_millis(10));
    }
    for filter in [
        NamespaceFilter::One(Namespace::DEFAULT),
        NamespaceFilter::All,
    ] {
        let (before, _) = sent[1];
        let request = DeleteBefore::signed(&bob.signer(), filter, before);
        let answer = network.ask(0, Request::DeleteBefore(request.clone())).await;
        let gone = sorted(vec![sent[0].1.clone(), sent[1].1.clone()]);
        let expected = match filter {
            NamespaceFilter::One(_) => HashLists::One(gone),
            NamespaceFilter::All => HashLists::ByNamespace([(Namespace::DEFAULT, gone)].into()),
        };
        for (node, result) in &results::<DeletedBefore>(&answer).swarm {
            let result = result.done().unwrap();
            assert_eq!(result.deleted, expected);
            result.verify(node, &request).unwrap();
        }
        sent.drain(..2);
    }
    let future = network.now().plus(Duration::from_millis(60_001));
    let request = DeleteBefore::signed(&bob.signer(), NamespaceFilter::All, future);
    network
        .ask(0, Request::DeleteBefore(request))
        .await
        .expect_text(401, "delete_before timestamp too far in the future");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_a_signature_is_good_for_one_thing_only() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let namespace = NamespaceFilter::One(Namespace::USER_PROFILE);
    let DeleteAll { auth, .. } = DeleteAll::signed(&bob.signer(), namespace, now);
    let owner = bob.owner();
    let other_operation = DeleteBefore {
        owner,
        namespace,
        before: now,
        auth: auth.clone(),
    };
    network
        .ask(0, Request::DeleteBefore(other_operation))
        .await
        .expect_text(401, "delete_before signature verification failed");
    let other_namespace = DeleteAll {
        owner,
        namespace: NamespaceFilter::All,
        timestamp: now,
        auth: auth.clone(),
    };
    network
        .ask(0, Request::DeleteAll(other_namespace))
        .await
        .expect_text(401, "delete_all signature verification failed");
    let messages = vec![MessageHash::from_digest(&[1; 32])];
    network
        .ask(
            0,
            Request::Delete(Delete {
                owner,
                messages,
                required: false,
                auth,
            }),
        )
        .await
        .expect_text(401, "delete_msgs signature verification failed");
}
