//! `session send`

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use session_core::{Account, AccountOptions, Event, Sent};
use session_store::MessageId;
use session_types::limits;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use crate::accounts;
use crate::cli::{Global, SendArguments};
use crate::output::Output;
use crate::route_story::{Errand, KeyNames, cost_line, path_line, sightings};

/// Exit status when the message is queued but not sent yet.
const QUEUED: u8 = 3;
/// How long the copy for the own devices may take after the message itself is sent.
const COPY_WAIT: Duration = Duration::from_secs(10);

enum Outcome {
    Sent(Box<Sent>),
    Queued(String),
    Failed(String),
}

pub(crate) async fn run(
    global: &Global,
    arguments: SendArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let text = match arguments.text.as_deref() {
        Some("-") | None => read_standard_input()?,
        Some(text) => text.to_owned(),
    };
    let options = AccountOptions {
        poll_every: None,
        ..AccountOptions::default()
    };
    let account = accounts::open(global, options).await?;
    let mut events = account.subscribe();
    let message = account.send_text(arguments.to, &text).await?;
    let progress = output.progress("Sending …");
    let deadline = Instant::now() + Duration::from_secs(arguments.wait);
    let outcome = wait(&mut events, message.id, deadline, &progress).await;
    let copied = match &outcome {
        Outcome::Sent(_) if arguments.to != account.id() => {
            progress.say("Sending the copy for your other devices …");
            wait_for_copy(&mut events, message.id, Instant::now() + COPY_WAIT).await
        }
        _ => true,
    };
    drop(progress);
    if let Some(skew) = account.network().clock_skew() {
        output.note(&format!("note: {skew}"));
    }
    let code = report(&account, message.id, outcome, copied, &arguments, output);
    account.close().await;
    Ok(code)
}

fn read_standard_input() -> anyhow::Result<String> {
    // Longer than the limit is refused anyway; four bytes is the longest character.
    let limit = limits::MAX_BODY_CHARS as u64 * 4 + 16;
    let mut text = String::new();
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .context("cannot read the text from standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn wait(
    events: &mut Receiver<Event>,
    message: MessageId,
    deadline: Instant,
    progress: &crate::output::Progress,
) -> Outcome {
    let mut why = "no answer in time".to_owned();
    loop {
        match timeout_at(deadline, events.recv()).await {
            Ok(Ok(Event::MessageSent(sent))) if sent.message_id == message => {
                return Outcome::Sent(sent);
            }
            Ok(Ok(Event::MessageFailed { message_id, reason })) if message_id == message => {
                return Outcome::Failed(reason);
            }
            Ok(Ok(Event::MessagePostponed {
                message_id, reason, ..
            })) => {
                if message_id == message {
                    progress.say(&format!("Not sent yet: {reason}; trying again …"));
                    why = reason;
                }
            }
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => return Outcome::Queued(why),
        }
    }
}

async fn wait_for_copy(
    events: &mut Receiver<Event>,
    message: MessageId,
    deadline: Instant,
) -> bool {
    loop {
        match timeout_at(deadline, events.recv()).await {
            Ok(Ok(Event::SyncCopyStored { message_id, .. })) if message_id == message => {
                return true;
            }
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => return false,
        }
    }
}

fn report(
    account: &Account,
    message: MessageId,
    outcome: Outcome,
    copied: bool,
    arguments: &SendArguments,
    output: &Output,
) -> ExitCode {
    match outcome {
        Outcome::Sent(sent) => {
            output.line(&format!(
                "Sent to {}: stored by {} nodes of the recipient's swarm, {} ms.",
                arguments.to.short(),
                sent.confirmed_by,
                sent.took.as_millis()
            ));
            if !copied {
                output.line("The copy for your other devices is still queued.");
            }
            if arguments.show_path {
                output.line(&format!("  {}", path_line(&sent.route, &KeyNames)));
                output.line(&format!("  {}", cost_line(&sent.route)));
                let errand = Errand::Store {
                    from: "you",
                    to: "the recipient",
                };
                for (party, saw, missed) in sightings(errand, &sent.route, &KeyNames) {
                    output.line(&format!("  {party}: saw {saw}; not {missed}"));
                }
            }
            output.object(&json!({
                "state": "sent",
                "message_id": message,
                "from": account.id(),
                "to": arguments.to,
                "hash": sent.hash,
                "expires_ms": sent.expires_at,
                "confirmed_by": sent.confirmed_by,
                "copied_to_own_swarm": copied,
                "took_ms": u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
                "route": arguments.show_path.then_some(&sent.route),
            }));
            ExitCode::SUCCESS
        }
        Outcome::Queued(reason) => {
            output.line(&format!(
                "Queued, not sent yet: {reason}.\nThe next `session send` or `session listen` \
                 delivers it."
            ));
            output.object(&json!({
                "state": "queued", "message_id": message, "to": arguments.to, "reason": reason,
            }));
            ExitCode::from(QUEUED)
        }
        Outcome::Failed(reason) => {
            output.line(&format!("Not sent: {reason}."));
            output.object(&json!({
                "state": "failed", "message_id": message, "to": arguments.to, "reason": reason,
            }));
            ExitCode::FAILURE
        }
    }
}
