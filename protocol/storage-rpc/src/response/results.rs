//! One member's results of deleting, expiring and revoking, with the member's signature
//! (docs/protocol/node-rpc.md sections 5 and 6).

use std::collections::BTreeMap;

use session_crypto::{Ed25519Secret, verify};
use session_types::{Ed25519PublicKey, MessageHash, Namespace, Signature, SwarmPubkey, Timestamp};

use super::messages::{hash_of, read_times, times_tree};
use super::swarm_wide::{ResultFields, ResultReader};
use super::{NodeResult, time_tree};
use crate::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, RevokeSubaccount, UnrevokeSubaccount,
};
use crate::signing::{joined, push_time, with_tokens};
use crate::wire::{Reader, Tree};
use crate::{AuthError, ExpireMode, NamespaceFilter, ReadError, SubaccountToken};

/// The messages a request touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashLists {
    /// By namespace, when the request was for all of them.
    ByNamespace(BTreeMap<Namespace, Vec<MessageHash>>),
    /// Of the one namespace the request was for.
    One(Vec<MessageHash>),
}

impl HashLists {
    /// Sorts what a database returned into the form that answers `filter`.
    #[must_use]
    pub fn new(
        filter: NamespaceFilter,
        rows: impl IntoIterator<Item = (Namespace, MessageHash)>,
    ) -> Self {
        let mut lists = match filter {
            NamespaceFilter::One(_) => Self::One(rows.into_iter().map(|(_, hash)| hash).collect()),
            NamespaceFilter::All => {
                let mut map: BTreeMap<Namespace, Vec<MessageHash>> = BTreeMap::new();
                for (namespace, hash) in rows {
                    map.entry(namespace).or_default().push(hash);
                }
                Self::ByNamespace(map)
            }
        };
        match &mut lists {
            Self::One(list) => list.sort(),
            Self::ByNamespace(map) => map.values_mut().for_each(|list| list.sort()),
        }
        lists
    }

    /// Every hash, sorted, whatever its namespace: the order signatures cover.
    #[must_use]
    pub fn flattened(&self) -> Vec<&MessageHash> {
        let mut all: Vec<&MessageHash> = match self {
            Self::One(list) => list.iter().collect(),
            Self::ByNamespace(map) => map.values().flatten().collect(),
        };
        all.sort();
        all
    }

    fn tree(&self) -> Tree {
        match self {
            Self::One(list) => hash_list_tree(list),
            Self::ByNamespace(map) => Tree::answer(
                map.iter()
                    .map(|(namespace, list)| (namespace.to_string().into(), hash_list_tree(list)))
                    .collect(),
            ),
        }
    }

    fn read(reader: Reader<'_>, name: &'static str) -> Result<Self, ReadError> {
        let value = reader.get(name).ok_or(ReadError::Missing(name))?;
        match value.entries() {
            None => read_hash_list(value, name).map(Self::One),
            Some(entries) => entries
                .into_iter()
                .map(|(namespace, list)| {
                    let namespace: i16 = namespace.parse().map_err(|_| ReadError::Field(name))?;
                    Ok((Namespace::new(namespace), read_hash_list(list, name)?))
                })
                .collect::<Result<_, _>>()
                .map(Self::ByNamespace),
        }
    }
}

/// One member's result of `delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Those of the named messages that were there, sorted.
    pub deleted: Vec<MessageHash>,
    /// Over the account, the named and the deleted hashes.
    pub signature: Option<Signature>,
}

impl Deleted {
    /// A result, signed by the node.
    #[must_use]
    pub fn signed(node: &Ed25519Secret, request: &Delete, mut deleted: Vec<MessageHash>) -> Self {
        deleted.sort();
        let signature = Some(node.sign(Self::text(request, &deleted).as_bytes()));
        Self { deleted, signature }
    }

    /// Whether the member really signed this result.
    ///
    /// # Errors
    /// [`AuthError::Signature`] when the signature is missing or wrong.
    pub fn verify(&self, node: &Ed25519PublicKey, request: &Delete) -> Result<(), AuthError> {
        let text = Self::text(request, &self.deleted);
        verify_node(node, text.as_bytes(), self.signature.as_ref())
    }

    fn text(request: &Delete, deleted: &[MessageHash]) -> String {
        joined(joined(request.owner.to_hex(), &request.messages), deleted)
    }
}

impl NodeResult for Deleted {
    fn write(&self, dict: &mut ResultFields) {
        dict.0.put("deleted", hash_list_tree(&self.deleted));
        write_signature(dict, self.signature);
    }

    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
        let deleted = fields
            .0
            .get("deleted")
            .ok_or(ReadError::Missing("deleted"))?;
        Ok(Self {
            deleted: read_hash_list(deleted, "deleted")?,
            signature: read_signature(fields.0)?,
        })
    }
}

macro_rules! timed_result {
    (
        $(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $key:literal }
        of $request:ty, time $time:ident
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: HashLists,
            /// Over the account, the time of the request and the hashes.
            pub signature: Option<Signature>,
        }

        impl $name {
            /// A result, signed by the node.
            #[must_use]
            pub fn signed(node: &Ed25519Secret, request: &$request, $field: HashLists) -> Self {
                let text = timed_text(&request.owner, request.$time, &$field);
                let signature = Some(node.sign(text.as_bytes()));
                Self { $field, signature }
            }

            /// Whether the member really signed this result.
            ///
            /// # Errors
            /// [`AuthError::Signature`] when the signature is missing or wrong.
            pub fn verify(
                &self,
                node: &Ed25519PublicKey,
                request: &$request,
            ) -> Result<(), AuthError> {
                let text = timed_text(&request.owner, request.$time, &self.$field);
                verify_node(node, text.as_bytes(), self.signature.as_ref())
            }
        }

        impl NodeResult for $name {
            fn write(&self, dict: &mut ResultFields) {
                dict.0.put($key, self.$field.tree());
                write_signature(dict, self.signature);
            }

            fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
                Ok(Self {
                    $field: HashLists::read(fields.0, $key)?,
                    signature: read_signature(fields.0)?,
                })
            }
        }
    };
}

timed_result! {
    /// One member's result of `delete_all`.
    DeletedAll {
        /// What was there.
        deleted: "deleted"
    } of DeleteAll, time timestamp
}
timed_result! {
    /// One member's result of `delete_before`.
    DeletedBefore {
        /// What was there and old enough.
        deleted: "deleted"
    } of DeleteBefore, time before
}
timed_result! {
    /// One member's result of `expire_all`.
    ExpiredAll {
        /// What would have lived longer.
        updated: "updated"
    } of ExpireAll, time expiry
}

/// The expiry in an answer to `expire`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewExpiry {
    /// One for each changed message, in the order of `updated`.
    Each(Vec<Timestamp>),
    /// The same for all.
    One(Timestamp),
}

/// One member's result of `expire`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The messages whose expiry changed, sorted.
    pub updated: Vec<MessageHash>,
    /// The expiry they have now.
    pub expiry: NewExpiry,
    /// Messages that are there and did not change, with the expiry they have; only in answers to
    /// requests that extend or shorten.
    pub unchanged: Option<BTreeMap<MessageHash, Timestamp>>,
    /// Over the account, the expiry given here, the named, the changed and the unchanged
    /// messages.
    pub signature: Option<Signature>,
}

impl Expired {
    /// A result, signed by the node. `updated` holds each changed message with its new expiry,
    /// `unchanged` those that were there and did not change; `capped` is what [`Expire::capped`]
    /// made of the expiry of a request that has only one.
    #[must_use]
    pub fn signed(
        node: &Ed25519Secret,
        request: &Expire,
        capped: Timestamp,
        updated: BTreeMap<MessageHash, Timestamp>,
        unchanged: BTreeMap<MessageHash, Timestamp>,
    ) -> Self {
        let expiry = if request.expiry.len() > 1 {
            NewExpiry::Each(updated.values().copied().collect())
        } else {
            NewExpiry::One(capped)
        };
        let updated: Vec<MessageHash> = updated.into_keys().collect();
        let unchanged = (request.mode != ExpireMode::Set).then_some(unchanged);
        let mut result = Self {
            updated,
            expiry,
            unchanged,
            signature: None,
        };
        result.signature = Some(node.sign(result.text(request).as_bytes()));
        result
    }

    /// Whether the member really signed this result.
    ///
    /// # Errors
    /// [`AuthError::Signature`] when the signature is missing or wrong.
    pub fn verify(&self, node: &Ed25519PublicKey, request: &Expire) -> Result<(), AuthError> {
        verify_node(node, self.text(request).as_bytes(), self.signature.as_ref())
    }

    fn text(&self, request: &Expire) -> String {
        let mut text = request.owner.to_hex();
        let expiry = match &self.expiry {
            NewExpiry::One(time) => core::slice::from_ref(time),
            NewExpiry::Each(times) => times.as_slice(),
        };
        for time in expiry {
            push_time(&mut text, *time);
        }
        text = joined(joined(text, &request.messages), &self.updated);
        for (hash, time) in self.unchanged.iter().flatten() {
            text.push_str(hash.as_str());
            push_time(&mut text, *time);
        }
        text
    }
}

impl NodeResult for Expired {
    fn write(&self, dict: &mut ResultFields) {
        let expiry = match &self.expiry {
            NewExpiry::One(time) => time_tree(*time),
            NewExpiry::Each(times) => Tree::List(times.iter().copied().map(time_tree).collect()),
        };
        dict.0
            .put("expiry", expiry)
            .put("updated", hash_list_tree(&self.updated))
            .put_some("unchanged", self.unchanged.as_ref().map(times_tree));
        write_signature(dict, self.signature);
    }

    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
        let reader = fields.0;
        let expiry = reader.get("expiry").ok_or(ReadError::Missing("expiry"))?;
        let read_time = |time: Reader<'_>| time.uint().map(Timestamp::from_ms);
        let expiry = match expiry.list() {
            None => read_time(expiry).map(NewExpiry::One),
            Some(times) => times
                .into_iter()
                .map(read_time)
                .collect::<Option<_>>()
                .map(NewExpiry::Each),
        };
        let updated = reader.get("updated").ok_or(ReadError::Missing("updated"))?;
        Ok(Self {
            updated: read_hash_list(updated, "updated")?,
            expiry: expiry.ok_or(ReadError::Field("expiry"))?,
            unchanged: reader
                .get("unchanged")
                .map(|unchanged| read_times(unchanged, "unchanged"))
                .transpose()?,
            signature: read_signature(reader)?,
        })
    }
}

/// One member's result of `revoke_subaccount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Over the account, the time of the request and the tokens.
    pub signature: Option<Signature>,
}

impl Revoked {
    /// A result, signed by the node.
    #[must_use]
    pub fn signed(node: &Ed25519Secret, request: &RevokeSubaccount) -> Self {
        let bytes = token_bytes(&request.owner, request.timestamp, &request.revoke);
        Self {
            signature: Some(node.sign(&bytes)),
        }
    }

    /// Whether the member really signed this result.
    ///
    /// # Errors
    /// [`AuthError::Signature`] when the signature is missing or wrong.
    pub fn verify(
        &self,
        node: &Ed25519PublicKey,
        request: &RevokeSubaccount,
    ) -> Result<(), AuthError> {
        let bytes = token_bytes(&request.owner, request.timestamp, &request.revoke);
        verify_node(node, &bytes, self.signature.as_ref())
    }
}

impl NodeResult for Revoked {
    fn write(&self, dict: &mut ResultFields) {
        write_signature(dict, self.signature);
    }

    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            signature: read_signature(fields.0)?,
        })
    }
}

/// One member's result of `unrevoke_subaccount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrevoked {
    /// How many of the tokens were revoked there.
    pub count: u64,
    /// Over the account, the time of the request and the tokens.
    pub signature: Option<Signature>,
}

impl Unrevoked {
    /// A result, signed by the node.
    #[must_use]
    pub fn signed(node: &Ed25519Secret, request: &UnrevokeSubaccount, count: u64) -> Self {
        let bytes = token_bytes(&request.owner, request.timestamp, &request.unrevoke);
        Self {
            count,
            signature: Some(node.sign(&bytes)),
        }
    }

    /// Whether the member really signed this result.
    ///
    /// # Errors
    /// [`AuthError::Signature`] when the signature is missing or wrong.
    pub fn verify(
        &self,
        node: &Ed25519PublicKey,
        request: &UnrevokeSubaccount,
    ) -> Result<(), AuthError> {
        let bytes = token_bytes(&request.owner, request.timestamp, &request.unrevoke);
        verify_node(node, &bytes, self.signature.as_ref())
    }
}

impl NodeResult for Unrevoked {
    fn write(&self, dict: &mut ResultFields) {
        dict.0.put("count", Tree::Uint(self.count));
        write_signature(dict, self.signature);
    }

    fn read(fields: ResultReader<'_>) -> Result<Self, ReadError> {
        let count = fields.0.get("count").and_then(Reader::uint).unwrap_or(0);
        Ok(Self {
            count,
            signature: read_signature(fields.0)?,
        })
    }
}

fn timed_text(owner: &SwarmPubkey, time: Timestamp, hashes: &HashLists) -> String {
    let mut text = owner.to_hex();
    push_time(&mut text, time);
    joined(text, &hashes.flattened())
}

fn token_bytes(owner: &SwarmPubkey, time: Timestamp, tokens: &[SubaccountToken]) -> Vec<u8> {
    let mut text = owner.to_hex();
    push_time(&mut text, time);
    with_tokens(text, tokens)
}

pub(super) fn verify_node(
    node: &Ed25519PublicKey,
    text: &[u8],
    signature: Option<&Signature>,
) -> Result<(), AuthError> {
    let signature = signature.ok_or(AuthError::Signature)?;
    verify(node, text, signature).map_err(|_| AuthError::Signature)
}

fn write_signature(dict: &mut ResultFields, signature: Option<Signature>) {
    dict.0.put_some(
        "signature",
        signature.map(|s| Tree::Blob(s.as_bytes().to_vec())),
    );
}

pub(super) fn read_signature(reader: Reader<'_>) -> Result<Option<Signature>, ReadError> {
    reader
        .get("signature")
        .map(|value| {
            let bytes = value.blob().ok_or(ReadError::Field("signature"))?;
            Signature::try_from(bytes.as_slice()).map_err(ReadError::field("signature"))
        })
        .transpose()
}

fn hash_list_tree(list: &[MessageHash]) -> Tree {
    Tree::List(
        list.iter()
            .map(|hash| Tree::Text(hash.to_string()))
            .collect(),
    )
}

fn read_hash_list(reader: Reader<'_>, name: &'static str) -> Result<Vec<MessageHash>, ReadError> {
    let list = reader.list().ok_or(ReadError::Field(name))?;
    list.into_iter().map(hash_of).collect()
}
