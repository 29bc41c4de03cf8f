//! Files of strangers. Whoever sends a file knows its key, so that everything under the encryption
//! is in their hands too.

use aes::Aes256;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use session_crypto::CryptoError;
use session_crypto::attachment::{self, Decryptor, legacy};
use sha2::{Digest, Sha256};

use crate::SecretStream;
use crate::reached::note_accepted;

const CHUNK: usize = 32_768;
const TAG_FINAL: u8 = 3;

/// A file in the newer form.
///
/// With an even first byte the rest is a key (32 bytes) and a file. Otherwise it is a script of
/// at most four chunks, 6 bytes each, which are encrypted as it says:
///
/// | Bytes | Meaning |
/// |---|---|
/// | 1 | tag |
/// | 2 | number of zeros |
/// | 1 | the byte behind them |
/// | 2 | number of bytes 0xaa behind that |
pub fn attachment_stream(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let step = usize::from(*choice) * 97 + 1;
    if choice % 2 == 0 {
        if let Some((key, file)) = rest.split_first_chunk::<32>() {
            let _ = read_stream(key, file, step);
        }
        return;
    }
    let (key, header) = ([7; 32], [9; 24]);
    let mut stream = SecretStream::new(&key, &header);
    let mut file = [&[b'S'][..], &header].concat();
    let mut chunks = Vec::new();
    for &[tag, zeros, more_zeros, marker, tail, more_tail] in rest.as_chunks::<6>().0.iter().take(4)
    {
        let mut plain = vec![0; usize::from(u16::from_le_bytes([zeros, more_zeros]))];
        plain.push(marker);
        let tail = usize::from(u16::from_le_bytes([tail, more_tail]));
        plain.resize(plain.len() + tail, 0xaa);
        file.extend(stream.push(tag, &plain));
        chunks.push((tag, plain));
    }
    assert_eq!(read_stream(&key, &file, step).ok(), expected_data(&chunks));
}

/// What is in a file of these chunks, if it is a good one.
fn expected_data(chunks: &[(u8, Vec<u8>)]) -> Option<Vec<u8>> {
    let ((last_tag, last), others) = chunks.split_last()?;
    let whole = others
        .iter()
        .all(|(tag, plain)| *tag == 0 && plain.len() == CHUNK);
    if !whole || *last_tag != TAG_FINAL || last.len() > CHUNK {
        return None;
    }
    let stream: Vec<u8> = chunks
        .iter()
        .flat_map(|(_, plain)| plain)
        .copied()
        .collect();
    let start = stream.iter().position(|byte| *byte != 0)?;
    let (marker, data) = stream.get(start..)?.split_first()?;
    (*marker == 1).then(|| data.to_vec())
}

/// At once and in pieces, which must come to the same.
fn read_stream(key: &[u8; 32], file: &[u8], step: usize) -> Result<Vec<u8>, CryptoError> {
    let whole = attachment::decrypt(key, file);
    let pieces = || {
        let mut decryptor = Decryptor::new(key);
        let mut out = Vec::new();
        for piece in file.chunks(step) {
            decryptor.update(piece, &mut out)?;
        }
        decryptor.finish(&mut out)?;
        Ok(out)
    };
    assert_eq!(pieces(), whole);
    if whole.is_ok() {
        note_accepted();
    }
    whole
}

/// A file in the older form.
///
/// With an even first byte the rest is a key (64 bytes) and a file whose digest is right.
/// Otherwise it is the size that the pointer names (3 bytes, all ones for none) and the plaintext
/// with its padding; what is beyond whole blocks is left out.
pub fn attachment_legacy(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let step = usize::from(*choice) * 3 + 1;
    if choice % 2 == 0 {
        if let Some((key, file)) = rest.split_first_chunk::<64>() {
            let _ = read_legacy(key, None, file, step);
        }
        return;
    }
    let Some(([low, middle, high], plain)) = rest.split_first_chunk::<3>() else {
        return;
    };
    let size = match u32::from_le_bytes([*low, *middle, *high, 0]) {
        0xff_ffff => None,
        size => Some(u64::from(size)),
    };
    let blocks = plain.as_chunks::<16>().0.as_flattened();
    let key = [7; 64];
    let file = write_legacy(&key, blocks);
    assert_eq!(
        read_legacy(&key, size, &file, step).ok(),
        expected_legacy(blocks, size)
    );
}

/// IV, ciphertext without padding of its own, MAC.
fn write_legacy(key: &[u8; 64], blocks: &[u8]) -> Vec<u8> {
    let (aes_key, mac_key) = key.split_first_chunk::<32>().expect("32 of 64 bytes");
    let iv = [9; 16];
    let cipher = cbc::Encryptor::<Aes256>::new(aes_key.into(), &iv.into());
    let mut file = [&iv[..], &cipher.encrypt_padded_vec::<NoPadding>(blocks)].concat();
    let mac = Hmac::<Sha256>::new_from_slice(mac_key).expect("a MAC key may have any length");
    let mac: [u8; 32] = mac.chain_update(&file).finalize().into_bytes().into();
    file.extend(mac);
    file
}

/// What is in such a file, if it is a good one: PKCS #7 padding off, then cut to the size.
fn expected_legacy(blocks: &[u8], size: Option<u64>) -> Option<Vec<u8>> {
    let fill = usize::from(*blocks.last()?);
    let end = blocks.len().checked_sub(fill)?;
    let (data, padding) = blocks.split_at(end);
    if !(1..=16).contains(&fill) || padding.iter().any(|byte| usize::from(*byte) != fill) {
        return None;
    }
    match size {
        None => Some(data.to_vec()),
        Some(size) => data.get(..usize::try_from(size).ok()?).map(<[u8]>::to_vec),
    }
}

fn read_legacy(
    key: &[u8; 64],
    size: Option<u64>,
    file: &[u8],
    step: usize,
) -> Result<Vec<u8>, CryptoError> {
    let digest: [u8; 32] = Sha256::digest(file).into();
    let whole = legacy::decrypt(key, &digest, size, file);
    let pieces = || {
        let mut verifier = legacy::Verifier::new(key, &digest)?;
        for piece in file.chunks(step) {
            verifier.update(piece);
        }
        let mut decryptor = verifier.finish()?.decryptor(size);
        let mut out = Vec::new();
        for piece in file.chunks(step) {
            decryptor.update(piece, &mut out)?;
        }
        decryptor.finish()?;
        Ok(out)
    };
    assert_eq!(pieces(), whole);
    if whole.is_ok() {
        note_accepted();
    }
    let mut wrong = digest;
    wrong[0] ^= 1;
    assert!(legacy::decrypt(key, &wrong, size, file).is_err());
    whole
}
