//! Every refusal of every endpoint, with status and exact text, over real HTTPS
//! (docs/protocol/node-rpc.md sections 1.1 and 3 to 9).

mod changes;
mod mailbox;
mod others;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use session_storage_rpc::{Method, Request};
use session_types::Timestamp;

use crate::support::{Network, Person, params};

const LEFT: u64 = 0x4000_0000_0000_0000;
const RIGHT: u64 = 0xc000_0000_0000_0000;

/// Just beyond the tolerance of signatures.
const OFF: Duration = Duration::from_millis(60_001);

/// A request that is refused.
struct Row {
    method: &'static str,
    params: Value,
    status: u16,
    text: String,
}

/// Rows of one endpoint, each a good request with something changed.
struct Table {
    method: &'static str,
    base: Value,
    rows: Vec<Row>,
}

impl Table {
    fn new(method: Method, base: Value) -> Self {
        Self {
            method: method.name(),
            base,
            rows: Vec::new(),
        }
    }

    fn of(request: &Request) -> Self {
        Self::new(request.method(), json!(params(request)))
    }

    /// The good request with these fields changed; null takes one away.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a table reads better without borrows"
    )]
    fn row(&mut self, changes: Value, status: u16, text: impl Into<String>) {
        let mut params = self.base.clone();
        let fields = params.as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() {
                fields.remove(key);
            } else {
                fields.insert(key.clone(), value.clone());
            }
        }
        self.rows.push(Row {
            method: self.method,
            params,
            status,
            text: text.into(),
        });
    }

    /// A 400 of the parser.
    fn invalid(&mut self, changes: Value, text: &str) {
        self.row(changes, 400, format!("invalid request: {text}"));
    }

    /// Another request of the same endpoint.
    fn request(&mut self, request: &Request, status: u16, text: &str) {
        assert_eq!(request.method().name(), self.method);
        self.rows.push(Row {
            method: self.method,
            params: json!(params(request)),
            status,
            text: text.to_owned(),
        });
    }

    /// What every endpoint with an account says about a bad one.
    fn bad_accounts(&mut self, both_spellings: bool, text: &str) {
        let good = self.base["pubkey"].as_str().unwrap().to_owned();
        self.invalid(json!({ "pubkey": null }), "Required field 'pubkey' missing");
        self.invalid(
            json!({ "pubkey": 5 }),
            "Invalid value given for 'pubkey': expected string",
        );
        let almost = format!("{}g", &good[..65]);
        for bad in ["", &good[2..], &good[..64], &almost] {
            self.invalid(json!({ "pubkey": bad }), text);
        }
        if both_spellings {
            self.invalid(
                json!({ "pubKey": good }),
                "Cannot specify both 'pubkey' and 'pubKey'",
            );
        } else {
            self.invalid(
                json!({ "pubkey": null, "pubKey": good }),
                "Required field 'pubkey' missing",
            );
        }
    }

    /// What every endpoint with a signature says about bad ones.
    fn bad_signatures(&mut self, network: &Network, what: &str) {
        let forged = network.person(LEFT).key.sign(b"something else").to_base64();
        let wrong = format!("{what} signature verification failed");
        self.row(json!({ "signature": forged }), 401, &wrong);
        let key = Person::number(424_242).key.public().to_hex();
        self.row(json!({ "pubkey_ed25519": key }), 401, &wrong);
        self.row(json!({ "pubkey_ed25519": null }), 401, &wrong);
        self.invalid(
            json!({ "signature": null }),
            "Required field 'signature' missing",
        );
        for bad in [&forged[..85], &forged[..87], "", &"!".repeat(88)] {
            self.invalid(
                json!({ "signature": bad }),
                "invalid signature: expected base64 encoded Ed25519 signature",
            );
        }
        self.invalid(
            json!({ "signature": [forged] }),
            "Invalid value given for 'signature': expected string",
        );
        self.invalid(
            json!({ "pubkey_ed25519": "x".repeat(64) }),
            "invalid pubkey_ed25519: value is not hex",
        );
        self.invalid(
            json!({ "pubkey_ed25519": "00".repeat(31) }),
            "Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey",
        );
        let group = network.person(LEFT).key.public().to_hex();
        self.invalid(
            json!({ "pubkey": format!("03{group}") }),
            "pubkey_ed25519 is only permitted for 05[...] pubkeys",
        );
    }

    /// What endpoints that take subaccounts say about bad tokens.
    fn bad_subaccounts(&mut self) {
        let token = "05".to_owned() + &"00".repeat(35);
        self.invalid(
            json!({ "subaccount": token }),
            "invalid subaccount: subaccount_sig is required when using subaccount",
        );
        let signature = self.base["signature"].clone();
        for bad in [&token[..70], "zz"] {
            self.invalid(
                json!({ "subaccount": bad, "subaccount_sig": signature }),
                "invalid subaccount: expected base64 or hex-encoded subaccount token",
            );
        }
        self.invalid(
            json!({ "subaccount": token, "subaccount_sig": "AAAA" }),
            "invalid subaccount signature: expected base64 encoded Ed25519 signature",
        );
    }

    /// What is said about a time that is no time.
    fn bad_times(&mut self, field: &str) {
        let missing = format!("Required field '{field}' missing");
        self.invalid(json!({ field: null }), &missing);
        let expected = format!(
            "Invalid value given for '{field}': expected integer timestamp (in milliseconds)"
        );
        for bad in [json!("1700000000000"), json!(1.5), json!(-1), json!([1])] {
            self.invalid(json!({ field: bad }), &expected);
        }
        let seconds = format!("Invalid timestamp for '{field}': timestamp must be in milliseconds");
        self.invalid(json!({ field: 999_999_999 }), &seconds);
    }

    fn bad_namespaces(&mut self, expected: &str) {
        let wrong = format!("Invalid value given for 'namespace': expected {expected}");
        for bad in [json!("0"), json!(1.5), json!(true), json!("ALL")] {
            self.invalid(json!({ "namespace": bad }), &wrong);
        }
        for bad in [32_768, -32_769] {
            self.invalid(
                json!({ "namespace": bad }),
                "Invalid value given for 'namespace': value out of range",
            );
        }
    }
}

fn early(network: &Network) -> Timestamp {
    network.now().minus(OFF)
}

fn late(network: &Network) -> Timestamp {
    network.now().plus(OFF)
}

fn tables(network: &Network, bob: &Person) -> Vec<Table> {
    let mut tables = mailbox::tables(network, bob);
    tables.extend(changes::tables(network, bob));
    tables.extend(others::tables(network, bob));
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_refuses_with_its_status_and_text() {
    let network = Network::start(&[(LEFT, 2), (RIGHT, 1)]).await;
    let bob = network.person(LEFT);
    let hash = network.send(0, &bob, b"stays").await;
    let tables = tables(&network, &bob);
    let mut refused = BTreeSet::new();
    let mut differing = Vec::new();
    for Row {
        method,
        params,
        status,
        text,
    } in tables.iter().flat_map(|table| &table.rows)
    {
        let answer = network.call(0, method, params.clone()).await;
        let got = (answer.status, answer.text.as_str());
        if got != (*status, text.as_str()) {
            differing.push(format!(
                "{method} {}\n  expected {status} {text}\n  got {} {}",
                shortened(&params.to_string()),
                answer.status,
                shortened(&answer.text),
            ));
        }
        refused.insert(*method);
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    // The requests the rows were made of are good ones; where they change something they come
    // in an order in which each still can.
    for table in &tables {
        if table.base.is_null() {
            continue;
        }
        let wrong = network.call(2, table.method, table.base.clone()).await;
        let method = Method::from_name(table.method).unwrap();
        if method.needs_own_swarm() {
            assert_eq!(wrong.status, 421, "{}", table.method);
            assert_eq!(wrong.json()["swarm"], format!("{LEFT:x}"));
        }
    }
    assert_eq!(
        network.hashes(1, &bob.signer(), 0).await,
        [hash],
        "no refused request changed anything"
    );
    for table in &tables {
        if !table.base.is_null() {
            let good = network.call(0, table.method, table.base.clone()).await;
            assert_eq!(good.status, 200, "{}: {}", table.method, good.text);
        }
    }
    for method in Method::ALL {
        let refuses_nothing = matches!(method, Method::Info | Method::ActiveNodesBin);
        assert_eq!(
            refused.contains(method.name()),
            !refuses_nothing,
            "{method}"
        );
    }
    network.shut_down().await;
}

fn shortened(text: &str) -> String {
    text.chars().take(400).collect()
}
