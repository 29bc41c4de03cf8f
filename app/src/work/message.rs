//! Seeing one message through.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use session_core::{Event, Sent};
use session_store::MessageId;
use session_types::AccountId;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

use super::transfer::progress_text;
use super::{Patience, Settled, Work, better_reason, queued_text, why_not};
use crate::cli::MessageWait;
use crate::failure::QUEUED;
use crate::output::{Output, Progress};
use crate::route_story::{Errand, KeyNames, cost_line, path_line, sightings};
use crate::who::Person;

/// How long the rest may take once the message itself is sent: the copy for the own devices,
/// contacts and settings.
const REST: Duration = Duration::from_secs(10);

enum Outcome {
    Sent(Box<Sent>),
    Queued(String),
    Failed(String),
}

/// Waits until a queued message is sent, says what became of it, and ends.
pub(crate) async fn deliver(
    mut work: Work,
    to: &Person,
    message: MessageId,
    wait: MessageWait,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let progress = output.progress("Sending …");
    let deadline = Instant::now() + Duration::from_secs(wait.wait);
    let outcome = work.wait(message, deadline, &progress).await;
    let settled = match &outcome {
        Outcome::Sent(_) => {
            progress.say("Telling your other devices …");
            let rest = work.settle(Instant::now() + REST, Patience::Deadline, &progress);
            Some(rest.await?)
        }
        _ => None,
    };
    drop(progress);
    let from = work.account.id();
    work.end(output).await;
    let code = report(from, to, message, &outcome, settled.as_ref(), wait, output);
    if let Some(settled) = settled {
        settled.mention_news(output);
    }
    Ok(code)
}

impl Work {
    async fn wait(
        &mut self,
        message: MessageId,
        deadline: Instant,
        progress: &Progress,
    ) -> Outcome {
        let mut why = None;
        loop {
            match timeout_at(deadline, self.events.recv()).await {
                Ok(Ok(Event::MessageSent(sent))) if sent.message_id == message => {
                    return Outcome::Sent(sent);
                }
                Ok(Ok(Event::FileProgress {
                    message_id,
                    upload: true,
                    done,
                    total,
                    ..
                })) if message_id == message => {
                    progress.say(&progress_text("Uploading", done, total));
                }
                Ok(Ok(Event::FileFailed {
                    message_id,
                    upload: true,
                    reason,
                    ..
                })) if message_id == message => {
                    progress.say(&format!("Not uploaded yet: {reason}; trying again …"));
                    why = Some(reason);
                }
                Ok(Ok(Event::MessageFailed { message_id, reason })) if message_id == message => {
                    return Outcome::Failed(reason);
                }
                Ok(Ok(Event::MessagePostponed {
                    message_id, reason, ..
                })) => {
                    if message_id == message {
                        let reason = better_reason(&self.account, reason);
                        progress.say(&format!("Not sent yet: {reason}; trying again …"));
                        why = Some(reason);
                    }
                }
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
                Ok(Err(RecvError::Closed)) | Err(_) => {
                    return Outcome::Queued(why_not(&self.account, why));
                }
            }
        }
    }
}

fn report(
    from: AccountId,
    to: &Person,
    message: MessageId,
    outcome: &Outcome,
    settled: Option<&Settled>,
    wait: MessageWait,
    output: &Output,
) -> ExitCode {
    match outcome {
        Outcome::Sent(sent) => {
            let copied = settled.is_some_and(|settled| settled.left.jobs == 0);
            output.line(&format!(
                "Sent to {} as message {message}: stored by {} nodes of {} swarm, {} ms.",
                to.in_full(),
                sent.confirmed_by,
                if to.is_me { "your" } else { "the recipient's" },
                sent.took.as_millis()
            ));
            if !to.accepted_you {
                output.line("It is a message request until they accept or answer.");
            }
            if settled.is_some_and(|settled| !settled.is_done()) {
                output.line("What your other devices need is still queued.");
            }
            if wait.show_path {
                tell_path(sent, to, output);
            }
            output.object(&json!({
                "state": "sent",
                "message_id": message,
                "from": from,
                "to": to.id,
                "hash": sent.hash,
                "expires_ms": sent.expires_at,
                "confirmed_by": sent.confirmed_by,
                "copied_to_own_swarm": copied,
                "took_ms": u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
                "route": wait.show_path.then_some(&sent.route),
            }));
            ExitCode::SUCCESS
        }
        Outcome::Queued(reason) => {
            output.line(&queued_text(reason));
            output.object(&json!({
                "state": "queued", "message_id": message, "to": to.id, "reason": reason,
            }));
            ExitCode::from(QUEUED)
        }
        Outcome::Failed(reason) => {
            output.line(&format!("Not sent: {reason}."));
            output.object(&json!({
                "state": "failed", "message_id": message, "to": to.id, "reason": reason,
            }));
            ExitCode::FAILURE
        }
    }
}

fn tell_path(sent: &Sent, to: &Person, output: &Output) {
    output.line(&format!("  {}", path_line(&sent.route, &KeyNames)));
    output.line(&format!("  {}", cost_line(&sent.route)));
    let errand = Errand::Store {
        from: "you",
        to: if to.is_me { "you" } else { "the recipient" },
    };
    for (party, saw, missed) in sightings(errand, &sent.route, &KeyNames) {
        output.line(&format!("  {party}: saw {saw}; not {missed}"));
    }
}
