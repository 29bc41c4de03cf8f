//! `session reply`

use std::process::ExitCode;

use crate::accounts;
use crate::cli::{Global, ReplyArguments};
use crate::commands::send::{composed, with_preview};
use crate::output::Output;
use crate::who::{self, Person};
use crate::work::{Work, deliver};

pub(crate) async fn run(
    global: &Global,
    arguments: ReplyArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let answered = who::message(&store, &arguments.message)?;
    let person = Person::find(&store, answered.conversation)?;
    let mut message = composed(arguments.text, arguments.with)?;
    message.reply_to = Some(answered.id);
    let work = Work::start(global, unlocked, store).await?;
    let message = with_preview(&work, message, output).await?;
    let message = work.account.send(person.id, message).await?;
    deliver(work, &person, message.id, arguments.wait, output).await
}
