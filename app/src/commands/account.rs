//! `session account …`

mod delete;

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;
use session_crypto::AccountKeys;
use session_net::{Clock as _, SystemClock};
use session_store::{KeyKeeping, NewAccount};
use session_types::limits;
use zeroize::Zeroizing;

use crate::accounts;
use crate::cli::{AccountCommand, Global, KeepingArguments};
use crate::output::{Output, printable, wall_time};

pub(crate) async fn run(
    global: &Global,
    command: AccountCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        AccountCommand::New { name, keeping } => {
            let keys = AccountKeys::generate(&mut rand::rng());
            let made = create(global, &keys, name.as_deref(), &keeping)?;
            output.line(&output.bold("Account created."));
            describe(output, &keys, &made, true);
            output.line(
                "\nWrite the Recovery Password down and keep it secret: it is the only way to get \
                 this account\nback, and whoever has it owns the account.",
            );
            output.object(&as_json(&keys, &made, true));
        }
        AccountCommand::Restore {
            name,
            recovery_password_file,
            keeping,
        } => {
            let phrase = match recovery_password_file {
                Some(path) => Zeroizing::new(accounts::read_text(&path)?),
                None => ask_recovery_password()?,
            };
            let keys = AccountKeys::from_mnemonic(phrase.trim())?;
            let made = create(global, &keys, name.as_deref(), &keeping)?;
            output.line(&output.bold("Account restored."));
            describe(output, &keys, &made, false);
            output.line("\nMessages of the last 14 days arrive with the next `session listen`.");
            output.object(&as_json(&keys, &made, false));
        }
        AccountCommand::List => list(global, output)?,
        AccountCommand::Show { recovery_password } => show(global, output, recovery_password)?,
        AccountCommand::Delete {
            from_the_swarm,
            yes,
        } => return delete::run(global, from_the_swarm, yes, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// What was written.
struct Made {
    name: String,
    network: String,
    keeping: KeyKeeping,
}

fn create(
    global: &Global,
    keys: &AccountKeys,
    name: Option<&str>,
    keeping: &KeepingArguments,
) -> anyhow::Result<Made> {
    let name = name.unwrap_or_default().trim();
    if name.len() > limits::MAX_NAME_BYTES {
        bail!(
            "the name has {} bytes; at most {} fit",
            name.len(),
            limits::MAX_NAME_BYTES
        );
    }
    let network = accounts::network(global, None)?;
    let seed = keys
        .seed16()
        .context("accounts with 32-byte seeds cannot be kept here")?;
    let profile = accounts::profile(global)?;
    let (keeping, passphrase) = accounts::keeping(global, keeping.key_store, &profile)?;
    let account = NewAccount {
        seed: Zeroizing::new(*seed),
        account_id: keys.account_id(),
        display_name: name.to_owned(),
        network: network.name().to_owned(),
        file_server: accounts::file_server(global)?.map(|server| server.to_string()),
        created_at: SystemClock.now(),
    };
    profile.create(&account, keeping, passphrase.as_deref())?;
    Ok(Made {
        name: name.to_owned(),
        network: network.name().to_owned(),
        keeping,
    })
}

fn describe(output: &Output, keys: &AccountKeys, made: &Made, with_phrase: bool) {
    output.line(&format!("  Account ID         {}", keys.account_id()));
    if !made.name.is_empty() {
        output.line(&format!("  Name               {}", printable(&made.name)));
    }
    if with_phrase {
        output.line(&format!(
            "  Recovery Password  {}",
            keys.mnemonic().as_str()
        ));
    }
    output.line(&format!("  Network            {}", made.network));
    output.line(&format!(
        "  Database key       {}",
        keeping_text(made.keeping)
    ));
}

fn as_json(keys: &AccountKeys, made: &Made, with_phrase: bool) -> serde_json::Value {
    let mut value = json!({
        "account_id": keys.account_id(),
        "name": made.name,
        "network": made.network,
        "key_store": keeping_code(made.keeping),
    });
    if with_phrase && let Some(fields) = value.as_object_mut() {
        fields.insert(
            "recovery_password".to_owned(),
            json!(keys.mnemonic().as_str()),
        );
    }
    value
}

fn list(global: &Global, output: &Output) -> anyhow::Result<()> {
    let entries = accounts::profile(global)?.list()?;
    if entries.is_empty() {
        output.line("No account here yet: `session account new` creates one.");
    }
    let now = SystemClock.now();
    for entry in entries {
        output.line(&format!(
            "{}  since {}, key in {}",
            entry.account_id,
            wall_time(entry.created, now),
            keeping_text(entry.key_keeping)
        ));
        output.object(&json!({
            "account_id": entry.account_id,
            "created_ms": entry.created,
            "key_store": keeping_code(entry.key_keeping),
        }));
    }
    Ok(())
}

fn show(global: &Global, output: &Output, with_phrase: bool) -> anyhow::Result<()> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let identity = store.identity()?;
    let keys = AccountKeys::from_seed16(*identity.seed);
    let made = Made {
        name: identity.display_name.clone(),
        network: identity.network,
        keeping: unlocked.entry.key_keeping,
    };
    describe(output, &keys, &made, with_phrase);
    output.object(&as_json(&keys, &made, with_phrase));
    Ok(())
}

fn ask_recovery_password() -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        return Ok(Zeroizing::new(accounts::ask_secret(
            "Recovery Password (13 words): ",
        )?));
    }
    // Thirteen words are short; more is a mistake that need not be read to its end.
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut text)
        .context("cannot read the Recovery Password from standard input")?;
    Ok(text)
}

fn keeping_text(keeping: KeyKeeping) -> &'static str {
    match keeping {
        KeyKeeping::Keyring => "the system keyring",
        KeyKeeping::Passphrase => "its folder, locked with a passphrase",
        _ => "a file only you can read",
    }
}

fn keeping_code(keeping: KeyKeeping) -> &'static str {
    match keeping {
        KeyKeeping::Keyring => "keyring",
        KeyKeeping::Passphrase => "passphrase",
        _ => "file",
    }
}
