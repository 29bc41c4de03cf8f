//! Messages.

use session_crypto::{Blinding, Ed25519Secret};
use session_fuzz::actors::{GROUP_KEY, NOW, alice, blinded, bob, group, group_admin, rng, server};
use session_messages::{
    Attachment, AttachmentKey, Body, CallId, CallMessage, CommunityInvitation, Content,
    DataExtraction, DeleteMemberContent, Emoji, Expiration, GroupInvite, GroupPromotion,
    GroupUpdate, IceCandidate, LinkPreview, Name, Profile, ProfilePicture, Quote, Reaction,
    ReactionAction, ReadReceipt, RequestResponse, Typing, UnsendRequest, VisibleMessage,
    encode_direct, encode_group, encode_inbox, encode_post,
};
use session_test_support::vectors::hex;
use session_types::MessageHash;

use crate::{Seeds, cases, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    let mut contents: Vec<Vec<u8>> = made_here()
        .iter()
        .map(|content| content.encode(NOW))
        .collect();
    let protocol = vectors("session_protocol.json");
    contents.extend(
        cases(&protocol, "one_to_one")
            .iter()
            .step_by(4)
            .map(|case| hex(&case["content"])),
    );
    for content in &contents {
        seeds.add("message_content", &[content]);
        seeds.add("message_post", &[content, b"\x80\0\0"]);
        seeds.add("message_direct", &[&[1], content]);
        seeds.add("message_direct", &[&[2], content]);
        seeds.add("message_group", &[&[1], content]);
        seeds.add("message_inbox", &[&[1], content]);
        seeds.add("message_inbox", &[&[2], content]);
    }
    for case in cases(&protocol, "community") {
        seeds.add("message_post", &[&hex(&case["community_encoded"])]);
    }
    for case in cases(&protocol, "one_to_one").iter().take(2) {
        seeds.add("message_post", &[&hex(&case["envelope"])]);
    }
    stored(seeds);

    let groups = vectors("group_messages.json");
    let id = hex(&groups["group_ed25519_pk"]);
    for case in cases(&groups, "decrypt") {
        if let Some(key) = case["group_keys"].as_array().and_then(|keys| keys.first()) {
            let ciphertext = hex(&case["ciphertext"]);
            seeds.add("message_group", &[&[0], &hex(key), &id, &ciphertext]);
        }
    }
    for case in cases(&groups, "encrypt") {
        if let Some(inner) = case.get("inner_padded") {
            seeds.add("message_group", &[&[2], &hex(inner)]);
        }
    }
}

/// A text as each way stores it.
fn stored(seeds: &mut Seeds) {
    let (alice, bob, server) = (alice(), bob(), server());
    let text = Content::text("hello").unwrap();
    let direct = encode_direct(&text, &alice, &bob.account_id(), NOW, &mut rng()).unwrap();
    seeds.add("message_direct", &[&[0], &direct]);
    let copy = text.sync_copy(&alice.account_id()).unwrap();
    let copy = encode_direct(&copy, &bob, &bob.account_id(), NOW, &mut rng()).unwrap();
    seeds.add("message_direct", &[&[0], &copy]);
    seeds.add("message_post", &[&encode_post(&text, NOW).unwrap()]);
    let stored = encode_group(&text, &alice, &group(), &GROUP_KEY, NOW, &mut rng()).unwrap();
    let id = *group().ed25519();
    seeds.add("message_group", &[&[0], &GROUP_KEY, id.as_bytes(), &stored]);
    for blinding in [Blinding::V15, Blinding::V25] {
        let to = blinded(&bob, blinding);
        let sealed = encode_inbox(&text, &alice, &to, &server, NOW, &mut rng()).unwrap();
        seeds.add("message_inbox", &[&[0], &sealed]);
    }
}

/// One content of every kind.
fn made_here() -> Vec<Content> {
    let name = || Name::new("alice").unwrap();
    let body = || Body::new("see https://example.org/").unwrap();
    let author = alice().account_id();
    let stream = AttachmentKey::Stream {
        key: [7; 32].into(),
    };
    let old = AttachmentKey::Legacy {
        key: [7; 64].into(),
        digest: [8; 32],
    };
    let file = |key| {
        let mut file = Attachment::new("http://filev2.getsession.org/file/1#p=x", key).unwrap();
        file.size = Some(5);
        file.content_type = Some("image/webp".to_owned());
        file.dimensions = Some((4, 3));
        file.file_name = Some("a.webp".to_owned());
        file
    };
    let quote = Quote::new(NOW, author).unwrap();
    let preview =
        LinkPreview::new("https://example.org/", Some("Example".to_owned()), None).unwrap();
    let url = format!(
        "https://community.example/room?public_key={}",
        "ab".repeat(32)
    );
    let picture = ProfilePicture::new("http://filev2.getsession.org/file/2", [5; 32]).unwrap();
    let profile = Profile {
        name: Some(name()),
        picture: Some(picture),
        updated_at_secs: Some(1_700_000_000),
    };
    let call = || CallId::from_random([3; 16]);
    let candidates = vec![IceCandidate {
        sdp: "candidate:1".to_owned(),
        media_line: 0,
        media_id: "audio".to_owned(),
    }];
    let invite = GroupInvite::signed(
        &group_admin(),
        name(),
        [9; 100].into(),
        &bob().account_id(),
        NOW,
    );
    let promotion = GroupPromotion {
        seed: [3; 32].into(),
        name: Some(name()),
    };
    let hash = MessageHash::from_digest(&[1; 32]);
    let by_admin = DeleteMemberContent::by_admin(
        &Ed25519Secret::from_seed([3; 32]),
        vec![author],
        vec![hash.clone()],
        NOW,
    );
    let emoji = Emoji::new("😂").unwrap();
    vec![
        Content::text("hello").unwrap(),
        Content::text("hello")
            .unwrap()
            .with_profile(profile.clone()),
        Content::text("soon gone")
            .unwrap()
            .with_expiration(Expiration::after_send(60)),
        Content::text("hello").unwrap().sync_copy(&author).unwrap(),
        VisibleMessage::text(body())
            .with_quote(quote)
            .with_preview(preview)
            .unwrap()
            .into(),
        VisibleMessage::files(vec![file(stream), file(old)], None)
            .unwrap()
            .into(),
        VisibleMessage::invitation(CommunityInvitation::new(url, "room").unwrap()).into(),
        Reaction::new(NOW, author, emoji, ReactionAction::React)
            .unwrap()
            .into(),
        Content::timer_update(Expiration::after_read(3600)),
        CallMessage::PreOffer { call: call() }.into(),
        CallMessage::IceCandidates {
            call: call(),
            candidates,
        }
        .into(),
        CallMessage::EndCall { call: call() }.into(),
        ReadReceipt::new(vec![NOW]).unwrap().into(),
        Typing::Started.into(),
        UnsendRequest {
            sent_at: NOW,
            author,
        }
        .into(),
        Content::from(RequestResponse).with_profile(profile),
        DataExtraction::Screenshot.into(),
        GroupUpdate::Invite(invite).into(),
        GroupUpdate::Promote(promotion).into(),
        GroupUpdate::MemberLeft.into(),
        GroupUpdate::InviteResponse.into(),
        GroupUpdate::DeleteMemberContent(DeleteMemberContent::own(vec![hash]).unwrap()).into(),
        GroupUpdate::DeleteMemberContent(by_admin.unwrap()).into(),
    ]
}
