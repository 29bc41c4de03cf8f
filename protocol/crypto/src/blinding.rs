//! Blinded identities in communities (docs/protocol/crypto.md section 8).
//!
//! A community sees a user as a key that depends on its own key S:
//!
//! | Prefix | Factor k | Key |
//! |---|---|---|
//! | `15` | B2b-64(S) mod L | k·A; from an account id alone only k·\|A\|, so two candidates |
//! | `25` | B2b-64(account id ‖ S) mod L | k·\|A\| |
//!
//! A is the account's Ed25519 key, |A| the one of ±A with sign bit 0. Neither form hides an account
//! from somebody who holds a list of candidates; `15` ids can even be turned back.

use core::fmt;
use core::str::FromStr;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use session_types::{
    AccountId, Ed25519PublicKey, ParseError, Signature, X25519PublicKey, network_prefix,
};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::ed25519::prime_order_point;
use crate::hash::{blake2b, blake2b_keyed};
use crate::{CryptoError, Ed25519Secret, ed25519_to_x25519, x25519_to_ed25519};

const SEED_25: &[u8] = b"SessCommBlind25_seed";
const SIGNATURE_25: &[u8] = b"SessCommBlind25_sig";

/// The two forms of blinding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blinding {
    /// Prefix `15`, the older form.
    V15,
    /// Prefix `25`.
    V25,
}

impl Blinding {
    /// The first byte of ids of this form.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        match self {
            Self::V15 => network_prefix::BLINDED_15,
            Self::V25 => network_prefix::BLINDED_25,
        }
    }
}

/// How a community knows a user (docs/protocol/crypto.md section 8), 66 hex digits in text.
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 1 | 0x15 or 0x25, the form |
/// | 1 | 32 | Ed25519 public key |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlindedId {
    blinding: Blinding,
    key: Ed25519PublicKey,
}

impl BlindedId {
    /// Joins a form and a key.
    #[must_use]
    pub const fn new(blinding: Blinding, key: Ed25519PublicKey) -> Self {
        Self { blinding, key }
    }

    /// The form.
    #[must_use]
    pub const fn blinding(&self) -> Blinding {
        self.blinding
    }

    /// The key: signatures in the community verify under it.
    #[must_use]
    pub const fn key(&self) -> &Ed25519PublicKey {
        &self.key
    }

    /// Prefix and key, 33 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        let mut out = [0; 33];
        if let Some((first, rest)) = out.split_first_mut() {
            *first = self.blinding.prefix();
            rest.copy_from_slice(self.key.as_bytes());
        }
        out
    }

    /// Lower-case hex, 66 digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.to_bytes())
    }

    /// The id with the other sign: the second candidate of a `15` id.
    #[must_use]
    pub fn with_other_sign(&self) -> Self {
        let mut key = *self.key.as_bytes();
        let [.., last] = &mut key;
        *last ^= 0x80;
        Self {
            blinding: self.blinding,
            key: Ed25519PublicKey::new(key),
        }
    }
}

impl TryFrom<&[u8]> for BlindedId {
    type Error = ParseError;

    /// 33 raw bytes.
    fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
        let wrong = ParseError::Length {
            expected: 33,
            found: bytes.len(),
            unit: "bytes",
        };
        let (prefix, key) = bytes.split_first().ok_or(wrong.clone())?;
        let key: [u8; 32] = key.try_into().map_err(|_| wrong)?;
        let blinding = match *prefix {
            network_prefix::BLINDED_15 => Blinding::V15,
            network_prefix::BLINDED_25 => Blinding::V25,
            found => {
                return Err(ParseError::Prefix {
                    expected: "15 or 25",
                    found,
                });
            }
        };
        Ok(Self {
            blinding,
            key: Ed25519PublicKey::new(key),
        })
    }
}

impl FromStr for BlindedId {
    type Err = ParseError;

    /// 66 hex digits, upper or lower case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .map_err(|_| ParseError::Alphabet("hex"))?;
        Self::try_from(bytes.as_slice())
    }
}

impl fmt::Display for BlindedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for BlindedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlindedId({})", self.to_hex())
    }
}

/// The factor of `15` ids, the same for every user of the community with this key.
#[must_use]
pub fn factor_15(server: &X25519PublicKey) -> [u8; 32] {
    scalar_15(server).to_bytes()
}

/// The factor of an account's `25` id.
#[must_use]
pub fn factor_25(account: &AccountId, server: &X25519PublicKey) -> [u8; 32] {
    scalar_25(account, server).to_bytes()
}

fn scalar_15(server: &X25519PublicKey) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&blake2b(&[server.as_bytes()]))
}

fn scalar_25(account: &AccountId, server: &X25519PublicKey) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&blake2b(&[&account.to_bytes(), server.as_bytes()]))
}

/// The two `15` ids an account may have: that of k·|A|, and the same with the other sign.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the account id is no usable key.
pub fn candidates_15(
    account: &AccountId,
    server: &X25519PublicKey,
) -> Result<[BlindedId; 2], CryptoError> {
    let first = BlindedId::new(
        Blinding::V15,
        blind(&positive(account)?, &scalar_15(server)),
    );
    Ok([first, first.with_other_sign()])
}

/// The `15` id of the account with this Ed25519 key.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the key is not usable.
pub fn id_15(
    account: &Ed25519PublicKey,
    server: &X25519PublicKey,
) -> Result<BlindedId, CryptoError> {
    let point = prime_order_point(account.as_bytes())?;
    Ok(BlindedId::new(
        Blinding::V15,
        blind(&point, &scalar_15(server)),
    ))
}

/// The `25` id of an account.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the account id is no usable key.
pub fn id_25(account: &AccountId, server: &X25519PublicKey) -> Result<BlindedId, CryptoError> {
    let point = positive(account)?;
    Ok(BlindedId::new(
        Blinding::V25,
        blind(&point, &scalar_25(account, server)),
    ))
}

/// Whether a blinded id may belong to an account in the community with this key.
///
/// # Errors
/// [`CryptoError::PublicKey`] when the account id is no usable key.
pub fn matches(
    account: &AccountId,
    blinded: &BlindedId,
    server: &X25519PublicKey,
) -> Result<bool, CryptoError> {
    match blinded.blinding {
        Blinding::V15 => Ok(candidates_15(account, server)?.contains(blinded)),
        Blinding::V25 => Ok(id_25(account, server)? == *blinded),
    }
}

/// |A| of an account.
fn positive(account: &AccountId) -> Result<EdwardsPoint, CryptoError> {
    prime_order_point(x25519_to_ed25519(account.x25519())?.as_bytes())
}

fn blind(point: &EdwardsPoint, factor: &Scalar) -> Ed25519PublicKey {
    Ed25519PublicKey::new((point * factor).compress().to_bytes())
}

/// A user's own key in one community.
pub struct BlindedKeys {
    id: BlindedId,
    scalar: Zeroizing<Scalar>,
    /// What makes signatures' nonces secret.
    nonce_key: Zeroizing<[u8; 32]>,
}

impl BlindedKeys {
    /// The key of this account in the community with this key.
    ///
    /// # Errors
    /// [`CryptoError::PublicKey`] never happens for keys made from a seed.
    pub fn new(
        blinding: Blinding,
        account: &Ed25519Secret,
        server: &X25519PublicKey,
    ) -> Result<Self, CryptoError> {
        let public = account.public().as_bytes();
        let (factor, nonce_key) = match blinding {
            Blinding::V15 => {
                let hash: [u8; 64] = Sha512::new()
                    .chain_update(account.seed())
                    .chain_update(public)
                    .finalize()
                    .into();
                let hash = Zeroizing::new(hash);
                let half = hash.last_chunk::<32>().copied().unwrap_or_default();
                (scalar_15(server), Zeroizing::new(half))
            }
            Blinding::V25 => {
                let id = AccountId::from_x25519(ed25519_to_x25519(account.public())?);
                let factor = scalar_25(&id, server);
                let [.., last] = public;
                let factor = if last & 0x80 == 0 { factor } else { -factor };
                (
                    factor,
                    Zeroizing::new(blake2b_keyed(SEED_25, &[account.seed()])),
                )
            }
        };
        let scalar = Zeroizing::new(factor * account.scalar());
        let point = EdwardsPoint::mul_base(&scalar).compress().to_bytes();
        let id = BlindedId::new(blinding, Ed25519PublicKey::new(point));
        Ok(Self {
            id,
            scalar,
            nonce_key,
        })
    }

    /// The id under which the community knows this user.
    #[must_use]
    pub fn id(&self) -> &BlindedId {
        &self.id
    }

    /// Signs a message; the signature is an ordinary Ed25519 one under the id's key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        let public = self.id.key.as_bytes();
        let nonce: [u8; 64] = match self.id.blinding {
            Blinding::V15 => Sha512::new()
                .chain_update(self.nonce_key.as_slice())
                .chain_update(public)
                .chain_update(message)
                .finalize()
                .into(),
            Blinding::V25 => {
                blake2b_keyed(SIGNATURE_25, &[self.nonce_key.as_slice(), public, message])
            }
        };
        let nonce = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&Zeroizing::new(nonce)));
        let point = EdwardsPoint::mul_base(&nonce).compress();
        let challenge: [u8; 64] = Sha512::new()
            .chain_update(point.as_bytes())
            .chain_update(public)
            .chain_update(message)
            .finalize()
            .into();
        let s = *nonce + Scalar::from_bytes_mod_order_wide(&challenge) * *self.scalar;
        let mut signature = [0; 64];
        let (first, second) = signature.split_at_mut(32);
        first.copy_from_slice(point.as_bytes());
        second.copy_from_slice(s.as_bytes());
        Signature::new(signature)
    }

    /// The secret scalar.
    pub(crate) fn scalar(&self) -> &Scalar {
        &self.scalar
    }
}

impl fmt::Debug for BlindedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindedKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        HEXLOWER
            .decode(text.as_bytes())
            .unwrap()
            .try_into()
            .unwrap()
    }

    /// docs/protocol/crypto.md section 8.
    #[test]
    fn keys_of_the_specification() {
        let account = Ed25519Secret::from_seed(unhex(
            "fecd9a6034bc9aba273925dee7062b123334587c3c6257341afae2d7fe85e122",
        ));
        let server = X25519PublicKey::new(unhex(&"abcdef0123456789".repeat(4)));
        let table = [
            (
                Blinding::V25,
                "253b991dcbba44cfdb45d5b38880d95cff723309e3ece6fd01415ad5fa1dccc7ac",
                "e6c57de4ac0cd278abbeef815bd88b163a037085deae789ecaaf4805884c4c3d3db25f3afa856241\
                 366cb341a3a4c9bbaa2cda81d028079c956fab16a7fe6206",
            ),
            (
                Blinding::V15,
                "15b74ed205f1f931e1bb1291183778a9456b835937d923b0f2e248aa3a44c07844",
                "1a5ade20b43af0e16b3e591d6f86303938d7557c0ac54469dd4f5aea759f82d22cafa42587251756\
                 e133acdddd8cbec2f707a9ce09a49f2193f46a91502c5006",
            ),
        ];
        for (blinding, id, signature) in table {
            let keys = BlindedKeys::new(blinding, &account, &server).unwrap();
            assert_eq!(keys.id().to_hex(), id);
            assert_eq!(id.parse::<BlindedId>().unwrap(), *keys.id());
            assert_eq!(HEXLOWER.encode(keys.sign(b"hello").as_bytes()), signature);
        }
    }
}
