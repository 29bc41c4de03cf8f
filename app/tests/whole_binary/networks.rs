//! `session devnet` and `session demo`.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::run::{Network, finish, session};

#[test]
fn demo_tells_the_whole_story_and_ends() {
    let home = tempdir().unwrap();
    let started = Instant::now();
    let mut demo = session(home.path());
    demo.args(["demo", "--exit"]).env("SESSION_DATA_DIR", "");
    demo.env_remove("SESSION_DATA_DIR");
    let said = finish(demo).ok();
    assert!(started.elapsed() < Duration::from_secs(20));
    for text in [
        "12 nodes",
        "Recovery Password",
        "Alice → Bob:",
        "Bob reads from Alice:",
        "Bob → Alice:",
        "Alice reads from Bob:",
        "a picture of 96 × 96 pixels",
        "second device has the whole conversation",
        "(guard) →",
        "swarm member",
        "The story took",
    ] {
        assert!(
            said.out.contains(text),
            "{text} is missing in\n{}",
            said.out
        );
    }
}

#[test]
fn demo_tells_machines_too() {
    let home = tempdir().unwrap();
    let mut demo = session(home.path());
    demo.args(["--json", "demo", "--exit"]);
    let events = finish(demo).ok().json();
    let kinds: Vec<&str> = events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "network",
            "account",
            "account",
            "sent",
            "received",
            "sent",
            "received",
            "picture",
            "second_device",
            "done"
        ]
    );
    // Guard, middle, exit and destination are four different nodes.
    for event in events.iter().filter(|e| e.get("route").is_some()) {
        let key = |hop: &str| event["route"][hop]["ed25519"].as_str().unwrap();
        let mut hops = ["guard", "middle", "exit", "destination"].map(key);
        hops.sort_unstable();
        assert!(hops.windows(2).all(|pair| pair[0] != pair[1]), "{event}");
    }
    let sent = events.iter().find(|e| e["event"] == "sent").unwrap();
    assert!(sent["confirmed_by"].as_u64().unwrap() >= 5);
}

#[test]
fn devnet_serves_a_seed_stock_clients_accept_and_stops_cleanly() {
    let home = tempdir().unwrap();
    let network = Network::start(home.path(), &[]);
    let folder = network.info()["data_dir"].as_str().unwrap().to_owned();
    assert!(Path::new(&folder).exists());
    let desktop = network.info()["desktop_command"].as_str().unwrap();
    assert!(desktop.contains(&format!("LOCAL_DEVNET_SEED_URL={}", network.seed_url())));

    let files = &network.info()["file_server"];
    let [url, key, setting] = ["url", "ed25519", "setting"].map(|field| files[field].as_str());
    assert_eq!(
        setting.unwrap(),
        format!("{}#{}", url.unwrap(), key.unwrap())
    );
    let address = url.unwrap().strip_prefix("http://").unwrap();
    TcpStream::connect(address).unwrap();

    let (head, body) = ask_seed(network.seed_url());
    assert!(head.starts_with("HTTP/1.1 200"));
    assert!(
        head.to_lowercase()
            .contains("content-type: application/json\r\n"),
        "{head}"
    );
    let nodes = body["result"]["service_node_states"].as_array().unwrap();
    assert!(nodes.len() >= 12);
    assert!(body["result"]["height"].is_u64());
    for node in nodes {
        assert!(
            node["public_ip"].is_string() && node["storage_port"].is_u64(),
            "{node}"
        );
        assert!(node["pubkey_ed25519"].is_string() && node["pubkey_x25519"].is_string());
        assert!(node["requested_unlock_height"].is_u64());
    }

    let (status, took) = network.interrupt();
    assert!(status.success());
    assert!(took < Duration::from_secs(10), "{took:?}");
    if std::env::var_os("SESSION_DATA_DIR").is_none() {
        // A folder of our own is kept, a temporary one is not.
        assert_eq!(
            Path::new(&folder).exists(),
            folder.starts_with(home.path().to_str().unwrap())
        );
    }
}

#[test]
fn same_seed_same_keys() {
    let (one, two) = (tempdir().unwrap(), tempdir().unwrap());
    let keys = |home: &Path, seed: &str| {
        let network = Network::start(home, &["--seed", seed, "--nodes", "4"]);
        let nodes = network.info()["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|n| n["ed25519"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(one.path(), "41"), keys(two.path(), "41"));
    let three = tempdir().unwrap();
    assert_ne!(keys(one.path(), "41"), keys(three.path(), "42"));
}

#[test]
fn port_in_use_is_said_in_one_sentence() {
    let home = tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut devnet = session(home.path());
    devnet.args(["devnet", "--base-port", &port]);
    let said = finish(devnet);
    assert!(!said.status.success());
    let error = said
        .err
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap();
    assert!(error.contains(&port) && error.contains("in use"), "{error}");
}

fn ask_seed(url: &str) -> (String, Value) {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let body = r#"{"jsonrpc":"2.0","method":"get_n_service_nodes","params":{"active_only":true,"fields":{"public_ip":true,"storage_port":true,"pubkey_x25519":true,"pubkey_ed25519":true,"requested_unlock_height":true,"height":true}}}"#;
    write!(
        stream,
        "POST /json_rpc HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain;charset=UTF-8\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (format!("{head}\r\n"), serde_json::from_str(body).unwrap())
}
