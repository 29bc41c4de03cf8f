use session_crypto::verify;
use session_types::{Signature, Timestamp};
use zeroize::Zeroizing;

use super::rekey::COPY;
use super::{ADMIN_KEY, COPIES, GroupKeys, Key, Read, seed_hash};
use crate::data::Dict;
use crate::error::{ConfigError, Malformed};
use crate::group_info::GroupInfo;
use crate::group_members::GroupMembers;
use crate::seal::open_with;
use crate::wire::{Reader, put_bytes, put_int};

/// The shortest copy in a supplement.
const SHORTEST_COPY: usize = 68;

/// A key message whose signature was checked.
struct Message<'a> {
    nonce: &'a [u8; 24],
    generation: i64,
    content: Content<'a>,
}

enum Content<'a> {
    Full {
        admin_copy: &'a [u8],
        copies: Vec<&'a [u8]>,
    },
    Supplement(Vec<&'a [u8]>),
}

impl GroupKeys {
    /// Takes in a message of the group's keys namespace, with its storage hash and the time it was
    /// stored, and gives new keys to the other two configs. Whether the message had a key for this
    /// member.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] when the message is not signed by the group or has another form;
    /// then nothing is changed.
    pub fn load_message(
        &mut self,
        hash: &str,
        data: &[u8],
        stored: Timestamp,
        info: &mut GroupInfo,
        members: &mut GroupMembers,
    ) -> Result<bool, ConfigError> {
        let message = Message::read(data, self)?;
        let keys = self.keys_in(&message, stored)?;
        if let Some(pending) = &self.pending
            && keys
                .iter()
                .any(|key| key.key == pending.key || key.generation > pending.generation)
        {
            self.pending = None;
        }
        self.needs_dump = true;
        let found = !keys.is_empty();
        if found {
            for key in keys {
                self.insert(key, hash);
            }
            self.share_keys(info, members);
        } else {
            self.active
                .entry(message.generation)
                .or_default()
                .insert(hash.to_owned());
            self.expire();
        }
        Ok(found)
    }

    /// What this member can decrypt.
    fn keys_in(&self, message: &Message<'_>, stored: Timestamp) -> Read<Vec<Key>> {
        let own_copy = |copies: &[&[u8]]| {
            let copy_key = self.own_copy_key.as_ref()?;
            copies
                .iter()
                .find_map(|copy| open_with(copy_key, message.nonce, copy))
        };
        match (&message.content, &self.admin) {
            (Content::Full { admin_copy, copies }, admin) => {
                let opened = match admin {
                    Some(admin) => {
                        let key = seed_hash(&admin.key, ADMIN_KEY);
                        let opened = open_with(&key, message.nonce, admin_copy);
                        Some(opened.ok_or(Malformed::Structure)?)
                    }
                    None => own_copy(copies),
                };
                let Some(opened) = opened else {
                    return Ok(Vec::new());
                };
                let key = opened.as_slice().try_into().map_err(|_| Malformed::Type)?;
                Ok(vec![Key {
                    generation: message.generation,
                    time: stored,
                    key: Zeroizing::new(key),
                }])
            }
            (Content::Supplement(_), Some(_)) => Ok(Vec::new()),
            (Content::Supplement(copies), None) => match own_copy(copies) {
                Some(list) => Key::read_list(&mut Reader::new(&list)),
                None => Ok(Vec::new()),
            },
        }
    }
}

impl<'a> Message<'a> {
    fn read(data: &'a [u8], keys: &GroupKeys) -> Read<Self> {
        let mut reader = Reader::new(data);
        let (mut nonce, mut generation, mut signature) = (None, None, None);
        let (mut admin_copy, mut copies, mut supplement) = (None, None, None);
        reader.expect(b'd')?;
        let mut previous = None;
        let mut start = reader.position();
        while let Some(key) = reader.key(previous)? {
            previous = Some(key);
            match key {
                b"#" => nonce = Some(reader.array::<24>()?),
                b"+" => supplement = Some(list(&mut reader)?),
                b"G" => generation = Some(reader.int()?),
                b"K" if supplement.is_none() => admin_copy = Some(reader.bytes()?),
                b"k" if supplement.is_none() => copies = Some(list(&mut reader)?),
                b"~" => {
                    signature = Some(Signature::new(*reader.array::<64>()?));
                    reader.expect(b'e').map_err(|_| Malformed::Structure)?;
                    break;
                }
                _ => reader.skip(1)?,
            }
            start = reader.position();
        }
        let signature = signature.ok_or(Malformed::Signature)?;
        verify(keys.id.ed25519(), reader.between(0, start), &signature)
            .map_err(|_| Malformed::Signature)?;

        let nonce = nonce.ok_or(Malformed::Structure)?;
        let generation = generation
            .filter(|generation| *generation >= 0)
            .ok_or(Malformed::Structure)?;
        let content = match (supplement, admin_copy, copies) {
            (Some(copies), ..) => {
                if copies.iter().any(|copy| copy.len() < SHORTEST_COPY) {
                    return Err(Malformed::Type);
                }
                Content::Supplement(copies)
            }
            (None, Some(admin_copy), Some(copies)) => {
                if copies.len() % COPIES != 0
                    || copies.iter().any(|copy| copy.len() != COPY)
                    || admin_copy.len() != COPY
                {
                    return Err(Malformed::Type);
                }
                Content::Full { admin_copy, copies }
            }
            _ => return Err(Malformed::Structure),
        };
        Ok(Self {
            nonce,
            generation,
            content,
        })
    }
}

/// A list of strings.
fn list<'a>(reader: &mut Reader<'a>) -> Read<Vec<&'a [u8]>> {
    let mut entries = Vec::new();
    reader.expect(b'l')?;
    while !reader.accept(b'e')? {
        reader.count()?;
        entries.push(reader.bytes()?);
    }
    Ok(entries)
}

impl Key {
    /// `{g: generation, k: key, t: time in ms}`, in supplements and dumps.
    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"d1:g");
        put_int(out, self.generation);
        out.extend_from_slice(b"1:k");
        put_bytes(out, self.key.as_slice());
        out.extend_from_slice(b"1:t");
        put_int(out, self.time.as_ms_i64());
        out.push(b'e');
    }

    pub(super) fn read_list(reader: &mut Reader<'_>) -> Read<Vec<Self>> {
        let mut keys = Vec::new();
        reader.expect(b'l')?;
        while !reader.accept(b'e')? {
            let entry = Dict::read(reader, 1)?;
            let generation = entry.int(b"g").filter(|generation| *generation >= 0);
            let time = entry.int(b"t").and_then(|time| u64::try_from(time).ok());
            let (Some(generation), Some(key), Some(time)) = (generation, entry.array(b"k"), time)
            else {
                return Err(Malformed::Structure);
            };
            keys.push(Self {
                generation,
                time: Timestamp::from_ms(time),
                key: Zeroizing::new(key),
            });
        }
        Ok(keys)
    }
}
