//! BLAKE2b as the protocol uses it, and the hash that names a stored message.
//!
//! The output length is part of BLAKE2b's parameters: a shorter hash is not a prefix of a longer
//! one.

use blake2b_simd::{Hash, Params};
use session_types::{MessageHash, Namespace, SwarmPubkey};

use crate::CryptoError;

/// Keys are cut to this, as libsodium's longest.
const MAX_KEY: usize = 64;

/// BLAKE2b with `N` bytes of output over the parts one after the other.
#[must_use]
pub fn blake2b<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    finish(&sized::<N>(), parts)
}

/// BLAKE2b with a key, of which at most 64 bytes count.
#[must_use]
pub fn blake2b_keyed<const N: usize>(key: &[u8], parts: &[&[u8]]) -> [u8; N] {
    let mut params = sized::<N>();
    params.key(cut(key));
    finish(&params, parts)
}

/// BLAKE2b with a 16-byte personalisation.
#[must_use]
pub fn blake2b_personal<const N: usize>(personal: &[u8; 16], parts: &[&[u8]]) -> [u8; N] {
    blake2b_keyed_personal(&[], personal, parts)
}

/// BLAKE2b with a key, of which at most 64 bytes count, and a 16-byte personalisation.
#[must_use]
pub fn blake2b_keyed_personal<const N: usize>(
    key: &[u8],
    personal: &[u8; 16],
    parts: &[&[u8]],
) -> [u8; N] {
    let mut params = sized::<N>();
    params.key(cut(key)).personal(personal);
    finish(&params, parts)
}

/// BLAKE2b with an output length known only when running: 16 to 64 bytes, and a key of at most 64.
///
/// # Errors
/// [`CryptoError::Length`] for other lengths.
pub fn blake2b_sized(size: usize, key: &[u8], message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if !(16..=64).contains(&size) || key.len() > MAX_KEY {
        return Err(CryptoError::Length);
    }
    Ok(Params::new()
        .hash_length(size)
        .key(key)
        .hash(message)
        .as_bytes()
        .to_vec())
}

/// The hash under which a swarm stores a message: B2b-32(33-byte owner ‖ namespace in decimal, empty
/// for 0 ‖ data), as unpadded base64 (docs/protocol/node.md section 9.1). `data` are the raw bytes,
/// not their base64 form.
#[must_use]
pub fn message_hash(owner: &SwarmPubkey, namespace: Namespace, data: &[u8]) -> MessageHash {
    let digest = blake2b::<32>(&[&owner.to_bytes(), namespace.signed_form().as_bytes(), data]);
    MessageHash::from_digest(&digest)
}

fn sized<const N: usize>() -> Params {
    const { assert!(N >= 1 && N <= 64, "BLAKE2b gives 1 to 64 bytes") };
    let mut params = Params::new();
    params.hash_length(N);
    params
}

fn cut(key: &[u8]) -> &[u8] {
    key.get(..MAX_KEY).unwrap_or(key)
}

fn finish<const N: usize>(params: &Params, parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    for (slot, byte) in out.iter_mut().zip(hash(params, parts).as_bytes()) {
        *slot = *byte;
    }
    out
}

/// The work, whatever the length: compiled once, here.
fn hash(params: &Params, parts: &[&[u8]]) -> Hash {
    let mut state = params.to_state();
    for part in parts {
        state.update(part);
    }
    state.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_one_message() {
        assert_eq!(blake2b::<32>(&[b"ab", b"", b"c"]), blake2b::<32>(&[b"abc"]));
        assert_ne!(blake2b::<24>(&[b"abc"])[..], blake2b::<32>(&[b"abc"])[..24]);
    }

    #[test]
    fn long_keys_are_cut() {
        let key = [5; 80];
        assert_eq!(
            blake2b_keyed::<32>(&key, &[b"m"]),
            blake2b_keyed::<32>(&key[..64], &[b"m"])
        );
        assert_ne!(
            blake2b_keyed::<32>(&key, &[b"m"]),
            blake2b_keyed::<32>(&key[..63], &[b"m"])
        );
        assert_ne!(
            blake2b_personal::<32>(b"0123456789abcdef", &[b"m"]),
            blake2b::<32>(&[b"m"])
        );
    }
}
