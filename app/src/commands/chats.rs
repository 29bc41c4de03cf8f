//! `session chats`

use std::process::ExitCode;

use serde_json::{Value, json};
use session_config::Notify;
use session_net::{Clock as _, SystemClock};
use session_store::{ConversationRow, Store};
use session_types::Timestamp;

use crate::accounts;
use crate::cli::{ChatsArguments, Global};
use crate::output::{Output, printable, wall_time};
use crate::show::{Teller, timer_object};

/// Columns of a name in the list.
const NAME: usize = 20;

pub(crate) fn run(
    global: &Global,
    arguments: &ChatsArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let store = accounts::open_store(global)?;
    let now = SystemClock.now();
    let (mut shown, requests): (Vec<_>, Vec<_>) = store
        .conversations()?
        .into_iter()
        .partition(|row| !row.is_request());
    if !arguments.all {
        shown.retain(|row| row.settings.priority >= 0 && !row.settings.blocked);
    }
    // The newest first, as they are, but pinned ones before all others.
    shown.sort_by_key(|row| core::cmp::Reverse(row.settings.priority.max(0)));
    if shown.is_empty() && requests.is_empty() {
        output.line("No conversation yet: `session send <ACCOUNT ID> \"hello\"` begins one.");
    }
    print(&store, &shown, now, output)?;
    let gap = if shown.is_empty() { "" } else { "\n" };
    match requests.len() {
        0 => {}
        1 => output.line(&format!(
            "{gap}1 message request: `session requests` shows it."
        )),
        n => output.line(&format!(
            "{gap}{n} message requests: `session requests` shows them."
        )),
    }
    Ok(ExitCode::SUCCESS)
}

/// One line per conversation.
pub(crate) fn print(
    store: &Store,
    rows: &[ConversationRow],
    now: Timestamp,
    output: &Output,
) -> anyhow::Result<()> {
    let mut teller = Teller::new(store, now);
    for row in rows {
        let name = teller.conversation(row.id());
        let width = name.chars().count();
        let padding = " ".repeat(NAME.saturating_sub(width));
        let mut line = format!("{}{padding}  {}", output.bold(&name), row.id().short());
        let marks = marks(row, now);
        if !marks.is_empty() {
            line += &format!("  [{}]", marks.join(", "));
        }
        if let Some(last) = &row.last_message {
            let who = teller.name(last.sender);
            line += &format!(
                "  {}  {who}: {}",
                output.faint(&wall_time(last.sent_at, now)),
                teller.excerpt(last)
            );
        }
        output.line(&line);
        output.object(&object(&mut teller, row, now)?);
    }
    Ok(())
}

fn marks(row: &ConversationRow, now: Timestamp) -> Vec<String> {
    let settings = &row.settings;
    let mut marks = Vec::new();
    if row.unread > 0 {
        marks.push(format!("{} unread", row.unread));
    } else if settings.marked_unread {
        marks.push("unread".to_owned());
    }
    if row.unread_mentions > 0 {
        marks.push("mentions you".to_owned());
    }
    if settings.priority > 0 {
        marks.push("pinned".to_owned());
    }
    if is_muted(row, now) {
        marks.push("muted".to_owned());
    } else if settings.notify == Notify::Mentions {
        marks.push("muted but for mentions".to_owned());
    }
    if settings.blocked {
        marks.push("blocked".to_owned());
    }
    if settings.priority < 0 {
        marks.push("hidden".to_owned());
    }
    if !row.draft.is_empty() {
        marks.push(format!(
            "draft: {}",
            printable(&row.draft).replace('\n', " ")
        ));
    }
    marks
}

fn is_muted(row: &ConversationRow, now: Timestamp) -> bool {
    row.settings.notify == Notify::Off || row.settings.muted_until > now.as_secs()
}

fn object(teller: &mut Teller<'_>, row: &ConversationRow, now: Timestamp) -> anyhow::Result<Value> {
    let settings = &row.settings;
    let last = match &row.last_message {
        Some(last) => {
            let shown = teller.with_reactions(vec![last.clone()])?;
            shown.first().map(|shown| teller.object(shown))
        }
        None => None,
    };
    let until = (settings.muted_until > now.as_secs()).then(|| settings.muted_until * 1000);
    Ok(json!({
        "conversation": row.id(),
        "name": settings.shown_name(),
        "nickname": Some(&settings.nickname).filter(|name| !name.is_empty()),
        "unread": row.unread,
        "unread_mentions": row.unread_mentions,
        "marked_unread": settings.marked_unread,
        "pinned": settings.priority > 0,
        "hidden": settings.priority < 0,
        "muted": is_muted(row, now),
        "muted_until_ms": until,
        "blocked": settings.blocked,
        "request": row.is_request(),
        "accepted_you": settings.approved_me,
        "timer": timer_object(settings.expiration),
        "draft": row.draft,
        "last_message": last,
    }))
}
