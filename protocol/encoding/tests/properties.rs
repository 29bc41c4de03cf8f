//! What must hold for any input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use session_encoding::bt::{
    self, Bt, BtError, DictReader, DictWriter, Form, Limits, ListReader, Value,
};
use session_encoding::{mnemonic, padding, zstd_frame};

fn any_value() -> impl Strategy<Value = Bt> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Bt::from),
        any::<u64>().prop_map(Bt::from),
        vec(any::<u8>(), 0..20).prop_map(Bt::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Bt::List),
            btree_map(vec(any::<u8>(), 0..6), inner, 0..6).prop_map(Bt::Dict),
        ]
    })
}

/// Bytes that look like bt-encoding more often than chance would have it.
fn near_miss() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"ilde0123456789:-".to_vec()),
        1 => any::<u8>(),
    ];
    vec(byte, 0..60)
}

/// Walks everything a reader offers.
fn walk_dict(mut reader: DictReader<'_>) -> Result<(), BtError> {
    let whole = reader.clone();
    while let Some(_key) = reader.next_key()? {
        assert!(!reader.before_key().is_empty());
        let raw = reader.clone().raw()?;
        assert!(!raw.is_empty());
        if let Ok(inner) = reader.dict() {
            walk_dict(inner)?;
        } else if let Ok(inner) = reader.list() {
            walk_list(inner)?;
        } else if reader.i64().is_err() && reader.u64().is_err() {
            reader.bytes()?;
        }
    }
    reader.finish()?;
    whole.finish()
}

fn walk_list(mut reader: ListReader<'_>) -> Result<(), BtError> {
    while !reader.at_end() {
        if let Ok(inner) = reader.dict() {
            walk_dict(inner)?;
        } else if let Ok(inner) = reader.list() {
            walk_list(inner)?;
        } else if reader.i64().is_err() && reader.u64().is_err() {
            reader.bytes()?;
        }
    }
    reader.finish()
}

proptest! {
    #[test]
    fn values_round_trip(value in any_value()) {
        let encoded = value.encode();
        let parsed = bt::parse(&encoded).unwrap();
        prop_assert_eq!(&Bt::from(&parsed), &value);
        prop_assert_eq!(bt::parse_lenient(&encoded).unwrap(), parsed);
        if let Bt::Dict(dict) = &value {
            walk_dict(DictReader::new(&encoded).unwrap()).unwrap();
            let mut writer = DictWriter::new();
            for (key, value) in dict {
                let so_far = writer.so_far().len();
                writer.value(key, value).unwrap();
                let mut reader = DictReader::new(&encoded).unwrap();
                prop_assert!(reader.find(key).unwrap());
                prop_assert_eq!(reader.before_key(), &encoded[..so_far]);
                prop_assert_eq!(&Bt::from(reader.value().unwrap()), value);
                prop_assert!(writer.value(key, value).is_err());
            }
            prop_assert_eq!(writer.finish(), encoded);
        }
    }

    #[test]
    fn no_bytes_panic_and_both_readers_agree(bytes in near_miss()) {
        let lenient = bt::parse_lenient(&bytes);
        let canonical = bt::parse(&bytes);
        match &canonical {
            Ok(value) => {
                prop_assert_eq!(&value.encode(), &bytes);
                prop_assert_eq!(lenient.as_ref().unwrap(), value);
            }
            Err(_) => {
                if let Ok(value) = &lenient {
                    prop_assert_ne!(&value.encode(), &bytes);
                }
            }
        }
        if let Ok(reader) = DictReader::new(&bytes) {
            prop_assert_eq!(walk_dict(reader).is_ok(), canonical.is_ok());
        }
        if let Ok(reader) = DictReader::lenient(&bytes) {
            prop_assert_eq!(walk_dict(reader).is_ok(), lenient.is_ok());
        }
        if let Ok(reader) = ListReader::lenient(&bytes) {
            prop_assert_eq!(walk_list(reader).is_ok(), lenient.is_ok());
        }
    }

    #[test]
    fn truncated_values_are_refused(value in any_value(), cut in any::<prop::sample::Index>()) {
        let encoded = value.encode();
        let cut = cut.index(encoded.len());
        prop_assert!(bt::parse_lenient(&encoded[..cut]).is_err());
    }

    #[test]
    fn what_follows_a_value_is_given_back(value in any_value(), tail in vec(any::<u8>(), 0..9)) {
        let mut bytes = value.encode();
        bytes.extend_from_slice(&tail);
        let (parsed, rest) = bt::parse_prefix(&bytes, Form::Canonical, Limits::default()).unwrap();
        prop_assert_eq!(Bt::from(parsed), value);
        prop_assert_eq!(rest, &tail[..]);
    }

    #[test]
    fn padding_round_trips(content in vec(any::<u8>(), 0..700)) {
        let padded = padding::pad(&content);
        prop_assert_eq!(padded.len() % padding::BLOCK, 0);
        prop_assert!(padded.len() > content.len());
        prop_assert!(padded.len() <= content.len() + padding::BLOCK + 1);
        prop_assert_eq!(padding::unpad(&padded), &content[..]);
    }

    #[test]
    fn unpadding_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(bytes.starts_with(padding::unpad(&bytes)));
    }

    #[test]
    fn compression_round_trips(data in vec(any::<u8>(), 0..3000), junk in vec(any::<u8>(), 1..90)) {
        let mut frame = zstd_frame::compress(b"", &data, zstd_frame::LEVEL).unwrap();
        prop_assert_eq!(&zstd_frame::decompress(&frame, data.len()).unwrap(), &data);
        if let Some(less) = data.len().checked_sub(1) {
            prop_assert!(zstd_frame::decompress(&frame, less).is_err());
        }
        prop_assert!(zstd_frame::decompress(&junk, 1 << 20).is_err());
        frame.pop();
        prop_assert!(zstd_frame::decompress(&frame, 1 << 20).is_err());
    }

    #[test]
    fn words_round_trip(seed in any::<[u8; 16]>(), long in any::<[u8; 32]>()) {
        let words = mnemonic::encode(&seed);
        prop_assert_eq!(mnemonic::decode(&words).unwrap().to_vec(), seed.to_vec());
        let without_checksum = words.rsplit_once(' ').unwrap().0;
        prop_assert_eq!(mnemonic::decode(without_checksum).unwrap().to_vec(), seed.to_vec());
        let words = mnemonic::encode_long(&long);
        prop_assert_eq!(mnemonic::decode(&words).unwrap().to_vec(), long.to_vec());
    }

    #[test]
    fn any_text_is_words_or_an_error(text in "\\PC{0,80}", word in "[a-z]{3} ") {
        let _ = mnemonic::decode(&text);
        let _ = mnemonic::decode(&word.repeat(13));
    }
}

/// The padded length tells which step of 160 the content's is in and nothing else, for every length.
#[test]
fn padded_lengths_tell_the_step_only() {
    let mut of_step: BTreeMap<usize, usize> = BTreeMap::new();
    for length in 0..=3_300 {
        let padded = padding::pad(&vec![0x80; length]).len();
        // The first step holds 0 to 158, each later one 160 lengths.
        let step = (length + 1) / 160;
        assert_eq!(*of_step.entry(step).or_insert(padded), padded, "{length}");
    }
    let lengths: Vec<_> = of_step.into_values().collect();
    assert_eq!(lengths, (1..=21).map(|n| n * 160).collect::<Vec<_>>());
}

/// As clients padded until October 2025: one byte less than a multiple of 160. What they send must
/// still be read.
fn pad_as_before(content: &[u8]) -> Vec<u8> {
    let mut out = content.to_vec();
    out.push(0x80);
    out.resize((content.len() + 2).div_ceil(160) * 160 - 1, 0);
    out
}

#[test]
fn every_length_is_unpadded_from_either_form() {
    for length in 0..=1_000 {
        // Content that ends like padding, and content that does not.
        for last in [0, 1, 0x80, 0xff] {
            let mut content = vec![0x80; length];
            if let Some(slot) = content.last_mut() {
                *slot = last;
            }
            assert_eq!(padding::unpad(&padding::pad(&content)), content);
            assert_eq!(padding::unpad(&pad_as_before(&content)), content);
            // Configs carry the marker without zeros.
            let marked = [content.as_slice(), &[0x80]].concat();
            assert_eq!(padding::unpad(&marked), content);
        }
    }
    // The lengths that both forms are known to give (docs/protocol/crypto.md section 5.4).
    for (length, new, before) in [(158, 160, 159), (159, 320, 319), (160, 320, 319)] {
        let content = vec![1; length];
        assert_eq!(padding::pad(&content).len(), new);
        assert_eq!(pad_as_before(&content).len(), before);
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |n: usize| [b"l".repeat(n), b"e".repeat(n)].concat();
    assert!(bt::parse(&nested(64)).is_ok());
    assert_eq!(bt::parse(&nested(65)), Err(BtError::Depth));
    assert_eq!(
        bt::parse_lenient(&b"l".repeat(10_000_000)),
        Err(BtError::Depth)
    );
    let deep = [b"d1:a".repeat(100_000), b"e".repeat(100_000)].concat();
    assert_eq!(
        DictReader::new(&deep).unwrap().finish(),
        Err(BtError::Depth)
    );
    let limits = Limits {
        depth: 2,
        ..Limits::default()
    };
    assert!(bt::parse_with(&nested(2), Form::Canonical, limits).is_ok());
    assert_eq!(
        bt::parse_with(&nested(3), Form::Canonical, limits),
        Err(BtError::Depth)
    );
}

#[test]
fn the_number_of_values_is_bounded() {
    let limits = Limits {
        items: 4,
        ..Limits::default()
    };
    assert!(bt::parse_with(b"li1ei2ei3ee", Form::Canonical, limits).is_ok());
    assert_eq!(
        bt::parse_with(b"li1ei2ei3ei4ee", Form::Canonical, limits),
        Err(BtError::Items)
    );
}

#[test]
fn lengths_are_checked_before_anything_is_reserved() {
    for text in [
        "9999999999:a",
        "18446744073709551615:a",
        "99999999999999999999999:a",
    ] {
        assert!(bt::parse_lenient(text.as_bytes()).is_err());
    }
}

#[test]
fn the_first_of_repeated_keys_counts() {
    let value = bt::parse_lenient(b"d1:bi1e1:ai2e1:bi3ee").unwrap();
    assert_eq!(value.get("b").and_then(Value::as_i64), Some(1));
    assert_eq!(value.as_dict().unwrap().len(), 2);
}

#[test]
fn finding_stops_at_the_first_greater_key() {
    let bytes = Bt::dict([("a", 1), ("c", 3), ("e", 5)]).encode();
    let mut reader = DictReader::new(&bytes).unwrap();
    assert!(!reader.find("b").unwrap());
    assert_eq!(reader.require_i64("c").unwrap(), 3);
    assert_eq!(reader.require_i64("d"), Err(BtError::Missing { key: "d" }));
    assert_eq!(
        reader.require_bytes("e"),
        Err(BtError::Type {
            expected: "a string"
        })
    );
    assert_eq!(reader.i64().unwrap(), 5);
    assert!(reader.i64().is_err());
    reader.finish().unwrap();
}

#[test]
fn a_list_can_be_read_up_to_a_cut() {
    let bytes = b"d1:#1:x1:el1:a1:b";
    let mut reader = DictReader::new(bytes).unwrap();
    assert!(reader.clone().require_list("e").is_err());
    let mut list = reader.require_open_list("e").unwrap();
    assert_eq!(list.bytes().unwrap(), b"a");
    assert_eq!(list.bytes().unwrap(), b"b");
    assert!(!list.at_end());
    assert_eq!(list.bytes(), Err(BtError::End));
    assert!(reader.finish().is_err());
}

#[test]
fn values_out_of_the_asked_range() {
    let bytes = Bt::list([Bt::from(u64::MAX), Bt::from(-1)]).encode();
    let mut reader = ListReader::new(&bytes).unwrap();
    assert_eq!(reader.i64(), Err(BtError::Range));
    assert_eq!(reader.u64().unwrap(), u64::MAX);
    assert_eq!(reader.u64(), Err(BtError::Range));
    assert_eq!(reader.i64().unwrap(), -1);
    assert!(reader.at_end());
}

#[test]
fn hand_made_dicts_are_sorted_when_encoded() {
    let value = Value::Dict(vec![(b"b", Value::Int(1)), (b"a", Value::Int(2))]);
    assert_eq!(value.encode(), b"d1:ai2e1:bi1ee");
    assert_eq!(Bt::Dict(BTreeMap::new()).encode(), b"de");
}
