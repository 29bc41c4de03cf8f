//! Laws that hold for any content and any input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_config::{
    Access, AuthData, Contact, Contacts, Conversation, ConvoInfoVolatile, GroupInfo, GroupKeys,
    GroupMembers, Incoming, Picture, SharedConfig, UserGroups, seal,
};
use session_crypto::{AccountKeys, Ed25519Secret};
use session_encoding::zstd_frame;
use session_types::{AccountId, GroupId, Timestamp, X25519PublicKey};

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

fn account() -> AccountKeys {
    AccountKeys::from_seed16([5; 16])
}

fn person(number: u8) -> AccountId {
    let mut key = [number; 32];
    key[1] = 1;
    AccountId::from_x25519(X25519PublicKey::new(key))
}

fn below(rng: &mut ChaCha20Rng, limit: u32) -> u32 {
    rng.next_u32() % limit
}

fn shuffle<T>(rng: &mut ChaCha20Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let other = below(rng, u32::try_from(last + 1).unwrap()) as usize;
        items.swap(last, other);
    }
}

fn edit(rng: &mut ChaCha20Rng, contacts: &mut Contacts) {
    let id = person(u8::try_from(below(rng, 40)).unwrap());
    if below(rng, 12) == 0 {
        contacts.erase(&id).unwrap();
        return;
    }
    let number = below(rng, 1000);
    let change = |contact: &mut Contact| match number % 8 {
        0 => contact.name = format!("name {number}"),
        1 => contact.nickname = format!("nick {number}"),
        2 => contact.blocked = number % 16 < 8,
        3 => contact.priority = i32::try_from(number).unwrap() - 500,
        4 => contact.pro_features = u64::from(number),
        5 => contact.created_seconds = 1_700_000_000 + u64::from(number),
        6 => contact.picture = Picture::new(format!("http://x/{number}"), [7; 32]).ok(),
        _ => contact.picture = None,
    };
    contacts.modify(&id, change).unwrap();
}

/// Five devices, ten thousand edits. All who have the same messages arrive at the same bytes, in
/// whatever order and however often they got them.
#[test]
fn merging_knows_no_order() {
    let account = account();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut devices: Vec<Contacts> = (0..5).map(|_| Contacts::new(&account)).collect();
    for round in 0..40 {
        let mut stored: Vec<(String, Vec<u8>)> = Vec::new();
        for (index, device) in devices.iter_mut().enumerate() {
            for _ in 0..50 {
                edit(&mut rng, device);
            }
            let push = device.push(NOW).unwrap();
            let hash = format!("{round}-{index}");
            if below(&mut rng, 2) == 0 {
                device.confirm_pushed(push.seqno, &[&hash]);
            }
            stored.push((hash, push.messages[0].clone()));
        }
        let mut fresh = Contacts::new(&account);
        let mut results = Vec::new();
        for device in devices.iter_mut().chain([&mut fresh]) {
            let mut offered: Vec<usize> = (0..5).chain([0, 3, 3]).collect();
            shuffle(&mut rng, &mut offered);
            let incoming: Vec<Incoming<'_>> = offered
                .iter()
                .map(|index| Incoming {
                    hash: &stored[*index].0,
                    data: &stored[*index].1,
                })
                .collect();
            let merged = device.merge(&incoming, NOW).unwrap();
            assert_eq!(merged.accepted.len(), 5);
            assert!(device.needs_push());
            let push = device.push(NOW).unwrap();
            device.confirm_pushed(push.seqno, &[&format!("{round}")]);
            results.push((push.seqno, push.messages, device.iter().collect::<Vec<_>>()));
        }
        for result in &results {
            assert!(*result == results[0], "round {round}");
        }
        // A device that comes back from its saved state is no different.
        let index = below(&mut rng, 5) as usize;
        let dump = devices[index].dump(NOW);
        devices[index] = Contacts::load(&account, &dump).unwrap();
    }
    assert!(devices[0].len() > 20);
}

fn sealed(plain: &[u8], domain: &str, key: &[u8; 32]) -> Vec<u8> {
    seal::encrypt(plain, key, domain).unwrap()
}

/// Keys of a later version stay, whatever this one changes beside them.
#[test]
fn unknown_keys_survive() {
    let account = account();
    let key = *account.ed25519().seed();
    let id = person(1).to_bytes();
    let mut plain = b"d1:#i3e1:$li1e2:xxe1:&d1:cd33:".to_vec();
    plain.extend_from_slice(&id);
    plain.extend_from_slice(b"d1:Xl3:abce1:Yd1:ai1ee1:n3:bobe1:?i5e2:zzi-1eee1:*i7e1:<le2:<ale1:=de1:Zd1:qi18446744073709551615eee");
    let mut contacts = Contacts::new(&account);
    let data = sealed(&plain, "Contacts", &key);
    let incoming = Incoming {
        hash: "h",
        data: &data,
    };
    assert!(contacts.merge(&[incoming], NOW).unwrap().changed);
    assert_eq!(contacts.len(), 1);
    contacts.set_nickname(&person(1), "x").unwrap();
    contacts.set_blocked(&person(2), true).unwrap();
    let dump = contacts.dump(NOW);
    let mut contacts = Contacts::load(&account, &dump).unwrap();
    contacts.set_blocked(&person(2), false).unwrap();
    contacts.erase(&person(2)).unwrap();
    let dump = contacts.dump(NOW);
    let text: Vec<u8> = dump.to_vec();
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    for part in [
        b"e1:$li1e2:xxe1:&d1:cd33:".as_slice(),
        b"d1:N1:x1:Xl3:abce1:Yd1:ai1ee1:n3:bobe1:?i5e2:zzi-1eee1:*i7e1:<l",
        b"e2:<ale1:=d",
        b"1:Zd1:qi18446744073709551615eee",
    ] {
        assert!(holds(part), "{}", String::from_utf8_lossy(part));
    }
}

/// What a message may hold is bounded before memory is spent on it.
#[test]
fn too_many_values_are_refused() {
    let account = account();
    let key = *account.ed25519().seed();
    let mut plain = b"d1:#i1e1:&d1:al".to_vec();
    for number in 0..1_000_001 {
        plain.extend_from_slice(format!("i{number}e").as_bytes());
    }
    plain.extend_from_slice(b"ee1:<le1:=dee");
    let compressed = zstd_frame::compress(b"z", &plain, 1).unwrap();
    let data = sealed(&compressed, "Contacts", &key);
    let mut contacts = Contacts::new(&account);
    let incoming = [Incoming {
        hash: "h",
        data: &data,
    }];
    assert!(contacts.merge(&incoming, NOW).is_err());

    let bomb = zstd_frame::compress(b"z", &vec![b'd'; 100_000_000], 1).unwrap();
    let data = sealed(&bomb, "Contacts", &key);
    let incoming = [Incoming {
        hash: "h",
        data: &data,
    }];
    assert!(contacts.merge(&incoming, NOW).unwrap().accepted.is_empty());
}

/// The hash of an own group config is the same after loading it, so that the next version names
/// the one before as others know it.
#[test]
fn own_signed_versions_keep_their_hash() {
    let admin = Ed25519Secret::from_seed([3; 32]);
    let id = GroupId::from_ed25519(*admin.public());
    let versions = |restart: bool| {
        let mut info = GroupInfo::new(id, Some(&admin)).unwrap();
        info.set_encryption_keys(&[[1; 32]]);
        info.set_name("one").unwrap();
        let push = info.push(NOW).unwrap();
        info.confirm_pushed(push.seqno, &["a"]);
        if restart {
            let dump = info.dump(NOW);
            info = GroupInfo::load(id, Some(&admin), &dump).unwrap();
            info.set_encryption_keys(&[[1; 32]]);
        }
        info.set_name("two").unwrap();
        info.push(NOW).unwrap().messages
    };
    assert_eq!(versions(true), versions(false));
}

/// Everyone who is read-only adopts the same of several divergent versions, and changes nothing.
#[test]
fn readers_adopt_the_greatest() {
    let admin = Ed25519Secret::from_seed([3; 32]);
    let id = GroupId::from_ed25519(*admin.public());
    let mut messages = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let mut info = GroupInfo::new(id, Some(&admin)).unwrap();
        info.set_encryption_keys(&[[1; 32]]);
        info.set_name(name).unwrap();
        messages.push(info.push(NOW).unwrap().messages.remove(0));
    }
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut names = Vec::new();
    for _ in 0..10 {
        shuffle(&mut rng, &mut messages);
        let mut reader = GroupInfo::new(id, None).unwrap();
        reader.set_encryption_keys(&[[1; 32]]);
        let incoming: Vec<Incoming<'_>> = messages
            .iter()
            .map(|data| Incoming { hash: "h", data })
            .collect();
        reader.merge(&incoming, NOW).unwrap();
        assert!(!reader.needs_push());
        assert!(reader.set_name("x").is_err());
        names.push(reader.name());
    }
    names.dedup();
    assert_eq!(names.len(), 1);
}

/// A blinded contact and a blinded conversation, which no vector covers.
#[test]
fn blinded_ids() {
    use session_config::{BlindedContact, CommunityServer, ReadState};
    use session_types::SwarmPubkey;
    let account = account();
    let server = CommunityServer::new("https://Example.org:443/", [9; 32]).unwrap();
    let mut contacts = Contacts::new(&account);
    for prefix in [0x15, 0x25] {
        let id = SwarmPubkey::new(prefix, [prefix; 32]);
        let mut contact = BlindedContact::new(id, server.clone());
        contact.name = "n".to_owned();
        contacts.set_blinded(&contact).unwrap();
        assert_eq!(contacts.blinded("https://example.org", id), Some(contact));
    }
    assert_eq!(contacts.iter_blinded().count(), 2);
    let plain = SwarmPubkey::new(5, [1; 32]);
    assert!(
        contacts
            .set_blinded(&BlindedContact::new(plain, server))
            .is_err()
    );
    for prefix in [0x15, 0x25] {
        let id = SwarmPubkey::new(prefix, [prefix; 32]);
        assert!(contacts.erase_blinded("https://example.org", id).unwrap());
        assert!(!contacts.erase_blinded("https://example.org", id).unwrap());
    }
    let dump = contacts.dump(NOW);
    assert!(dump.windows(7).any(|part| part == b"1:&de1:"));

    let mut read = ConvoInfoVolatile::new(&account);
    let id = Conversation::Blinded(SwarmPubkey::new(0x15, [1; 32]));
    let mut state = ReadState::default();
    state.last_read = NOW;
    state.pro_proof = Some((NOW, [4; 32]));
    read.set(&id, state, NOW).unwrap();
    assert_eq!(read.get(&id), Some(state));
    assert_eq!(read.iter().collect::<Vec<_>>(), [(id.clone(), state)]);
    read.mark_read(&id, Timestamp::from_ms(5), NOW).unwrap();
    assert_eq!(read.get(&id), Some(state));
    assert!(read.erase(&id).unwrap());
    assert!(read.iter().next().is_none());
}

/// The message for removed members reaches them and no one else, once.
#[test]
fn kicked_members_learn_of_it() {
    let account = account();
    let other = AccountKeys::from_seed16([6; 16]);
    let admin = Ed25519Secret::from_seed([3; 32]);
    let id = GroupId::from_ed25519(*admin.public());
    let mut info = GroupInfo::new(id, Some(&admin)).unwrap();
    let mut members = GroupMembers::new(id, Some(&admin)).unwrap();
    for account in [&account, &other] {
        members.modify(&account.account_id(), |_| {}).unwrap();
    }
    let mut keys = GroupKeys::new(&account, id, Some(&admin)).unwrap();
    let message = keys.rekey(&mut info, &mut members).unwrap();
    keys.load_message("k0", &message, NOW, &mut info, &mut members)
        .unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let kicked = keys
        .kicked_message(&[other.account_id()], &mut rng)
        .unwrap();

    let mut reader_info = GroupInfo::new(id, None).unwrap();
    let mut reader_members = GroupMembers::new(id, None).unwrap();
    let mut theirs = GroupKeys::new(&other, id, None).unwrap();
    assert!(theirs.is_kicked_by(&kicked));
    assert!(!keys.is_kicked_by(&kicked));
    // Invited again: the key of a later generation makes the old message void.
    let mut load = |theirs: &mut GroupKeys, hash: &str, message: &[u8]| {
        let (info, members) = (&mut reader_info, &mut reader_members);
        theirs
            .load_message(hash, message, NOW, info, members)
            .unwrap()
    };
    assert!(load(&mut theirs, "k0", &message));
    assert!(theirs.is_kicked_by(&kicked));
    let message = keys.rekey(&mut info, &mut members).unwrap();
    assert!(load(&mut theirs, "k1", &message));
    assert!(!theirs.is_kicked_by(&kicked));
    assert!(
        theirs
            .kicked_message(&[other.account_id()], &mut rng)
            .is_err()
    );
}

/// A config message: valid ones with bytes changed, cut or repeated.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let message = {
        let account = account();
        let mut contacts = Contacts::new(&account);
        for number in 0..3 {
            contacts.set_nickname(&person(number), "nick").unwrap();
            contacts.push(NOW).unwrap();
        }
        let dump = contacts.dump(NOW);
        let start = dump.windows(4).position(|part| part == b"d1:#").unwrap();
        let end = dump.windows(4).rposition(|part| part == b"1:(l").unwrap();
        dump[start..end].to_vec()
    };
    let length = message.len();
    let changes = prop::collection::vec((0..length, any::<u8>()), 0..4);
    (changes, 0..=length, 0..length).prop_map(move |(changes, end, repeat)| {
        let mut damaged = message.clone();
        for (place, byte) in changes {
            damaged[place] = byte;
        }
        damaged.truncate(end);
        if repeat % 5 == 0 {
            damaged.extend_from_slice(&message[repeat..]);
        }
        damaged
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_message_is_survived(
        plain in prop_oneof![damaged(), prop::collection::vec(any::<u8>(), 0..200)],
        compress in any::<bool>(),
        part in any::<bool>(),
    ) {
        let account = account();
        let key = *account.ed25519().seed();
        let mut plain = plain;
        if compress {
            plain = zstd_frame::compress(b"z", &plain, 1).unwrap();
        }
        if part {
            plain.insert(0, b'm');
        }
        let data = sealed(&plain, "Contacts", &key);
        let mut contacts = Contacts::new(&account);
        contacts.set_nickname(&person(9), "kept").unwrap();
        for data in [&data, &plain] {
            contacts.merge(&[Incoming { hash: "h", data }], NOW).unwrap();
        }
        let push = contacts.push(NOW).unwrap();
        // Whatever it was, others can read what came of it.
        let mut other = Contacts::new(&account);
        let incoming = [Incoming { hash: "p", data: &push.messages[0] }];
        prop_assert_eq!(other.merge(&incoming, NOW).unwrap().accepted.len(), 1);
        prop_assert!(other.iter().eq(contacts.iter()));
        let dump = contacts.dump(NOW);
        prop_assert!(Contacts::load(&account, &dump).unwrap().iter().eq(contacts.iter()));
    }

    #[test]
    fn any_dump_is_survived(
        changes in prop::collection::vec((0..200usize, any::<u8>()), 0..4),
        end in 0..400usize,
    ) {
        let account = account();
        let mut groups = UserGroups::new(&account);
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        groups.create_group("name", NOW, &mut rng).unwrap();
        let mut dump = groups.dump(NOW).to_vec();
        for (place, byte) in changes {
            let place = place % dump.len();
            dump[place] = byte;
        }
        dump.truncate(end);
        if let Ok(mut groups) = UserGroups::load(&account, &dump) {
            groups.push(NOW).unwrap();
            let _ = groups.groups().count();
        }
    }

    #[test]
    fn any_key_message_is_survived(
        changes in prop::collection::vec((0..3000usize, any::<u8>()), 0..4),
        end in 0..3000usize,
        signed in any::<bool>(),
        auth in prop::collection::vec(any::<u8>(), 90..110),
    ) {
        let account = account();
        let admin = Ed25519Secret::from_seed([3; 32]);
        let id = GroupId::from_ed25519(*admin.public());
        let mut info = GroupInfo::new(id, Some(&admin)).unwrap();
        let mut members = GroupMembers::new(id, Some(&admin)).unwrap();
        members.modify(&account.account_id(), |_| {}).unwrap();
        let mut keys = GroupKeys::new(&account, id, Some(&admin)).unwrap();
        let good = keys.rekey(&mut info, &mut members).unwrap();
        let mut message = good.clone();
        for (place, byte) in changes {
            let place = place % message.len();
            message[place] = byte;
        }
        message.truncate(end);
        if signed {
            let keep = message.len().min(good.len() - 71);
            message.truncate(keep);
            let signature = admin.sign(&message);
            message.extend_from_slice(b"1:~64:");
            message.extend_from_slice(signature.as_bytes());
            message.push(b'e');
        }
        for admin in [None, Some(&admin)] {
            let mut keys = GroupKeys::new(&account, id, admin).unwrap();
            let mut info = GroupInfo::new(id, admin).unwrap();
            let mut members = GroupMembers::new(id, admin).unwrap();
            let loaded = keys.load_message("h", &message, NOW, &mut info, &mut members);
            if !signed && message != good {
                prop_assert!(loaded.is_err());
            }
            let dump = keys.dump();
            let again = GroupKeys::load(&account, id, admin, &dump).unwrap();
            prop_assert!(again.keys().eq(keys.keys()));
            let _ = keys.is_kicked_by(&message);
        }
        let checked = AuthData::check(&auth, &id, &account.account_id(), Access::MEMBER);
        prop_assert!(checked.is_err());
    }
}
