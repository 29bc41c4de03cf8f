//! What an account says of itself (docs/protocol/config.md section 11.1).

use core::fmt;

use session_crypto::pro::{Proof, Proof2025};
use session_crypto::{AccountKeys, Ed25519Secret};
use session_types::{Namespace, Signature, Timestamp};

use crate::data::{Dict, Value};
use crate::engine::{Core, Kind};
use crate::error::ConfigError;
use crate::fields::{MAX_NAME, seconds, truncated};
use crate::picture::Picture;
use crate::shared::shared_config;
use crate::wire::{Reader, put_bytes, put_int};
use crate::wrap;

const KIND: Kind = Kind {
    name: "UserProfile",
    namespace: Namespace::USER_PROFILE,
    domain: "UserProfile",
    wrap: Some(wrap::Kind(1)),
};

/// How long a refund request and an unredeemed purchase are of interest.
const WEEK: i64 = 7 * 24 * 3600;

/// The profile of an account, with the settings of its conversation with itself.
///
/// | Key | Stored | Meaning |
/// |---|---|---|
/// | `n` | unless empty | name |
/// | `p`, `q` | both or none | picture the user chose |
/// | `t` | seconds | when name or picture last changed |
/// | `P`, `Q` | both or none | the same picture, uploaded again by a client |
/// | `T` | seconds | when that was |
/// | `+` | unless 0 | priority of the conversation with oneself |
/// | `e` | above 0 | seconds after which messages in it disappear |
/// | `M` | 0, 1 | whether people from communities may write |
/// | `f` | set of bit positions | Pro features to show |
/// | `s` | string, formerly dict | Pro credential |
/// | `E` | seconds, formerly ms | end of Pro access |
/// | `A` | flag | the subscription renews itself |
/// | `G` | unless 0 | grace period in seconds |
/// | `R` | seconds | time of a refund request |
/// | `I` | seconds | time of a purchase not yet redeemed |
///
/// Changes take the time because other devices and contacts apply the newest profile. A profile
/// that is only made up on a new device takes a time close to zero, so that any real one wins.
pub struct UserProfile {
    core: Core,
    stamps: bool,
}

shared_config!(UserProfile);

/// What proves a Pro subscription to others.
pub struct ProCredential {
    /// The key that signs messages as long as the proof is valid.
    pub rotating: Ed25519Secret,
    /// What the backend signed.
    pub proof: ProProof,
}

/// The generations of proofs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProProof {
    /// The form written today.
    Newest(Proof),
    /// The form of releases up to April 2026, which is only read.
    Released2025(Proof2025),
}

impl UserProfile {
    /// An account's profile before anything is known of it.
    #[must_use]
    pub fn new(account: &AccountKeys) -> Self {
        Self {
            core: Core::of_account(&KIND, account),
            stamps: true,
        }
    }

    /// The profile as it was saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are no dump.
    pub fn load(account: &AccountKeys, dump: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::new(account);
        config.core.load(dump)?;
        Ok(config)
    }

    /// With `false`, changes are not marked with their time, as in releases before the summer of
    /// 2025.
    #[must_use]
    pub fn with_stamps(mut self, stamps: bool) -> Self {
        self.stamps = stamps;
        self
    }

    /// The name, empty when there is none.
    #[must_use]
    pub fn name(&self) -> String {
        self.core.data().text(b"n")
    }

    /// Changes the name, which is cut to 100 bytes.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_name(&mut self, name: &str, now: Timestamp) -> Result<(), ConfigError> {
        let name = truncated(name, MAX_NAME);
        if !name.is_empty() && self.name() == name {
            return Ok(());
        }
        let stamp = self.stamp(now);
        self.edit(|data| {
            data.put_text(b"n", name);
            stamp(data);
        })
    }

    /// The picture: the newer of what the user chose and what a client uploaded again.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        let data = self.core.data();
        if data.number(b"t") >= data.number(b"T") {
            data.picture(b"p", b"q")
        } else {
            data.picture(b"P", b"Q")
        }
    }

    /// Changes or removes the picture.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_picture(
        &mut self,
        picture: Option<&Picture>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        if self.core.data().picture(b"p", b"q").as_ref() == picture {
            return Ok(());
        }
        let stamps = self.stamps;
        self.edit(|data| {
            data.put_picture(b"p", b"q", picture);
            if picture.is_none() {
                data.put_picture(b"P", b"Q", None);
            }
            if stamps {
                data.insert(b"t", Value::Int(seconds(now)));
            }
        })
    }

    /// Tells where the same picture was uploaded again, so that it does not vanish from the file
    /// server.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_reuploaded_picture(
        &mut self,
        picture: Option<&Picture>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        if self.core.data().picture(b"P", b"Q").as_ref() == picture {
            return Ok(());
        }
        self.edit(|data| {
            data.put_picture(b"P", b"Q", picture);
            data.insert(b"T", Value::Int(seconds(now)));
        })
    }

    /// When the profile last changed, unix seconds: what messages carry. 0 when not known.
    #[must_use]
    pub fn updated_seconds(&self) -> u64 {
        let data = self.core.data();
        if data.int(b"t").is_none() {
            return 0;
        }
        data.positive(b"t").max(data.positive(b"T"))
    }

    /// The priority of the conversation with oneself; below 0 it is hidden.
    #[must_use]
    pub fn note_to_self_priority(&self) -> i32 {
        self.core.data().priority()
    }

    /// Pins, hides or shows the conversation with oneself.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_note_to_self_priority(&mut self, priority: i32) -> Result<(), ConfigError> {
        self.edit(|data| data.put_priority(priority))
    }

    /// After how many seconds messages to oneself disappear; 0 for never.
    #[must_use]
    pub fn note_to_self_timer_seconds(&self) -> u64 {
        self.core.data().positive(b"e")
    }

    /// Sets after how many seconds messages to oneself disappear; 0 for never.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_note_to_self_timer_seconds(&mut self, timer: u64) -> Result<(), ConfigError> {
        self.edit(|data| data.put_positive(b"e", timer))
    }

    /// Whether people from communities may write; `None` when the user never decided.
    #[must_use]
    pub fn community_requests(&self) -> Option<bool> {
        self.core.data().int(b"M").map(|value| value != 0)
    }

    /// Decides whether people from communities may write.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_community_requests(
        &mut self,
        allowed: Option<bool>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        if self.community_requests() == allowed {
            return Ok(());
        }
        let stamp = self.stamp(now);
        self.edit(|data| {
            match allowed {
                Some(allowed) => data.insert(b"M", Value::Int(allowed.into())),
                None => data.remove(b"M"),
            }
            stamp(data);
        })
    }

    /// The Pro features the profile shows, as bits: 1 the badge, 2 a moving picture.
    #[must_use]
    pub fn pro_features(&self) -> u64 {
        self.core.data().bits(b"f")
    }

    /// Sets the Pro features the profile shows.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_features(&mut self, features: u64, now: Timestamp) -> Result<(), ConfigError> {
        if self.pro_features() == features {
            return Ok(());
        }
        let stamp = self.stamp(now);
        self.edit(|data| {
            data.put_bits(b"f", features);
            stamp(data);
        })
    }

    /// The Pro credential of either generation.
    #[must_use]
    pub fn pro_credential(&self) -> Option<ProCredential> {
        match self.core.data().get(b"s")? {
            Value::Bytes(encoded) => newest_credential(encoded),
            Value::Dict(fields) => credential_2025(fields),
            _ => None,
        }
    }

    /// Stores a Pro credential. One that is still valid settles a purchase not yet redeemed.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_credential(
        &mut self,
        rotating: &Ed25519Secret,
        proof: &Proof,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let encoded = encode_credential(rotating, proof);
        let stamp = self.stamp(now);
        self.edit(|data| {
            if data.bytes(b"s") != Some(encoded.as_slice()) {
                data.insert(b"s", Value::from(encoded.as_slice()));
                stamp(data);
            }
            if proof.expiry_seconds > now.as_secs() {
                data.remove(b"I");
            }
        })
    }

    /// Removes the Pro credential. Whether there was one.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn remove_pro_credential(&mut self) -> Result<bool, ConfigError> {
        self.core.put(&[b"s"], None)
    }

    /// When Pro access ends, unix seconds.
    #[must_use]
    pub fn pro_access_expiry_seconds(&self) -> Option<u64> {
        let value = u64::try_from(self.core.data().int(b"E")?).ok()?;
        // The generation of 2025 stored milliseconds.
        Some(if value > 1_000_000_000_000 {
            value / 1000
        } else {
            value
        })
    }

    /// Sets or forgets when Pro access ends.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_access_expiry_seconds(
        &mut self,
        expiry: Option<u64>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let now = seconds(now);
        self.edit(|data| match expiry {
            None => {
                data.remove(b"E");
                data.remove(b"G");
            }
            Some(expiry) => {
                let expiry = i64::try_from(expiry).unwrap_or(i64::MAX);
                data.insert(b"E", Value::Int(expiry));
                if expiry > now {
                    data.remove(b"I");
                    if data.number(b"R") < now.saturating_sub(WEEK) {
                        data.remove(b"R");
                    }
                }
            }
        })
    }

    /// Whether the Pro subscription renews itself.
    #[must_use]
    pub fn pro_renews(&self) -> bool {
        self.core.data().flag(b"A")
    }

    /// Sets whether the Pro subscription renews itself.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_renews(&mut self, renews: bool) -> Result<(), ConfigError> {
        self.edit(|data| data.put_flag(b"A", renews))
    }

    /// For how many seconds Pro stays usable after its end.
    #[must_use]
    pub fn pro_grace_seconds(&self) -> u64 {
        self.core.data().positive(b"G")
    }

    /// Sets for how many seconds Pro stays usable after its end.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_grace_seconds(&mut self, grace: u64) -> Result<(), ConfigError> {
        self.edit(|data| data.put_positive(b"G", grace))
    }

    /// When a refund was asked for, unix seconds, unless that is more than a week ago.
    #[must_use]
    pub fn refund_requested_seconds(&self, now: Timestamp) -> Option<u64> {
        recent(self.core.data().int(b"R")?, now)
    }

    /// Sets or forgets when a refund was asked for.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_refund_requested_seconds(
        &mut self,
        requested: Option<u64>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let stamp = self.stamp(now);
        self.edit(|data| {
            put_time(data, b"R", requested);
            stamp(data);
        })
    }

    /// When Pro was bought but not yet redeemed, unix seconds, unless that is more than a week ago.
    #[must_use]
    pub fn pro_prepaid_seconds(&self, now: Timestamp) -> Option<u64> {
        recent(self.core.data().int(b"I")?, now)
    }

    /// Sets or forgets when Pro was bought but not yet redeemed. Without effect for those who have
    /// Pro already.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_pro_prepaid_seconds(
        &mut self,
        prepaid: Option<u64>,
        now: Timestamp,
    ) -> Result<(), ConfigError> {
        let data = self.core.data();
        let has_pro = data.get(b"s").is_some()
            || self
                .pro_access_expiry_seconds()
                .is_some_and(|expiry| expiry > now.as_secs());
        let unchanged = prepaid.is_none() && data.get(b"I").is_none();
        if unchanged || prepaid.is_some() && has_pro {
            return Ok(());
        }
        let stamp = self.stamp(now);
        self.edit(|data| {
            put_time(data, b"I", prepaid);
            stamp(data);
        })
    }

    fn edit(&mut self, change: impl FnOnce(&mut Dict)) -> Result<(), ConfigError> {
        self.core.edit_root(change).map(drop)
    }

    /// Writes the time of a change into the newer of the two times.
    fn stamp(&self, now: Timestamp) -> impl FnOnce(&mut Dict) + use<> {
        let stamps = self.stamps;
        move |data| {
            if stamps {
                let key = if data.number(b"t") >= data.number(b"T") {
                    b"t"
                } else {
                    b"T"
                };
                data.insert(key, Value::Int(seconds(now)));
            }
        }
    }
}

impl fmt::Debug for ProCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProCredential").finish_non_exhaustive()
    }
}

fn put_time(data: &mut Dict, key: &[u8], time: Option<u64>) {
    match time {
        Some(time) => data.insert(key, Value::Int(i64::try_from(time).unwrap_or(i64::MAX))),
        None => data.remove(key),
    }
}

fn recent(time: i64, now: Timestamp) -> Option<u64> {
    if time < seconds(now).saturating_sub(WEEK) {
        return None;
    }
    u64::try_from(time).ok()
}

/// A dict in one string, so that it is merged as a whole:
///
/// | Key | Value |
/// |---|---|
/// | `e` | expiry, unix seconds |
/// | `g` | revocation tag, 32 bytes |
/// | `r` | rotating seed, 32 bytes |
/// | `s` | signature of the backend, 64 bytes |
fn encode_credential(rotating: &Ed25519Secret, proof: &Proof) -> zeroize::Zeroizing<Vec<u8>> {
    let mut out = zeroize::Zeroizing::new(Vec::with_capacity(192));
    out.extend_from_slice(b"d1:e");
    put_int(
        &mut out,
        i64::try_from(proof.expiry_seconds).unwrap_or(i64::MAX),
    );
    out.extend_from_slice(b"1:g");
    put_bytes(&mut out, &proof.revocation_tag);
    out.extend_from_slice(b"1:r");
    put_bytes(&mut out, rotating.seed());
    out.extend_from_slice(b"1:s");
    put_bytes(&mut out, proof.signature.as_bytes());
    out.push(b'e');
    out
}

fn newest_credential(encoded: &[u8]) -> Option<ProCredential> {
    let fields = Dict::read(&mut Reader::new(encoded), 0).ok()?;
    let rotating = Ed25519Secret::from_seed(fields.array(b"r")?);
    let proof = Proof {
        revocation_tag: fields.array(b"g")?,
        rotating: *rotating.public(),
        expiry_seconds: u64::try_from(fields.int(b"e")?).ok()?,
        signature: Signature::new(fields.array(b"s")?),
    };
    Some(ProCredential {
        rotating,
        proof: ProProof::Newest(proof),
    })
}

/// `r`: rotating seed; `p`: dict of `@` version 0, `g` generation hash, `e` expiry in ms, `s`
/// signature.
fn credential_2025(fields: &Dict) -> Option<ProCredential> {
    let rotating = Ed25519Secret::from_seed(fields.array(b"r")?);
    let proof = fields.dict(b"p")?;
    let proof = Proof2025 {
        version: u8::try_from(proof.int(b"@")?)
            .ok()
            .filter(|version| *version == 0)?,
        generation_hash: proof.array(b"g")?,
        rotating: *rotating.public(),
        expiry: Timestamp::from_ms(u64::try_from(proof.int(b"e")?).ok()?),
        signature: Signature::new(proof.array(b"s")?),
    };
    Some(ProCredential {
        rotating,
        proof: ProProof::Released2025(proof),
    })
}
