//! `session block` and `session unblock`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{Global, PersonArguments};
use crate::output::Output;
use crate::work::Done;

pub(crate) async fn block(
    global: &Global,
    arguments: PersonArguments,
    block: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Optional);
    change(global, who, arguments.wait, output, async |work, person| {
        work.account.set_blocked(person.id, block).await?;
        Ok(if block {
            Done::new("block", format!("{} is blocked.", person.in_full()))
        } else {
            let text = format!("{} is no longer blocked.", person.in_full());
            Done::new("unblock", text)
        })
    })
    .await
}
