//! What all configs have in common: the state machine, pushing, merging and the bookkeeping of
//! stored messages (docs/protocol/config.md sections 6 to 8).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use session_crypto::{AccountKeys, Ed25519Secret};
use session_encoding::zstd_frame;
use session_types::{Ed25519PublicKey, Namespace, Timestamp, limits::MAX_MESSAGE_SIZE};
use zeroize::Zeroizing;

use crate::data::{Dict, Value};
use crate::error::ConfigError;
use crate::merge::{Outcome, resolve};
use crate::message::{Draft, LAG, Message};
use crate::multipart::{self, Collection, Part};
use crate::{seal, wrap};

mod dump;

/// What a compressed message may hold: three times what can be pushed.
const MAX_PLAIN: usize = 16 * 1024 * 1024;

/// A stored message, as a swarm returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// Its storage hash.
    pub hash: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
}

/// What to store in the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Hand this back to `confirm_pushed` with the storage hashes.
    pub seqno: i64,
    /// The messages to store; more than one for a very large config.
    pub messages: Vec<Vec<u8>>,
    /// Storage hashes to delete once all messages are stored.
    pub obsolete: Vec<String>,
}

/// What came of a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// The storage hashes of the messages that were understood.
    pub accepted: BTreeSet<String>,
    /// Whether the content of the config is another one now.
    pub changed: bool,
}

/// What distinguishes one kind of config from another below its fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) namespace: Namespace,
    pub(crate) domain: &'static str,
    pub(crate) wrap: Option<wrap::Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Stored in the swarm and unchanged since.
    Clean,
    /// Changed since the last push.
    Dirty,
    /// Pushed, but not yet confirmed to be stored.
    Waiting,
}

enum Current {
    Finished(Message),
    Draft(Draft),
}

/// A config without knowledge of its fields.
pub(crate) struct Core {
    pub(crate) kind: &'static Kind,
    /// For the frame around configs of an account.
    account: Option<AccountKeys>,
    /// Newest first; the first encrypts.
    keys: Vec<Zeroizing<[u8; 32]>>,
    verifier: Option<Ed25519PublicKey>,
    signer: Option<Ed25519Secret>,
    state: State,
    current: Current,
    current_hashes: BTreeSet<String>,
    old_hashes: BTreeSet<String>,
    parts: Collection,
    needs_dump: bool,
}

impl Core {
    /// The empty config of an account.
    pub(crate) fn of_account(kind: &'static Kind, account: &AccountKeys) -> Self {
        let seed = account.ed25519().seed();
        Self {
            account: Some(AccountKeys::from_seed32(*seed)),
            keys: vec![Zeroizing::new(*seed)],
            ..Self::empty(kind)
        }
    }

    /// The empty config of a group.
    pub(crate) fn of_group(
        kind: &'static Kind,
        group: Ed25519PublicKey,
        admin: Option<&Ed25519Secret>,
    ) -> Result<Self, ConfigError> {
        let mut core = Self {
            verifier: Some(group),
            ..Self::empty(kind)
        };
        if let Some(admin) = admin {
            core.set_signer(admin)?;
        }
        Ok(core)
    }

    fn empty(kind: &'static Kind) -> Self {
        Self {
            kind,
            account: None,
            keys: Vec::new(),
            verifier: None,
            signer: None,
            state: State::Clean,
            current: Current::Finished(Message::empty()),
            current_hashes: BTreeSet::new(),
            old_hashes: BTreeSet::new(),
            parts: Collection::default(),
            needs_dump: false,
        }
    }

    /// Makes a member's config that of an admin.
    pub(crate) fn set_signer(&mut self, admin: &Ed25519Secret) -> Result<(), ConfigError> {
        if self.verifier.as_ref() != Some(admin.public()) {
            return Err(ConfigError::WrongKey);
        }
        self.signer = Some(Ed25519Secret::from_seed(*admin.seed()));
        Ok(())
    }

    /// Replaces the encryption keys, newest first.
    pub(crate) fn set_keys(&mut self, keys: Vec<Zeroizing<[u8; 32]>>) {
        self.keys = keys;
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.verifier.is_some() && self.signer.is_none()
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn needs_dump(&self) -> bool {
        self.needs_dump
    }

    pub(crate) fn mark_for_dump(&mut self) {
        self.needs_dump = true;
    }

    pub(crate) fn data(&self) -> &Dict {
        match &self.current {
            Current::Finished(message) => &message.data,
            Current::Draft(draft) => &draft.data,
        }
    }

    pub(crate) fn seqno(&self) -> i64 {
        match &self.current {
            Current::Finished(message) => message.seqno,
            Current::Draft(draft) => draft.seqno,
        }
    }

    pub(crate) fn current_hashes(&self) -> &BTreeSet<String> {
        &self.current_hashes
    }

    /// The messages whose life in the swarm should be extended.
    pub(crate) fn active_hashes(&self) -> BTreeSet<String> {
        self.current_hashes
            .iter()
            .chain(self.parts.hashes())
            .cloned()
            .collect()
    }

    /// The value at a path.
    pub(crate) fn at(&self, path: &[&[u8]]) -> Option<&Value> {
        self.data().at(path)
    }

    /// Sets or removes the value at a path. What is already there is no change. Whether it was one.
    pub(crate) fn put(
        &mut self,
        path: &[&[u8]],
        value: Option<Value>,
    ) -> Result<bool, ConfigError> {
        if self.at(path) == value.as_ref() {
            self.attempted();
            return Ok(false);
        }
        self.write(path, value)?;
        Ok(true)
    }

    /// Sets or removes the value at a path, which is known to be a change.
    fn write(&mut self, path: &[&[u8]], value: Option<Value>) -> Result<(), ConfigError> {
        let data = Arc::make_mut(&mut self.draft()?.data);
        match value {
            Some(value) => data.put_at(path, value),
            None => data.remove_at(path),
        }
        self.needs_dump = true;
        Ok(())
    }

    /// Changes the dict at a path, which is made when there is none and removed when nothing is left
    /// in it. Whether it was a change.
    pub(crate) fn edit(
        &mut self,
        path: &[&[u8]],
        change: impl FnOnce(&mut Dict),
    ) -> Result<bool, ConfigError> {
        let before = self.at(path).and_then(Value::as_dict);
        let mut entry = before.cloned().unwrap_or_else(Dict::for_entry);
        change(&mut entry);
        entry.prune();
        if before.map_or_else(|| entry.is_empty(), |before| *before == entry) {
            self.attempted();
            return Ok(false);
        }
        let entry = (!entry.is_empty()).then(|| Value::Dict(Arc::new(entry)));
        self.write(path, entry)?;
        Ok(true)
    }

    /// Changes fields that stand in the outermost dict. Whether it was a change.
    pub(crate) fn edit_root(
        &mut self,
        change: impl FnOnce(&mut Dict),
    ) -> Result<bool, ConfigError> {
        let mut data = self.data().clone();
        change(&mut data);
        data.prune();
        if data == *self.data() {
            self.attempted();
            return Ok(false);
        }
        self.draft()?.data = Arc::new(data);
        self.needs_dump = true;
        Ok(true)
    }

    /// A change that was none. The reference wants to be saved again after most of these, once it
    /// is changed.
    fn attempted(&mut self) {
        self.needs_dump |= self.state == State::Dirty;
    }

    /// Makes the config one that must be pushed, though nothing changed in it.
    pub(crate) fn touch(&mut self) -> Result<(), ConfigError> {
        self.draft().map(drop)
    }

    fn draft(&mut self) -> Result<&mut Draft, ConfigError> {
        if self.is_read_only() {
            return Err(ConfigError::ReadOnly);
        }
        if self.state != State::Dirty || matches!(self.current, Current::Finished(_)) {
            let draft = Draft::after(&self.message(), LAG)?;
            self.set_state(State::Dirty);
            self.current = Current::Draft(draft);
        }
        match &mut self.current {
            Current::Draft(draft) => Ok(draft),
            Current::Finished(_) => Err(ConfigError::ReadOnly),
        }
    }

    fn set_state(&mut self, state: State) {
        if self.state == State::Clean {
            self.old_hashes.append(&mut self.current_hashes);
        }
        self.state = state;
        self.needs_dump = true;
    }

    /// The present version. A finished one is as it was received, so a hash is that of the bytes
    /// others have.
    fn message(&self) -> Cow<'_, Message> {
        match &self.current {
            Current::Finished(message) => Cow::Borrowed(message),
            Current::Draft(draft) => Cow::Owned(draft.finish(self.signer.as_ref())),
        }
    }

    /// The present version with a signature if there is a key for it.
    fn signed_message(&self) -> Message {
        let message = self.message();
        match &self.signer {
            Some(signer) => message.signed(signer),
            None => message.into_owned(),
        }
    }

    pub(crate) fn push(&mut self, now: Timestamp) -> Result<Push, ConfigError> {
        let key = self.keys.first().ok_or(ConfigError::NoKey)?;
        let message = self.signed_message();
        let plain = message.encoded();
        let compressed = zstd_frame::compress(b"z", &plain, zstd_frame::LEVEL)?;
        let shorter: &[u8] = if compressed.len() < plain.len() {
            &compressed
        } else {
            &plain
        };
        let padded = seal::pad(shorter);
        multipart::check_size(padded.len())?;
        let domain = self.kind.domain;
        let mut cut = None;
        let messages = if multipart::is_needed(padded.len()) {
            let (id, parts) = multipart::cut(&padded);
            cut = Some(id);
            parts
                .into_iter()
                .map(|part| seal::encrypt_in_place(part, key, domain))
                .collect::<Result<_, _>>()?
        } else {
            let sealed = seal::encrypt_in_place(padded, key, domain)?;
            vec![self.wrapped(message.seqno, sealed)?]
        };

        let seqno = message.seqno;
        if let Some(id) = cut {
            self.parts.done(id, now);
        }
        if self.state == State::Dirty {
            self.current = Current::Finished(message);
            self.set_state(State::Waiting);
        }
        Ok(Push {
            seqno,
            messages,
            obsolete: self.take_old_hashes(),
        })
    }

    /// The frame around an encrypted config, for those that have one, unless it becomes too large.
    fn wrapped(&self, seqno: i64, sealed: Vec<u8>) -> Result<Vec<u8>, ConfigError> {
        if let (Some(kind), Some(account)) = (self.kind.wrap, &self.account) {
            let wrapped = wrap::wrap(kind, seqno, &sealed, account)?;
            if wrapped.len() <= MAX_MESSAGE_SIZE {
                return Ok(wrapped);
            }
        }
        Ok(sealed)
    }

    fn take_old_hashes(&mut self) -> Vec<String> {
        let old = core::mem::take(&mut self.old_hashes);
        if self.is_read_only() {
            return Vec::new();
        }
        old.into_iter().collect()
    }

    /// Messages that may be deleted now; those of a changed config wait for its push.
    pub(crate) fn obsolete_hashes(&mut self) -> Vec<String> {
        if self.state == State::Dirty {
            return Vec::new();
        }
        self.take_old_hashes()
    }

    pub(crate) fn confirm_pushed(&mut self, seqno: i64, hashes: &[&str]) {
        if self.state == State::Waiting && self.seqno() == seqno {
            self.set_state(State::Clean);
            self.current_hashes = hashes.iter().map(|hash| (*hash).to_owned()).collect();
        }
    }

    pub(crate) fn merge(
        &mut self,
        incoming: &[Incoming<'_>],
        now: Timestamp,
    ) -> Result<Merged, ConfigError> {
        if self.keys.is_empty() {
            return Err(ConfigError::NoKey);
        }
        let mut accepted = BTreeSet::new();
        let mut first_error = None;
        let mut candidates: Vec<(BTreeSet<String>, Message)> = Vec::new();
        for stored in incoming {
            let Some((hashes, plain)) = self.open(stored, now, &mut accepted) else {
                continue;
            };
            match Message::parse(&plain, self.verifier.as_ref(), LAG) {
                Ok(message) => {
                    accepted.insert(stored.hash.to_owned());
                    candidates.push((hashes, message));
                }
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        if self.parts.expire(now) {
            self.needs_dump = true;
        }
        let own = self.seqno() != 0 || self.state == State::Dirty;
        if candidates.is_empty() {
            return match first_error {
                Some(first) if accepted.is_empty() && !own => {
                    Err(ConfigError::NothingValid { first })
                }
                _ => Ok(Merged {
                    accepted,
                    changed: false,
                }),
            };
        }
        let before = match &self.current {
            Current::Finished(message) => Arc::clone(&message.data),
            Current::Draft(draft) => Arc::clone(&draft.data),
        };
        self.settle(candidates, own);
        Ok(Merged {
            accepted,
            changed: *before != *self.data(),
        })
    }

    /// Decrypts a stored message; a part of a large one gives something when it was the last.
    fn open(
        &mut self,
        stored: &Incoming<'_>,
        now: Timestamp,
        accepted: &mut BTreeSet<String>,
    ) -> Option<(BTreeSet<String>, Vec<u8>)> {
        let mut sealed = Cow::Borrowed(stored.data);
        if let (Some(kind), Some(account)) = (self.kind.wrap, &self.account) {
            // An old release of a client put the frame on twice.
            for _ in 0..2 {
                match wrap::unwrap(kind, &sealed, account) {
                    Some(inner) => sealed = Cow::Owned(inner),
                    None => break,
                }
            }
        }
        let plain = self
            .keys
            .iter()
            .find_map(|key| seal::decrypt(&sealed, key, self.kind.domain).ok())?;
        let mut plain = seal::unpad(&plain).to_vec();
        let mut hashes = BTreeSet::from([stored.hash.to_owned()]);
        if let Some((b'm', part)) = plain.split_first() {
            let part = self.parts.receive(stored.hash, part, now);
            if matches!(part, Part::Rejected) {
                return None;
            }
            accepted.insert(stored.hash.to_owned());
            if !matches!(part, Part::Known) {
                self.needs_dump = true;
            }
            let Part::Complete {
                hashes: all,
                message,
            } = part
            else {
                return None;
            };
            hashes = all;
            plain = seal::unpad(&message).to_vec();
        }
        if let Some((b'z', frame)) = plain.split_first() {
            plain = zstd_frame::decompress(frame, MAX_PLAIN).ok()?;
        }
        (plain.first() == Some(&b'd')).then_some((hashes, plain))
    }

    /// Brings the own version and the others together.
    fn settle(&mut self, mut candidates: Vec<(BTreeSet<String>, Message)>, own: bool) {
        if own {
            let hashes = self.current_hashes.clone();
            candidates.insert(0, (hashes, self.signed_message()));
        }
        let messages: Vec<&Message> = candidates.iter().map(|(_, message)| message).collect();
        let Some(outcome) = resolve(&messages, !self.is_read_only(), LAG) else {
            return;
        };
        let was_dirty = self.state == State::Dirty;
        match outcome {
            Outcome::Merged(mut draft) => {
                for (hashes, _) in candidates {
                    self.retire(hashes);
                }
                if !was_dirty {
                    // The reference compares with nothing here, and the bytes must be the same.
                    draft.original = Arc::default();
                }
                self.set_state(State::Dirty);
                self.current = Current::Draft(draft);
            }
            Outcome::Adopted(index) => {
                let Some((hashes, message)) = candidates.get(index).cloned() else {
                    return;
                };
                let is_own = own && index == 0;
                for (other_hashes, other) in candidates {
                    // A copy of what is about to be pushed has the storage hash it will get.
                    let will_be_pushed =
                        is_own && hashes.is_empty() && other.hash() == message.hash();
                    if other_hashes != hashes && !will_be_pushed {
                        self.retire(other_hashes);
                    }
                }
                // A changed config becomes the one after the adopted.
                let next = was_dirty
                    .then(|| Draft::after(&message, LAG).ok())
                    .flatten();
                let seqno = next.as_ref().map_or(message.seqno, |draft| draft.seqno);
                if seqno == self.seqno() {
                    for hash in &self.current_hashes {
                        self.old_hashes.remove(hash);
                    }
                } else if !(was_dirty && is_own) {
                    self.current = match next {
                        Some(draft) => Current::Draft(draft),
                        None => Current::Finished(message),
                    };
                    self.state = State::Clean;
                    self.current_hashes = hashes;
                    self.needs_dump = true;
                }
            }
        }
    }

    /// Storage hashes that are of no use any more.
    fn retire(&mut self, mut hashes: BTreeSet<String>) {
        self.old_hashes.append(&mut hashes);
    }
}
