//! Encodings, ciphertexts, files, onion packets: mostly straight from the vectors.

use serde_json::Value;
use session_crypto::attachment::{self, Domain, legacy};
use session_crypto::name::SessionName;
use session_crypto::{X25519Secret, picture, push};
use session_fuzz::SecretStream;
use session_fuzz::actors::{alice, node, rng};
use session_onion::hop_error::HopFailure;
use session_onion::packet::{
    Destination, Hop, OnionCipher, ServerProtocol, build, encode_forward, parse_entry,
};
use session_onion::v4;
use session_test_support::vectors::hex;

use crate::{Seeds, cases, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    encodings(seeds);
    names_and_keys(seeds);
    ciphertexts(seeds);
    files(seeds);
    onions(seeds);
    hops(seeds);
    transfers(seeds);
}

fn transfers(seeds: &mut Seeds) {
    for block in [
        "16:d1:#1:71:!3:GETe",
        "16:d1:!3:GET1:#1:7e",
        "60:d1:!3:GET1:#44:1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1se",
        "17:d1:!3:PUT1:si13eehello session",
        "24:d1:!3:PUT1:si13e1:ti60eehello session",
        "0010:d1:!3:PUTe",
        "35:d1:!3:PUT1:si18446744073709551615ee",
        "13:d1:!6:DELETEe",
        "17:d1:!3:PUT1:si-1ee",
    ] {
        seeds.add("file_transfer", &[block.as_bytes()]);
    }
}

fn encodings(seeds: &mut Seeds) {
    for case in cases(&vectors("bencode.json"), "cases") {
        let bytes = hex(&case["bytes"]);
        seeds.add("bt_strict", &[&bytes]);
        seeds.add("bt_lenient", &[&bytes]);
    }
    for case in cases(&vectors("zstd.json"), "decompress") {
        let bound = u16::MAX.to_le_bytes();
        seeds.add("zstd_frame", &[&bound, &hex(&case["frame"])]);
    }
    let words = vectors("mnemonic.json");
    for case in cases(&words, "encode")
        .iter()
        .chain(cases(&words, "decode"))
    {
        seeds.add("mnemonic", &[case["words"].as_str().unwrap().as_bytes()]);
    }
}

fn names_and_keys(seeds: &mut Seeds) {
    let keys = vectors("keys.json");
    for case in cases(&keys, "verify") {
        let (key, signature) = (hex(&case["ed25519_pk"]), hex(&case["signature"]));
        seeds.add("keys", &[&key, &signature, &hex(&case["message"])]);
    }
    for message in [&b""[..], b"message", &[0; 64]] {
        let signature = node(1).sign(message);
        let key = *node(1).public();
        seeds.add("keys", &[key.as_bytes(), signature.as_bytes(), message]);
    }
    for case in cases(&keys, "pubkey_conversion") {
        seeds.add("keys", &[&hex(&case["ed25519_pk"])]);
    }
    for case in cases(&vectors("blinding.json"), "cases").iter().take(4) {
        each_text(case, &mut |text| {
            if text.len() == 66 {
                seeds.add("identifiers", &[text.as_bytes()]);
            }
        });
    }
    for text in [
        "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s",
        "0-_z",
        "Hloth",
        &"f".repeat(64),
        &alice().account_id().to_hex(),
    ] {
        seeds.add("identifiers", &[text.as_bytes()]);
    }
    seeds.add("identifiers", &[&alice().account_id().to_bytes()]);
    for case in cases(&vectors("ons.json"), "cases") {
        let (name, value) = (case["name"].as_str().unwrap(), hex(&case["ciphertext"]));
        if let Some(nonce) = case["nonce"].as_str().filter(|nonce| nonce.len() == 48) {
            let nonce = hex(&Value::from(nonce));
            let length = [u8::try_from(name.len()).unwrap()];
            seeds.add("name_value", &[&nonce, &length, name.as_bytes(), &value]);
        }
    }
    let name: SessionName = "keejef".parse().unwrap();
    let (value, nonce) = name.encrypt(&alice().account_id(), &mut rng());
    seeds.add("name_value", &[&nonce, &[6], b"keejef", &value]);
    let account = alice().account_id().to_bytes();
    seeds.add("name_value", &[&nonce, &[6], b"keejef", &account]);
}

fn ciphertexts(seeds: &mut Seeds) {
    for case in cases(&vectors("session_encrypt.json"), "decrypt") {
        let key = hex(&case["recipient_key"]);
        seeds.add(
            "sealed_messages",
            &[&[0], &key[..32], &hex(&case["ciphertext"])],
        );
    }
    for case in cases(&vectors("session_encrypt.json"), "sign_for_recipient") {
        seeds.add("sealed_messages", &[&[1], &hex(&case["signed"])]);
    }
    for case in cases(&vectors("multi_encrypt.json"), "decrypt_simple")
        .iter()
        .step_by(7)
    {
        let (seed, sender) = (
            hex(&case["recipient_seed"]),
            hex(&case["sender_ed25519_pk"]),
        );
        let container = hex(&case["encoded"]);
        seeds.add("sealed_messages", &[&[2], &seed, &sender, &container]);
        seeds.add("sealed_messages", &[&[5], &container]);
    }
    seeds.add("sealed_messages", &[&[3], b"hello"]);
    for case in cases(&vectors("blinded_messages.json"), "decrypt")
        .iter()
        .step_by(5)
    {
        let (key, from) = (hex(&case["key"]), hex(&case["sender_id"]));
        let (to, message) = (hex(&case["recipient_id"]), hex(&case["ciphertext"]));
        seeds.add("sealed_messages", &[&[4], &key[..32], &from, &to, &message]);
    }
    for case in cases(&vectors("push_notification.json"), "cases") {
        seeds.add(
            "push_notification",
            &[&hex(&case["key"]), &hex(&case["payload"])],
        );
    }
    for plain in [
        &b"l2:{}e"[..],
        b"l2:{}4:datae",
        b"l2:{}4:data5:extrae\0\0\0",
        b"ld1:ai1ee4:datae",
    ] {
        seeds.add("push_notification", &[plain]);
    }
    let payload = push::seal(&[7; 32], r#"{"h":"x"}"#, Some(b"data"), &mut rng());
    seeds.add("push_notification", &[&[7; 32], &payload]);
    for length in [0, 1, 100] {
        let sealed = picture::encrypt(&vec![1; length], &mut rng()).unwrap();
        seeds.add("picture", &[&*sealed.key, &sealed.blob]);
    }
}

fn files(seeds: &mut Seeds) {
    for case in cases(&vectors("attachments.json"), "decrypt") {
        if let Some(file) = case["encrypted"].as_str() {
            let file = hex(&Value::from(file));
            let cut = &file[..file.len().min(3000)];
            seeds.add("attachment_stream", &[&[0], &hex(&case["key"]), cut]);
        }
    }
    let (file, key) = attachment::encrypt(&[7; 32], Domain::Attachment, b"hello").unwrap();
    seeds.add("attachment_stream", &[&[2], key.key(), &file[..3000]]);
    let mut stream = SecretStream::new(&[7; 32], &[9; 24]);
    let file = [&b"S"[..], &[9; 24], &stream.push(3, b"\x01hello")].concat();
    seeds.add("attachment_stream", &[&[4], &[7; 32], &file]);
    let chunk = |tag: u8, zeros: u16, marker: u8, tail: u16| {
        let [z0, z1] = zeros.to_le_bytes();
        let [t0, t1] = tail.to_le_bytes();
        [tag, z0, z1, marker, t0, t1]
    };
    let whole = chunk(0, 100, 1, 32_667);
    for script in [
        vec![chunk(3, 0, 1, 5)],
        vec![chunk(3, 20, 1, 0)],
        vec![chunk(3, 20, 2, 0)],
        vec![chunk(3, 20, 0, 0)],
        vec![whole, chunk(3, 0, 1, 0)],
        vec![whole, whole, chunk(3, 0, 7, 99)],
        vec![chunk(0, 32_767, 0, 0), chunk(3, 0, 1, 32_767)],
        vec![chunk(0, 0, 1, 5), chunk(3, 0, 1, 5)],
        vec![whole, chunk(2, 0, 1, 5)],
    ] {
        for step in [1, 255] {
            seeds.add("attachment_stream", &[&[step], script.as_flattened()]);
        }
    }

    for length in [0, 5, 600] {
        let (file, pointer) = legacy::encrypt(&vec![3; length], &mut rng()).unwrap();
        seeds.add("attachment_legacy", &[&[0], &*pointer.key, &file]);
        seeds.add("attachment_legacy", &[&[84], &*pointer.key, &file]);
    }
    for (size, plain) in [
        ([0xff; 3], &b"0123456789abcde\x01"[..]),
        ([5, 0, 0], b"0123456789abc\x03\x03\x03"),
        ([0, 0, 0], &[16; 16]),
        ([15, 0, 0], &[16; 32]),
        ([17, 0, 0], &[16; 32]),
        ([0xff; 3], &[0; 16]),
        ([0xff; 3], &[17; 32]),
    ] {
        for step in [1, 7, 255] {
            seeds.add("attachment_legacy", &[&[step], &size, plain]);
        }
    }
}

fn onions(seeds: &mut Seeds) {
    let file = vectors("onion.json");
    for packet in cases(&file, "packets") {
        seeds.add("onion_entry", &[&hex(&packet["packet"])]);
        let cipher = [u8::from(packet["enc_type"] == "xchacha20")];
        for layer in cases(packet, "layers") {
            seeds.add("onion_layer", &[&cipher, &hex(&layer["decrypted"])]);
        }
        seeds.add(
            "onion_layer",
            &[&cipher, &hex(&packet["destination_decrypted"])],
        );
        if packet["destination"]["type"] == "server" {
            seeds.add("onion_v4", &[&hex(&packet["destination_decrypted"])]);
        }
    }
    for control in [
        r#"{"headers":""}"#,
        r#"{"headers":{},"json":true,"base64":false}"#,
        r#"{"host":"open.getsession.org","target":"/oxen/v4/lsrpc","port":443,"protocol":"https"}"#,
        r#"{"host":"[::1]","target":"/loki/v3/lsrpc"}"#,
        r#"{"host":"a@b","target":"/loki/../lsrpc","port":0}"#,
        r#"{"enc_type":"gcm"}"#,
        "[]",
    ] {
        for cipher in 0..3 {
            let frame = [&2u32.to_le_bytes()[..], b"{}", control.as_bytes()].concat();
            seeds.add("onion_layer", &[&[cipher], &frame]);
        }
    }

    let hop = |number| Hop {
        ed25519: *node(number).public(),
        x25519: *node(number).to_x25519().public(),
    };
    let server = Destination::Server {
        host: "open.getsession.org",
        port: 443,
        protocol: ServerProtocol::Https,
        target: "/oxen/v4/lsrpc",
        x25519: *X25519Secret::from_bytes([4; 32]).public(),
    };
    for cipher in [
        OnionCipher::AesGcm,
        OnionCipher::XChaCha20,
        OnionCipher::AesCbc,
    ] {
        for destination in [Destination::Node(hop(3)), server] {
            let path = [hop(1), hop(2)];
            let request = build(&path, destination, b"{}", cipher, &mut rng()).unwrap();
            seeds.add("onion_entry", &[&request.body]);
            let entry = parse_entry(&request.body).unwrap();
            let forward = encode_forward(entry.ciphertext, &entry.ephemeral_key, cipher, 3);
            seeds.add("onion_entry", &[&forward]);
        }
    }
    let mut request = v4::Request {
        endpoint: "/batch?x=1".to_owned(),
        method: "POST".to_owned(),
        headers: v4::Headers::from([("X-SOGS-Nonce".to_owned(), "abc".to_owned())]),
        body: Some(b"[]".to_vec()),
    };
    seeds.add("onion_v4", &[&request.encode()]);
    request.body = None;
    seeds.add("onion_v4", &[&request.encode()]);
    let response = v4::Response {
        code: 200,
        headers: v4::Headers::new(),
        body: b"{}".to_vec(),
    };
    seeds.add("onion_v4", &[&response.encode()]);
    seeds.add("onion_v4", &[br#"l12:{"code":404}e"#]);
    seeds.add("onion_v4", &[br#"l32:{"endpoint":"/x","method":"GET"}e"#]);
}

fn hops(seeds: &mut Seeds) {
    let key = *node(1).public();
    for failure in [
        HopFailure::Busy,
        HopFailure::Congested,
        HopFailure::InvalidCiphertext,
        HopFailure::InvalidResponse,
        HopFailure::NextNodeNotFound(key),
        HopFailure::NextNodeUnreachable(key),
        HopFailure::NodeNotReady(key),
        HopFailure::NotReady("shutting down".to_owned()),
        HopFailure::PathTooLong,
        HopFailure::TimedOut,
    ] {
        seeds.add("hop_failure", &[&[3], failure.text().as_bytes()]);
    }
    let replies = [
        r#"{"body":"{\"t\":1}","status":200}"#,
        r#"{"body":{"t":1},"status":200}"#,
        r#"{"status":421,"body":null}"#,
        r#"l20:{"code":200,"x":"y"}2:hie"#,
        "Invalid json",
    ];
    for reply in replies {
        for cipher in 0..3 {
            for (by, form) in [(3, 0), (3, 1), (3, 2), (1, 0), (4, 0)] {
                let choice = cipher + 3 * by + 15 * form;
                seeds.add("onion_reply", &[&[choice], reply.as_bytes()]);
            }
        }
    }
}

fn each_text(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, found)),
        Value::Object(map) => map.values().for_each(|value| each_text(value, found)),
        _ => {}
    }
}
