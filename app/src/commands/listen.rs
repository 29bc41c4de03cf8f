//! `session listen`

mod watch;

use core::pin::pin;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use session_core::{Account, AccountOptions, Event};
use session_net::SystemClock;
use session_types::AccountId;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::accounts;
use crate::cli::{Global, ListenArguments};
use crate::end::End;
use crate::output::Output;
use crate::show::Teller;
use watch::{Happening, Watch};

/// Characters of an Account ID that name somebody.
const BEGINNING: usize = 8;

pub(crate) async fn run(
    global: &Global,
    arguments: ListenArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    // What is typed at a passphrase's prompt still ends the program at once.
    let mut told_to_end = pin!(End::expect()?.wait());
    let store = unlocked.store()?;
    let network = accounts::network(global, Some(&store))?;
    // What there is before anything can come.
    let watch = Watch::begin(unlocked.store()?)?;
    let options = AccountOptions {
        poll_every: Some(Duration::from_secs(arguments.every)),
        network: accounts::network_options(global)?,
        ..AccountOptions::staying()
    };
    let account = Account::open(store, network, Box::new(SystemClock), options).await?;
    let mut listener = Listener {
        left: arguments.count,
        complaint: None,
        skew_said: false,
        requests: BTreeSet::new(),
        watch,
        account: &account,
        output: *output,
    };
    let mut events = account.subscribe();
    output.note(&format!(
        "Listening as {}; Ctrl-C ends.",
        account.id().short()
    ));
    match listener.watch.unread() {
        0 => {}
        n => output.note(&format!("{n} unread: `session chats` shows where.")),
    }
    let end = arguments
        .for_seconds
        .map(|s| Instant::now() + Duration::from_secs(s));
    while listener.left != Some(0) {
        let event = tokio::select! {
            event = events.recv() => event,
            () = at(end) => break,
            ended = &mut told_to_end => {
                ended?;
                break;
            }
        };
        match event {
            Ok(event) => block_in_place(|| listener.hear(&event))?,
            // The database has what was missed.
            Err(RecvError::Lagged(_)) => block_in_place(|| listener.look_around())?,
            Err(RecvError::Closed) => break,
        }
    }
    account.close().await;
    Ok(ExitCode::SUCCESS)
}

struct Listener<'a> {
    /// Messages still to be printed.
    left: Option<usize>,
    complaint: Option<String>,
    skew_said: bool,
    /// People of whom it was said that they are new.
    requests: BTreeSet<AccountId>,
    watch: Watch,
    account: &'a Account,
    output: Output,
}

impl Listener<'_> {
    fn hear(&mut self, event: &Event) -> anyhow::Result<()> {
        match event {
            Event::MessageReceived { message, .. } => {
                let happening = self.watch.message(message)?;
                self.tell(happening.into_iter().collect())?;
            }
            Event::ConversationsChanged {
                conversations,
                removed,
            } => {
                let happenings = self.watch.changed(conversations, removed)?;
                self.tell(happenings)?;
            }
            Event::Typing {
                conversation,
                begins,
            } => {
                let name = Teller::new(self.watch.store(), self.account.network().now())
                    .name(*conversation);
                let does = if *begins {
                    "is typing …"
                } else {
                    "stopped typing"
                };
                self.output
                    .line(&self.output.faint(&format!("        {name} {does}")));
                self.output.object(&json!({
                    "event": "typing", "conversation": conversation, "begins": begins,
                }));
            }
            // Said once, and again when it changes: not at every poll.
            Event::PollFailed { reason } if self.complaint.as_ref() != Some(reason) => {
                self.output
                    .note(&format!("not connected: {reason}; trying on"));
                self.complaint = Some(reason.clone());
            }
            Event::Polled { .. } => {
                if self.complaint.take().is_some() {
                    self.output.note("connected");
                }
                let skew = self.account.network().clock_skew();
                if let Some(skew) = skew.filter(|_| !self.skew_said) {
                    self.output.note(&format!("note: {skew}"));
                    self.skew_said = true;
                }
                // Another command of this account may have fetched something.
                self.look_around()?;
            }
            Event::MessageSent(sent) => self.output.note(&format!(
                "message {} was sent ({} ms)",
                sent.message_id,
                sent.took.as_millis()
            )),
            Event::MessageFailed { message_id, reason } => self
                .output
                .note(&format!("message {message_id} could not be sent: {reason}")),
            _ => {}
        }
        Ok(())
    }

    fn look_around(&mut self) -> anyhow::Result<()> {
        let happenings = self.watch.look_around()?;
        self.tell(happenings)
    }

    fn tell(&mut self, happenings: Vec<Happening>) -> anyhow::Result<()> {
        let now = self.account.network().now();
        let mut teller = Teller::new(self.watch.store(), now);
        for happening in happenings {
            if self.left == Some(0) {
                return Ok(());
            }
            if let Happening::Message(row) = happening {
                let from = row.conversation;
                let counts = row.kind.is_written();
                for shown in teller.with_reactions(vec![*row])? {
                    for line in teller.lines(&shown, true, self.output) {
                        self.output.line(&line);
                    }
                    let event = if counts { "message" } else { "notice" };
                    self.output
                        .object(&with_event(teller.object(&shown), event));
                }
                let row = self.watch.store().conversation(&from)?;
                if row.is_some_and(|row| row.is_request()) && self.requests.insert(from) {
                    let beginning: String = from.to_hex().chars().take(BEGINNING).collect();
                    self.output.note(&format!(
                        "{} ({}) is new to you: `session requests accept {beginning}`, or \
                         `decline`",
                        teller.name(from),
                        from.short()
                    ));
                }
                if counts {
                    self.left = self.left.map(|left| left.saturating_sub(1));
                }
            } else {
                let (words, object) = happening.describe(&mut teller);
                self.output
                    .line(&self.output.faint(&format!("        {words}")));
                self.output.object(&object);
            }
        }
        Ok(())
    }
}

fn with_event(mut object: Value, event: &str) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("event".to_owned(), json!(event));
    }
    object
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => core::future::pending().await,
    }
}
