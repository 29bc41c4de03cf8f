//! The ways the fields of configs are stored (docs/protocol/config.md section 10).
//!
//! A setter leaves alone what already reads as the new value: a value this version cannot read, or
//! reads as the default, survives as long as nobody changes it.

use session_types::Timestamp;
use zeroize::Zeroizing;

use crate::data::{Dict, Scalar, Value};
use crate::error::ConfigError;
use crate::picture::Picture;

/// Longest name, in bytes.
pub(crate) const MAX_NAME: usize = 100;

impl Dict {
    fn write(&mut self, key: &[u8], value: Option<Value>) {
        match value {
            Some(value) => self.insert(key, value),
            None => self.remove(key),
        }
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, key: &[u8]) -> bool {
        self.int(key).is_some_and(|value| value != 0)
    }

    /// Stores 1, or nothing for false.
    pub(crate) fn put_flag(&mut self, key: &[u8], value: bool) {
        if self.flag(key) != value {
            self.write(key, value.then_some(Value::Int(1)));
        }
    }

    /// A number that is 0 when absent.
    pub(crate) fn number(&self, key: &[u8]) -> i64 {
        self.int(key).unwrap_or(0)
    }

    /// Stores a number, or nothing for 0.
    pub(crate) fn put_number(&mut self, key: &[u8], value: i64) {
        if self.number(key) != value {
            self.write(key, (value != 0).then_some(Value::Int(value)));
        }
    }

    /// A number that is 0 when absent or below.
    pub(crate) fn positive(&self, key: &[u8]) -> u64 {
        u64::try_from(self.number(key)).unwrap_or(0)
    }

    /// Stores a number, or nothing for 0.
    pub(crate) fn put_positive(&mut self, key: &[u8], value: u64) {
        if self.positive(key) != value {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            self.write(key, (value != 0).then_some(Value::Int(value)));
        }
    }

    /// A time in unix seconds, 0 when absent.
    pub(crate) fn seconds(&self, key: &[u8]) -> u64 {
        to_seconds(self.positive(key))
    }

    /// Stores a time in unix seconds, or nothing for 0.
    pub(crate) fn put_seconds(&mut self, key: &[u8], value: u64) {
        let value = to_seconds(value);
        if self.seconds(key) != value {
            self.put_positive(key, value);
        }
    }

    /// A text, empty when absent.
    pub(crate) fn text(&self, key: &[u8]) -> String {
        String::from_utf8_lossy(self.bytes(key).unwrap_or_default()).into_owned()
    }

    /// Whether a text reads as this one.
    fn is_text(&self, key: &[u8], text: &str) -> bool {
        let stored = self.bytes(key).unwrap_or_default();
        stored == text.as_bytes() || String::from_utf8_lossy(stored) == text
    }

    /// Stores a text, or nothing for an empty one.
    pub(crate) fn put_text(&mut self, key: &[u8], value: &str) {
        if !self.is_text(key, value) {
            self.write(
                key,
                (!value.is_empty()).then(|| Value::from(value.as_bytes())),
            );
        }
    }

    /// Stores a text, even an empty one: it keeps its entry alive.
    pub(crate) fn put_text_always(&mut self, key: &[u8], value: &str) {
        if self.bytes(key).is_none() || !self.is_text(key, value) {
            self.insert(key, Value::from(value.as_bytes()));
        }
    }

    pub(crate) fn put_bytes(&mut self, key: &[u8], value: Option<&[u8]>) {
        if self.bytes(key) != value {
            self.write(key, value.map(Value::from));
        }
    }

    /// A string of exactly this length.
    pub(crate) fn array<const N: usize>(&self, key: &[u8]) -> Option<[u8; N]> {
        self.bytes(key)?.try_into().ok()
    }

    /// Bits stored as the set of their positions.
    pub(crate) fn bits(&self, key: &[u8]) -> u64 {
        self.set(key)
            .iter()
            .filter_map(|member| match member {
                Scalar::Int(position) => u32::try_from(*position).ok(),
                Scalar::Bytes(_) => None,
            })
            .filter_map(|position| 1u64.checked_shl(position))
            .fold(0, |bits, bit| bits | bit)
    }

    pub(crate) fn put_bits(&mut self, key: &[u8], bits: u64) {
        if self.bits(key) != bits {
            let positions = (0u32..64).filter(|position| bits >> position & 1 == 1);
            let set = Value::set(positions.map(|position| Scalar::Int(position.into())));
            self.write(key, set);
        }
    }

    /// A picture: both fields, or it is none.
    pub(crate) fn picture(&self, url: &[u8], key: &[u8]) -> Option<Picture> {
        let address = self.text(url);
        let key = Zeroizing::new(self.array::<32>(key)?);
        (!address.is_empty()).then_some(Picture { url: address, key })
    }

    pub(crate) fn put_picture(&mut self, url: &[u8], key: &[u8], picture: Option<&Picture>) {
        if self.picture(url, key).as_ref() != picture {
            self.write(
                url,
                picture.map(|picture| Value::from(picture.url.as_bytes())),
            );
            self.write(
                key,
                picture.map(|picture| Value::from(picture.key.as_slice())),
            );
        }
    }

    /// When messages disappear: both fields, or they do not.
    pub(crate) fn disappearing(&self) -> Option<Disappearing> {
        let after = match self.number(b"e") {
            1 => DisappearAfter::Sending,
            2 => DisappearAfter::Reading,
            _ => return None,
        };
        let seconds = self.positive(b"E");
        (seconds > 0).then_some(Disappearing { after, seconds })
    }

    pub(crate) fn put_disappearing(&mut self, value: Option<Disappearing>) {
        let value = value.filter(|value| value.seconds > 0);
        if self.disappearing() != value {
            self.put_number(b"e", value.map_or(0, |value| value.after.number()));
            self.put_positive(b"E", value.map_or(0, |value| value.seconds));
        }
    }

    pub(crate) fn notify(&self) -> Notify {
        Notify::from_number(self.number(b"@"))
    }

    pub(crate) fn put_notify(&mut self, value: Notify) {
        if self.notify() != value {
            self.put_number(b"@", value.number());
        }
    }

    pub(crate) fn priority(&self) -> i32 {
        let value = self.number(b"+");
        i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
    }

    pub(crate) fn put_priority(&mut self, value: i32) {
        if self.priority() != value {
            self.put_number(b"+", value.into());
        }
    }
}

/// Which messages of a conversation raise a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notify {
    /// What the client's settings say.
    #[default]
    Default,
    /// Every message.
    All,
    /// None.
    Off,
    /// Those that mention the user.
    Mentions,
}

impl Notify {
    fn number(self) -> i64 {
        match self {
            Self::Default => 0,
            Self::All => 1,
            Self::Off => 2,
            Self::Mentions => 3,
        }
    }

    fn from_number(number: i64) -> Self {
        match number {
            1 => Self::All,
            2 => Self::Off,
            3 => Self::Mentions,
            _ => Self::Default,
        }
    }
}

/// What a disappearing message's time begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisappearAfter {
    /// Being sent.
    Sending,
    /// Being read.
    Reading,
}

impl DisappearAfter {
    fn number(self) -> i64 {
        match self {
            Self::Sending => 1,
            Self::Reading => 2,
        }
    }
}

/// When messages of a conversation disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disappearing {
    /// What the time begins with.
    pub after: DisappearAfter,
    /// How long they stay.
    pub seconds: u64,
}

/// Some clients stored milliseconds or microseconds where seconds belong.
fn to_seconds(value: u64) -> u64 {
    match value {
        9_000_000_000_001.. => value / 1_000_000,
        9_000_000_001.. => value / 1_000,
        _ => value,
    }
}

/// A time of the network in whole seconds.
pub(crate) fn seconds(now: Timestamp) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The beginning of a text that takes at most this many bytes, cut between two characters.
pub(crate) fn truncated(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Refuses a text of more bytes than its field may have.
pub(crate) fn within(text: &str, limit: usize, field: &'static str) -> Result<(), ConfigError> {
    if text.len() > limit {
        return Err(ConfigError::TooLong { field, limit });
    }
    Ok(())
}
