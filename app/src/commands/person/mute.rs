//! `session mute` and `session unmute`

use std::process::ExitCode;
use std::time::Duration;

use session_config::Notify;

use super::{Known, change};
use crate::cli::{Global, MuteArguments, PersonArguments};
use crate::output::{Output, wall_time};
use crate::work::Done;

pub(crate) async fn mute(
    global: &Global,
    arguments: MuteArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        let now = work.account.network().now();
        let until = arguments
            .for_time
            .map(|time| now.plus(Duration::from_secs(time.seconds.into())));
        let notify = match (until, arguments.but_mentions) {
            (Some(_), _) => Notify::Default,
            (None, true) => Notify::Mentions,
            (None, false) => Notify::Off,
        };
        work.account
            .set_notifications(person.id, notify, until)
            .await?;
        let how = match until {
            Some(until) => format!(" until {}", wall_time(until, now)),
            None if arguments.but_mentions => " but for mentions".to_owned(),
            None => String::new(),
        };
        let text = format!("{} is muted{how}.", person.in_full());
        Ok(Done::new("mute", text))
    })
    .await
}

pub(crate) async fn unmute(
    global: &Global,
    arguments: PersonArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        work.account
            .set_notifications(person.id, Notify::Default, None)
            .await?;
        let text = format!("{} is no longer muted.", person.in_full());
        Ok(Done::new("unmute", text))
    })
    .await
}
