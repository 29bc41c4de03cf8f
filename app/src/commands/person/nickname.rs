//! `session nickname`

use std::process::ExitCode;

use super::{Known, change};
use crate::cli::{Global, NicknameArguments};
use crate::output::{Output, printable};
use crate::work::Done;

pub(crate) async fn nickname(
    global: &Global,
    arguments: NicknameArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let who = (&arguments.who, Known::Optional);
    change(global, who, arguments.wait, output, async |work, person| {
        let nickname = arguments.nickname.trim();
        work.account.set_nickname(person.id, nickname).await?;
        let text = if nickname.is_empty() {
            format!("{} has no nickname any more.", person.in_full())
        } else {
            format!(
                "{} is called {} here.",
                person.in_full(),
                printable(nickname)
            )
        };
        Ok(Done::new("nickname", text).with("nickname", nickname))
    })
    .await
}
