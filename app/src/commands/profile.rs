//! `session profile …`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use session_store::FileState;
use tokio::time::Instant;

use crate::accounts;
use crate::cli::{ChangeWait, Global, ProfileArguments, ProfileCommand};
use crate::output::{Output, printable};
use crate::work::{Done, Transfer, Work};

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
            let picture = work.account.picture(id).await?.map(|row| row.state);
            work.close().await;
            let shown = if name.is_empty() { "none" } else { &name };
            let on = |on| if on { "on" } else { "off" };
            output.line(&format!("  Account ID     {id}"));
            output.line(&format!("  Name           {}", printable(shown)));
            output.line(&format!(
                "  Picture        {}",
                picture_text(picture.as_ref())
            ));
            output.line(&format!("  Read receipts  {}", on(settings.read_receipts)));
            output.line(&format!("  Typing         {}", on(settings.typing)));
            output.object(&json!({
                "account_id": id,
                "name": name,
                "picture": picture,
                "read_receipts": settings.read_receipts,
                "typing": settings.typing,
            }));
            Ok(ExitCode::SUCCESS)
        }
        ProfileCommand::Picture { file, wait, .. } => picture(work, file, wait, output).await,
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

async fn picture(
    mut work: Work,
    file: Option<PathBuf>,
    wait: ChangeWait,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let Some(file) = file else {
        work.account.remove_picture().await?;
        let text = "Others see no picture of you any more, from your next message on.";
        let done = Done::new("picture", text.to_owned());
        return work.conclude(done, wait, output).await;
    };
    let content =
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    work.account.set_picture(content).await?;
    let progress = output.spinner("Uploading your picture …");
    let deadline = Instant::now() + Duration::from_secs(wait.wait);
    let uploaded = work.picture_uploaded(deadline, &progress).await;
    drop(progress);
    match uploaded? {
        Transfer::Done => {
            let text = "Others see your picture with your next message.".to_owned();
            work.conclude(Done::new("picture", text), wait, output)
                .await
        }
        Transfer::Failed(reason) => {
            work.close().await;
            bail!("the picture was not uploaded: {reason}")
        }
        Transfer::Waiting(reason) => {
            let text = "The picture is kept on this device.".to_owned();
            Ok(work
                .conclude_later(Done::new("picture", text), &reason, output)
                .await)
        }
    }
}

fn picture_text(picture: Option<&FileState>) -> String {
    match picture {
        None => "none".to_owned(),
        Some(FileState::Here) => "set".to_owned(),
        Some(FileState::Queued | FileState::Remote) => "set, still to be uploaded".to_owned(),
        Some(FileState::Failed { reason } | FileState::Gone { reason }) => {
            format!("set, not uploaded: {}", printable(reason))
        }
    }
}
