//! Rules of sending and receiving in groups and inboxes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{AccountKeys, BlindedId, BlindedKeys, Blinding, Ed25519Secret};
use session_messages::pro::{ProCredential, ProProof, ProStatus, ProfileFeatures, Proof};
use session_messages::{
    Body, CallId, CallMessage, Content, ContentKind, DeleteMemberContent, Expiration, GroupUpdate,
    Incoming, InfoChange, InfoChangeMessage, InvalidContent, MemberChange, MemberChangeMessage,
    MessageError, Name, Typing, VisibleMessage, decode_group, decode_inbox, decode_post,
    encode_group, encode_group_with_pro, encode_inbox, encode_inbox_with_pro, encode_post_with_pro,
    seal_group,
};
use session_types::{GroupId, MessageHash, Timestamp, X25519PublicKey};

const TIME: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const KEY: [u8; 32] = [0xbb; 32];

fn alice() -> AccountKeys {
    AccountKeys::from_seed16([0xa1; 16])
}

fn bob() -> AccountKeys {
    AccountKeys::from_seed16([0xb0; 16])
}

fn admin() -> Ed25519Secret {
    Ed25519Secret::from_seed([0xaa; 32])
}

fn group() -> GroupId {
    GroupId::from_ed25519(*admin().public())
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}

/// Written by Alice with every check of the sender, read by a member.
fn send(content: &Content) -> Result<Incoming, MessageError> {
    let data = encode_group(content, &alice(), &group(), &KEY, TIME, &mut rng())?;
    decode_group(&data, &group(), [&KEY])
}

/// Written by Alice without any check of the sender.
fn send_raw(content: &[u8]) -> Result<Incoming, MessageError> {
    let data = seal_group(content, &alice(), &group(), &KEY, TIME, None, &mut rng()).unwrap();
    decode_group(&data, &group(), [&KEY])
}

fn text(text: &str) -> Content {
    Content::text(text).unwrap()
}

fn update(content: &Incoming) -> &GroupUpdate {
    match content.content.kind() {
        ContentKind::GroupUpdate(update) => update,
        kind => panic!("a {}", kind.name()),
    }
}

#[test]
fn members_read_with_any_of_their_keys() {
    let content = text("hello").with_expiration(Expiration::after_read(60));
    let data = encode_group(&content, &alice(), &group(), &KEY, TIME, &mut rng()).unwrap();
    assert_eq!(data.len() % 256, 0);
    let incoming = decode_group(&data, &group(), [&[1; 32], &KEY, &[2; 32]]).unwrap();
    assert_eq!(incoming.sender, alice().account_id());
    assert_eq!(incoming.content.kind(), content.kind());
    // Groups know timers from sending only.
    assert_eq!(incoming.content.expiration(), Expiration::after_send(60));
    assert!(decode_group(&data, &group(), [&[1; 32]]).is_err());
    assert!(decode_group(&data, &group(), []).is_err());
}

#[test]
fn what_does_not_belong_into_a_group() {
    for content in [
        Content::from(Typing::Started),
        Content::timer_update(Expiration::Off),
        CallMessage::PreOffer {
            call: CallId::from_random([1; 16]),
        }
        .into(),
    ] {
        assert!(matches!(
            send(&content),
            Err(MessageError::NotAllowed { .. })
        ));
        let received = send_raw(&content.encode(TIME));
        assert!(matches!(received, Err(MessageError::NotAllowed { .. })));
    }
    let copy = text("hello").sync_copy(&bob().account_id()).unwrap();
    assert!(matches!(send(&copy), Err(MessageError::ForeignSyncTarget)));
    assert!(matches!(
        send_raw(&copy.encode(TIME)),
        Err(MessageError::ForeignSyncTarget)
    ));
    let late = text("hello").encode(Timestamp::from_ms(5));
    assert!(matches!(
        send_raw(&late),
        Err(MessageError::TimestampMismatch)
    ));
}

#[test]
fn admins_sign_what_they_change() {
    let stranger = Ed25519Secret::from_seed([1; 32]);
    let renamed = InfoChange::Name(Name::new("hiking").unwrap());
    let info = |key: &Ed25519Secret, at| {
        let message = InfoChangeMessage::signed(key, renamed.clone(), at);
        send(&GroupUpdate::InfoChange(message).into())
    };
    assert!(info(&admin(), TIME).is_ok());
    assert!(matches!(
        info(&stranger, TIME),
        Err(MessageError::GroupSignature)
    ));
    let other_time = Timestamp::from_ms(5);
    assert!(matches!(
        info(&admin(), other_time),
        Err(MessageError::GroupSignature)
    ));

    let added = MemberChange::Added {
        history_shared: true,
    };
    let members = |key: &Ed25519Secret| {
        let who = vec![bob().account_id()];
        let message = MemberChangeMessage::signed(key, added, who, TIME);
        send(&GroupUpdate::MemberChange(message).into())
    };
    assert!(members(&admin()).is_ok());
    assert!(matches!(
        members(&stranger),
        Err(MessageError::GroupSignature)
    ));
    // The kind of change is part of what is signed.
    let mut message = MemberChangeMessage::signed(&admin(), added, vec![], TIME);
    message.change = MemberChange::Removed;
    let changed = send(&GroupUpdate::MemberChange(message).into());
    assert!(matches!(changed, Err(MessageError::GroupSignature)));
}

#[test]
fn members_delete_their_own_only() {
    let hash = MessageHash::from_digest(&[1; 32]);
    let own = DeleteMemberContent::own(vec![hash.clone()]).unwrap();
    let received = send(&GroupUpdate::DeleteMemberContent(own.clone()).into()).unwrap();
    assert_eq!(update(&received), &GroupUpdate::DeleteMemberContent(own));

    let all = vec![alice().account_id(), bob().account_id()];
    let by_admin = DeleteMemberContent::by_admin(&admin(), all.clone(), vec![hash], TIME).unwrap();
    let signed = Content::from(GroupUpdate::DeleteMemberContent(by_admin.clone()));
    let received = send(&signed).unwrap();
    assert_eq!(
        update(&received),
        &GroupUpdate::DeleteMemberContent(by_admin)
    );

    // The same without the signature: what is not the sender's own falls away.
    let mut wire = proto_content(&signed);
    deletion(&mut wire).admin_signature = None;
    let received = send_raw(&encode(&wire)).unwrap();
    let GroupUpdate::DeleteMemberContent(kept) = update(&received) else {
        panic!("no deletion")
    };
    assert_eq!((kept.members(), kept.is_by_admin()), (&all[..1], false));

    deletion(&mut wire).message_hashes.clear();
    deletion(&mut wire).member_session_ids.remove(0);
    let nothing = send_raw(&encode(&wire));
    assert!(matches!(
        nothing,
        Err(MessageError::Content(InvalidContent::NoAction))
    ));
}

fn proto_content(content: &Content) -> session_messages::proto::Content {
    prost::Message::decode(content.encode(TIME).as_slice()).unwrap()
}

fn encode(wire: &session_messages::proto::Content) -> Vec<u8> {
    prost::Message::encode_to_vec(wire)
}

fn deletion(
    wire: &mut session_messages::proto::Content,
) -> &mut session_messages::proto::GroupUpdateDeleteMemberContentMessage {
    let update = wire
        .data_message
        .as_mut()
        .unwrap()
        .group_update_message
        .as_mut()
        .unwrap();
    update.delete_member_content.as_mut().unwrap()
}

fn credential(backend: &Ed25519Secret) -> ProCredential {
    let rotating = Ed25519Secret::from_seed([8; 32]);
    let proof = Proof::issue(backend, [1; 32], *rotating.public(), TIME.as_secs());
    ProCredential::new(rotating, ProProof::Newest(proof), ProfileFeatures::BADGE).unwrap()
}

#[test]
fn pro_is_seen_everywhere() {
    let backend = Ed25519Secret::from_seed([7; 32]);
    let pro = credential(&backend);
    let long = VisibleMessage::text(Body::new_long("ж".repeat(2_500)).unwrap());
    let long = Content::from(long);
    let valid = Some(ProStatus::Valid);

    let data =
        encode_group_with_pro(&long, &alice(), &group(), &KEY, TIME, &pro, &mut rng()).unwrap();
    let mut incoming = decode_group(&data, &group(), [&KEY]).unwrap();
    assert_eq!(incoming.apply_pro_limit(backend.public()), valid);
    assert_eq!(incoming.content.kind(), long.kind());

    let post = encode_post_with_pro(&long, TIME, &pro).unwrap();
    assert_eq!(post.len() % 160, 0);
    let post = decode_post(&post, TIME).unwrap();
    assert_eq!(post.pro.unwrap().status(backend.public()), ProStatus::Valid);

    let (server, from, to) = inbox();
    let data =
        encode_inbox_with_pro(&long, &alice(), &to, &server, TIME, &pro, &mut rng()).unwrap();
    let mut incoming = decode_inbox(&data, &bob(), &server, &from, &to, TIME).unwrap();
    assert_eq!(incoming.apply_pro_limit(backend.public()), valid);
}

/// A community, and Alice and Bob in it.
fn inbox() -> (X25519PublicKey, BlindedId, BlindedId) {
    let server = X25519PublicKey::new([9; 32]);
    let id = |account: &AccountKeys| {
        *BlindedKeys::new(Blinding::V25, account.ed25519(), &server)
            .unwrap()
            .id()
    };
    (server, id(&alice()), id(&bob()))
}

#[test]
fn only_visible_messages_go_through_an_inbox() {
    let (server, from, to) = inbox();
    let send = |content: &Content| {
        let data = encode_inbox(content, &alice(), &to, &server, TIME, &mut rng())?;
        decode_inbox(&data, &bob(), &server, &from, &to, TIME)
    };
    let received = send(&text("hello")).unwrap();
    assert_eq!(received.sender, alice().account_id());
    assert!(matches!(
        send(&Typing::Started.into()),
        Err(MessageError::NotAllowed { .. })
    ));
    // Claimed by somebody else in the community.
    let data = encode_inbox(&text("x"), &alice(), &to, &server, TIME, &mut rng()).unwrap();
    assert!(decode_inbox(&data, &bob(), &server, &to, &to, TIME).is_err());
}
