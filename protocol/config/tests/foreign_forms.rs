//! Signed messages that another program wrote in its own way keep the bytes their signature covers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use session_config::{ConfigError, GroupInfo, Incoming, SharedConfig, seal};
use session_crypto::Ed25519Secret;
use session_types::{GroupId, Timestamp};

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const KEY: [u8; 32] = [0xbb; 32];
const DOMAIN: &str = "groups::Info";

/// Forms this crate would write differently: no list of lagged diffs, entries outside the window,
/// no diff, a key before the signature that it does not know, all of them, and one it writes itself.
const FORMS: [&str; 6] = [
    "d1:#i9e1:&d1:n3:Anne1:=d1:n0:e",
    "d1:#i9e1:&d1:n3:Anne1:<lli2e32:abcdefghijklmnopqrstuvwxyz012345deee1:=d1:n0:e",
    "d1:#i9e1:&d1:n3:Anne1:<le",
    "d1:#i9e1:&d1:n3:Anne1:<le1:=d1:n0:e1:Xi1e",
    "d1:#i9e1:$i1e1:&d1:n3:Anne1:Xi1e",
    "d1:#i9e1:&d1:n3:Anne1:<le1:=d1:n0:e",
];

fn admin() -> Ed25519Secret {
    Ed25519Secret::from_seed([3; 32])
}

fn id() -> GroupId {
    GroupId::from_ed25519(*admin().public())
}

fn with_keys(mut info: GroupInfo) -> GroupInfo {
    info.set_encryption_keys(&[KEY]);
    info
}

fn new(admin: Option<&Ed25519Secret>) -> GroupInfo {
    with_keys(GroupInfo::new(id(), admin).unwrap())
}

fn signed(open: &str) -> Vec<u8> {
    let signature = admin().sign(open.as_bytes());
    [open.as_bytes(), b"1:~64:", signature.as_bytes(), b"e"].concat()
}

fn stored(plain: &[u8]) -> Vec<u8> {
    let mut padded = vec![0; seal::padded_size(plain.len()) - plain.len()];
    padded.extend_from_slice(plain);
    seal::encrypt(&padded, &KEY, DOMAIN).unwrap()
}

fn merge(info: &mut GroupInfo, data: &[u8]) -> Result<usize, ConfigError> {
    let incoming = [Incoming { hash: "h", data }];
    info.merge(&incoming, NOW)
        .map(|merged| merged.accepted.len())
}

/// What a push holds, without padding.
fn pushed(info: &mut GroupInfo) -> Vec<u8> {
    let push = info.push(NOW).unwrap();
    let padded = seal::decrypt(&push.messages[0], &KEY, DOMAIN).unwrap();
    let zeros = padded.iter().take_while(|byte| **byte == 0).count();
    padded[zeros..].to_vec()
}

#[test]
fn stored_anew_they_are_the_same_bytes() {
    for open in FORMS {
        let plain = signed(open);
        for admin in [None, Some(&admin())] {
            let mut device = new(admin);
            assert_eq!(merge(&mut device, &stored(&plain)).unwrap(), 1);
            assert_eq!(device.name(), "Ann");
            assert!(!device.needs_push());
            assert_eq!(pushed(&mut device), plain, "{open}");

            let dump = device.dump(NOW);
            let mut device = with_keys(GroupInfo::load(id(), admin, &dump).unwrap());
            assert_eq!(pushed(&mut device), plain, "{open}, saved");
        }
    }
}

/// The next version refers to the bytes others have, so nobody sees a conflict.
#[test]
fn the_next_version_follows_them() {
    for open in FORMS {
        let plain = signed(open);
        let mut changing = new(Some(&admin()));
        let mut reading = new(None);
        for device in [&mut changing, &mut reading] {
            merge(device, &stored(&plain)).unwrap();
        }
        changing.set_name("Bea").unwrap();
        let push = changing.push(NOW).unwrap();
        assert_eq!(push.seqno, 10);
        assert_eq!(merge(&mut reading, &push.messages[0]).unwrap(), 1);
        assert_eq!(reading.name(), "Bea");
        assert!(!reading.needs_push());
    }
}

/// A saved message whose signature does not cover it, as other programs may have left it, is
/// signed anew by who can.
#[test]
fn a_false_signature_in_a_saved_state_is_not_passed_on() {
    let rewritten = FORMS[5];
    let signature = admin().sign(FORMS[0].as_bytes());
    let saved = [rewritten.as_bytes(), b"1:~64:", signature.as_bytes(), b"e"].concat();
    let dump = [
        format!("d1:!i0e1:${}:", saved.len()).as_bytes(),
        &saved,
        b"1:(le1:)le1:*de1:+dee",
    ]
    .concat();
    let mut device = with_keys(GroupInfo::load(id(), Some(&admin()), &dump).unwrap());
    assert_eq!(device.name(), "Ann");
    assert_eq!(pushed(&mut device), signed(rewritten));
}
