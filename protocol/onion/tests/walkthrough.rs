//! The request and answer of docs/protocol/walkthrough.md, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test file's helpers"
)]

use data_encoding::HEXLOWER;
use session_crypto::Ed25519Secret;
use session_crypto::X25519Secret;
use session_onion::packet::{
    Destination, Hop, Layer, OnionCipher, ReplyBody, build, encode_forward, encode_reply,
    parse_entry, parse_forward, peel,
};
use session_test_support::ScriptedRng;
use sha2::{Digest, Sha256};

/// The stored message of step 3, base64.
const DATA: &str = "\
    CAESiQMKABIAGoADCAYogNCV/7wxOAFCsALWQnbaZeuDvGMHHS6/kMh7wkukAD7o+hJFXji01bU3FLhNI1f6TWc2Va\
    O++3vx802cQjFQvlSwj/YOlhOSZ18bf+rJSut6hRQt2Alws8yVYNeyCrMfcxH+y7zZend2rwdrJwxO5qfCmxpR/Qur\
    u1Yrjsc2yOBPFju8EaJIDk1n2J4ITckvkEvcllltMgqVnrXYQRlJYbFDmZOG5kS5jvyr1exLdQa8ZK0kBsKdjTp7Nk\
    Yof4ux/xtndpz4Aft+nI/2HAqt0CL3bOjWgc+3lmMd0KW1gwEqp9AI3No1ZayzNOaNd89b/pV98ciKbn5dmWk0zbsr\
    Eq8zSpARiHLmB8B8DWu5BW1yM5DgMMT2MfHY+TdUtgKb1gwwcu3ZfCkVEE4WyGALayfkx8xy67OU9zzVWkAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAA=";

/// The answer text of step 7.
const RESULT: &[&str] = &[
    r#"{"results":[{"body":{"hash":"to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s","hf":[19,4"#,
    r#"],"swarm":{"29e5833a915a6429a4e3a7948475c338ef436eb82be89c92f059704403db9d55":{"expi"#,
    r#"ry":1701209600000,"hash":"to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s","signature":""#,
    r#"7Sjb8XuSwWIQcwJsOHt24sixDuwhvp9r7WKKh3usgI01jCJielKNXQZHMTPiCNgwulhm41+ACCpz5cLc9tv7"#,
    r#"DQ=="},"acf12b4acc1c660a8326aed34039efb728a5e496488240f50a932ab7aba51751":{"expiry":"#,
    r#"1701209600000,"hash":"to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s","signature":"JfDx"#,
    r#"HIeOg4hL51hBrW+SiN+BSlYY4h1Ophe9qBImtwJpQcZ1Y3JGFJ5zmwG9uimIHpjxrav49eWNA5XB7+sFBA=="#,
    r#"","t":1700000000080},"bc7cbcb5636375fa1d82434d466724d92377f53b980695dd49d26d0ce12205"#,
    r#"a5":{"expiry":1701209600000,"hash":"to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s","si"#,
    r#"gnature":"dG8/2Qe+9ZlVKA4cKVlTkr16XYEsXAmOf4HH8xb32zm/6alx0Qrv2KlaiwfNUxjqMw3g6nnbPl"#,
    r#"qDZWg/5sKECw=="}},"t":1700000000080},"code":200}]}"#,
];

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Node k has the Ed25519 seed (a0 + k) repeated; its X25519 key is the conversion.
fn node(k: u8) -> (Hop, X25519Secret) {
    let identity = Ed25519Secret::from_seed([0xa0 + k; 32]);
    let x25519 = identity.to_x25519();
    (
        Hop {
            ed25519: *identity.public(),
            x25519: *x25519.public(),
        },
        x25519,
    )
}

fn store_request() -> String {
    let request = format!(
        concat!(
            r#"{{"jsonrpc":"2.0","method":"sequence","params":{{"requests":[{{"method":"store","#,
            r#""params":{{"pubkey":"05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a","#,
            r#""timestamp":1700000000000,"namespace":0,"ttl":1209600000,"data":"{}"}}}}]}}}}"#
        ),
        DATA
    );
    assert_eq!(request.len(), 768);
    assert_eq!(
        sha256(request.as_bytes()),
        "3b4b66fb7ae0185a9f81e58b638ba05eb9e6243e03dbe7fc72698d1c226ff9e4"
    );
    request
}

#[test]
fn one_message_through_the_system() {
    let request = store_request();
    let path = [node(0).0, node(2).0, node(4).0];
    let destination = node(3).0;
    let mut rng = ScriptedRng::default();
    for byte in [0xd3, 0xd4, 0xd2, 0xd0] {
        rng.push(&[byte; 32]);
        rng.push(&[byte; 12]);
    }
    let onion = build(
        &path,
        Destination::Node(destination),
        request.as_bytes(),
        OnionCipher::AesGcm,
        &mut rng,
    )
    .unwrap();
    rng.assert_used_up();
    assert_eq!(onion.body.len(), 1538);
    assert_eq!(
        sha256(&onion.body),
        "64aa78006672802742932f8bf916d781e17d9f2e92301651e4e448367a391725"
    );

    // Each hop takes its layer off and hands the next one on.
    let mut body = onion.body.clone();
    let steps: [(u8, u8, usize, &str, &str); 3] = [
        (
            0,
            2,
            1450,
            "dc368e73abaf58b005f27d317bb071af588458cf3474011dd6321ce4727bf5a0",
            "b25dc5485163369e179437bb72fe4bd4a142482682c302d66a3a2d4865c3fd0b",
        ),
        (
            2,
            4,
            1253,
            "b8e717124096f3114a8c3490d32eba9d88c01ddfe92249358b42abcef261c8dc",
            "50bb406cf2cc8b70ffaf66973d06c7324549d29f77602828dadad475021b107a",
        ),
        (
            4,
            3,
            1056,
            "58ce1a9d8dd1c238865650153aa007da672285f90e827fb3376440978f1ea1d9",
            "c687135f1e118c6f85eaefea7e4a840fc1f73614d16a39b2b02674ab022cc131",
        ),
    ];
    for (hop_no, (k, next, size, hash, ephemeral)) in steps.into_iter().enumerate() {
        let entry = if hop_no == 0 {
            parse_entry(&body).unwrap()
        } else {
            parse_forward(&body).unwrap()
        };
        assert_eq!(entry.ciphertext.len(), size);
        assert_eq!(sha256(entry.ciphertext), hash);
        assert_eq!(entry.ephemeral_key.to_hex(), ephemeral);
        assert_eq!(usize::try_from(entry.hop_no).unwrap(), hop_no);
        let peeled = peel(&entry, &node(k).1).unwrap();
        let Layer::ToNode {
            destination,
            ephemeral_key,
            cipher,
            ciphertext,
        } = peeled.layer
        else {
            unreachable!("node {k} relays to a node")
        };
        assert_eq!(destination, node(next).0.ed25519);
        let forward = encode_forward(&ciphertext, &ephemeral_key, cipher, entry.next_hop_no());
        if k == 0 {
            let mut expected = b"d4:data1253:".to_vec();
            expected.extend_from_slice(&ciphertext);
            expected.extend_from_slice(b"8:enc_type7:aes-gcm13:ephemeral_key32:");
            expected.extend_from_slice(ephemeral_key.as_bytes());
            expected.extend_from_slice(b"6:hop_noi1ee");
            assert_eq!(forward, expected);
        }
        body = forward;
    }

    let entry = parse_forward(&body).unwrap();
    assert_eq!(entry.hop_no, 3);
    assert_eq!(entry.ciphertext.len(), 859);
    assert_eq!(
        sha256(entry.ciphertext),
        "2f451ef682c5bb1461b7ae2b140fe9114ad03c4c35ae77faf9d2b9e2a4ca0288"
    );
    let peeled = peel(&entry, &node(3).1).unwrap();
    assert_eq!(
        peeled.layer,
        Layer::Final {
            request: request.into_bytes(),
            json: false,
            base64: true
        }
    );

    // Step 7: the answer back.
    let result = RESULT.concat();
    assert_eq!(
        sha256(result.as_bytes()),
        "df46e4987d345364854d7b53320ec107a0ed265f2e9bb1597522e373ebbf968f"
    );
    let mut rng = ScriptedRng::default();
    rng.push(&[0xee; 12]);
    let reply = encode_reply(
        &peeled.key,
        200,
        ReplyBody::Json(&result),
        false,
        true,
        &mut rng,
    );
    rng.assert_used_up();
    assert_eq!(reply.len(), 1328);
    assert!(reply.starts_with(b"7u7u7u7u7u7u7u7ugsnrG/PF8uQwfbVa"));
    assert!(reply.ends_with(b"5qwk/nqX7buK6WOn"));
    let raw = data_encoding::BASE64.decode(&reply).unwrap();
    assert_eq!(
        sha256(&raw),
        "1e9ea506e649d5e1152a8eb3951e8cf2fb8d3e5bdef34e735f722f3f194e8f75"
    );

    let opened = onion.reply.open_node_reply(&reply).unwrap();
    assert_eq!(opened.status, 200);
    assert_eq!(opened.body, result);
    let wrapped = format!(r#"{{"result":"{}"}}"#, String::from_utf8(reply).unwrap());
    assert_eq!(
        onion.reply.open_node_reply(wrapped.as_bytes()).unwrap(),
        opened
    );
}
