//! Answers every message with its own text: `echo_bot <data folder>` works for the first account
//! in the folder, or makes one.
#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::error::Error;

use serde_json::json;
use session_api::params::{AccountResult, Hello, Queued};
use session_api::{Notification, Session, SessionOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("a data folder is needed")?;
    let session = Session::new(SessionOptions::new(folder));
    tokio::select! {
        echoed = echo(&session) => echoed?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    session.close().await;
    Ok(())
}

async fn echo(session: &Session) -> Result<(), Box<dyn Error>> {
    let mut connection = session.connect();
    let hello: Hello = connection.ask("hello", json!({ "version": 1 })).await?;
    let opened: AccountResult = match hello.accounts.first() {
        Some(known) => {
            let params = json!({ "account": known.id });
            connection.ask("accounts.open", params).await?
        }
        None => {
            let params = json!({ "name": "Echo" });
            connection.ask("accounts.create", params).await?
        }
    };
    let account = opened.account.id;
    println!("write to {account}");
    while let Some(notification) = connection.next().await {
        if let Notification::MessageReceived(received) = notification
            && !received.message.mine
            && !received.message.text.as_str().is_empty()
        {
            let (to, text) = (received.message.author, received.message.text);
            let params = json!({ "account": account, "to": to, "text": text });
            let _: Queued = connection.ask("messages.send", params).await?;
        }
    }
    Ok(())
}
