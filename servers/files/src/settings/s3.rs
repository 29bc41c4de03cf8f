//! The part of the configuration that says where the object store is.

use core::fmt;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;
use zeroize::Zeroizing;

use crate::S3Config;

/// An object store, as the operator describes it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    /// Where it is.
    #[serde(deserialize_with = "url")]
    pub endpoint: Url,
    /// The bucket, which is there.
    pub bucket: String,
    /// Its region.
    #[serde(default = "usual_region")]
    pub region: String,
    /// The bucket is named in the path, not in the host name.
    #[serde(default = "yes")]
    pub path_style: bool,
    /// What names of objects begin with.
    #[serde(default)]
    pub prefix: String,
    /// Who asks.
    pub access_key: String,
    /// With what it signs.
    pub secret_key: SecretText,
    /// Trust the authorities in this file and no other; relative to the configuration file.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
}

/// A text nobody is to see.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Keeps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

impl From<SecretText> for Zeroizing<String> {
    fn from(text: SecretText) -> Self {
        text.0
    }
}

fn usual_region() -> String {
    "us-east-1".to_owned()
}

const fn yes() -> bool {
    true
}

impl S3Settings {
    pub(super) fn config(&self, data: &Path) -> S3Config {
        S3Config {
            endpoint: self.endpoint.clone(),
            bucket: self.bucket.clone(),
            region: self.region.clone(),
            path_style: self.path_style,
            prefix: self.prefix.clone(),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.0.clone(),
            authorities: self.authorities.as_ref().map(|path| data.join(path)),
            spool: data.join("uploads"),
        }
    }

    /// What makes no sense in it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if self.bucket.is_empty()
            || !self
                .bucket
                .bytes()
                .all(|byte| is_usual(byte) && byte != b'/')
        {
            return Some("bucket is not the name of one");
        }
        if !self.prefix.bytes().all(is_usual)
            || self.prefix.starts_with('/')
            || self
                .prefix
                .split('/')
                .any(|part| [".", ".."].contains(&part))
        {
            return Some("prefix may have letters, digits and -_./ and no slash at its beginning");
        }
        if self.config(Path::new("")).address().is_err() {
            return Some("endpoint and bucket do not make an http or https address");
        }
        None
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings").finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretText").finish_non_exhaustive()
    }
}
