//! `session react`

use std::process::ExitCode;

use session_net::{Clock as _, SystemClock};

use crate::accounts;
use crate::cli::{Global, ReactArguments};
use crate::output::{Output, printable};
use crate::show::Teller;
use crate::who::{self, Person};
use crate::work::{Done, Work};

pub(crate) async fn run(
    global: &Global,
    arguments: ReactArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let message = who::message(&store, &arguments.message)?;
    let person = Person::find(&store, message.conversation)?;
    let words = Teller::new(&store, SystemClock.now()).excerpt(&message);
    let work = Work::start(global, unlocked, store).await?;
    let emoji = arguments.emoji.trim();
    work.account
        .react(message.id, emoji, !arguments.remove)
        .await?;
    let shown = printable(emoji);
    let place = format!("message {} with {}: {words}", message.id, person.called());
    let done = if arguments.remove {
        Done::new("unreact", format!("{shown} is taken back from {place}"))
    } else {
        Done::new("react", format!("{shown} is at {place}"))
    };
    let done = done
        .about(person.id)
        .with("message_id", message.id.get())
        .with("emoji", emoji);
    work.conclude(done, arguments.wait, output).await
}
