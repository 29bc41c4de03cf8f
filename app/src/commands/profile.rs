//! `session profile …`

use std::process::ExitCode;

use serde_json::json;

use crate::accounts;
use crate::cli::{Global, ProfileArguments, ProfileCommand};
use crate::output::{Output, printable};
use crate::work::{Done, Work};

pub(crate) async fn run(
    global: &Global,
    arguments: ProfileArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let work = Work::start(global, unlocked, store).await?;
    match arguments.command.unwrap_or(ProfileCommand::Show) {
        ProfileCommand::Show => {
            let (id, name) = (work.account.id(), work.account.name().await?);
            let settings = work.account.settings().await?;
            work.close().await;
            let shown = if name.is_empty() { "none" } else { &name };
            let on = |on| if on { "on" } else { "off" };
            output.line(&format!("  Account ID     {id}"));
            output.line(&format!("  Name           {}", printable(shown)));
            output.line(&format!("  Read receipts  {}", on(settings.read_receipts)));
            output.line(&format!("  Typing         {}", on(settings.typing)));
            output.object(&json!({
                "account_id": id,
                "name": name,
                "read_receipts": settings.read_receipts,
                "typing": settings.typing,
            }));
            Ok(ExitCode::SUCCESS)
        }
        ProfileCommand::Name { name, wait } => {
            work.account.set_name(&name).await?;
            let name = work.account.name().await?;
            let text = format!(
                "Your name is {}. Others see it with your next message.",
                printable(&name)
            );
            let done = Done::new("name", text).with("name", name);
            work.conclude(done, wait, output).await
        }
    }
}
