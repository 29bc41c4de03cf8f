//! Who learns what when two people write to each other: the second table of
//! docs/protocol/traffic-analysis.md section 1, party by party.
//!
//! The clients and the nodes are real. In front of each node stands a recorder that writes down
//! every byte the node gets and gives; with the nodes' keys the layers meant for it are opened as
//! it opens them. What a party must not learn is looked for in all of that, as raw bytes, hex and
//! base64. What it does learn is looked for too, or the search would prove nothing.

mod needles;
mod people;
mod recorder;

use std::collections::BTreeSet;
use std::sync::Arc;

use session_devnet::{Devnet, DevnetOptions};
use session_onion::packet::{HopKey, Layer, parse_entry, peel};

use crate::within;
use needles::{Needle, assert_none};
use people::Person;
use recorder::{Exchange, Recorder, onion_key};

const FROM_ALICE: &str = "Bring the grey folder to the harbour at nine.";
const FROM_BOB: &str = "Understood, and burn this letter.";

/// What a node knows of one onion request.
struct View {
    exchange: Exchange,
    hop_no: u32,
    /// Its layer, opened.
    plaintext: Vec<u8>,
    next: Option<Next>,
    /// The answer it wrote itself, opened.
    own_answer: Vec<u8>,
}

/// Where it sends the rest.
struct Next {
    node: usize,
    ciphertext: Vec<u8>,
}

impl View {
    fn new(exchange: Exchange, network: &Devnet) -> Self {
        let secret = onion_key(exchange.node);
        let entry = parse_entry(&exchange.body).unwrap();
        let hop_no = entry.hop_no;
        let key = HopKey::server(entry.cipher, &secret, &entry.ephemeral_key).unwrap();
        let plaintext = key.decrypt(entry.ciphertext).unwrap();
        let (next, own_answer) = match peel(&entry, &secret).unwrap().layer {
            Layer::ToNode {
                destination,
                ciphertext,
                ..
            } => {
                let nodes = network.nodes();
                let node = nodes
                    .iter()
                    .find(|node| node.contact.ed25519 == destination);
                let next = Next {
                    node: node.unwrap().index,
                    ciphertext,
                };
                (Some(next), Vec::new())
            }
            Layer::Final { .. } => {
                let answer = data_encoding::BASE64.decode(&exchange.answer).unwrap();
                (None, key.decrypt(&answer).unwrap())
            }
            Layer::ToServer { .. } => panic!("nobody asked for a server"),
        };
        Self {
            exchange,
            hop_no,
            plaintext,
            next,
            own_answer,
        }
    }

    /// What it was sent, and what it made of it.
    fn request(&self) -> Vec<u8> {
        [
            &self.exchange.head[..],
            &self.exchange.body,
            &self.plaintext,
        ]
        .concat()
    }

    fn everything(&self) -> Vec<u8> {
        [
            &self.request()[..],
            &self.exchange.answer_head,
            &self.exchange.answer,
            &self.own_answer,
        ]
        .concat()
    }
}

/// A request on its way: guard, second hop, third hop, destination.
fn paths(views: &[View]) -> Vec<[&View; 4]> {
    let after = |view: &View| {
        let next = view.next.as_ref().unwrap();
        views
            .iter()
            .find(|other| {
                let entry = parse_entry(&other.exchange.body).unwrap();
                other.exchange.node == next.node && entry.ciphertext == next.ciphertext
            })
            .unwrap()
    };
    let guards = views.iter().filter(|view| view.hop_no == 0);
    guards
        .map(|guard| {
            let second = after(guard);
            let third = after(second);
            [guard, second, third, after(third)]
        })
        .collect()
}

/// Everybody and everything there is to know.
struct Secrets {
    alice: Vec<Needle>,
    bob: Vec<Needle>,
    texts: Vec<Needle>,
    client_address: Needle,
    /// The names of the nodes, and the addresses at which they are reached.
    nodes: Vec<[Needle; 2]>,
}

impl Secrets {
    fn new(network: &Devnet, alice: &Person, bob: &Person) -> Self {
        let of = |name: &str, person: &Person| {
            vec![
                Needle::new(format!("{name}'s account"), &person.id().to_bytes()[1..]),
                Needle::new(
                    format!("{name}'s ed25519 key"),
                    person.keys.ed25519().public().as_bytes(),
                ),
            ]
        };
        let nodes = network.nodes();
        Self {
            alice: of("Alice", alice),
            bob: of("Bob", bob),
            texts: vec![
                Needle::new("what Alice wrote", FROM_ALICE.as_bytes()),
                Needle::new("what Bob wrote", FROM_BOB.as_bytes()),
            ],
            // The nodes are reached at other addresses.
            client_address: Needle::new("the client's address", b"127.0.0.1"),
            nodes: nodes
                .iter()
                .map(|node| {
                    let name = format!("node {}", node.index);
                    let address = format!("{}:{}", node.contact.ip, node.contact.https_port);
                    [
                        Needle::new(name.clone(), node.contact.ed25519.as_bytes()),
                        Needle::new(format!("the address of {name}"), address.as_bytes()),
                    ]
                })
                .collect(),
        }
    }

    fn people(&self) -> Vec<&Needle> {
        self.alice.iter().chain(&self.bob).collect()
    }

    /// People, what they wrote, and where they are.
    fn people_and_texts(&self) -> Vec<&Needle> {
        let all = self.alice.iter().chain(&self.bob).chain(&self.texts);
        all.chain([&self.client_address]).collect()
    }

    /// The key of a node; addresses of nodes are in the head of what they get.
    fn key(&self, view: &View) -> &Needle {
        &self.nodes[view.exchange.node][0]
    }
}

/// A network with recorders in front of its nodes.
async fn recorded(seed: u64) -> (Devnet, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let before = Arc::clone(&recorder);
    let options = DevnetOptions {
        seed: Some(seed),
        customise: Some(Arc::new(move |index, config| {
            before.stand_before(index, config);
        })),
        ..DevnetOptions::default()
    };
    let network = within(Devnet::start(options, |_| ())).await.unwrap();
    (network, recorder)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_party_learns_what_the_table_says_and_no_more() {
    let (network, recorder) = recorded(77).await;
    let ids: BTreeSet<_> = network.nodes().iter().map(|n| n.contact.swarm).collect();
    assert_eq!(ids.len(), 2);
    let of_swarm = |which: usize| {
        let nodes = network.nodes();
        let id = ids.iter().nth(which).unwrap();
        nodes.iter().find(|n| n.contact.swarm == *id).unwrap().index
    };
    let mut alice = Person::in_swarm_with(&network, of_swarm(0), "Alice").await;
    let mut bob = Person::in_swarm_with(&network, of_swarm(1), "Bob").await;
    alice.send(&bob, FROM_ALICE).await;
    bob.receive(FROM_ALICE).await;
    bob.send(&alice, FROM_BOB).await;
    alice.receive(FROM_BOB).await;
    bob.copied().await;
    let secrets = Secrets::new(&network, &alice, &bob);
    alice.close().await;
    bob.close().await;

    let exchanges = recorder.exchanges.lock().unwrap().clone();
    let (onions, others): (Vec<_>, Vec<_>) = exchanges
        .into_iter()
        .partition(|exchange| exchange.path == "/onion_req/v2");
    let views: Vec<View> = onions
        .into_iter()
        .map(|exchange| View::new(exchange, &network))
        .collect();
    let paths = paths(&views);
    assert!(paths.len() >= 6, "stores, copies and polls of both");
    // Of what was under way when the clients closed some hops are missing.
    assert!(paths.len() * 4 <= views.len());

    local_observer(&recorder, &paths, &secrets);
    for path in &paths {
        hops(path, &secrets);
        destination(path, &secrets);
    }
    let about = |needles: &[Needle]| {
        let mut found = paths
            .iter()
            .filter(|path| needles[0].is_in(&path[3].request()));
        found.next().is_some()
    };
    assert!(about(&secrets.alice) && about(&secrets.bob));
    other_members(&others, &secrets);
    network.shutdown().await.unwrap();
    recorder.stop.cancel();
}

/// Sees the client's address and the guard's, and how many bytes go when.
fn local_observer(recorder: &Recorder, paths: &[[&View; 4]], secrets: &Secrets) {
    let connections: BTreeSet<(usize, u16)> = paths
        .iter()
        .map(|path| (path[0].exchange.node, path[0].exchange.connection))
        .collect();
    let of_nodes: BTreeSet<(usize, u16)> = paths
        .iter()
        .flat_map(|path| &path[1..])
        .map(|view| (view.exchange.node, view.exchange.connection))
        .collect();
    assert!(
        connections.is_disjoint(&of_nodes),
        "clients connect to guards only, and share no connection with nodes"
    );
    let wire = recorder.wire.lock().unwrap();
    for connection in &connections {
        let bytes = &wire[connection];
        assert_eq!(bytes[..2], [22, 3], "a TLS handshake");
        let least: usize = paths
            .iter()
            .filter(|path| (path[0].exchange.node, path[0].exchange.connection) == *connection)
            .map(|path| path[0].exchange.body.len() + path[0].exchange.answer.len())
            .sum();
        assert!(bytes.len() > least, "all of it was recorded");
        assert_none(&secrets.people_and_texts(), bytes, "the local observer");
        let nodes: Vec<_> = secrets.nodes.iter().flatten().collect();
        assert_none(&nodes, bytes, "the local observer");
    }
}

/// Each hop knows its neighbours: the first the second, the second the third, the third the
/// destination. None knows people or what they write, none knows the hops beyond its neighbours.
fn hops(path: &[&View; 4], secrets: &Secrets) {
    let names = ["the guard", "the second hop", "the third hop"];
    for (at, who) in names.into_iter().enumerate() {
        let view = path[at].everything();
        assert!(
            secrets.key(path[at + 1]).is_in(&view),
            "{who} knows the next"
        );
        assert_none(&secrets.people_and_texts(), &view, who);
        for (other, stranger) in path.iter().enumerate() {
            let is_next = other == at + 1;
            let is_itself = stranger.exchange.node == path[at].exchange.node;
            if !is_next && !is_itself {
                assert_none(&[secrets.key(stranger)], &view, who);
                let address = &secrets.nodes[stranger.exchange.node][1];
                assert_none(&[address], &view, who);
            }
        }
        assert_eq!(path[at].hop_no, u32::try_from(at).unwrap());
    }
}

/// Knows whose messages are asked for or stored, and the key of who signs; not what they say,
/// not who sent them, not where the request began.
fn destination(path: &[&View; 4], secrets: &Secrets) {
    let who = "the destination";
    let view = path[3].everything();
    let texts: Vec<_> = secrets.texts.iter().collect();
    assert_none(&texts, &view, who);
    assert_none(&[&secrets.client_address], &view, who);
    let request = path[3].request();
    for hop in &path[..3] {
        assert_none(&[secrets.key(hop)], &request, who);
    }
    let of_alice = secrets.alice[0].is_in(&request);
    let of_bob = secrets.bob[0].is_in(&request);
    assert!(!(of_alice && of_bob), "one request, one person");
    let signed = |person: &[Needle]| person[1].is_in(&request);
    let retrieves = contains(&request, b"\"retrieve\"");
    let people = match (of_alice, of_bob) {
        (true, false) => [&secrets.alice, &secrets.bob],
        (false, true) => [&secrets.bob, &secrets.alice],
        _ => {
            // Questions about the network.
            assert_none(&secrets.people(), &request, who);
            return;
        }
    };
    let [owner, stranger] = people;
    assert_eq!(
        signed(owner),
        retrieves,
        "who asks signs, who stores does not"
    );
    assert_none(&stranger.iter().collect::<Vec<_>>(), &view, who);
}

/// Know whose messages are stored; not what they say, not who sent them, not who asked for them.
fn other_members(others: &[Exchange], secrets: &Secrets) {
    let mut stores = [0, 0];
    for exchange in others {
        assert!(exchange.path.starts_with("/node/v1/"), "{}", exchange.path);
        let Exchange {
            head,
            body,
            answer_head,
            answer,
            ..
        } = exchange;
        let view = [&head[..], body, answer_head, answer].concat();
        let who = "another member";
        let texts: Vec<_> = secrets.texts.iter().collect();
        assert_none(&texts, &view, who);
        let keys = [&secrets.alice[1], &secrets.bob[1], &secrets.client_address];
        assert_none(&keys, &view, who);
        assert!(
            !contains(&view, b"retrieve"),
            "it learns that somebody asks"
        );
        let of = [&secrets.alice[0], &secrets.bob[0]].map(|account| account.is_in(&view));
        assert_ne!(of, [true, true], "sender and recipient together");
        for (count, is_of) in stores.iter_mut().zip(of) {
            *count += usize::from(is_of);
        }
    }
    // A message for each and a copy for each, to five other members.
    assert!(stores.iter().all(|count| *count >= 10), "{stores:?}");
}

fn contains(view: &[u8], what: &[u8]) -> bool {
    view.windows(what.len()).any(|window| window == what)
}
