//! attachments.json, and the table of docs/protocol/client.md section 5.7.

use data_encoding::HEXLOWER;
use serde_json::Value;
use session_crypto::attachment::{self, Decryptor, Domain, Encryptor, KeyDerivation};
use session_crypto::hash::blake2b;
use sha2::{Digest, Sha256};

use session_test_support::vectors::{array, cases, hex, load, ok, only, text};

/// Given data, or bytes made by the pattern.
fn data(case: &Value) -> Vec<u8> {
    let pattern = &case["data_pattern"];
    if pattern.is_null() {
        return hex(&case["data"]);
    }
    only(pattern, "data_pattern", &["size", "mul", "add"]);
    let number = |key: &str| pattern[key].as_u64().unwrap();
    let data: Vec<u8> = (0..number("size"))
        .map(|i| u8::try_from((i * number("mul") + (i >> 8) + number("add")) % 256).unwrap())
        .collect();
    assert_eq!(
        blake2b::<32>(&[&data]).to_vec(),
        hex(&case["data_blake2b32"])
    );
    data
}

#[test]
fn attachments() {
    let file = load("attachments.json", &["sizes", "encrypt", "decrypt"]);
    let keys = ["size", "padding", "encrypted_size", "above_regular_limit"];
    for case in cases(&file, "sizes", &keys) {
        let size = case["size"].as_u64().unwrap();
        assert_eq!(
            attachment::padding(size),
            case["padding"].as_u64().unwrap(),
            "{case}"
        );
        let encrypted = attachment::encrypted_size(size);
        assert_eq!(
            encrypted,
            case["encrypted_size"].as_u64().unwrap(),
            "{case}"
        );
        if let Some(above) = case["above_regular_limit"].as_bool() {
            assert_eq!(size > attachment::MAX_SIZE, above, "{case}");
        }
    }
    let keys = [
        "seed",
        "domain",
        "data",
        "data_pattern",
        "data_blake2b32",
        "key",
        "encrypted_size",
        "encrypted_blake2b32",
        "encrypted",
        "first64",
        "last64",
    ];
    for case in cases(&file, "encrypt", &keys) {
        let domain = match text(&case["domain"]) {
            "attachment" => Domain::Attachment,
            "profile_pic" => Domain::ProfilePicture,
            other => panic!("domain {other}"),
        };
        let data = data(case);
        let (blob, key) = attachment::encrypt(&array(&case["seed"]), domain, &data).unwrap();
        assert_eq!(key.key().to_vec(), hex(&case["key"]));
        assert_eq!(blob.len() as u64, case["encrypted_size"].as_u64().unwrap());
        assert_eq!(
            blake2b::<32>(&[&blob]).to_vec(),
            hex(&case["encrypted_blake2b32"])
        );
        if !case["encrypted"].is_null() {
            assert_eq!(blob, hex(&case["encrypted"]));
        }
        if !case["first64"].is_null() {
            assert_eq!(blob[..64], hex(&case["first64"]));
            assert_eq!(blob[blob.len() - 64..], hex(&case["last64"]));
        }
        assert!(attachment::decrypt(key.key(), &blob).unwrap() == data);
        assert!(in_pieces(&array(&case["seed"]), domain, &data, 30_011) == blob);
    }
    for case in cases(
        &file,
        "decrypt",
        &["what", "key", "encrypted", "ok", "data"],
    ) {
        let (key, blob) = (array(&case["key"]), hex(&case["encrypted"]));
        for piece in [1, 7, 32_785, usize::MAX] {
            let mut decryptor = Decryptor::new(&key);
            let mut out = Vec::new();
            let done = blob
                .chunks(piece)
                .try_for_each(|piece| decryptor.update(piece, &mut out))
                .and_then(|()| decryptor.finish(&mut out));
            assert_eq!(done.is_ok(), ok(case), "{case}");
            if done.is_ok() {
                assert_eq!(out, hex(&case["data"]), "{case}");
            }
        }
    }
}

/// Encrypts with small pieces, emptying the output each time.
fn in_pieces(seed: &[u8; 32], domain: Domain, data: &[u8], piece: usize) -> Vec<u8> {
    let mut derivation = KeyDerivation::new(seed, domain);
    for piece in data.chunks(piece) {
        derivation.update(piece);
    }
    let key = derivation.finish().unwrap();
    let (mut whole, mut out) = (Vec::new(), Vec::new());
    let mut encryptor = Encryptor::new(&key, &mut out);
    whole.append(&mut out);
    for piece in data.chunks(piece) {
        encryptor.update(piece, &mut out).unwrap();
        assert!(out.len() <= 2 * 32_785);
        whole.append(&mut out);
    }
    encryptor.finish().unwrap();
    whole
}

/// docs/protocol/client.md section 5.7.
#[test]
fn attachments_of_the_specification() {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(
        &HEXLOWER
            .decode(b"0123456789abcdef0123456789abcdef")
            .unwrap(),
    );
    let repeated: Vec<u8> = (0..=255).cycle().take(256 * 300).collect();
    type Row<'a> = (Domain, &'a [u8], &'a str, &'a str, usize, &'a str);
    let table: [Row<'_>; 3] = [
        (
            Domain::Attachment,
            b"hello world",
            "a08bae3c8d85946b43997670482b6a98448488b65854b1a0",
            "39a0445e90768bcad9e0dbc07d960aff487eabbfca73aa9ac52028c4187e142f",
            4096,
            "a052314d7eb133f536a3781db061c63b418f887de7fa6d071cd73dc838da93ee",
        ),
        (
            Domain::ProfilePicture,
            b"hello world",
            "49ced446b22406ad2bc2b3ac8d42ed2680cc5140ffac26c7",
            "6d34b4f2dfaaec1514e146b6aa35c247683af84a506b9f2b7785bf7563c296e6",
            4096,
            "22c5c847d56cd21e1e4064c74570855493b4fed5660c4a5be3cf497e50959f0d",
        ),
        (
            Domain::Attachment,
            &repeated,
            "c171904cd92092896237c5f68de48890812d9f8dcdd733b1",
            "b6ec88226f4ef72711a6bfd30c4d7f87ee4f040065fcbbef3ea82dfffc25bdc3",
            77_824,
            "3a950c06e64228e5ead819a3d85094fff7a96656cf29f1172bfd6f3945b64cc0",
        ),
    ];
    for (domain, data, header, key, length, hash) in table {
        let (blob, derived) = attachment::encrypt(&seed, domain, data).unwrap();
        assert_eq!(HEXLOWER.encode(&blob[1..25]), header);
        assert_eq!(HEXLOWER.encode(derived.key()), key);
        assert_eq!(blob.len(), length);
        assert_eq!(HEXLOWER.encode(&Sha256::digest(&blob)), hash);
    }
}
