//! Shared configs and group keys.

use serde_json::Value;
use session_config::{Access, Contacts, GroupInfo, GroupKeys, GroupMembers, Member, SharedConfig};
use session_crypto::AccountKeys;
use session_fuzz::actors::{GROUP_KEY, NOW, alice, bob, group_admin, rng};
use session_test_support::vectors::hex;
use session_types::GroupId;

use crate::{Seeds, cases, vectors};

/// In the order in which the targets count them.
const FILES: [&str; 6] = [
    "config_contacts.json",
    "config_convo_info_volatile.json",
    "config_user_groups.json",
    "config_user_profile.json",
    "config_group_info.json",
    "config_group_members.json",
];

/// `1:~64:`, the signature and the last `e` of a signed config.
const SIGNATURE_LEN: usize = 6 + 64 + 1;

pub(crate) fn add(seeds: &mut Seeds) {
    for (kind, file) in (0u8..).zip(FILES) {
        from_vectors(seeds, kind, &vectors(file));
    }
    made_here(seeds);
    keys(seeds);
    let community = vectors("community.json");
    for case in cases(&community, "parse_full") {
        seeds.add(
            "community_address",
            &[case["url"].as_str().unwrap().as_bytes()],
        );
    }
}

fn from_vectors(seeds: &mut Seeds, kind: u8, file: &Value) {
    let of_group = kind >= 4;
    let mut configs: Vec<Vec<u8>> = Vec::new();
    let mut dumps = 0;
    for step in cases(file, "scenarios")
        .iter()
        .flat_map(|scenario| cases(scenario, "steps"))
    {
        for message in step["messages"].as_array().into_iter().flatten() {
            let mut config = hex(&message["plain"]);
            if of_group {
                config.truncate(config.len() - SIGNATURE_LEN);
                config.push(b'e');
            }
            if config.len() < 1200 && configs.len() < 12 {
                configs.push(config);
            }
        }
        if let Some(dump) = step["dump"].as_str().filter(|dump| dump.len() < 3000)
            && dumps < 6
        {
            seeds.add("config_dump", &[&[kind], &hex(&Value::from(dump))]);
            dumps += 1;
        }
    }
    for config in configs.iter().step_by(3) {
        seeds.add("config_message", &[&[kind + 6], config]);
        seeds.add("config_message", &[&[kind + 12], config]);
    }
    for pair in configs.windows(3).step_by(3) {
        let length = u16::try_from(pair[0].len()).unwrap().to_le_bytes();
        seeds.add("config_merge", &[&[kind], &length, &pair[0], &pair[1]]);
        seeds.add("config_merge", &[&[kind], &length, &pair[0], &pair[2]]);
    }
}

/// A config as the swarm gives it out, parts of large ones, and values of the wrong types.
fn made_here(seeds: &mut Seeds) {
    let mut contacts = Contacts::new(&bob());
    contacts
        .set_nickname(&alice().account_id(), "Alice")
        .unwrap();
    let push = contacts.push(NOW).unwrap();
    seeds.add("config_message", &[&[0], &push.messages[0]]);
    let part = [&b"ml32:"[..], &[7; 32], b"1:\x001:\x025:helloe"].concat();
    seeds.add("config_message", &[&[18], &part]);
    for config in [
        &b"d1:#i1e1:&de1:<le1:=dee"[..],
        b"d1:#i1e1:&d1:cdee1:<le1:=dee",
        b"d1:#i9223372036854775807e1:&de1:<le1:=dee",
        b"d1:#i2e1:&d1:n1:xe1:<lli1e32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad1:n0:eee1:=d1:n0:ee",
        b"d1:#i1e1:&d1:+i5e1:n1:x1:~2:hie1:<le1:=de1:~0:e",
    ] {
        for kind in [0, 3, 5] {
            seeds.add("config_message", &[&[kind + 6], config]);
        }
    }
}

fn keys(seeds: &mut Seeds) {
    let (admin_key, account) = (group_admin(), AccountKeys::from_seed16([0xa1; 16]));
    let id = GroupId::from_ed25519(*admin_key.public());
    let mut info = GroupInfo::new(id, Some(&admin_key)).unwrap();
    let mut members = GroupMembers::new(id, Some(&admin_key)).unwrap();
    info.set_encryption_keys(&[GROUP_KEY]);
    members.set_encryption_keys(&[GROUP_KEY]);
    for account in [alice(), bob()] {
        members.set(&Member::new(account.account_id())).unwrap();
    }
    let mut admin = GroupKeys::new(&account, id, Some(&admin_key)).unwrap();
    let mut reader = GroupKeys::new(&bob(), id, None).unwrap();
    let mut message = |message: &[u8]| {
        seeds.add("config_group_keys", &[&[0], message]);
        let open = &message[..message.len() - SIGNATURE_LEN];
        seeds.add("config_group_keys", &[&[1], open, b"e"]);
    };
    for hash in ["first", "second"] {
        let rekey = admin.rekey(&mut info, &mut members).unwrap();
        message(&rekey);
        for keys in [&mut admin, &mut reader] {
            keys.load_message(hash, &rekey, NOW, &mut info, &mut members)
                .unwrap();
        }
    }
    message(&admin.key_supplement(&[bob().account_id()]).unwrap());
    seeds.add("config_group_keys", &[&[2], &reader.dump()]);
    let removed = [bob().account_id()];
    let kicked = admin.kicked_message(&removed, &mut rng()).unwrap();
    seeds.add("config_group_keys", &[&[3], &kicked]);
    let auth = admin
        .subaccount_auth(&bob().account_id(), Access::MEMBER)
        .unwrap();
    seeds.add("config_group_keys", &[&[3], auth.as_bytes()]);
    let bob = bob();
    seeds.add(
        "config_group_keys",
        &[&[4], bob.x25519().public().as_bytes(), b"1"],
    );
}
