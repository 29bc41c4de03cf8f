//! What the server tells about programs and figures that are not its own: the newest versions of
//! clients, and the token (docs/protocol/file-server.md sections 4.2 and 4.3).
//!
//! It comes from a file that the operator, or a program of the operator's, keeps up to date:
//!
//! ```json
//! {
//!   "releases": {
//!     "desktop": {
//!       "stable": {"result": "1.2.3", "updated": 1700000000, "name": "…", "notes": "…",
//!                  "assets": [{"name": "…", "url": "…"}]},
//!       "prerelease": {"result": "1.3.0", "updated": 1700000000}
//!     }
//!   },
//!   "token": {
//!     "maximum_supply": 240000000, "sent_per_node": 25000, "staking_reward_pool": 40000000,
//!     "history": [{"current_value": "0.1", "circulating_supply": 80000000, "total_nodes": 2000,
//!                  "updated": 1700000000}]
//!   }
//! }
//! ```

use core::str::FromStr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use session_types::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Size of the file at most.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Platform {
    Android,
    Desktop,
    Ios,
}

impl FromStr for Platform {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "android" => Ok(Self::Android),
            "desktop" => Ok(Self::Desktop),
            "ios" => Ok(Self::Ios),
            _ => Err(()),
        }
    }
}

/// How finished a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    Alpha,
    Prerelease,
    Stable,
}

impl FromStr for Channel {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "alpha" => Ok(Self::Alpha),
            "prerelease" => Ok(Self::Prerelease),
            "stable" => Ok(Self::Stable),
            _ => Err(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Release {
    /// The version, without `v`.
    result: String,
    updated: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assets: Option<Vec<Asset>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Asset {
    name: String,
    url: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Token {
    maximum_supply: Number,
    sent_per_node: Number,
    staking_reward_pool: Number,
    history: Vec<Figure>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    current_value: String,
    circulating_supply: Number,
    total_nodes: u64,
    updated: u64,
}

/// The answer to `session_version`.
#[derive(Debug, Serialize)]
pub(crate) struct VersionAnswer<'a> {
    status_code: u16,
    #[serde(flatten)]
    release: &'a Release,
    #[serde(skip_serializing_if = "Option::is_none")]
    prerelease: Option<&'a Release>,
}

/// The answer to `token_info`.
#[derive(Debug, Serialize)]
pub(crate) struct TokenAnswer {
    status_code: u16,
    info: Token,
}

/// What is announced at the moment.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Announced {
    releases: BTreeMap<Platform, BTreeMap<Channel, Release>>,
    token: Option<Token>,
}

impl Announced {
    pub(crate) fn version(
        &self,
        platform: Platform,
        channel: Channel,
    ) -> Option<VersionAnswer<'_>> {
        let releases = self.releases.get(&platform)?;
        let ahead = match channel {
            Channel::Stable => None,
            Channel::Prerelease => releases.get(&Channel::Prerelease),
            Channel::Alpha => releases
                .get(&Channel::Alpha)
                .or_else(|| releases.get(&Channel::Prerelease)),
        };
        Some(VersionAnswer {
            status_code: 200,
            release: releases.get(&Channel::Stable)?,
            prerelease: ahead,
        })
    }

    pub(crate) fn token(&self, days: u64, now: Timestamp) -> Option<TokenAnswer> {
        let mut info = self.token.clone()?;
        let days = u32::try_from(days).unwrap_or(u32::MAX);
        let from = now.minus(DAY.saturating_mul(days)).as_secs();
        info.history.retain(|figure| figure.updated >= from);
        Some(TokenAnswer {
            status_code: 200,
            info,
        })
    }
}

/// The file with announcements, as it was when it was read last.
#[derive(Debug)]
pub(crate) struct Announcements {
    path: Option<PathBuf>,
    current: Mutex<Arc<Announced>>,
    /// Length and time of what was read last.
    seen: Mutex<Option<(u64, SystemTime)>>,
}

impl Announcements {
    /// Nothing is announced until the file was read.
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            current: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    pub(crate) fn current(&self) -> Arc<Announced> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file if it has changed. Blocks. What cannot be read changes nothing.
    pub(crate) fn refresh(&self) {
        let Some(path) = &self.path else {
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(file) = std::fs::metadata(path) else {
            // None yet, or being replaced.
            return;
        };
        let now = file.modified().ok().map(|changed| (file.len(), changed));
        if now == *seen {
            return;
        }
        *seen = now;
        if file.len() > MAX_BYTES {
            tracing::warn!("the file of announcements is too large");
            return;
        }
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let read = read.and_then(|text| {
            serde_json::from_slice::<Announced>(&text).map_err(|error| error.to_string())
        });
        match read {
            Ok(read) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                tracing::info!("announcements were read");
            }
            Err(error) => tracing::warn!(%error, "the file of announcements cannot be used"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_when_it_changes_and_mistakes_change_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("announcements.json");
        let announcements = Announcements::new(Some(path.clone()));
        announcements.refresh();
        assert_eq!(*announcements.current(), Announced::default());
        let text = r#"{"releases": {"ios": {"stable": {"result": "1.2.3", "updated": 7}}}}"#;
        std::fs::write(&path, text).unwrap();
        announcements.refresh();
        let read = announcements.current();
        let answer = read.version(Platform::Ios, Channel::Alpha).unwrap();
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"status_code":200,"result":"1.2.3","updated":7}"#
        );
        assert!(read.version(Platform::Desktop, Channel::Stable).is_none());
        for wrong in ["{", r#"{"relases": {}}"#, r#"{"releases": {"amiga": {}}}"#] {
            std::fs::write(&path, wrong).unwrap();
            announcements.refresh();
            assert_eq!(announcements.current(), read, "{wrong}");
        }
        std::fs::write(&path, "{}").unwrap();
        announcements.refresh();
        assert_eq!(*announcements.current(), Announced::default());
    }
}
