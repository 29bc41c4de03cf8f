//! Swarms that are not where the client thinks.

use serde_json::json;
use session_net::{CachedNetwork, Clock as _, NetError, Purpose, SystemClock};
use session_storage_rpc::Request;
use session_types::{ErrorKind, NodeContact};

use crate::support::{Client, devnet, keys_beside, within};

fn keys(nodes: &[NodeContact]) -> Vec<String> {
    let mut keys: Vec<String> = nodes.iter().map(|node| node.ed25519.to_string()).collect();
    keys.sort();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_swarm_is_corrected_by_the_first_answer_and_remembered() {
    let devnet = devnet(82).await;
    let url = devnet.seed_url();
    let client = Client::new(&url);
    client.read().await.unwrap();
    let right = within(client.network.swarm(&client.owner())).await.unwrap();
    let nodes = devnet.nodes();
    let wrong: Vec<_> = nodes
        .iter()
        .map(|node| node.contact.clone())
        .filter(|contact| !right.iter().any(|node| node.ed25519 == contact.ed25519))
        .collect();
    assert_eq!((right.len(), wrong.len()), (6, 6));

    let stale = |members: &[NodeContact]| CachedNetwork {
        swarms: vec![(
            client.owner(),
            json!({ "nodes": members, "learned_at": SystemClock.now() }).to_string(),
        )],
        ..client.memory.cached()
    };
    // All wrong, and half of them wrong.
    for members in [wrong.clone(), [&wrong[..4], &right[..2]].concat()] {
        let again = client.again(&url, stale(&members));
        assert_eq!(
            keys(&again.network.swarm(&again.owner()).await.unwrap()),
            keys(&members),
            "the cache was not used"
        );
        // One that is no member says so, once, and names the members.
        let asked =
            again
                .network
                .ask_member(again.owner(), &wrong[0], Purpose::OwnSwarm, again.reading());
        let error = within(asked).await.unwrap_err();
        assert!(matches!(error, NetError::WrongSwarm), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let learned = again.network.swarm(&again.owner()).await.unwrap();
        assert_eq!(keys(&learned), keys(&right));
        assert_eq!(again.read().await.unwrap().results[0].code, 200);

        // Asked without warning, the request ends at the right members all the same.
        let again = client.again(&url, stale(&members));
        let reply = again.read().await.unwrap();
        assert_eq!(reply.results[0].code, 200);
        assert!(keys(&right).contains(&reply.route.destination.ed25519.to_string()));

        // The correction outlives the run.
        let third = again.again(&url, again.memory.cached());
        if !members.contains(&right[0]) {
            let remembered = third.network.swarm(&third.owner()).await.unwrap();
            assert_eq!(keys(&remembered), keys(&right));
        }
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn others_can_be_asked_for_a_second_opinion() {
    let devnet = devnet(83).await;
    let client = Client::new(&devnet.seed_url());
    let members = within(client.network.swarm(&client.owner())).await.unwrap();
    let except: Vec<_> = members[1..].iter().map(|node| node.ed25519).collect();
    for _ in 0..4 {
        let asked =
            client
                .network
                .ask_others(client.owner(), Purpose::OwnSwarm, &except, client.reading());
        let reply = within(asked).await.unwrap();
        assert_eq!(reply.route.destination.ed25519, members[0].ed25519);
    }
    let all: Vec<_> = members.iter().map(|node| node.ed25519).collect();
    let asked =
        client
            .network
            .ask_others(client.owner(), Purpose::OwnSwarm, &all, client.reading());
    assert!(matches!(
        within(asked).await.unwrap_err(),
        NetError::NoSwarm
    ));
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_cannot_be_read_is_no_worse_than_none() {
    let devnet = devnet(84).await;
    let url = devnet.seed_url();
    let client = Client::new(&url);
    for garbage in ["", "null", "[]", "{\"nodes\":5}", "not json"] {
        let cached = CachedNetwork {
            pool: Some(garbage.to_owned()),
            paths: Some(garbage.to_owned()),
            swarms: vec![(client.owner(), garbage.to_owned())],
        };
        let again = client.again(&url, cached);
        assert_eq!(
            again.read().await.unwrap().results[0].code,
            200,
            "{garbage:?}"
        );
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn guard_and_exit_keep_out_of_the_own_swarm_from_the_first_request_on() {
    let devnet = devnet(85).await;
    for _ in 0..8 {
        let keys = keys_beside(&devnet, 0);
        let members = devnet.swarm_of(&session_types::SwarmPubkey::from(keys.account_id()));
        let client = Client::with(
            &devnet.seed_url(),
            keys,
            CachedNetwork::default(),
            Box::new(SystemClock),
        );
        let reply = client.read().await.unwrap();
        let nodes = devnet.nodes();
        for hop in [&reply.route.guard, &reply.route.exit] {
            let index = nodes
                .iter()
                .position(|node| node.contact.ed25519 == hop.ed25519)
                .unwrap();
            assert!(!members.contains(&index));
        }
        // No other guard was tried before the swarm was known.
        let paths: serde_json::Value =
            serde_json::from_str(&client.memory.cached().paths.unwrap()).unwrap();
        assert_eq!(paths["confirmations"], 1);
    }
    devnet.shutdown().await.unwrap();
}

/// A request to the guard would go through another guard, which would then know our address too.
#[tokio::test(flavor = "multi_thread")]
async fn the_guard_is_not_asked_while_there_are_others() {
    let devnet = devnet(96).await;
    let client = Client::new(&devnet.seed_url());
    let guard = client.read().await.unwrap().route.guard.ed25519;
    let nodes = devnet.nodes();
    let index = nodes.iter().position(|node| node.contact.ed25519 == guard);
    let other = keys_beside(&devnet, index.unwrap());
    let owner = session_types::SwarmPubkey::from(other.account_id());
    let to = Purpose::Contact(other.account_id());
    let build = |_, _: &_| Ok(Request::batch(vec![Request::Info])?);
    for _ in 0..30 {
        let asked = client.network.ask_swarm(owner, to.clone(), build);
        let route = within(asked).await.unwrap().route;
        assert_ne!(route.destination.ed25519, guard);
        assert_eq!(route.guard.ed25519, guard);
    }
    // When it is the only one left to ask it is asked, through another.
    let members = within(client.network.swarm(&owner)).await.unwrap();
    let others: Vec<_> = members
        .iter()
        .map(|node| node.ed25519)
        .filter(|key| *key != guard)
        .collect();
    assert_eq!(others.len(), 5);
    let asked = client.network.ask_others(owner, to, &others, build);
    let route = within(asked).await.unwrap().route;
    assert_eq!(route.destination.ed25519, guard);
    assert_ne!(route.guard.ed25519, guard);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_are_gone_are_asked_last() {
    let mut devnet = devnet(97).await;
    let client = Client::new(&devnet.seed_url());
    client.read().await.unwrap();
    let gone = devnet.swarm_of(&client.owner());
    for index in &gone[..3] {
        devnet.kill_node(*index).unwrap();
    }
    let mut more_tries = 0;
    for _ in 0..40 {
        more_tries += client.read().await.unwrap().route.attempts - 1;
    }
    // Each of the three once, and some paths that led through them. Chosen blindly, every second
    // request would meet one.
    assert!(more_tries <= 12, "{more_tries}");
    let members = within(client.network.swarm(&client.owner())).await.unwrap();
    let answering = members
        .iter()
        .filter(|member| client.network.answers(&member.ed25519));
    assert!(answering.count() >= 3);

    // When only they are left they are asked all the same.
    let nodes = devnet.nodes();
    let alive: Vec<_> = gone[3..]
        .iter()
        .map(|index| nodes[*index].contact.ed25519)
        .collect();
    for index in &gone[..3] {
        devnet.restart_node(*index).await.unwrap();
    }
    let asked =
        client
            .network
            .ask_others(client.owner(), Purpose::OwnSwarm, &alive, client.reading());
    assert_eq!(within(asked).await.unwrap().results[0].code, 200);
    devnet.shutdown().await.unwrap();
}
