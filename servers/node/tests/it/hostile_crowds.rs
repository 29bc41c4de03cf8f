//! Crowds: what a node in a process of its own holds on to when very many come at once. The
//! figures are Linux's.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::process::{NodeProcess, raise_descriptor_limit};
use crate::raw::tls_from;
use crate::support::{Network, SWARM, until};

const MIB: u64 = 1024 * 1024;

/// Connections of one address; nodes grant 512.
const PER_ADDRESS: usize = 400;
/// Places a node has.
const PLACES: usize = 8192;
/// Memory an idle connection may take, TLS included.
const PER_CONNECTION: u64 = 64 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections() {
    let descriptors = usize::try_from(raise_descriptor_limit()).unwrap_or(usize::MAX);
    let count = 10_000.min(descriptors.saturating_sub(1000));
    if count < 10_000 {
        println!("only {descriptors} descriptors are allowed: {count} connections");
    }
    let mut network = Network::start(&[(SWARM, 1)]).await;
    network.kill(0).await;
    let child = NodeProcess::start(&network, 0);
    let contact = network.contact(0);
    let node = SocketAddr::from((contact.ip, contact.https_port));
    network.call(0, "info", json!({})).await.ok();
    let (before, _) = child.memory();

    let start = Instant::now();
    let connect = |number: usize| async move {
        let address = u8::try_from(number % count.div_ceil(PER_ADDRESS)).unwrap();
        tls_from(Ipv4Addr::new(127, 0, 1, 1 + address), node).await
    };
    let mut connections: Vec<_> = futures_util::stream::iter((0..count).map(connect))
        .buffered(32)
        .map(Result::unwrap)
        .collect()
        .await;
    let took = start.elapsed();
    let (during, _) = child.memory();

    // One more client with an address of its own is served all the same.
    let start = Instant::now();
    network.call(0, "info", json!({})).await.ok();
    assert!(start.elapsed() < Duration::from_secs(5));
    // Room for it and for those before it was made by those that were idle for longest.
    if count > PLACES {
        let first = connections.first_mut().unwrap();
        let mut byte = [0];
        let closed = tokio::time::timeout(Duration::from_secs(5), first.read(&mut byte)).await;
        assert!(
            !matches!(closed.unwrap(), Ok(1..)),
            "the idlest one lost its place"
        );
    }
    let held = u64::try_from(count.min(PLACES)).unwrap();
    let grown = during.saturating_sub(before);
    println!(
        "{count} connections in {took:?}: memory {} -> {} MiB, {} bytes for each held",
        before / MIB,
        during / MIB,
        grown / held
    );
    assert!(grown < held * PER_CONNECTION, "{} MiB", grown / MIB);

    drop(connections);
    until("the places are free again", || async {
        let served = network.call(0, "info", json!({})).await;
        (served.status == 200).then_some(())
    })
    .await;
}

/// Memory a node of ordinary settings may take at most while it is flooded: bodies up to 256 MiB
/// in all, the old copies of those that grow, and eight large ones being parsed.
const FLOODED: u64 = 512 * MIB;
/// What may be left of it afterwards.
const AFTERWARDS: u64 = 64 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded_under_a_flood_of_large_bodies() {
    let mut network = Network::start(&[(SWARM, 1)]).await;
    network.kill(0).await;
    let child = NodeProcess::start(&network, 0);
    network.call(0, "info", json!({})).await.ok();
    let (before, _) = child.memory();

    let large = 10 * 1024 * 1024;
    let zeros = b"0,".repeat(large / 2 - 2);
    let bodies = [
        // Many values in little text.
        [&b"["[..], &zeros, b"0]"].concat(),
        // The same where they would be values of a good request.
        [
            &br#"{"method":"info","params":{"a":["#[..],
            &zeros[..large - 100],
            b"0]}}",
        ]
        .concat(),
        // An onion whose control JSON is the bomb.
        [
            &[0; 4][..],
            &br#"{"a":["#[..],
            &zeros[..large - 100],
            b"0]}",
        ]
        .concat(),
        // An onion of ten mebibytes of nothing.
        vec![1; large],
        // One long string.
        [&b"\""[..], &vec![b'x'; large - 2], b"\""].concat(),
    ];
    let bodies = bodies.map(bytes::Bytes::from);
    for _ in 0..4 {
        let start = Instant::now();
        flood(&network, &bodies).await;
        let took = start.elapsed();
        network.call(0, "info", json!({})).await.ok();
        let (after, peak) = child.memory();
        println!(
            "150 bodies of 10 MiB in {took:?}: memory {} MiB, at most {}, then {}",
            before / MIB,
            peak / MIB,
            after / MIB
        );
        assert!(peak < before + FLOODED, "{} MiB", peak / MIB);
        assert!(after < before + AFTERWARDS, "{} MiB", after / MIB);
    }
}

async fn flood(network: &Network, bodies: &[bytes::Bytes]) {
    let requests = (0..150usize).map(|number| {
        let body = bodies[number % bodies.len()].clone();
        let path = ["/storage_rpc/v1", "/onion_req/v2", "/node/v1/data"][number % 3];
        async move { network.post(0, path, body).await.status }
    });
    let statuses: Vec<u16> = futures_util::stream::iter(requests)
        .buffer_unordered(50)
        .collect()
        .await;
    assert!(
        statuses.iter().all(|status| (400..=503).contains(status)),
        "{statuses:?}"
    );
}
