//! No type that holds a key or what people wrote shows it when it is printed for debugging.
#![allow(clippy::unwrap_used)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_messages::pro::{MessageFeatures, ProCredential, ProProof, ProfileFeatures, Proof};
use session_messages::{
    Attachment, AttachmentKey, Body, CallId, CallMessage, CommunityInvitation, Content, Emoji,
    GroupInvite, GroupPromotion, GroupUpdate, IceCandidate, LinkPreview, Name, Profile,
    ProfilePicture, Reaction, ReactionAction, VisibleMessage, decode_direct, decode_post,
    encode_direct_with_pro, encode_post, open_direct, open_group, seal_group,
};
use session_types::{GroupId, Timestamp};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

#[test]
fn keys() {
    let admin = Ed25519Secret::from_seed([3; 32]);
    let group = GroupId::from_ed25519(*admin.public());
    let bob = AccountKeys::from_seed16([0xb0; 16]);
    let name = Name::new("hikers").unwrap();
    let invite = GroupInvite::signed(
        &admin,
        name.clone(),
        [9; 100].into(),
        &bob.account_id(),
        NOW,
    );
    let promotion = GroupPromotion {
        seed: [3; 32].into(),
        name: Some(name),
    };
    let stream = AttachmentKey::Stream {
        key: [1; 32].into(),
    };
    let legacy = AttachmentKey::Legacy {
        key: [1; 64].into(),
        digest: [2; 32],
    };
    let picture = ProfilePicture::new("http://example.org/1", [5; 32]).unwrap();
    let table = [
        (
            format!("{invite:?}"),
            format!("GroupInvite {{ group: {group:?}, .. }}"),
        ),
        (
            format!("{:?}", GroupUpdate::Invite(invite)),
            format!("Invite(GroupInvite {{ group: {group:?}, .. }})"),
        ),
        (format!("{promotion:?}"), "GroupPromotion { .. }".to_owned()),
        (
            format!("{:?}", GroupUpdate::Promote(promotion)),
            "Promote(GroupPromotion { .. })".to_owned(),
        ),
        (format!("{stream:?}"), "Stream { .. }".to_owned()),
        (format!("{legacy:?}"), "Legacy { .. }".to_owned()),
        (format!("{:?}", AttachmentKey::Plain), "Plain".to_owned()),
        (format!("{picture:?}"), "ProfilePicture { .. }".to_owned()),
        (
            format!("{:?}", credential()),
            "ProCredential { .. }".to_owned(),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}

#[test]
fn what_people_wrote() {
    let body = Body::new("see https://example.org/").unwrap();
    let preview = LinkPreview::new("https://example.org/", Some("Title".to_owned()), None).unwrap();
    let url = format!(
        "https://community.example/room?public_key={}",
        "ab".repeat(32)
    );
    let invitation = CommunityInvitation::new(url, "room").unwrap();
    let mut file = Attachment::new("http://example.org/2", AttachmentKey::Plain).unwrap();
    file.file_name = Some("holiday.jpg".to_owned());
    file.caption = Some("the sea".to_owned());
    let candidate = IceCandidate {
        sdp: "candidate:1 1 udp 1 10.0.0.1 9 typ host".to_owned(),
        media_line: 0,
        media_id: "audio".to_owned(),
    };
    let call = CallId::from_random([3; 16]);
    let offer = CallMessage::Offer {
        call: call.clone(),
        sdp: "v=0".to_owned(),
    };
    let candidates = CallMessage::IceCandidates {
        call,
        candidates: vec![candidate.clone()],
    };
    let author = AccountKeys::from_seed16([0xa1; 16]).account_id();
    let emoji = Emoji::new("😂").unwrap();
    let reaction = Reaction::new(NOW, author, emoji, ReactionAction::React).unwrap();
    let visible = VisibleMessage::text(body.clone())
        .with_preview(preview.clone())
        .unwrap();
    let table = [
        (format!("{body:?}"), "Body(24 bytes)"),
        (format!("{preview:?}"), "LinkPreview { image: None, .. }"),
        (format!("{invitation:?}"), "CommunityInvitation { .. }"),
        (
            format!("{file:?}"),
            "Attachment { key: Plain, size: None, is_voice_message: false, .. }",
        ),
        (format!("{candidate:?}"), "IceCandidate { .. }"),
        (
            format!("{:?}", Name::new("alice").unwrap()),
            "Name(5 bytes)",
        ),
        (
            format!("{visible:?}"),
            "VisibleMessage { body: Some(Body(24 bytes)), attachments: [], unreadable_attachments: 0, \
             quote: None, preview: Some(LinkPreview { image: None, .. }), invitation: None }",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
    for (text, secrets) in [
        (format!("{offer:?}"), ["v=0", "sdp:"]),
        (format!("{candidates:?}"), ["10.0.0.1", "audio"]),
        (format!("{reaction:?}"), ["😂", "\\u"]),
    ] {
        for secret in secrets {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// A received message as a whole, by every way, says nothing of what is in it.
#[test]
fn received_messages() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let alice = AccountKeys::from_seed16([0xa1; 16]);
    let bob = AccountKeys::from_seed16([0xb0; 16]);
    let picture = ProfilePicture::new("http://example.org/1", [5; 32]).unwrap();
    let profile = Profile {
        picture: Some(picture),
        ..Profile::named(Name::new("Alice Liddell").unwrap())
    };
    let content = Content::text("down the rabbit hole")
        .unwrap()
        .with_profile(profile);
    let pro = credential();
    let data =
        encode_direct_with_pro(&content, &alice, &bob.account_id(), NOW, &pro, &mut rng).unwrap();
    let incoming = decode_direct(&data, &bob).unwrap();
    assert_eq!(
        format!("{:?}", incoming.pro),
        format!(
            "Some(ProClaim {{ profile_features: {:?}, message_features: {:?}, .. }})",
            ProfileFeatures::default(),
            MessageFeatures::default()
        )
    );
    let opened = open_direct(&data, &bob).unwrap();
    assert_eq!(
        format!("{opened:?}"),
        "OpenedDirect { sent_at: Timestamp(1700000000000), .. }"
    );
    let post = decode_post(&encode_post(&content, NOW).unwrap(), NOW).unwrap();

    let group = GroupId::from_ed25519(*Ed25519Secret::from_seed([3; 32]).public());
    let (key, serialised) = ([7; 32], content.encode(NOW));
    let data = seal_group(&serialised, &alice, &group, &key, NOW, None, &mut rng).unwrap();
    let in_group = open_group(&data, &group, [&key]).unwrap();
    assert_eq!(
        format!("{in_group:?}"),
        "OpenedGroup { sent_at: Timestamp(1700000000000), .. }"
    );
    for text in [
        format!("{content:?}"),
        format!("{incoming:?}"),
        format!("{post:?}"),
    ] {
        for secret in ["rabbit", "Liddell", "example.org", "5, 5, 5"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

fn credential() -> ProCredential {
    let (backend, rotating) = (Ed25519Secret::from_seed([1; 32]), [2; 32]);
    let rotating = Ed25519Secret::from_seed(rotating);
    let proof = Proof::issue(&backend, [3; 32], *rotating.public(), 1_800_000_000);
    ProCredential::new(
        rotating,
        ProProof::Newest(proof),
        ProfileFeatures::default(),
    )
    .unwrap()
}
