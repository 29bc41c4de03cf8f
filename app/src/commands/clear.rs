//! `session clear`

use std::process::ExitCode;

use crate::accounts;
use crate::cli::{ClearArguments, Global};
use crate::output::Output;
use crate::who;
use crate::work::{Done, Work};

pub(crate) async fn run(
    global: &Global,
    arguments: ClearArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let person = who::known_person(&store, &arguments.who)?;
    let work = Work::start(global, unlocked, store).await?;
    work.account.clear(person.id).await?;
    let text = format!(
        "All messages with {} are removed from this device.",
        person.in_full()
    );
    let done = Done::new("clear", text).about(person.id);
    Ok(work.conclude_here(done, output).await)
}
