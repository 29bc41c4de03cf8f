//! `session read` and `session unread`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{Global, PersonArguments};
use crate::output::Output;
use crate::work::Done;

pub(crate) async fn read(
    global: &Global,
    arguments: PersonArguments,
    read: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        Ok(if read {
            work.account.mark_read(person.id, None).await?;
            Done::new("read", format!("{} is read.", person.in_full()))
        } else {
            work.account.set_unread_mark(person.id, true).await?;
            let text = format!("{} is marked as unread.", person.in_full());
            Done::new("unread", text)
        })
    })
    .await
}
