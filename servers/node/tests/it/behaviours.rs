//! Cases of docs/protocol/node.md section 14 that other files do not reach, and the outcomes of
//! its section 10.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use session_chassis::limit::RateLimits;
use session_crypto::Ed25519Secret;
use session_node::NodeIdentity;
use session_storage_rpc::request::{DeleteAll, RevokeSubaccount};
use session_storage_rpc::{
    NamespaceFilter, Permissions, Request, Retrieve, Store, SubaccountSigner, SubaccountToken,
};
use session_types::{Namespace, network_prefix};

use crate::peer_traffic::{command, send_as};
use crate::support::{DAY, Network, SWARM, until};

#[tokio::test(flavor = "multi_thread")]
async fn case_16_shares_of_the_largest_answer() {
    let network = Network::start(&[(SWARM, 1)]).await;
    let bob = network.person(SWARM);
    for number in 0..85u8 {
        network.send(0, &bob, &[number; 70_000]).await;
    }
    // A row counts 100 + 43 + 93,333; the largest answer 7,800,000.
    for (max_size, expected) in [(-1, 83), (-2, 41), (-3, 27)] {
        let request = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
        let page = network.retrieve(0, request.max_size(max_size)).await;
        assert_eq!(page.messages.len(), expected, "{max_size}");
        assert!(page.more);
    }
    // The page that ends with the last message says so.
    let held = network.hashes(0, &bob.signer(), 0).await;
    let request = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
    let rest = request.after(Some(held[1].clone())).max_size(-1);
    let page = network.retrieve(0, rest).await;
    assert_eq!((page.messages.len(), page.more), (83, false));
}

/// A client of its own address.
fn client_at(last: u8) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .local_address(std::net::IpAddr::from(Ipv4Addr::new(127, 0, 0, last)))
        .build()
        .unwrap()
}

async fn info(client: &reqwest::Client, network: &Network) -> u16 {
    let sent = client
        .post(network.url(0, "/storage_rpc/v1"))
        .body(r#"{"method":"info","params":{}}"#);
    sent.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_each_address_has_a_bucket_that_fills_again() {
    const CAPACITY: u32 = 30;
    const REFILL: u32 = 20;
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.rate = RateLimits {
            capacity: CAPACITY,
            refill_per_second: REFILL,
            ..RateLimits::default()
        };
    })
    .await;
    let (greedy, modest) = (client_at(2), client_at(3));
    let start = Instant::now();
    let mut passed = 0;
    // Ask without pause until a second and a half after the first refusal.
    let mut refused_at = None;
    while refused_at.is_none_or(|at: Instant| at.elapsed() < Duration::from_millis(1500)) {
        match info(&greedy, &network).await {
            200 => passed += 1,
            429 => {
                refused_at.get_or_insert_with(Instant::now);
                assert_eq!(info(&modest, &network).await, 200, "others are unaffected");
                until("a little time has passed", || async {
                    (info(&greedy, &network).await == 200).then_some(())
                })
                .await;
                passed += 1;
            }
            other => panic!("{other}"),
        }
    }
    let most = f64::from(CAPACITY) + f64::from(REFILL) * start.elapsed().as_secs_f64() + 1.0;
    assert!(f64::from(passed) <= most, "{passed} of {most}");
    // One and a half seconds of refill, less what the waiting wastes.
    assert!(passed >= CAPACITY + REFILL, "{passed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_addresses_beyond_those_remembered_are_refused() {
    let network = Network::start_with(&[(SWARM, 1)], |config| {
        config.limits.rate = RateLimits {
            capacity: 5,
            refill_per_second: 2,
            max_addresses: 2,
            purge_interval: Duration::from_millis(50),
        };
    })
    .await;
    let [first, second, third] = [2, 3, 4].map(client_at);
    for client in [&first, &second, &first, &second] {
        assert_eq!(info(client, &network).await, 200);
    }
    assert_eq!(info(&third, &network).await, 429);
    until("the others were idle long enough", || async {
        (info(&third, &network).await == 200).then_some(())
    })
    .await;
}

fn is_node(identity: &NodeIdentity, index: u8) -> bool {
    identity.ed25519() == NodeIdentity::from_seed([0xa0 + index; 32]).ed25519()
}

fn entry<'a>(answer: &'a Value, network: &Network, index: usize) -> &'a Value {
    &answer["swarm"][network.contact(index).ed25519.to_hex()]
}

/// Flags that crossed the network as bt may be 1 instead of true.
fn set(flag: &Value) -> bool {
    *flag == json!(true) || *flag == json!(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn section_10_a_member_whose_database_is_full_says_so_in_its_entry() {
    let network = Network::start_with(&[(SWARM, 3)], |config| {
        if is_node(&config.identity, 1) {
            config.limits.max_database_bytes = 1024 * 1024;
        }
    })
    .await;
    let bob = network.person(SWARM);
    let store = |number: u8| {
        let data = vec![number; 70_000];
        Request::Store(Store::unsigned(bob.owner(), network.now(), DAY, data).unwrap())
    };
    let mut answer = Value::Null;
    for number in 0..30u8 {
        answer = network.ask(0, store(number)).await.ok();
    }
    let full = entry(&answer, &network, 1);
    assert!(set(&full["failed"]) && set(&full["query_failure"]));
    for index in [0, 2] {
        assert!(entry(&answer, &network, index)["signature"].is_string());
    }
    // Asked itself, it still passes the message on, and answers.
    let answer = network.ask(1, store(100)).await.ok();
    let own = entry(&answer, &network, 1);
    assert!(set(&own["failed"]) && set(&own["query_failure"]));
    for index in [0, 2] {
        assert!(entry(&answer, &network, index)["signature"].is_string());
    }
    let read = Retrieve::signed(&bob.signer(), Namespace::DEFAULT, network.now());
    assert!(!network.retrieve(1, read).await.messages.is_empty());
    let delete = DeleteAll::signed(&bob.signer(), NamespaceFilter::All, network.now());
    let answer = network.ask(1, Request::DeleteAll(delete)).await.ok();
    assert!(entry(&answer, &network, 1)["deleted"]["0"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn section_10_a_member_that_refuses_is_quoted() {
    let network = Network::start(&[(SWARM, 3)]).await;
    let admin = network.person(SWARM);
    let holder = Ed25519Secret::from_seed([9; 32]);
    let flags = Permissions::READ | Permissions::WRITE;
    let token = SubaccountToken::new(network_prefix::ACCOUNT, flags, holder.public());
    // Only one member has heard that the token is revoked.
    let revoke = RevokeSubaccount::signed(&admin.signer(), vec![token], network.now()).unwrap();
    let body = command(&Request::RevokeSubaccount(revoke));
    let told = send_as(&network, 1, 2, "/node/v1/storage_cc", body).await;
    assert_eq!(told.status, 200);

    let token_signature = admin.key.sign(token.as_bytes());
    let signer = SubaccountSigner::new(admin.owner(), token, token_signature, |text: &[u8]| {
        holder.sign(text)
    });
    let namespace = Namespace::USER_PROFILE;
    let store = Store::signed(&signer, namespace, network.now(), DAY, vec![1]).unwrap();
    let mut params = crate::support::params(&Request::Store(store));
    params.insert(
        "pubkey_ed25519".to_owned(),
        admin.key.public().to_hex().into(),
    );
    let answer = network.call(0, "store", json!(params)).await.ok();
    assert_eq!(
        *entry(&answer, &network, 2),
        json!({ "failed": true, "code": "401", "reason": "store signature verification failed" })
    );
    assert!(entry(&answer, &network, 1)["hash"].is_string());
}
