//! The operations of the vectors on the typed configs.

use serde_json::{Map, Value as Json};
use session_config::{
    Community, ConfigError, Contacts, Conversation, ConvoInfoVolatile, DisappearAfter,
    Disappearing, Group, GroupInfo, GroupMembers, GroupSettings, Notify, Picture, UserGroups,
    UserProfile,
};
use session_crypto::Ed25519Secret;
use session_crypto::pro::Proof;
use session_types::{AccountId, Signature, Timestamp};
use zeroize::Zeroizing;

use crate::{array, hex, list, text};

fn picture(json: &Json) -> Option<Picture> {
    let url = text(&json["url"]);
    (!url.is_empty()).then(|| Picture::new(url, array(&json["key"])).unwrap())
}

fn number(json: &Json) -> u64 {
    json.as_u64().unwrap()
}

fn priority(json: &Json) -> i32 {
    i32::try_from(json.as_i64().unwrap()).unwrap()
}

fn notify(json: &Json) -> Notify {
    match number(json) {
        0 => Notify::Default,
        1 => Notify::All,
        2 => Notify::Off,
        3 => Notify::Mentions,
        other => panic!("unknown notification {other}"),
    }
}

pub(crate) fn profile_op(
    config: &mut UserProfile,
    op: &Json,
    now: Timestamp,
) -> Result<(), ConfigError> {
    let value = &op["value"];
    match text(&op["op"]) {
        "set_name" => config.set_name(text(value), now),
        "set_profile_pic" => config.set_picture(picture(op).as_ref(), now),
        "set_reupload_profile_pic" => config.set_reuploaded_picture(picture(op).as_ref(), now),
        "set_nts_priority" => config.set_note_to_self_priority(priority(value)),
        "set_nts_expiry" => config.set_note_to_self_timer_seconds(number(&op["seconds"])),
        "set_blinded_msgreqs" => config.set_community_requests(value.as_bool(), now),
        "set_pro_badge" => {
            let features = config.pro_features() & !1 | u64::from(value.as_bool().unwrap());
            config.set_pro_features(features, now)
        }
        "set_animated_avatar" => {
            let features = config.pro_features() & !2 | u64::from(value.as_bool().unwrap()) << 1;
            config.set_pro_features(features, now)
        }
        "set_pro_config" => {
            let rotating = Ed25519Secret::from_seed(array(&op["rotating_seed"]));
            let proof = Proof {
                revocation_tag: array(&op["revocation_tag"]),
                rotating: *rotating.public(),
                expiry_seconds: number(&op["expiry"]),
                signature: Signature::new(array(&op["sig"])),
            };
            config.set_pro_credential(&rotating, &proof, now)
        }
        "remove_pro_config" => config.remove_pro_credential().map(drop),
        "set_pro_access_expiry" => config.set_pro_access_expiry_seconds(value.as_u64(), now),
        "set_pro_auto_renewing" => config.set_pro_renews(value.as_bool().unwrap()),
        "set_pro_grace_period" => config.set_pro_grace_seconds(number(&op["seconds"])),
        "set_refund_requested" => config.set_refund_requested_seconds(value.as_u64(), now),
        "set_pro_prepaid" => config.set_pro_prepaid_seconds(value.as_u64(), now),
        other => panic!("unknown op {other}"),
    }
}

fn account(json: &Json) -> AccountId {
    text(json).parse().unwrap()
}

pub(crate) fn contacts_op(config: &mut Contacts, op: &Json) -> Result<(), ConfigError> {
    let id = account(&op["session_id"]);
    match text(&op["op"]) {
        "erase" => config.erase(&id).map(drop),
        "modify" => config.modify(&id, |contact| {
            let known = contact.disappearing;
            let mut mode = known.map_or(0, |known| match known.after {
                DisappearAfter::Sending => 1,
                DisappearAfter::Reading => 2,
            });
            let mut timer = known.map_or(0, |known| known.seconds);
            for (key, value) in op["fields"].as_object().unwrap() {
                match key.as_str() {
                    "name" => text(value).clone_into(&mut contact.name),
                    "nickname" => text(value).clone_into(&mut contact.nickname),
                    "profile_pic" => contact.picture = picture(value),
                    "approved" => contact.approved = value.as_bool().unwrap(),
                    "approved_me" => contact.approved_me = value.as_bool().unwrap(),
                    "blocked" => contact.blocked = value.as_bool().unwrap(),
                    "priority" => contact.priority = priority(value),
                    "notifications" => contact.notify = notify(value),
                    "mute_until" => contact.muted_until_seconds = number(value),
                    "exp_mode" => mode = number(value),
                    "exp_timer" => timer = number(value),
                    "created" => contact.created_seconds = number(value),
                    "profile_updated" => contact.profile_updated_seconds = number(value),
                    "profile_bitset" => contact.pro_features = number(value),
                    other => panic!("unknown field {other}"),
                }
            }
            let after = match mode {
                1 => Some(DisappearAfter::Sending),
                2 => Some(DisappearAfter::Reading),
                _ => None,
            };
            contact.disappearing = after.map(|after| Disappearing {
                after,
                seconds: timer,
            });
        }),
        other => panic!("unknown op {other}"),
    }
}

fn set_setting(settings: &mut GroupSettings, key: &str, value: &Json) -> bool {
    match key {
        "priority" => settings.priority = priority(value),
        "joined_at" => settings.joined_seconds = number(value),
        "notifications" => settings.notify = notify(value),
        "mute_until" => settings.muted_until_seconds = number(value),
        "invited" => settings.invited = value.as_bool().unwrap(),
        _ => return false,
    }
    true
}

/// The fields of an operation in the order they stand in the file, see [`crate::ordered`].
fn in_order(fields: &Map<String, Json>) -> impl Iterator<Item = (&str, &Json)> {
    fields
        .iter()
        .map(|(key, value)| (key.trim_start_matches(['|', '~']), value))
}

fn set_group_field(group: &mut Group, key: &str, value: &Json) {
    match key {
        "name" => text(value).clone_into(&mut group.name),
        "secretkey" => {
            let key = hex(value);
            group.admin_seed = key.first_chunk::<32>().copied().map(Zeroizing::new);
        }
        "auth_data" => {
            group.auth_data = <[u8; 100]>::try_from(hex(value)).ok().map(Zeroizing::new);
        }
        "mark" => match text(value) {
            "kicked" => group.mark_kicked(),
            "invited" => group.mark_invited(),
            "destroyed" => group.mark_destroyed(),
            other => panic!("unknown mark {other}"),
        },
        other => assert!(set_setting(&mut group.settings, other, value), "{other}"),
    }
}

pub(crate) fn groups_op(config: &mut UserGroups, op: &Json) -> Result<(), ConfigError> {
    let no_fields = Map::new();
    let fields = op["fields"].as_object().unwrap_or(&no_fields);
    match text(&op["op"]) {
        "modify_group" => config.modify_group(&text(&op["id"]).parse().unwrap(), |group| {
            for (key, value) in in_order(fields) {
                set_group_field(group, key, value);
            }
        }),
        "modify_legacy_group" => config.modify_legacy_group(&account(&op["id"]), |group| {
            for (key, value) in fields {
                match key.as_str() {
                    "name" => text(value).clone_into(&mut group.name),
                    "enc_keys" => {
                        let [public, secret] = list(value) else {
                            panic!("not two keys");
                        };
                        group.keys = (!text(public).is_empty())
                            .then(|| (array(public), Zeroizing::new(array(secret))));
                    }
                    "disappearing_timer" => group.timer_seconds = number(value),
                    "members" => {
                        for member in list(value) {
                            let id = account(&member["session_id"]);
                            match text(&member["action"]) {
                                "admin" => drop(group.members.insert(id, true)),
                                "member" => drop(group.members.insert(id, false)),
                                "remove" => drop(group.members.remove(&id)),
                                other => panic!("unknown action {other}"),
                            }
                        }
                    }
                    other => assert!(set_setting(&mut group.settings, other, value), "{other}"),
                }
            }
        }),
        "modify_community" => {
            config.modify_community(&Community::parse(text(&op["url"]))?, |settings| {
                for (key, value) in fields {
                    assert!(set_setting(settings, key, value), "{key}");
                }
            })
        }
        "erase_group" => config
            .erase_group(&text(&op["id"]).parse().unwrap())
            .map(drop),
        "erase_legacy_group" => config.erase_legacy_group(&account(&op["id"])).map(drop),
        "erase_community" => {
            let community = Community::parse(text(&op["url"]))?;
            config
                .erase_community(community.server().base_url(), community.room())
                .map(drop)
        }
        other => panic!("unknown op {other}"),
    }
}

pub(crate) fn conversations_op(
    config: &mut ConvoInfoVolatile,
    op: &Json,
    now: Timestamp,
) -> Result<(), ConfigError> {
    let (action, kind) = text(&op["op"]).split_once('_').unwrap();
    let conversation = match kind {
        "1to1" => Conversation::Account(account(&op["id"])),
        "group" => Conversation::Group(text(&op["id"]).parse().unwrap()),
        "legacy_group" => Conversation::LegacyGroup(account(&op["id"])),
        "community" => Conversation::Community(Community::parse(text(&op["url"]))?),
        other => panic!("unknown conversation {other}"),
    };
    match action {
        "erase" => config.erase(&conversation).map(drop),
        "modify" => {
            let mut state = config.get(&conversation).unwrap_or_default();
            for (key, value) in op["fields"].as_object().unwrap() {
                match key.as_str() {
                    "last_read" => state.last_read = Timestamp::from_ms(number(value)),
                    "unread" => state.unread = value.as_bool().unwrap(),
                    other => panic!("unknown field {other}"),
                }
            }
            config.set(&conversation, state, now)
        }
        other => panic!("unknown op {other}"),
    }
}

pub(crate) fn info_op(config: &mut GroupInfo, op: &Json) -> Result<(), ConfigError> {
    let value = &op["value"];
    match text(&op["op"]) {
        "set_name" => config.set_name(text(value)),
        "set_description" => config.set_description(text(value)),
        "set_profile_pic" => config.set_picture(picture(op).as_ref()),
        "set_created" => config.set_created_seconds(number(value)),
        "set_expiry_timer" => config.set_timer_seconds(number(&op["seconds"])),
        "set_delete_before" => config.set_delete_before_seconds(number(value)),
        "set_delete_attach_before" => config.set_delete_attachments_before_seconds(number(value)),
        "destroy_group" => config.destroy(),
        other => panic!("unknown op {other}"),
    }
}

pub(crate) fn members_op(config: &mut GroupMembers, op: &Json) -> Result<(), ConfigError> {
    let id = account(&op["session_id"]);
    match text(&op["op"]) {
        "erase" => config.erase(&id).map(drop),
        "modify" => config.modify(&id, |member| {
            for (key, value) in in_order(op["fields"].as_object().unwrap()) {
                match key {
                    "name" => text(value).clone_into(&mut member.name),
                    "profile_pic" => member.picture = picture(value),
                    "supplement" => member.supplement = value.as_bool().unwrap(),
                    "mark" => match text(value) {
                        "invite_not_sent" => member.set_invite_not_sent(),
                        "invite_sent" => member.set_invite_sent(),
                        "invite_failed" => member.set_invite_failed(),
                        "invite_accepted" => member.set_invite_accepted(),
                        "promoted" => member.set_promoted(),
                        "promotion_sent" => member.set_promotion_sent(),
                        "promotion_failed" => member.set_promotion_failed(),
                        "promotion_accepted" => member.set_promotion_accepted(),
                        "removed" => member.set_removed(false),
                        "removed_with_messages" => member.set_removed(true),
                        other => panic!("unknown mark {other}"),
                    },
                    other => panic!("unknown field {other}"),
                }
            }
        }),
        other => panic!("unknown op {other}"),
    }
}
