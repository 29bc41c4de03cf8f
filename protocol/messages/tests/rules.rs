//! Rules of sending and receiving between accounts: who may say what to whom.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use prost::Message;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_messages::pro::{
    MessageFeatures, ProCredential, ProProof, ProStatus, ProfileFeatures, Proof,
};
use session_messages::{
    Body, CallId, CallMessage, Channel, Content, ContentKind, DataExtraction, Expiration,
    GroupInvite, GroupUpdate, Incoming, InvalidContent, MessageError, Name, Profile, ReadReceipt,
    RequestResponse, Typing, UnsendRequest, VisibleMessage, decode_direct, encode_direct,
    encode_direct_with_pro, proto, seal_direct,
};
use session_types::limits::MAX_MESSAGE_SIZE;
use session_types::{AccountId, ErrorKind, Timestamp};
use zeroize::Zeroizing;

const TIME: Timestamp = Timestamp::from_ms(1_700_000_000_000);

fn alice() -> AccountKeys {
    AccountKeys::from_seed16([0xa1; 16])
}

fn bob() -> AccountKeys {
    AccountKeys::from_seed16([0xb0; 16])
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}

/// Sent by Alice to Bob with every check of the sender.
fn send(content: &Content) -> Result<Incoming, MessageError> {
    let data = encode_direct(content, &alice(), &bob().account_id(), TIME, &mut rng())?;
    decode_direct(&data, &bob())
}

/// Sent without any check of the sender.
fn send_raw(
    content: &[u8],
    from: &AccountKeys,
    to: &AccountKeys,
) -> Result<Incoming, MessageError> {
    let data = seal_direct(content, from, &to.account_id(), TIME, None, &mut rng()).unwrap();
    decode_direct(&data, to)
}

fn wire(content: &Content) -> proto::Content {
    proto::Content::decode(content.encode(TIME).as_slice()).unwrap()
}

fn text(text: &str) -> Content {
    Content::text(text).unwrap()
}

fn call() -> CallId {
    CallId::from_random([9; 16])
}

#[test]
fn the_times_must_agree() {
    let mut wire = wire(&text("hello"));
    let send = |wire: &proto::Content| send_raw(&wire.encode_to_vec(), &alice(), &bob());
    assert_eq!(send(&wire).unwrap().content.sig_timestamp(), Some(TIME));
    wire.sig_timestamp = Some(TIME.as_ms() + 1);
    assert!(matches!(send(&wire), Err(MessageError::TimestampMismatch)));
    wire.sig_timestamp = Some(0);
    assert!(matches!(send(&wire), Err(MessageError::TimestampMismatch)));
    wire.sig_timestamp = None;
    assert_eq!(send(&wire).unwrap().content.sig_timestamp(), None);
}

#[test]
fn a_sync_target_is_for_oneself() {
    let target = bob().account_id();
    let copy = text("hello").sync_copy(&target).unwrap();
    assert!(matches!(send(&copy), Err(MessageError::ForeignSyncTarget)));
    let received = send_raw(&copy.encode(TIME), &alice(), &bob());
    assert!(matches!(received, Err(MessageError::ForeignSyncTarget)));
    let own = send_raw(&copy.encode(TIME), &alice(), &alice()).unwrap();
    assert_eq!(own.conversation(), &target);
}

#[test]
fn a_message_to_oneself_is_a_note() {
    let data = encode_direct(
        &text("milk").with_expiration(Expiration::after_read(60)),
        &alice(),
        &alice().account_id(),
        TIME,
        &mut rng(),
    );
    let note = decode_direct(&data.unwrap(), &alice()).unwrap();
    assert_eq!(note.content.sync_target(), Some(&alice().account_id()));
    assert_eq!(note.conversation(), &alice().account_id());
    // Notes know timers from sending only.
    assert_eq!(note.content.expiration(), Expiration::after_send(60));
}

#[test]
fn which_own_messages_are_taken() {
    let own = |content: Content| send_raw(&content.encode(TIME), &alice(), &alice());
    let id = alice().account_id();
    for content in [
        text("hello"),
        Content::timer_update(Expiration::after_send(60)),
        RequestResponse.into(),
        UnsendRequest {
            sent_at: TIME,
            author: id,
        }
        .into(),
        CallMessage::EndCall { call: call() }.into(),
        CallMessage::Answer {
            call: call(),
            sdp: "v=0".into(),
        }
        .into(),
    ] {
        assert!(own(content.clone()).is_ok(), "{content:?}");
    }
    for content in [
        Typing::Started.into(),
        ReadReceipt::new(vec![TIME]).unwrap().into(),
        DataExtraction::Screenshot.into(),
        CallMessage::PreOffer { call: call() }.into(),
        CallMessage::Offer {
            call: call(),
            sdp: "v=0".into(),
        }
        .into(),
        CallMessage::IceCandidates {
            call: call(),
            candidates: vec![],
        }
        .into(),
    ] {
        let error = own(content).unwrap_err();
        assert!(matches!(error, MessageError::FromSelf { .. }));
        assert!(error.is_quiet());
    }
}

#[test]
fn only_the_author_unsends() {
    let request = |author: AccountId| {
        Content::from(UnsendRequest {
            sent_at: TIME,
            author,
        })
    };
    assert!(send(&request(alice().account_id())).is_ok());
    let foreign = request(bob().account_id());
    assert!(matches!(send(&foreign), Err(MessageError::UnsendByOther)));
    let received = send_raw(&foreign.encode(TIME), &alice(), &bob());
    assert!(matches!(received, Err(MessageError::UnsendByOther)));
}

#[test]
fn group_matters_stay_in_groups() {
    let left = Content::from(GroupUpdate::MemberLeft);
    let error = send(&left).unwrap_err();
    assert!(matches!(
        error,
        MessageError::NotAllowed {
            channel: Channel::Direct,
            ..
        }
    ));
    assert_eq!(error.kind(), ErrorKind::BadInput);
    assert!(send_raw(&left.encode(TIME), &alice(), &bob()).is_err());
}

#[test]
fn invitations_are_signed_by_the_group() {
    let group = Ed25519Secret::from_seed([3; 32]);
    let invite = |member: &AccountId, sent_at| {
        let name = Name::new("climbing").unwrap();
        GroupInvite::signed(&group, name, Zeroizing::new([4; 100]), member, sent_at)
    };
    let send_invite = |invite: GroupInvite| send(&GroupUpdate::Invite(invite).into());
    let good = invite(&bob().account_id(), TIME);
    assert_eq!(
        send_invite(good.clone()).unwrap().content.into_kind(),
        ContentKind::GroupUpdate(GroupUpdate::Invite(good.clone()))
    );
    let other_member = invite(&alice().account_id(), TIME);
    assert!(matches!(
        send_invite(other_member),
        Err(MessageError::GroupSignature)
    ));
    let other_time = invite(&bob().account_id(), Timestamp::from_ms(5));
    assert!(matches!(
        send_invite(other_time),
        Err(MessageError::GroupSignature)
    ));
    assert_eq!(
        format!("{good:?}"),
        format!("GroupInvite {{ group: {:?}, .. }}", good.group)
    );
}

#[test]
fn newer_protocol_and_junk_are_told_apart() {
    let newer = decode_direct(&[0, 2, 7, 7], &bob()).unwrap_err();
    assert!(matches!(newer, MessageError::NewerProtocol) && newer.is_quiet());
    assert!(!decode_direct(&[8, 1], &bob()).unwrap_err().is_quiet());
    let nothing = send_raw(&[], &alice(), &bob()).unwrap_err();
    assert!(matches!(
        nothing,
        MessageError::Content(InvalidContent::NoAction)
    ));
    assert!(nothing.is_quiet());
}

#[test]
fn what_a_node_does_not_store_is_not_made() {
    let preview = session_messages::LinkPreview::new("u", Some("t".repeat(80_000)), None).unwrap();
    let large = VisibleMessage::text(Body::new("u").unwrap())
        .with_preview(preview)
        .unwrap();
    let error = send(&large.into()).unwrap_err();
    assert!(matches!(
        error,
        MessageError::TooLarge {
            limit: MAX_MESSAGE_SIZE,
            ..
        }
    ));
    let error = decode_direct(&vec![8; MAX_MESSAGE_SIZE + 1], &bob()).unwrap_err();
    assert!(matches!(error, MessageError::TooLarge { .. }));
}

#[test]
fn every_encryption_differs() {
    let mut rng = rng();
    let mut once = || {
        encode_direct(
            &text("hello"),
            &alice(),
            &bob().account_id(),
            TIME,
            &mut rng,
        )
        .unwrap()
    };
    let (first, second) = (once(), once());
    assert_ne!(first, second);
    assert_eq!(first.len(), second.len());
}

fn credential(backend: &Ed25519Secret, expiry: u64) -> ProCredential {
    let rotating = Ed25519Secret::from_seed([8; 32]);
    let proof = Proof::issue(backend, [1; 32], *rotating.public(), expiry);
    ProCredential::new(rotating, ProProof::Newest(proof), ProfileFeatures::BADGE).unwrap()
}

#[test]
fn long_texts_are_for_pro_accounts() {
    let backend = Ed25519Secret::from_seed([7; 32]);
    let body = Body::new_long("ж".repeat(2_500)).unwrap();
    let content = Content::from(VisibleMessage::text(body));
    let length = |incoming: &Incoming| match incoming.content.kind() {
        ContentKind::Visible(m) => m.body().unwrap().as_str().chars().count(),
        kind => panic!("{}", kind.name()),
    };
    let (from, to) = (alice(), bob().account_id());
    for (expiry, status, shown) in [
        (TIME.as_secs(), ProStatus::Valid, 2_500),
        (TIME.as_secs() - 1, ProStatus::Expired, 2_000),
    ] {
        let pro = credential(&backend, expiry);
        let data = encode_direct_with_pro(&content, &from, &to, TIME, &pro, &mut rng()).unwrap();
        let mut incoming = decode_direct(&data, &bob()).unwrap();
        let claim = incoming.pro.clone().unwrap();
        assert_eq!(claim.message_features, MessageFeatures::LONG_TEXT);
        assert_eq!(claim.profile_features, ProfileFeatures::BADGE);
        assert_eq!(length(&incoming), 2_500);
        assert_eq!(incoming.apply_pro_limit(backend.public()), Some(status));
        assert_eq!(length(&incoming), shown);
    }
    let data = encode_direct(&content, &from, &to, TIME, &mut rng()).unwrap();
    let mut incoming = decode_direct(&data, &bob()).unwrap();
    assert_eq!(incoming.apply_pro_limit(backend.public()), None);
    assert_eq!(length(&incoming), 2_000);
}

#[test]
fn a_pro_signature_of_another_key_is_no_pro() {
    let backend = Ed25519Secret::from_seed([7; 32]);
    let mut wire = wire(&text("hello"));
    wire.pro_message = Some(proto::ProMessage {
        proof: Some(proto::ProProof {
            version: None,
            revocation_tag: Some(vec![1; 32]),
            rotating_public_key: Some(
                Ed25519Secret::from_seed([8; 32])
                    .public()
                    .as_bytes()
                    .to_vec(),
            ),
            expiry: Some(TIME.as_secs()),
            sig: Some(vec![0; 64]),
        }),
        profile_bitset: Some(0),
        message_bitset: Some(0),
    });
    // A decoy stands where the signature should be.
    let incoming = send_raw(&wire.encode_to_vec(), &alice(), &bob()).unwrap();
    let status = incoming.pro.unwrap().status(backend.public());
    assert_eq!(status, ProStatus::InvalidBackendSignature);
    // The same claim with a malformed proof takes the message with it.
    wire.pro_message
        .as_mut()
        .unwrap()
        .proof
        .as_mut()
        .unwrap()
        .sig = None;
    let refused = send_raw(&wire.encode_to_vec(), &alice(), &bob());
    assert!(matches!(refused, Err(MessageError::ProProof)));
}

#[test]
fn a_request_response_carries_the_profile() {
    let profile = Profile::named(Name::new("alice").unwrap());
    let response = Content::from(RequestResponse).with_profile(profile.clone());
    assert_eq!(send(&response).unwrap().content.profile(), Some(&profile));
}
