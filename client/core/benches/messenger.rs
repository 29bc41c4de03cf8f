//! What a person waits for and what an account costs, on a private network in this process or
//! beside it:
//!
//! - `latency`: from `send` to shown at the other side, with 50 ms added at every hop;
//! - `backlog`: 10 000 messages that waited in the swarm, until they are decrypted and on disk;
//! - `idle`: processor time, memory and bytes of an account with 100 000 messages that nobody
//!   writes to, as a process of its own.
//!
//! `cargo bench -p session-core --bench messenger -- [latency] [backlog] [idle]`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench prints its results and stops at the first surprise"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use session_core::{Account, AccountOptions, Event};
use session_crypto::AccountKeys;
use session_devnet::{Devnet, DevnetOptions};
use session_net::{Clock as _, SystemClock};
use session_store::{Arrival, KeyKeeping, NewAccount, NewMessage, Profile, ReceivedMessage, Store};
use session_types::{AccountId, Timestamp};
use tempfile::TempDir;
use tokio::sync::broadcast;
use zeroize::Zeroizing;

/// Held back so long before each node's door and behind it: 50 ms a hop.
const HALF_A_HOP: Duration = Duration::from_millis(25);
const EXCHANGES: usize = 200;
const BACKLOG: usize = 10_000;
const KEPT: u64 = 100_000;
const PEOPLE: u64 = 100;
/// Which makes the process the idle account: folder follows.
const CHILD: &str = "SESSION_BENCH_IDLE";
const WATCHED: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return idle_child(Path::new(&folder)).await;
    }
    let wanted: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if is_wanted("latency") {
        latency().await;
    }
    if is_wanted("backlog") {
        backlog().await;
    }
    if is_wanted("idle") {
        idle().await;
    }
}

struct Person {
    home: TempDir,
    id: AccountId,
}

impl Person {
    fn new(name: &str, network: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let keys = AccountKeys::generate(&mut rand::rng());
        let new = NewAccount {
            seed: Zeroizing::new(*keys.seed16().unwrap()),
            account_id: keys.account_id(),
            display_name: name.to_owned(),
            network: network.to_owned(),
            file_server: None,
            created_at: SystemClock.now(),
        };
        let profile = Profile::new(home.path());
        drop(profile.create(&new, KeyKeeping::File, None).unwrap());
        let id = keys.account_id();
        Self { home, id }
    }

    async fn open(&self, options: AccountOptions) -> (Account, broadcast::Receiver<Event>) {
        open(self.home.path(), options).await
    }
}

async fn open(home: &Path, options: AccountOptions) -> (Account, broadcast::Receiver<Event>) {
    let profile = Profile::new(home);
    let id = profile.list().unwrap()[0].account_id;
    let store = profile.open(id, None).unwrap();
    let network = store.identity().unwrap().network.parse().unwrap();
    let account = Account::open(store, network, Box::new(SystemClock), options)
        .await
        .unwrap();
    let events = account.subscribe();
    (account, events)
}

async fn shown(events: &mut broadcast::Receiver<Event>, text: &str) {
    loop {
        match events.recv().await {
            Ok(Event::MessageReceived { message, .. }) if message.body == text => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn latency() {
    let network = Devnet::start(DevnetOptions::default(), |_| {})
        .await
        .unwrap();
    let (alice, bob) = (
        Person::new("Alice", &network.seed_url()),
        Person::new("Bob", &network.seed_url()),
    );
    let (from_alice, mut at_alice) = alice.open(AccountOptions::staying()).await;
    let (from_bob, mut at_bob) = bob.open(AccountOptions::staying()).await;
    // The two know each other, and have talked a moment ago.
    from_alice.send_text(bob.id, "hello").await.unwrap();
    shown(&mut at_bob, "hello").await;
    from_bob.send_text(alice.id, "hello").await.unwrap();
    shown(&mut at_alice, "hello").await;
    for node in network.nodes() {
        network.slow_node(node.index, HALF_A_HOP).unwrap();
    }
    let mut times = Vec::new();
    for number in 0..EXCHANGES {
        let text = format!("message {number}");
        // Not in step with polls.
        let pause = u64::try_from(number * 373 % 1500).unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let start = Instant::now();
        if number % 2 == 0 {
            from_alice.send_text(bob.id, &text).await.unwrap();
            shown(&mut at_bob, &text).await;
        } else {
            from_bob.send_text(alice.id, &text).await.unwrap();
            shown(&mut at_alice, &text).await;
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64();
    println!(
        "send to shown, 50 ms added per hop, {EXCHANGES} messages: p50 {:.2} s, p90 {:.2} s, \
         p99 {:.2} s, longest {:.2} s",
        at(50),
        at(90),
        at(99),
        at(100)
    );
    from_alice.close().await;
    from_bob.close().await;
    network.shutdown().await.unwrap();
}

async fn backlog() {
    let network = Devnet::start(DevnetOptions::default(), |_| {})
        .await
        .unwrap();
    let (alice, bob) = (
        Person::new("Alice", &network.seed_url()),
        Person::new("Bob", &network.seed_url()),
    );
    let (sender, mut sent) = alice.open(AccountOptions::default()).await;
    let start = Instant::now();
    let (mut queued, mut stored) = (0, 0);
    while stored < BACKLOG {
        // A queue that is read again at each delivery must not grow long.
        while queued < BACKLOG && queued < stored + 64 {
            let text = format!("{queued}: is the tea ready? I am on my way.");
            sender.send_text(bob.id, &text).await.unwrap();
            queued += 1;
        }
        match sent.recv().await {
            Ok(Event::MessageSent(_)) => stored += 1,
            Ok(Event::MessageFailed { reason, .. }) => panic!("{reason}"),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
    println!(
        "{BACKLOG} messages sent, each with its copy to the own swarm: {:.1} s",
        start.elapsed().as_secs_f64()
    );
    sender.close().await;
    let options = AccountOptions {
        poll_every: None,
        ..AccountOptions::default()
    };
    let start = Instant::now();
    let (receiver, _events) = bob.open(options).await;
    let (mut received, mut polls) = (0, 0);
    while received < BACKLOG {
        let summary = receiver.poll_now().await.unwrap();
        received += summary.new_messages;
        polls += 1;
        assert!(summary.more || received == BACKLOG, "{received} arrived");
    }
    println!(
        "{BACKLOG} messages received, decrypted and on disk: {:.2} s, {polls} polls",
        start.elapsed().as_secs_f64()
    );
    receiver.close().await;
    network.shutdown().await.unwrap();
}

async fn idle() {
    let network = Devnet::start(DevnetOptions::default(), |_| {})
        .await
        .unwrap();
    let alice = Person::new("Alice", &network.seed_url());
    let profile = Profile::new(alice.home.path());
    fill(&mut profile.open(alice.id, None).unwrap());
    let folder = alice.home.path().to_owned();
    let output = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let text: Vec<_> = lines.map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success());
        text.join("\n")
    });
    println!("{}", output.await.unwrap());
    let store = profile.open(alice.id, None).unwrap();
    let kept = store.conversations().unwrap();
    assert_eq!(
        kept.len(),
        usize::try_from(PEOPLE).unwrap(),
        "conversations"
    );
    network.shutdown().await.unwrap();
}

/// A hundred people wrote a thousand messages each.
fn fill(store: &mut Store) {
    let now = SystemClock.now();
    let people: Vec<_> = (0..PEOPLE)
        .map(|_| AccountKeys::generate(&mut rand::rng()).account_id())
        .collect();
    let mut messages = Vec::new();
    for (number, sender) in (0..KEPT).zip(people.iter().cycle()) {
        let sent_at = Timestamp::from_ms(now.as_ms() - (KEPT - number) * 60_000);
        let text = format!("{number}: the tea is ready, the bread is not, come when you can");
        let message = ReceivedMessage {
            sender: *sender,
            conversation: *sender,
            sent_at,
            outgoing: false,
            message: NewMessage::text(text),
            arrival: Arrival {
                hash: None,
                stored_at: sent_at,
                expires_at: sent_at.plus(Duration::from_secs(14 * 24 * 3600)),
            },
            unread: false,
            mentions_me: false,
            disappears_at: None,
            content: Vec::new(),
        };
        messages.push(message);
    }
    for some in messages.chunks(1000) {
        store
            .atomically(|store| {
                for message in some {
                    assert!(store.take_in(message)?.is_some());
                }
                Ok::<_, session_store::StoreError>(())
            })
            .unwrap();
    }
}

/// An account at rest: says after a while what that cost.
async fn idle_child(home: &Path) {
    let (account, _events) = open(home, AccountOptions::staying()).await;
    // The start is over.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (processor, traffic) = (processor_seconds(), account.network().traffic());
    tokio::time::sleep(WATCHED).await;
    let processor = processor_seconds() - processor;
    let after = account.network().traffic();
    let hour = 3600.0 / WATCHED.as_secs_f64();
    println!(
        "idle with {KEPT} messages for {} s: {:.2} % of a processor, {:.1} MiB resident, \
         {:.0} KiB up and {:.0} KiB down in an hour",
        WATCHED.as_secs(),
        100.0 * processor / WATCHED.as_secs_f64(),
        resident_mib(),
        (after.bytes_out - traffic.bytes_out) as f64 / 1024.0 * hour,
        (after.bytes_in - traffic.bytes_in) as f64 / 1024.0 * hour,
    );
    account.close().await;
}

/// User and system time of this process.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<_> = rest.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    // Linux counts hundredths of seconds for programs whatever its own clock.
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kib.parse::<f64>().unwrap() / 1024.0
}
