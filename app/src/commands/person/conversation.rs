//! `session conversation …`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{ConversationCommand, Global};
use crate::output::Output;
use crate::work::Done;

pub(crate) async fn conversation(
    global: &Global,
    command: ConversationCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let ConversationCommand::Delete(arguments) = command;
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        work.account.delete_conversation(person.id).await?;
        let text = format!(
            "The conversation with {} is removed from all your devices.",
            person.in_full()
        );
        Ok(Done::new("delete_conversation", text))
    })
    .await
}
