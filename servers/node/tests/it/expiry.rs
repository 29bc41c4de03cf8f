//! Changing when messages expire: cases 21 to 23.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use session_storage_rpc::request::{Expire, ExpireAll, GetExpiries};
use session_storage_rpc::response::{
    Expired, ExpiredAll, ExpiriesResponse, HashLists, NewExpiry, NodeResult, SwarmAnswer,
};
use session_storage_rpc::{ExpireMode, NamespaceFilter, Request};
use session_types::{MessageHash, Namespace, Timestamp};

use crate::support::{Answer, DAY, Network, Person, SWARM, TWO_WEEKS, params};

const SMALL: &[(u64, usize)] = &[(SWARM, 3)];

fn results<T: NodeResult>(answer: &Answer) -> SwarmAnswer<T> {
    let answer = SwarmAnswer::from_json(&answer.ok()).unwrap();
    assert_eq!(answer.successes().count(), 3);
    answer
}

async fn expiries(
    network: &Network,
    index: usize,
    person: &Person,
    hashes: &[MessageHash],
) -> BTreeMap<MessageHash, Timestamp> {
    let request = GetExpiries::signed(&person.signer(), hashes, network.now()).unwrap();
    let answer = network.ask(index, Request::GetExpiries(request)).await.ok();
    assert_eq!(
        answer.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["expiries"]
    );
    ExpiriesResponse::from_json(&answer).unwrap().expiries
}

#[tokio::test(flavor = "multi_thread")]
async fn case_21_expire_all_only_shortens() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let long = network.send(0, &bob, b"two weeks").await;
    let short = network.save(0, &bob.signer(), 2, b"a day").await;
    let now = network.now();
    let expiry = now.plus(2 * DAY);
    let request = ExpireAll::signed(&bob.signer(), NamespaceFilter::All, expiry);
    let answer = network.ask(0, Request::ExpireAll(request.clone())).await;
    let changed = [(Namespace::DEFAULT, vec![long.clone()])];
    for (node, result) in &results::<ExpiredAll>(&answer).swarm {
        let result = result.done().unwrap();
        assert_eq!(
            result.updated,
            HashLists::ByNamespace(changed.clone().into())
        );
        result.verify(node, &request).unwrap();
    }
    for index in 0..3 {
        let expected = [(long.clone(), expiry), (short.clone(), now.plus(DAY))];
        let hashes = [long.clone(), short.clone()];
        assert_eq!(
            expiries(&network, index, &bob, &hashes).await,
            expected.into()
        );
    }
    let past = now.minus(Duration::from_millis(60_001));
    let request = ExpireAll::signed(&bob.signer(), NamespaceFilter::All, past);
    network
        .ask(0, Request::ExpireAll(request))
        .await
        .expect_text(406, "expire_all timestamp should be >= current time");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_22_expire_sets_extends_and_shortens() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let now = network.now();
    let a = network.send(0, &bob, b"a").await;
    let b = network.save(0, &bob.signer(), 2, b"b").await;
    let start = [(a.clone(), now.plus(TWO_WEEKS)), (b.clone(), now.plus(DAY))];
    let both = vec![a.clone(), b.clone()];
    assert_eq!(expiries(&network, 2, &bob, &both).await, start.into());

    let sorted = {
        let mut sorted = both.clone();
        sorted.sort();
        sorted
    };
    let ask = |messages: &[MessageHash], expiry, mode| {
        let request = Expire::signed(&bob.signer(), messages.to_vec(), expiry, mode).unwrap();
        let network = &network;
        async move {
            let answer = network.ask(1, Request::Expire(request.clone())).await;
            let answer = results::<Expired>(&answer);
            for (node, result) in &answer.swarm {
                result.done().unwrap().verify(node, &request).unwrap();
            }
            let first = answer
                .swarm
                .values()
                .next()
                .unwrap()
                .done()
                .unwrap()
                .clone();
            let equal = |result: &Expired| {
                (&result.updated, &result.expiry, &result.unchanged)
                    == (&first.updated, &first.expiry, &first.unchanged)
            };
            assert!(answer.successes().all(|(_, result)| equal(result)));
            first
        }
    };
    let three_days = now.plus(3 * DAY);
    // Extend: b changes, a is later already.
    let result = ask(&both, three_days, ExpireMode::Extend).await;
    assert_eq!(result.updated, std::slice::from_ref(&b));
    assert_eq!(result.expiry, NewExpiry::One(three_days));
    assert_eq!(
        result.unchanged,
        Some([(a.clone(), now.plus(TWO_WEEKS))].into())
    );
    // Shorten: a changes, b is earlier already.
    let four_days = now.plus(4 * DAY);
    let result = ask(&both, four_days, ExpireMode::Shorten).await;
    assert_eq!(result.updated, std::slice::from_ref(&a));
    assert_eq!(result.unchanged, Some([(b.clone(), three_days)].into()));
    // Set: both, whatever they were; nothing about unchanged ones. Capped at thirty days.
    let result = ask(&both, now.plus(100 * DAY), ExpireMode::Set).await;
    assert_eq!(result.updated, sorted);
    assert_eq!(result.expiry, NewExpiry::One(now.plus(30 * DAY)));
    assert_eq!(result.unchanged, None);
    let result = ask(&both, now.plus(DAY), ExpireMode::Set).await;
    assert_eq!(result.updated, sorted);
    for index in 0..3 {
        let expected = [(a.clone(), now.plus(DAY)), (b.clone(), now.plus(DAY))];
        assert_eq!(
            expiries(&network, index, &bob, &both).await,
            expected.into()
        );
    }

    // An expiry for each message.
    let unknown = MessageHash::from_digest(&[8; 32]);
    let messages = vec![b.clone(), unknown, a.clone()];
    let times = vec![now.plus(5 * DAY), now.plus(6 * DAY), now.plus(70 * DAY)];
    let request = Expire::signed_each(&bob.signer(), messages, times, ExpireMode::Set).unwrap();
    let answer = network.ask(0, Request::Expire(request.clone())).await;
    let expected: BTreeMap<_, _> = [
        (b.clone(), now.plus(5 * DAY)),
        (a.clone(), now.plus(30 * DAY)),
    ]
    .into();
    for (node, result) in &results::<Expired>(&answer).swarm {
        let result = result.done().unwrap();
        result.verify(node, &request).unwrap();
        assert_eq!(result.updated, expected.keys().cloned().collect::<Vec<_>>());
        assert_eq!(
            result.expiry,
            NewExpiry::Each(expected.values().copied().collect())
        );
    }
    assert_eq!(expiries(&network, 1, &bob, &both).await, expected);

    let past = now.minus(Duration::from_millis(60_001));
    let late = Expire::signed(&bob.signer(), both.clone(), past, ExpireMode::Set).unwrap();
    network
        .ask(0, Request::Expire(late))
        .await
        .expect_text(401, "expire: timestamp should be >= current time");
    let good = Expire::signed(&bob.signer(), both, now, ExpireMode::Extend).unwrap();
    let mut contradicting = params(&Request::Expire(good));
    contradicting.insert("shorten".to_owned(), true.into());
    network
        .call(0, "expire", json!(contradicting))
        .await
        .expect_text(
            400,
            "invalid request: cannot specify both 'shorten' and 'extend'",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_unknown_hashes_have_no_expiry() {
    let network = Network::start(SMALL).await;
    let bob = network.person(SWARM);
    let hash = network.send(0, &bob, b"known").await;
    let unknown = MessageHash::from_digest(&[3; 32]);
    let expiry = network.now().plus(TWO_WEEKS);
    let one = expiries(&network, 0, &bob, std::slice::from_ref(&hash)).await;
    assert_eq!(one, [(hash.clone(), expiry)].into());
    let many = expiries(&network, 1, &bob, &[unknown.clone(), hash.clone()]).await;
    assert_eq!(many, [(hash, expiry)].into());
    assert!(expiries(&network, 1, &bob, &[unknown]).await.is_empty());
}
