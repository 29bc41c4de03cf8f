//! `key.json`: how the key of a database is kept, and the key itself when a file is the way.
//!
//! | field | meaning |
//! |---|---|
//! | `version` | 1 |
//! | `account_id` | whose database this is, 66 hex digits |
//! | `created` | when the account was made, Unix milliseconds |
//! | `check` | BLAKE2b-16 keyed with the database key over `session key check` and the account id, hex: tells a wrong key without touching the database |
//! | `keeping` | one object: `{"keyring": …}`, `{"passphrase": …}` or `{"file": …}` |
//! | `keyring.entry` | name of the entry in the system keyring, which holds the key as hex |
//! | `passphrase.kdf` | `argon2id`, version 0x13 |
//! | `passphrase.memory_kib`, `.passes`, `.lanes` | its costs |
//! | `passphrase.salt`, `.nonce`, `.wrapped` | hex; `wrapped` is the key under XChaCha20-Poly1305 with the 32 bytes Argon2id gives, the account id being the associated data |
//! | `file.key` | the key, hex |

use std::io;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use session_types::{AccountId, Timestamp};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keyring::Keyring;
use crate::secret::{DatabaseKey, random};
use crate::{StoreError, files};

/// Name of the key file inside the folder of its account.
pub(crate) const KEY_FILE: &str = "key.json";

const VERSION: u32 = 1;
const MAX_SIZE: u64 = 16 * 1024;
const CHECK_CONTEXT: &[u8] = b"session key check";

/// The costs of RFC 9106 section 4, second recommended option: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// What a key file may ask for at most, so that an edited one cannot exhaust the machine.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 64;

/// How the key of a database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKeeping {
    /// In the system keyring.
    Keyring,
    /// Wrapped by a passphrase that is asked for at each opening.
    Passphrase,
    /// In a file only its owner may read. Protects against nobody who can read that file.
    File,
}

/// The content of a key file.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeyFile {
    version: u32,
    pub(crate) account_id: AccountId,
    pub(crate) created: Timestamp,
    check: String,
    keeping: Keeping,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keeping {
    Keyring { entry: String },
    Passphrase(Wrapped),
    File(PlainKey),
}

#[derive(Serialize, Deserialize)]
struct Wrapped {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    wrapped: String,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct PlainKey {
    key: String,
}

impl KeyFile {
    /// Makes the content for `key`, and puts the key into the keyring when that is the way.
    pub(crate) fn create(
        account_id: AccountId,
        created: Timestamp,
        key: &DatabaseKey,
        keeping: KeyKeeping,
        passphrase: Option<&str>,
        keyring: &dyn Keyring,
    ) -> Result<Self, StoreError> {
        let keeping = match (keeping, passphrase) {
            (KeyKeeping::Passphrase, None | Some("")) => {
                return Err(StoreError::PassphraseRequired);
            }
            (KeyKeeping::Passphrase, Some(passphrase)) => {
                Keeping::Passphrase(wrap(account_id, key, passphrase)?)
            }
            (_, Some(_)) => return Err(StoreError::PassphraseUnused),
            (KeyKeeping::File, None) => Keeping::File(PlainKey {
                key: key.to_hex().as_str().to_owned(),
            }),
            (KeyKeeping::Keyring, None) => {
                let entry = HEXLOWER.encode(&random::<16>()?);
                let label = format!("Session database key of {}", account_id.short());
                keyring.store(&entry, &label, &key.to_hex())?;
                Keeping::Keyring { entry }
            }
        };
        let check = HEXLOWER.encode(&check_value(account_id, key));
        Ok(Self {
            version: VERSION,
            account_id,
            created,
            check,
            keeping,
        })
    }

    /// Reads the key file of an account.
    pub(crate) fn read(path: &Path, account_id: AccountId) -> Result<Self, StoreError> {
        let bad = |reason| StoreError::KeyFile {
            path: path.to_owned(),
            reason,
        };
        let content = match files::read_bounded(path, MAX_SIZE) {
            Ok(Some(content)) => content,
            Ok(None) => return Err(bad("it is too long")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(bad("it is missing"));
            }
            Err(error) => return Err(StoreError::io("read", path, error)),
        };
        let file: Self =
            serde_json::from_slice(&content).map_err(|_| bad("it cannot be parsed"))?;
        if file.version != VERSION {
            return Err(bad("it is of another version"));
        }
        if file.account_id != account_id {
            return Err(bad("it belongs to another account"));
        }
        Ok(file)
    }

    /// Writes the file, replacing an earlier one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let mut content = Zeroizing::new(Vec::with_capacity(2048));
        serde_json::to_writer_pretty(&mut *content, self).map_err(|_| StoreError::KeyFile {
            path: path.to_owned(),
            reason: "it cannot be written as text",
        })?;
        content.push(b'\n');
        files::write_private(path, &content)
    }

    /// How the key is kept.
    pub(crate) fn key_keeping(&self) -> KeyKeeping {
        match self.keeping {
            Keeping::Keyring { .. } => KeyKeeping::Keyring,
            Keeping::Passphrase(_) => KeyKeeping::Passphrase,
            Keeping::File(_) => KeyKeeping::File,
        }
    }

    /// The key. A passphrase that is not needed is not looked at.
    pub(crate) fn unlock(
        &self,
        path: &Path,
        passphrase: Option<&str>,
        keyring: &dyn Keyring,
    ) -> Result<DatabaseKey, StoreError> {
        let bad = |reason| StoreError::KeyFile {
            path: path.to_owned(),
            reason,
        };
        let key = match &self.keeping {
            Keeping::Keyring { entry } => {
                let text = keyring.load(entry)?.ok_or(StoreError::KeyMissing)?;
                DatabaseKey::from_hex(&text).ok_or(StoreError::WrongKey)?
            }
            Keeping::Passphrase(wrapped) => match passphrase {
                None | Some("") => return Err(StoreError::PassphraseRequired),
                Some(passphrase) => {
                    let unwrapped = unwrap(self.account_id, wrapped, passphrase);
                    unwrapped.map_err(|problem| match problem {
                        Problem::Malformed(reason) => bad(reason),
                        Problem::WrongPassphrase => StoreError::WrongKey,
                    })?
                }
            },
            Keeping::File(plain) => {
                DatabaseKey::from_hex(&plain.key).ok_or_else(|| bad("its key is malformed"))?
            }
        };
        let expected = HEXLOWER
            .decode(self.check.as_bytes())
            .map_err(|_| bad("its check value is malformed"))?;
        let equal = check_value(self.account_id, &key)
            .as_slice()
            .ct_eq(&expected);
        if bool::from(equal) {
            Ok(key)
        } else {
            Err(StoreError::WrongKey)
        }
    }

    /// Takes the key out of the keyring, if it is there.
    pub(crate) fn forget(&self, keyring: &dyn Keyring) -> Result<(), StoreError> {
        if let Keeping::Keyring { entry } = &self.keeping {
            keyring.remove(entry)?;
        }
        Ok(())
    }
}

enum Problem {
    Malformed(&'static str),
    WrongPassphrase,
}

fn check_value(account_id: AccountId, key: &DatabaseKey) -> [u8; 16] {
    let hash = blake2b_simd::Params::new()
        .hash_length(16)
        .key(key.as_bytes())
        .to_state()
        .update(CHECK_CONTEXT)
        .update(&account_id.to_bytes())
        .finalize();
    let mut out = [0u8; 16];
    for (to, from) in out.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    out
}

fn wrap(account_id: AccountId, key: &DatabaseKey, passphrase: &str) -> Result<Wrapped, StoreError> {
    let salt = random::<16>()?;
    let nonce = random::<24>()?;
    let cipher = cipher(passphrase, &salt, MEMORY_KIB, PASSES, LANES)
        .ok_or(StoreError::Damaged("the passphrase"))?;
    let payload = Payload {
        msg: key.as_bytes(),
        aad: &account_id.to_bytes(),
    };
    let wrapped = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| StoreError::Damaged("the passphrase"))?;
    Ok(Wrapped {
        kdf: "argon2id".to_owned(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: HEXLOWER.encode(&salt),
        nonce: HEXLOWER.encode(&nonce),
        wrapped: HEXLOWER.encode(&wrapped),
    })
}

fn unwrap(
    account_id: AccountId,
    wrapped: &Wrapped,
    passphrase: &str,
) -> Result<DatabaseKey, Problem> {
    if wrapped.kdf != "argon2id" {
        return Err(Problem::Malformed("its key derivation is unknown"));
    }
    if wrapped.memory_kib > MAX_MEMORY_KIB
        || wrapped.passes > MAX_PASSES
        || wrapped.lanes > MAX_LANES
    {
        return Err(Problem::Malformed("its key derivation costs too much"));
    }
    let decode = |text: &str| {
        HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| Problem::Malformed("a value is not hex"))
    };
    let salt = decode(&wrapped.salt)?;
    let nonce = <[u8; 24]>::try_from(decode(&wrapped.nonce)?)
        .map_err(|_| Problem::Malformed("its nonce has a wrong length"))?;
    let ciphertext = decode(&wrapped.wrapped)?;
    let cipher = cipher(
        passphrase,
        &salt,
        wrapped.memory_kib,
        wrapped.passes,
        wrapped.lanes,
    )
    .ok_or(Problem::Malformed("its key derivation is malformed"))?;
    let payload = Payload {
        msg: &ciphertext,
        aad: &account_id.to_bytes(),
    };
    let key = Zeroizing::new(
        cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Problem::WrongPassphrase)?,
    );
    DatabaseKey::from_slice(&key).ok_or(Problem::Malformed("its key has a wrong length"))
}

/// The cipher under the key Argon2id gives; `None` when the costs or the salt are not allowed.
fn cipher(
    passphrase: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Option<XChaCha20Poly1305> {
    let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
    let mut wrapping_key = Zeroizing::new([0u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, wrapping_key.as_mut_slice())
        .ok()?;
    XChaCha20Poly1305::new_from_slice(wrapping_key.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::{KeyringError, Unavailable};

    fn account() -> AccountId {
        AccountId::from_x25519([1; 32].into())
    }

    fn made(keeping: KeyKeeping, passphrase: Option<&str>) -> (DatabaseKey, KeyFile) {
        let key = DatabaseKey::generate().unwrap();
        let file = KeyFile::create(
            account(),
            Timestamp::from_ms(5),
            &key,
            keeping,
            passphrase,
            &Unavailable,
        )
        .unwrap();
        (key, file)
    }

    fn through_text(file: &KeyFile) -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        file.write(&path).unwrap();
        let read = KeyFile::read(&path, account()).unwrap();
        (folder, read)
    }

    #[test]
    fn file_round_trip() {
        let (key, file) = made(KeyKeeping::File, None);
        let (_folder, read) = through_text(&file);
        assert_eq!(read.key_keeping(), KeyKeeping::File);
        let unlocked = read.unlock(Path::new(""), None, &Unavailable).unwrap();
        assert_eq!(unlocked.as_bytes(), key.as_bytes());
    }

    #[test]
    fn passphrase_round_trip_and_wrong_ones() {
        let (key, file) = made(KeyKeeping::Passphrase, Some("correct horse"));
        let (folder, mut read) = through_text(&file);
        let text = std::fs::read_to_string(folder.path().join(KEY_FILE)).unwrap();
        assert!(!text.contains(key.to_hex().as_str()));
        let unlock =
            |file: &KeyFile, passphrase| file.unlock(Path::new(""), passphrase, &Unavailable);
        assert_eq!(
            unlock(&read, Some("correct horse")).unwrap().as_bytes(),
            key.as_bytes()
        );
        assert!(matches!(
            unlock(&read, Some("correct horse ")),
            Err(StoreError::WrongKey)
        ));
        assert!(matches!(
            unlock(&read, None),
            Err(StoreError::PassphraseRequired)
        ));
        assert!(matches!(
            unlock(&read, Some("")),
            Err(StoreError::PassphraseRequired)
        ));
        let Keeping::Passphrase(wrapped) = &mut read.keeping else {
            panic!("kept otherwise")
        };
        wrapped.memory_kib = u32::MAX;
        assert!(matches!(
            unlock(&read, Some("correct horse")),
            Err(StoreError::KeyFile { .. })
        ));
    }

    #[test]
    fn a_changed_key_fails_the_check() {
        let (_, mut file) = made(KeyKeeping::File, None);
        file.keeping = Keeping::File(PlainKey {
            key: "ab".repeat(32),
        });
        let unlocked = file.unlock(Path::new(""), None, &Unavailable);
        assert!(matches!(unlocked, Err(StoreError::WrongKey)));
    }

    #[test]
    fn passphrase_and_way_must_agree() {
        let key = DatabaseKey::generate().unwrap();
        let make = |keeping, passphrase| {
            let created = Timestamp::default();
            KeyFile::create(account(), created, &key, keeping, passphrase, &Unavailable).err()
        };
        assert!(matches!(
            make(KeyKeeping::Passphrase, None),
            Some(StoreError::PassphraseRequired)
        ));
        assert!(matches!(
            make(KeyKeeping::Passphrase, Some("")),
            Some(StoreError::PassphraseRequired)
        ));
        assert!(matches!(
            make(KeyKeeping::File, Some("x")),
            Some(StoreError::PassphraseUnused)
        ));
        assert!(matches!(
            make(KeyKeeping::Keyring, None),
            Some(StoreError::KeyringUnavailable(
                KeyringError::Unavailable { .. }
            ))
        ));
    }

    #[test]
    fn bad_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let reason = || match KeyFile::read(&path, account()) {
            Err(StoreError::KeyFile { reason, .. }) => reason,
            _ => "",
        };
        assert_eq!(reason(), "it is missing");
        std::fs::write(&path, b"{").unwrap();
        assert_eq!(reason(), "it cannot be parsed");
        std::fs::write(&path, vec![b' '; 20_000]).unwrap();
        assert_eq!(reason(), "it is too long");
        let (_, mut file) = made(KeyKeeping::File, None);
        file.version = 2;
        file.write(&path).unwrap();
        assert_eq!(reason(), "it is of another version");
        file.version = VERSION;
        file.account_id = AccountId::from_x25519([2; 32].into());
        file.write(&path).unwrap();
        assert_eq!(reason(), "it belongs to another account");
    }
}
