//! The typed configs behind the operations and states of the vectors.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value as Json, json};
use session_config::{
    Community, ConfigError, Contacts, Conversation, ConvoInfoVolatile, DisappearAfter,
    Disappearing, Group, GroupId, GroupInfo, GroupMembers, GroupSettings, Notify, Picture,
    ProProof, Removed, SharedConfig, UserGroups, UserProfile,
};
use session_crypto::pro::Proof;
use session_crypto::{AccountKeys, Ed25519Secret, direct};
use session_types::{AccountId, Signature, Timestamp};
use zeroize::Zeroizing;

use crate::{array, hex, list, text};

pub(crate) enum Owner {
    Account(AccountKeys),
    Group { admin: Ed25519Secret, key: [u8; 32] },
}

impl Owner {
    pub(crate) fn new(scenario: &Json) -> Self {
        if let Some(seed) = scenario.get("seed") {
            return Self::Account(AccountKeys::from_seed32(array(seed)));
        }
        let admin = Ed25519Secret::from_seed(array(&scenario["group_seed"]));
        assert_eq!(
            *admin.public().as_bytes(),
            array(&scenario["group_ed25519_pk"])
        );
        Self::Group {
            admin,
            key: array(&scenario["encryption_key"]),
        }
    }

    pub(crate) fn encryption_key(&self) -> [u8; 32] {
        match self {
            Self::Account(account) => *account.ed25519().seed(),
            Self::Group { key, .. } => *key,
        }
    }

    fn account(&self) -> &AccountKeys {
        match self {
            Self::Account(account) => account,
            Self::Group { .. } => panic!("not an account"),
        }
    }

    /// The encrypted config inside the frame, found without the code under test: the frame is
    /// opened as a direct message, and the config is what the last field of its content holds.
    pub(crate) fn unwrapped(&self, _kind: &str, message: &[u8]) -> Vec<u8> {
        let Self::Account(account) = self else {
            return message.to_vec();
        };
        let Some(opened) = (0..message.len().min(64)).find_map(|start| {
            // The request frame ends with `20 00` after the sealed content.
            let sealed = message[start..].strip_suffix(&[0x20, 0])?;
            direct::decrypt(account.x25519(), sealed).ok()
        }) else {
            return message.to_vec();
        };
        let content = opened.plaintext.strip_suffix(&[0x80]).unwrap();
        let mut rest = content;
        let varint = |rest: &mut &[u8]| {
            let mut value = 0usize;
            for shift in (0..).step_by(7) {
                let byte = rest[0];
                *rest = &rest[1..];
                value |= usize::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            value
        };
        assert_eq!(varint(&mut rest), 11 << 3 | 2);
        assert_eq!(varint(&mut rest), rest.len());
        assert_eq!(varint(&mut rest), 8);
        varint(&mut rest);
        assert_eq!(varint(&mut rest), 16);
        varint(&mut rest);
        assert_eq!(varint(&mut rest), 3 << 3 | 2);
        assert_eq!(varint(&mut rest), rest.len());
        rest.to_vec()
    }
}

pub(crate) enum Device {
    Profile { config: UserProfile, newest: bool },
    Contacts(Contacts),
    Groups(UserGroups),
    Conversations(ConvoInfoVolatile),
    Info(GroupInfo),
    Members(GroupMembers),
}

impl Device {
    pub(crate) fn new(kind: &str, name: &str, owner: &Owner) -> Self {
        Self::build(kind, name, owner, None).unwrap()
    }

    pub(crate) fn load(
        kind: &str,
        name: &str,
        owner: &Owner,
        dump: &[u8],
    ) -> Result<Self, ConfigError> {
        Self::build(kind, name, owner, Some(dump))
    }

    fn build(
        kind: &str,
        name: &str,
        owner: &Owner,
        dump: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        macro_rules! of_account {
            ($type:ty) => {
                match dump {
                    Some(dump) => <$type>::load(owner.account(), dump)?,
                    None => <$type>::new(owner.account()),
                }
            };
        }
        macro_rules! of_group {
            ($type:ty) => {{
                let Owner::Group { admin, key } = owner else {
                    panic!("not a group");
                };
                let id = GroupId::from_ed25519(*admin.public());
                let admin = (!matches!(name, "R" | "Q")).then_some(admin);
                let mut config = match dump {
                    Some(dump) => <$type>::load(id, admin, dump)?,
                    None => <$type>::new(id, admin)?,
                };
                config.set_encryption_keys(&[*key]);
                config
            }};
        }
        Ok(match kind {
            "user_profile" => Self::Profile {
                config: of_account!(UserProfile).with_stamps(false),
                newest: false,
            },
            "user_profile_v2" => Self::Profile {
                config: of_account!(UserProfile),
                newest: true,
            },
            "contacts" => Self::Contacts(of_account!(Contacts)),
            "user_groups" => Self::Groups(of_account!(UserGroups)),
            "convo_info_volatile" => Self::Conversations(of_account!(ConvoInfoVolatile)),
            "group_info" => Self::Info(of_group!(GroupInfo)),
            "group_members" => Self::Members(of_group!(GroupMembers)),
            other => panic!("unknown type {other}"),
        })
    }

    pub(crate) fn config(&mut self) -> &mut dyn SharedConfig {
        match self {
            Self::Profile { config, .. } => config,
            Self::Contacts(config) => config,
            Self::Groups(config) => config,
            Self::Conversations(config) => config,
            Self::Info(config) => config,
            Self::Members(config) => config,
        }
    }

    pub(crate) fn shared(&self) -> &dyn SharedConfig {
        match self {
            Self::Profile { config, .. } => config,
            Self::Contacts(config) => config,
            Self::Groups(config) => config,
            Self::Conversations(config) => config,
            Self::Info(config) => config,
            Self::Members(config) => config,
        }
    }

    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Contacts(config) => config.len(),
            _ => panic!("no size"),
        }
    }

    pub(crate) fn apply(&mut self, op: &Json, now: Timestamp) -> Result<(), ConfigError> {
        match self {
            Self::Profile { config, .. } => profile_op(config, op, now),
            Self::Contacts(config) => contacts_op(config, op),
            Self::Groups(config) => groups_op(config, op),
            Self::Conversations(config) => conversations_op(config, op, now),
            Self::Info(config) => info_op(config, op),
            Self::Members(config) => members_op(config, op),
        }
    }

    pub(crate) fn state(&self, now: Timestamp) -> Json {
        match self {
            Self::Profile { config, newest } => profile_state(config, *newest, now),
            Self::Contacts(config) => contacts_state(config),
            Self::Groups(config) => groups_state(config),
            Self::Conversations(config) => conversations_state(config),
            Self::Info(config) => info_state(config),
            Self::Members(config) => members_state(config),
        }
    }
}

fn picture(json: &Json) -> Option<Picture> {
    let url = text(&json["url"]);
    (!url.is_empty()).then(|| Picture::new(url, array(&json["key"])).unwrap())
}

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

fn notify_state(notify: Notify) -> Json {
    match notify {
        Notify::Default => 0,
        Notify::All => 1,
        Notify::Off => 2,
        Notify::Mentions => 3,
    }
    .into()
}

fn profile_op(config: &mut UserProfile, op: &Json, now: Timestamp) -> Result<(), ConfigError> {
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

fn profile_state(config: &UserProfile, newest: bool, now: Timestamp) -> Json {
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

fn account(json: &Json) -> AccountId {
    text(json).parse().unwrap()
}

fn contacts_op(config: &mut Contacts, op: &Json) -> Result<(), ConfigError> {
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

fn contacts_state(config: &Contacts) -> Json {
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

fn groups_op(config: &mut UserGroups, op: &Json) -> Result<(), ConfigError> {
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
                        group.keys = (text(public) != "")
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

fn groups_state(config: &UserGroups) -> Json {
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

fn conversations_op(
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

fn conversations_state(config: &ConvoInfoVolatile) -> Json {
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

fn info_op(config: &mut GroupInfo, op: &Json) -> Result<(), ConfigError> {
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

fn info_state(config: &GroupInfo) -> Json {
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

fn members_op(config: &mut GroupMembers, op: &Json) -> Result<(), ConfigError> {
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

fn members_state(config: &GroupMembers) -> Json {
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
