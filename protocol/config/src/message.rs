//! One version of a config (docs/protocol/config.md sections 3 and 5).
//!
//! A dict with these keys in this order:
//!
//! | Key | Type | Meaning |
//! |---|---|---|
//! | `#` | integer | sequence number; must come first |
//! | `&` | dict | all the data |
//! | `<` | list | `[sequence number, hash, diff]` of the versions before, ascending, at most four numbers back |
//! | `=` | dict | what this version changed |
//! | `~` | 64 bytes | signature of all before it; must come last |
//!
//! Unknown keys in between are kept and written again at their place. The hash of a version is
//! BLAKE2b-32 of its bytes, signature included.

use std::sync::{Arc, OnceLock};

use session_crypto::{Ed25519Secret, hash::blake2b, verify};
use session_types::{Ed25519PublicKey, Signature};

use crate::data::Dict;
use crate::diff::Diff;
use crate::error::{ConfigError, Malformed};
use crate::wire::{Reader, put_bytes, put_int};

/// How many numbers back a message repeats the changes of others.
pub const LAG: i64 = 5;

/// No message is made with a greater number.
const MAX_SEQNO: i64 = i64::MAX - 1;

/// Keys the reader does not know, encoded, by the place they stand at: after `#`, `&`, `<`, `=`.
pub(crate) type Unknown = [Vec<u8>; 4];

/// The changes of an earlier version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lagged {
    pub(crate) seqno: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) diff: Arc<Diff>,
}

/// A finished version.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) seqno: i64,
    pub(crate) data: Arc<Dict>,
    pub(crate) lagged: Vec<Lagged>,
    pub(crate) diff: Arc<Diff>,
    unknown: Arc<Unknown>,
    signature: Option<Signature>,
    encoded: OnceLock<Arc<[u8]>>,
    hash: OnceLock<[u8; 32]>,
}

/// A version that is still being changed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) seqno: i64,
    pub(crate) data: Arc<Dict>,
    /// What the diff is taken from when the draft is finished.
    pub(crate) original: Arc<Dict>,
    pub(crate) lagged: Vec<Lagged>,
    pub(crate) unknown: Arc<Unknown>,
}

impl Message {
    /// The version every config begins with.
    pub(crate) fn empty() -> Self {
        Self {
            seqno: 0,
            data: Arc::default(),
            lagged: Vec::new(),
            diff: Arc::default(),
            unknown: Arc::default(),
            signature: None,
            encoded: OnceLock::new(),
            hash: OnceLock::new(),
        }
    }

    /// Reads a message. With a verifier it must be signed by that key, without one a signature is
    /// only kept. Bytes after the message do no harm but count for the hash.
    ///
    /// A signed message keeps the bytes it came in: written in any other way, they would not be
    /// what the signature covers.
    pub(crate) fn parse(
        input: &[u8],
        verifier: Option<&Ed25519PublicKey>,
        lag: i64,
    ) -> Result<Self, Malformed> {
        let mut reader = Reader::new(input);
        let mut unknown = Unknown::default();
        reader.expect(b'd')?;
        if reader.key(None)? != Some(b"#") {
            return Err(Malformed::Structure);
        }
        let seqno = reader.int()?;
        let [after_seqno, after_data, after_lagged, after_diff] = &mut unknown;

        let (key, _) = next_known(&mut reader, b"#", b"&", after_seqno)?;
        if key != Some(b"&") {
            return Err(Malformed::Structure);
        }
        let data = Dict::read(&mut reader, 1)?;

        // Whether what was received is exactly what would be written again.
        let mut faithful;
        let mut lagged = Vec::new();
        let mut diff = Diff::default();
        let mut signature = None;
        let (mut key, mut key_start) = next_known(&mut reader, b"&", b"<", after_data)?;
        if key == Some(b"<") {
            let received;
            (lagged, received) = read_lagged(&mut reader, seqno, lag)?;
            faithful = received == lagged.len();
            (key, key_start) = next_known(&mut reader, b"<", b"=", after_lagged)?;
        } else {
            faithful = false;
            (key, key_start) = skip_unknown(&mut reader, key, key_start, b"=", after_lagged)?;
        }
        match key {
            None => return Err(Malformed::Structure),
            Some(b"=") => {
                diff = Diff::read(&mut reader, 1)?;
                (key, key_start) = next_known(&mut reader, b"=", b"~", after_diff)?;
            }
            Some(_) => {
                faithful = false;
                (key, key_start) = skip_unknown(&mut reader, key, key_start, b"~", after_diff)?;
            }
        }
        if let Some(found) = key {
            if found != b"~" {
                return Err(Malformed::Structure);
            }
            signature = Some(Signature::new(*reader.array::<64>()?));
            reader.expect(b'e').map_err(|_| Malformed::Structure)?;
        }
        if let Some(verifier) = verifier {
            let signature = signature.as_ref().ok_or(Malformed::Signature)?;
            verify(verifier, reader.between(0, key_start), signature)
                .map_err(|_| Malformed::Signature)?;
        }
        faithful &= reader.at_end_of_input();

        let encoded = OnceLock::new();
        if faithful || signature.is_some() {
            encoded.get_or_init(|| input.into());
        }
        Ok(Self {
            seqno,
            data: Arc::new(data),
            lagged,
            diff: Arc::new(diff),
            unknown: Arc::new(unknown),
            signature,
            encoded,
            hash: OnceLock::from(blake2b(&[input])),
        })
    }

    /// Reads a saved message. A signature that is not of the verifier's key, as other programs may
    /// have saved it with bytes it does not cover, is dropped, so that whoever can sign does so.
    pub(crate) fn parse_saved(
        input: &[u8],
        verifier: Option<&Ed25519PublicKey>,
        lag: i64,
    ) -> Result<Self, Malformed> {
        match Self::parse(input, verifier, lag) {
            Err(Malformed::Signature) => Ok(Self {
                signature: None,
                encoded: OnceLock::new(),
                ..Self::parse(input, None, lag)?
            }),
            read => read,
        }
    }

    /// The message as it is pushed.
    pub(crate) fn encoded(&self) -> Arc<[u8]> {
        Arc::clone(self.encoded.get_or_init(|| {
            let mut out = self.unsigned();
            finish(&mut out, self.signature.as_ref());
            out.into()
        }))
    }

    /// The hash other versions name this one by.
    pub(crate) fn hash(&self) -> &[u8; 32] {
        self.hash.get_or_init(|| blake2b(&[&self.encoded()]))
    }

    /// The same message with a signature, if it has none yet.
    pub(crate) fn signed(&self, signer: &Ed25519Secret) -> Self {
        if self.signature.is_some() {
            return self.clone();
        }
        let mut out = self.unsigned();
        let signature = signer.sign(&out);
        finish(&mut out, Some(&signature));
        Self {
            signature: Some(signature),
            encoded: OnceLock::from(Arc::from(out)),
            hash: OnceLock::new(),
            ..self.clone()
        }
    }

    /// Everything before the signature.
    fn unsigned(&self) -> Vec<u8> {
        let [after_seqno, after_data, after_lagged, after_diff] = &*self.unknown;
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"d1:#");
        put_int(&mut out, self.seqno);
        out.extend_from_slice(after_seqno);
        out.extend_from_slice(b"1:&");
        self.data.encode_into(&mut out);
        out.extend_from_slice(after_data);
        out.extend_from_slice(b"1:<l");
        for lagged in &self.lagged {
            out.push(b'l');
            put_int(&mut out, lagged.seqno);
            put_bytes(&mut out, &lagged.hash);
            lagged.diff.encode_into(&mut out);
            out.push(b'e');
        }
        out.push(b'e');
        out.extend_from_slice(after_lagged);
        out.extend_from_slice(b"1:=");
        self.diff.encode_into(&mut out);
        out.extend_from_slice(after_diff);
        out
    }
}

impl Draft {
    /// The next version after `message`, without changes so far.
    pub(crate) fn after(message: &Message, lag: i64) -> Result<Self, ConfigError> {
        let seqno = message
            .seqno
            .checked_add(1)
            .filter(|next| *next <= MAX_SEQNO)
            .ok_or(ConfigError::SequenceExhausted)?;
        let mut lagged = message.lagged.clone();
        lagged.push(Lagged {
            seqno: message.seqno,
            hash: *message.hash(),
            diff: Arc::clone(&message.diff),
        });
        lagged.retain(|entry| in_window(entry.seqno, seqno, lag));
        Ok(Self {
            seqno,
            data: Arc::clone(&message.data),
            original: Arc::clone(&message.data),
            lagged,
            unknown: Arc::clone(&message.unknown),
        })
    }

    /// The version as it is now.
    pub(crate) fn finish(&self, signer: Option<&Ed25519Secret>) -> Message {
        let diff = if Arc::ptr_eq(&self.original, &self.data) {
            Diff::default()
        } else {
            Diff::between(&self.original, &self.data)
        };
        let message = Message {
            seqno: self.seqno,
            data: Arc::clone(&self.data),
            lagged: self.lagged.clone(),
            diff: Arc::new(diff),
            unknown: Arc::clone(&self.unknown),
            signature: None,
            encoded: OnceLock::new(),
            hash: OnceLock::new(),
        };
        match signer {
            Some(signer) => message.signed(signer),
            None => message,
        }
    }
}

/// The number after the greatest of the merged ones.
pub(crate) fn seqno_after(seqno: i64) -> i64 {
    seqno.saturating_add(1).min(MAX_SEQNO)
}

/// Whether a message `seqno` still repeats the changes of version `entry`.
pub(crate) fn in_window(entry: i64, seqno: i64, lag: i64) -> bool {
    entry > seqno.saturating_sub(lag) && entry < seqno
}

fn finish(out: &mut Vec<u8>, signature: Option<&Signature>) {
    if let Some(signature) = signature {
        out.extend_from_slice(b"1:~");
        put_bytes(out, signature.as_bytes());
    }
    out.push(b'e');
}

/// A key and where it begins; `None` at the end of the message.
type Place<'a> = (Option<&'a [u8]>, usize);

/// Steps from the value of `previous` to the first key that is not below `wanted`.
fn next_known<'a>(
    reader: &mut Reader<'a>,
    previous: &[u8],
    wanted: &[u8],
    kept: &mut Vec<u8>,
) -> Result<Place<'a>, Malformed> {
    let start = reader.position();
    let key = reader.key(Some(previous))?;
    skip_unknown(reader, key, start, wanted, kept)
}

/// Steps over entries whose keys are below `wanted`, the one whose key was just read first, and
/// keeps them.
fn skip_unknown<'a>(
    reader: &mut Reader<'a>,
    mut key: Option<&'a [u8]>,
    mut start: usize,
    wanted: &[u8],
    kept: &mut Vec<u8>,
) -> Result<Place<'a>, Malformed> {
    while let Some(found) = key
        && found < wanted
    {
        reader.skip(1)?;
        kept.extend_from_slice(reader.between(start, reader.position()));
        start = reader.position();
        key = reader.key(Some(found))?;
    }
    Ok((key, start))
}

/// The entries within the window, and how many there were altogether.
fn read_lagged(
    reader: &mut Reader<'_>,
    own_seqno: i64,
    lag: i64,
) -> Result<(Vec<Lagged>, usize), Malformed> {
    let mut entries: Vec<Lagged> = Vec::new();
    let mut received = 0usize;
    reader.expect(b'l')?;
    while !reader.accept(b'e')? {
        reader.expect(b'l')?;
        received = received.saturating_add(1);
        let seqno = reader.int()?;
        if seqno >= own_seqno {
            return Err(Malformed::Order);
        }
        if !in_window(seqno, own_seqno, lag) {
            while !reader.accept(b'e')? {
                reader.skip(3)?;
            }
            continue;
        }
        let hash = *reader.array::<32>()?;
        let diff = Diff::read(reader, 3)?;
        reader.expect(b'e')?;
        if entries
            .last()
            .is_some_and(|last| (last.seqno, &last.hash) >= (seqno, &hash))
        {
            return Err(Malformed::Order);
        }
        entries.push(Lagged {
            seqno,
            hash,
            diff: Arc::new(diff),
        });
    }
    Ok((entries, received))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// docs/protocol/config.md section 3.
    #[test]
    fn hash_of_the_empty_config() {
        let empty = Message::empty();
        assert_eq!(&*empty.encoded(), b"d1:#i0e1:&de1:<le1:=dee");
        assert_eq!(
            HEXLOWER.encode(empty.hash()),
            "ea173b57beca8af18c3519a7bbf69c3e7a05d1c049fa9558341d8ebb48b0c965"
        );
    }

    /// The reference loops for ever on these.
    #[test]
    fn integers_in_diffs_are_refused() {
        let hash = "h".repeat(32);
        for diff in ["d1:ai1ee", "d1:ad1:bi-1eee", "d1:ald1:ai1eeee"] {
            let own = format!("d1:#i5e1:&de1:<le1:={diff}e");
            assert!(Message::parse(own.as_bytes(), None, LAG).is_err());
            let lagged = format!("d1:#i5e1:&de1:<lli4e32:{hash}{diff}ee1:=dee");
            assert!(Message::parse(lagged.as_bytes(), None, LAG).is_err());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let build = |levels: usize| {
            let mut data = "1:ai1e".to_owned();
            for _ in 0..levels {
                data = format!("1:ad{data}e");
            }
            format!("d1:#i1e1:&d{data}e1:<le1:=dee")
        };
        assert!(Message::parse(build(20).as_bytes(), None, LAG).is_ok());
        assert!(Message::parse(build(100).as_bytes(), None, LAG).is_err());
        let deep = "l".repeat(1_000_000);
        let unknown = format!("d1:#i1e1:${deep}");
        assert!(Message::parse(unknown.as_bytes(), None, LAG).is_err());
    }
}
