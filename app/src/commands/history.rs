//! `session history`

use std::process::ExitCode;

use serde_json::json;
use session_messages::Expiration;
use session_net::{Clock as _, SystemClock};
use session_store::{MessageKind, MessageRow, MessageState};
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
        let settings = &conversation.settings;
        let name = settings.shown_name().unwrap_or_default();
        let last = conversation.last_message.as_ref();
        let preview: String = last
            .map(|row| row.body.lines().next().unwrap_or_default())
            .unwrap_or_default()
            .into();
        output.line(&format!(
            "{}  {}  {}",
            settings.id,
            output.bold(&printable(name)),
            printable(&preview)
        ));
        output.object(&json!({
            "conversation": settings.id,
            "name": settings.shown_name(),
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
    let text = match notice(row) {
        Some(notice) => output.faint(&notice),
        None => printable(&row.body),
    };
    output.line(&format!(
        "{} {}{state}: {text}",
        output.faint(&time),
        output.bold(&who),
    ));
    output.object(&as_json(row));
}

/// What a message without words of its writer says.
fn notice(row: &MessageRow) -> Option<String> {
    let notice = match row.kind {
        MessageKind::Text => return None,
        MessageKind::TimerChange => match row.expiration {
            Expiration::Off => "messages no longer disappear".to_owned(),
            Expiration::AfterRead(seconds) => {
                format!("messages disappear {seconds} s after they were read")
            }
            Expiration::AfterSend(seconds) => {
                format!("messages disappear {seconds} s after they were sent")
            }
        },
        MessageKind::Invitation => {
            let invitation = row.details.invitation.as_ref()?;
            let (name, url) = (printable(&invitation.name), printable(&invitation.url));
            format!("an invitation to {name}: {url}")
        }
        MessageKind::RequestAccepted => "accepted the message request".to_owned(),
        MessageKind::Screenshot => "took a screenshot".to_owned(),
        MessageKind::MediaSaved => "saved a file".to_owned(),
        MessageKind::Deleted => "deleted this message".to_owned(),
    };
    Some(notice)
}

fn as_json(row: &MessageRow) -> serde_json::Value {
    json!({
        "message_id": row.id,
        "conversation": row.conversation,
        "from": row.sender,
        "outgoing": row.outgoing,
        "kind": row.kind,
        "text": row.body,
        "sent_ms": row.sent_at,
        "hash": row.hash,
        "expires_ms": row.expires_at,
        "delivery": row.state,
    })
}
