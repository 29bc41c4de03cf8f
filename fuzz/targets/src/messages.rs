//! Messages: from stored bytes to checked content.

use session_crypto::Blinding;
use session_crypto::group_message;
use session_messages::{
    Content, ContentKind, Incoming, decode_direct, decode_group, decode_inbox, decode_post,
    encode_direct, encode_group, encode_post, pad_post, seal_direct, seal_group,
};

use crate::actors::{GROUP_KEY, NOW, alice, blinded, bob, group, group_admin, rng, server};
use crate::reached::note_accepted;
use crate::sealed::xchacha_seal;

/// Content after decryption: what is accepted is written so that it is accepted again.
pub fn message_content(data: &[u8]) {
    let Ok(content) = Content::decode(data, NOW) else {
        return;
    };
    note_accepted();
    if !is_whole(&content) {
        return;
    }
    let written = content.encode(NOW);
    let again = Content::decode(&written, NOW).expect("own content is readable");
    assert_eq!(again.profile(), content.profile());
    assert_eq!(again.sync_target(), content.sync_target());
    assert_eq!(again.encode(NOW), written);
    let _ = (content.ttl(false), content.ttl(true));
    if let Some(copy) = content.sync_copy(&bob().account_id()) {
        assert_eq!(copy.kind(), content.kind());
    }
}

/// A stored message of one account.
///
/// | First byte mod 3 | The rest is |
/// |---|---|
/// | 0 | what a node gave out |
/// | 1 | content of a message from Alice to Bob |
/// | 2 | content of Bob's message to himself |
pub fn message_direct(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (alice, bob) = (alice(), bob());
    let sealed = |sender| {
        let id = bob.account_id();
        seal_direct(rest, sender, &id, NOW, None, &mut rng()).expect("fuzz inputs are small")
    };
    let stored = match choice % 3 {
        0 => rest.to_vec(),
        1 => sealed(&alice),
        _ => sealed(&bob),
    };
    if let Ok(mut incoming) = decode_direct(&stored, &bob) {
        let sender = if incoming.sender == bob.account_id() {
            &bob
        } else {
            &alice
        };
        let id = bob.account_id();
        if is_whole(&incoming.content)
            && let Ok(again) = encode_direct(&incoming.content, sender, &id, NOW, &mut rng())
        {
            let reread = decode_direct(&again, &bob).expect("own messages are readable");
            // A message to oneself says to whom, which the rest of the content does not depend on.
            let action = |content: &Content| Content::new(content.kind().clone()).encode(NOW);
            assert_eq!(action(&reread.content), action(&incoming.content));
        }
        after(&mut incoming);
    }
}

/// A stored message of a group.
///
/// | First byte mod 3 | The rest is |
/// |---|---|
/// | 0 | what a node gave out, with the group's key and id in front (32 bytes each) |
/// | 1 | content of a message from Alice |
/// | 2 | what is under the group's encryption |
pub fn message_group(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let group = group();
    let stored = match choice % 3 {
        0 => {
            let Some((key, rest)) = rest.split_first_chunk::<32>() else {
                return;
            };
            if let Some((id, stored)) = rest.split_first_chunk::<32>() {
                let id = session_types::Ed25519PublicKey::new(*id);
                let _ = group_message::decrypt([key], &id, stored);
            }
            return;
        }
        1 => seal_group(rest, &alice(), &group, &GROUP_KEY, NOW, None, &mut rng())
            .expect("fuzz inputs are small"),
        _ => xchacha_seal(&GROUP_KEY, rest),
    };
    if let Ok(mut incoming) = decode_group(&stored, &group, [&[1; 32], &GROUP_KEY]) {
        let key = &GROUP_KEY;
        if is_whole(&incoming.content)
            && let Ok(again) =
                encode_group(&incoming.content, &alice(), &group, key, NOW, &mut rng())
        {
            // What only admins may say was signed for its time and sender, which are the same.
            let reread = decode_group(&again, &group, [key]).expect("own messages are readable");
            assert_eq!(reread.content.encode(NOW), incoming.content.encode(NOW));
        }
        after(&mut incoming);
    }
}

/// A post of a community, which is not encrypted.
pub fn message_post(data: &[u8]) {
    if let Ok(post) = decode_post(data, NOW) {
        note_accepted();
        if !is_whole(&post.content) {
            return;
        }
        let again = encode_post(&post.content, NOW).expect("what may be read may be posted");
        let again = decode_post(&again, NOW).expect("own posts are readable");
        assert_eq!(again.content.encode(NOW), post.content.encode(NOW));
        if let Some(claim) = post.pro {
            let _ = claim.status(group_admin().public());
        }
    }
}

/// A message request through a community.
///
/// | First byte mod 3 | The rest is |
/// |---|---|
/// | 0 | what the community gave out |
/// | 1 | what Alice's `15` id sends to Bob's, unpadded |
/// | 2 | what Alice's `25` id sends to Bob's, unpadded |
pub fn message_inbox(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (alice, bob, server) = (alice(), bob(), server());
    let blinding = if choice % 3 == 1 {
        Blinding::V15
    } else {
        Blinding::V25
    };
    let (from, to) = (blinded(&alice, blinding), blinded(&bob, blinding));
    let delivered = if choice % 3 == 0 {
        rest.to_vec()
    } else {
        let padded = pad_post(rest, None);
        let account = alice.ed25519();
        session_crypto::blinded_message::encrypt(account, &to, &server, &padded, &mut rng())
            .expect("the recipient is a good key")
    };
    let read = decode_inbox(&delivered, &bob, &server, &from, &to, NOW);
    // The sender reads in the outbox what the recipient reads in the inbox.
    let own = decode_inbox(&delivered, &alice, &server, &from, &to, NOW);
    assert_eq!(own.is_ok(), read.is_ok());
    if let Ok(mut incoming) = read {
        assert_eq!(incoming.sender, alice.account_id());
        after(&mut incoming);
    }
}

/// Whether everything that was sent is still in the content: files that nobody could open are only
/// counted, so that a message of nothing else cannot be written again.
fn is_whole(content: &Content) -> bool {
    !matches!(content.kind(), ContentKind::Visible(message) if message.unreadable_attachments() > 0)
}

/// What a client does with a message it has accepted.
fn after(incoming: &mut Incoming) {
    note_accepted();
    let _ = incoming.conversation();
    let _ = incoming.apply_pro_limit(group_admin().public());
}
