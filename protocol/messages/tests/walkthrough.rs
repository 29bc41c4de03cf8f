//! The worked example of docs/protocol/client.md section 4.7, messages.md section 11 and
//! walkthrough.md steps 3 and 9: `hello` from Alice to Bob, byte by byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use data_encoding::{BASE64, HEXLOWER};
use prost::Message;
use rand_core::{Infallible, TryCryptoRng, TryRng};
use session_crypto::group_message::{self, Framing};
use session_crypto::hash::{blake2b, message_hash};
use session_crypto::{AccountKeys, Ed25519Secret, direct};
use session_messages::{
    Content, ContentKind, Expiration, decode_direct, decode_group, encode_direct_deterministic,
    open_direct, proto,
};
use session_types::{GroupId, Namespace, SwarmPubkey, Timestamp};
use sha2::{Digest, Sha256};

const TIME: Timestamp = Timestamp::from_ms(1_700_000_000_000);

const BASE64_STORED: &str = "\
CAESiQMKABIAGoADCAYogNCV/7wxOAFCsALWQnbaZeuDvGMHHS6/kMh7wkukAD7o+hJFXji01bU3FLhNI1f6TWc2VaO++3vx802c\
QjFQvlSwj/YOlhOSZ18bf+rJSut6hRQt2Alws8yVYNeyCrMfcxH+y7zZend2rwdrJwxO5qfCmxpR/Quru1Yrjsc2yOBPFju8EaJI\
Dk1n2J4ITckvkEvcllltMgqVnrXYQRlJYbFDmZOG5kS5jvyr1exLdQa8ZK0kBsKdjTp7NkYof4ux/xtndpz4Aft+nI/2HAqt0CL3\
bOjWgc+3lmMd0KW1gwEqp9AI3No1ZayzNOaNd89b/pV98ciKbn5dmWk0zbsrEq8zSpARiHLmB8B8DWu5BW1yM5DgMMT2MfHY+TdU\
tgKb1gwwcu3ZfCkVEE4WyGALayfkx8xy67OU9zzVWkAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAIAA=";

fn alice() -> AccountKeys {
    AccountKeys::from_mnemonic(
        "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept",
    )
    .unwrap()
}

fn bob() -> AccountKeys {
    AccountKeys::from_mnemonic(
        "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed",
    )
    .unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[test]
fn alice_encodes() {
    let (alice, bob) = (alice(), bob());
    assert_eq!(
        bob.account_id().to_hex(),
        "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a"
    );
    let content = Content::text("hello").unwrap();
    assert_eq!(
        HEXLOWER.encode(&content.encode(TIME)),
        "0a070a0568656c6c6f600068007880d095ffbc31"
    );
    let padded = session_encoding::padding::pad(&content.encode(TIME));
    assert_eq!(padded.len(), 160);
    let signed = direct::sign_for_recipient(alice.ed25519(), bob.account_id().x25519(), &padded);
    assert_eq!(signed.len(), 256);
    assert_eq!(
        HEXLOWER.encode(&signed[192..]),
        "2d2c37b5fc3e596e691c8bc7ddc46bfccd5ebd37e7cb5736cfd60f5d53c22b5fe80995f05830494712939474ef5de736a61b794bca8a835b836c3825956ea30f"
    );
    let sealed =
        direct::encrypt_deterministic(alice.ed25519(), bob.account_id().x25519(), &padded).unwrap();
    assert_eq!(sealed.len(), 304);
    assert_eq!(
        sha256(&sealed),
        "eeedb5c4705f992fae212be963ee411a56a8539512c5b69464a7c393a9c02acf"
    );

    let data = encode_direct_deterministic(&content, &alice, &bob.account_id(), TIME).unwrap();
    assert_eq!(data.len(), 398);
    assert_eq!(
        sha256(&data),
        "1bf4503e1f0d10c3532438adc9cf7a3837d4de90e90b3f3fe017580118b66420"
    );
    assert_eq!(BASE64.encode(&data), BASE64_STORED);
    assert_eq!(BASE64_STORED.len(), 532);
    let owner = SwarmPubkey::from(bob.account_id());
    assert_eq!(
        message_hash(&owner, Namespace::DEFAULT, &data).as_str(),
        "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s"
    );
}

#[test]
fn bob_decodes() {
    let bob = bob();
    let data = BASE64.decode(BASE64_STORED.as_bytes()).unwrap();
    let hex = HEXLOWER.encode(&data);
    // Frame: type 1, request of 393 bytes with verb "", path "", a body of 384 bytes.
    assert!(hex.starts_with("08011289030a0012001a80030806"));
    // Envelope: type 6, time, device 1, content of 304 bytes.
    assert!(hex.contains("1a800308062880d095ffbc31380142b002d64276da"));
    assert!(hex.ends_with(&format!("5a40{}2000", "00".repeat(64))));

    let opened = open_direct(&data, &bob).unwrap();
    assert_eq!(
        HEXLOWER.encode(&opened.sealed[..32]),
        "d64276da65eb83bc63071d2ebf90c87bc24ba4003ee8fa12455e38b4d5b53714"
    );
    let nonce = blake2b::<24>(&[&opened.sealed[..32], bob.x25519().public().as_bytes()]);
    assert_eq!(
        HEXLOWER.encode(&nonce),
        "c9b72d69135a64648e3c5cff3f402568e8d1b73c9791a77d"
    );
    assert_eq!(
        HEXLOWER.encode(&opened.content),
        "0a070a0568656c6c6f600068007880d095ffbc31"
    );

    let incoming = decode_direct(&data, &bob).unwrap();
    assert_eq!(
        incoming.sender.to_hex(),
        "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72"
    );
    assert_eq!(incoming.sent_at, TIME);
    assert_eq!(incoming.content.sig_timestamp(), Some(TIME));
    assert_eq!(incoming.content.expiration(), Expiration::Off);
    assert_eq!(incoming.pro, None);
    let ContentKind::Visible(message) = incoming.content.kind() else {
        panic!("not a visible message")
    };
    assert_eq!(message.body().unwrap().as_str(), "hello");
}

#[test]
fn alice_keeps_a_copy() {
    let (alice, bob) = (alice(), bob());
    let copy = Content::text("hello")
        .unwrap()
        .sync_copy(&bob.account_id())
        .unwrap();
    let data = encode_direct_deterministic(&copy, &alice, &alice.account_id(), TIME).unwrap();
    let incoming = decode_direct(&data, &alice).unwrap();
    assert_eq!(incoming.sender, alice.account_id());
    assert_eq!(incoming.conversation(), &bob.account_id());
    assert_eq!(
        SwarmPubkey::from(alice.account_id()).position().get(),
        0x3a61_881b_07f5_be84
    );
}

/// Zeros where the decoy belongs, and `cc` as nonce.
#[test]
fn alice_writes_to_a_group() {
    let key = [0xbb; 32];
    let group_key = Ed25519Secret::from_seed([0xaa; 32]);
    let group = GroupId::from_ed25519(*group_key.public());
    assert_eq!(
        group.to_hex(),
        "03e734ea6c2b6257de72355e472aa05a4c487e6b463c029ed306df2f01b5636b58"
    );
    let envelope = proto::Envelope {
        r#type: Some(proto::envelope::Type::ClosedGroupMessage.into()),
        timestamp: Some(TIME.as_ms()),
        source_device: Some(1),
        content: Some(Content::text("hello").unwrap().encode(TIME)),
        pro_sig: Some(vec![0; 64]),
        ..Default::default()
    };
    let framing = Framing {
        compress: false,
        ..Framing::default()
    };
    let data = group_message::encrypt(
        alice().ed25519(),
        group.ed25519(),
        &key,
        &envelope.encode_to_vec(),
        framing,
        &mut Constant(0xcc),
    )
    .unwrap();
    assert_eq!(data.len(), 512);
    assert_eq!(
        sha256(&data),
        "903390767451aa8e195df386e8db82036ec8f79ecbe48f27dd15cc06a3fc9ba0"
    );
    assert_eq!(
        HEXLOWER.encode(&data[24..48]),
        "90a060e90d72f465c3333d2690a6b668051b706731824cdc"
    );
    let incoming = decode_group(&data, &group, [&key]).unwrap();
    assert_eq!(incoming.sender, alice().account_id());
    assert_eq!(
        incoming.content.kind(),
        Content::text("hello").unwrap().kind()
    );
}

/// Gives one byte for ever.
struct Constant(u8);

impl TryRng for Constant {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_ne_bytes([self.0; 4]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_ne_bytes([self.0; 8]))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Constant {}
