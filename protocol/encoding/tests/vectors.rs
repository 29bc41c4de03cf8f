//! The reference vectors of this crate's encodings, every case of each section.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use session_encoding::bt::{self, BtError, DictReader};
use session_encoding::{mnemonic, padding, zstd_frame};
use session_test_support::vectors::{cases, hex, load, ok};

#[test]
fn bencode() {
    let file = load("bencode.json", &["cases"]);
    for case in cases(&file, "cases", &["what", "bytes", "general", "dict_cursor"]) {
        let bytes = hex(&case["bytes"]);
        let general = &case["general"];
        let lenient = bt::parse_lenient(&bytes);
        assert_eq!(lenient.is_ok(), ok(general), "{case}");
        let canonical = bt::parse(&bytes);
        if let Ok(value) = lenient {
            let encoded = hex(&general["reencoded"]);
            assert_eq!(value.encode(), encoded, "{case}");
            // The canonical reader takes an input exactly if encoding it again changes nothing.
            assert_eq!(canonical.is_ok(), encoded == bytes, "{case}");
            assert_eq!(bt::parse(&encoded).as_ref(), Ok(&value), "{case}");
        } else {
            assert!(canonical.is_err(), "{case}");
        }
        let cursor = &case["dict_cursor"];
        if cursor.is_null() {
            assert_ne!(bytes.first(), Some(&b'd'));
            assert!(DictReader::lenient(&bytes).is_err());
            continue;
        }
        match dict_keys(DictReader::lenient(&bytes)) {
            Ok(keys) => {
                assert!(ok(cursor), "{case}");
                let expected: Vec<_> = cursor["keys"].as_array().unwrap().iter().map(hex).collect();
                assert_eq!(keys, expected, "{case}");
            }
            Err(_) => assert!(!ok(cursor), "{case}"),
        }
        assert_eq!(
            dict_keys(DictReader::new(&bytes)).is_ok(),
            canonical.is_ok(),
            "{case}"
        );
    }
}

fn dict_keys(reader: Result<DictReader<'_>, BtError>) -> Result<Vec<Vec<u8>>, BtError> {
    let mut reader = reader?;
    let mut keys = Vec::new();
    while let Some(key) = reader.next_key()? {
        keys.push(key.to_vec());
    }
    reader.finish()?;
    Ok(keys)
}

#[test]
fn mnemonic_words() {
    let file = load("mnemonic.json", &["encode", "decode"]);
    let keys = ["bytes", "words", "account_seed32", "account_id"];
    for case in cases(&file, "encode", &keys) {
        let bytes = hex(&case["bytes"]);
        let words = case["words"].as_str().unwrap();
        let encoded = match bytes.len() {
            16 => mnemonic::encode(&bytes.clone().try_into().unwrap()),
            32 => mnemonic::encode_long(&bytes.clone().try_into().unwrap()),
            other => panic!("{other} bytes"),
        };
        assert_eq!(encoded.as_str(), words);
        assert_eq!(mnemonic::decode(words).unwrap().as_slice(), bytes);
        if bytes.len() == 16 {
            let seed = hex(&case["account_seed32"]);
            assert_eq!(seed, [bytes, vec![0; 16]].concat());
        }
    }
    for case in cases(&file, "decode", &["what", "words", "ok", "bytes"]) {
        let decoded = mnemonic::decode(case["words"].as_str().unwrap());
        assert_eq!(decoded.is_ok(), ok(case), "{case}");
        if let Ok(bytes) = decoded {
            assert_eq!(bytes.as_slice(), hex(&case["bytes"]), "{case}");
        }
    }
}

#[test]
fn message_padding() {
    let sections = [
        "pro_backend_seed",
        "pro_backend_pk",
        "pad",
        "unpad",
        "rotating_seed",
        "proofs",
        "one_to_one",
        "group",
        "community",
    ];
    let file = load("session_protocol.json", &sections);
    for case in cases(&file, "pad", &["data", "padded"]) {
        let (data, padded) = (hex(&case["data"]), hex(&case["padded"]));
        assert_eq!(padding::pad(&data), padded, "{case}");
        assert_eq!(padding::unpad(&padded), data, "{case}");
    }
    for case in cases(&file, "unpad", &["padded", "data"]) {
        assert_eq!(
            padding::unpad(&hex(&case["padded"])),
            hex(&case["data"]),
            "{case}"
        );
    }
}

#[test]
fn compression() {
    let file = load("zstd.json", &["zstd_version", "compress", "decompress"]);
    let keys = [
        "data",
        "level",
        "prefix",
        "compressed",
        "smaller_than_input",
    ];
    for case in cases(&file, "compress", &keys) {
        let (data, prefix) = (hex(&case["data"]), hex(&case["prefix"]));
        let level = i32::try_from(case["level"].as_i64().unwrap()).unwrap();
        let ours = zstd_frame::compress(&prefix, &data, level).unwrap();
        for compressed in [ours, hex(&case["compressed"])] {
            let frame = compressed.strip_prefix(prefix.as_slice()).unwrap();
            assert_eq!(
                zstd_frame::decompress(frame, data.len()).unwrap(),
                data,
                "{case}"
            );
            assert_eq!(
                compressed.len() < data.len(),
                case["smaller_than_input"] == true,
                "{case}"
            );
        }
    }
    let keys = [
        "what",
        "frame",
        "max_size",
        "ok",
        "size",
        "data",
        "reference_hangs",
    ];
    for case in cases(&file, "decompress", &keys) {
        // 0 stands for no limit.
        let limit = match usize::try_from(case["max_size"].as_u64().unwrap()).unwrap() {
            0 => 10_000_000,
            limit => limit,
        };
        match zstd_frame::decompress(&hex(&case["frame"]), limit) {
            Ok(data) => {
                assert!(ok(case), "{case}");
                assert_eq!(data.len() as u64, case["size"].as_u64().unwrap(), "{case}");
                assert_eq!(data, hex(&case["data"]), "{case}");
            }
            Err(_) => assert!(!ok(case), "{case}"),
        }
    }
}
