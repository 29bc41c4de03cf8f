//! Who may use the API: launch codes, and the session keys they are exchanged for.

use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use rand::TryRng as _;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Launches that are remembered. The page of an older one must be opened anew.
const REMEMBERED: usize = 64;
/// Bytes of codes and keys.
const LENGTH: usize = 32;

/// A secret of 32 random bytes.
struct Token(Zeroizing<[u8; LENGTH]>);

/// All launches.
pub(crate) struct Keys {
    secret: Token,
    secret_text: Zeroizing<String>,
    launches: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    code: Token,
    made_at: Instant,
    life: Duration,
    taken: CancellationToken,
    key: Option<(Token, CancellationToken)>,
}

/// One way in for one page: a link that works once.
pub struct Launch {
    url: Zeroizing<String>,
    taken: CancellationToken,
}

/// Why a code is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was used before. What the first use opened is closed now.
    Used,
    /// It is none of ours, or too old.
    Unknown,
}

impl Keys {
    pub(crate) fn new() -> Result<Self, rand::rngs::SysError> {
        let secret = Token::random()?;
        Ok(Self {
            secret_text: secret.text(),
            secret,
            launches: Mutex::default(),
        })
    }

    /// What opens further links.
    pub(crate) fn secret(&self) -> &str {
        &self.secret_text
    }

    pub(crate) fn is_secret(&self, text: &str) -> bool {
        Token::read(text).is_some_and(|token| self.secret.is(&token))
    }

    /// A new code, as the link that holds it behind `page`. It can be used for so long.
    pub(crate) fn launch(
        &self,
        page: &str,
        life: Duration,
    ) -> Result<Launch, rand::rngs::SysError> {
        let code = Token::random()?;
        let taken = CancellationToken::new();
        let url = Zeroizing::new(format!("{page}#{}", code.text().as_str()));
        let entry = Entry {
            code,
            made_at: Instant::now(),
            life,
            taken: taken.clone(),
            key: None,
        };
        let forgotten = {
            let mut launches = self.lock();
            launches.push(entry);
            (launches.len() > REMEMBERED).then(|| launches.remove(0))
        };
        if let Some(forgotten) = forgotten {
            forgotten.end();
        }
        Ok(Launch { url, taken })
    }

    /// A session key for a code.
    pub(crate) fn exchange(&self, code: &str) -> Result<Zeroizing<String>, Refused> {
        let code = Token::read(code).ok_or(Refused::Unknown)?;
        let mut launches = self.lock();
        let mut found = None;
        for entry in launches.iter_mut() {
            // All are compared: how long it takes tells nothing.
            if entry.code.is(&code) {
                found = Some(entry);
            }
        }
        let entry = found.ok_or(Refused::Unknown)?;
        if entry.taken.is_cancelled() {
            if let Some((_, ended)) = entry.key.take() {
                ended.cancel();
            }
            return Err(Refused::Used);
        }
        if entry.made_at.elapsed() >= entry.life {
            return Err(Refused::Unknown);
        }
        let key = Token::random().map_err(|_| Refused::Unknown)?;
        let text = key.text();
        entry.key = Some((key, CancellationToken::new()));
        entry.taken.cancel();
        Ok(text)
    }

    /// Cancelled when a key stops being worth something; `None` when it is worth nothing.
    pub(crate) fn check(&self, key: &str) -> Option<CancellationToken> {
        let key = Token::read(key)?;
        let mut found = None;
        for entry in self.lock().iter() {
            if let Some((own, ended)) = &entry.key
                && own.is(&key)
            {
                found = Some(ended.clone());
            }
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.launches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn end(self) {
        if let Some((_, ended)) = self.key {
            ended.cancel();
        }
    }
}

impl Token {
    fn random() -> Result<Self, rand::rngs::SysError> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        rand::rngs::SysRng.try_fill_bytes(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?);
        let bytes = <[u8; LENGTH]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }

    fn is(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Launch {
    /// The link. Whoever opens it first has the accounts.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until a page has used the link.
    pub async fn taken(&self) {
        self.taken.cancelled().await;
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(30);

    fn keys() -> Keys {
        Keys::new().unwrap()
    }

    fn code(launch: &Launch) -> String {
        launch.url().split_once('#').unwrap().1.to_owned()
    }

    #[test]
    fn a_code_works_once_and_its_second_use_ends_the_first() {
        let keys = keys();
        let launch = keys.launch("http://x/", LIFE).unwrap();
        let other = keys.launch("http://x/", LIFE).unwrap();
        assert!(!launch.taken.is_cancelled());
        let key = keys.exchange(&code(&launch)).unwrap();
        assert!(launch.taken.is_cancelled() && !other.taken.is_cancelled());
        let other = keys.exchange(&code(&other)).unwrap();
        let ended = keys.check(&key).unwrap();
        assert_eq!(keys.exchange(&code(&launch)), Err(Refused::Used));
        assert!(ended.is_cancelled() && keys.check(&key).is_none());
        assert_eq!(keys.exchange(&code(&launch)), Err(Refused::Used));
        // Others go on.
        assert!(!keys.check(&other).unwrap().is_cancelled());
    }

    #[test]
    fn what_is_none_of_ours_is_unknown() {
        let keys = keys();
        let launch = keys.launch("http://x/", LIFE).unwrap();
        let code = code(&launch);
        let key = keys.exchange(&code).unwrap();
        let mut near = code.clone();
        near.replace_range(0..1, if code.starts_with('A') { "B" } else { "A" });
        for wrong in [
            "",
            "x",
            &near,
            &key,
            &format!("{code}="),
            &format!("{code}AAAA"),
        ] {
            assert_eq!(keys.exchange(wrong), Err(Refused::Unknown), "{wrong}");
            assert!(wrong == *key || keys.check(wrong).is_none(), "{wrong}");
        }
        // A code opens nothing by itself, and neither does what opens further links.
        assert!(keys.check(&code).is_none() && keys.check(keys.secret()).is_none());
        assert!(keys.is_secret(keys.secret()) && !keys.is_secret(&key));
    }

    #[test]
    fn old_codes_are_worth_nothing() {
        let keys = keys();
        let launch = keys.launch("http://x/", Duration::ZERO).unwrap();
        assert_eq!(keys.exchange(&code(&launch)), Err(Refused::Unknown));
        assert!(!launch.taken.is_cancelled());
    }

    #[test]
    fn as_many_launches_as_fit_are_remembered() {
        let keys = keys();
        let first = keys.launch("http://x/", LIFE).unwrap();
        let key = keys.exchange(&code(&first)).unwrap();
        let ended = keys.check(&key).unwrap();
        for _ in 0..REMEMBERED {
            assert!(!ended.is_cancelled());
            keys.launch("http://x/", LIFE).unwrap();
        }
        assert!(ended.is_cancelled() && keys.check(&key).is_none());
        assert_eq!(keys.exchange(&code(&first)), Err(Refused::Unknown));
        assert_eq!(keys.lock().len(), REMEMBERED);
    }

    #[test]
    fn debug_says_nothing() {
        let keys = keys();
        let launch = keys.launch("http://x/", LIFE).unwrap();
        keys.exchange(&code(&launch)).unwrap();
        assert_eq!(format!("{launch:?}"), "Launch { .. }");
        assert_eq!(format!("{keys:?}"), "Keys { .. }");
        assert_eq!(format!("{:?}", keys.secret), "Token { .. }");
    }
}
