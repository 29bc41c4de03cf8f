use super::cursor::{Cursor, Form, Integer};
use super::value::parse_with;
use super::{BtError, Limits, Value};

macro_rules! typed_values {
    () => {
        /// Reads a signed integer.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn i64(&mut self) -> Result<i64, BtError> {
            self.take(|cursor| match cursor.integer()? {
                Integer::Signed(value) => Ok(value),
                Integer::Large(_) => Err(BtError::Range),
            })
        }

        /// Reads an integer that is not negative.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn u64(&mut self) -> Result<u64, BtError> {
            self.take(|cursor| match cursor.integer()? {
                Integer::Signed(value) => u64::try_from(value).map_err(|_| BtError::Range),
                Integer::Large(value) => Ok(value),
            })
        }

        /// Reads a string.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn bytes(&mut self) -> Result<&'a [u8], BtError> {
            self.take(Cursor::bytes)
        }

        /// Reads a string of exactly `N` bytes.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], BtError> {
            self.take(|cursor| {
                <&[u8; N]>::try_from(cursor.bytes()?).map_err(|_| BtError::Type {
                    expected: "a string of another length",
                })
            })
        }

        /// Reads a string of UTF-8 text.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn text(&mut self) -> Result<&'a str, BtError> {
            self.take(|cursor| {
                core::str::from_utf8(cursor.bytes()?).map_err(|_| BtError::Type {
                    expected: "UTF-8 text",
                })
            })
        }

        /// A reader of the next value, which must be a list. It is checked to be well-formed and
        /// stepped over.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn list(&mut self) -> Result<ListReader<'a>, BtError> {
            let form = self.cursor.form();
            if self.cursor.peek()? != b'l' {
                return Err(BtError::Type { expected: "a list" });
            }
            ListReader::open(self.raw()?, form)
        }

        /// A reader of the next value, which must be a dict. It is checked to be well-formed and
        /// stepped over.
        ///
        /// # Errors
        /// [`BtError`] when the next value is not one.
        pub fn dict(&mut self) -> Result<DictReader<'a>, BtError> {
            let form = self.cursor.form();
            if self.cursor.peek()? != b'd' {
                return Err(BtError::Type { expected: "a dict" });
            }
            DictReader::open(self.raw()?, form)
        }

        /// Reads any value whole.
        ///
        /// # Errors
        /// [`BtError`] when the next value is malformed or exceeds [`Limits::default`].
        pub fn value(&mut self) -> Result<Value<'a>, BtError> {
            let form = self.cursor.form();
            parse_with(self.raw()?, form, Limits::default())
        }

        /// Steps over the next value and gives its encoded bytes as received.
        ///
        /// # Errors
        /// [`BtError`] when the next value is malformed.
        pub fn raw(&mut self) -> Result<&'a [u8], BtError> {
            self.take(|cursor| {
                let start = cursor.position();
                cursor.skip(0)?;
                Ok(cursor.since(start))
            })
        }

        /// Steps over the next value.
        ///
        /// # Errors
        /// [`BtError`] when the next value is malformed.
        pub fn skip(&mut self) -> Result<(), BtError> {
            self.raw().map(drop)
        }
    };
}

/// Reads a dict entry by entry without building it.
///
/// Call [`Self::next_key`], then one of the value methods (or just `next_key` again, which steps
/// over the value). The `require_*` methods do both for a key the caller knows must be there. A
/// value method that fails leaves the reader at the same value, so another type can be tried.
#[derive(Debug, Clone)]
pub struct DictReader<'a> {
    cursor: Cursor<'a>,
    key: Option<&'a [u8]>,
    key_start: usize,
    at_value: bool,
}

impl<'a> DictReader<'a> {
    /// A reader of a dict in canonical form.
    ///
    /// # Errors
    /// [`BtError`] when the input does not begin a dict.
    pub fn new(input: &'a [u8]) -> Result<Self, BtError> {
        Self::open(input, Form::Canonical)
    }

    /// A reader that also takes leading zeros and keys in any order. Then each key is met as often
    /// as it stands there.
    ///
    /// # Errors
    /// [`BtError`] when the input does not begin a dict.
    pub fn lenient(input: &'a [u8]) -> Result<Self, BtError> {
        Self::open(input, Form::Lenient)
    }

    fn open(input: &'a [u8], form: Form) -> Result<Self, BtError> {
        let mut cursor = Cursor::new(input, form);
        if !cursor.accept(b'd')? {
            return Err(BtError::Type { expected: "a dict" });
        }
        let key_start = cursor.position();
        Ok(Self {
            cursor,
            key: None,
            key_start,
            at_value: false,
        })
    }

    /// Steps to the next entry and gives its key; `None` at the end of the dict.
    ///
    /// # Errors
    /// [`BtError`] when the value stepped over or the next key is malformed.
    pub fn next_key(&mut self) -> Result<Option<&'a [u8]>, BtError> {
        if self.at_value {
            self.skip()?;
        }
        if self.cursor.peek()? == b'e' {
            return Ok(None);
        }
        self.key_start = self.cursor.position();
        let key = self.cursor.key(self.key)?;
        self.key = Some(key);
        self.at_value = true;
        Ok(Some(key))
    }

    /// Steps forward to this key. `false` when the dict does not have it from here on; then, in
    /// canonical form, the reader stands at the first greater key, whose value can still be read.
    ///
    /// # Errors
    /// [`BtError`] when something stepped over is malformed.
    pub fn find(&mut self, key: impl AsRef<[u8]>) -> Result<bool, BtError> {
        let wanted = key.as_ref();
        let mut current = if self.at_value {
            self.key
        } else {
            self.next_key()?
        };
        while let Some(found) = current {
            if found == wanted {
                return Ok(true);
            }
            if self.cursor.form() == Form::Canonical && found > wanted {
                return Ok(false);
            }
            current = self.next_key()?;
        }
        Ok(false)
    }

    fn require(&mut self, key: &'static str) -> Result<&mut Self, BtError> {
        if self.find(key)? {
            Ok(self)
        } else {
            Err(BtError::Missing { key })
        }
    }

    /// Steps forward to this key and reads a string.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_bytes(&mut self, key: &'static str) -> Result<&'a [u8], BtError> {
        self.require(key)?.bytes()
    }

    /// Steps forward to this key and reads a string of exactly `N` bytes.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_array<const N: usize>(
        &mut self,
        key: &'static str,
    ) -> Result<&'a [u8; N], BtError> {
        self.require(key)?.array()
    }

    /// Steps forward to this key and reads UTF-8 text.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_text(&mut self, key: &'static str) -> Result<&'a str, BtError> {
        self.require(key)?.text()
    }

    /// Steps forward to this key and reads a signed integer.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_i64(&mut self, key: &'static str) -> Result<i64, BtError> {
        self.require(key)?.i64()
    }

    /// Steps forward to this key and reads an integer that is not negative.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_u64(&mut self, key: &'static str) -> Result<u64, BtError> {
        self.require(key)?.u64()
    }

    /// Steps forward to this key and opens a list.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_list(&mut self, key: &'static str) -> Result<ListReader<'a>, BtError> {
        self.require(key)?.list()
    }

    /// Steps forward to this key and opens a dict.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_dict(&mut self, key: &'static str) -> Result<Self, BtError> {
        self.require(key)?.dict()
    }

    /// Steps forward to this key and opens a list without looking for its end: of an input that is
    /// cut inside the list, the values before the cut can still be read. The dict reader itself
    /// stays at this value.
    ///
    /// # Errors
    /// [`BtError`] when there is no such key from here on or its value is of another type.
    pub fn require_open_list(&mut self, key: &'static str) -> Result<ListReader<'a>, BtError> {
        self.require(key)?;
        ListReader::open(self.cursor.rest(), self.cursor.form())
    }

    typed_values!();

    /// The dict's bytes from its `d` to just before the key last met: what a signature in that
    /// entry covers.
    #[must_use]
    pub fn before_key(&self) -> &'a [u8] {
        let mut cursor = self.cursor;
        cursor.rewind(self.key_start);
        cursor.since(0)
    }

    /// Steps over what is left and makes sure that the dict ends where the input does.
    ///
    /// # Errors
    /// [`BtError`] when something is malformed or follows the dict.
    pub fn finish(self) -> Result<(), BtError> {
        if self.finish_prefix()?.is_empty() {
            Ok(())
        } else {
            Err(BtError::Trailing)
        }
    }

    /// Steps over what is left and gives what follows the dict.
    ///
    /// # Errors
    /// [`BtError`] when something is malformed.
    pub fn finish_prefix(mut self) -> Result<&'a [u8], BtError> {
        while self.next_key()?.is_some() {}
        self.cursor.expect(b'e')?;
        Ok(self.cursor.rest())
    }

    fn take<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, BtError>,
    ) -> Result<T, BtError> {
        if !self.at_value {
            return Err(BtError::Type {
                expected: "a key before this value",
            });
        }
        let mut cursor = self.cursor;
        let value = read(&mut cursor)?;
        self.cursor = cursor;
        self.at_value = false;
        Ok(value)
    }
}

/// Reads a list value by value without building it.
///
/// A value method that fails leaves the reader at the same value, so another type can be tried.
#[derive(Debug, Clone)]
pub struct ListReader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> ListReader<'a> {
    /// A reader of a list in canonical form.
    ///
    /// # Errors
    /// [`BtError`] when the input does not begin a list.
    pub fn new(input: &'a [u8]) -> Result<Self, BtError> {
        Self::open(input, Form::Canonical)
    }

    /// A reader that also takes what the reference decoder takes.
    ///
    /// # Errors
    /// [`BtError`] when the input does not begin a list.
    pub fn lenient(input: &'a [u8]) -> Result<Self, BtError> {
        Self::open(input, Form::Lenient)
    }

    fn open(input: &'a [u8], form: Form) -> Result<Self, BtError> {
        let mut cursor = Cursor::new(input, form);
        if !cursor.accept(b'l')? {
            return Err(BtError::Type { expected: "a list" });
        }
        Ok(Self { cursor })
    }

    /// Whether the list ends here. A truncated input has not ended: reading on gives the error.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.cursor.peek() == Ok(b'e')
    }

    typed_values!();

    /// Steps over what is left and makes sure that the list ends where the input does.
    ///
    /// # Errors
    /// [`BtError`] when something is malformed or follows the list.
    pub fn finish(self) -> Result<(), BtError> {
        if self.finish_prefix()?.is_empty() {
            Ok(())
        } else {
            Err(BtError::Trailing)
        }
    }

    /// Steps over what is left and gives what follows the list.
    ///
    /// # Errors
    /// [`BtError`] when something is malformed.
    pub fn finish_prefix(mut self) -> Result<&'a [u8], BtError> {
        while !self.at_end() {
            self.skip()?;
        }
        self.cursor.expect(b'e')?;
        Ok(self.cursor.rest())
    }

    fn take<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, BtError>,
    ) -> Result<T, BtError> {
        let mut cursor = self.cursor;
        let value = read(&mut cursor)?;
        self.cursor = cursor;
        Ok(value)
    }
}
