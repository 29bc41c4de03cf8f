//! What lets members into the group's swarm (docs/protocol/config.md section 13).
//!
//! A subaccount is a key derived from a member's and the group's: the group signs its token once,
//! the member signs requests with it, and the swarm cannot tell whose it is.

use core::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use session_crypto::hash::blake2b_keyed;
use session_crypto::{Ed25519Secret, verify, x25519_to_ed25519};
use session_types::{AccountId, GroupId, Signature, network_prefix};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::{GroupKeys, seed_hash};
use crate::error::ConfigError;

const MASK: &[u8] = b"SessionGroupSubaccountMask";
const SEED: &[u8] = b"SubaccountSeed";
const NONCE: &[u8] = b"SubaccountSig";

/// What a subaccount may do in the swarm beside reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Store messages.
    pub write: bool,
    /// Delete messages.
    pub delete: bool,
}

impl Access {
    /// What members have.
    pub const MEMBER: Self = Self {
        write: true,
        delete: false,
    };

    const READ: u8 = 1;
    const WRITE: u8 = 2;
    const DELETE: u8 = 4;
    const ANY_PREFIX: u8 = 8;

    fn flags(self) -> u8 {
        let write = if self.write { Self::WRITE } else { 0 };
        let delete = if self.delete { Self::DELETE } else { 0 };
        Self::READ | write | delete
    }
}

/// The name of a subaccount, which requests carry and a revocation takes.
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 1 | 03, the prefix of the group's id |
/// | 1 | 1 | flags: 1 read, 2 write, 4 delete, 8 for ids of any prefix |
/// | 2 | 2 | 0 |
/// | 4 | 32 | the subaccount's Ed25519 key |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubaccountToken([u8; 36]);

/// What an invitation brings a member.
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 4 | as in the [`SubaccountToken`] |
/// | 4 | 32 | the factor between the member's key and the subaccount's |
/// | 36 | 64 | the group's signature of the token |
#[derive(Clone, PartialEq, Eq)]
pub struct AuthData(Zeroizing<[u8; 100]>);

/// What a member adds to a request: the fields `subaccount`, `subaccount_sig` and `signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberSignature {
    /// The subaccount.
    pub token: SubaccountToken,
    /// The group's signature of the token.
    pub token_signature: Signature,
    /// The subaccount's signature of the request.
    pub signature: Signature,
}

impl GroupKeys {
    /// The token of a member's subaccount, to revoke it or to take that back.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins, [`ConfigError::Crypto`] for an id
    /// that is no usable key.
    pub fn subaccount_token(
        &self,
        member: &AccountId,
        access: Access,
    ) -> Result<SubaccountToken, ConfigError> {
        let factor = self.factor(member)?;
        token(member, access.flags(), &factor)
    }

    /// What the invitation of a member must bring.
    ///
    /// # Errors
    /// [`ConfigError::ReadOnly`] for members who are not admins, [`ConfigError::Crypto`] for an id
    /// that is no usable key.
    pub fn subaccount_auth(
        &self,
        member: &AccountId,
        access: Access,
    ) -> Result<AuthData, ConfigError> {
        let factor = self.factor(member)?;
        let token = token(member, access.flags(), &factor)?;
        let signature = self.admin()?.key.sign(&token.0);
        let mut data = Zeroizing::new([0; 100]);
        let (start, rest) = data.split_at_mut(4);
        let (middle, end) = rest.split_at_mut(32);
        start.copy_from_slice(token.0.first_chunk::<4>().unwrap_or(&[0; 4]));
        middle.copy_from_slice(factor.as_bytes());
        end.copy_from_slice(signature.as_bytes());
        Ok(AuthData(data))
    }

    /// Signs a request as a member.
    ///
    /// # Errors
    /// [`ConfigError::Crypto`] when the own key cannot be used.
    pub fn sign_as_member(
        &self,
        message: &[u8],
        auth: &AuthData,
    ) -> Result<MemberSignature, ConfigError> {
        auth.sign(self.account.ed25519(), &self.account.account_id(), message)
    }

    fn factor(&self, member: &AccountId) -> Result<Zeroizing<Scalar>, ConfigError> {
        let mask = seed_hash(&self.admin()?.key, MASK);
        let hash = Zeroizing::new(blake2b_keyed::<64>(
            mask.as_slice(),
            &[
                &[network_prefix::ACCOUNT],
                member.x25519().as_bytes(),
                &[network_prefix::GROUP],
                self.id.ed25519().as_bytes(),
            ],
        ));
        Ok(Zeroizing::new(Scalar::from_bytes_mod_order_wide(&hash)))
    }
}

impl AuthData {
    /// The data of an invitation, if it is valid for this member of this group and allows at least
    /// this.
    ///
    /// # Errors
    /// [`ConfigError::WrongKey`] when it is not.
    pub fn check(
        data: &[u8],
        group: &GroupId,
        member: &AccountId,
        required: Access,
    ) -> Result<Self, ConfigError> {
        let data: [u8; 100] = data.try_into().map_err(|_| ConfigError::WrongKey)?;
        let auth = Self(Zeroizing::new(data));
        let [prefix, flags, ..] = *auth.0;
        let needed = required.flags();
        let any_prefix = flags & Access::ANY_PREFIX != 0;
        if prefix != network_prefix::GROUP && !any_prefix || flags & needed != needed {
            return Err(ConfigError::WrongKey);
        }
        let token = auth.token(member)?;
        verify(group.ed25519(), &token.0, &auth.token_signature())
            .map_err(|_| ConfigError::WrongKey)?;
        Ok(auth)
    }

    /// The data as a config keeps it, which was checked when it came.
    #[must_use]
    pub fn from_stored(data: [u8; 100]) -> Self {
        Self(Zeroizing::new(data))
    }

    /// The 100 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 100] {
        &self.0
    }

    /// Signs a request as this member.
    ///
    /// # Errors
    /// [`ConfigError::Crypto`] when the member's key cannot be used.
    pub fn sign(
        &self,
        own: &Ed25519Secret,
        member: &AccountId,
        message: &[u8],
    ) -> Result<MemberSignature, ConfigError> {
        let token = self.token(member)?;
        let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(own.seed())));
        let clamped = Zeroizing::new(clamp_integer(*hash.first_chunk::<32>().unwrap_or(&[0; 32])));
        let mut secret = Zeroizing::new(Scalar::from_bytes_mod_order(*clamped));
        // The token is made from the point of the account id, whose sign bit is 0.
        if own
            .public()
            .as_bytes()
            .last()
            .is_some_and(|last| last & 0x80 != 0)
        {
            *secret = -*secret;
        }
        *secret *= *self.factor();
        let public = token.key();
        let seed = Zeroizing::new(blake2b_keyed::<32>(SEED, &[own.seed()]));
        let nonce = Zeroizing::new(blake2b_keyed::<64>(NONCE, &[&*seed, public, message]));
        let nonce = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&nonce));
        let point = EdwardsPoint::mul_base(&nonce).compress();
        let challenge: [u8; 64] = Sha512::new()
            .chain_update(point.as_bytes())
            .chain_update(public)
            .chain_update(message)
            .finalize()
            .into();
        let s = *nonce + Scalar::from_bytes_mod_order_wide(&challenge) * *secret;
        let mut signature = [0; 64];
        let (first, second) = signature.split_at_mut(32);
        first.copy_from_slice(point.as_bytes());
        second.copy_from_slice(s.as_bytes());
        Ok(MemberSignature {
            token,
            token_signature: self.token_signature(),
            signature: Signature::new(signature),
        })
    }

    fn token(&self, member: &AccountId) -> Result<SubaccountToken, ConfigError> {
        let [prefix, flags, third, fourth, ..] = *self.0;
        let mut token = token(member, flags, &self.factor())?;
        let [t0, _, t2, t3, ..] = &mut token.0;
        (*t0, *t2, *t3) = (prefix, third, fourth);
        Ok(token)
    }

    fn factor(&self) -> Zeroizing<Scalar> {
        let bytes = self.0.get(4..36).and_then(|bytes| bytes.try_into().ok());
        Zeroizing::new(Scalar::from_bytes_mod_order(bytes.unwrap_or_default()))
    }

    fn token_signature(&self) -> Signature {
        Signature::new(*self.0.last_chunk::<64>().unwrap_or(&[0; 64]))
    }
}

impl SubaccountToken {
    /// The 36 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 36] {
        &self.0
    }

    fn key(&self) -> &[u8; 32] {
        self.0.last_chunk().unwrap_or(&[0; 32])
    }
}

impl fmt::Debug for SubaccountToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SubaccountToken({})",
            data_encoding::HEXLOWER.encode(&self.0)
        )
    }
}

impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthData").finish_non_exhaustive()
    }
}

fn token(member: &AccountId, flags: u8, factor: &Scalar) -> Result<SubaccountToken, ConfigError> {
    let positive = x25519_to_ed25519(member.x25519())?;
    let point = CompressedEdwardsY(*positive.as_bytes())
        .decompress()
        .ok_or(session_crypto::CryptoError::PublicKey)?;
    let key = (point * factor).compress();
    let mut token = [0; 36];
    let (start, end) = token.split_at_mut(4);
    start.copy_from_slice(&[network_prefix::GROUP, flags, 0, 0]);
    end.copy_from_slice(key.as_bytes());
    Ok(SubaccountToken(token))
}
