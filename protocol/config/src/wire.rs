//! Reading and writing the pieces of bt-encoded configs (docs/protocol/config.md section 1).
//!
//! The general readers of `session-encoding` step over a nested value once before they open it.
//! Configs are four levels deep and hold thousands of values, so they have a reader of their own
//! that looks at each byte once.

use crate::error::Malformed;

/// Lists and dicts inside each other, at most.
pub(crate) const MAX_DEPTH: usize = 32;

/// Values in one message, at most: what a hostile message can make a reader allocate.
pub(crate) const MAX_VALUES: usize = 1_000_000;

pub(crate) fn put_decimal(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    let mut rest = value;
    for (index, slot) in digits.iter_mut().enumerate().rev() {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        start = index;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Appends `i<value>e`.
pub(crate) fn put_int(out: &mut Vec<u8>, value: i64) {
    out.push(b'i');
    if value < 0 {
        out.push(b'-');
    }
    put_decimal(out, value.unsigned_abs());
    out.push(b'e');
}

/// Appends `<length>:<bytes>`.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_decimal(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.push(b':');
    out.extend_from_slice(bytes);
}

/// A place in the input.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    input: &'a [u8],
    position: usize,
    budget: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            position: 0,
            budget: MAX_VALUES,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn between(&self, from: usize, to: usize) -> &'a [u8] {
        self.input.get(from..to).unwrap_or_default()
    }

    pub(crate) fn at_end_of_input(&self) -> bool {
        self.position >= self.input.len()
    }

    /// Counts one value against what a message may hold.
    pub(crate) fn count(&mut self) -> Result<(), Malformed> {
        self.budget = self.budget.checked_sub(1).ok_or(Malformed::TooLarge)?;
        Ok(())
    }

    pub(crate) fn peek(&self) -> Result<u8, Malformed> {
        self.input.get(self.position).copied().ok_or(Malformed::End)
    }

    /// Steps over `byte` if it is next.
    pub(crate) fn accept(&mut self, byte: u8) -> Result<bool, Malformed> {
        let found = self.peek()? == byte;
        if found {
            self.position = self.position.saturating_add(1);
        }
        Ok(found)
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.accept(byte)? {
            Ok(())
        } else {
            Err(Malformed::Type)
        }
    }

    fn decimal(&mut self, terminator: u8) -> Result<u64, Malformed> {
        let start = self.position;
        let mut value = 0u64;
        loop {
            let byte = self.peek()?;
            let length = self.position.saturating_sub(start);
            self.position = self.position.saturating_add(1);
            match byte {
                b'0'..=b'9' => {
                    // A leading zero stands alone.
                    if length == 1 && value == 0 {
                        return Err(Malformed::Number);
                    }
                    value = value
                        .checked_mul(10)
                        .and_then(|v| v.checked_add(u64::from(byte - b'0')))
                        .ok_or(Malformed::Number)?;
                }
                _ if byte == terminator && length > 0 => return Ok(value),
                _ => return Err(Malformed::Number),
            }
        }
    }

    fn any_integer(&mut self) -> Result<(bool, u64), Malformed> {
        self.expect(b'i')?;
        let negative = self.accept(b'-')?;
        let magnitude = self.decimal(b'e')?;
        if negative && magnitude == 0 {
            return Err(Malformed::Number);
        }
        Ok((negative, magnitude))
    }

    pub(crate) fn int(&mut self) -> Result<i64, Malformed> {
        let (negative, magnitude) = self.any_integer()?;
        if negative {
            0i64.checked_sub_unsigned(magnitude)
                .ok_or(Malformed::Number)
        } else {
            i64::try_from(magnitude).map_err(|_| Malformed::Number)
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        if !self.peek()?.is_ascii_digit() {
            return Err(Malformed::Type);
        }
        let length = self.decimal(b':')?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| self.position.checked_add(length))
            .ok_or(Malformed::End)?;
        let bytes = self.input.get(self.position..end).ok_or(Malformed::End)?;
        self.position = end;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_| Malformed::Type)
    }

    /// The next key of a dict, which must come after `previous`; `None` at the dict's end, which
    /// is stepped over.
    pub(crate) fn key(&mut self, previous: Option<&[u8]>) -> Result<Option<&'a [u8]>, Malformed> {
        if self.accept(b'e')? {
            return Ok(None);
        }
        let key = self.bytes()?;
        if previous.is_some_and(|previous| previous >= key) {
            return Err(Malformed::Order);
        }
        Ok(Some(key))
    }

    /// Steps over one value of any type.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        self.count()?;
        match self.peek()? {
            b'i' => self.any_integer().map(drop),
            b'l' => {
                let depth = deeper(depth)?;
                self.expect(b'l')?;
                while !self.accept(b'e')? {
                    self.skip(depth)?;
                }
                Ok(())
            }
            b'd' => {
                let depth = deeper(depth)?;
                self.expect(b'd')?;
                let mut previous = None;
                while let Some(key) = self.key(previous)? {
                    previous = Some(key);
                    self.skip(depth)?;
                }
                Ok(())
            }
            _ => self.bytes().map(drop),
        }
    }
}

/// One level further in, unless that is too deep.
pub(crate) fn deeper(depth: usize) -> Result<usize, Malformed> {
    if depth < MAX_DEPTH {
        Ok(depth.saturating_add(1))
    } else {
        Err(Malformed::TooLarge)
    }
}
