use std::any::Any;

use session_crypto::AccountKeys;
use session_storage_rpc::{AccountSigner, RequestSigner as _};
use session_types::MessageHash;

use super::*;

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

/// Keeps what it hears, and the memory that goes with it, like a client that reads nothing.
struct Listener {
    number: u64,
    /// What fits in its queue.
    room: usize,
    heard: Mutex<Vec<Heard>>,
    given_up: AtomicUsize,
}

struct Heard {
    endpoint: String,
    body: Vec<u8>,
    _hold: Box<dyn Any + Send>,
}

impl Listener {
    fn new(number: u64) -> Arc<Self> {
        Self::with_room(number, usize::MAX)
    }

    fn with_room(number: u64, room: usize) -> Arc<Self> {
        Arc::new(Self {
            number,
            room,
            heard: Mutex::default(),
            given_up: AtomicUsize::new(0),
        })
    }

    /// Reads everything.
    fn read(&self) -> Vec<(String, Vec<u8>)> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        let parts = heard.into_iter().map(|one| (one.endpoint, one.body));
        parts.collect()
    }

    /// Reads everything and gives the namespaces, and whether there was data.
    fn notified(&self) -> Vec<(i16, bool)> {
        let notification = |(endpoint, body): (String, Vec<u8>)| {
            assert_eq!(endpoint, NOTIFY);
            let notification = Notification::decode(&body).unwrap();
            (notification.namespace.get(), notification.data.is_some())
        };
        self.read().into_iter().map(notification).collect()
    }

    fn given_up(&self) -> usize {
        self.given_up.load(Ordering::SeqCst)
    }
}

impl Ear for Listener {
    fn number(&self) -> u64 {
        self.number
    }

    fn push(&self, endpoint: &str, body: Vec<u8>, hold: Box<dyn Any + Send>) -> bool {
        let mut heard = self.heard.lock().unwrap();
        if heard.len() >= self.room {
            return false;
        }
        heard.push(Heard {
            endpoint: endpoint.to_owned(),
            body,
            _hold: hold,
        });
        true
    }

    fn give_up(&self) {
        self.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

/// An account with messages.
struct Watched {
    keys: AccountKeys,
}

impl Watched {
    fn new() -> Self {
        Self {
            keys: AccountKeys::generate(&mut rand::rng()),
        }
    }

    fn signer(&self) -> AccountSigner<'_> {
        AccountSigner::new(self.keys.account_id(), self.keys.ed25519())
    }

    /// Registers; whether that succeeded.
    async fn watch(
        &self,
        monitor: &Monitor,
        ear: &Arc<Listener>,
        namespaces: &[i16],
        with_data: bool,
        now: Timestamp,
    ) -> bool {
        let namespaces = namespaces.iter().copied().map(Namespace::new).collect();
        let registration = Registration::signed(&self.signer(), namespaces, with_data, now);
        let answer = monitor
            .register(ear, &registration.encode(), now, |_| None)
            .await;
        monitor::decode_answer(&answer).unwrap().is_ok()
    }

    /// A message comes.
    fn message(&self, monitor: &Monitor, namespace: i16, data: &[u8], now: Timestamp) {
        let message = NewMessage {
            owner: &self.signer().owner(),
            hash: &MessageHash::from_digest(&[1; 32]),
            namespace: Namespace::new(namespace),
            timestamp: now,
            expiry: now,
            data,
        };
        monitor.stored(message, now);
    }
}

fn with_limits(per_connection: usize, in_all: usize, waiting: usize) -> Monitor {
    Monitor::new(Limits {
        per_connection,
        in_all,
        waiting,
    })
}

fn assert_empty(monitor: &Monitor) {
    assert_eq!(monitor.total(), 0);
    let table = monitor.lock();
    assert!(table.by_owner.is_empty());
    assert!(table.by_ear.is_empty());
}

#[tokio::test]
async fn one_connection_watches_so_many_accounts_and_no_more() {
    let monitor = with_limits(2, 100, MAX_WAITING);
    let [first, second] = [Listener::new(1), Listener::new(2)];
    let accounts = [(); 3].map(|()| Watched::new());
    for account in &accounts[..2] {
        assert!(account.watch(&monitor, &first, &[0], false, NOW).await);
    }
    assert!(!accounts[2].watch(&monitor, &first, &[0], false, NOW).await);
    // To renew is not to watch one more, and others have their own places.
    assert!(accounts[0].watch(&monitor, &first, &[0], false, NOW).await);
    assert!(accounts[2].watch(&monitor, &second, &[0], false, NOW).await);
    assert_eq!(monitor.total(), 3);
    accounts[2].message(&monitor, 0, b"x", NOW);
    assert!(first.notified().is_empty());
    assert_eq!(second.notified(), [(0, false)]);
    // A place that is given back can be taken again.
    monitor.gone(2);
    monitor.gone(1);
    assert!(accounts[2].watch(&monitor, &first, &[0], false, NOW).await);
}

#[tokio::test]
async fn all_connections_watch_so_many_accounts_and_no_more() {
    let monitor = with_limits(2, 3, MAX_WAITING);
    let ears = [1, 2, 3].map(Listener::new);
    let accounts = [(); 2].map(|()| Watched::new());
    for (ear, account) in [(0, 0), (0, 1), (1, 0)] {
        let added = accounts[account].watch(&monitor, &ears[ear], &[0], false, NOW);
        assert!(added.await);
    }
    assert!(
        !accounts[0]
            .watch(&monitor, &ears[2], &[0], false, NOW)
            .await
    );
    assert_eq!(monitor.total(), 3);
    // Who was refused leaves no trace.
    assert!(!monitor.lock().by_ear.contains_key(&3));
    monitor.gone(1);
    assert_eq!(monitor.total(), 1);
    assert!(
        accounts[0]
            .watch(&monitor, &ears[2], &[0], false, NOW)
            .await
    );
}

#[tokio::test]
async fn whoever_reads_too_slowly_is_given_up() {
    let account = Watched::new();
    // What one notification takes, and a little.
    let monitor = with_limits(10, 10, 1_500);
    let [slow, quick] = [Listener::new(1), Listener::new(2)];
    assert!(account.watch(&monitor, &slow, &[0], true, NOW).await);
    account.message(&monitor, 0, &[7; 1_000], NOW);
    assert_eq!(slow.given_up(), 0);
    account.message(&monitor, 0, &[7; 1_000], NOW);
    assert_eq!(slow.given_up(), 1);
    // The memory is back when the notification has been read.
    assert_eq!(slow.notified(), [(0, true)]);
    account.message(&monitor, 0, &[7; 1_000], NOW);
    assert_eq!(slow.given_up(), 1);
    assert_eq!(slow.notified(), [(0, true)]);

    // Its own queue may be full while there is memory; that concerns nobody else.
    let full = Listener::with_room(3, 0);
    assert!(account.watch(&monitor, &full, &[0], false, NOW).await);
    assert!(account.watch(&monitor, &quick, &[0], false, NOW).await);
    monitor.gone(1);
    account.message(&monitor, 0, b"x", NOW);
    assert_eq!((full.given_up(), quick.given_up()), (1, 0));
    assert_eq!(quick.notified(), [(0, false)]);
    assert_eq!(monitor.waiting.available_permits(), 1_500);
}

#[tokio::test]
async fn nothing_is_left_of_those_who_have_gone() {
    let monitor = Monitor::default();
    let ears = [1, 2].map(Listener::new);
    let accounts = [(); 3].map(|()| Watched::new());
    for ear in &ears {
        for account in &accounts {
            assert!(account.watch(&monitor, ear, &[0], false, NOW).await);
        }
    }
    assert_eq!(monitor.total(), 6);
    monitor.gone(1);
    assert_eq!(monitor.total(), 3);
    monitor.gone(1);
    assert_eq!(monitor.total(), 3);
    accounts[0].message(&monitor, 0, b"x", NOW);
    assert_eq!(ears[0].notified(), []);
    assert_eq!(ears[1].notified(), [(0, false)]);
    monitor.gone(2);
    assert_empty(&monitor);
}

#[tokio::test]
async fn what_is_not_renewed_ends_and_leaves_nothing() {
    let monitor = Monitor::default();
    let [ear, other] = [1, 2].map(Listener::new);
    let accounts = [(); 2].map(|()| Watched::new());
    for account in &accounts {
        assert!(account.watch(&monitor, &ear, &[0], false, NOW).await);
    }
    let renewed = NOW.plus(LIFETIME / 2);
    assert!(
        accounts[1]
            .watch(&monitor, &ear, &[0], false, renewed)
            .await
    );
    let end = NOW.plus(LIFETIME);
    monitor.sweep(end);
    assert_eq!(monitor.total(), 2);
    let over = end.plus(std::time::Duration::from_millis(1));
    // Nobody is told after the end, whether it has been swept or not.
    accounts[0].message(&monitor, 0, b"x", over);
    accounts[1].message(&monitor, 2, b"x", over);
    assert_eq!(ear.notified(), []);
    monitor.sweep(over);
    assert_eq!(monitor.total(), 1);
    accounts[1].message(&monitor, 0, b"x", over);
    assert_eq!(ear.notified(), [(0, false)]);
    assert!(accounts[0].watch(&monitor, &other, &[0], false, over).await);
    monitor.sweep(over.plus(LIFETIME * 2));
    assert_empty(&monitor);
    // Nor does it matter that they go afterwards.
    monitor.gone(1);
    assert_empty(&monitor);
}

#[tokio::test]
async fn subscriptions_of_one_connection_to_one_account_are_one() {
    let monitor = Monitor::default();
    let [ear, other] = [1, 2].map(Listener::new);
    let account = Watched::new();
    assert!(account.watch(&monitor, &ear, &[3, 0], false, NOW).await);
    assert!(account.watch(&monitor, &other, &[0], false, NOW).await);
    for namespace in [0, 1, 3] {
        account.message(&monitor, namespace, b"x", NOW);
    }
    assert_eq!(ear.notified(), [(0, false), (3, false)]);
    assert_eq!(other.notified(), [(0, false)]);
    // More namespaces come to those there are, and data stays wanted.
    assert!(account.watch(&monitor, &ear, &[-10, 1, 3], true, NOW).await);
    assert!(account.watch(&monitor, &ear, &[2], false, NOW).await);
    assert_eq!(monitor.total(), 2);
    for namespace in [-10, 0, 1, 2, 3, 4] {
        account.message(&monitor, namespace, b"x", NOW);
    }
    let all = [-10, 0, 1, 2, 3].map(|namespace| (namespace, true));
    assert_eq!(ear.notified(), all);
    assert_eq!(other.notified(), [(0, false)]);
}
