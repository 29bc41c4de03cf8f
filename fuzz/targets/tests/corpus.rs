//! Every body over its corpus and over changed copies of it, without libFuzzer.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use session_fuzz::{TARGETS, Target, accepted};

/// All seeds together stay below this.
const MAX_CORPUS_BYTES: usize = 1_000_000;

macro_rules! bodies {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })+

        const TESTED: &[&str] = &[$(stringify!($name)),+];
    };
}

bodies! {
    active_nodes attachment_legacy attachment_stream bt_lenient bt_strict community_address
    config_dump config_group_keys config_merge config_message file_transfer hop_failure identifiers
    keys message_content message_direct message_group message_inbox message_post mnemonic monitor name_value
    node_list onion_entry onion_layer onion_reply onion_v4 picture push_notification rpc_bulk
    rpc_forwarded rpc_json_body rpc_params rpc_peer_answers rpc_responses sealed_messages
    stream_messages zstd_frame
}

#[test]
fn every_target_is_tested_and_fuzzed_and_has_a_corpus() {
    let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(targets.len(), TARGETS.len());
    assert_eq!(TESTED.iter().copied().collect::<BTreeSet<_>>(), targets);

    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    let mut bytes = 0;
    for name in &targets {
        let source = fuzz_folder()
            .join("fuzz_targets")
            .join(format!("{name}.rs"));
        assert!(
            fs::read_to_string(source)
                .unwrap()
                .contains(&format!("session_fuzz::{name}"))
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let seeds = corpus(name);
        assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
        bytes += seeds.iter().map(Vec::len).sum::<usize>();
    }
    assert!(bytes < MAX_CORPUS_BYTES, "{bytes} bytes of seeds");
    for folder in ["corpus", "fuzz_targets"] {
        for entry in fs::read_dir(fuzz_folder().join(folder)).unwrap() {
            let name = PathBuf::from(entry.unwrap().file_name());
            let stem = name.file_stem().unwrap().to_str().unwrap();
            assert!(
                targets.contains(stem),
                "{folder}/{stem} belongs to no target"
            );
        }
    }
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = corpus(name);
    attempt(target, b"");
    let before = accepted();
    for seed in &seeds {
        attempt(target, seed);
    }
    let read = accepted() - before;
    assert!(
        read >= 3,
        "the decoder takes {read} seeds of {}",
        seeds.len()
    );
    let mut rng = ChaCha20Rng::seed_from_u64(0x5e55);
    for _ in 0..target.mutations {
        attempt(target, &changed(&seeds, &mut rng));
    }
}

fn attempt(target: &Target, input: &[u8]) {
    let _kept = KeepOnPanic { target, input };
    (target.body)(input);
}

/// Leaves the input behind that made a body panic.
struct KeepOnPanic<'a> {
    target: &'a Target,
    input: &'a [u8],
}

impl Drop for KeepOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let file =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.input", self.target.name));
            let written = fs::write(&file, self.input);
            eprintln!("the input is in {} ({written:?})", file.display());
        }
    }
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = fuzz_folder().join("corpus").join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One seed with one to four changes.
fn changed(seeds: &[Vec<u8>], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = seeds[below(seeds.len(), rng)].clone();
    for _ in 0..=below(4, rng) {
        change(&mut bytes, seeds, rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut ChaCha20Rng) {
    const TELLING: [u8; 16] = *b"\x00\x01\x7f\x80\xff019-:delis\"";
    let at = below(bytes.len() + 1, rng);
    let end = at + below(bytes.len() - at + 1, rng);
    let some = (at + 1 + below(8, rng)).min(bytes.len());
    match below(9, rng) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << below(8, rng);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = TELLING[below(TELLING.len(), rng)];
            }
        }
        2 => bytes.insert(at, TELLING[below(TELLING.len(), rng)]),
        3 => drop(bytes.drain(at..some)),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let copy = bytes[at..end.min(at + 2000)].to_vec();
            let to = below(bytes.len() + 1, rng);
            bytes.splice(to..to, copy);
        }
        6 => bytes.truncate(at),
        7 => {
            let other = &seeds[below(seeds.len(), rng)];
            let from = below(other.len() + 1, rng);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        // A number becomes another one.
        _ => {
            let is_digit = |index: &usize| bytes[*index].is_ascii_digit();
            if let Some(digit) = (at..bytes.len()).find(is_digit) {
                bytes[digit] = b'0' + u8::try_from(below(10, rng)).unwrap();
            }
        }
    }
}

fn below(bound: usize, rng: &mut ChaCha20Rng) -> usize {
    usize::try_from(rng.next_u64() % bound.max(1) as u64).unwrap()
}
