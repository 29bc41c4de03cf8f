//! The saved form of a group's keys (docs/protocol/config.md section 12.5).
//!
//! | Key | Value |
//! |---|---|
//! | `A` | list of `[generation, storage hash, …]` |
//! | `L` | list of `{g: generation, k: key, t: time in ms}`, ascending |
//! | `P` | absent, or `{c: message, g: generation, k: key}` of a key that is not stored yet |

use session_crypto::{AccountKeys, Ed25519Secret};
use zeroize::Zeroizing;

use super::{GroupKeys, Key, Pending};
use session_types::GroupId;

use crate::data::Dict;
use crate::error::{ConfigError, Malformed};
use crate::multipart::text;
use crate::wire::{Reader, put_bytes, put_int};

impl GroupKeys {
    /// The whole state, to be saved. Holds secrets.
    pub fn dump(&mut self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(4096));
        out.extend_from_slice(b"d1:Al");
        for (generation, hashes) in &self.active {
            out.push(b'l');
            put_int(&mut out, *generation);
            for hash in hashes {
                put_bytes(&mut out, hash.as_bytes());
            }
            out.push(b'e');
        }
        out.extend_from_slice(b"e1:Ll");
        for key in &self.keys {
            key.encode_into(&mut out);
        }
        out.push(b'e');
        if let Some(pending) = &self.pending {
            out.extend_from_slice(b"1:Pd1:c");
            put_bytes(&mut out, &pending.message);
            out.extend_from_slice(b"1:g");
            put_int(&mut out, pending.generation);
            out.extend_from_slice(b"1:k");
            put_bytes(&mut out, pending.key.as_slice());
            out.push(b'e');
        }
        out.push(b'e');
        self.needs_dump = false;
        out
    }

    /// The keys as they were saved. [`share_keys`](Self::share_keys) gives them to the other two
    /// configs.
    ///
    /// # Errors
    /// [`ConfigError`] when the key is not the group's or the bytes are no dump.
    pub fn load(
        account: &AccountKeys,
        id: GroupId,
        admin: Option<&Ed25519Secret>,
        dump: &[u8],
    ) -> Result<Self, ConfigError> {
        let mut loaded = Self::new(account, id, admin)?;
        let mut reader = Reader::new(dump);
        reader.expect(b'd')?;
        let mut previous = None;
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            match key {
                b"A" => loaded.read_active(&mut reader)?,
                b"L" => loaded.keys = Key::read_list(&mut reader)?,
                b"P" => loaded.pending = Some(Pending::read(&mut reader)?),
                _ => reader.skip(1)?,
            }
        }
        loaded.keys.sort_unstable();
        Ok(loaded)
    }

    fn read_active(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        reader.expect(b'l')?;
        while !reader.accept(b'e')? {
            reader.expect(b'l')?;
            let generation = reader.int()?;
            let hashes = self.active.entry(generation).or_default();
            while !reader.accept(b'e')? {
                hashes.insert(text(reader)?);
            }
        }
        Ok(())
    }
}

impl Pending {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let fields = Dict::read(reader, 1)?;
        match (fields.bytes(b"c"), fields.int(b"g"), fields.array(b"k")) {
            (Some(message), Some(generation), Some(key)) => Ok(Self {
                generation,
                key: Zeroizing::new(key),
                message: message.to_vec(),
            }),
            _ => Err(Malformed::Structure),
        }
    }
}
