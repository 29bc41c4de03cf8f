//! `session reply`

use std::process::ExitCode;

use crate::accounts;
use crate::cli::{Global, ReplyArguments};
use crate::commands::send::words;
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
    let text = words(arguments.text)?;
    let work = Work::start(global, unlocked, store).await?;
    let message = work.account.reply(person.id, answered.id, &text).await?;
    deliver(work, &person, message.id, arguments.wait, output).await
}
