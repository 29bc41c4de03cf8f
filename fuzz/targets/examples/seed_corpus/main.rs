//! Writes the seeds of the corpus, `fuzz/corpus/<target>/seed-<number>`, from the vectors and from
//! messages and requests made here. Other files of the corpus are left alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool for developers, which stops at the first surprise"
)]

mod answers;
mod bytes;
mod configs;
mod contents;
mod requests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use session_test_support::vectors::read;

/// A seed that is longer teaches the fuzzer nothing that a shorter one does not.
const MAX_SEED: usize = 4096;
/// Seeds of one target; of more, some are drawn.
const MAX_SEEDS: usize = 40;

fn main() {
    let mut seeds = Seeds::default();
    bytes::add(&mut seeds);
    configs::add(&mut seeds);
    contents::add(&mut seeds);
    requests::add(&mut seeds);
    answers::add(&mut seeds);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut total = 0;
    for target in session_fuzz::TARGETS {
        let found = seeds.0.remove(target.name).unwrap_or_default();
        let folder = corpus.join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("seed-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let kept = sample(&found);
        for (number, seed) in kept.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:02}")), seed).unwrap();
        }
        let size: usize = kept.iter().map(|seed| seed.len()).sum();
        total += size;
        println!("{:20} {:3} seeds {size:7} bytes", target.name, kept.len());
    }
    println!("{:20} {total:17} bytes", "all");
    assert!(seeds.0.is_empty(), "no target for {:?}", seeds.0.keys());
}

/// Draws seeds, always the same ones, and keeps their order.
fn sample(seeds: &[Vec<u8>]) -> Vec<&Vec<u8>> {
    let mut places: Vec<usize> = (0..seeds.len()).collect();
    places.sort_by_key(|place| place.wrapping_mul(0x9e37_79b9) & 0xffff_ffff);
    places.truncate(MAX_SEEDS);
    places.sort_unstable();
    places.into_iter().map(|place| &seeds[place]).collect()
}

/// Seeds by target, each once, in the order they were added.
#[derive(Default)]
struct Seeds(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, target: &'static str, parts: &[&[u8]]) {
        let seed = parts.concat();
        let seeds = self.0.entry(target).or_default();
        if seed.len() <= MAX_SEED && !seeds.contains(&seed) {
            seeds.push(seed);
        }
    }
}

fn vectors(name: &str) -> Value {
    serde_json::from_str(&read(name)).unwrap()
}

fn cases<'a>(file: &'a Value, section: &str) -> &'a [Value] {
    file[section].as_array().unwrap()
}
