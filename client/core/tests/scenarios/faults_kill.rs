//! A program that is killed at any moment has done what it said it did.
//!
//! The test starts itself again as a child that opens the account of a person, changes things
//! and says so, and is killed. The child's test does nothing unless it was started this way.

#![cfg(unix)]

use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use session_core::{Account, AccountOptions, DeleteFor};
use session_net::SystemClock;
use session_store::{MessageKind, Profile};
use session_types::{AccountId, Timestamp};

use crate::support::state::until_equal;
use crate::support::{Actor, Net, run};

/// Folder of the account, id of the account, id of who is written to, seed of what is done.
const CHILD: &str = "SESSION_CORE_KILLED_CHILD";
const ROUNDS: u64 = 50;
/// People whose nicknames the children count up.
const PEOPLE: u8 = 5;

fn somebody(number: u8) -> AccountId {
    session_crypto::AccountKeys::from_seed16([number, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7])
        .account_id()
}

/// Says on the standard output what is done for good.
fn acknowledge(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ack {line}").unwrap();
    out.flush().unwrap();
}

#[test]
fn child_works_until_it_is_killed() {
    let Ok(task) = std::env::var(CHILD) else {
        return;
    };
    let mut words = task.split('\n');
    let mut word = || words.next().unwrap();
    let (folder, id, bob, seed) = (word(), word(), word(), word());
    let (id, bob): (AccountId, AccountId) = (id.parse().unwrap(), bob.parse().unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(seed.parse().unwrap());
    run(async {
        let store = Profile::new(Path::new(folder)).open(id, None).unwrap();
        let network = store.identity().unwrap().network.parse().unwrap();
        let options = AccountOptions {
            poll_every: Some(Duration::from_millis(50)),
            push_after: Duration::from_millis(10),
            ..AccountOptions::default()
        };
        let account = Account::open(store, network, Box::new(SystemClock), options).await;
        let account = account.unwrap();
        // Ends the line on which the harness says which test begins.
        println!();
        // Configs are pushed from the first poll on.
        account.poll_now().await.unwrap();
        acknowledge("ready");
        for step in 0.. {
            work(&account, bob, step, &mut rng).await;
        }
    });
}

async fn work(account: &Account, bob: AccountId, step: u64, rng: &mut ChaCha20Rng) {
    match rng.random_range(0..10) {
        0..=3 => {
            let number = rng.random_range(0..PEOPLE);
            let id = somebody(number);
            let row = account.conversation(id).await.unwrap();
            let name = row.map(|row| row.settings.nickname).unwrap_or_default();
            let next = counter(&name) + 1;
            account.set_nickname(id, &next.to_string()).await.unwrap();
            acknowledge(&format!("named {number} {next}"));
        }
        4..=5 => {
            let sent = account
                .send_text(bob, &format!("step {step}"))
                .await
                .unwrap();
            acknowledge(&format!("sent {}", sent.sent_at.as_ms()));
        }
        6..=7 => {
            let rows = account.history(bob, 1000).await.unwrap();
            let newest = rows.iter().rev().find(|row| !row.outgoing);
            if let Some(newest) = newest {
                account.mark_read(bob, Some(newest.sent_at)).await.unwrap();
                acknowledge(&format!("read {}", newest.sent_at.as_ms()));
            }
        }
        8 => {
            let rows = account.history(bob, 1000).await.unwrap();
            let mut own = rows.iter().filter(|row| row.outgoing);
            if let Some(row) = own.find(|row| row.kind == MessageKind::Text) {
                account.delete(row.id, DeleteFor::Everyone).await.unwrap();
                acknowledge(&format!("unsent {}", row.sent_at.as_ms()));
            }
        }
        // A configuration is on its way at some of these moments.
        _ => tokio::time::sleep(Duration::from_millis(rng.random_range(0..40))).await,
    }
}

fn counter(name: &str) -> u64 {
    name.parse().unwrap_or_default()
}

/// Runs a child until it has acknowledged `count` things and a moment longer, and kills it.
/// Gives everything it acknowledged.
fn killed_child(task: &str, count: usize, more: Duration) -> Vec<String> {
    let mut child = start_child(task);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < count {
        // Output ends when the child does, which it must not do by itself.
        let line = lines.next().expect("the child stopped by itself");
        acknowledged.extend(line.strip_prefix("ack ").map(str::to_owned));
    }
    // Not a wait for anything: it decides at which point of its work the child is hit.
    std::thread::sleep(more);
    child.kill().unwrap();
    let rest: Vec<String> = lines.collect();
    let rest = rest.iter().filter_map(|line| line.strip_prefix("ack "));
    acknowledged.extend(rest.map(str::to_owned));
    child.wait().unwrap();
    acknowledged
}

fn start_child(task: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults_kill::child_works_until_it_is_killed"])
        .args(["--nocapture", "--test-threads=1"])
        .env(CHILD, task)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// What the children said they had done.
#[derive(Default)]
struct Done {
    names: BTreeMap<u8, u64>,
    sent: Vec<Timestamp>,
    unsent: Vec<Timestamp>,
    read: Timestamp,
}

impl Done {
    fn note(&mut self, lines: &[String]) {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let time = |at: usize| Timestamp::from_ms(words[at].parse().unwrap());
            match words[0] {
                "ready" => {}
                "named" => {
                    let number = words[1].parse().unwrap();
                    self.names.insert(number, words[2].parse().unwrap());
                }
                "sent" => self.sent.push(time(1)),
                "unsent" => self.unsent.push(time(1)),
                "read" => self.read = self.read.max(time(1)),
                other => panic!("unexpected acknowledgement {other}"),
            }
        }
    }

    /// Everything is in the database of the device.
    fn check(&self, alice: &Actor, bob: AccountId, round: u64) {
        let store = alice.store();
        for (number, count) in &self.names {
            let settings = store.conversation_settings(&somebody(*number)).unwrap();
            let found = counter(&settings.expect("a person is lost").nickname);
            assert!(found >= *count, "round {round}: {found} after {count}");
        }
        let row = |time: &Timestamp| store.message_by_sender(&alice.id(), *time).unwrap();
        let mut gone = 0;
        for time in self.sent.iter().filter(|time| !self.unsent.contains(time)) {
            gone += usize::from(row(time).is_none());
        }
        // Those that were deleted last, before anybody had them and before that was said.
        let rounds = usize::try_from(round + 1).unwrap();
        assert!(gone <= rounds, "round {round}: {gone} messages are lost");
        for time in &self.unsent {
            let left = row(time);
            assert!(left.is_none_or(|row| row.kind == MessageKind::Deleted));
        }
        let settings = store.conversation_settings(&bob).unwrap();
        let last_read = settings.map(|settings| settings.last_read);
        assert!(last_read.unwrap_or_default() >= self.read, "round {round}");
    }
}

/// What the swarm's configs say, by the word of a device that only watches: never less than it
/// said before.
async fn watch(watcher: &Actor, seen: &mut BTreeMap<u8, u64>) {
    for number in 0..PEOPLE {
        let row = watcher.account().conversation(somebody(number)).await;
        let name = row.unwrap().map(|row| row.settings.nickname);
        let now = counter(&name.unwrap_or_default());
        let before = seen.insert(number, now).unwrap_or_default();
        assert!(now >= before, "{now} after {before}");
    }
}

#[test]
fn what_was_acknowledged_survives_fifty_kills() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    run(async {
        let seed: u64 = rand::random();
        eprintln!("seed {seed}");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let net = Net::shared().await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        let watcher = alice.second_device().await;
        alice.close().await;

        let (mut done, mut seen) = (Done::default(), BTreeMap::new());
        let task = |seed: u64| {
            let home = alice.home().display();
            format!("{home}\n{}\n{}\n{seed}", alice.id(), bob.id())
        };
        let mut tasks: Vec<String> = (0..ROUNDS).map(|round| task(seed ^ round)).collect();
        let to_alice = alice.id();
        let mut acknowledged = 0;
        for round in 0..ROUNDS {
            for number in 0..2 {
                bob.write(to_alice, &format!("{round} {number}")).await;
            }
            let task = tasks.pop().expect("one for each round");
            let count = rng.random_range(2..12);
            let more = Duration::from_micros(rng.random_range(0..30_000));
            let child = move || killed_child(&task, count, more);
            let lines = tokio::task::spawn_blocking(child).await.unwrap();
            acknowledged += lines.len();
            done.note(&lines);
            done.check(&alice, bob.id(), round);
            watch(&watcher, &mut seen).await;
        }
        eprintln!("{acknowledged} things acknowledged");

        // What is left to do is done at the next start, and everybody agrees.
        alice.open().await;
        alice.until_outbox_empty().await;
        until_equal(&[&alice, &watcher]).await;
        watch(&watcher, &mut seen).await;
        done.check(&alice, bob.id(), ROUNDS);
        let there = async |time: &Timestamp| {
            let rows = bob.timeline(to_alice).await;
            let row = rows
                .into_iter()
                .find(|row| !row.outgoing && row.sent_at == *time);
            row.map(|row| row.kind)
        };
        bob.account().poll_now().await.unwrap();
        for time in &done.sent {
            // A child may have deleted it and been killed before it said so.
            let row = alice.store().message_by_sender(&alice.id(), *time).unwrap();
            if row.is_none_or(|row| row.kind == MessageKind::Deleted) {
                continue;
            }
            bob.until("every message", async || there(time).await.map(drop))
                .await;
        }
        for time in &done.unsent {
            bob.until("no deleted message", async || {
                let kind = there(time).await;
                (kind.is_none() || kind == Some(MessageKind::Deleted)).then_some(())
            })
            .await;
        }
    });
}
