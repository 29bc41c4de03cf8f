//! Whatever five devices of two people do, in the end the devices of each agree, and the two
//! people see the same conversation.

use core::time::Duration;

use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use session_core::{CoreError, DeleteFor, Settings};
use session_messages::Expiration;
use session_store::MessageRow;
use session_types::ErrorKind;

use crate::support::net::impatient;
use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

/// How many things are done; `SESSION_OPERATIONS` for more.
const OPERATIONS: usize = 200;

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// What a person may be refused: nothing is wrong with the account then.
fn allowed<T>(result: Result<T, CoreError>) {
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::BadInput, "{error:?}");
    }
}

/// One message of the conversation that was written, if there is any.
async fn any_written(device: &Actor, other: &Actor, rng: &mut ChaCha20Rng) -> Option<MessageRow> {
    let rows = device.history(other.id()).await;
    rows.choose(rng).cloned()
}

async fn operate(device: &mut Actor, other: &Actor, step: usize, rng: &mut ChaCha20Rng) {
    let with = other.id();
    let account = device.account();
    let emojis = ["😂", "🥰", "👍"];
    match rng.random_range(0..20) {
        0..=6 => {
            device.write(with, &format!("step {step}")).await;
        }
        7 => {
            device.write(device.id(), &format!("note {step}")).await;
        }
        8 => {
            if let Some(row) = any_written(device, other, rng).await {
                allowed(account.reply(with, row.id, &format!("reply {step}")).await);
            }
        }
        9..=11 => {
            if let Some(row) = any_written(device, other, rng).await {
                let emoji = emojis.choose(rng).unwrap();
                allowed(account.react(row.id, emoji, rng.random_bool(0.7)).await);
            }
        }
        12 => {
            if let Some(row) = any_written(device, other, rng).await
                && row.outgoing
            {
                allowed(account.delete(row.id, DeleteFor::Everyone).await);
            }
        }
        13 => allowed(account.mark_read(with, None).await),
        14 => allowed(account.set_unread_mark(with, rng.random_bool(0.5)).await),
        15 => {
            let name = format!("nick {}", rng.random_range(0..3));
            allowed(account.set_nickname(with, &name).await);
        }
        16 => allowed(account.set_pinned(with, rng.random_bool(0.5)).await),
        17 => {
            let timer = [
                Expiration::Off,
                Expiration::after_send(1_209_600),
                Expiration::after_send(604_800),
            ];
            allowed(account.set_timer(with, *timer.choose(rng).unwrap()).await);
        }
        18 => device.restart().await,
        _ => {
            device.crash();
            device.open().await;
        }
    }
}

async fn story(seed: u64, operations: usize) {
    eprintln!("seed {seed}, {operations} operations");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let net = Net::customised(seed, |_, config| impatient(config)).await;
    let alice = Actor::new(&net, "alice").await;
    let bob = Actor::new(&net, "bob").await;
    for device in [&alice, &bob] {
        let on = Settings {
            read_receipts: true,
            typing: true,
            ..Settings::default()
        };
        device.account().set_settings(on).await.unwrap();
    }
    let mut people = [
        vec![
            alice.second_device().await,
            alice.second_device().await,
            alice,
        ],
        vec![bob.second_device().await, bob],
    ];
    // Each third answer of half of the nodes is lost.
    for index in (0..12).step_by(2) {
        net.devnet.lose_answers(index, 3).unwrap();
    }
    for step in 0..operations {
        let who = usize::from(rng.random_bool(0.4));
        let which = rng.random_range(0..people[who].len());
        let [alices, bobs] = &mut people;
        let (device, other) = if who == 0 {
            (&mut alices[which], &bobs[0])
        } else {
            (&mut bobs[which], &alices[0])
        };
        operate(device, other, step, &mut rng).await;
        // Nobody does two things in one millisecond; now and then they wait for what was done.
        let pause = if step % 20 == 0 { 200 } else { 3 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    for index in 0..12 {
        net.devnet.lose_answers(index, 0).unwrap();
    }
    for device in people.iter().flatten() {
        device.until_outbox_empty().await;
    }
    for devices in &people {
        let devices: Vec<_> = devices.iter().collect();
        let agreed = until_equal(&devices).await;
        // A device that is given the recovery password now arrives there too.
        let late = devices[0].second_device().await;
        late.until_state(&agreed).await;
    }
    // Both people see the same.
    let [alices, bobs] = &people;
    let facts = async |device: &Actor, with: &Actor| {
        let rows = device.timeline(with.id()).await;
        let written = rows.into_iter().filter(|row| row.kind.is_written());
        let mut facts: Vec<_> = written
            .map(|row| (row.sent_at, row.sender, row.body))
            .collect();
        facts.sort();
        facts
    };
    alices[0]
        .until("the same at both people", async || {
            let here = facts(&alices[0], &bobs[0]).await;
            let there = facts(&bobs[0], &alices[0]).await;
            (here == there).then_some(())
        })
        .await;
    for device in people.iter().flatten() {
        device.assert_tidy();
    }
    for device in people.into_iter().flatten() {
        drop(device);
    }
    net.shutdown().await;
}

#[test]
fn five_devices_of_two_people_end_in_equal_states() {
    let seed = number("SESSION_SEED", rand::random());
    let operations = usize::try_from(number("SESSION_OPERATIONS", 0)).unwrap();
    let operations = if operations == 0 {
        OPERATIONS
    } else {
        operations
    };
    run(story(seed, operations));
}
