//! An account at work for one command, until the network has what the command did.

mod message;
mod pending;
mod transfer;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};
use session_core::{Account, AccountOptions, Event};
use session_net::{NetworkStatus, OfflineReason, SystemClock};
use session_store::Store;
use tokio::sync::broadcast::Receiver;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, sleep_until};

use crate::accounts::{self, Unlocked};
use crate::cli::{ChangeWait, Global};
use crate::failure::QUEUED;
use crate::output::{Output, Progress};
use pending::{Left, Pending};

pub(crate) use message::deliver;
pub(crate) use transfer::{Transfer, size_text};

/// What is queued is looked at this often: not all of it tells when it is done.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// Between two polls of which the first failed.
const POLL_AGAIN: Duration = Duration::from_secs(1);

/// An account at work.
pub(crate) struct Work {
    pub(crate) account: Account,
    unlocked: Unlocked,
    events: Receiver<Event>,
}

/// When to stop waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// At the deadline.
    Deadline,
    /// At the deadline, or when the network turns out to be away.
    OneTry,
}

/// What became of what was queued.
#[derive(Debug)]
pub(crate) struct Settled {
    left: Left,
    reason: String,
    new_messages: usize,
}

impl Settled {
    fn is_done(&self) -> bool {
        self.left == Left::default()
    }

    /// Says on standard error that the command brought messages along.
    fn mention_news(&self, output: &Output) {
        match self.new_messages {
            0 => {}
            1 => output.note("A new message came in: `session chats` shows it."),
            n => output.note(&format!(
                "{n} new messages came in: `session chats` shows them."
            )),
        }
    }
}

/// What a command did, in words and for machines.
pub(crate) struct Done {
    action: &'static str,
    text: String,
    fields: Map<String, Value>,
}

impl Done {
    pub(crate) fn new(action: &'static str, text: String) -> Self {
        Self {
            action,
            text,
            fields: Map::new(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn about(self, conversation: session_types::AccountId) -> Self {
        self.with("conversation", conversation.to_hex())
    }

    fn print(&self, output: &Output, queued: Option<&str>) {
        output.line(&self.text);
        let mut object = json!({
            "action": self.action,
            "state": if queued.is_some() { "queued" } else { "done" },
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.fields.clone());
            if let Some(reason) = queued {
                object.insert("reason".to_owned(), json!(reason));
            }
        }
        if let Some(reason) = queued {
            output.line(&queued_text(reason));
        }
        output.object(&object);
    }
}

fn queued_text(reason: &str) -> String {
    format!(
        "Queued, not sent yet: {reason}.\nThe next command that goes online delivers it, \
         `session listen` for example."
    )
}

impl Work {
    /// Starts working for an account. Nothing is polled unless a change needs it.
    pub(crate) async fn start(
        global: &Global,
        unlocked: Unlocked,
        store: Store,
    ) -> anyhow::Result<Self> {
        let options = AccountOptions {
            poll_every: None,
            // The process ends when all is done: nothing comes that could go along.
            push_after: Duration::ZERO,
            network: accounts::network_options(global)?,
            ..AccountOptions::default()
        };
        let network = accounts::network(global, Some(&store))?;
        let account = Account::open(store, network, Box::new(SystemClock), options).await?;
        let events = account.subscribe();
        Ok(Self {
            account,
            unlocked,
            events,
        })
    }

    /// Waits until nothing is queued, at most until `deadline`.
    pub(crate) async fn settle(
        &mut self,
        deadline: Instant,
        patience: Patience,
        progress: &Progress,
    ) -> anyhow::Result<Settled> {
        let mut pending = block_in_place(|| Pending::open(&self.unlocked))?;
        let mut reason: Option<String> = None;
        let mut new_messages = 0;
        let mut caught_up = false;
        let mut next_poll = Instant::now();
        let account = &self.account;
        let mut poll = None;
        let left = loop {
            let left = block_in_place(|| pending.look())?;
            if left == Left::default() {
                break left;
            }
            // Contacts and settings are stored once it is known what the swarm has of them.
            if left.configs && !caught_up && poll.is_none() && Instant::now() >= next_poll {
                poll = Some(Box::pin(account.poll_now()));
            }
            let polled = async {
                match poll.as_mut() {
                    Some(poll) => poll.await,
                    None => core::future::pending().await,
                }
            };
            let failed = tokio::select! {
                () = sleep_until(deadline) => break left,
                polled = polled => {
                    poll = None;
                    match polled {
                        Ok(summary) => {
                            caught_up = !summary.more;
                            new_messages += summary.new_messages;
                            None
                        }
                        Err(error) => {
                            next_poll = Instant::now() + POLL_AGAIN;
                            Some(error.to_string())
                        }
                    }
                }
                event = self.events.recv() => match event {
                    Ok(Event::MessagePostponed { reason, .. }) => Some(reason),
                    _ => None,
                },
                () = sleep(LOOK_EVERY) => offline(account).map(str::to_owned),
            };
            if let Some(failed) = failed {
                let failed = better_reason(account, failed);
                progress.say(&format!("Not there yet: {failed}; trying again …"));
                reason = Some(failed);
                if patience == Patience::OneTry {
                    break left;
                }
            }
        };
        Ok(Settled {
            left,
            reason: why_not(account, reason),
            new_messages,
        })
    }

    /// Waits until the network has what was done, says it, and ends.
    pub(crate) async fn conclude(
        mut self,
        done: Done,
        wait: ChangeWait,
        output: &Output,
    ) -> anyhow::Result<ExitCode> {
        let progress = output.spinner("Telling the network …");
        let deadline = Instant::now() + Duration::from_secs(wait.wait);
        let settled = self.settle(deadline, Patience::OneTry, &progress).await;
        drop(progress);
        self.end(output).await;
        let settled = settled?;
        let code = if settled.is_done() {
            done.print(output, None);
            ExitCode::SUCCESS
        } else {
            done.print(output, Some(&settled.reason));
            ExitCode::from(QUEUED)
        };
        settled.mention_news(output);
        Ok(code)
    }

    /// Says what was done and that the network is to hear of it later, and ends.
    pub(crate) async fn conclude_later(
        self,
        done: Done,
        reason: &str,
        output: &Output,
    ) -> ExitCode {
        self.end(output).await;
        done.print(output, Some(reason));
        ExitCode::from(QUEUED)
    }

    /// Says what was done to this device alone, and ends.
    pub(crate) async fn conclude_here(self, done: Done, output: &Output) -> ExitCode {
        self.account.close().await;
        done.print(output, None);
        ExitCode::SUCCESS
    }

    /// Ends without a word.
    pub(crate) async fn close(self) -> Unlocked {
        self.account.close().await;
        self.unlocked
    }

    /// Ends, with a remark if the clock is wrong.
    async fn end(self, output: &Output) {
        if let Some(skew) = self.account.network().clock_skew() {
            output.note(&format!("note: {skew}"));
        }
        self.account.close().await;
    }
}

/// A reason a person can do something about, if there is one.
fn better_reason(account: &Account, reason: String) -> String {
    let watch = account.network().watch_status();
    let status = watch.borrow();
    match *status {
        NetworkStatus::Offline {
            reason:
                OfflineReason::ClockWrong | OfflineReason::NoNetwork | OfflineReason::ProxyUnreachable,
            ..
        } => {
            drop(status);
            offline(account).map_or(reason, str::to_owned)
        }
        _ => reason,
    }
}

/// What to say when the time is up.
fn why_not(account: &Account, reason: Option<String>) -> String {
    let known = || offline(account).unwrap_or("no answer in time").to_owned();
    reason.unwrap_or_else(known)
}

/// Why nothing can be sent, when that is known.
fn offline(account: &Account) -> Option<&'static str> {
    let watch = account.network().watch_status();
    let NetworkStatus::Offline { reason, .. } = *watch.borrow() else {
        return None;
    };
    Some(match reason {
        OfflineReason::ClockWrong => "the network refuses this computer's time",
        OfflineReason::GuardsUnreachable => "no node of the network can be reached",
        OfflineReason::NoNetwork => "this computer is connected to no network",
        OfflineReason::ProxyUnreachable => "the proxy does not answer, or refuses us",
        OfflineReason::SeedsUnreachable => "no seed of the network can be reached",
        _ => "the network cannot be reached",
    })
}
