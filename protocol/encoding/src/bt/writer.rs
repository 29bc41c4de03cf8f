use super::{Bt, BtError};

/// Appends `i<value>e`.
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    out.push(b'i');
    if value < 0 {
        out.push(b'-');
    }
    put_decimal(out, value.unsigned_abs());
    out.push(b'e');
}

/// Appends `i<value>e`.
pub(super) fn put_uint(out: &mut Vec<u8>, value: u64) {
    out.push(b'i');
    put_decimal(out, value);
    out.push(b'e');
}

/// Appends `<length>:<bytes>`.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len().saturating_add(8));
    put_decimal(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.push(b':');
    out.extend_from_slice(bytes);
}

fn put_decimal(out: &mut Vec<u8>, mut value: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + u8::try_from(value % 10).unwrap_or_default());
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// Writes a dict entry by entry. Keys must be given in ascending order, which is what a
/// structure with signed parts needs anyway; [`Bt`] sorts by itself.
#[derive(Debug, Clone)]
pub struct DictWriter {
    out: Vec<u8>,
    last_key: Option<Vec<u8>>,
}

impl DictWriter {
    /// An empty dict.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: vec![b'd'],
            last_key: None,
        }
    }

    fn key(&mut self, key: &[u8]) -> Result<&mut Vec<u8>, BtError> {
        match &mut self.last_key {
            Some(last) if last.as_slice() >= key => return Err(BtError::KeyOrder),
            Some(last) => {
                last.clear();
                last.extend_from_slice(key);
            }
            None => self.last_key = Some(key.to_vec()),
        }
        put_bytes(&mut self.out, key);
        Ok(&mut self.out)
    }

    /// Adds an integer.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn int(&mut self, key: impl AsRef<[u8]>, value: i64) -> Result<&mut Self, BtError> {
        put_int(self.key(key.as_ref())?, value);
        Ok(self)
    }

    /// Adds an integer that is not negative.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn uint(&mut self, key: impl AsRef<[u8]>, value: u64) -> Result<&mut Self, BtError> {
        put_uint(self.key(key.as_ref())?, value);
        Ok(self)
    }

    /// Adds a string.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn bytes(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<&mut Self, BtError> {
        put_bytes(self.key(key.as_ref())?, value.as_ref());
        Ok(self)
    }

    /// Adds any value.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn value(&mut self, key: impl AsRef<[u8]>, value: &Bt) -> Result<&mut Self, BtError> {
        value.encode_into(self.key(key.as_ref())?);
        Ok(self)
    }

    /// Adds a list.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn list(&mut self, key: impl AsRef<[u8]>, list: &ListWriter) -> Result<&mut Self, BtError> {
        let out = self.key(key.as_ref())?;
        out.extend_from_slice(&list.out);
        out.push(b'e');
        Ok(self)
    }

    /// Adds a dict.
    ///
    /// # Errors
    /// [`BtError::KeyOrder`] when the key does not come after the one before it.
    pub fn dict(&mut self, key: impl AsRef<[u8]>, dict: &Self) -> Result<&mut Self, BtError> {
        let out = self.key(key.as_ref())?;
        out.extend_from_slice(&dict.out);
        out.push(b'e');
        Ok(self)
    }

    /// What is written so far, from the leading `d`, without the closing `e`: the bytes a
    /// signature covers that becomes the next entry.
    #[must_use]
    pub fn so_far(&self) -> &[u8] {
        &self.out
    }

    /// Closes the dict.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'e');
        self.out
    }
}

impl Default for DictWriter {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a list value by value.
#[derive(Debug, Clone)]
pub struct ListWriter {
    out: Vec<u8>,
}

impl ListWriter {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self { out: vec![b'l'] }
    }

    /// Adds an integer.
    pub fn int(&mut self, value: i64) -> &mut Self {
        put_int(&mut self.out, value);
        self
    }

    /// Adds an integer that is not negative.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        put_uint(&mut self.out, value);
        self
    }

    /// Adds a string.
    pub fn bytes(&mut self, value: impl AsRef<[u8]>) -> &mut Self {
        put_bytes(&mut self.out, value.as_ref());
        self
    }

    /// Adds any value.
    pub fn value(&mut self, value: &Bt) -> &mut Self {
        value.encode_into(&mut self.out);
        self
    }

    /// Adds a list.
    pub fn list(&mut self, list: &Self) -> &mut Self {
        self.out.extend_from_slice(&list.out);
        self.out.push(b'e');
        self
    }

    /// Adds a dict.
    pub fn dict(&mut self, dict: &DictWriter) -> &mut Self {
        self.out.extend_from_slice(&dict.out);
        self.out.push(b'e');
        self
    }

    /// How many bytes are written so far, without the closing `e`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.len() <= 1
    }

    /// Closes the list.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.out.push(b'e');
        self.out
    }
}

impl Default for ListWriter {
    fn default() -> Self {
        Self::new()
    }
}
