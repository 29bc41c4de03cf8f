//! Registrations and notifications (docs/protocol/node.md section 11).
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use session_crypto::Ed25519Secret;
use session_storage_rpc::monitor::{
    self, ErrorCode, MonitorRequest, Notification, Refusal, Registration, signed_text,
};
use session_storage_rpc::{
    AccountSigner, GroupAdminSigner, Permissions, SubaccountSigner, SubaccountToken,
};
use session_types::{AccountId, Namespace, Signature, SwarmPubkey, Timestamp};
use sha2::{Digest as _, Sha256};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const DAY: u64 = 24 * 3600;

fn account() -> Ed25519Secret {
    Ed25519Secret::from_seed(Sha256::digest(b"acct").into())
}

fn namespaces(values: &[i16]) -> Vec<Namespace> {
    values.iter().copied().map(Namespace::new).collect()
}

fn by_group(time: Timestamp) -> Registration {
    let key = account();
    let signer = GroupAdminSigner::new(&key);
    Registration::signed(&signer, namespaces(&[23, -5, 0]), true, time)
}

fn code(result: Result<(), Refusal>) -> Option<ErrorCode> {
    result.err().map(|refusal| refusal.code)
}

/// What a node finds out about a request with one registration.
fn judge(body: &[u8]) -> Option<ErrorCode> {
    let request = match MonitorRequest::decode(body) {
        Ok(request) => request,
        Err(refusal) => return Some(refusal.code),
    };
    assert_eq!(request.registrations.len(), 1);
    match request.registrations.into_iter().next().unwrap() {
        Ok(registration) => code(registration.verify(NOW)),
        Err(refusal) => Some(refusal.code),
    }
}

#[test]
fn the_vector_of_section_11() {
    let registration = by_group(NOW);
    let owner = "03663e91a2378cf6103b2f977d2097a1ecf7ad5d46cbdefd6a2345ee7e239694f8";
    assert_eq!(registration.owner.to_hex(), owner);
    assert_eq!(
        signed_text(
            &registration.owner,
            registration.time,
            true,
            &registration.namespaces
        ),
        format!("MONITOR{owner}17000000001-5,0,23"),
    );
    assert_eq!(
        registration.auth.signature,
        Signature::new(
            data_encoding::HEXLOWER
                .decode(
                    b"6f3ed5b1fd305c4531e8141fe542d8a6a4cb909f58028156cbba7a84ef51077a\
                      9fefb2d7d23f62ff142984597755a4dd07824ee0e892148967f89030e31d3909"
                )
                .unwrap()
                .try_into()
                .unwrap()
        )
    );
}

#[test]
fn every_kind_of_account_registers() {
    let key = account();
    let account_id = AccountId::from_x25519(*key.to_x25519().public());
    let own = Registration::signed(
        &AccountSigner::new(account_id, &key),
        namespaces(&[0]),
        false,
        NOW,
    );
    assert_eq!(judge(&own.encode()), None);
    assert_eq!(judge(&by_group(NOW).encode()), None);

    let member = Ed25519Secret::from_seed([9; 32]);
    let owner = SwarmPubkey::new(3, *key.public().as_bytes());
    let with = |permissions| {
        let token = SubaccountToken::new(3, permissions, member.public());
        let signature = key.sign(token.as_bytes());
        let signer =
            SubaccountSigner::new(owner, token, signature, |text: &[u8]| member.sign(text));
        Registration::signed(&signer, namespaces(&[11]), true, NOW)
    };
    assert_eq!(judge(&with(Permissions::READ).encode()), None);
    let writer = with(Permissions::WRITE);
    assert_eq!(judge(&writer.encode()), Some(ErrorCode::BadSignature));

    let list = [
        b"l".as_slice(),
        &own.encode(),
        &writer.encode(),
        b"de",
        b"e",
    ]
    .concat();
    let request = MonitorRequest::decode(&list).unwrap();
    assert!(request.list);
    let answers: Vec<_> = request
        .registrations
        .into_iter()
        .map(|registration| registration.and_then(|registration| registration.verify(NOW)))
        .collect();
    let body = MonitorRequest::encode_answers(true, &answers);
    let text = String::from_utf8(body).unwrap();
    assert!(
        text.starts_with("ld7:successi1eed7:errcodei5e5:error"),
        "{text}"
    );
    assert!(text.contains("d7:errcodei1e5:error"), "{text}");
}

#[test]
fn times_and_signatures_are_checked() {
    let at = |secs: u64| code(by_group(Timestamp::from_ms(secs * 1000)).verify(NOW));
    let now = NOW.as_secs();
    assert_eq!(at(now - 14 * DAY), None);
    assert_eq!(at(now - 14 * DAY - 1), Some(ErrorCode::BadTimestamp));
    assert_eq!(at(now + DAY), None);
    assert_eq!(at(now + DAY + 1), Some(ErrorCode::BadTimestamp));

    let good = by_group(NOW);
    for change in [
        |r: &mut Registration| r.with_data = false,
        |r: &mut Registration| r.time += 1,
        |r: &mut Registration| r.namespaces.truncate(2),
        |r: &mut Registration| r.owner = SwarmPubkey::new(5, *r.owner.key()),
    ] {
        let mut bad = good.clone();
        change(&mut bad);
        assert_eq!(judge(&bad.encode()), Some(ErrorCode::BadSignature));
    }
}

#[test]
fn each_fault_has_its_code() {
    let s = format!("1:s64:{}", "s".repeat(64));
    let p = format!("1:p33:{}", "p".repeat(33));
    let big = format!("1:P32:{}", "\u{7f}".repeat(32));
    let cases: [(&str, Vec<u8>, ErrorCode); 16] = [
        ("nothing", vec![], ErrorCode::BadArguments),
        ("text", b"hello".to_vec(), ErrorCode::BadArguments),
        ("cut", b"d1:n".to_vec(), ErrorCode::BadArguments),
        ("empty", b"de".to_vec(), ErrorCode::BadArguments),
        (
            "no n",
            format!("d{p}{s}1:ti1ee").into(),
            ErrorCode::BadArguments,
        ),
        (
            "no namespaces",
            format!("d1:nle{p}{s}1:ti1ee").into(),
            ErrorCode::BadArguments,
        ),
        (
            "far",
            format!("d1:nli32768ee{p}{s}1:ti1ee").into(),
            ErrorCode::BadArguments,
        ),
        (
            "twice",
            format!("d1:nli1ei1ee{p}{s}1:ti1ee").into(),
            ErrorCode::BadNamespaces,
        ),
        (
            "falling",
            format!("d1:nli1ei0ee{p}{s}1:ti1ee").into(),
            ErrorCode::BadNamespaces,
        ),
        (
            "short P",
            format!("d1:P1:x1:nli1ee{s}1:ti1ee").into(),
            ErrorCode::BadPubkey,
        ),
        (
            "no point",
            format!("d{big}1:nli1ee{s}1:ti1ee").into(),
            ErrorCode::BadPubkey,
        ),
        (
            "short p",
            format!("d1:nli1ee1:p1:x{s}1:ti1ee").into(),
            ErrorCode::BadPubkey,
        ),
        (
            "both",
            format!("d{big}1:nli1ee{p}{s}1:ti1ee").into(),
            ErrorCode::BadArguments,
        ),
        (
            "no p",
            format!("d1:nli1ee{s}1:ti1ee").into(),
            ErrorCode::BadArguments,
        ),
        (
            "short s",
            format!("d1:nli1ee{p}1:s1:x1:ti1ee").into(),
            ErrorCode::BadSignature,
        ),
        (
            "no t",
            format!("d1:nli1ee{p}{s}e").into(),
            ErrorCode::BadArguments,
        ),
    ];
    for (name, body, expected) in cases {
        assert_eq!(judge(&body), Some(expected), "{name}");
    }
    let many = [b"l".as_slice(), &b"de".repeat(1001), b"e"].concat();
    assert!(MonitorRequest::decode(&many).is_err());
}

#[test]
fn answers_and_notifications_have_their_bytes() {
    assert_eq!(
        MonitorRequest::encode_answers(false, [&Ok(())]),
        b"d7:successi1ee"
    );
    assert_eq!(monitor::decode_answer(b"d7:successi1ee").unwrap(), Ok(()));
    let refusal = Refusal::new(ErrorCode::BadTimestamp, "old");
    let body = monitor::encode_refusal(&refusal);
    assert_eq!(body, b"d7:errcodei4e5:error3:olde");
    let answer = monitor::decode_answer(&body).unwrap();
    assert_eq!(answer, Err((4, "old".to_owned())));

    let hash = "0123456789012345678901234567890123456789abc";
    let mut notification = Notification {
        owner: SwarmPubkey::new(5, [b'o'; 32]),
        hash: hash.parse().unwrap(),
        namespace: Namespace::new(-10),
        timestamp: NOW,
        expiry: Timestamp::from_ms(1_700_000_000_001),
        data: None,
    };
    let start = format!(
        "d1:@33:\u{5}{}1:h43:{hash}1:ni-10e1:ti1700000000000e1:zi1700000000001e",
        "o".repeat(32)
    );
    assert_eq!(notification.encode(), format!("{start}e").into_bytes());
    notification.data = Some(b"data".to_vec());
    let body = notification.encode();
    assert_eq!(body, format!("{start}1:~4:datae").into_bytes());
    assert_eq!(Notification::decode(&body).unwrap(), notification);
    assert_eq!(
        format!("{notification:?}"),
        "Notification { namespace: Namespace(-10), data: Some(4), .. }"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body: Vec<u8>, kind in prop::sample::select(b"dl".to_vec())) {
        let _ = MonitorRequest::decode(&body);
        let framed = [&[kind], body.as_slice(), b"e"].concat();
        let _ = MonitorRequest::decode(&framed);
        let _ = Notification::decode(&framed);
        let _ = monitor::decode_answer(&framed);
    }
}
