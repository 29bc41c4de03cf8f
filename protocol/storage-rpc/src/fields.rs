//! Typed access to the parameters of a request, with the refusal texts nodes give
//! (docs/protocol/node-rpc.md sections 1 and 1.1).

use session_types::{
    Ed25519PublicKey, Namespace, Signature, SwarmPubkey, Timestamp, network_prefix,
};

use crate::wire::{Reader, decode_base64, decode_hex};
use crate::{Auth, NamespaceFilter, RpcError, SubaccountAuth, SubaccountToken};

type Parsed<T> = Result<Option<T>, RpcError>;

/// JSON times below this are seconds given by mistake.
const SMALLEST_MS: u64 = 1_000_000_000;

/// The parameters of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(Reader<'a>);

impl<'a> Fields<'a> {
    pub(crate) const fn new(params: Reader<'a>) -> Self {
        Self(params)
    }

    pub(crate) const fn reader(self) -> Reader<'a> {
        self.0
    }

    pub(crate) fn boolean(self, key: &str) -> Parsed<bool> {
        self.typed(key, "boolean", Reader::bool)
    }

    pub(crate) fn integer(self, key: &str) -> Parsed<i64> {
        self.typed(key, "integer", Reader::int)
    }

    pub(crate) fn raw(self, key: &str) -> Parsed<&'a [u8]> {
        self.typed(key, "string", Reader::raw)
    }

    /// A list of strings, or one string.
    pub(crate) fn raw_list(self, key: &str) -> Parsed<Vec<&'a [u8]>> {
        self.typed(key, "string array", |value| match value.raw() {
            Some(one) => Some(vec![one]),
            None => value.list()?.into_iter().map(Reader::raw).collect(),
        })
    }

    /// A list of integers, or one integer.
    pub(crate) fn integer_list(self, key: &str) -> Parsed<Vec<i64>> {
        self.typed(key, "integer array", |value| match value.int() {
            Some(one) => Some(vec![one]),
            None => value.list()?.into_iter().map(Reader::int).collect(),
        })
    }

    /// A time in milliseconds.
    pub(crate) fn timestamp(self, key: &str) -> Parsed<Timestamp> {
        let found = self.typed(key, "integer timestamp (in milliseconds)", time)?;
        if self.0.is_json() && found.is_some_and(|time| time.as_ms() < SMALLEST_MS) {
            return Err(RpcError::invalid(format!(
                "Invalid timestamp for '{key}': timestamp must be in milliseconds"
            )));
        }
        Ok(found)
    }

    /// A list of times, or one time; seconds are not looked for.
    pub(crate) fn timestamp_list(self, key: &str) -> Parsed<Vec<Timestamp>> {
        self.typed(key, "timestamp array", |value| match time(value) {
            Some(one) => Some(vec![one]),
            None => value.list()?.into_iter().map(time).collect(),
        })
    }

    /// `timestamp` of `store`: any integer, in JSON also as text. A time before 1970 becomes 1970,
    /// which every later check refuses in the same way.
    pub(crate) fn store_timestamp(self) -> Parsed<Timestamp> {
        const KEY: &str = "timestamp";
        let ms = if self.0.is_json() {
            match self.stringified::<i64>(KEY)? {
                None => self.integer(KEY)?,
                some => some,
            }
        } else {
            self.typed(KEY, "integer timestamp (in milliseconds)", Reader::int)?
        };
        Ok(ms.map(|ms| Timestamp::from_ms(u64::try_from(ms).unwrap_or(0))))
    }

    /// `ttl` of `store`: a positive integer, in JSON also as text.
    pub(crate) fn store_ttl_ms(self) -> Parsed<u64> {
        const KEY: &str = "ttl";
        if self.0.is_json()
            && let Some(ttl) = self.stringified::<u64>(KEY)?
        {
            return Ok(Some(ttl));
        }
        self.typed(KEY, "positive integer", Reader::uint)
    }

    pub(crate) fn namespace(self, key: &str) -> Parsed<Namespace> {
        let expected = "16-bit integer";
        self.typed(key, expected, Reader::int)?
            .map(|n| self.in_range(key, n, expected))
            .transpose()
    }

    pub(crate) fn namespace_or_all(self, key: &str) -> Parsed<NamespaceFilter> {
        let expected = "integer or \"all\"";
        match self.0.get(key) {
            None => Ok(None),
            Some(value) if value.raw() == Some(b"all") => Ok(Some(NamespaceFilter::All)),
            Some(value) => {
                let n = value.int().ok_or_else(|| unexpected(key, expected))?;
                Ok(Some(NamespaceFilter::One(self.in_range(key, n, expected)?)))
            }
        }
    }

    /// The owner under `pubkey`; `pubKey` too where the endpoint knows that spelling.
    pub(crate) fn owner(self, spelling: PubkeySpelling) -> Result<SwarmPubkey, RpcError> {
        let other = match spelling {
            PubkeySpelling::LowerCase => None,
            PubkeySpelling::Both | PubkeySpelling::BothSlash => self.raw("pubKey")?,
        };
        let raw = match (self.raw("pubkey")?, other) {
            (Some(_), Some(_)) => {
                return Err(RpcError::invalid(
                    "Cannot specify both 'pubkey' and 'pubKey'",
                ));
            }
            (None, None) => return Err(RpcError::missing("pubkey")),
            (Some(raw), None) | (None, Some(raw)) => raw,
        };
        parse_owner(raw).ok_or_else(|| {
            RpcError::invalid(match spelling {
                PubkeySpelling::BothSlash => "Pubkey must be 66 hex digits/33 bytes long",
                _ => "Pubkey must be 66 hex digits (33 bytes) long",
            })
        })
    }

    /// `signature` and `pubkey_ed25519`, and where the endpoint allows them `subaccount` and
    /// `subaccount_sig`.
    pub(crate) fn auth(
        self,
        owner: &SwarmPubkey,
        subaccounts: SubaccountUse,
    ) -> Result<Auth, RpcError> {
        let pubkey_ed25519 = self.raw("pubkey_ed25519")?;
        let signature = self
            .raw("signature")?
            .ok_or_else(|| RpcError::missing("signature"))?;
        let pubkey_ed25519 = pubkey_ed25519
            .map(|raw| {
                if owner.prefix() == network_prefix::ACCOUNT {
                    parse_ed25519(raw)
                } else {
                    Err(RpcError::invalid(
                        "pubkey_ed25519 is only permitted for 05[...] pubkeys",
                    ))
                }
            })
            .transpose()?;
        let signature = self.signature(signature, "invalid signature")?;
        let subaccount = match subaccounts {
            SubaccountUse::Allowed => self.subaccount()?,
            SubaccountUse::Refused => None,
        };
        Ok(Auth {
            pubkey_ed25519,
            signature,
            subaccount,
        })
    }

    fn subaccount(self) -> Parsed<SubaccountAuth> {
        let signature = self.raw("subaccount_sig")?;
        let token = match self.raw("subaccount")? {
            None | Some([]) => return Ok(None),
            Some(token) => token,
        };
        let signature = signature.ok_or_else(|| {
            RpcError::invalid(
                "invalid subaccount: subaccount_sig is required when using subaccount",
            )
        })?;
        let token = parse_token(self.0.is_json(), token).ok_or_else(|| {
            RpcError::invalid(if self.0.is_json() {
                "invalid subaccount: expected base64 or hex-encoded subaccount token"
            } else {
                "invalid subaccount token: invalid token length"
            })
        })?;
        let prefix = if self.0.is_json() {
            "invalid subaccount signature"
        } else {
            "invalid signature"
        };
        Ok(Some(SubaccountAuth {
            token,
            signature: self.signature(signature, prefix)?,
        }))
    }

    /// A list of subaccount tokens under `revoke` or `unrevoke`.
    pub(crate) fn tokens(
        self,
        key: &str,
        most: Option<usize>,
    ) -> Result<Vec<SubaccountToken>, RpcError> {
        let raw = self.raw_list(key)?.ok_or_else(|| RpcError::missing(key))?;
        if let Some(most) = most.filter(|most| raw.len() > *most) {
            return Err(RpcError::invalid(format!(
                "invalid {key}: cannot {key} more than {most} subaccounts at once"
            )));
        }
        raw.into_iter()
            .map(|token| {
                parse_token(self.0.is_json(), token).ok_or_else(|| {
                    RpcError::invalid(if self.0.is_json() {
                        format!("invalid {key}: expected base64 or hex-encoded subaccount tag")
                    } else {
                        format!("invalid {key} subaccount: invalid subaccount tag length")
                    })
                })
            })
            .collect()
    }

    fn signature(self, raw: &[u8], prefix: &str) -> Result<Signature, RpcError> {
        let bytes = if self.0.is_json() {
            match (raw.len(), raw) {
                (86, _) | (88, [.., b'=', b'=']) => decode_base64(raw),
                _ => None,
            }
        } else {
            Some(raw.to_vec())
        };
        bytes
            .and_then(|bytes| Signature::try_from(bytes.as_slice()).ok())
            .ok_or_else(|| {
                RpcError::invalid(if self.0.is_json() {
                    format!("{prefix}: expected base64 encoded Ed25519 signature")
                } else {
                    format!("{prefix}: expected 64-byte Ed25519 signature")
                })
            })
    }

    fn in_range(self, key: &str, n: i64, expected: &str) -> Result<Namespace, RpcError> {
        i16::try_from(n).map(Namespace::new).map_err(|_| {
            if self.0.is_json() {
                RpcError::invalid(format!(
                    "Invalid value given for '{key}': value out of range"
                ))
            } else {
                unexpected(key, expected)
            }
        })
    }

    /// A number written as text; `None` when the value is not text at all.
    fn stringified<T: core::str::FromStr>(self, key: &str) -> Parsed<T> {
        let Some(text) = self.0.get(key).and_then(Reader::text) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let quoted = serde_json::Value::from(text);
            RpcError::invalid(format!("Invalid value given for '{key}': {quoted}"))
        })
    }

    fn typed<T>(
        self,
        key: &str,
        expected: &str,
        read: impl Fn(Reader<'a>) -> Option<T>,
    ) -> Parsed<T> {
        self.0
            .get(key)
            .map(|value| read(value).ok_or_else(|| unexpected(key, expected)))
            .transpose()
    }
}

/// Which spellings of `pubkey` an endpoint reads, and how it words a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PubkeySpelling {
    /// `pubkey` or `pubKey`.
    Both,
    /// The same, with the wording of `get_swarm`.
    BothSlash,
    /// `pubkey` only.
    LowerCase,
}

/// Whether an endpoint may be used through a subaccount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubaccountUse {
    Allowed,
    Refused,
}

/// A required field.
pub(crate) fn require<T>(key: &str, value: Option<T>) -> Result<T, RpcError> {
    value.ok_or_else(|| RpcError::missing(key))
}

fn unexpected(key: &str, expected: &str) -> RpcError {
    RpcError::invalid(format!(
        "Invalid value given for '{key}': expected {expected}"
    ))
}

/// A time that also fits a signed 64-bit column.
fn time(value: Reader<'_>) -> Option<Timestamp> {
    value
        .int()
        .and_then(|n| u64::try_from(n).ok())
        .map(Timestamp::from_ms)
}

/// 66 hex digits or 33 raw bytes.
fn parse_owner(raw: &[u8]) -> Option<SwarmPubkey> {
    if raw.len() == 33 {
        return SwarmPubkey::try_from(raw).ok();
    }
    core::str::from_utf8(raw).ok()?.parse().ok()
}

fn parse_ed25519(raw: &[u8]) -> Result<Ed25519PublicKey, RpcError> {
    let not_hex = || RpcError::invalid("invalid pubkey_ed25519: value is not hex");
    let wrong_size =
        |_| RpcError::invalid("Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey");
    if raw.len() == 64 {
        let bytes = decode_hex(raw).ok_or_else(not_hex)?;
        return Ed25519PublicKey::try_from(bytes.as_slice()).map_err(wrong_size);
    }
    Ed25519PublicKey::try_from(raw).map_err(wrong_size)
}

/// 48 base64 characters or 72 hex digits in JSON, 36 raw bytes in bt.
fn parse_token(json: bool, raw: &[u8]) -> Option<SubaccountToken> {
    let bytes = match (json, raw.len()) {
        (true, 48) => decode_base64(raw)?,
        (true, 72) => decode_hex(raw)?,
        (true, _) => return None,
        (false, _) => raw.to_vec(),
    };
    SubaccountToken::try_from(bytes.as_slice()).ok()
}
