//! The model alone: real bytes from real keys come in, and what it makes of them.

mod contacts;
mod deleting;
mod merging;
mod reading;
mod receiving;
mod vectors;

use core::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use session_crypto::AccountKeys;
use session_messages::{Content, Expiration, RequestResponse, encode_direct};
use session_storage_rpc::response::RetrievedMessage;
use session_store::keyring::Unavailable;
use session_store::{
    ConversationSettings, Delivered, JobId, KeyKeeping, MessageId, MessageRow, NewAccount,
    OutboxJob, OutgoingRow, Profile, SwarmTaskKind,
};
use session_types::{AccountId, MessageHash, Namespace, Timestamp};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{Changes, Fetched, Model, Tx, Written};
use crate::CoreError;

const START: u64 = 1_750_000_000_000;
const MINUTE: u64 = 60_000;
const DAYS_14: Duration = Duration::from_secs(14 * 24 * 3600);

/// So many milliseconds after the beginning of a test.
fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(START + ms)
}

fn person(number: u8) -> AccountKeys {
    AccountKeys::from_seed16([number; 16])
}

fn bob() -> AccountKeys {
    person(2)
}

fn mallory() -> AccountKeys {
    person(3)
}

fn text(text: &str) -> Content {
    Content::text(text).unwrap()
}

impl Tx<'_> {
    fn send_text(
        &mut self,
        to: &AccountId,
        text: &str,
        reply_to: Option<MessageId>,
        time_unsure: bool,
    ) -> Result<OutgoingRow, CoreError> {
        let written = Written {
            text: text.to_owned(),
            reply_to,
            ..Written::default()
        };
        self.send_written(to, written, time_unsure)
    }
}

/// One device of one account.
struct Device {
    model: Model,
    keys: AccountKeys,
    now: Timestamp,
    rng: ChaCha20Rng,
    _folder: TempDir,
}

impl Device {
    /// The account of number 1, an hour after the beginning.
    fn new() -> Self {
        Self::numbered(0)
    }

    /// Another device of the same account.
    fn numbered(number: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = person(1);
        let account = NewAccount {
            seed: Zeroizing::new([1; 16]),
            account_id: keys.account_id(),
            display_name: String::new(),
            network: String::new(),
            file_server: None,
            created_at: at(0),
        };
        let store = Profile::with_keyring(folder.path(), Box::new(Unavailable))
            .create(&account, KeyKeeping::File, None)
            .unwrap();
        Self {
            model: Model::open(store).unwrap(),
            keys,
            now: at(60 * MINUTE),
            rng: ChaCha20Rng::seed_from_u64(number),
            _folder: folder,
        }
    }

    /// One that has accepted Bob and was accepted by him.
    fn friend_of_bob() -> Self {
        let mut device = Self::new();
        let id = bob().account_id();
        device.hears(&bob(), 1, &Content::from(RequestResponse));
        device.write(|tx| tx.accept(&id)).unwrap();
        device.nothing_left_to_send();
        device
    }

    fn id(&self) -> AccountId {
        self.keys.account_id()
    }

    fn write<R>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, CoreError>,
    ) -> Result<R, CoreError> {
        self.model.write(self.now, work).map(|(result, _)| result)
    }

    /// A message as the own swarm holds it.
    fn stored(&mut self, data: Vec<u8>, stored_at: Timestamp) -> Fetched {
        let mut digest = [0; 32];
        rand::Rng::fill_bytes(&mut self.rng, &mut digest);
        Fetched {
            namespace: Namespace::DEFAULT,
            message: RetrievedMessage {
                hash: MessageHash::from_digest(&digest),
                timestamp: stored_at,
                expiration: stored_at.plus(DAYS_14),
                data,
            },
        }
    }

    /// Takes in elements of a poll. Returns how many messages were new, and what changed.
    fn takes(&mut self, fetched: Vec<Fetched>) -> (usize, Changes) {
        self.model.take_in(fetched, &[], self.now).unwrap()
    }

    /// A message of somebody, sealed to this account.
    fn sealed(&mut self, from: &AccountKeys, sent_ms: u64, content: &Content) -> Fetched {
        let data = encode_direct(content, from, &self.id(), at(sent_ms), &mut self.rng).unwrap();
        self.stored(data, at(sent_ms))
    }

    /// Somebody's message arrives.
    fn hears(&mut self, from: &AccountKeys, sent_ms: u64, content: &Content) -> Changes {
        let element = self.sealed(from, sent_ms, content);
        self.takes(vec![element]).1
    }

    /// The copy of what another own device sent arrives.
    fn hears_copy(&mut self, to: &AccountId, sent_ms: u64, content: &Content) -> Changes {
        let copy = content.sync_copy(to).unwrap();
        self.hears(&person(1), sent_ms, &copy)
    }

    fn rows(&self, with: &AccountKeys) -> Vec<MessageRow> {
        let id = with.account_id();
        self.model.store().history(&id, 10_000, None).unwrap()
    }

    /// The texts of a conversation with somebody, oldest first.
    fn texts(&self, with: &AccountKeys) -> Vec<String> {
        self.rows(with).into_iter().map(|row| row.body).collect()
    }

    /// The only message of a conversation.
    fn only(&self, with: &AccountKeys) -> MessageRow {
        let mut rows = self.rows(with);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    /// What the database says of a conversation; `None` when there is none.
    fn settings(&self, with: &AccountKeys) -> Option<ConversationSettings> {
        let id = with.account_id();
        self.model.store().conversation_settings(&id).unwrap()
    }

    /// What is to be asked of the own swarm.
    fn tasks(&self) -> Vec<(SwarmTaskKind, MessageHash)> {
        let tasks = self.model.store().swarm_tasks(1000).unwrap();
        tasks
            .into_iter()
            .map(|task| (task.kind, task.hash))
            .collect()
    }

    /// What waits to be sent, one for each swarm.
    fn jobs(&self) -> Vec<OutboxJob> {
        let far = Timestamp::from_ms(u64::MAX);
        self.model.store().due_jobs(far).unwrap()
    }

    /// A swarm stored what a job is about.
    fn succeeds(&mut self, job: JobId) {
        let delivered = Delivered {
            hash: self.stored(Vec::new(), self.now).message.hash,
            stored_at: self.now,
            expires_at: self.now.plus(DAYS_14),
            now: self.now,
        };
        let store = self.model.store_mut();
        assert!(store.begin_try(job, b"sealed").unwrap());
        store.job_succeeded(job, &delivered).unwrap();
    }

    /// Everything that waits is sent: what follows is seen by itself.
    fn nothing_left_to_send(&mut self) {
        while let Some(job) = self.jobs().pop() {
            self.succeeds(job.id);
        }
    }

    /// The configs another device has to merge, stored at a time, as the swarm holds them.
    fn pushes(&mut self, stored_at: Timestamp) -> Vec<Fetched> {
        let (pushes, _) = self.write(|tx| tx.config_pushes()).unwrap();
        let mut all = Vec::new();
        for config in pushes {
            for data in config.push.messages {
                let mut element = self.stored(data, stored_at);
                element.namespace = config.namespace;
                all.push(element);
            }
        }
        all
    }
}

fn after_read(seconds: u32) -> Expiration {
    Expiration::after_read(seconds)
}
