//! `session pin` and `session unpin`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{Global, PersonArguments};
use crate::output::Output;
use crate::work::Done;

pub(crate) async fn pin(
    global: &Global,
    arguments: PersonArguments,
    pin: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Required);
    change(global, who, arguments.wait, output, async |work, person| {
        work.account.set_pinned(person.id, pin).await?;
        Ok(if pin {
            Done::new("pin", format!("{} is pinned.", person.in_full()))
        } else {
            Done::new(
                "unpin",
                format!("{} is no longer pinned.", person.in_full()),
            )
        })
    })
    .await
}
