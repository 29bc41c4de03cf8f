//! `session chat`

use std::fs::{File, OpenOptions};
use std::process::ExitCode;

use session_api::SessionOptions;
use session_core::AccountOptions;
use session_store::KeyKeeping;
use session_tui::{Options, Surroundings};
use zeroize::Zeroizing;

use crate::accounts;
use crate::cli::{ChatArguments, Global};
use crate::output::Output;

/// The file with keys and colours.
const CONFIG: &str = "chat.toml";
/// The file with logs, in the folder of the accounts.
const LOG: &str = "chat.log";

pub(crate) async fn run(
    global: &Global,
    arguments: ChatArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let dirs = directories::ProjectDirs::from("", "", "session");
    let config = match arguments.config {
        Some(path) => Some((path, true)),
        None => dirs.map(|dirs| (dirs.config_dir().join(CONFIG), false)),
    };
    if arguments.keys {
        for [name, keys, words] in session_tui::key_table(config.as_ref())? {
            output.line(&format!("{name:<18}{keys:<26}{words}"));
            output.object(&serde_json::json!({ "name": name, "keys": keys, "does": words }));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut surroundings = Surroundings::find(|name| std::env::var(name).ok());
    surroundings.ascii |= arguments.ascii;
    let users = directories::UserDirs::new();
    let home = users.as_ref().map(|users| users.home_dir().to_owned());
    let downloads = users.as_ref().and_then(|users| users.download_dir());
    let options = Options {
        session: SessionOptions {
            data_dir: accounts::data_dir(global)?,
            network: global.network.clone(),
            file_server: accounts::file_server(global)?,
            account: AccountOptions {
                network: accounts::network_options(global)?,
                ..AccountOptions::staying()
            },
        },
        account: global.account.clone(),
        passphrase: passphrase(global, arguments.plain)?,
        config,
        surroundings,
        text_emoji: arguments.text_emoji,
        bidi: arguments.bidi,
        no_images: arguments.no_images,
        downloads: downloads
            .map(ToOwned::to_owned)
            .or_else(|| home.clone())
            .unwrap_or_default(),
        home,
    };
    if arguments.plain {
        session_tui::plain(options).await?;
    } else {
        session_tui::run(options).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The file `chat.log` beside the accounts, when `-v` or SESSION_LOG asks for logs.
pub(crate) fn log_file(global: &Global) -> Option<File> {
    if global.verbose == 0 && std::env::var_os("SESSION_LOG").is_none() {
        return None;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = accounts::data_dir(global).ok()?;
    options.open(folder.join(LOG)).ok()
}

/// The passphrase that was given. By lines it is asked for before the first one; on the screen there
/// is a place for it.
fn passphrase(global: &Global, by_lines: bool) -> anyhow::Result<Option<Zeroizing<String>>> {
    let given = accounts::given_passphrase(global)?.map(Zeroizing::new);
    if given.is_some() || !by_lines {
        return Ok(given);
    }
    let Ok(entry) = accounts::choose(global, &accounts::profile(global)?) else {
        return Ok(None);
    };
    if entry.key_keeping != KeyKeeping::Passphrase {
        return Ok(None);
    }
    let prompt = format!("Passphrase of {}: ", entry.account_id.short());
    accounts::ask_secret(&prompt).map(|words| Some(Zeroizing::new(words)))
}
