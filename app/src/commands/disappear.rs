//! `session disappear`

use std::process::ExitCode;

use anyhow::bail;
use session_messages::Expiration;

use crate::accounts;
use crate::cli::{After, DisappearArguments, Global, TimeOrOff};
use crate::output::Output;
use crate::show::timer_text;
use crate::who;
use crate::work::{Done, Work, deliver};

pub(crate) async fn run(
    global: &Global,
    arguments: DisappearArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let person = who::person(&store, &arguments.who)?;
    let usual = if person.is_me {
        After::Send
    } else {
        After::Read
    };
    let expiration = match (arguments.time, arguments.after.unwrap_or(usual)) {
        (TimeOrOff::Off, _) if arguments.after.is_some() => {
            bail!("--after belongs to a time; `off` has none")
        }
        (TimeOrOff::Off, _) => Expiration::Off,
        (TimeOrOff::Time(time), After::Read) => Expiration::after_read(time.seconds),
        (TimeOrOff::Time(time), After::Send) => Expiration::after_send(time.seconds),
    };
    let text = format!("{}: {}.", person.in_full(), timer_text(expiration));
    let work = Work::start(global, unlocked, store).await?;
    let Some(message) = work.account.set_timer(person.id, expiration).await? else {
        let text = format!("{text} That is how it was.");
        let done = Done::new("disappear", text).about(person.id);
        return Ok(work.conclude_here(done, output).await);
    };
    output.line(&text);
    deliver(work, &person, message.id, arguments.wait, output).await
}
