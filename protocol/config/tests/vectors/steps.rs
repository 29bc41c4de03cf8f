//! Runs the steps of a scenario on its devices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use session_config::{Incoming, seal};
use session_crypto::hash;
use session_encoding::bt::{self, Bt};
use session_encoding::zstd_frame;
use session_types::Timestamp;

use crate::devices::{Device, Owner};
use crate::{array, hex, list, sections, text, texts, vectors, versions};

pub(crate) fn run_file(name: &str, kind: Option<&str>) {
    let file = vectors(name);
    sections(&file, &["about", "now_ms", "scenarios", "lag_lists"]);
    if let Some(lists) = file.get("lag_lists") {
        versions::run_lag_lists(list(lists));
    }
    for scenario in list(&file["scenarios"]) {
        let kind = kind.unwrap_or_else(|| text(&scenario["type"]));
        Scenario::new(scenario, kind, file["now_ms"].as_u64()).run();
    }
}

struct Scenario<'a> {
    json: &'a Json,
    name: String,
    kind: &'a str,
    owner: Owner,
    domain: &'a str,
    now: Timestamp,
    devices: BTreeMap<String, Device>,
    messages: BTreeMap<String, Vec<u8>>,
    /// Of a large message: our pieces and theirs.
    pieces: (Vec<Piece>, Vec<Piece>),
}

struct Piece {
    hash: [u8; 32],
    index: usize,
    count: usize,
    chunk: Vec<u8>,
}

impl Piece {
    fn read(part: &[u8]) -> Self {
        let limits = bt::Limits::default();
        let list = part.strip_prefix(b"m").unwrap();
        let (list, rest) = bt::parse_prefix(list, bt::Form::Canonical, limits).unwrap();
        assert!(rest.len() <= 4 && rest.iter().all(|byte| *byte == 0));
        let fields: Vec<&[u8]> = list
            .as_list()
            .unwrap()
            .iter()
            .map(|field| field.as_bytes().unwrap())
            .collect();
        let [hash, [index], [count], chunk] = fields[..] else {
            panic!("not a part");
        };
        Self {
            hash: hash.try_into().unwrap(),
            index: usize::from(*index),
            count: usize::from(*count),
            chunk: chunk.to_vec(),
        }
    }
}

/// The config that the pieces give.
fn whole(pieces: &[Piece]) -> Vec<u8> {
    let message: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| piece.chunk.clone())
        .collect();
    assert_eq!(hash::blake2b::<32>(&[&message]), pieces[0].hash);
    decompressed(&message)
}

impl<'a> Scenario<'a> {
    fn new(json: &'a Json, kind: &'a str, now_ms: Option<u64>) -> Self {
        for key in json.as_object().unwrap().keys() {
            let known = [
                "name",
                "type",
                "part",
                "seed",
                "ed25519_pk",
                "namespace",
                "domain",
                "steps",
                "extra_messages",
                "extra_what",
                "group_seed",
                "group_ed25519_pk",
                "encryption_key",
                "parts",
                "devices",
            ];
            assert!(known.contains(&key.as_str()), "unknown key {key}");
        }
        let mut messages = BTreeMap::new();
        if let Some(extra) = json.get("extra_messages") {
            for (hash, message) in extra.as_object().unwrap() {
                messages.insert(hash.clone(), hex(message));
            }
        }
        Self {
            json,
            name: format!("{kind} {} {}", json["name"], json["part"]),
            kind,
            owner: Owner::new(json),
            domain: json["domain"].as_str().unwrap_or("UserProfile"),
            now: Timestamp::from_ms(now_ms.unwrap_or(0)),
            devices: BTreeMap::new(),
            messages,
            pieces: Default::default(),
        }
    }

    fn run(mut self) {
        let steps = list(&self.json["steps"]);
        assert!(!steps.is_empty());
        for (index, step) in steps.iter().enumerate() {
            let what = format!("{} step {index} {}", self.name, step["action"]);
            if let Some(now) = step["now_ms"].as_u64() {
                self.now = Timestamp::from_ms(now);
            }
            let name = text(&step["device"]);
            let mut device = self
                .devices
                .remove(name)
                .unwrap_or_else(|| Device::new(self.kind, name, &self.owner));
            self.step(&mut device, name, step, &what);
            check_flags(&device, step, self.now, self.json["part"] == "e", &what);
            self.devices.insert(name.to_owned(), device);
        }
    }

    fn step(&mut self, device: &mut Device, name: &str, step: &Json, what: &str) {
        let now = self.now;
        match text(&step["action"]) {
            "op" => {
                let result = device.apply(&step["op"], now);
                assert_eq!(
                    result.is_err(),
                    step.get("error").is_some(),
                    "{what} {result:?}"
                );
            }
            "push" => {
                let push = device.config().push(now).unwrap();
                assert_eq!(push.seqno, step["seqno"].as_i64().unwrap(), "{what}");
                assert_eq!(
                    push.obsolete.into_iter().collect::<BTreeSet<_>>(),
                    texts(&step["obsolete"]),
                    "{what}"
                );
                let expected = list(&step["messages"]);
                assert_eq!(push.messages.len(), expected.len(), "{what}");
                for (message, expected) in push.messages.iter().zip(expected) {
                    self.check_message(message, expected, what);
                }
                self.check_pieces(what);
            }
            "push_and_confirm" => {
                let push = device.config().push(now).unwrap();
                assert_eq!(push.seqno, step["seqno"].as_i64().unwrap(), "{what}");
                assert_eq!(
                    push.obsolete.into_iter().collect::<BTreeSet<_>>(),
                    texts(&step["obsolete"]),
                    "{what}"
                );
                assert_eq!(push.messages.len(), 1);
                self.check_message(&push.messages[0], step, what);
                device
                    .config()
                    .confirm_pushed(push.seqno, &[text(&step["hash"])]);
            }
            "confirm_pushed" => {
                let hashes: Vec<&str> = list(&step["hashes"]).iter().map(text).collect();
                let seqno = step["seqno"].as_i64().unwrap();
                device.config().confirm_pushed(seqno, &hashes);
            }
            "merge" => {
                let incoming: Vec<Incoming<'_>> = list(&step["hashes"])
                    .iter()
                    .map(|hash| Incoming {
                        hash: text(hash),
                        data: &self.messages[text(hash)],
                    })
                    .collect();
                let merged = device.config().merge(&incoming, now);
                if step.get("error").is_some() {
                    assert!(merged.is_err(), "{what}");
                } else {
                    assert_eq!(merged.unwrap().accepted, texts(&step["accepted"]), "{what}");
                }
            }
            "state" => {}
            "dump" => {
                let dump = device.config().dump(now);
                compare_dumps(&dump, &hex(&step["dump"]), what, |_, _| false);
            }
            "dump_and_reload" => {
                let expected = hex(&step["dump"]);
                let dump = device.config().dump(now);
                compare_dumps(&dump, &expected, what, |_, _| false);
                // Our own dumps hold signatures that those of the reference leave out, see
                // docs/protocol/config.md section 9. Both must load.
                let own = Device::load(self.kind, name, &self.owner, &dump).unwrap();
                assert_eq!(own.state(now), device.state(now), "{what}");
                *device = Device::load(self.kind, name, &self.owner, &expected).unwrap();
            }
            other => panic!("unknown action {other}"),
        }
    }

    /// The pieces of a large message differ as its compressed form does; what they give must not.
    fn check_pieces(&mut self, what: &str) {
        let (ours, theirs) = core::mem::take(&mut self.pieces);
        if theirs.is_empty() {
            return;
        }
        let described = list(&self.json["parts"]);
        assert_eq!(described.len(), theirs.len(), "{what}");
        for (index, (piece, part)) in theirs.iter().zip(described).enumerate() {
            assert_eq!(piece.hash, array(&part["hash"]));
            assert_eq!((piece.index, piece.count), (index, theirs.len()));
            assert_eq!(part["index"].as_u64().unwrap(), index as u64);
            assert_eq!(part["count"].as_u64().unwrap(), theirs.len() as u64);
            assert_eq!(
                piece.chunk.len() as u64,
                part["chunk_len"].as_u64().unwrap()
            );
        }
        for (index, piece) in ours.iter().enumerate() {
            assert_eq!((piece.index, piece.count), (index, ours.len()));
        }
        assert_eq!(ours.len(), theirs.len(), "{what}");
        assert_eq!(ours[0].chunk.len(), 76_710);
        assert!(whole(&ours) == whole(&theirs), "{what}: another config");
    }

    fn check_message(&mut self, message: &[u8], expected: &Json, what: &str) {
        let stored = hex(&expected["message"]);
        let key = self.owner.encryption_key();
        if expected["first_byte"] == "m" {
            let theirs = seal::decrypt(&stored, &key, self.domain).unwrap();
            assert_eq!(theirs, hex(&expected["plain"]));
            assert_eq!(
                theirs.len() as u64,
                expected["padded_len"].as_u64().unwrap()
            );
            let ours = seal::decrypt(message, &key, self.domain).unwrap();
            self.pieces.0.push(Piece::read(&ours));
            self.pieces.1.push(Piece::read(&theirs));
        } else {
            let whole = &expected["plain"];
            if expected["first_byte"] == "d" {
                assert!(message == stored, "{what}: another message");
            }
            let theirs = expected
                .get("encrypted")
                .map_or_else(|| stored.clone(), hex);
            let plain = seal::decrypt(&theirs, &key, self.domain).unwrap();
            assert_eq!(plain.len() as u64, expected["padded_len"].as_u64().unwrap());
            let whole = hex(whole);
            assert_eq!(decompressed(&plain), whole, "{what}");
            let ours = self.owner.unwrapped(self.kind, message);
            let ours = seal::decrypt(&ours, &key, self.domain).unwrap();
            let ours = decompressed(&ours);
            assert!(
                ours == whole,
                "{what}:\n{}\n{}",
                String::from_utf8_lossy(&ours),
                String::from_utf8_lossy(&whole)
            );
        }
        let hash = text(&expected["hash"]).to_owned();
        self.messages.insert(hash, stored);
    }
}

pub(crate) fn decompressed(padded: &[u8]) -> Vec<u8> {
    let start = padded.iter().position(|byte| *byte != 0).unwrap();
    match &padded[start..] {
        [b'z', frame @ ..] => zstd_frame::decompress(frame, 10_000_000).unwrap(),
        plain => plain.to_vec(),
    }
}

fn check_flags(device: &Device, step: &Json, now: Timestamp, later_version: bool, what: &str) {
    let config = device.shared();
    for (key, value) in step.as_object().unwrap() {
        match key.as_str() {
            "needs_push" => assert_eq!(
                config.needs_push(),
                value.as_bool().unwrap(),
                "{what}: needs_push"
            ),
            "needs_dump" => assert_eq!(
                config.needs_dump(),
                value.as_bool().unwrap(),
                "{what}: needs_dump"
            ),
            "curr_hashes" => assert_eq!(*config.current_hashes(), texts(value), "{what}: hashes"),
            "active_hashes" => assert_eq!(config.active_hashes(), texts(value), "{what}: active"),
            "size" => assert_eq!(device.size() as u64, value.as_u64().unwrap(), "{what}"),
            "state" => {
                let state = device.state(now);
                let mut value = value.clone();
                if later_version && let Some(size) = value["size"].as_u64() {
                    // The reference also counts entries it cannot read.
                    let own = &state["size"];
                    assert!(size >= own.as_u64().unwrap(), "{what}");
                    value["size"] = own.clone();
                }
                assert!(state == value, "{what}:\nours   {state}\ntheirs {value}");
            }
            "action" | "device" | "op" | "error" | "seqno" | "obsolete" | "messages" | "hashes"
            | "accepted" | "dump" | "now_ms" | "hash" | "message" | "encrypted" | "padded_len"
            | "first_byte" | "plain" | "protobuf_wrapped" => {}
            other => panic!("unknown key {other}"),
        }
    }
}

/// Dumps hold sets of hashes in no fixed order, and compressed pieces of large configs.
fn decoded_dump(dump: &[u8]) -> BTreeMap<Vec<u8>, Bt> {
    let Bt::Dict(mut dict) = Bt::from(bt::parse(dump).unwrap()) else {
        panic!("not a dict");
    };
    for key in [b"(".as_slice(), b")"] {
        if let Some(Bt::List(hashes)) = dict.get_mut(key) {
            hashes.sort_by_key(|hash| hash.as_bytes().unwrap().to_vec());
        }
    }
    if let Some(Bt::Dict(extra)) = dict.get_mut(b"+".as_slice())
        && let Some(Bt::List(ids)) = extra.get_mut(b"pending_send_ids".as_slice())
    {
        ids.sort_by_key(|id| id.as_bytes().unwrap().to_vec());
    }
    dict
}

/// Compares without what is decided otherwise here: dumps have the own signatures, which those of
/// the reference leave out, and a stored copy of the config that is about to be pushed
/// (`is_copy`) is not listed as obsolete.
pub(crate) fn compare_dumps(
    ours: &[u8],
    theirs: &[u8],
    what: &str,
    is_copy: impl Fn(&str, &[u8]) -> bool,
) {
    let (mut ours, mut theirs) = (decoded_dump(ours), decoded_dump(theirs));
    let message = |dump: &mut BTreeMap<Vec<u8>, Bt>| dump.remove(b"$".as_slice()).unwrap();
    let (own, their) = (message(&mut ours), message(&mut theirs));
    let (own, their) = (own.as_bytes().unwrap(), their.as_bytes().unwrap());
    if own != their {
        let unsigned = &own[..own.len().saturating_sub(3 + 3 + 64 + 1)];
        assert!(
            own[unsigned.len()..].starts_with(b"1:~64:") && *their == [unsigned, b"e"].concat(),
            "{what}:\n{}\n{}",
            String::from_utf8_lossy(own),
            String::from_utf8_lossy(their)
        );
    }
    if let Some(Bt::List(hashes)) = theirs.get_mut(b")".as_slice()) {
        hashes.retain(|hash| !is_copy(hash.as_str().unwrap(), own));
    }
    assert_eq!(ours, theirs, "{what}");
}
