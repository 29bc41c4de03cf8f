//! Shared configs: what a swarm gives out, what a device has saved, and group keys.

use session_config::community::{Community, parse_partial};
use session_config::{
    Access, AuthData, ConfigError, Contacts, Conversation, ConvoInfoVolatile, Group, GroupInfo,
    GroupKeys, GroupMembers, Incoming, Member, SharedConfig, UserGroups, UserProfile, seal,
};
use session_crypto::multi_recipient;
use session_encoding::zstd_frame;
use session_types::{AccountId, GroupId};

use crate::actors::{GROUP_KEY, NOW, alice, bob, group_admin, rng};
use crate::reached::note_accepted;

/// One kind of config, as Bob has it, who is also an admin of the group.
trait Kind: SharedConfig + Sized {
    const DOMAIN: &'static str;
    /// Whether its messages are signed by the group.
    const OF_GROUP: bool;

    fn empty() -> Self;
    fn saved(dump: &[u8]) -> Option<Self>;
    /// Reads everything in it.
    fn read(&self);
    /// Changes something in it.
    fn change(&mut self) -> Result<(), ConfigError>;
}

/// Runs a generic function for the kind that a byte chooses.
macro_rules! for_kind {
    ($choice:expr, $body:ident($($argument:expr),*)) => {
        match $choice % 6 {
            0 => $body::<Contacts>($($argument),*),
            1 => $body::<ConvoInfoVolatile>($($argument),*),
            2 => $body::<UserGroups>($($argument),*),
            3 => $body::<UserProfile>($($argument),*),
            4 => $body::<GroupInfo>($($argument),*),
            _ => $body::<GroupMembers>($($argument),*),
        }
    };
}

/// A message of a swarm.
///
/// | First byte | Meaning |
/// |---|---|
/// | mod 6 | kind: contacts, read state, user groups, user profile, group info, group members |
/// | / 6, mod 4 | 0: the rest is what the swarm gave out; 1: a config, not compressed; 2: a config, to be compressed; 3: what is under the encryption |
///
/// A config of a group is signed before it is encrypted.
pub fn config_message(data: &[u8]) {
    if let Some((choice, rest)) = data.split_first() {
        for_kind!(choice, take_message(choice / 6 % 4, rest));
    }
}

fn take_message<C: Kind>(form: u8, rest: &[u8]) {
    let stored = match form {
        0 => rest.to_vec(),
        1 => sealed::<C>(&signed::<C>(rest)),
        2 => {
            let frame = zstd_frame::compress(b"z", &signed::<C>(rest), zstd_frame::LEVEL);
            sealed::<C>(&frame.expect("memory is not short"))
        }
        _ => sealed::<C>(rest),
    };
    let mut config = C::empty();
    if merge(&mut config, &[&stored]) {
        settle(config);
    }
}

/// Two messages in both orders come to the same.
///
/// | Bytes | Meaning |
/// |---|---|
/// | 1 | kind, as for `config_message` |
/// | 2 | length n of the first config, little-endian |
/// | n | the first config, not compressed |
/// | rest | the second |
pub fn config_merge(data: &[u8]) {
    let Some(([choice, low, high], rest)) = data.split_first_chunk::<3>() else {
        return;
    };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    if let Some((first, second)) = rest.split_at_checked(length) {
        for_kind!(choice, take_both(first, second));
    }
}

fn take_both<C: Kind>(first: &[u8], second: &[u8]) {
    let [first, second] = [first, second].map(|config| sealed::<C>(&signed::<C>(config)));
    let (mut here, mut there) = (C::empty(), C::empty());
    let taken = merge(&mut here, &[&first, &second]);
    assert_eq!(merge(&mut there, &[&second, &first]), taken);
    if taken {
        let (here_pushed, there_pushed) = (here.push(NOW), there.push(NOW));
        match (here_pushed, there_pushed) {
            (Ok(here), Ok(there)) => assert_eq!(here.messages, there.messages),
            (here, there) => assert_eq!(here.is_err(), there.is_err()),
        }
        settle(here);
    }
}

/// A saved config; the first byte chooses the kind.
pub fn config_dump(data: &[u8]) {
    if let Some((choice, dump)) = data.split_first() {
        for_kind!(choice, restore(dump));
    }
}

fn restore<C: Kind>(dump: &[u8]) {
    if let Some(config) = C::saved(dump) {
        settle(config);
    }
}

fn merge<C: Kind>(config: &mut C, stored: &[&[u8]]) -> bool {
    let hashes = ["first", "second"];
    let incoming: Vec<Incoming<'_>> = hashes
        .iter()
        .zip(stored)
        .map(|(hash, data)| Incoming { hash, data })
        .collect();
    config
        .merge(&incoming, NOW)
        .is_ok_and(|merged| !merged.accepted.is_empty())
}

/// What is in a config can be read, pushed to another device, and saved.
fn settle<C: Kind>(mut config: C) {
    note_accepted();
    config.read();
    let _ = (config.active_hashes(), config.obsolete_hashes());
    let dump = config.dump(NOW);
    let mut restored = C::saved(&dump).expect("own dumps are readable");
    let Ok(push) = config.push(NOW) else {
        return;
    };
    let again = restored.push(NOW).expect("it could be pushed before");
    if !config.needs_push() || again.seqno == push.seqno {
        assert_eq!(again.messages, push.messages);
    }
    // What was taken over as it came can be stored anew, and others read it.
    if !config.needs_push()
        && let [message] = push.messages.as_slice()
    {
        let mut other = C::empty();
        assert!(merge(&mut other, &[message]), "readable as it came");
    }
    let hashes: Vec<&str> = push.messages.iter().map(|_| "stored").collect();
    config.confirm_pushed(push.seqno, &hashes);
    assert!(!config.needs_push());
    // Another device takes in what this one changes.
    if config.change().is_ok()
        && config.needs_push()
        && let Ok(push) = config.push(NOW)
        && let [message] = push.messages.as_slice()
    {
        let mut other = C::empty();
        assert!(merge(&mut other, &[message]), "own messages are readable");
        other.read();
        let there = other.push(NOW).expect("it could be pushed here");
        assert_eq!((there.seqno, &there.messages), (push.seqno, &push.messages));
    }
}

/// Zeros in front of the message, then the encryption of the swarm.
fn sealed<C: Kind>(message: &[u8]) -> Vec<u8> {
    let mut padded = vec![0; seal::padded_size(message.len()) - message.len()];
    padded.extend_from_slice(message);
    let key = if C::OF_GROUP {
        GROUP_KEY
    } else {
        *bob().ed25519().seed()
    };
    seal::encrypt(&padded, &key, C::DOMAIN).expect("fuzz inputs are small")
}

fn signed<C: Kind>(config: &[u8]) -> Vec<u8> {
    match config.strip_suffix(b"e") {
        Some(open) if C::OF_GROUP => signed_by_group(open),
        _ => config.to_vec(),
    }
}

/// A dict that is still open, with the group's signature as its last entry.
fn signed_by_group(open: &[u8]) -> Vec<u8> {
    let signature = group_admin().sign(open);
    [open, b"1:~64:", signature.as_bytes(), b"e"].concat()
}

macro_rules! of_account {
    ($($name:ident: |$config:ident| $read:expr, $change:expr;)+) => {
        $(impl Kind for $name {
            const DOMAIN: &'static str = stringify!($name);
            const OF_GROUP: bool = false;

            fn empty() -> Self {
                Self::new(&bob())
            }

            fn saved(dump: &[u8]) -> Option<Self> {
                Self::load(&bob(), dump).ok()
            }

            fn read(&self) {
                let $config = self;
                $read
            }

            fn change(&mut self) -> Result<(), ConfigError> {
                let $config = self;
                $change
            }
        })+
    };
}

of_account! {
    Contacts: |config| {
        assert!(config.iter().count() <= config.len());
        for contact in config.iter() {
            assert_eq!(config.get(&contact.id).map(|contact| contact.id), Some(contact.id));
        }
        let _ = config.iter_blinded().count();
    }, config.set_nickname(&alice().account_id(), "A");
    ConvoInfoVolatile: |config| {
        for (conversation, _) in config.iter() {
            assert!(config.get(&conversation).is_some());
        }
    }, config.mark_unread(&Conversation::Account(alice().account_id()), true, NOW);
    UserGroups: |config| {
        for group in config.groups() {
            assert!(config.group(&group.id).is_some());
            let _ = group.admin_key();
        }
    }, config.set_group(&Group::new(group_id()));
    UserProfile: |config| {
        let _ = (config.name(), config.picture(), config.updated_seconds());
        let _ = (config.note_to_self_priority(), config.note_to_self_timer_seconds());
        let _ = (config.community_requests(), config.pro_features(), config.pro_credential());
        let _ = (config.pro_access_expiry_seconds(), config.pro_renews());
        let _ = (config.refund_requested_seconds(NOW), config.pro_prepaid_seconds(NOW));
    }, config.set_note_to_self_priority(7);
}

macro_rules! of_group {
    ($($name:ident $domain:literal: |$config:ident| $read:expr, $change:expr;)+) => {
        $(impl Kind for $name {
            const DOMAIN: &'static str = $domain;
            const OF_GROUP: bool = true;

            fn empty() -> Self {
                let mut config = Self::new(group_id(), Some(&group_admin()))
                    .expect("the key is the group's");
                config.set_encryption_keys(&[GROUP_KEY]);
                config
            }

            fn saved(dump: &[u8]) -> Option<Self> {
                let mut config = Self::load(group_id(), Some(&group_admin()), dump).ok()?;
                config.set_encryption_keys(&[GROUP_KEY]);
                Some(config)
            }

            fn read(&self) {
                let $config = self;
                $read
            }

            fn change(&mut self) -> Result<(), ConfigError> {
                let $config = self;
                $change
            }
        })+
    };
}

of_group! {
    GroupInfo "groups::Info": |config| {
        let _ = (config.name(), config.description(), config.picture(), config.is_destroyed());
        let _ = (config.created_seconds(), config.timer_seconds());
        let _ = (config.delete_before_seconds(), config.delete_attachments_before_seconds());
    }, config.set_description("changed");
    GroupMembers "groups::Members": |config| {
        for member in config.iter() {
            let _ = (config.status(&member), member.is_admin());
            assert!(config.get(&member.id).is_some());
        }
    }, config.set(&Member::new(alice().account_id()));
}

fn group_id() -> GroupId {
    GroupId::from_ed25519(*group_admin().public())
}

/// The keys of a group.
///
/// | First byte mod 5 | The rest is |
/// |---|---|
/// | 0 | a message of the keys' namespace |
/// | 1 | such a message up to its signature, which the group makes |
/// | 2 | saved keys |
/// | 3 | a message to removed members |
/// | 4 | what such a message says to Bob |
pub fn config_group_keys(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let (id, admin_key) = (group_id(), group_admin());
    let mut member = GroupKeys::new(&bob(), id, None).expect("no key to be wrong");
    match choice % 5 {
        0 => load_keys(&mut member, rest),
        1 => {
            let message = signed_by_group(rest.strip_suffix(b"e").unwrap_or(rest));
            load_keys(&mut member, &message);
            let mut admin = GroupKeys::new(&alice(), id, Some(&admin_key)).expect("its own key");
            load_keys(&mut admin, &message);
        }
        2 => {
            if let Ok(mut keys) = GroupKeys::load(&bob(), id, None, rest) {
                note_accepted();
                use_keys(&keys);
                let dump = keys.dump();
                let mut again =
                    GroupKeys::load(&bob(), id, None, &dump).expect("own dumps are readable");
                assert_eq!(*again.dump(), *dump);
            }
        }
        3 => {
            let _ = member.is_kicked_by(rest);
            let account: AccountId = bob().account_id();
            if let Ok(auth) = AuthData::check(rest, &id, &account, Access::MEMBER) {
                note_accepted();
                assert_eq!(auth.as_bytes().as_slice(), rest);
            }
        }
        _ => {
            let container = multi_recipient::encrypt_container(
                &admin_key.to_x25519(),
                &[*bob().x25519().public()],
                None,
                b"SessionGroupKickedMessage",
                &[rest],
                0,
                &mut rng(),
            );
            if member.is_kicked_by(&container.expect("the recipient is a good key")) {
                note_accepted();
                assert!(rest.starts_with(bob().x25519().public().as_bytes()));
            }
        }
    }
}

fn load_keys(keys: &mut GroupKeys, message: &[u8]) {
    let (mut info, mut members) = (GroupInfo::empty(), GroupMembers::empty());
    let before = keys.dump();
    match keys.load_message("hash", message, NOW, &mut info, &mut members) {
        Ok(_) => {
            note_accepted();
            use_keys(keys);
        }
        Err(_) => assert_eq!(*keys.dump(), *before),
    }
}

fn use_keys(keys: &GroupKeys) {
    let _ = (keys.generation(), keys.encryption_key().is_ok());
    let _ = (
        keys.keys().count(),
        keys.needs_rekey(),
        keys.active_hashes(),
    );
}

/// The address of a community, as a person pastes it.
pub fn community_address(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let _ = parse_partial(text);
    if let Ok(community) = Community::parse(text) {
        note_accepted();
        let again = Community::parse(&community.full_url()).expect("own addresses are readable");
        assert_eq!(again, community);
        assert!(community.room_key().eq_ignore_ascii_case(community.room()));
    }
}
