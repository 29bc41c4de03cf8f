//! The typed configs behind the operations and states of the vectors.

use serde_json::Value as Json;
use session_config::{
    ConfigError, Contacts, ConvoInfoVolatile, GroupInfo, GroupMembers, SharedConfig, UserGroups,
    UserProfile,
};
use session_crypto::{AccountKeys, Ed25519Secret, direct};
use session_types::{GroupId, Timestamp};

use crate::array;
use crate::operations::{
    contacts_op, conversations_op, groups_op, info_op, members_op, profile_op,
};
use crate::states::{
    contacts_state, conversations_state, groups_state, info_state, members_state, profile_state,
};

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
