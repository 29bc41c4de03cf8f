//! Certificate and key files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::fs;
use std::path::Path;

use rcgen::KeyPair;
use session_chassis::ChassisError;
use session_chassis::tls::{CERTIFICATE_FILE, KEY_FILE, ServerIdentity};
use session_types::ErrorKind;

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn made_once_and_then_kept() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("not/yet/there");
    let first = ServerIdentity::load_or_create(&dir).unwrap();
    assert_eq!(
        names(&dir),
        ["cert.pem", "key.pem"],
        "no temporary file is left"
    );
    let files = [CERTIFICATE_FILE, KEY_FILE].map(|name| fs::read(dir.join(name)).unwrap());
    let second = ServerIdentity::load_or_create(&dir).unwrap();
    assert_eq!(first.certificate_der(), second.certificate_der());
    assert_eq!(
        files,
        [CERTIFICATE_FILE, KEY_FILE].map(|name| fs::read(dir.join(name)).unwrap())
    );
    let other = ServerIdentity::ephemeral().unwrap();
    assert_ne!(first.certificate_der(), other.certificate_der());
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    ServerIdentity::load_or_create(dir.path()).unwrap();
    let mode = |name| {
        fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(KEY_FILE), 0o600);
    assert_eq!(mode(CERTIFICATE_FILE) & 0o600, 0o600);
}

/// Subject, algorithm and lifetime, read from the DER by searching for its encoded parts.
#[test]
fn the_certificate_says_what_storage_servers_say() {
    let identity = ServerIdentity::ephemeral().unwrap();
    let der = identity.certificate_der();
    let count = |part: &[u8]| {
        der.windows(part.len())
            .filter(|window| *window == part)
            .count()
    };
    // Attribute type, then a string; once as issuer and once as subject.
    assert_eq!(count(b"\x06\x03\x55\x04\x06\x13\x02AU"), 2);
    assert_eq!(count(b"\x06\x03\x55\x04\x03\x0c\x09localhost"), 2);
    assert_eq!(count(b"\x06\x03\x55\x04\x0a\x0c\x04Oxen"), 2);
    // prime256v1 and ecdsa-with-SHA256.
    assert_eq!(count(b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), 1);
    assert_eq!(count(b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"), 2);
    // Validity: two dates; 10 000 days from now lies beyond 2050, hence a four-digit year.
    let at = der
        .windows(2)
        .position(|window| window == b"\x17\x0d")
        .unwrap();
    let year = |digits: &[u8]| {
        core::str::from_utf8(digits)
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    let begins = 2000 + year(&der[at + 2..at + 4]);
    assert_eq!(&der[at + 15..at + 17], b"\x18\x0f");
    let ends = year(&der[at + 17..at + 21]);
    assert!((27..=28).contains(&(ends - begins)), "{begins} to {ends}");
}

#[test]
fn a_lost_certificate_is_made_again_for_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let first = ServerIdentity::load_or_create(dir.path()).unwrap();
    let key = fs::read_to_string(dir.path().join(KEY_FILE)).unwrap();
    fs::remove_file(dir.path().join(CERTIFICATE_FILE)).unwrap();
    let second = ServerIdentity::load_or_create(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join(KEY_FILE)).unwrap(), key);
    let public = KeyPair::from_pem(&key).unwrap();
    let public = public.public_key_raw();
    for identity in [first, second] {
        assert!(
            identity
                .certificate_der()
                .windows(public.len())
                .any(|window| window == public)
        );
    }
}

#[test]
fn what_cannot_be_used_is_named_and_left_alone() {
    let broken = |certificate: Option<&str>, key: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [(CERTIFICATE_FILE, certificate), (KEY_FILE, key)] {
            if let Some(text) = text {
                fs::write(dir.path().join(name), text).unwrap();
            }
        }
        let before = names(dir.path());
        let error = ServerIdentity::load_or_create(dir.path()).unwrap_err();
        assert_eq!(names(dir.path()), before, "nothing is overwritten or added");
        error
    };
    let good = tempfile::tempdir().unwrap();
    ServerIdentity::load_or_create(good.path()).unwrap();
    let certificate = fs::read_to_string(good.path().join(CERTIFICATE_FILE)).unwrap();
    let key = fs::read_to_string(good.path().join(KEY_FILE)).unwrap();
    let other_key = KeyPair::generate().unwrap().serialize_pem();

    let error = broken(Some("rubbish"), Some(&key));
    assert!(matches!(
        error,
        ChassisError::IdentityContent {
            expected: "certificate",
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .ends_with("cert.pem holds no usable certificate"),
        "{error}"
    );
    let error = broken(Some(&certificate), Some("rubbish"));
    assert!(matches!(
        error,
        ChassisError::IdentityContent {
            expected: "private key",
            ..
        }
    ));
    let error = broken(None, Some(""));
    assert!(matches!(
        error,
        ChassisError::IdentityContent {
            expected: "private key",
            ..
        }
    ));
    let error = broken(Some(&certificate), None);
    assert!(error.to_string().ends_with("key.pem is missing"), "{error}");
    assert_eq!(error.kind(), ErrorKind::BadInput);
    let error = broken(Some(&certificate), Some(&other_key));
    assert!(matches!(error, ChassisError::Tls(_)), "{error:?}");
}

#[test]
fn unreadable_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ServerIdentity::load_or_create(&file).unwrap_err();
    assert!(
        matches!(error, ChassisError::IdentityFile { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn debug_shows_nothing() {
    let identity = ServerIdentity::ephemeral().unwrap();
    assert_eq!(format!("{identity:?}"), "ServerIdentity { .. }");
}
