//! Several seeds.

use core::time::Duration;
use std::time::Instant;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use session_chassis::listener::{self, ListenerLimits};
use session_chassis::tls::ServerIdentity;
use session_net::{NetError, NetworkOptions, SeedTls};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::fake_seed::{FakeSeed, Manner};
use crate::seeds::true_list;
use crate::support::{Client, anybody, devnet, within};

fn profile(seeds: &[&FakeSeed]) -> String {
    let urls: Vec<&str> = seeds.iter().map(|seed| seed.url()).collect();
    urls.join(",")
}

fn stagger(pause: Duration) -> impl Fn(&mut NetworkOptions) {
    move |options| {
        options.seed_stagger = pause;
        options.seed_timeout = Duration::from_secs(20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_seed_is_enough_and_the_others_are_not_asked() {
    let devnet = devnet(200).await;
    let list = true_list(&devnet);
    let mut firsts = Vec::new();
    for _ in 0..24 {
        let seeds = [
            FakeSeed::listing(&list).await,
            FakeSeed::listing(&list).await,
        ];
        let urls = profile(&[&seeds[0], &seeds[1]]);
        let client = Client::new_tuned(&urls, stagger(Duration::from_secs(15)));
        within(client.network.swarm(&anybody())).await.unwrap();
        let asked = [seeds[0].connections(), seeds[1].connections()];
        assert_eq!(asked[0] + asked[1], 1);
        firsts.push(asked[0]);
    }
    // In random order: once in eight million runs always the same.
    assert!(firsts.contains(&0) && firsts.contains(&1), "{firsts:?}");
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_the_next_is_asked_at_once_and_a_silent_one_is_overtaken() {
    let devnet = devnet(201).await;
    let good = FakeSeed::listing(&true_list(&devnet)).await;
    let text = Manner::Answers("200 OK", "text/html", "<h1>Welcome!</h1>".to_owned());
    let (hanging_up, wrong) = (
        FakeSeed::start(Manner::HangsUp).await,
        FakeSeed::start(text).await,
    );
    for _ in 0..4 {
        let client = Client::new_tuned(
            &profile(&[&hanging_up, &wrong, &good]),
            stagger(Duration::from_secs(15)),
        );
        let begun = Instant::now();
        within(client.network.swarm(&anybody())).await.unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "waited for nothing"
        );
    }

    let silent = [
        FakeSeed::start(Manner::Silent).await,
        FakeSeed::start(Manner::Silent).await,
    ];
    for _ in 0..4 {
        let client = Client::new_tuned(
            &profile(&[&silent[0], &good, &silent[1]]),
            stagger(Duration::from_millis(100)),
        );
        let begun = Instant::now();
        within(client.network.swarm(&anybody())).await.unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "waited for silence"
        );
        // Whoever has not won is hung up on.
        let cancelled = async {
            while silent.iter().any(|seed| seed.open() > 0) {
                tokio::task::yield_now().await;
            }
        };
        within(cancelled).await;
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_each_seed_is_told() {
    let text = Manner::Answers("404 Not Found", "text/plain", String::new());
    let seeds = [
        FakeSeed::start(Manner::HangsUp).await,
        FakeSeed::start(text).await,
        FakeSeed::start(Manner::Silent).await,
    ];
    let urls = profile(&[&seeds[0], &seeds[1], &seeds[2]]);
    let client = Client::new_tuned(&urls, |options| {
        options.seed_timeout = Duration::from_millis(500);
    });
    let error = within(client.network.swarm(&anybody())).await.unwrap_err();
    let NetError::SeedsUnreachable { detail } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        detail,
        "seed 1: connection broke; seed 2: it answers with status 404; \
         seed 3: no answer in time"
    );
}

/// Pins of the certificate: the right one, another one, none.
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_seed_proves_who_it_is() {
    let devnet = devnet(202).await;
    let identity = ServerIdentity::ephemeral().unwrap();
    let socket = listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let list = true_list(&devnet).to_string();
    let answer = async move || ([(CONTENT_TYPE, "application/json")], list);
    let router = Router::new().route("/json_rpc", post(answer));
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listener::serve(
        socket,
        Some(identity.server_config()),
        router,
        ListenerLimits::default(),
        stop.clone(),
    ));
    let pin: [u8; 32] = Sha256::digest(identity.certificate_der()).into();
    let hex = data_encoding::HEXLOWER.encode(&pin);
    let url = format!("https://127.0.0.1:{port}/");
    for right in [format!("{url}#sha256={hex}"), url.clone()] {
        let client = Client::new(&right);
        let members = within(client.network.swarm(&anybody())).await.unwrap();
        assert_eq!(members.len(), 6);
    }
    let client = Client::new(&format!("{url}#sha256={}", "00".repeat(32)));
    assert_eq!(
        client.network.profile().seeds()[0].tls,
        SeedTls::Pinned([0; 32])
    );
    let error = within(client.network.swarm(&anybody())).await.unwrap_err();
    let NetError::SeedsUnreachable { detail } = error else {
        panic!("{error:?}");
    };
    assert_eq!(detail, "it shows another certificate than the pinned one");

    // A false one beside a true one does no harm.
    let mixed = format!("{url}#sha256={},{url}#sha256={hex}", "00".repeat(32));
    let client = Client::new(&mixed);
    within(client.network.swarm(&anybody())).await.unwrap();
    stop.cancel();
    serving.await.unwrap().unwrap();
    devnet.shutdown().await.unwrap();
}
