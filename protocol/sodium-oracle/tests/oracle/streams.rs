use session_crypto::CryptoError;
use session_crypto::attachment::{self, Domain};
use session_sodium_oracle::sodium::{self, Stream};

use crate::inputs::Inputs;

const CHUNK: usize = 32_768;
const SEALED_CHUNK: usize = CHUNK + 17;

/// Every chunk of a file that we encrypted, opened by libsodium.
#[test]
fn our_files() {
    let mut inputs = Inputs::new("our_files");
    // The last chunk's length modulo 16 follows from the number of chunks: all of them come up.
    let mut remainders = [false; 16];
    for round in 0..inputs.rounds {
        let seed: [u8; 32] = inputs.array();
        let data = inputs.bytes((round % 17 + 1) * CHUNK);
        let (domain, personal) = if round % 2 == 0 {
            (Domain::Attachment, b"SessionAttachmnt")
        } else {
            (Domain::ProfilePicture, b"Session_Prof_Pic")
        };
        let (file, key) = attachment::encrypt(&seed, domain, &data).unwrap();
        let derived = sodium::blake2b_personal(56, &seed, personal, &data).unwrap();
        let (header, rest) = file[1..].split_first_chunk::<24>().unwrap();
        assert_eq!([header, key.key().as_slice()].concat(), derived);

        let mut stream = Stream::new(key.key(), header);
        let mut plaintext = Vec::new();
        let chunks: Vec<_> = rest.chunks(SEALED_CHUNK).collect();
        for (n, chunk) in chunks.iter().enumerate() {
            let (tag, message) = stream.pull(chunk).unwrap();
            let last = n + 1 == chunks.len();
            assert_eq!(tag, if last { Stream::FINAL } else { Stream::MESSAGE });
            if last {
                remainders[message.len() % 16] = true;
            }
            plaintext.extend_from_slice(&message);
        }
        let padding = usize::try_from(attachment::padding(data.len() as u64)).unwrap();
        let (padding, rest) = plaintext.split_at(padding);
        assert!(padding[..padding.len() - 1].iter().all(|&byte| byte == 0));
        assert_eq!(padding.last(), Some(&1));
        assert!(rest == data);
    }
    assert_eq!(remainders, [true; 16]);
}

/// A file in chunks that libsodium encrypted.
fn file(key: &[u8; 32], begun: ([u8; 24], Stream), plaintext: &[u8], tags: [u8; 2]) -> Vec<u8> {
    let (header, mut stream) = begun;
    let mut out = vec![b'S'];
    out.extend_from_slice(&header);
    let chunks: Vec<_> = plaintext.chunks(CHUNK).collect();
    for (n, chunk) in chunks.iter().enumerate() {
        let tag = tags[usize::from(n + 1 == chunks.len())];
        out.extend(stream.push(tag, chunk));
    }
    // Both ends of libsodium agree with themselves, to begin with.
    let mut stream = Stream::new(key, &header);
    for chunk in out[25..].chunks(SEALED_CHUNK) {
        assert!(stream.pull(chunk).is_some());
    }
    out
}

/// Files that libsodium encrypted, with last chunks of any length: its MAC pads the ciphertext in
/// a way of its own.
#[test]
fn their_files() {
    let mut inputs = Inputs::new("their_files");
    let mut remainders = [false; 16];
    for round in 0..inputs.rounds {
        let key = inputs.array();
        let data = inputs.bytes(if round % 8 == 0 { 3 * CHUNK } else { 400 });
        let padding = inputs.below(if round % 16 == 0 { 2 * CHUNK } else { 200 });
        let plaintext = [vec![0; padding].as_slice(), &[1], &data].concat();
        remainders[plaintext.len() % CHUNK % 16] = true;
        let begun = if round % 2 == 0 {
            let header = inputs.array();
            (header, Stream::new(&key, &header))
        } else {
            Stream::begin(&key)
        };
        let whole = file(&key, begun, &plaintext, [Stream::MESSAGE, Stream::FINAL]);
        assert!(attachment::decrypt(&key, &whole).unwrap() == data);

        let flipped = inputs.flip(&whole);
        assert_eq!(
            attachment::decrypt(&key, &flipped),
            Err(CryptoError::Decryption)
        );
        let cut = &whole[..inputs.below(whole.len())];
        assert_eq!(attachment::decrypt(&key, cut), Err(CryptoError::Decryption));
    }
    assert_eq!(remainders, [true; 16]);
}

/// libsodium knows two more tags, push (1) and rekey (2), and lets a stream go on after the last
/// chunk; files use neither, and ours refuses both.
#[test]
fn tags_that_files_do_not_use() {
    let mut inputs = Inputs::new("tags_that_files_do_not_use");
    for _ in 0..inputs.rounds {
        let key = inputs.array();
        let data = [&[1], inputs.bytes(100).as_slice()].concat();
        for tag in 0..=255 {
            let whole = file(&key, Stream::begin(&key), &data, [0, tag]);
            let ours = attachment::decrypt(&key, &whole);
            assert_eq!(ours.is_ok(), tag == Stream::FINAL, "{tag}");
        }
        let twice = [vec![0; CHUNK - 1], data].concat();
        let whole = file(&key, Stream::begin(&key), &twice, [Stream::FINAL; 2]);
        let ours = attachment::decrypt(&key, &whole);
        assert_eq!(ours.is_ok(), twice.len() <= CHUNK);
    }
}
