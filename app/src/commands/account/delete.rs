//! `session account delete`

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;
use session_types::AccountId;

use crate::accounts;
use crate::cli::Global;
use crate::output::Output;
use crate::work::Work;

/// Characters of the Account ID that confirm.
const TYPED: usize = 8;

pub(super) async fn run(
    global: &Global,
    from_the_swarm: bool,
    yes: bool,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let mut unlocked = accounts::unlock(global)?;
    let id = unlocked.entry.account_id;
    if !yes {
        confirm(id, from_the_swarm, output)?;
    }
    let confirmed_by = if from_the_swarm {
        let store = unlocked.store()?;
        let work = Work::start(global, unlocked, store).await?;
        let progress = output.progress("Deleting what the network keeps …");
        let deleted = work.account.delete_from_swarm().await;
        drop(progress);
        unlocked = work.close().await;
        Some(deleted.context("nothing was deleted")?)
    } else {
        None
    };
    unlocked.remove()?;
    if let Some(nodes) = confirmed_by {
        output.line(&format!(
            "{nodes} nodes have deleted all they kept, and signed that they did."
        ));
    }
    output.line(&format!("Account {id} is deleted from this device."));
    output.object(&json!({
        "account_id": id,
        "deleted": true,
        "confirmed_by": confirmed_by,
    }));
    Ok(ExitCode::SUCCESS)
}

/// Asks in the terminal for the beginning of the Account ID.
fn confirm(id: AccountId, from_the_swarm: bool, output: &Output) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("this deletes an account and asks first: run it in a terminal, or with --yes");
    }
    let beginning: String = id.to_hex().chars().take(TYPED).collect();
    output.note(&format!(
        "Account {id} and all its messages will be deleted from this device."
    ));
    if from_the_swarm {
        output.note("What the network keeps for it is deleted first, for all your devices.");
    }
    output.note(&format!(
        "Only the Recovery Password brings it back (`session account show --recovery-password`).\n\
         Type {beginning} to go on:"
    ));
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut typed)
        .context("cannot read from the terminal")?;
    if typed.trim().to_lowercase() != beginning {
        bail!("that is something else; nothing was deleted");
    }
    Ok(())
}
