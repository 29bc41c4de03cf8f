//! A look at the wire form before it is decoded: repeated messages cost a hundred times more
//! memory decoded than on the wire, so their number is checked first.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::InvalidContent;

/// Attachments a message may have (docs/protocol/client.md section 5.12), also used for the
/// other repeated messages.
pub(crate) const MAX_REPEATED: usize = 32;

const DATA_MESSAGE: u32 = 1;

/// Checks the number of attachments, previews and quoted attachments in serialised content.
pub(crate) fn check_bounds(content: &[u8]) -> Result<(), InvalidContent> {
    for (path, what) in [
        ([DATA_MESSAGE, 2].as_slice(), "attachments"),
        (&[DATA_MESSAGE, 10], "previews"),
        (&[DATA_MESSAGE, 8, 4], "quoted attachments"),
    ] {
        if count(content, path)? > MAX_REPEATED {
            return Err(InvalidContent::TooMany(what));
        }
    }
    Ok(())
}

/// How often the length-delimited field at the end of `path` occurs.
fn count(message: &[u8], path: &[u32]) -> Result<usize, InvalidContent> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(0);
    };
    let mut found = 0usize;
    for field in Fields(message) {
        let field = field?;
        let Some(inner) = field.delimited.filter(|_| field.tag == *first) else {
            continue;
        };
        found = found.saturating_add(if rest.is_empty() {
            1
        } else {
            count(inner, rest)?
        });
    }
    Ok(found)
}

/// The bytes of `message` without every occurrence of a top-level field.
pub(crate) fn without_field(message: &[u8], tag: u32) -> Result<Vec<u8>, InvalidContent> {
    let mut kept = Vec::with_capacity(message.len());
    for field in Fields(message) {
        let field = field?;
        if field.tag != tag {
            kept.extend_from_slice(field.whole);
        }
    }
    Ok(kept)
}

/// One top-level field.
struct Field<'a> {
    tag: u32,
    /// Key and value.
    whole: &'a [u8],
    /// The value of a length-delimited field.
    delimited: Option<&'a [u8]>,
}

/// Walks over the top-level fields of a message; ends after the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn read(&mut self) -> Result<Field<'a>, InvalidContent> {
        let start = self.0;
        let (tag, wire_type) = decode_key(&mut self.0)?;
        let mut delimited = None;
        if wire_type == WireType::LengthDelimited {
            let length = decode_varint(&mut self.0)?;
            let split = usize::try_from(length)
                .ok()
                .and_then(|length| self.0.split_at_checked(length));
            let (value, rest) = split.ok_or(InvalidContent::BadValue("field length"))?;
            delimited = Some(value);
            self.0 = rest;
        } else {
            skip_field(wire_type, tag, &mut self.0, DecodeContext::default())?;
        }
        let length = start.len().saturating_sub(self.0.len());
        Ok(Field {
            tag,
            whole: start.get(..length).unwrap_or_default(),
            delimited,
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, InvalidContent>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_across_repeated_data_messages() {
        // Two data messages with 17 and 16 empty attachments: decoders merge them.
        let part = |n: usize| {
            let inner = [0x12, 0x00].repeat(n);
            let mut out = vec![0x0a, u8::try_from(inner.len()).unwrap()];
            out.extend(inner);
            out
        };
        let just_enough = [part(16), part(16)].concat();
        assert_eq!(count(&just_enough, &[1, 2]), Ok(32));
        assert_eq!(check_bounds(&just_enough), Ok(()));
        let too_many = [part(17), part(16)].concat();
        assert_eq!(
            check_bounds(&too_many),
            Err(InvalidContent::TooMany("attachments"))
        );
    }

    #[test]
    fn removes_every_occurrence_of_a_field() {
        let message = [
            0x08, 0x01, 0x8a, 0x01, 0x02, 7, 7, 0x10, 0x05, 0x8a, 0x01, 0x00,
        ];
        assert_eq!(
            without_field(&message, 17).unwrap(),
            [0x08, 0x01, 0x10, 0x05]
        );
        assert_eq!(without_field(&message, 3).unwrap(), message);
        assert!(without_field(&[0x8a, 0x01, 0x05, 0], 17).is_err());
        assert!(without_field(&[0x80], 17).is_err());
    }
}
