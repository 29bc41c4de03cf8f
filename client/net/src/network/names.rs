//! From a registered name to an account (docs/protocol/names.md section 4).

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use futures_util::future::join_all;
use serde_json::{Value, json};
use session_crypto::name::{SessionName, VALUE_LEN};
use session_onion::paths::{PathError, Purpose};
use session_onion::pool::Draw;
use session_storage_rpc::Request;
use session_storage_rpc::request::{OxendEndpoint, OxendRequest};
use session_storage_rpc::response::OxendResponse;
use session_types::{AccountId, ErrorKind, NodeContact};

use super::{Network, lock};
use crate::NetError;

/// Nodes that must say the same.
const ANSWERS: usize = 3;
/// Nodes asked at most, in place of those that do not answer.
const ASKED: usize = 9;
/// Length of a nonce.
const NONCE: usize = 24;

/// Why there is no account for a name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The nodes agree that nobody has registered it.
    #[error("nobody has registered this name")]
    Unknown,
    /// What is registered cannot be read with this name.
    #[error("what is registered under this name cannot be read")]
    Unreadable,
    /// Nodes say different things; none of them is believed.
    #[error("the nodes disagree about who has this name")]
    Disagreement,
    /// Too few nodes answered.
    #[error(transparent)]
    Net(#[from] NetError),
}

impl NameError {
    /// A stable name for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "core.no_such_name",
            Self::Unreadable => "core.name_unreadable",
            Self::Disagreement => "core.names_disagree",
            Self::Net(error) => error.code(),
        }
    }

    /// What a caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown | Self::Unreadable => ErrorKind::BadInput,
            Self::Disagreement => ErrorKind::BadPeer,
            Self::Net(error) => error.kind(),
        }
    }
}

/// What is registered under a name: value and nonce, which the oldest form does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    value: Vec<u8>,
    nonce: Option<Vec<u8>>,
}

impl Network {
    /// The account registered under a name. Three random nodes are asked, others in place of
    /// those that do not answer; all three must say the same. They learn the hash of the name, and
    /// not who asks.
    ///
    /// # Errors
    /// [`NameError`].
    pub async fn resolve_name(&self, name: &SessionName) -> Result<AccountId, NameError> {
        self.ensure_pool().await?;
        let request = question(name)?;
        let mut nodes = self.drawn_for_name().into_iter();
        let mut answers: Vec<Option<Record>> = Vec::with_capacity(ANSWERS);
        let mut last = NetError::from(PathError::NoNodes {
            have: nodes.len(),
            need: ANSWERS,
        });
        while answers.len() < ANSWERS {
            let missing = ANSWERS - answers.len();
            let turn: Vec<NodeContact> = nodes.by_ref().take(missing).collect();
            if turn.len() < missing {
                return Err(last.into());
            }
            let asking = turn.iter().map(|node| self.ask_for_name(node, &request));
            for answer in join_all(asking).await {
                match answer {
                    Ok(record) => answers.push(record),
                    // Another node is reached over the same gap.
                    Err(error) if error.is_ours() => return Err(error.into()),
                    Err(error) => last = error,
                }
            }
        }
        agreed(name, answers).await
    }

    fn drawn_for_name(&self) -> Vec<NodeContact> {
        let pool = lock(&self.pool);
        let how = Draw {
            exclude: &self.guard().into_iter().collect(),
            subnets: pool.subnet_rule(),
        };
        let drawn = pool.draw(ASKED, how, &mut rand::rng());
        drawn.into_iter().cloned().collect()
    }

    async fn ask_for_name(
        &self,
        node: &NodeContact,
        request: &Request,
    ) -> Result<Option<Record>, NetError> {
        let reply = self.ask_node(node, &[], Purpose::Lookup, request).await?;
        let answer = reply.results.first().ok_or(NetError::BadReply)?;
        if let Err(refused) = answer.success() {
            return Err(refused.into());
        }
        let answer = OxendResponse::from_json(&answer.body).map_err(|_| NetError::BadReply)?;
        record(&answer.result)
    }
}

fn question(name: &SessionName) -> Result<Request, NetError> {
    let params = json!({ "type": 0, "name_hash": BASE64.encode(&name.hash()) });
    let request = Request::OxendRequest(OxendRequest {
        endpoint: OxendEndpoint::OnsResolve,
        params: Some(params),
    });
    Ok(Request::batch(vec![request])?)
}

/// Reads what a node says; `None`: the name is not registered.
fn record(result: &Value) -> Result<Option<Record>, NetError> {
    let bytes = |key: &str, longest: usize| -> Result<Option<Vec<u8>>, NetError> {
        match result.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.len() <= 2 * longest => HEXLOWER_PERMISSIVE
                .decode(text.as_bytes())
                .map(Some)
                .map_err(|_| NetError::BadReply),
            Some(_) => Err(NetError::BadReply),
        }
    };
    let Some(value) = bytes("encrypted_value", VALUE_LEN)? else {
        return Ok(None);
    };
    let nonce = bytes("nonce", NONCE)?;
    Ok(Some(Record { value, nonce }))
}

/// What all the answers say.
async fn agreed(name: &SessionName, answers: Vec<Option<Record>>) -> Result<AccountId, NameError> {
    let different: BTreeSet<Option<Record>> = answers.into_iter().collect();
    if different.iter().any(Option::is_none) {
        return Err(match different.len() {
            1 => NameError::Unknown,
            _ => NameError::Disagreement,
        });
    }
    let records: Vec<Record> = different.into_iter().flatten().collect();
    // Of the old form there is one for each account: those that agree are the same. Its key takes
    // a second and 256 MiB, which is not spent on liars.
    if records.iter().any(|record| record.nonce.is_none()) {
        let [record] = <[Record; 1]>::try_from(records).map_err(|_| NameError::Disagreement)?;
        let name = name.clone();
        let opened = tokio::task::spawn_blocking(move || name.decrypt_old(&record.value)).await;
        return opened
            .ok()
            .and_then(Result::ok)
            .ok_or(NameError::Unreadable);
    }
    let opened = records.iter().map(|record| {
        let nonce = record.nonce.as_deref().unwrap_or_default();
        name.decrypt(&record.value, nonce).ok()
    });
    let accounts: BTreeSet<Option<AccountId>> = opened.collect();
    match (accounts.len(), accounts.first()) {
        (1, Some(Some(account))) => Ok(*account),
        (1, _) => Err(NameError::Unreadable),
        _ => Err(NameError::Disagreement),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/protocol/names.md section 3.
    const KEEJEF: (&str, &str) = (
        "c71773a775682adc79ccdbe863a43685c007bdda195f3a33d3e188d756e9e90d7fd2bc12512bbb47f2e51018cec2b6a2b7",
        "f7fb09af1c7931c0d188f1df6ea77f373a094a139e2a94b9",
    );

    fn known() -> (SessionName, Option<Record>) {
        let result = json!({ "encrypted_value": KEEJEF.0, "nonce": KEEJEF.1 });
        ("keejef".parse().unwrap(), record(&result).unwrap())
    }

    #[tokio::test]
    async fn three_that_agree_are_believed() {
        let (name, record) = known();
        let account = agreed(&name, vec![record.clone(); 3]).await.unwrap();
        assert_eq!(
            account.to_hex(),
            "05d871fc80ca007eed9b2f4df72853e2a2d5465a92fcb1889fb5c84aa2833b3b40"
        );
        // The same account encrypted with another nonce is the same answer.
        let (value, nonce) = name.encrypt(&account, &mut rand::rng());
        let other = Some(Record {
            value,
            nonce: Some(nonce.to_vec()),
        });
        let again = agreed(&name, vec![record.clone(), other, record]).await;
        assert_eq!(again.unwrap(), account);
    }

    #[tokio::test]
    async fn one_that_disagrees_is_enough_to_believe_none() {
        let (name, record) = known();
        let (value, nonce) =
            name.encrypt(&AccountId::from_x25519([7; 32].into()), &mut rand::rng());
        let other = Some(Record {
            value,
            nonce: Some(nonce.to_vec()),
        });
        let broken = Some(Record {
            value: vec![1; VALUE_LEN],
            nonce: Some(vec![2; NONCE]),
        });
        let old = Some(Record {
            value: vec![1; VALUE_LEN],
            nonce: None,
        });
        for odd in [None, other, broken.clone(), old.clone()] {
            let error = agreed(&name, vec![record.clone(), odd, record.clone()]).await;
            assert!(matches!(error, Err(NameError::Disagreement)), "{error:?}");
        }
        let error = agreed(&name, vec![None; 3]).await;
        assert!(matches!(error, Err(NameError::Unknown)));
        for unreadable in [broken, old] {
            let error = agreed(&name, vec![unreadable; 3]).await;
            assert!(matches!(error, Err(NameError::Unreadable)));
        }
    }

    #[test]
    fn odd_answers_are_refused() {
        assert_eq!(record(&json!({})).unwrap(), None);
        assert_eq!(record(&json!({ "encrypted_value": null })).unwrap(), None);
        for odd in [
            json!({ "encrypted_value": 7 }),
            json!({ "encrypted_value": "xy" }),
            json!({ "encrypted_value": "00".repeat(VALUE_LEN + 1) }),
            json!({ "encrypted_value": "00", "nonce": "00".repeat(NONCE + 1) }),
        ] {
            assert!(record(&odd).is_err(), "{odd}");
        }
    }
}
