//! People who use the API, the network they use, and ways to wait for what should happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use session_api::{ApiError, Connection, Notification, Session, SessionOptions};
use session_core::AccountOptions;
use session_devnet::{Devnet, DevnetOptions};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// No single thing may take longer than this.
const DEADLINE: Duration = Duration::from_secs(60);

/// One runtime for all tests: the network they share must outlive each of them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// Runs a test to its end.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(async {
        tokio::time::timeout(4 * DEADLINE, Box::pin(test))
            .await
            .expect("the test takes too long")
    })
}

/// Waits for `future`, not longer than the deadline.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}

/// The network of all tests. It ends with the last test that holds it.
pub(crate) async fn network() -> Arc<Devnet> {
    static SHARED: tokio::sync::Mutex<Weak<Devnet>> = tokio::sync::Mutex::const_new(Weak::new());
    let mut shared = SHARED.lock().await;
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let network = Arc::new(own_network(1).await);
    *shared = Arc::downgrade(&network);
    network
}

/// A network for one test alone, with a file server as all have it.
pub(crate) async fn own_network(seed: u64) -> Devnet {
    let options = DevnetOptions {
        seed: Some(seed),
        file_server: true,
        ..DevnetOptions::default()
    };
    let starting = Box::pin(Devnet::start(options, |_| ()));
    within("a network", starting).await.unwrap()
}

/// Accounts that poll often and store their settings soon.
pub(crate) fn brisk() -> AccountOptions {
    AccountOptions {
        poll_every: Some(Duration::from_millis(250)),
        push_after: Duration::from_millis(100),
        file_retries: vec![Duration::from_millis(300); 1000],
        ..AccountOptions::default()
    }
}

/// An empty folder.
pub(crate) fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn options(home: &TempDir) -> SessionOptions {
    SessionOptions {
        account: brisk(),
        ..SessionOptions::new(home.path())
    }
}

/// A session in a folder.
pub(crate) fn session(home: &TempDir) -> Session {
    Session::new(options(home))
}

/// A list or timeline kept up to date by diffs alone.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) items: Vec<Value>,
    r#gen: u64,
    seq: u64,
    pub(crate) state: Value,
}

impl Screen {
    fn apply(&mut self, diff: &Value) {
        self.seq += 1;
        assert_eq!(diff["seq"], self.seq, "a diff is missing");
        for op in diff["ops"].as_array().unwrap() {
            let at = op["at"].as_u64().map(|at| usize::try_from(at).unwrap());
            match op["op"].as_str().unwrap() {
                "reset" => {
                    self.r#gen += 1;
                    self.items = op["items"].as_array().unwrap().clone();
                }
                "splice" => {
                    let at = at.unwrap();
                    let remove = usize::try_from(op["remove"].as_u64().unwrap()).unwrap();
                    let insert = op["insert"].as_array().unwrap().clone();
                    drop(self.items.splice(at..at + remove, insert));
                }
                "set" => {
                    let old = &mut self.items[at.unwrap()];
                    assert_eq!(old["id"], op["item"]["id"]);
                    assert_ne!(old["rev"], op["item"]["rev"]);
                    *old = op["item"].clone();
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(diff["gen"], self.r#gen);
        self.state = diff.clone();
    }
}

/// Somebody with a connection, and perhaps an account.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account: Value,
    pub(crate) session: Session,
    pub(crate) connection: Connection,
    pub(crate) screens: BTreeMap<u64, Screen>,
    /// All that was told.
    pub(crate) heard: Vec<Notification>,
    /// All that was called.
    pub(crate) called: BTreeSet<String>,
    pub(crate) home: TempDir,
}

impl Person {
    /// Somebody at a computer of their own, without an account.
    pub(crate) fn without_account(name: &str) -> Self {
        let home = home();
        let session = session(&home);
        Self::at(name, home, session)
    }

    fn at(name: &str, home: TempDir, session: Session) -> Self {
        Self {
            name: name.to_owned(),
            account: Value::Null,
            connection: session.connect(),
            session,
            screens: BTreeMap::new(),
            heard: Vec::new(),
            called: BTreeSet::new(),
            home,
        }
    }

    /// The same account over a connection of its own.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: self.account.clone(),
            connection: self.session.connect(),
            session: self.session.clone(),
            ..Self::without_account(name)
        }
    }

    /// Somebody with a new account.
    pub(crate) async fn new(network: &Devnet, name: &str) -> Self {
        Self::without_account(name).begin(network).await
    }

    /// Somebody with a new account whose program knows the network's file server.
    pub(crate) async fn with_files(network: &Devnet, name: &str) -> Self {
        Self::with(network, name, |_| ()).await
    }

    /// The same with other settings.
    pub(crate) async fn with(
        network: &Devnet,
        name: &str,
        tune: impl FnOnce(&mut SessionOptions),
    ) -> Self {
        let server = network.describe().file_server.unwrap().setting;
        let home = home();
        let mut options = options(&home);
        options.file_server = Some(server.parse().unwrap());
        tune(&mut options);
        let session = Session::new(options);
        Self::at(name, home, session).begin(network).await
    }

    async fn begin(self, network: &Devnet) -> Self {
        let mut person = self;
        let name = &person.name;
        let new = json!({ "name": name, "network": network.seed_url(), "key_store": "file" });
        let made = person.raw("accounts.create", new).await.unwrap();
        person.account = made["account"]["id"].clone();
        person
    }

    /// A call with exactly these parameters.
    pub(crate) async fn raw(&mut self, method: &str, params: Value) -> Result<Value, ApiError> {
        self.called.insert(method.to_owned());
        within(method, self.connection.call(method, params)).await
    }

    async fn call_account(&mut self, method: &str, mut params: Value) -> Result<Value, ApiError> {
        params["account"] = self.account.clone();
        self.raw(method, params).await
    }

    /// A call about the own account.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let result = self.call_account(method, params).await;
        match result {
            Ok(result) => result,
            Err(error) => panic!("{}: {method}: {} {error}", self.name, error.code()),
        }
    }

    /// A call that is refused: the code of the error.
    pub(crate) async fn fail(&mut self, method: &str, params: Value) -> String {
        match self.call_account(method, params).await {
            Ok(result) => panic!("{}: {method}: {result}", self.name),
            Err(error) => error.code().to_owned(),
        }
    }

    /// Opens a list or a timeline and follows it.
    pub(crate) async fn open(&mut self, method: &str, params: Value) -> u64 {
        let opened = self.call(method, params).await;
        let items = opened.get("rows").or(opened.get("items")).unwrap();
        let sub = opened["sub"].as_u64().unwrap();
        let screen = Screen {
            items: items.as_array().unwrap().clone(),
            r#gen: opened["gen"].as_u64().unwrap(),
            seq: opened["seq"].as_u64().unwrap(),
            state: opened,
        };
        self.screens.insert(sub, screen);
        sub
    }

    pub(crate) fn items(&self, sub: u64) -> &[Value] {
        &self.screens[&sub].items
    }

    fn hear(&mut self, notification: Notification) {
        let text = serde_json::to_value(&notification).unwrap();
        if notification.method().ends_with(".diff") {
            let sub = text["params"]["sub"].as_u64().unwrap();
            // Of one that was closed meanwhile there may be some left.
            if let Some(screen) = self.screens.get_mut(&sub) {
                screen.apply(&text["params"]);
            }
        }
        self.heard.push(notification);
    }

    /// Looks, again after each notification, until there is something.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let end = tokio::time::Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let next = tokio::time::timeout_at(end, self.connection.next()).await;
            match next {
                Ok(Some(notification)) => self.hear(notification),
                Ok(None) => panic!("{}: {what}: the connection has ended", self.name),
                Err(_) => {
                    let screens: Vec<_> = self.screens.values().map(|s| &s.items).collect();
                    panic!("{}: {what}: not in time; {screens:#?}", self.name)
                }
            }
        }
    }

    /// Waits until an item of a list fits.
    pub(crate) async fn until_item(
        &mut self,
        what: &str,
        sub: u64,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        self.until(what, |person| {
            person.items(sub).iter().find(|item| fits(item)).cloned()
        })
        .await
    }

    /// Waits until a list is empty of what fits.
    pub(crate) async fn until_none(&mut self, what: &str, sub: u64, fits: impl Fn(&Value) -> bool) {
        self.until(what, |person| {
            (!person.items(sub).iter().any(&fits)).then_some(())
        })
        .await;
    }

    /// Waits for a notification about a message.
    pub(crate) async fn until_told(&mut self, method: &str, message_id: &Value) {
        let about = |params: &Value| params["message_id"] == *message_id;
        self.until_heard(method, about).await;
    }

    /// Waits for a notification that fits.
    pub(crate) async fn until_heard(
        &mut self,
        method: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        self.until(method, |person| {
            person.all_heard(method).into_iter().find(|told| fits(told))
        })
        .await
    }

    /// All notifications of a kind that were told so far.
    pub(crate) fn all_heard(&self, method: &str) -> Vec<Value> {
        let heard = self.heard.iter().filter(|heard| heard.method() == method);
        heard
            .map(|heard| serde_json::to_value(heard).unwrap()["params"].clone())
            .collect()
    }
}

/// The words of a message of a timeline.
pub(crate) fn words(item: &Value) -> String {
    let spans = item["spans"].as_array().into_iter().flatten();
    spans.filter_map(|span| span["text"].as_str()).collect()
}

/// A test of a message of a timeline by its words.
pub(crate) fn says(text: &str) -> impl Fn(&Value) -> bool {
    move |item| words(item) == text
}
