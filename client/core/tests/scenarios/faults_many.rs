//! A fifth of the nodes is dead from the start, others die meanwhile, every third answer is lost on
//! its way, and people with several devices go on.

use core::time::Duration;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::support::actor::{all_sent, facts};
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

const MESSAGES: usize = 40;
/// Of twelve nodes, those that are dead from the start.
const DEAD: usize = 3;

/// Of each node's answers to another node every eighth is lost. An answer passes three of them on
/// its way to a person, so that about every third of what people wait for never comes.
const LOST: u32 = 8;

/// The seed of the story; `SESSION_SEED` for another one.
fn seed() -> u64 {
    let given = std::env::var("SESSION_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok());
    seed.unwrap_or(5)
}

async fn story(seed: u64) {
    eprintln!("SESSION_SEED={seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut net = Net::customised(seed, |_, config| {
        // So that a lost answer costs less than a second.
        config.timing.forward_timeout = Duration::from_millis(800);
        config.timing.relay_timeout = Duration::from_millis(800);
    })
    .await;
    let mut order: Vec<usize> = (0..12).collect();
    order.shuffle(&mut rng);
    // Of each swarm somebody has to live: at most five die, and a swarm has six members.
    let (dead, dying) = (&order[..DEAD], &order[DEAD..DEAD + 2]);
    net.kill(dead);
    for index in 0..12 {
        net.devnet.lose_answers(index, LOST).unwrap();
    }
    let alice = Actor::new(&net, "alice").await;
    let bob = Actor::new(&net, "bob").await;
    let (alice2, bob2) = (alice.second_device().await, bob.second_device().await);
    let ids = [alice.id(), bob.id()];
    let mut people = [[alice, alice2], [bob, bob2]];
    for number in 0..MESSAGES {
        let who = usize::from(rng.random_bool(0.5));
        let device = &mut people[who][rng.random_range(0..2)];
        device
            .write(ids[1 - who], &format!("message {number}"))
            .await;
        match number {
            12 => net.kill(&dying[..1]),
            35 => net.kill(&dying[1..]),
            45 => net.restart(&dead[..1]).await,
            _ => {}
        }
        // Nobody writes two messages in one millisecond.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for device in people.iter().flatten() {
        device.until_outbox_empty().await;
    }
    let mut everywhere = Vec::new();
    for (who, devices) in people.iter().enumerate() {
        for device in devices {
            let rows = device.until_history(ids[1 - who], MESSAGES).await;
            everywhere.push((device.name().to_owned(), rows));
        }
    }
    let (_, first) = &everywhere[0];
    for (name, rows) in &everywhere {
        assert_eq!(facts(rows), facts(first), "{name}");
    }
    for (who, devices) in people.iter().enumerate() {
        for device in devices {
            assert!(all_sent(&device.history(ids[1 - who]).await));
            device.assert_tidy();
        }
        until_equal(&[&devices[0], &devices[1]]).await;
    }
    drop(people);
    net.shutdown().await;
}

#[test]
fn everything_arrives_once_while_a_third_of_the_network_fails() {
    run(story(seed()));
}
