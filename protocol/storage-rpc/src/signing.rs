//! The texts that request signatures cover (docs/protocol/node-rpc.md section 2.3).
//!
//! Pieces are joined without separators; namespace 0 is written as nothing at all.

use core::fmt::Write as _;

use session_types::{MessageHash, Namespace, Timestamp};

use crate::{ExpireMode, NamespaceFilter, SubaccountToken};

/// `store`, namespace, time of the signature.
#[must_use]
pub fn store(namespace: Namespace, sig_timestamp: Timestamp) -> String {
    format!("store{}{sig_timestamp}", namespace.signed_form())
}

/// `retrieve`, namespace, time.
#[must_use]
pub fn retrieve(namespace: Namespace, timestamp: Timestamp) -> String {
    format!("retrieve{}{timestamp}", namespace.signed_form())
}

/// `delete`, the hashes in the order of the request.
#[must_use]
pub fn delete(messages: &[MessageHash]) -> String {
    joined("delete".to_owned(), messages)
}

/// `delete_all`, namespace or `all`, time.
#[must_use]
pub fn delete_all(namespace: NamespaceFilter, timestamp: Timestamp) -> String {
    format!("delete_all{}{timestamp}", namespace.signed_form())
}

/// `delete_before`, namespace or `all`, the boundary.
#[must_use]
pub fn delete_before(namespace: NamespaceFilter, before: Timestamp) -> String {
    format!("delete_before{}{before}", namespace.signed_form())
}

/// `expire_all`, namespace or `all`, the new expiry.
#[must_use]
pub fn expire_all(namespace: NamespaceFilter, expiry: Timestamp) -> String {
    format!("expire_all{}{expiry}", namespace.signed_form())
}

/// `expire`, `shorten`, `extend` or nothing, the expiries, the hashes.
#[must_use]
pub fn expire(mode: ExpireMode, expiry: &[Timestamp], messages: &[MessageHash]) -> String {
    let mut out = format!("expire{}", mode.signed_form());
    for time in expiry {
        push_time(&mut out, *time);
    }
    joined(out, messages)
}

/// `get_expiries`, time, the hashes.
#[must_use]
pub fn get_expiries<S: AsRef<str>>(timestamp: Timestamp, messages: &[S]) -> String {
    joined(format!("get_expiries{timestamp}"), messages)
}

/// `revoke_subaccount`, time, the raw tokens.
#[must_use]
pub fn revoke_subaccount(timestamp: Timestamp, tokens: &[SubaccountToken]) -> Vec<u8> {
    with_tokens(format!("revoke_subaccount{timestamp}"), tokens)
}

/// `unrevoke_subaccount`, time, the raw tokens.
#[must_use]
pub fn unrevoke_subaccount(timestamp: Timestamp, tokens: &[SubaccountToken]) -> Vec<u8> {
    with_tokens(format!("unrevoke_subaccount{timestamp}"), tokens)
}

/// `revoked_subaccounts`, time.
#[must_use]
pub fn revoked_subaccounts(timestamp: Timestamp) -> String {
    format!("revoked_subaccounts{timestamp}")
}

pub(crate) fn joined<S: AsRef<str>>(mut start: String, parts: &[S]) -> String {
    for part in parts {
        start.push_str(part.as_ref());
    }
    start
}

pub(crate) fn push_time(out: &mut String, time: Timestamp) {
    // Writing into a String cannot fail.
    let _ = write!(out, "{time}");
}

pub(crate) fn with_tokens(start: String, tokens: &[SubaccountToken]) -> Vec<u8> {
    let mut out = start.into_bytes();
    for token in tokens {
        out.extend_from_slice(token.as_bytes());
    }
    out
}
