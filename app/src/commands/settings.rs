//! `session settings …`

use std::process::ExitCode;

use serde_json::json;
use session_net::FileServer;

use crate::accounts;
use crate::cli::{Global, SettingsArguments, SettingsCommand, Switch};
use crate::output::Output;
use crate::work::Work;

pub(crate) async fn run(
    global: &Global,
    arguments: SettingsArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    // Before anything is started: it may be wrong.
    let file_server: Option<Option<FileServer>> = match &arguments.command {
        Some(SettingsCommand::FileServer { server }) if server == "default" => Some(None),
        Some(SettingsCommand::FileServer { server }) => Some(Some(server.parse()?)),
        _ => None,
    };
    let work = Work::start(global, unlocked, store).await?;
    let mut settings = work.account.settings().await?;
    match arguments.command.unwrap_or(SettingsCommand::Show) {
        SettingsCommand::Show | SettingsCommand::FileServer { .. } => {
            if let Some(server) = file_server {
                work.account.set_file_server(server).await?;
            }
        }
        SettingsCommand::Receipts { value } => {
            settings.read_receipts = value == Switch::On;
            work.account.set_settings(settings).await?;
        }
        SettingsCommand::Typing { value } => {
            settings.typing = value == Switch::On;
            work.account.set_settings(settings).await?;
        }
        SettingsCommand::DirectFiles { value } => {
            settings.direct_files = value == Switch::On;
            work.account.set_settings(settings).await?;
        }
        SettingsCommand::Previews { value } => {
            settings.link_previews = value == Switch::On;
            work.account.set_settings(settings).await?;
        }
    }
    let files = work.account.file_server().map(|server| server.to_string());
    work.close().await;
    let on = |on| if on { "on" } else { "off" };
    output.line(&format!("  receipts  {}", on(settings.read_receipts)));
    output.line(&format!("  typing    {}", on(settings.typing)));
    output.line(&format!("  previews  {}", on(settings.link_previews)));
    output.line(&format!("  direct    {}", on(settings.direct_files)));
    output.line(&format!(
        "  files     {}",
        files.as_deref().unwrap_or("none")
    ));
    output.object(&json!({
        "read_receipts": settings.read_receipts,
        "typing": settings.typing,
        "link_previews": settings.link_previews,
        "direct_files": settings.direct_files,
        "file_server": files,
    }));
    Ok(ExitCode::SUCCESS)
}
