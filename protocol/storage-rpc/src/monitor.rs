//! Subscriptions to the messages of an account (docs/protocol/node.md section 11).
//!
//! A client registers at members of the account's swarm, with one dict or a list of them:
//!
//! | Key | Type | Content |
//! |---|---|---|
//! | `P` | 32 bytes | Ed25519 key of a `05` account; or `p` |
//! | `S` | 64 bytes | the account's signature over the token, with `T` |
//! | `T` | 36 bytes | a subaccount token |
//! | `d` | 0 or 1 | notifications carry the data |
//! | `n` | list of ints | namespaces, ascending |
//! | `p` | 33 bytes | the account id, for other kinds of accounts |
//! | `s` | 64 bytes | signature over [`signed_text`] |
//! | `t` | int | seconds, when it was signed |
//!
//! From then on each newly stored message is announced with `notify`, see [`Notification`].

use core::time::Duration;

use session_crypto::ed25519_to_x25519;
use session_encoding::bt::{BtError, DictReader, DictWriter, ListReader, ListWriter};
use session_types::{
    Ed25519PublicKey, MessageHash, Namespace, Signature, SwarmPubkey, Timestamp, network_prefix,
};

use crate::{
    Auth, AuthError, NoAuthMemory, Permissions, RequestSigner, SubaccountAuth, SubaccountToken,
    SwarmResponse, verify_auth,
};

/// How long a registration lasts; clients renew it within the hour.
pub const LIFETIME: Duration = Duration::from_secs(65 * 60);
/// How old a signature may be.
pub const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 3600);
/// How far ahead of the node's clock a signature's time may be.
pub const MAX_AHEAD: Duration = Duration::from_secs(24 * 3600);
/// Registrations in one request. Each costs a verification or three.
pub const MAX_REGISTRATIONS: usize = 1000;

/// Name of the command that announces a message.
pub const NOTIFY: &str = "notify";
/// Name of the command that says that an account has left the swarm.
pub const ENDED: &str = "monitor_ended";

/// Why there is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    /// Something is missing, of the wrong type, or too much.
    BadArguments = 1,
    /// The key is none.
    BadPubkey = 2,
    /// The namespaces do not ascend.
    BadNamespaces = 3,
    /// The signature is too old or from the future.
    BadTimestamp = 4,
    /// The signature or the token is wrong.
    BadSignature = 5,
    /// The account is in another swarm.
    WrongSwarm = 6,
}

/// What a client hears instead of success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind.
    pub code: ErrorCode,
    /// In words.
    pub text: String,
    /// The right swarm, with [`ErrorCode::WrongSwarm`].
    pub swarm: Option<SwarmResponse>,
}

impl Refusal {
    /// A refusal in these words.
    #[must_use]
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            swarm: None,
        }
    }

    /// The account is in that swarm instead.
    #[must_use]
    pub fn wrong_swarm(swarm: SwarmResponse) -> Self {
        Self {
            swarm: Some(swarm),
            ..Self::new(ErrorCode::WrongSwarm, "account is not in this swarm")
        }
    }

    fn write(&self, account: Option<&SwarmPubkey>) -> Result<DictWriter, BtError> {
        let mut dict = DictWriter::new();
        if let Some(account) = account {
            dict.bytes("@", account.to_bytes())?;
        }
        dict.int("errcode", i64::from(self.code as u8))?
            .bytes("error", &self.text)?;
        if let Some(swarm) = &self.swarm {
            let tree = swarm.to_tree().to_bt();
            for key in ["snodes", "swarm"] {
                if let Some(value) = tree.get(key) {
                    dict.value(key, value)?;
                }
            }
        }
        Ok(dict)
    }
}

/// A wish to be told of an account's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Whose messages.
    pub owner: SwarmPubkey,
    /// Who asks.
    pub auth: Auth,
    /// Notifications carry the data.
    pub with_data: bool,
    /// Ascending, at least one.
    pub namespaces: Vec<Namespace>,
    /// When it was signed, in seconds.
    pub time: i64,
}

/// The text a registration's signature covers: `MONITOR`, account id in hex, seconds, whether
/// data is wanted, namespaces with commas between them.
#[must_use]
pub fn signed_text(
    owner: &SwarmPubkey,
    time: i64,
    with_data: bool,
    namespaces: &[Namespace],
) -> String {
    let namespaces: Vec<String> = namespaces
        .iter()
        .map(|namespace| namespace.get().to_string())
        .collect();
    format!(
        "MONITOR{}{time}{}{}",
        owner.to_hex(),
        u8::from(with_data),
        namespaces.join(",")
    )
}

impl Registration {
    /// A registration signed now.
    #[must_use]
    pub fn signed(
        signer: &impl RequestSigner,
        mut namespaces: Vec<Namespace>,
        with_data: bool,
        now: Timestamp,
    ) -> Self {
        namespaces.sort_unstable();
        namespaces.dedup();
        let owner = signer.owner();
        let time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let text = signed_text(&owner, time, with_data, &namespaces);
        Self {
            auth: signer.authorise(text.as_bytes()),
            owner,
            with_data,
            namespaces,
            time,
        }
    }

    /// Checks time and authority.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(&self, now: Timestamp) -> Result<(), Refusal> {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let refuse = |text| Err(Refusal::new(ErrorCode::BadTimestamp, text));
        if self.time < now.saturating_sub(seconds(MAX_AGE)) {
            return refuse("signature timestamp is too old");
        }
        if self.time > now.saturating_add(seconds(MAX_AHEAD)) {
            return refuse("signature timestamp is in the future");
        }
        let text = signed_text(&self.owner, self.time, self.with_data, &self.namespaces);
        // Whether the token has been revoked is not asked.
        verify_auth(
            &self.owner,
            &self.auth,
            text.as_bytes(),
            Permissions::READ,
            false,
            &NoAuthMemory,
        )
        .map_err(|error| match error {
            AuthError::KeyMismatch => {
                Refusal::new(ErrorCode::BadPubkey, "invalid ed25519 public key")
            }
            error => Refusal::new(ErrorCode::BadSignature, error.to_string()),
        })
    }

    /// The dict a client sends.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut namespaces = ListWriter::new();
        for namespace in &self.namespaces {
            namespaces.int(namespace.get().into());
        }
        let write = || -> Result<Vec<u8>, BtError> {
            let mut dict = DictWriter::new();
            if let Some(key) = &self.auth.pubkey_ed25519 {
                dict.bytes("P", key.as_bytes())?;
            }
            if let Some(subaccount) = &self.auth.subaccount {
                dict.bytes("S", subaccount.signature.as_bytes())?
                    .bytes("T", subaccount.token.as_bytes())?;
            }
            dict.int("d", self.with_data.into())?
                .list("n", &namespaces)?;
            if self.auth.pubkey_ed25519.is_none() {
                dict.bytes("p", self.owner.to_bytes())?;
            }
            dict.bytes("s", self.auth.signature.as_bytes())?
                .int("t", self.time)?;
            Ok(dict.finish())
        };
        // The keys ascend.
        write().unwrap_or_default()
    }

    fn read(mut dict: DictReader<'_>) -> Result<Self, Refusal> {
        let ed25519 = match find_bytes(&mut dict, "P")? {
            None => None,
            Some(key) => Some(exactly(key, "P", ErrorCode::BadPubkey).map(Ed25519PublicKey::new)?),
        };
        let subaccount = match find_bytes(&mut dict, "S")? {
            None => None,
            Some(signature) => {
                let signature = exactly(signature, "S", ErrorCode::BadPubkey)?;
                let token = find_bytes(&mut dict, "T")?.ok_or_else(|| missing("T"))?;
                Some(SubaccountAuth {
                    token: SubaccountToken::try_from(token)
                        .map_err(|_| wrong_length("T", ErrorCode::BadPubkey))?,
                    signature: Signature::new(signature),
                })
            }
        };
        let with_data = match find(&mut dict, "d")? {
            false => false,
            true => dict.i64().map_err(bad)? != 0,
        };
        if !find(&mut dict, "n")? {
            return Err(missing("n"));
        }
        let namespaces = read_namespaces(dict.list().map_err(bad)?)?;
        let prefixed = find_bytes(&mut dict, "p")?;
        let owner = match (ed25519, prefixed) {
            (Some(_), Some(_)) => {
                let text = "p and P cannot be given together";
                return Err(Refusal::new(ErrorCode::BadArguments, text));
            }
            (None, None) => return Err(missing("p or P")),
            (None, Some(id)) => {
                let [prefix, key @ ..]: [u8; 33] = exactly(id, "p", ErrorCode::BadPubkey)?;
                SwarmPubkey::new(prefix, key)
            }
            (Some(key), None) => {
                let key = ed25519_to_x25519(&key).map_err(|_| {
                    Refusal::new(ErrorCode::BadPubkey, "invalid ed25519 public key")
                })?;
                SwarmPubkey::new(network_prefix::ACCOUNT, *key.as_bytes())
            }
        };
        let signature = find_bytes(&mut dict, "s")?.ok_or_else(|| missing("s"))?;
        let signature = exactly(signature, "s", ErrorCode::BadSignature)?;
        if !find(&mut dict, "t")? {
            return Err(missing("t"));
        }
        let time = dict.i64().map_err(bad)?;
        Ok(Self {
            owner,
            auth: Auth {
                pubkey_ed25519: ed25519,
                signature: Signature::new(signature),
                subaccount,
            },
            with_data,
            namespaces,
            time,
        })
    }
}

/// The registrations of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorRequest {
    /// In their order; what could not be read has its refusal.
    pub registrations: Vec<Result<Registration, Refusal>>,
    /// Whether they came as a list, and the answers go back as one.
    pub list: bool,
}

impl MonitorRequest {
    /// Reads the body of a `monitor` command. Nothing is verified yet.
    ///
    /// # Errors
    /// [`Refusal`] when it is neither a dict nor a list of dicts; answer with
    /// [`encode_refusal`].
    pub fn decode(body: &[u8]) -> Result<Self, Refusal> {
        match body.first() {
            Some(b'd') => Ok(Self {
                registrations: vec![Registration::read(DictReader::new(body).map_err(bad)?)],
                list: false,
            }),
            Some(b'l') => {
                let mut list = ListReader::new(body).map_err(bad)?;
                let mut registrations = Vec::new();
                while !list.at_end() {
                    if registrations.len() >= MAX_REGISTRATIONS {
                        let text = "too many registrations in one request";
                        return Err(Refusal::new(ErrorCode::BadArguments, text));
                    }
                    registrations.push(Registration::read(list.dict().map_err(bad)?));
                }
                let list = true;
                Ok(Self {
                    registrations,
                    list,
                })
            }
            _ => Err(Refusal::new(
                ErrorCode::BadArguments,
                "monitor takes a bencoded dict or list of dicts",
            )),
        }
    }

    /// The answer, in the form of the request.
    #[must_use]
    pub fn encode_answers<'a>(
        list: bool,
        answers: impl IntoIterator<Item = &'a Result<(), Refusal>>,
    ) -> Vec<u8> {
        let mut out = ListWriter::new();
        for answer in answers {
            let dict = match answer {
                Ok(()) => success(),
                Err(refusal) => refusal.write(None),
            };
            // The keys ascend.
            let dict = dict.unwrap_or_default();
            if !list {
                return dict.finish();
            }
            out.dict(&dict);
        }
        out.finish()
    }
}

/// The answer to a request that could not be read at all.
#[must_use]
pub fn encode_refusal(refusal: &Refusal) -> Vec<u8> {
    // The keys ascend.
    refusal.write(None).unwrap_or_default().finish()
}

/// What a client's registration has led to: nothing, or the code and the words of a refusal.
///
/// # Errors
/// [`BtError`] when the answer is none.
pub fn decode_answer(body: &[u8]) -> Result<Result<(), (i64, String)>, BtError> {
    let mut dict = DictReader::new(body)?;
    if dict.find("errcode")? {
        let code = dict.i64()?;
        let text = if dict.find("error")? {
            dict.text()?
        } else {
            ""
        };
        return Ok(Err((code, text.to_owned())));
    }
    dict.require_i64("success").map(|_| Ok(()))
}

/// The body of [`ENDED`]: the account has gone to another swarm.
#[must_use]
pub fn encode_ended(owner: &SwarmPubkey, swarm: SwarmResponse) -> Vec<u8> {
    let refusal = Refusal::wrong_swarm(swarm);
    // The keys ascend.
    refusal.write(Some(owner)).unwrap_or_default().finish()
}

/// A message has been stored: the body of [`NOTIFY`].
///
/// | Key | Type | Content |
/// |---|---|---|
/// | `@` | 33 bytes | account |
/// | `h` | text | message hash |
/// | `n` | int | namespace |
/// | `t` | int | timestamp, ms |
/// | `z` | int | expiry, ms |
/// | `~` | bytes | data, if the subscription wants it |
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// Whose mailbox.
    pub owner: SwarmPubkey,
    /// Names the message.
    pub hash: MessageHash,
    /// Where in the mailbox.
    pub namespace: Namespace,
    /// The message's own time.
    pub timestamp: Timestamp,
    /// When it goes away.
    pub expiry: Timestamp,
    /// The message.
    pub data: Option<Vec<u8>>,
}

impl core::fmt::Debug for Notification {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Notification")
            .field("namespace", &self.namespace)
            .field("data", &self.data.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

impl Notification {
    /// The dict.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let write = || -> Result<Vec<u8>, BtError> {
            let mut dict = DictWriter::new();
            dict.bytes("@", self.owner.to_bytes())?
                .bytes("h", self.hash.as_str())?
                .int("n", self.namespace.get().into())?
                .uint("t", self.timestamp.as_ms())?
                .uint("z", self.expiry.as_ms())?;
            if let Some(data) = &self.data {
                dict.bytes("~", data)?;
            }
            Ok(dict.finish())
        };
        // The keys ascend.
        write().unwrap_or_default()
    }

    /// Reads the dict.
    ///
    /// # Errors
    /// [`BtError`] when a field is missing or of another type.
    pub fn decode(body: &[u8]) -> Result<Self, BtError> {
        let mut dict = DictReader::new(body)?;
        let [prefix, key @ ..] = *dict.require_array::<33>("@")?;
        let hash = dict.require_text("h")?.parse().map_err(|_| BtError::Type {
            expected: "a message hash",
        })?;
        let namespace = i16::try_from(dict.require_i64("n")?).map_err(|_| BtError::Range)?;
        let timestamp = Timestamp::from_ms(dict.require_u64("t")?);
        let expiry = Timestamp::from_ms(dict.require_u64("z")?);
        let data = if dict.find("~")? {
            Some(dict.bytes()?.to_vec())
        } else {
            None
        };
        Ok(Self {
            owner: SwarmPubkey::new(prefix, key),
            hash,
            namespace: Namespace::new(namespace),
            timestamp,
            expiry,
            data,
        })
    }
}

fn success() -> Result<DictWriter, BtError> {
    let mut dict = DictWriter::new();
    dict.int("success", 1)?;
    Ok(dict)
}

fn read_namespaces(mut list: ListReader<'_>) -> Result<Vec<Namespace>, Refusal> {
    let mut namespaces = Vec::new();
    while !list.at_end() {
        let value = i16::try_from(list.i64().map_err(bad)?)
            .map_err(|_| Refusal::new(ErrorCode::BadArguments, "namespace out of range"))?;
        let namespace = Namespace::new(value);
        if namespaces.last().is_some_and(|last| *last >= namespace) {
            return Err(Refusal::new(
                ErrorCode::BadNamespaces,
                "namespaces must be ascending",
            ));
        }
        namespaces.push(namespace);
    }
    if namespaces.is_empty() {
        return Err(missing("n"));
    }
    Ok(namespaces)
}

fn find(dict: &mut DictReader<'_>, key: &str) -> Result<bool, Refusal> {
    dict.find(key).map_err(bad)
}

fn find_bytes<'a>(dict: &mut DictReader<'a>, key: &str) -> Result<Option<&'a [u8]>, Refusal> {
    if find(dict, key)? {
        dict.bytes().map(Some).map_err(bad)
    } else {
        Ok(None)
    }
}

fn exactly<const N: usize>(bytes: &[u8], key: &str, code: ErrorCode) -> Result<[u8; N], Refusal> {
    bytes.try_into().map_err(|_| wrong_length(key, code))
}

fn wrong_length(key: &str, code: ErrorCode) -> Refusal {
    Refusal::new(code, format!("{key} has the wrong length"))
}

fn missing(key: &str) -> Refusal {
    Refusal::new(ErrorCode::BadArguments, format!("{key} is missing"))
}

#[allow(clippy::needless_pass_by_value, reason = "used with map_err")]
fn bad(error: BtError) -> Refusal {
    Refusal::new(
        ErrorCode::BadArguments,
        format!("invalid arguments: {error}"),
    )
}
