//! bt-encoding, compression, words.

use session_encoding::bt::{self, Bt, BtError, DictReader, Form, Limits, ListReader};
use session_encoding::{mnemonic as words, zstd_frame as zstd};

use crate::reached::note_accepted;

/// bt-encoding in its canonical form: what is accepted is exactly what would be written, and
/// reading step by step accepts the same.
pub fn bt_strict(data: &[u8]) {
    let whole = bt::parse(data);
    if let Ok(value) = &whole {
        note_accepted();
        assert_eq!(value.encode(), data);
        assert_eq!(bt::parse_lenient(data).as_ref(), Ok(value));
    }
    if let Ok((value, rest)) = bt::parse_prefix(data, Form::Canonical, Limits::default()) {
        assert_eq!([value.encode().as_slice(), rest].concat(), data);
    }
    if let Ok(reader) = DictReader::new(data) {
        assert_eq!(walk_dict(reader).is_ok(), whole.is_ok());
        find_all(data);
    }
    if let Ok(reader) = ListReader::new(data) {
        assert_eq!(walk_list(reader).is_ok(), whole.is_ok());
    }
}

/// bt-encoding as the reference decoder takes it: what is accepted has one canonical form.
pub fn bt_lenient(data: &[u8]) {
    let whole = bt::parse_lenient(data);
    if let Ok(value) = &whole {
        note_accepted();
        let canonical = value.encode();
        assert_eq!(bt::parse(&canonical).as_ref(), Ok(value));
        assert_eq!(Bt::from(value).encode(), canonical);
    }
    if let Ok(reader) = DictReader::lenient(data) {
        assert_eq!(walk_dict(reader).is_ok(), whole.is_ok());
    }
    if let Ok(reader) = ListReader::lenient(data) {
        assert_eq!(walk_list(reader).is_ok(), whole.is_ok());
    }
}

/// zstd frames with a bound: nothing longer than the bound comes out, whatever the header says.
///
/// The first two bytes set the bound, in steps of 16 bytes.
pub fn zstd_frame(data: &[u8]) {
    let Some((bound, frames)) = data.split_first_chunk::<2>() else {
        return;
    };
    let limit = usize::from(u16::from_le_bytes(*bound)) * 16;
    if let Ok(content) = zstd::decompress(frames, limit) {
        note_accepted();
        assert!(content.len() <= limit);
        assert_eq!(
            zstd::decompress(frames, content.len()).as_ref(),
            Ok(&content)
        );
        if let Some(less) = content.len().checked_sub(1) {
            let refused = zstd::decompress(frames, less);
            assert_eq!(refused, Err(zstd::ZstdError::TooLarge { limit: less }));
        }
    }
    let compressed = zstd::compress(b"", frames, zstd::LEVEL).expect("memory is not short");
    let again = zstd::decompress(&compressed, frames.len());
    assert_eq!(again.as_deref(), Ok(frames));
}

/// Words of a recovery password: what is accepted has one form, which gives the same secret.
pub fn mnemonic(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    match words::decode(text) {
        Ok(secret) => {
            note_accepted();
            let phrase = match (
                <[u8; 16]>::try_from(&**secret),
                <[u8; 32]>::try_from(&**secret),
            ) {
                (Ok(seed), _) => words::encode(&seed),
                (_, Ok(seed)) => words::encode_long(&seed),
                _ => panic!("a secret of {} bytes", secret.len()),
            };
            assert_eq!(words::decode(&phrase).as_deref(), Ok(&*secret));
        }
        Err(error) => {
            // Neither text may repeat what a person typed.
            let told = format!("{error:?}");
            let long = |word: &&str| word.len() > 15;
            assert!(
                !text
                    .split_whitespace()
                    .filter(long)
                    .any(|word| told.contains(word))
            );
        }
    }
}

fn walk_dict(mut reader: DictReader<'_>) -> Result<(), BtError> {
    let whole = reader.clone();
    while reader.next_key()?.is_some() {
        assert!(!reader.before_key().is_empty());
        assert!(!reader.clone().raw()?.is_empty());
        if let Ok(inner) = reader.dict() {
            walk_dict(inner)?;
        } else if let Ok(inner) = reader.list() {
            walk_list(inner)?;
        } else if reader.i64().is_err() && reader.u64().is_err() {
            reader.bytes()?;
        }
    }
    reader.finish()?;
    whole.finish()
}

fn walk_list(mut reader: ListReader<'_>) -> Result<(), BtError> {
    while !reader.at_end() {
        if let Ok(inner) = reader.dict() {
            walk_dict(inner)?;
        } else if let Ok(inner) = reader.list() {
            walk_list(inner)?;
        } else if reader.i64().is_err() && reader.u64().is_err() {
            reader.bytes()?;
        }
    }
    reader.finish()
}

/// Every key of a dict is found, with the value the whole parse gives it.
fn find_all(data: &[u8]) {
    let Ok(value) = bt::parse(data) else { return };
    for (key, inner) in value.as_dict().unwrap_or_default() {
        let mut reader = DictReader::new(data).expect("it was a dict before");
        assert_eq!(reader.find(key), Ok(true));
        assert_eq!(reader.raw(), Ok(inner.encode().as_slice()));
    }
}
