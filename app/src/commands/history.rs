//! `session history`

use std::process::ExitCode;

use session_net::{Clock as _, SystemClock};

use crate::accounts;
use crate::cli::{ChatsArguments, Global, HistoryArguments};
use crate::commands::chats;
use crate::output::Output;
use crate::show::Teller;
use crate::who;

pub(crate) fn run(
    global: &Global,
    arguments: &HistoryArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let Some(who) = &arguments.who else {
        return chats::run(global, &ChatsArguments { all: false }, output);
    };
    let store = accounts::open_store(global)?;
    let person = who::person(&store, who)?;
    let mut teller = Teller::new(&store, SystemClock.now());
    let rows = store.history(&person.id, arguments.limit, arguments.before)?;
    if rows.is_empty() {
        output.line(&format!("No messages with {}.", person.in_full()));
    }
    let unread = rows.iter().filter(|row| row.unread).count();
    let mut divided = false;
    for shown in teller.with_reactions(rows)? {
        if shown.row.unread && !divided {
            output.line(&output.faint(&format!("── {unread} unread ──")));
            divided = true;
        }
        for line in teller.lines(&shown, false, *output) {
            output.line(&line);
        }
        output.object(&teller.object(&shown));
    }
    Ok(ExitCode::SUCCESS)
}
