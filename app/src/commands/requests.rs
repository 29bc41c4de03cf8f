//! `session requests …`

use std::process::ExitCode;

use session_net::{Clock as _, SystemClock};
use session_store::ConversationRow;

use crate::accounts;
use crate::cli::{Global, RequestsArguments, RequestsCommand};
use crate::commands::chats;
use crate::output::Output;
use crate::who;
use crate::work::{Done, Work};

pub(crate) async fn run(
    global: &Global,
    arguments: RequestsArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    match arguments.command.unwrap_or(RequestsCommand::List) {
        RequestsCommand::List => {
            let mut rows = store.conversations()?;
            rows.retain(ConversationRow::is_request);
            if rows.is_empty() {
                output.line("No message requests.");
            }
            chats::print(&store, &rows, SystemClock.now(), output)?;
            Ok(ExitCode::SUCCESS)
        }
        RequestsCommand::Accept { who, wait } => {
            let person = who::known_person(&store, &who)?;
            let work = Work::start(global, unlocked, store).await?;
            work.account.accept(person.id).await?;
            let text = format!("{} is accepted.", person.in_full());
            let done = Done::new("accept", text).about(person.id);
            work.conclude(done, wait, output).await
        }
        RequestsCommand::Decline { who, block, wait } => {
            let person = who::known_person(&store, &who)?;
            let work = Work::start(global, unlocked, store).await?;
            work.account.decline(person.id, block).await?;
            let text = if block {
                format!("{} is declined and blocked.", person.in_full())
            } else {
                format!("{} is declined.", person.in_full())
            };
            let done = Done::new("decline", text)
                .about(person.id)
                .with("blocked", block);
            work.conclude(done, wait, output).await
        }
    }
}
