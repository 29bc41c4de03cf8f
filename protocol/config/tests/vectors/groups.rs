//! Group keys, with the group's other two configs.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value as Json;
use session_config::{
    Access, AuthData, ConfigError, GroupInfo, GroupKeys, GroupMembers, Incoming, SharedConfig, seal,
};
use session_crypto::{AccountKeys, Ed25519Secret, verify};
use session_encoding::bt::{self, Bt};
use session_types::{AccountId, Ed25519PublicKey, GroupId, Timestamp};

use crate::steps::{compare_dumps, decompressed};
use crate::{array, hex, list, sections, text, texts, vectors};

struct Actor {
    account: AccountKeys,
    admin: Option<Ed25519Secret>,
    keys: GroupKeys,
    info: GroupInfo,
    members: GroupMembers,
    /// As the vectors have them: keys, info, members.
    dumps: [Vec<u8>; 3],
}

impl Actor {
    fn new(account: AccountKeys, id: GroupId, admin: Option<Ed25519Secret>) -> Self {
        Self {
            keys: GroupKeys::new(&account, id, admin.as_ref()).unwrap(),
            info: GroupInfo::new(id, admin.as_ref()).unwrap(),
            members: GroupMembers::new(id, admin.as_ref()).unwrap(),
            account,
            admin,
            dumps: Default::default(),
        }
    }
}

#[test]
fn group_keys() {
    let file = vectors("group_keys.json");
    sections(&file, &["about", "now_ms", "scenarios", "subaccounts"]);
    for scenario in list(&file["scenarios"]) {
        Scenario::new(scenario, &file).run(scenario);
    }
}

#[test]
fn group_sequences() {
    let file = vectors("group_sequences.json");
    sections(&file, &["about", "now_ms", "scenarios"]);
    for scenario in list(&file["scenarios"]) {
        Scenario::new(scenario, &file).run(scenario);
    }
}

struct Scenario {
    id: GroupId,
    admin: Ed25519Secret,
    now: Timestamp,
    messages: BTreeMap<String, Vec<u8>>,
    rekeys: Vec<Vec<u8>>,
    actors: BTreeMap<String, Actor>,
}

impl Scenario {
    fn new(json: &Json, file: &Json) -> Self {
        for key in json.as_object().unwrap().keys() {
            let known = [
                "name",
                "part",
                "group_seed",
                "group_ed25519_pk",
                "group_id",
                "steps",
            ];
            assert!(known.contains(&key.as_str()), "unknown key {key}");
        }
        let admin = Ed25519Secret::from_seed(array(&json["group_seed"]));
        let id: GroupId = text(&json["group_id"]).parse().unwrap();
        assert_eq!(id.ed25519(), admin.public());
        assert_eq!(*admin.public().as_bytes(), array(&json["group_ed25519_pk"]));
        Self {
            id,
            admin,
            now: Timestamp::from_ms(file["now_ms"].as_u64().unwrap()),
            messages: BTreeMap::new(),
            rekeys: Vec::new(),
            actors: BTreeMap::new(),
        }
    }

    fn run(mut self, json: &Json) {
        assert!(!list(&json["steps"]).is_empty());
        for (index, step) in list(&json["steps"]).iter().enumerate() {
            let what = format!("{} step {index} {}", json["name"], step["action"]);
            if step["action"] == "note" {
                let [.., a, b] = self.rekeys.as_slice() else {
                    panic!("{what}: no two rekeys");
                };
                assert_eq!(
                    a == b,
                    step["same_rekey_bytes"].as_bool().unwrap(),
                    "{what}"
                );
                continue;
            }
            let name = text(&step["actor"]).to_owned();
            let mut actor = if step["action"] == "create" {
                self.create(step)
            } else {
                self.actors.remove(&name).unwrap()
            };
            self.step(&mut actor, step, &what);
            check(&actor, step, &what);
            self.actors.insert(name, actor);
        }
    }

    fn create(&self, step: &Json) -> Actor {
        let account = AccountKeys::from_seed32(array(&step["seed"]));
        assert_eq!(account.account_id().to_hex(), step["account_id"]);
        let admin = step["admin"]
            .as_bool()
            .unwrap()
            .then(|| Ed25519Secret::from_seed(*self.admin.seed()));
        Actor::new(account, self.id, admin)
    }

    fn step(&mut self, actor: &mut Actor, step: &Json, what: &str) {
        match text(&step["action"]) {
            "create" => {}
            "set_member" => {
                let id = text(&step["session_id"]).parse().unwrap();
                let admin = step["admin"].as_bool().unwrap();
                let set = actor.members.modify(&id, |member| {
                    text(&step["name"]).clone_into(&mut member.name);
                    if admin {
                        member.set_promotion_accepted();
                    }
                });
                set.unwrap();
            }
            "erase_member" => {
                let id = text(&step["session_id"]).parse().unwrap();
                assert!(actor.members.erase(&id).unwrap(), "{what}");
            }
            "set_group_name" => actor.info.set_name(text(&step["value"])).unwrap(),
            "rekey" => {
                let message = actor
                    .keys
                    .rekey(&mut actor.info, &mut actor.members)
                    .unwrap();
                assert!(message == hex(&step["message"]), "{what}: another message");
                assert_eq!(
                    *actor.keys.encryption_key().unwrap(),
                    array(&step["enc_key"])
                );
                self.store(step, message.clone());
                self.rekeys.push(message);
            }
            "key_supplement" => {
                let ids: Vec<AccountId> = list(&step["session_ids"])
                    .iter()
                    .map(|id| text(id).parse().unwrap())
                    .collect();
                let message = actor.keys.key_supplement(&ids).unwrap();
                assert!(message == hex(&step["message"]), "{what}: another message");
                self.store(step, message);
            }
            "load_key_message" => {
                let hash = text(&step["hash"]);
                let message = match step.get("message") {
                    Some(message) => hex(message),
                    None => self.messages[hash].clone(),
                };
                let stored = Timestamp::from_ms(step["timestamp_ms"].as_u64().unwrap());
                let loaded = actor.keys.load_message(
                    hash,
                    &message,
                    stored,
                    &mut actor.info,
                    &mut actor.members,
                );
                if step.get("error").is_some() {
                    assert!(loaded.is_err(), "{what}");
                } else {
                    assert_eq!(loaded.unwrap(), step["loaded"].as_bool().unwrap(), "{what}");
                }
            }
            "load_admin_key" => {
                let wrong =
                    actor
                        .keys
                        .load_admin_key(&[9; 32], &mut actor.info, &mut actor.members);
                assert_eq!(
                    wrong.is_err(),
                    step["wrong_secret_rejected"].as_bool().unwrap()
                );
                let seed = array(&step["secret"]);
                actor
                    .keys
                    .load_admin_key(&seed, &mut actor.info, &mut actor.members)
                    .unwrap();
                actor.admin = Some(Ed25519Secret::from_seed(seed));
                assert_eq!(
                    actor.keys.is_admin(),
                    step["admin_after"].as_bool().unwrap()
                );
                assert!(!actor.info.is_read_only());
            }
            "not_admin" => {
                let id = actor.account.account_id();
                let refused = [
                    actor
                        .keys
                        .rekey(&mut actor.info, &mut actor.members)
                        .map(drop),
                    actor.keys.key_supplement(&[id]).map(drop),
                    actor.info.set_name("x"),
                ];
                for result in refused {
                    assert_eq!(result, Err(ConfigError::ReadOnly));
                }
            }
            "push_info" => {
                let push = push(&mut actor.info, step, self.now, "groups::Info", what);
                self.store(step, push);
            }
            "push_members" => {
                let push = push(&mut actor.members, step, self.now, "groups::Members", what);
                self.store(step, push);
            }
            "merge_info_and_members" => self.merge(actor, step, what),
            "dump" => {
                let dumps = [
                    hex(&step["keys_dump"]),
                    hex(&step["info_dump"]),
                    hex(&step["members_dump"]),
                ];
                compare_keys(&actor.keys.dump(), &dumps[0], what);
                let keys: Vec<[u8; 32]> = actor.keys.keys().copied().collect();
                let is_copy = |domain: &'static str, state: &dyn SharedConfig| {
                    let waits = state.needs_push();
                    let (keys, messages) = (&keys, &self.messages);
                    move |hash: &str, own: &[u8]| {
                        waits && plain(&messages[hash], keys, domain).is_some_and(|one| one == own)
                    }
                };
                let dump = actor.info.dump(self.now);
                compare_dumps(&dump, &dumps[1], what, is_copy("groups::Info", &actor.info));
                let dump = actor.members.dump(self.now);
                compare_dumps(
                    &dump,
                    &dumps[2],
                    what,
                    is_copy("groups::Members", &actor.members),
                );
                actor.dumps = dumps;
            }
            "reload_from_dumps" => {
                // From the dumps of the reference, without its own signatures: what follows has
                // the hashes it took from these.
                let admin = actor.admin.as_ref();
                let [keys, info, members] = &actor.dumps;
                actor.keys = GroupKeys::load(&actor.account, self.id, admin, keys).unwrap();
                actor.info = GroupInfo::load(self.id, admin, info).unwrap();
                actor.members = GroupMembers::load(self.id, admin, members).unwrap();
                actor.keys.share_keys(&mut actor.info, &mut actor.members);
            }
            other => panic!("unknown action {other}"),
        }
    }

    fn store(&mut self, step: &Json, message: Vec<u8>) {
        self.messages
            .insert(text(&step["hash"]).to_owned(), message);
    }

    fn merge(&self, actor: &mut Actor, step: &Json, what: &str) {
        let [info, members] = list(&step["hashes"]) else {
            panic!("not two messages");
        };
        let incoming = |hash| Incoming {
            hash: text(hash),
            data: &self.messages[text(hash)],
        };
        let info = actor.info.merge(&[incoming(info)], self.now);
        let members = actor.members.merge(&[incoming(members)], self.now);
        if step.get("error").is_some() {
            assert_eq!(info, Err(ConfigError::NoKey), "{what}");
            assert_eq!(members, Err(ConfigError::NoKey), "{what}");
            return;
        }
        assert_eq!(
            info.unwrap().accepted,
            texts(&step["accepted_info"]),
            "{what}"
        );
        assert_eq!(
            members.unwrap().accepted,
            texts(&step["accepted_members"]),
            "{what}"
        );
        assert_eq!(
            actor.members.len() as u64,
            step["member_count"].as_u64().unwrap()
        );
        assert_eq!(actor.info.name(), step["group_name"].as_str().unwrap_or(""));
    }
}

fn push(
    config: &mut dyn SharedConfig,
    step: &Json,
    now: Timestamp,
    domain: &str,
    what: &str,
) -> Vec<u8> {
    let push = config.push(now).unwrap();
    assert_eq!(push.seqno, step["seqno"].as_i64().unwrap(), "{what}");
    assert_eq!(
        push.obsolete
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        texts(&step["obsolete"]),
        "{what}"
    );
    config.confirm_pushed(push.seqno, &[text(&step["hash"])]);
    let [message] = push.messages.as_slice() else {
        panic!("{what}: not one message");
    };
    let stored = hex(&step["message"]);
    assert_eq!(step["protobuf_wrapped"], false);
    if step["first_byte"] == "d" {
        assert!(*message == stored, "{what}: another message");
    }
    let key = array(&step["keys"][0]);
    let theirs = seal::decrypt(&stored, &key, domain).unwrap();
    assert_eq!(theirs.len() as u64, step["padded_len"].as_u64().unwrap());
    let ours = seal::decrypt(message, &key, domain).unwrap();
    assert_eq!(decompressed(&theirs), hex(&step["plain"]));
    assert!(decompressed(&ours) == hex(&step["plain"]), "{what}");
    stored
}

fn check(actor: &Actor, step: &Json, what: &str) {
    let keys = &actor.keys;
    for (key, value) in step.as_object().unwrap() {
        match key.as_str() {
            "group_keys" => {
                let expected: Vec<[u8; 32]> = list(value).iter().map(array).collect();
                assert_eq!(keys.keys().copied().collect::<Vec<_>>(), expected, "{what}");
            }
            "generation" => assert_eq!(keys.generation(), value.as_i64().unwrap(), "{what}"),
            "needs_rekey" => assert_eq!(keys.needs_rekey(), value.as_bool().unwrap(), "{what}"),
            "needs_dump" => assert_eq!(keys.needs_dump(), value.as_bool().unwrap(), "{what}"),
            "current_hashes" => assert_eq!(keys.active_hashes(), texts(value), "{what}"),
            "pending" => {
                let pending = keys.pending_message().is_some();
                assert_eq!(pending, value.as_bool().unwrap(), "{what}");
            }
            "action"
            | "actor"
            | "hash"
            | "message"
            | "enc_key"
            | "timestamp_ms"
            | "loaded"
            | "error"
            | "seed"
            | "account_id"
            | "admin"
            | "session_id"
            | "session_ids"
            | "name"
            | "value"
            | "seqno"
            | "obsolete"
            | "keys"
            | "protobuf_wrapped"
            | "padded_len"
            | "first_byte"
            | "plain"
            | "hashes"
            | "accepted_info"
            | "accepted_members"
            | "member_count"
            | "group_name"
            | "keys_dump"
            | "info_dump"
            | "members_dump"
            | "secret"
            | "wrong_secret_rejected"
            | "admin_after"
            | "rekey_rejected"
            | "supplement_rejected"
            | "set_name_rejected" => {}
            other => panic!("unknown key {other}"),
        }
    }
}

/// A stored message, decrypted.
fn plain(message: &[u8], keys: &[[u8; 32]], domain: &str) -> Option<Vec<u8>> {
    let padded = keys
        .iter()
        .find_map(|key| seal::decrypt(message, key, domain).ok())?;
    Some(decompressed(&padded))
}

/// The hashes of a generation are in no fixed order.
fn compare_keys(ours: &[u8], theirs: &[u8], what: &str) {
    let decode = |dump: &[u8]| {
        let mut dump = Bt::from(bt::parse(dump).unwrap());
        let Bt::Dict(dict) = &mut dump else {
            panic!("not a dict");
        };
        let Some(Bt::List(generations)) = dict.get_mut(b"A".as_slice()) else {
            panic!("no hashes");
        };
        for generation in generations {
            let Bt::List(hashes) = generation else {
                panic!("not a list");
            };
            hashes.sort_by_key(|hash| hash.as_bytes().map(<[u8]>::to_vec));
        }
        dump
    };
    assert_eq!(decode(ours), decode(theirs), "{what}");
}

#[test]
fn subaccounts() {
    let file = vectors("group_keys.json");
    // The subaccounts belong to the group of the first scenario.
    let group = &file["scenarios"][0];
    let admin = Ed25519Secret::from_seed(array(&group["group_seed"]));
    let id = GroupId::from_ed25519(*admin.public());
    assert!(!list(&file["subaccounts"]).is_empty());
    for case in list(&file["subaccounts"]) {
        let user = AccountKeys::from_seed32(array(&case["user_seed"]));
        assert_eq!(user.account_id().to_hex(), case["account_id"]);
        let keys = GroupKeys::new(&user, id, Some(&admin)).unwrap();
        let access = Access {
            write: case["write"].as_bool().unwrap(),
            delete: case["delete"].as_bool().unwrap(),
        };
        let auth = keys.subaccount_auth(&user.account_id(), access).unwrap();
        assert_eq!(HEXLOWER.encode(auth.as_bytes()), case["signing_value"]);
        let token = keys.subaccount_token(&user.account_id(), access).unwrap();
        assert_eq!(HEXLOWER.encode(token.as_bytes()), case["token"]);

        let message = hex(&case["message"]);
        let signed = keys.sign_as_member(&message, &auth).unwrap();
        let parts = [
            ("subaccount", signed.token.as_bytes().as_slice()),
            ("subaccount_sig", signed.token_signature.as_bytes()),
            ("signature", signed.signature.as_bytes()),
        ];
        for (key, part) in parts {
            assert_eq!(HEXLOWER.encode(part), case["auth_binary"][key], "{key}");
            assert_eq!(BASE64.encode(part), case["auth_text"][key], "{key}");
        }
        let key = Ed25519PublicKey::try_from(&token.as_bytes()[4..]).unwrap();
        verify(&key, &message, &signed.signature).unwrap();

        for check in list(&case["verify"]) {
            let member = AccountKeys::from_seed32(array(&check["user_seed"]));
            let required = Access {
                write: check["require_write"].as_bool().unwrap(),
                delete: check["require_delete"].as_bool().unwrap(),
            };
            let data = hex(&check["signing_value"]);
            let checked = AuthData::check(&data, &id, &member.account_id(), required);
            assert_eq!(checked.is_ok(), check["ok"].as_bool().unwrap(), "{check}");
        }
    }
}
