//! The decoded states of the vectors, from the typed configs.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use session_config::{
    Contacts, Conversation, ConvoInfoVolatile, DisappearAfter, GroupInfo, GroupMembers,
    GroupSettings, Notify, Picture, ProProof, Removed, UserGroups, UserProfile,
};
use session_types::Timestamp;

fn picture_state(picture: Option<&Picture>) -> Json {
    picture.map_or(
        Json::Null,
        |picture| json!({ "url": picture.url(), "key": HEXLOWER.encode(picture.key()) }),
    )
}

fn some_text(text: String) -> Json {
    if text.is_empty() {
        Json::Null
    } else {
        text.into()
    }
}

fn some_number(number: u64) -> Json {
    if number == 0 {
        Json::Null
    } else {
        number.into()
    }
}

fn notify_state(notify: Notify) -> Json {
    match notify {
        Notify::Default => 0,
        Notify::All => 1,
        Notify::Off => 2,
        Notify::Mentions => 3,
    }
    .into()
}

pub(crate) fn profile_state(config: &UserProfile, newest: bool, now: Timestamp) -> Json {
    let mut state = json!({
        "name": some_text(config.name()),
        "profile_pic": picture_state(config.picture().as_ref()),
        "nts_priority": config.note_to_self_priority(),
        "nts_expiry": some_number(config.note_to_self_timer_seconds()),
        "blinded_msgreqs": config.community_requests(),
    });
    if newest {
        let features = config.pro_features();
        let bits: Vec<u32> = (0..64).filter(|bit| features >> bit & 1 == 1).collect();
        let credential = config.pro_credential().map(|credential| {
            let ProProof::Newest(proof) = credential.proof else {
                panic!("old proof");
            };
            let mut out = format!("d1:ei{}e1:g32:", proof.expiry_seconds).into_bytes();
            out.extend_from_slice(&proof.revocation_tag);
            out.extend_from_slice(b"1:r32:");
            out.extend_from_slice(credential.rotating.seed());
            out.extend_from_slice(b"1:s64:");
            out.extend_from_slice(proof.signature.as_bytes());
            out.push(b'e');
            HEXLOWER.encode(&out)
        });
        let more = json!({
            "profile_updated": config.updated_seconds(),
            "profile_features": bits,
            "pro_config": credential,
            "pro_access_expiry": config.pro_access_expiry_seconds(),
            "pro_auto_renewing": config.pro_renews(),
            "pro_grace_period": config.pro_grace_seconds(),
            "refund_requested": config.refund_requested_seconds(now),
            "pro_prepaid": config.pro_prepaid_seconds(now),
        });
        state
            .as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
    }
    state
}

pub(crate) fn contacts_state(config: &Contacts) -> Json {
    let contacts: Vec<Json> = config
        .iter()
        .map(|contact| {
            let mode = contact.disappearing.map_or(0, |value| match value.after {
                DisappearAfter::Sending => 1,
                DisappearAfter::Reading => 2,
            });
            json!({
                "session_id": contact.id.to_hex(),
                "name": contact.name,
                "nickname": contact.nickname,
                "profile_pic": picture_state(contact.picture.as_ref()),
                "approved": contact.approved,
                "approved_me": contact.approved_me,
                "blocked": contact.blocked,
                "priority": contact.priority,
                "notifications": notify_state(contact.notify),
                "mute_until": contact.muted_until_seconds,
                "exp_mode": mode,
                "exp_timer": contact.disappearing.map_or(0, |value| value.seconds),
                "created": contact.created_seconds,
                "profile_updated": contact.profile_updated_seconds,
                "profile_bitset": contact.pro_features,
            })
        })
        .collect();
    json!({ "size": config.len(), "contacts": contacts })
}

pub(crate) fn groups_state(config: &UserGroups) -> Json {
    let mut all = Vec::new();
    let with_settings = |mut entry: Json, settings: &GroupSettings| {
        let settings = json!({
            "priority": settings.priority,
            "joined_at": settings.joined_seconds,
            "notifications": notify_state(settings.notify),
            "mute_until": settings.muted_until_seconds,
            "invited": settings.invited,
        });
        entry
            .as_object_mut()
            .unwrap()
            .append(&mut settings.as_object().unwrap().clone());
        entry
    };
    for group in config.groups() {
        let key = group.admin_key().map_or(String::new(), |key| {
            HEXLOWER.encode(key.seed()) + &key.public().to_hex()
        });
        let auth = group
            .auth_data
            .as_ref()
            .map_or(String::new(), |data| HEXLOWER.encode(data.as_slice()));
        let entry = json!({
            "type": "group",
            "id": group.id.to_string(),
            "name": group.name,
            "secretkey": key,
            "auth_data": auth,
            "kicked": group.removed == Removed::Kicked,
            "destroyed": group.removed == Removed::Destroyed,
        });
        all.push(with_settings(entry, &group.settings));
    }
    for joined in config.communities() {
        let entry = json!({
            "type": "community",
            "base_url": joined.community.server().base_url(),
            "room": joined.community.room(),
            "room_norm": joined.community.room_key(),
            "pubkey": HEXLOWER.encode(joined.community.server().public_key()),
        });
        all.push(with_settings(entry, &joined.settings));
    }
    for group in config.legacy_groups() {
        let (public, secret) = group.keys.as_ref().map_or_else(Default::default, |keys| {
            (HEXLOWER.encode(&keys.0), HEXLOWER.encode(keys.1.as_slice()))
        });
        let members: BTreeMap<String, bool> = group
            .members
            .iter()
            .map(|(id, admin)| (id.to_hex(), *admin))
            .collect();
        let entry = json!({
            "type": "legacy_group",
            "id": group.id.to_hex(),
            "name": group.name,
            "enc_pubkey": public,
            "enc_seckey": secret,
            "disappearing_timer": group.timer_seconds,
            "members": members,
        });
        all.push(with_settings(entry, &group.settings));
    }
    json!({ "size": all.len(), "groups": all })
}

pub(crate) fn conversations_state(config: &ConvoInfoVolatile) -> Json {
    // The reference lists them by kind in this order.
    let mut kinds: [Vec<Json>; 4] = Default::default();
    for (conversation, state) in config.iter() {
        let (place, mut entry) = match &conversation {
            Conversation::Account(id) => (0, json!({ "type": "1to1", "id": id.to_hex() })),
            Conversation::Group(id) => (1, json!({ "type": "group", "id": id.to_string() })),
            Conversation::Community(community) => (
                2,
                json!({
                    "type": "community",
                    "base_url": community.server().base_url(),
                    "room": community.room(),
                    "pubkey": HEXLOWER.encode(community.server().public_key()),
                }),
            ),
            Conversation::LegacyGroup(id) => {
                (3, json!({ "type": "legacy_group", "id": id.to_hex() }))
            }
            other => panic!("unexpected conversation {other:?}"),
        };
        entry["last_read"] = state.last_read.as_ms().into();
        entry["unread"] = state.unread.into();
        kinds[place].push(entry);
    }
    let all = kinds.concat();
    json!({ "size": all.len(), "convos": all })
}

pub(crate) fn info_state(config: &GroupInfo) -> Json {
    json!({
        "id": config.id().to_string(),
        "name": some_text(config.name()),
        "description": some_text(config.description()),
        "profile_pic": picture_state(config.picture().as_ref()),
        "expiry_timer": some_number(config.timer_seconds()),
        "created": some_number(config.created_seconds()),
        "delete_before": some_number(config.delete_before_seconds()),
        "delete_attach_before": some_number(config.delete_attachments_before_seconds()),
        "destroyed": config.is_destroyed(),
    })
}

pub(crate) fn members_state(config: &GroupMembers) -> Json {
    let members: Vec<Json> = config
        .iter()
        .map(|member| {
            let (invite, promotion, removal) = member.raw_status();
            json!({
                "session_id": member.id.to_hex(),
                "name": member.name,
                "profile_pic": picture_state(member.picture.as_ref()),
                "admin": member.is_admin(),
                "supplement": member.supplement,
                "invite_status": invite,
                "promotion_status": promotion,
                "removed_status": removal,
                "status": config.status(&member) as u8,
            })
        })
        .collect();
    json!({ "size": config.len(), "members": members })
}
