//! Somebody with a device: a database folder and the account in it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use session_core::{Account, AccountOptions, Event, NewFile, Sent};
use session_crypto::AccountKeys;
use session_devnet::DevnetInfo;
use session_net::{Clock as _, Route, SystemClock};
use session_store::{FileRow, FileState, KeyKeeping, MessageId, MessageRow, NewAccount, Profile};
use session_types::AccountId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::accounts;
use crate::output::Output;

/// How long any step of the story may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Person {
    pub(crate) account: Account,
    name: &'static str,
    events: Receiver<Event>,
    output: Output,
}

impl Person {
    /// Makes the account's database without going online.
    pub(crate) fn prepare(
        home: &Path,
        name: &'static str,
        keys: &AccountKeys,
        network: &DevnetInfo,
    ) -> anyhow::Result<()> {
        let seed = keys.seed16().context("a demo account has a 16-byte seed")?;
        let account = NewAccount {
            seed: Zeroizing::new(*seed),
            account_id: keys.account_id(),
            display_name: name.to_owned(),
            network: network.seed_url.clone(),
            file_server: network.file_server.as_ref().map(|f| f.setting.clone()),
            created_at: SystemClock.now(),
        };
        // The story must not fill the person's own keyring.
        Profile::new(home).create(&account, KeyKeeping::File, None)?;
        Ok(())
    }

    /// Goes online with a prepared account.
    pub(crate) async fn open(
        home: &Path,
        name: &'static str,
        keys: &AccountKeys,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let store = Profile::new(home).open(keys.account_id(), None)?;
        let network = accounts::remembered_network(&store)?;
        let options = AccountOptions {
            poll_every: Some(Duration::from_millis(500)),
            // The story waits for the copies.
            quiet_delay: None,
            ..AccountOptions::default()
        };
        let account = Account::open(store, network, Box::new(SystemClock), options).await?;
        let events = account.subscribe();
        Ok(Self {
            account,
            name,
            events,
            output: *output,
        })
    }

    /// Makes the account's database and goes online.
    pub(crate) async fn create(
        home: &Path,
        name: &'static str,
        keys: &AccountKeys,
        network: &DevnetInfo,
        output: &Output,
    ) -> anyhow::Result<Self> {
        Self::prepare(home, name, keys, network)?;
        Self::open(home, name, keys, output).await
    }

    /// Sends and waits until the message and the copy for the own devices are stored.
    pub(crate) async fn send(&mut self, to: AccountId, text: &str) -> anyhow::Result<Sent> {
        let message = self.account.send_text(to, text).await?;
        self.until_sent(message.id).await
    }

    /// The same with a file.
    pub(crate) async fn send_file(&mut self, to: AccountId, file: NewFile) -> anyhow::Result<Sent> {
        let message = self.account.send_files(to, vec![file], "").await?;
        self.until_sent(message.id).await
    }

    async fn until_sent(&mut self, message: MessageId) -> anyhow::Result<Sent> {
        let progress = self.output.progress(&format!("{} sends …", self.name));
        let mut sent = None;
        loop {
            match self.next().await? {
                Event::MessageSent(done) if done.message_id == message => sent = Some(*done),
                Event::MessageFailed { reason, .. } => {
                    bail!("{} could not send: {reason}", self.name)
                }
                Event::MessagePostponed { reason, .. } => {
                    progress.say(&format!("{} tries again: {reason} …", self.name));
                }
                Event::SyncCopyStored { message_id, .. } if message_id == message => {
                    return sent.context("the copy is sent after the message");
                }
                _ => {}
            }
        }
    }

    /// Waits for `count` messages; returns the last and the road of the poll that brought it.
    pub(crate) async fn receive(&mut self, count: usize) -> anyhow::Result<(MessageRow, Route)> {
        let _progress = self.output.progress(&format!("{} fetches …", self.name));
        let mut last = None;
        let mut left = count;
        while left > 0 {
            if let Event::MessageReceived { message, route } = self.next().await? {
                last = Some((*message, *route));
                left -= 1;
            }
        }
        last.context("at least one message was asked for")
    }

    /// Waits until the first file of a message is here.
    pub(crate) async fn fetched(&mut self, message: MessageId) -> anyhow::Result<FileRow> {
        let _progress = self.output.progress(&format!("{} fetches …", self.name));
        loop {
            let files = self.account.files(message).await?;
            let file = files.into_iter().next().context("it has a file")?;
            match &file.state {
                FileState::Here => return Ok(file),
                FileState::Failed { reason } | FileState::Gone { reason } => {
                    bail!("{} could not fetch the file: {reason}", self.name)
                }
                FileState::Remote | FileState::Queued => drop(self.next().await?),
            }
        }
    }

    pub(crate) async fn history(&self, with: AccountId) -> anyhow::Result<Vec<MessageRow>> {
        Ok(self.account.history(with, 50).await?)
    }

    async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            match timeout(PATIENCE, self.events.recv()).await {
                Ok(Ok(event)) => return Ok(event),
                Ok(Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) => bail!("{}'s account stopped", self.name),
                Err(_) => bail!(
                    "nothing happened for {} s ({}'s path: {:?})",
                    PATIENCE.as_secs(),
                    self.name,
                    self.account.network().status()
                ),
            }
        }
    }
}
