//! Round trips of every kind, and that no bytes make a decoder panic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::group_message::{self, Framing};
use session_crypto::{
    AccountKeys, BlindedId, BlindedKeys, Blinding, Ed25519Secret, X25519Secret, blinded_message,
};
use session_messages::{
    Attachment, AttachmentKey, Body, CallId, CallMessage, Channel, CommunityInvitation, Content,
    ContentKind, DataExtraction, DeleteMemberContent, Emoji, Expiration, GroupInvite,
    GroupPromotion, GroupUpdate, IceCandidate, InfoChange, InfoChangeMessage, LinkPreview,
    MemberChange, MemberChangeMessage, MessageError, Name, Profile, ProfilePicture, Quote,
    Reaction, ReactionAction, ReadReceipt, RequestResponse, Typing, UnsendRequest, VisibleMessage,
    decode_direct, decode_group, decode_inbox, decode_post, encode_direct, encode_group,
    encode_inbox, encode_post, seal_direct, seal_group,
};
use session_types::{
    AccountId, Ed25519PublicKey, GroupId, MessageHash, Signature, SwarmPubkey, Timestamp,
    X25519PublicKey,
};
use zeroize::Zeroizing;

const TIME: Timestamp = Timestamp::from_ms(1_700_000_000_000);
const KEY: [u8; 32] = [0xbb; 32];

fn alice() -> AccountKeys {
    AccountKeys::from_seed16([0xa1; 16])
}

fn bob() -> AccountKeys {
    AccountKeys::from_seed16([0xb0; 16])
}

fn group() -> GroupId {
    GroupId::from_ed25519(*Ed25519Secret::from_seed([3; 32]).public())
}

/// A community's key, and the names Alice and Bob have there.
fn inbox() -> (X25519PublicKey, BlindedId, BlindedId) {
    let server = *X25519Secret::from_bytes([0x5e; 32]).public();
    let [from, to] = [alice(), bob()].map(|account| {
        let keys = BlindedKeys::new(Blinding::V15, account.ed25519(), &server);
        *keys.unwrap().id()
    });
    (server, from, to)
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_ms)
}

fn account() -> impl Strategy<Value = AccountId> {
    any::<[u8; 32]>().prop_map(|key| AccountId::from_x25519(X25519PublicKey::new(key)))
}

fn author() -> impl Strategy<Value = SwarmPubkey> {
    (
        prop_oneof![Just(0x05), Just(0x15), Just(0x25)],
        any::<[u8; 32]>(),
    )
        .prop_map(|(prefix, key)| SwarmPubkey::new(prefix, key))
}

fn signature() -> impl Strategy<Value = Signature> {
    any::<[u8; 32]>()
        .prop_map(|half| Signature::new(<[u8; 64]>::try_from([half, half].concat()).unwrap()))
}

fn name() -> impl Strategy<Value = Name> {
    "\\PC{1,25}".prop_map(|text| Name::new(text).unwrap())
}

fn body() -> impl Strategy<Value = Body> {
    "(?s).{1,300}".prop_map(|text| Body::new(text).unwrap())
}

fn expiration() -> impl Strategy<Value = Expiration> {
    (any::<bool>(), any::<u32>()).prop_map(|(read, seconds)| {
        if read {
            Expiration::after_read(seconds)
        } else {
            Expiration::after_send(seconds)
        }
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    let picture = ("[a-z:/.]{1,223}", any::<[u8; 32]>())
        .prop_map(|(url, key)| ProfilePicture::new(url, key).unwrap());
    (of(name()), of(picture), of(1..u64::MAX)).prop_map(|(name, picture, updated_at_secs)| {
        Profile {
            name,
            picture,
            updated_at_secs,
        }
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let key = prop_oneof![
        Just(AttachmentKey::Plain),
        any::<[u8; 32]>().prop_map(|key| AttachmentKey::Stream {
            key: Zeroizing::new(key)
        }),
        any::<[u8; 32]>().prop_map(|digest| AttachmentKey::Legacy {
            key: Zeroizing::new([7; 64]),
            digest
        }),
    ];
    (
        ("\\PC{1,40}", key),
        of("\\PC*"),
        of(any::<u32>()),
        of("\\PC*"),
        any::<bool>(),
        of(any::<(u32, u32)>()),
        of("\\PC*"),
    )
        .prop_map(
            |((url, key), content_type, size, file_name, voice, dimensions, caption)| {
                let mut attachment = Attachment::new(url, key).unwrap();
                attachment.content_type = content_type;
                attachment.size = size;
                attachment.file_name = file_name;
                attachment.is_voice_message = voice;
                attachment.dimensions = dimensions;
                attachment.caption = caption;
                attachment
            },
        )
}

fn visible() -> impl Strategy<Value = VisibleMessage> {
    let quote = (time(), author()).prop_map(|(at, author)| Quote::new(at, author).unwrap());
    let preview = (of("\\PC{1,20}"), of(attachment()));
    let text = (body(), vec(attachment(), 0..4), of(quote), of(preview)).prop_map(
        |(body, attachments, quote, preview)| {
            let url: String = body.as_str().chars().take(20).collect();
            let mut message = VisibleMessage::text(body)
                .with_attachments(attachments)
                .unwrap();
            if let Some(quote) = quote {
                message = message.with_quote(quote);
            }
            if let Some((title, image)) = preview
                && let Ok(preview) = LinkPreview::new(url, title, image)
            {
                message = message.with_preview(preview).unwrap();
            }
            message
        },
    );
    let files = (vec(attachment(), 1..33), of(body()))
        .prop_map(|(attachments, body)| VisibleMessage::files(attachments, body).unwrap());
    let invitation = ("[0-9a-f]{64}", "\\PC{1,30}").prop_map(|(key, name)| {
        let url = format!("https://community.example/room?public_key={key}");
        VisibleMessage::invitation(CommunityInvitation::new(url, name).unwrap())
    });
    prop_oneof![4 => text, 1 => files, 1 => invitation]
}

fn call() -> impl Strategy<Value = CallMessage> {
    let candidate =
        ("\\PC*", any::<u32>(), "\\PC*").prop_map(|(sdp, media_line, media_id)| IceCandidate {
            sdp,
            media_line,
            media_id,
        });
    (any::<[u8; 16]>(), 0..5u8, "\\PC*", vec(candidate, 0..5)).prop_map(
        |(random, step, sdp, candidates)| {
            let call = CallId::from_random(random);
            match step {
                0 => CallMessage::PreOffer { call },
                1 => CallMessage::Offer { call, sdp },
                2 => CallMessage::Answer { call, sdp },
                3 => CallMessage::IceCandidates { call, candidates },
                _ => CallMessage::EndCall { call },
            }
        },
    )
}

fn group_update() -> impl Strategy<Value = GroupUpdate> {
    let hash = any::<[u8; 32]>().prop_map(|digest| MessageHash::from_digest(&digest));
    let info = prop_oneof![
        Just(InfoChange::Avatar),
        any::<u32>().prop_map(InfoChange::DisappearingMessages),
        name().prop_map(InfoChange::Name),
    ];
    let change = prop_oneof![
        any::<bool>().prop_map(|history_shared| MemberChange::Added { history_shared }),
        Just(MemberChange::Promoted),
        Just(MemberChange::Removed),
    ];
    prop_oneof![
        (any::<[u8; 32]>(), of(name()), any::<u8>(), signature()).prop_map(
            |(key, name, byte, signature)| GroupUpdate::Invite(GroupInvite {
                group: GroupId::from_ed25519(Ed25519PublicKey::new(key)),
                name,
                auth_data: Zeroizing::new([byte; 100]),
                signature,
            })
        ),
        (any::<[u8; 32]>(), of(name())).prop_map(|(seed, name)| {
            GroupUpdate::Promote(GroupPromotion {
                seed: Zeroizing::new(seed),
                name,
            })
        }),
        (info, signature()).prop_map(|(change, signature)| {
            GroupUpdate::InfoChange(InfoChangeMessage { change, signature })
        }),
        (change, vec(account(), 0..4), signature()).prop_map(|(change, members, signature)| {
            GroupUpdate::MemberChange(MemberChangeMessage {
                change,
                members,
                signature,
            })
        }),
        Just(GroupUpdate::MemberLeft),
        Just(GroupUpdate::MemberLeftNotification),
        Just(GroupUpdate::InviteResponse),
        vec(hash.clone(), 1..4).prop_map(|hashes| {
            GroupUpdate::DeleteMemberContent(DeleteMemberContent::own(hashes).unwrap())
        }),
        (vec(account(), 1..4), vec(hash, 0..4)).prop_map(|(members, hashes)| {
            let group = Ed25519Secret::from_seed([3; 32]);
            let deletion = DeleteMemberContent::by_admin(&group, members, hashes, TIME);
            GroupUpdate::DeleteMemberContent(deletion.unwrap())
        }),
    ]
}

fn kind() -> impl Strategy<Value = Content> {
    let action = prop_oneof![Just(ReactionAction::React), Just(ReactionAction::Remove)];
    prop_oneof![
        5 => visible().prop_map(Content::from),
        1 => (time(), author(), "\\PC{1,10}", action).prop_map(|(at, author, emoji, action)| {
            Reaction::new(at, author, Emoji::new(emoji).unwrap(), action).unwrap().into()
        }),
        1 => Just(Content::timer_update(Expiration::Off)),
        4 => group_update().prop_map(Content::from),
        2 => call().prop_map(Content::from),
        1 => vec(time(), 1..20).prop_map(|times| ReadReceipt::new(times).unwrap().into()),
        1 => any::<bool>().prop_map(|on| if on { Typing::Started } else { Typing::Stopped }.into()),
        1 => (time(), account()).prop_map(|(sent_at, author)| {
            UnsendRequest { sent_at, author }.into()
        }),
        1 => Just(Content::from(RequestResponse)),
        1 => of(time()).prop_map(|sent_at| DataExtraction::MediaSaved { sent_at }.into()),
        1 => Just(Content::from(DataExtraction::Screenshot)),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    (kind(), of(profile()), expiration(), of(any::<bool>())).prop_map(
        |(mut content, profile, expiration, blocked)| {
            if let Some(profile) = profile {
                content = content.with_profile(profile);
            }
            if let Some(blocked) = blocked {
                content = content.with_community_requests_blocked(blocked);
            }
            content.with_expiration(expiration)
        },
    )
}

/// Whether Bob takes it from Alice without further knowledge: invitations in this test are not
/// signed, and unsend requests name a random author.
fn goes_to_bob(content: &Content) -> bool {
    Channel::Direct.carries(content.kind())
        && !matches!(
            content.kind(),
            ContentKind::Unsend(_) | ContentKind::GroupUpdate(GroupUpdate::Invite(_))
        )
}

proptest! {
    #[test]
    fn content_round_trip(content in content(), sent_at in time()) {
        let bytes = content.encode(sent_at);
        let decoded = Content::decode(&bytes, sent_at).unwrap();
        prop_assert_eq!(decoded.sig_timestamp(), Some(sent_at));
        prop_assert_eq!(decoded.kind(), content.kind());
        prop_assert_eq!(decoded.profile(), content.profile());
        prop_assert_eq!(decoded.expiration(), content.expiration());
        prop_assert_eq!(
            decoded.blocks_community_requests(),
            content.blocks_community_requests()
        );
        // What was read encodes to the same bytes.
        prop_assert_eq!(decoded.encode(sent_at), bytes);
    }

    #[test]
    fn sync_copies_round_trip(content in content(), recipient in account()) {
        if let Some(copy) = content.sync_copy(&recipient) {
            let decoded = Content::decode(&copy.encode(TIME), TIME).unwrap();
            prop_assert_eq!(decoded.sync_target(), copy.sync_target());
            prop_assert!(decoded.sync_target().is_some() || decoded.profile().is_none());
        }
    }

    #[test]
    fn direct_round_trip(content in content(), seed in any::<[u8; 32]>()) {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let data = encode_direct(&content, &alice(), &bob().account_id(), TIME, &mut rng);
        if goes_to_bob(&content) && content.encode(TIME).len() < 70_000 {
            let incoming = decode_direct(&data.unwrap(), &bob()).unwrap();
            prop_assert_eq!(incoming.sender, alice().account_id());
            prop_assert_eq!(incoming.sent_at, TIME);
            prop_assert_eq!(incoming.content.kind(), content.kind());
        } else if !Channel::Direct.carries(content.kind()) {
            prop_assert!(data.is_err());
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..600)) {
        let _ = Content::decode(&bytes, TIME);
        let _ = decode_direct(&bytes, &bob());
        let _ = decode_post(&bytes, TIME);
        let _ = decode_group(&bytes, &group(), [&KEY]);
    }

    #[test]
    fn any_sealed_bytes_are_survived(bytes in vec(any::<u8>(), 0..600)) {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let data = seal_direct(&bytes, &alice(), &bob().account_id(), TIME, None, &mut rng);
        let _ = decode_direct(&data.unwrap(), &bob());
    }

    #[test]
    fn any_bytes_in_a_group_are_survived(bytes in vec(any::<u8>(), 1..600)) {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let data = seal_group(&bytes, &alice(), &group(), &KEY, TIME, None, &mut rng).unwrap();
        let _ = decode_group(&data, &group(), [&KEY]);
        let (author, frame) = (alice(), Framing::default());
        let (group, sender) = (group(), author.ed25519());
        let data = group_message::encrypt(sender, group.ed25519(), &KEY, &bytes, frame, &mut rng);
        let _ = decode_group(&data.unwrap(), &group, [&KEY]);
    }

    #[test]
    fn group_round_trip(content in content(), seed in any::<[u8; 32]>()) {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let data = encode_group(&content, &alice(), &group(), &KEY, TIME, &mut rng);
        if !Channel::Group.carries(content.kind()) {
            prop_assert!(data.is_err());
        } else {
            let incoming = decode_group(&data.unwrap(), &group(), [&KEY]);
            match content.kind() {
                // Signed by nobody, except deletions.
                ContentKind::GroupUpdate(
                    GroupUpdate::InfoChange(_) | GroupUpdate::MemberChange(_)
                ) => prop_assert!(matches!(incoming, Err(MessageError::GroupSignature))),
                kind => prop_assert_eq!(&incoming.unwrap().content.into_kind(), kind),
            }
        }
    }

    #[test]
    fn post_round_trip(content in content()) {
        let data = encode_post(&content, TIME);
        if Channel::Community.carries(content.kind()) {
            let post = decode_post(&data.unwrap(), TIME).unwrap();
            prop_assert_eq!(post.content.kind(), content.kind());
        } else {
            prop_assert!(data.is_err());
        }
    }

    #[test]
    fn inbox_round_trip(content in content(), seed in any::<[u8; 32]>()) {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (server, from, to) = inbox();
        let data = encode_inbox(&content, &alice(), &to, &server, TIME, &mut rng);
        if Channel::Inbox.carries(content.kind()) {
            let data = data.unwrap();
            let incoming = decode_inbox(&data, &bob(), &server, &from, &to, TIME).unwrap();
            prop_assert_eq!(incoming.sender, alice().account_id());
            prop_assert_eq!(incoming.content.kind(), content.kind());
        } else {
            prop_assert!(data.is_err());
        }
    }

    #[test]
    fn any_bytes_in_an_inbox_are_survived(
        bytes in vec(any::<u8>(), 0..600),
        at in any::<prop::sample::Index>(),
    ) {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let (server, from, to) = inbox();
        let _ = decode_inbox(&bytes, &bob(), &server, &from, &to, TIME);
        // What the sender sealed, whatever it is.
        let sealed = blinded_message::encrypt(alice().ed25519(), &to, &server, &bytes, &mut rng);
        let mut sealed = sealed.unwrap();
        let _ = decode_inbox(&sealed, &bob(), &server, &from, &to, TIME);
        let at = at.index(sealed.len());
        sealed[at] ^= 1;
        prop_assert!(decode_inbox(&sealed, &bob(), &server, &from, &to, TIME).is_err());
    }

    #[test]
    fn damaged_content_is_survived(
        content in content(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = content.encode(TIME);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(decoded) = Content::decode(&bytes, TIME) {
            // Whatever is accepted can be sent on and read again.
            let again = Content::decode(&decoded.encode(TIME), TIME).unwrap();
            prop_assert_eq!(again.encode(TIME), decoded.encode(TIME));
        }
        let _ = decode_post(&bytes, TIME);
    }

    #[test]
    fn damaged_messages_are_survived(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let content = Content::text("hello").unwrap();
        let mut data =
            encode_direct(&content, &alice(), &bob().account_id(), TIME, &mut rng).unwrap();
        let at = at.index(data.len());
        data[at] = byte;
        let _ = decode_direct(&data, &bob());
    }
}
