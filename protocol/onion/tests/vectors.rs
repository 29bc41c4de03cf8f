//! `vectors/onion.json`: single hops, complete packets, replies and refusals of the reference
//! library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of a test file"
)]

use data_encoding::HEXLOWER;
use serde::Deserialize;
use session_crypto::X25519Secret;
use session_onion::packet::{
    Destination, Hop, HopKey, Layer, OnionCipher, OnionRequest, RequestStyle, ServerProtocol,
    build_as, encode_entry, parse_entry, peel,
};
use session_onion::{PeelError, v4};
use session_test_support::ScriptedRng;
use session_types::{Ed25519PublicKey, X25519PublicKey};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER
            .decode(text.as_bytes())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    hop: Vec<HopCase>,
    packets: Vec<PacketCase>,
    default_enc_type: DefaultCipher,
    enc_type_names: Vec<CipherName>,
    rejects: Vec<Reject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HopCase {
    enc_type: String,
    client_x25519_sk: Hex,
    client_x25519_pk: X25519PublicKey,
    server_x25519_sk: Hex,
    server_x25519_pk: X25519PublicKey,
    request_plaintext: Hex,
    request_nonce: Hex,
    request_ciphertext: Hex,
    reply_plaintext: Hex,
    reply_nonce: Hex,
    reply_ciphertext: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PacketCase {
    enc_type: String,
    destination: Target,
    hops: Vec<HopKeys>,
    rng: Hex,
    packet: Hex,
    final_ephemeral: KeyPair,
    layers: Vec<LayerCase>,
    destination_decrypted: Hex,
    reply_plaintext: Hex,
    reply_nonce: Hex,
    reply_ciphertext: Hex,
    reply_gcm_fallback: Option<Sealed>,
    reply_tampered: Option<Sealed>,
    #[serde(default)]
    first_hop_rejects: Vec<BadPacket>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Target {
    Snode {
        ed25519_pk: Ed25519PublicKey,
        x25519_pk: X25519PublicKey,
        x25519_sk: Hex,
        payload: String,
    },
    Server {
        protocol: String,
        host: String,
        endpoint: String,
        method: String,
        port: Option<u16>,
        x25519_pk: X25519PublicKey,
        x25519_sk: Hex,
        headers: Option<Vec<(String, String)>>,
        body: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HopKeys {
    ed25519_pk: Ed25519PublicKey,
    x25519_pk: X25519PublicKey,
    x25519_sk: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPair {
    pk: X25519PublicKey,
    sk: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerCase {
    hop: usize,
    #[serde(rename = "in")]
    input: Hex,
    ephemeral_pk: X25519PublicKey,
    decrypted: Hex,
    routing_json: String,
    blob: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    ciphertext: Hex,
    ok: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BadPacket {
    what: String,
    packet: Hex,
    ok: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultCipher {
    #[serde(rename = "note")]
    _note: String,
    x25519_pk: X25519PublicKey,
    x25519_sk: Hex,
    packet: Hex,
    decrypted: Hex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CipherName {
    name: String,
    ok: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reject {
    what: String,
    enc_type: String,
    server_x25519_sk: Option<Hex>,
    server_x25519_pk: X25519PublicKey,
    client_x25519_pk: X25519PublicKey,
    client_x25519_sk: Option<Hex>,
    role: Option<String>,
    ciphertext: Hex,
    ok: bool,
}

fn load() -> File {
    let text = session_test_support::vectors::read("onion.json");
    serde_json::from_str(&text).expect("onion.json has only sections and keys this test knows")
}

fn secret(hex: &Hex) -> X25519Secret {
    X25519Secret::from_bytes(hex.0.as_slice().try_into().expect("32 bytes"))
}

fn cipher(name: &str) -> OnionCipher {
    OnionCipher::from_name(name).expect("a cipher we know")
}

fn scripted(bytes: &Hex) -> ScriptedRng {
    ScriptedRng::new(&bytes.0)
}

#[test]
fn single_hops() {
    let cases = load().hop;
    assert!(!cases.is_empty());
    for (i, case) in cases.iter().enumerate() {
        let cipher = cipher(&case.enc_type);
        let (client, server) = (
            secret(&case.client_x25519_sk),
            secret(&case.server_x25519_sk),
        );
        assert_eq!(*client.public(), case.client_x25519_pk);
        assert_eq!(*server.public(), case.server_x25519_pk);
        let at_client = HopKey::client(cipher, &client, server.public()).unwrap();
        let at_server = HopKey::server(cipher, &server, client.public()).unwrap();
        for (writer, reader, plaintext, nonce, ciphertext) in [
            (
                &at_client,
                &at_server,
                &case.request_plaintext,
                &case.request_nonce,
                &case.request_ciphertext,
            ),
            (
                &at_server,
                &at_client,
                &case.reply_plaintext,
                &case.reply_nonce,
                &case.reply_ciphertext,
            ),
        ] {
            let written = writer.encrypt(&plaintext.0, &mut scripted(nonce));
            assert_eq!(written, ciphertext.0, "case {i}");
            assert_eq!(
                reader.decrypt(&ciphertext.0).unwrap(),
                plaintext.0,
                "case {i}"
            );
        }
    }
}

fn v4_request(target: &Target) -> Option<v4::Request> {
    let Target::Server {
        endpoint,
        method,
        headers,
        body,
        ..
    } = target
    else {
        return None;
    };
    Some(v4::Request {
        endpoint: endpoint.clone(),
        method: method.clone(),
        headers: headers.clone().unwrap_or_default().into_iter().collect(),
        body: body.as_ref().map(|body| body.clone().into_bytes()),
    })
}

fn build_case(case: &PacketCase) -> OnionRequest {
    let path: Vec<Hop> = case
        .hops
        .iter()
        .map(|hop| Hop {
            ed25519: hop.ed25519_pk,
            x25519: hop.x25519_pk,
        })
        .collect();
    let mut rng = scripted(&case.rng);
    let (destination, payload) = match &case.destination {
        Target::Snode {
            ed25519_pk,
            x25519_pk,
            payload,
            ..
        } => (
            Destination::Node(Hop {
                ed25519: *ed25519_pk,
                x25519: *x25519_pk,
            }),
            payload.clone().into_bytes(),
        ),
        Target::Server {
            protocol,
            host,
            port,
            x25519_pk,
            ..
        } => {
            let protocol: ServerProtocol = protocol.parse().unwrap();
            (
                Destination::Server {
                    host,
                    port: port.unwrap_or(protocol.default_port()),
                    protocol,
                    target: "/oxen/v4/lsrpc",
                    x25519: *x25519_pk,
                },
                v4_request(&case.destination).unwrap().encode(),
            )
        }
    };
    let request = build_as(
        RequestStyle::Library,
        &path,
        destination,
        &payload,
        cipher(&case.enc_type),
        &mut rng,
    )
    .unwrap();
    rng.assert_used_up();
    request
}

#[test]
fn packets_are_built_byte_for_byte() {
    let cases = load().packets;
    assert!(!cases.is_empty());
    for (i, case) in cases.iter().enumerate() {
        assert_eq!(build_case(case).body, case.packet.0, "case {i}");
    }
}

#[test]
fn packets_are_peeled_hop_by_hop() {
    for (i, case) in load().packets.iter().enumerate() {
        let mut body = case.packet.0.clone();
        let mut server_body = None;
        for layer in &case.layers {
            let hop = &case.hops[layer.hop];
            let node = secret(&hop.x25519_sk);
            assert_eq!(*node.public(), hop.x25519_pk);
            let entry = parse_entry(&body).unwrap();
            assert_eq!(entry.ephemeral_key, layer.ephemeral_pk);
            // Later hops get the same layer with the control JSON of their own.
            if layer.hop == 0 {
                assert_eq!(layer.input.0, body);
            }
            let peeled = peel(&entry, &node).unwrap();
            assert_eq!(
                peeled.key.decrypt(entry.ciphertext).unwrap(),
                layer.decrypted.0
            );
            assert!(layer.decrypted.0.ends_with(layer.routing_json.as_bytes()));
            match peeled.layer {
                Layer::ToNode {
                    destination,
                    ephemeral_key,
                    cipher,
                    ciphertext,
                } => {
                    assert!(layer.routing_json.contains(&destination.to_hex()));
                    assert_eq!(cipher.name(), case.enc_type);
                    assert_eq!(ciphertext, layer.blob.0);
                    body = encode_entry(&ciphertext, &ephemeral_key, cipher, Some(1));
                }
                Layer::ToServer {
                    host,
                    target,
                    protocol,
                    port,
                    body: whole,
                } => {
                    let Target::Server {
                        host: h,
                        protocol: p,
                        port: n,
                        ..
                    } = &case.destination
                    else {
                        panic!("case {i} goes to a node")
                    };
                    assert_eq!((&host, target.as_str()), (h, "/oxen/v4/lsrpc"));
                    assert_eq!(protocol, p.parse().unwrap());
                    assert_eq!(port, n.unwrap_or(protocol.default_port()));
                    assert_eq!(whole, layer.decrypted.0);
                    server_body = Some(whole);
                }
                Layer::Final { .. } => panic!("case {i} ends at a hop of the path"),
            }
        }
        match &case.destination {
            Target::Snode {
                x25519_sk, payload, ..
            } => {
                let entry = parse_entry(&body).unwrap();
                assert_eq!(entry.ephemeral_key, case.final_ephemeral.pk);
                let peeled = peel(&entry, &secret(x25519_sk)).unwrap();
                assert_eq!(
                    peeled.key.decrypt(entry.ciphertext).unwrap(),
                    case.destination_decrypted.0
                );
                assert_eq!(
                    peeled.layer,
                    Layer::Final {
                        request: payload.clone().into_bytes(),
                        json: false,
                        base64: true
                    }
                );
            }
            Target::Server { x25519_sk, .. } => {
                // A server reads the whole layer as an entry blob of its own.
                let body = server_body.expect("the last hop relays to the server");
                let entry = parse_entry(&body).unwrap();
                assert_eq!(entry.ephemeral_key, case.final_ephemeral.pk);
                let key =
                    HopKey::server(entry.cipher, &secret(x25519_sk), &entry.ephemeral_key).unwrap();
                let plaintext = key.decrypt(entry.ciphertext).unwrap();
                assert_eq!(plaintext, case.destination_decrypted.0);
                let read = v4::Request::decode(&plaintext).unwrap();
                let sent = v4_request(&case.destination).unwrap();
                assert_eq!(
                    (&read.endpoint, &read.method),
                    (&sent.endpoint, &sent.method)
                );
                assert_eq!(read.body, sent.body);
                assert_eq!(read.encode(), plaintext);
            }
        }
    }
}

#[test]
fn replies() {
    for (i, case) in load().packets.iter().enumerate() {
        let request = build_case(case);
        assert_eq!(
            request.reply.open(&case.reply_ciphertext.0).unwrap(),
            case.reply_plaintext.0
        );
        let (destination_key, destination_secret) = match &case.destination {
            Target::Snode {
                x25519_pk,
                x25519_sk,
                ..
            }
            | Target::Server {
                x25519_pk,
                x25519_sk,
                ..
            } => (x25519_pk, secret(x25519_sk)),
        };
        assert_eq!(destination_key, destination_secret.public());
        assert_eq!(
            secret(&case.final_ephemeral.sk).public(),
            &case.final_ephemeral.pk
        );
        let key = HopKey::server(
            cipher(&case.enc_type),
            &destination_secret,
            &case.final_ephemeral.pk,
        )
        .unwrap();
        let written = key.encrypt(&case.reply_plaintext.0, &mut scripted(&case.reply_nonce));
        assert_eq!(written, case.reply_ciphertext.0, "case {i}");
        for sealed in case.reply_gcm_fallback.iter().chain(&case.reply_tampered) {
            let opened = request.reply.open(&sealed.ciphertext.0);
            assert_eq!(opened.is_ok(), sealed.ok, "case {i}");
            if let Ok(opened) = opened {
                assert_eq!(opened, case.reply_plaintext.0, "case {i}");
            }
        }
    }
}

#[test]
fn bad_packets_are_refused_by_the_first_hop() {
    let mut seen = 0;
    for case in load().packets {
        let node = secret(&case.hops[0].x25519_sk);
        for bad in &case.first_hop_rejects {
            seen += 1;
            let accepted = match parse_entry(&bad.packet.0) {
                Err(error) => {
                    assert!(
                        error
                            .to_string()
                            .starts_with("Error parsing onion request:")
                    );
                    false
                }
                Ok(entry) => match peel(&entry, &node) {
                    Ok(_) => true,
                    Err(error) => {
                        assert!(matches!(error, PeelError::Ciphertext), "{}", bad.what);
                        assert_eq!(error.to_string(), "Invalid ciphertext");
                        false
                    }
                },
            };
            assert_eq!(accepted, bad.ok, "{}", bad.what);
        }
    }
    assert!(seen > 0);
}

#[test]
fn no_cipher_name_means_aes_gcm() {
    let case = load().default_enc_type;
    let node = secret(&case.x25519_sk);
    assert_eq!(*node.public(), case.x25519_pk);
    let entry = parse_entry(&case.packet.0).unwrap();
    assert_eq!(entry.cipher, OnionCipher::AesGcm);
    let key = HopKey::server(entry.cipher, &node, &entry.ephemeral_key).unwrap();
    assert_eq!(key.decrypt(entry.ciphertext).unwrap(), case.decrypted.0);
}

#[test]
fn cipher_names() {
    let names = load().enc_type_names;
    assert!(!names.is_empty());
    for case in names {
        assert_eq!(
            OnionCipher::from_name(&case.name).is_some(),
            case.ok,
            "{:?}",
            case.name
        );
    }
}

#[test]
fn refused_ciphertexts() {
    let cases = load().rejects;
    assert!(!cases.is_empty());
    for case in cases {
        let cipher = cipher(&case.enc_type);
        let key = match case.role.as_deref() {
            None => {
                let server = secret(case.server_x25519_sk.as_ref().expect("the server's secret"));
                assert_eq!(*server.public(), case.server_x25519_pk);
                HopKey::server(cipher, &server, &case.client_x25519_pk)
            }
            Some("client") => {
                let client = secret(case.client_x25519_sk.as_ref().expect("the client's secret"));
                assert_eq!(*client.public(), case.client_x25519_pk);
                HopKey::client(cipher, &client, &case.server_x25519_pk)
            }
            Some(other) => panic!("unknown role {other}"),
        };
        let opened = key.and_then(|key| key.decrypt(&case.ciphertext.0));
        assert_eq!(opened.is_ok(), case.ok, "{}", case.what);
    }
}
