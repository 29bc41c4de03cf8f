use super::BtError;

/// How exactly a reader keeps to the canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Only the one canonical encoding of a value.
    Canonical,
    /// Also leading zeros, `-0`, unsorted and repeated dict keys.
    Lenient,
}

/// Lists and dicts inside each other, at most.
pub(super) const MAX_DEPTH: usize = 64;

/// An integer as read: the sign decides the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    Signed(i64),
    /// Above `i64::MAX`.
    Large(u64),
}

/// A place in the input. Every method leaves it untouched or past exactly one item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    input: &'a [u8],
    position: usize,
    form: Form,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8], form: Form) -> Self {
        Self {
            input,
            position: 0,
            form,
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The input from `from` to here.
    pub(super) fn since(&self, from: usize) -> &'a [u8] {
        self.input.get(from..self.position).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Result<u8, BtError> {
        self.input.get(self.position).copied().ok_or(BtError::End)
    }

    pub(super) fn rewind(&mut self, position: usize) {
        self.position = position.min(self.position);
    }

    pub(super) fn advance(&mut self) {
        self.position = self.position.saturating_add(1);
    }

    /// Steps over `byte` if it is next.
    pub(super) fn accept(&mut self, byte: u8) -> Result<bool, BtError> {
        let found = self.peek()? == byte;
        if found {
            self.advance();
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), BtError> {
        if self.accept(byte)? {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn unexpected(&self) -> BtError {
        BtError::Byte {
            offset: self.position,
        }
    }

    /// Reads decimal digits up to a terminator, which is consumed too.
    fn decimal(&mut self, terminator: u8) -> Result<u64, BtError> {
        let start = self.position;
        let mut value = 0u64;
        loop {
            let byte = self.peek()?;
            match byte {
                b'0'..=b'9' => {
                    value = value
                        .checked_mul(10)
                        .and_then(|v| v.checked_add(u64::from(byte - b'0')))
                        .ok_or(BtError::Range)?;
                    self.advance();
                }
                _ if byte == terminator && self.position > start => {
                    let digits = self.since(start);
                    if self.form == Form::Canonical
                        && digits.len() > 1
                        && digits.first() == Some(&b'0')
                    {
                        return Err(BtError::NotCanonical { offset: start });
                    }
                    self.advance();
                    return Ok(value);
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    pub(super) fn integer(&mut self) -> Result<Integer, BtError> {
        if self.peek()? != b'i' {
            return Err(BtError::Type {
                expected: "an integer",
            });
        }
        self.advance();
        let start = self.position;
        let negative = self.accept(b'-')?;
        let magnitude = self.decimal(b'e')?;
        if negative {
            if magnitude == 0 && self.form == Form::Canonical {
                return Err(BtError::NotCanonical { offset: start });
            }
            return 0i64
                .checked_sub_unsigned(magnitude)
                .map(Integer::Signed)
                .ok_or(BtError::Range);
        }
        Ok(i64::try_from(magnitude).map_or(Integer::Large(magnitude), Integer::Signed))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], BtError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(BtError::Type {
                expected: "a string",
            });
        }
        let length = self.decimal(b':')?;
        let length = usize::try_from(length).map_err(|_| BtError::End)?;
        let bytes = self.rest().get(..length).ok_or(BtError::End)?;
        self.position = self.position.saturating_add(length);
        Ok(bytes)
    }

    /// A dict key; in canonical form it must come after `previous`.
    pub(super) fn key(&mut self, previous: Option<&[u8]>) -> Result<&'a [u8], BtError> {
        if !self.peek()?.is_ascii_digit() {
            return Err(self.unexpected());
        }
        let key = self.bytes()?;
        if self.form == Form::Canonical && previous.is_some_and(|p| p >= key) {
            return Err(BtError::KeyOrder);
        }
        Ok(key)
    }

    /// Steps over one value, checking it as thoroughly as reading it would.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), BtError> {
        match self.peek()? {
            b'i' => self.integer().map(drop),
            b'0'..=b'9' => self.bytes().map(drop),
            b'l' => {
                let depth = deeper(depth)?;
                self.advance();
                while !self.accept(b'e')? {
                    self.skip(depth)?;
                }
                Ok(())
            }
            b'd' => {
                let depth = deeper(depth)?;
                self.advance();
                let mut previous = None;
                while !self.accept(b'e')? {
                    previous = Some(self.key(previous)?);
                    self.skip(depth)?;
                }
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }
}

/// One level further in, unless that is too deep.
pub(super) fn deeper(depth: usize) -> Result<usize, BtError> {
    if depth < MAX_DEPTH {
        Ok(depth.saturating_add(1))
    } else {
        Err(BtError::Depth)
    }
}
