use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use session_crypto::hash::blake2b_keyed;
use session_types::AccountId;
use zeroize::Zeroizing;

use super::{ADMIN_KEY, Admin, COPIES, GroupKeys, KEY_GENERATION, KEY_SEED, Pending, seed_hash};
use crate::error::ConfigError;
use crate::group_info::GroupInfo;
use crate::group_members::GroupMembers;
use crate::seal::seal_with;
use crate::wire::{put_bytes, put_decimal, put_int};

/// An encrypted key: 32 bytes and the tag.
pub(super) const COPY: usize = 48;

const JUNK: &[u8] = b"SessionGroupJunkMembers";

impl GroupKeys {
    /// Makes a new key for the present members and gives the message to store, before the other
    /// two configs, which it marks as changed. Those who are to be removed must be off the list.
    ///
    /// The key is used from now on; once the message is stored, feed it to
    /// [`load_message`](Self::load_message).
    ///
    /// | Key | Value |
    /// |---|---|
    /// | `#` | nonce, 24 bytes |
    /// | `G` | generation |
    /// | `K` | the key, encrypted for admins |
    /// | `k` | list of copies of the key, each encrypted for one member, then junk |
    /// | `~` | signature of all before it |
    ///
    /// Key and nonce follow from the members, the generation and the group's seed, so that admins
    /// who do the same at the same time make the same message.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins.
    pub fn rekey(
        &mut self,
        info: &mut GroupInfo,
        members: &mut GroupMembers,
    ) -> Result<Vec<u8>, ConfigError> {
        let generation = match self.keys.last() {
            Some(newest) => newest
                .generation
                .checked_add(1)
                .ok_or(ConfigError::SequenceExhausted)?,
            None => 0,
        };
        let admin = self.admin.as_mut().ok_or(ConfigError::ReadOnly)?;
        let ids: Vec<AccountId> = members.ids().collect();
        info.core.touch()?;
        members.core.touch()?;

        let names: Vec<String> = ids.iter().map(AccountId::to_hex).collect();
        let mut decimal = Vec::new();
        put_decimal(&mut decimal, u64::try_from(generation).unwrap_or_default());
        let seed = seed_hash(&admin.key, KEY_SEED);
        let mut parts: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        parts.push(&decimal);
        parts.push(&*seed);
        let hash = Zeroizing::new(blake2b_keyed::<56>(KEY_GENERATION, &parts));
        let (key, nonce) = hash.split_at(32);
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).unwrap_or_default());
        let nonce = <[u8; 24]>::try_from(nonce).unwrap_or_default();

        let mut message = b"d1:#".to_vec();
        put_bytes(&mut message, &nonce);
        message.extend_from_slice(b"1:G");
        put_int(&mut message, generation);
        message.extend_from_slice(b"1:K");
        let admin_key = seed_hash(&admin.key, ADMIN_KEY);
        put_bytes(&mut message, &seal_with(&admin_key, &nonce, key.as_slice()));
        message.extend_from_slice(b"1:kl");
        let mut copies = 0usize;
        for id in &ids {
            if let Some(copy_key) = admin.copy_key(id) {
                put_bytes(&mut message, &seal_with(copy_key, &nonce, key.as_slice()));
                copies = copies.saturating_add(1);
            }
        }
        let junk = copies.next_multiple_of(COPIES).saturating_sub(copies);
        for entry in junk_entries(admin, &hash, junk).chunks(COPY) {
            put_bytes(&mut message, entry);
        }
        message.push(b'e');
        sign(admin, &mut message);

        self.pending = Some(Pending {
            generation,
            key,
            message: message.clone(),
        });
        self.needs_dump = true;
        self.share_keys(info, members);
        Ok(message)
    }

    /// A message that gives new members the keys there are already, so that they can read what was
    /// written before. It must be made before the [`rekey`](Self::rekey) that follows their
    /// invitation. Admins who give the ids in the same order make the same message.
    ///
    /// | Key | Value |
    /// |---|---|
    /// | `#` | nonce, 24 bytes |
    /// | `+` | list of copies, each encrypted for one member, of the list of `{g: generation, k: key, t: time in ms}` |
    /// | `G` | generation of the newest key |
    /// | `~` | signature of all before it |
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins, [`ConfigError::NoKey`] before the
    /// first key is stored, [`ConfigError::Invalid`] when none of the ids can be written to.
    pub fn key_supplement(&mut self, ids: &[AccountId]) -> Result<Vec<u8>, ConfigError> {
        let generation = self.generation();
        if self.keys.is_empty() {
            return Err(ConfigError::NoKey);
        }
        let list = Zeroizing::new({
            let mut list = vec![b'l'];
            for key in &self.keys {
                key.encode_into(&mut list);
            }
            list.push(b'e');
            list
        });
        let admin = self.admin.as_mut().ok_or(ConfigError::ReadOnly)?;
        let names: Vec<String> = ids.iter().map(AccountId::to_hex).collect();
        let seed = seed_hash(&admin.key, KEY_SEED);
        let mut parts: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        parts.push(&list);
        parts.push(&*seed);
        let nonce = blake2b_keyed::<24>(KEY_GENERATION, &parts);

        let mut message = b"d1:#".to_vec();
        put_bytes(&mut message, &nonce);
        message.extend_from_slice(b"1:+l");
        let mut copies = 0usize;
        for id in ids {
            if let Some(copy_key) = admin.copy_key(id) {
                put_bytes(&mut message, &seal_with(copy_key, &nonce, &list));
                copies = copies.saturating_add(1);
            }
        }
        if copies == 0 {
            return Err(ConfigError::Invalid { field: "member" });
        }
        message.extend_from_slice(b"e1:G");
        put_int(&mut message, generation);
        sign(admin, &mut message);
        Ok(message)
    }
}

/// Puts the signature of all before it at the end of a message.
fn sign(admin: &Admin, message: &mut Vec<u8>) {
    let signature = admin.key.sign(message);
    message.extend_from_slice(b"1:~");
    put_bytes(message, signature.as_bytes());
    message.push(b'e');
}

/// Bytes in place of copies, from a stream that follows from the key.
fn junk_entries(admin: &Admin, hash: &[u8; 56], count: usize) -> Vec<u8> {
    let seed = Zeroizing::new(blake2b_keyed::<32>(
        JUNK,
        &[hash, admin.key.seed(), admin.key.public().as_bytes()],
    ));
    let mut junk = vec![0; count.saturating_mul(COPY)];
    ChaCha20::new((&*seed).into(), b"LibsodiumDRG".into()).apply_keystream(&mut junk);
    junk
}
