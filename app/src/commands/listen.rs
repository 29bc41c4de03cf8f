//! `session listen`

use std::process::ExitCode;
use std::time::Duration;

use session_core::{AccountOptions, Event};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::accounts;
use crate::cli::{Global, ListenArguments};
use crate::commands::history;
use crate::output::Output;

pub(crate) async fn run(
    global: &Global,
    arguments: ListenArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let options = AccountOptions {
        poll_every: Some(Duration::from_secs(arguments.every)),
        ..AccountOptions::default()
    };
    let account = accounts::open(global, options).await?;
    let mut events = account.subscribe();
    output.note(&format!(
        "Listening as {}; Ctrl-C ends.",
        account.id().short()
    ));
    let end = arguments
        .for_seconds
        .map(|s| Instant::now() + Duration::from_secs(s));
    let mut left = arguments.count;
    let mut complaint = None;
    let mut skew_said = false;
    while left != Some(0) {
        let event = tokio::select! {
            event = events.recv() => event,
            () = at(end) => break,
            _ = tokio::signal::ctrl_c() => break,
        };
        match event {
            Ok(Event::MessageReceived { message, .. }) => {
                history::print(output, &message, account.network().now());
                left = left.map(|n| n.saturating_sub(1));
            }
            // Said once, and again when it changes: not at every poll.
            Ok(Event::PollFailed { reason }) => {
                if complaint.as_ref() != Some(&reason) {
                    output.note(&format!("not connected: {reason}; trying on"));
                    complaint = Some(reason);
                }
            }
            Ok(Event::Polled { .. }) => {
                if complaint.take().is_some() {
                    output.note("connected");
                }
                if let Some(skew) = account.network().clock_skew().filter(|_| !skew_said) {
                    output.note(&format!("note: {skew}"));
                    skew_said = true;
                }
            }
            Ok(Event::MessageSent(sent)) => {
                output.note(&format!(
                    "a queued message was sent ({} ms)",
                    sent.took.as_millis()
                ));
            }
            Ok(Event::MessageFailed { reason, .. }) => {
                output.note(&format!("a message could not be sent: {reason}"));
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => {
                output.note(&format!(
                    "{missed} events were missed; `session history` has all"
                ));
            }
            Err(RecvError::Closed) => break,
        }
    }
    account.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn at(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => core::future::pending().await,
    }
}
