//! Finding and unlocking the account a command is about.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use session_net::{
    FileServer, NetworkChoice, NetworkOptions, NetworkProfile, Transport, WebOptions, WebReach,
};
use session_store::{AccountEntry, KeyKeeping, Profile, Store, StoreError};
use zeroize::Zeroizing;

use crate::cli::{Global, KeyStore};

/// The folder with everything about accounts.
pub(crate) fn data_dir(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &global.data_dir {
        return Ok(dir.clone());
    }
    let dirs = directories::ProjectDirs::from("", "", "session")
        .context("this system has no data directory for users; give one with --data-dir")?;
    Ok(dirs.data_dir().to_owned())
}

pub(crate) fn profile(global: &Global) -> anyhow::Result<Profile> {
    Ok(Profile::new(&data_dir(global)?))
}

/// The account meant by `--account`, or the only one.
pub(crate) fn choose(global: &Global, profile: &Profile) -> anyhow::Result<AccountEntry> {
    let all = profile.list()?;
    let Some(wanted) = &global.account else {
        return match <[AccountEntry; 1]>::try_from(all) {
            Ok([only]) => Ok(only),
            Err(all) if all.is_empty() => {
                bail!("there is no account here yet: `session account new` creates one")
            }
            Err(all) => bail!(
                "there are {} accounts here: choose one with --account and the beginning of its \
                 Account ID (`session account list` shows them)",
                all.len()
            ),
        };
    };
    let wanted = wanted.to_lowercase();
    let mut matching: Vec<_> = all
        .into_iter()
        .filter(|a| a.account_id.to_hex().starts_with(&wanted))
        .collect();
    match (matching.pop(), matching.is_empty()) {
        (Some(found), true) => Ok(found),
        (Some(_), false) => bail!("several accounts begin with {wanted}: write more of it"),
        (None, _) => bail!("no account here begins with {wanted}; see `session account list`"),
    }
}

/// An account whose database can be opened, as often as is needed.
pub(crate) struct Unlocked {
    profile: Profile,
    pub(crate) entry: AccountEntry,
    passphrase: Option<Zeroizing<String>>,
}

impl Unlocked {
    /// Opens the database.
    pub(crate) fn store(&self) -> anyhow::Result<Store> {
        let passphrase = self.passphrase.as_ref().map(|text| text.as_str());
        Ok(self.profile.open(self.entry.account_id, passphrase)?)
    }

    /// Removes the account from this machine.
    pub(crate) fn remove(&self) -> anyhow::Result<()> {
        Ok(self.profile.remove(self.entry.account_id)?)
    }
}

/// The chosen account, asking for the passphrase when it needs one.
pub(crate) fn unlock(global: &Global) -> anyhow::Result<Unlocked> {
    let profile = profile(global)?;
    let entry = choose(global, &profile)?;
    let passphrase = match entry.key_keeping {
        KeyKeeping::Passphrase => {
            let prompt = format!("Passphrase of {}: ", entry.account_id.short());
            Some(Zeroizing::new(
                given_passphrase(global)?.map_or_else(|| ask_secret(&prompt), Ok)?,
            ))
        }
        _ => None,
    };
    Ok(Unlocked {
        profile,
        entry,
        passphrase,
    })
}

/// Opens the database of the chosen account, for reading.
pub(crate) fn open_store(global: &Global) -> anyhow::Result<Store> {
    unlock(global)?.store()
}

/// How the network is used: proxy and transport as asked for.
pub(crate) fn network_options(global: &Global) -> anyhow::Result<NetworkOptions> {
    let proxy = match global.proxy.as_deref().filter(|url| !url.is_empty()) {
        // The text may hold a password: it is not repeated.
        Some(url) => Some(url.parse().context("--proxy")?),
        None => None,
    };
    let transport = if global.https_only {
        Transport::HttpsOnly
    } else {
        Transport::Auto
    };
    let mut web = WebOptions::default();
    if global.preview_anywhere {
        web.reach = WebReach::Anywhere;
    }
    Ok(NetworkOptions {
        proxy,
        transport,
        web,
        ..NetworkOptions::default()
    })
}

/// The network to use: the one asked for, else the account's own, else the public one.
pub(crate) fn network(global: &Global, account: Option<&Store>) -> anyhow::Result<NetworkProfile> {
    let file_server = file_server(global)?;
    let asked = NetworkChoice {
        network: global.network.as_deref(),
        file_server: file_server.as_ref(),
    };
    choose_network(asked, account)
}

/// The network an account remembers.
pub(crate) fn remembered_network(account: &Store) -> anyhow::Result<NetworkProfile> {
    choose_network(NetworkChoice::default(), Some(account))
}

fn choose_network(
    asked: NetworkChoice<'_>,
    account: Option<&Store>,
) -> anyhow::Result<NetworkProfile> {
    let identity = account.map(Store::identity).transpose()?;
    let network = identity.as_ref().map(|own| own.network.as_str());
    let files = identity.as_ref().and_then(|own| own.file_server.as_deref());
    let files: Option<FileServer> = files
        .map(str::parse)
        .transpose()
        .context("the file server this account remembers")?;
    let own = NetworkChoice {
        network,
        file_server: files.as_ref(),
    };
    NetworkProfile::choose(asked, own).with_context(|| {
        let name = asked.network.or(network);
        format!("--network {}", name.unwrap_or_default())
    })
}

/// The file server asked for.
pub(crate) fn file_server(global: &Global) -> anyhow::Result<Option<FileServer>> {
    let given = global
        .file_server
        .as_deref()
        .filter(|text| !text.is_empty());
    given
        .map(|text| text.parse().context("--file-server"))
        .transpose()
}

/// A passphrase from `--passphrase-file` or the environment.
pub(crate) fn given_passphrase(global: &Global) -> anyhow::Result<Option<String>> {
    if let Some(path) = &global.passphrase_file {
        let text = read_text(path)?;
        return Ok(Some(text.lines().next().unwrap_or_default().to_owned()));
    }
    Ok(std::env::var("SESSION_PASSPHRASE")
        .ok()
        .filter(|text| !text.is_empty()))
}

/// Asks in the terminal without showing what is typed.
pub(crate) fn ask_secret(prompt: &str) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(StoreError::PassphraseRequired.into());
    }
    rpassword::prompt_password(prompt).context("cannot read from the terminal")
}

/// Decides how a new database's key is kept, and with which passphrase.
pub(crate) fn keeping(
    global: &Global,
    key_store: KeyStore,
    profile: &Profile,
) -> anyhow::Result<(KeyKeeping, Option<String>)> {
    let given = given_passphrase(global)?;
    match key_store {
        KeyStore::File => Ok((KeyKeeping::File, None)),
        KeyStore::Keyring => Ok((KeyKeeping::Keyring, None)),
        KeyStore::Passphrase => {
            let passphrase = given.map_or_else(new_passphrase, Ok)?;
            if passphrase.is_empty() {
                bail!(
                    "an empty passphrase locks nothing; choose --key-store file if that is meant"
                );
            }
            Ok((KeyKeeping::Passphrase, Some(passphrase)))
        }
        KeyStore::Auto => {
            if let Some(passphrase) = given {
                return Ok((KeyKeeping::Passphrase, Some(passphrase)));
            }
            if profile.preferred_key_keeping(false) == KeyKeeping::Keyring {
                return Ok((KeyKeeping::Keyring, None));
            }
            if std::io::stdin().is_terminal() {
                let passphrase = new_passphrase()?;
                if !passphrase.is_empty() {
                    return Ok((KeyKeeping::Passphrase, Some(passphrase)));
                }
            }
            Ok((KeyKeeping::File, None))
        }
    }
}

fn new_passphrase() -> anyhow::Result<String> {
    let first = ask_secret(
        "Passphrase for this account's database (empty: keep the key in a file only you can read): ",
    )?;
    if !first.is_empty() && ask_secret("Once more: ")? != first {
        bail!("the two passphrases differ; nothing was written");
    }
    Ok(first)
}

pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
