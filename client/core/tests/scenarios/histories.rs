//! Whatever three people do, in the end they have the same history.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

use crate::support::actor::{all_sent, facts};
use crate::support::{Actor, Net, run};

const STEPS: usize = 60;

async fn story(seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let net = Net::shared().await;
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(Actor::new(&net, name).await);
    }
    // Messages of each pair, lower number first.
    let mut written: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for step in 0..STEPS {
        let who = rng.random_range(0..3);
        match rng.random_range(0..12) {
            0 => people[who].restart().await,
            1 => {
                people[who].crash();
                people[who].open().await;
            }
            // Other devices and notes to self are told about elsewhere.
            _ => {
                let to = (who + rng.random_range(1..3)) % 3;
                let id = people[to].id();
                people[who]
                    .write(id, &format!("{step}: {who} to {to}"))
                    .await;
                *written.entry((who.min(to), who.max(to))).or_default() += 1;
            }
        }
    }
    for ((one, other), count) in written {
        let (one, other) = (&people[one], &people[other]);
        let here = one.until_history(other.id(), count).await;
        let there = other.until_history(one.id(), count).await;
        assert_eq!(facts(&here), facts(&there));
    }
    for person in &people {
        person.until_outbox_empty().await;
        for other in &people {
            assert!(all_sent(&person.history(other.id()).await));
        }
        person.assert_tidy();
    }
    // A device that comes late has the same history too.
    let late = people[0].second_device().await;
    for other in &people[1..] {
        let expected = people[0].history(other.id()).await;
        let restored = late.until_history(other.id(), expected.len()).await;
        assert_eq!(facts(&restored), facts(&expected));
    }
}

#[test]
fn everybody_ends_with_the_same_history() {
    let seed: u64 = match std::env::var("SESSION_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    eprintln!("SESSION_TEST_SEED={seed} tells this story again");
    run(async {
        for story_number in 0..2 {
            story(seed ^ story_number).await;
        }
    });
}
