//! `session history`

use std::process::ExitCode;

use serde_json::json;
use session_net::{Clock as _, SystemClock};
use session_store::{MessageRow, MessageState};
use session_types::Timestamp;

use crate::accounts;
use crate::cli::{Global, HistoryArguments};
use crate::output::{Output, printable, wall_time};

pub(crate) fn run(
    global: &Global,
    arguments: &HistoryArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let store = accounts::open_store(global)?;
    let now = SystemClock.now();
    if let Some(with) = &arguments.with {
        for row in store.history(with, arguments.limit, None)? {
            print(output, &row, now);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for conversation in store.conversations()? {
        let name = conversation.name.as_deref().unwrap_or("");
        let last = conversation.last_message.as_ref();
        let preview: String = last
            .map(|row| row.body.lines().next().unwrap_or_default())
            .unwrap_or_default()
            .into();
        output.line(&format!(
            "{}  {}  {}",
            conversation.id,
            output.bold(&printable(name)),
            printable(&preview)
        ));
        output.object(&json!({
            "conversation": conversation.id,
            "name": conversation.name,
            "unread": conversation.unread,
            "last_message": last.map(as_json),
        }));
    }
    Ok(ExitCode::SUCCESS)
}

/// One message, as `listen` and `history` show it.
pub(crate) fn print(output: &Output, row: &MessageRow, now: Timestamp) {
    let time = wall_time(row.sent_at, now);
    let who = if row.outgoing {
        format!("you → {}", row.conversation.short())
    } else {
        row.sender.short()
    };
    let state = match &row.state {
        MessageState::Sending => output.faint(" (queued)"),
        MessageState::Failed { reason } => format!(" (not sent: {reason})"),
        _ => String::new(),
    };
    output.line(&format!(
        "{} {}{state}: {}",
        output.faint(&time),
        output.bold(&who),
        printable(&row.body)
    ));
    output.object(&as_json(row));
}

fn as_json(row: &MessageRow) -> serde_json::Value {
    json!({
        "message_id": row.id,
        "conversation": row.conversation,
        "from": row.sender,
        "outgoing": row.outgoing,
        "text": row.body,
        "sent_ms": row.sent_at,
        "hash": row.hash,
        "expires_ms": row.expires_at,
        "delivery": row.state,
    })
}
