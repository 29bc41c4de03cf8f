//! `session contact …`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{ContactCommand, Global};
use crate::output::Output;
use crate::work::Done;

pub(crate) async fn contact(
    global: &Global,
    command: ContactCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let ContactCommand::Delete(arguments) = command;
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        work.account.delete_contact(person.id).await?;
        let text = format!(
            "{} is forgotten, with the conversation, on all your devices.",
            person.in_full()
        );
        Ok(Done::new("delete_contact", text))
    })
    .await
}
