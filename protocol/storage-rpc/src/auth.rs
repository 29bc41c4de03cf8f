//! Who may do what to a mailbox: request signatures and subaccounts
//! (docs/protocol/node-rpc.md section 2).

use core::fmt;
use core::ops::BitOr;

use data_encoding::HEXLOWER;
use session_crypto::{Ed25519Secret, Ed25519Verifier, ed25519_to_x25519, verify};
use session_types::{
    AccountId, Ed25519PublicKey, ErrorKind, ParseError, Signature, SwarmPubkey, network_prefix,
};

use crate::wire::{DictBuilder, Tree};

/// The proof that a request comes from the owner of a mailbox or from somebody the owner let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The account's Ed25519 key, from which its id follows. Only for `05` accounts.
    pub pubkey_ed25519: Option<Ed25519PublicKey>,
    /// Over the signed string of the endpoint ([`crate::signing`]).
    pub signature: Signature,
    /// Present when the signature is a subaccount's.
    pub subaccount: Option<SubaccountAuth>,
}

/// A subaccount token and the owner's signature that makes it valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubaccountAuth {
    /// What the holder may do.
    pub token: SubaccountToken,
    /// The owner's signature over the 36 bytes of the token.
    pub signature: Signature,
}

/// What a subaccount may do, a set of flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u8);

impl Permissions {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Retrieve.
    pub const READ: Self = Self(1);
    /// Store, and extend lifetimes.
    pub const WRITE: Self = Self(2);
    /// Delete, and shorten lifetimes.
    pub const DELETE: Self = Self(4);
    /// The token holds for owners with another prefix byte too.
    pub const ANY_PREFIX: Self = Self(8);

    /// The flag byte of a token; unknown flags are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The flag byte of a token.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#04x})", self.0)
    }
}

/// A subaccount token (docs/protocol/node-rpc.md section 2.2).
///
/// | Offset | Size | Content |
/// |---|---|---|
/// | 0 | 1 | network prefix of the owner |
/// | 1 | 1 | flags, see [`Permissions`] |
/// | 2 | 2 | reserved, 0 |
/// | 4 | 32 | Ed25519 public key of the holder |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubaccountToken([u8; 36]);

impl SubaccountToken {
    /// Length in bytes.
    pub const LEN: usize = 36;

    /// A token that lets `holder` into mailboxes with that prefix byte.
    #[must_use]
    pub fn new(prefix: u8, permissions: Permissions, holder: &Ed25519PublicKey) -> Self {
        let mut bytes = [0u8; Self::LEN];
        let (head, key) = bytes.split_at_mut(4);
        head.copy_from_slice(&[prefix, permissions.bits(), 0, 0]);
        key.copy_from_slice(holder.as_bytes());
        Self(bytes)
    }

    /// The 36 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 36] {
        &self.0
    }

    /// The prefix byte of the mailboxes the token is for.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        let [prefix, ..] = self.0;
        prefix
    }

    /// What the holder may do.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        let [_, flags, ..] = self.0;
        Permissions(flags)
    }

    /// The key that signs the holder's requests.
    #[must_use]
    pub fn holder(&self) -> Ed25519PublicKey {
        let [_, _, _, _, key @ ..] = self.0;
        Ed25519PublicKey::new(key)
    }

    /// Lower-case hex, 72 digits: the form in `revoke_subaccount`.
    #[must_use]
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

impl TryFrom<&[u8]> for SubaccountToken {
    type Error = ParseError;

    fn try_from(bytes: &[u8]) -> Result<Self, ParseError> {
        <[u8; 36]>::try_from(bytes)
            .map(Self)
            .map_err(|_| ParseError::Length {
                expected: Self::LEN,
                found: bytes.len(),
                unit: "bytes",
            })
    }
}

impl fmt::Debug for SubaccountToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubaccountToken({})", self.to_hex())
    }
}

/// Why a request is not authorised. Nodes tell clients none of this: every case is the same 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The Ed25519 key does not belong to the account id, or is no point at all.
    #[error("the ed25519 key does not belong to the account")]
    KeyMismatch,
    /// The token lacks a permission the request needs.
    #[error("the subaccount lacks a permission")]
    Permission,
    /// The token is for owners of another kind.
    #[error("the subaccount token is for another prefix")]
    Prefix,
    /// The owner has revoked the token.
    #[error("the subaccount is revoked")]
    Revoked,
    /// The signature of the request is wrong.
    #[error("request signature verification failed")]
    Signature,
    /// The owner did not sign the token.
    #[error("subaccount token signature verification failed")]
    TokenSignature,
}

impl AuthError {
    /// What a caller should do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        ErrorKind::Unauthorised
    }
}

/// Something [`verify_auth`] found to be true and that holds for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthFact {
    /// The Ed25519 key is the account's.
    Account {
        /// The account.
        owner: SwarmPubkey,
        /// Its key.
        key: Ed25519PublicKey,
    },
    /// The owner signed the token.
    Token {
        /// Whose mailbox.
        owner: SwarmPubkey,
        /// The subaccount's token.
        token: SubaccountToken,
        /// The owner's signature over it.
        signature: [u8; 64],
    },
}

/// Remembers what [`verify_auth`] found out.
///
/// To see that a key belongs to an account costs as much as to verify a signature, and a node is
/// asked by the same devices again and again. Whoever implements this bounds what is kept, and
/// answers only for facts that were given to [`AuthMemory::remember`].
pub trait AuthMemory: fmt::Debug {
    /// Whether this very fact is remembered.
    fn knows(&self, fact: &AuthFact) -> bool;

    /// Keeps a fact, or not.
    fn remember(&self, fact: AuthFact);

    /// A key as it was given to [`AuthMemory::remember_key`], if it is kept.
    fn key(&self, key: &Ed25519PublicKey) -> Option<Ed25519Verifier>;

    /// Keeps a key that has signed a request, or not.
    fn remember_key(&self, key: Ed25519Verifier);

    /// Whether this very signature has been checked and found good.
    fn is_good(&self, key: &Ed25519PublicKey, signed: &[u8], signature: &Signature) -> bool {
        let _ = (key, signed, signature);
        false
    }
}

/// Remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAuthMemory;

impl AuthMemory for NoAuthMemory {
    fn knows(&self, _fact: &AuthFact) -> bool {
        false
    }

    fn remember(&self, _fact: AuthFact) {}

    fn key(&self, _key: &Ed25519PublicKey) -> Option<Ed25519Verifier> {
        None
    }

    fn remember_key(&self, _key: Ed25519Verifier) {}
}

/// Verifies that `auth` lets its sender do something that needs `required` to `owner`'s mailbox,
/// where `signed` is the signed string of the request.
///
/// The order of the checks is docs/protocol/node-rpc.md section 2.2. `revoked` says whether the
/// subaccount token has been revoked; callers pass `false` where revocation does not count.
/// `memory` spares the checks whose result can never change; see [`AuthMemory`].
///
/// # Errors
/// [`AuthError`] names the first check that failed.
pub fn verify_auth(
    owner: &SwarmPubkey,
    auth: &Auth,
    signed: &[u8],
    required: Permissions,
    revoked: bool,
    memory: &dyn AuthMemory,
) -> Result<(), AuthError> {
    let account_key = account_key(owner, auth, memory)?;
    let Some(subaccount) = &auth.subaccount else {
        return verify_request(&account_key, signed, &auth.signature, memory);
    };
    let permissions = subaccount.token.permissions();
    if revoked {
        return Err(AuthError::Revoked);
    }
    if subaccount.token.prefix() != owner.prefix() && !permissions.contains(Permissions::ANY_PREFIX)
    {
        return Err(AuthError::Prefix);
    }
    if !permissions.contains(required) {
        return Err(AuthError::Permission);
    }
    let fact = AuthFact::Token {
        owner: *owner,
        token: subaccount.token,
        signature: *subaccount.signature.as_bytes(),
    };
    if !memory.knows(&fact) {
        verify(
            &account_key,
            subaccount.token.as_bytes(),
            &subaccount.signature,
        )
        .map_err(|_| AuthError::TokenSignature)?;
        memory.remember(fact);
    }
    verify_request(&subaccount.token.holder(), signed, &auth.signature, memory)
}

/// Verifies the signature of the request itself, which is another one every time.
fn verify_request(
    key: &Ed25519PublicKey,
    signed: &[u8],
    signature: &Signature,
    memory: &dyn AuthMemory,
) -> Result<(), AuthError> {
    if memory.is_good(key, signed, signature) {
        return Ok(());
    }
    if let Some(known) = memory.key(key) {
        return known
            .verify(signed, signature)
            .map_err(|_| AuthError::Signature);
    }
    let decoded = Ed25519Verifier::new(key)
        .and_then(|key| key.verify(signed, signature).map(|()| key))
        .map_err(|_| AuthError::Signature)?;
    memory.remember_key(decoded);
    Ok(())
}

/// The key that must have signed the request itself.
pub(crate) fn request_key(owner: &SwarmPubkey, auth: &Auth) -> Ed25519PublicKey {
    match &auth.subaccount {
        Some(subaccount) => subaccount.token.holder(),
        None => claimed_key(owner, auth).unwrap_or_else(|| Ed25519PublicKey::new(*owner.key())),
    }
}

/// The key a request names as the account's; mailboxes of others are keys themselves.
fn claimed_key(owner: &SwarmPubkey, auth: &Auth) -> Option<Ed25519PublicKey> {
    auth.pubkey_ed25519
        .filter(|_| owner.prefix() == network_prefix::ACCOUNT)
}

/// The Ed25519 key that owns the mailbox (docs/protocol/node-rpc.md section 2.1).
fn account_key(
    owner: &SwarmPubkey,
    auth: &Auth,
    memory: &dyn AuthMemory,
) -> Result<Ed25519PublicKey, AuthError> {
    let Some(key) = claimed_key(owner, auth) else {
        return Ok(Ed25519PublicKey::new(*owner.key()));
    };
    let fact = AuthFact::Account { owner: *owner, key };
    if !memory.knows(&fact) {
        let x25519 = ed25519_to_x25519(&key).map_err(|_| AuthError::KeyMismatch)?;
        if x25519.as_bytes() != owner.key() {
            return Err(AuthError::KeyMismatch);
        }
        memory.remember(fact);
    }
    Ok(key)
}

/// Somebody who can sign requests for one mailbox.
pub trait RequestSigner {
    /// Whose mailbox.
    fn owner(&self) -> SwarmPubkey;

    /// Signs the signed string of a request.
    fn authorise(&self, signed: &[u8]) -> Auth;
}

/// The owner of an account.
#[derive(Debug, Clone, Copy)]
pub struct AccountSigner<'a> {
    account: AccountId,
    key: &'a Ed25519Secret,
}

impl<'a> AccountSigner<'a> {
    /// Signs for `account` with the Ed25519 key its id derives from.
    #[must_use]
    pub const fn new(account: AccountId, key: &'a Ed25519Secret) -> Self {
        Self { account, key }
    }
}

impl RequestSigner for AccountSigner<'_> {
    fn owner(&self) -> SwarmPubkey {
        self.account.into()
    }

    fn authorise(&self, signed: &[u8]) -> Auth {
        Auth {
            pubkey_ed25519: Some(*self.key.public()),
            signature: self.key.sign(signed),
            subaccount: None,
        }
    }
}

/// An admin of a group: the holder of the group's own key, which is also its id.
#[derive(Debug, Clone, Copy)]
pub struct GroupAdminSigner<'a> {
    key: &'a Ed25519Secret,
}

impl<'a> GroupAdminSigner<'a> {
    /// Signs for the group whose secret key this is.
    #[must_use]
    pub const fn new(key: &'a Ed25519Secret) -> Self {
        Self { key }
    }
}

impl RequestSigner for GroupAdminSigner<'_> {
    fn owner(&self) -> SwarmPubkey {
        SwarmPubkey::new(network_prefix::GROUP, *self.key.public().as_bytes())
    }

    fn authorise(&self, signed: &[u8]) -> Auth {
        Auth {
            pubkey_ed25519: None,
            signature: self.key.sign(signed),
            subaccount: None,
        }
    }
}

/// A holder of a subaccount token. How the holder's key signs is left to `sign`, because a
/// group member's key is a blinded one.
#[derive(Clone, Copy)]
pub struct SubaccountSigner<F> {
    owner: SwarmPubkey,
    token: SubaccountToken,
    token_signature: Signature,
    sign: F,
}

impl<F: Fn(&[u8]) -> Signature> SubaccountSigner<F> {
    /// Signs for `owner` with a token the owner signed.
    #[must_use]
    pub const fn new(
        owner: SwarmPubkey,
        token: SubaccountToken,
        token_signature: Signature,
        sign: F,
    ) -> Self {
        Self {
            owner,
            token,
            token_signature,
            sign,
        }
    }
}

impl<F: Fn(&[u8]) -> Signature> RequestSigner for SubaccountSigner<F> {
    fn owner(&self) -> SwarmPubkey {
        self.owner
    }

    fn authorise(&self, signed: &[u8]) -> Auth {
        Auth {
            pubkey_ed25519: None,
            signature: (self.sign)(signed),
            subaccount: Some(SubaccountAuth {
                token: self.token,
                signature: self.token_signature,
            }),
        }
    }
}

impl<F> fmt::Debug for SubaccountSigner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubaccountSigner")
            .field("owner", &self.owner)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Auth {
    pub(crate) fn write_pubkey(&self, dict: &mut DictBuilder) {
        dict.put_some(
            "pubkey_ed25519",
            self.pubkey_ed25519
                .map(|key| Tree::Hex(key.as_bytes().to_vec())),
        );
    }

    pub(crate) fn write_signature(&self, dict: &mut DictBuilder) {
        if let Some(subaccount) = &self.subaccount {
            dict.put(
                "subaccount",
                Tree::Blob(subaccount.token.as_bytes().to_vec()),
            );
            dict.put(
                "subaccount_sig",
                Tree::Blob(subaccount.signature.as_bytes().to_vec()),
            );
        }
        dict.put("signature", Tree::Blob(self.signature.as_bytes().to_vec()));
    }

    /// Every field, in the order clients write them.
    pub(crate) fn write(&self, dict: &mut DictBuilder) {
        self.write_pubkey(dict);
        self.write_signature(dict);
    }
}
