//! Through the nodes of a network.

use std::sync::Arc;

use session_crypto::OnionCipher;
use session_devnet::{Devnet, DevnetOptions};
use session_onion::packet::{Destination, Hop, ServerProtocol, build};
use session_onion::v4;

use crate::support::{Server, content, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_and_down_through_three_nodes() {
    let options = DevnetOptions {
        nodes: 3,
        seed: Some(1),
        customise: Some(Arc::new(|_, config| {
            config.allow_private_relay_targets = true;
        })),
        ..DevnetOptions::default()
    };
    let network = Devnet::start(options, |_| ()).await.unwrap();
    let server = Server::start().await;
    let contacts: Vec<_> = network
        .nodes()
        .into_iter()
        .map(|node| node.contact)
        .collect();
    let path: Vec<Hop> = contacts
        .iter()
        .map(|contact| Hop {
            ed25519: contact.ed25519,
            x25519: contact.x25519,
        })
        .collect();
    let guard = format!(
        "https://{}:{}/onion_req/v2",
        contacts[0].ip, contacts[0].https_port
    );
    let ask = async |method: &str, endpoint: String, body: Option<Vec<u8>>| {
        let request = v4::Request {
            endpoint,
            method: method.to_owned(),
            headers: v4::Headers::new(),
            body,
        };
        let destination = Destination::Server {
            host: "127.0.0.1",
            port: server.address.port(),
            protocol: ServerProtocol::Http,
            target: "/oxen/v4/lsrpc",
            x25519: *server.running.key(),
        };
        let cipher = OnionCipher::XChaCha20;
        let plaintext = request.encode();
        let onion = build(&path, destination, &plaintext, cipher, &mut rand::rng()).unwrap();
        let sent = server.client.post(&guard).body(onion.body);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let answer = answer.bytes().await.unwrap();
        onion.reply.open_server_reply(&answer).unwrap()
    };
    for size in [10_000, 10_223_616] {
        let content = content(1, size);
        let id = id_of(&content);
        let answer = ask("POST", "/file".to_owned(), Some(content.clone())).await;
        assert_eq!(answer.code, 200);
        let uploaded: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(uploaded["id"], id.as_str());
        let answer = ask("GET", format!("/file/{id}"), None).await;
        assert!(answer.code == 200 && answer.body == content, "{size}");
    }
    let answer = ask("GET", "/file/7".to_owned(), None).await;
    assert_eq!(answer.code, 404);
    network.shutdown().await.unwrap();
}
