//! The accounts of the process.

use session_core::Settings;
use session_crypto::AccountKeys;
use session_store::{AccountEntry, KeyKeeping};
use zeroize::Zeroizing;

use super::params::{
    AccountInfo, AccountParams, AccountResult, Accounts, Closed, CreateParams, DeletedFromSwarm,
    Done, Hello, HelloParams, KeyStoreChoice, Nothing, OpenParams, RecoveryPassword, RestoreParams,
    SetKeyParams,
};
use crate::account::OpenAccount;
use crate::method::Cx;
use crate::session::Beginning;
use crate::{API_VERSION, ApiError, Secret};

pub(super) async fn hello(cx: Cx, params: HelloParams) -> Result<Hello, ApiError> {
    if let Some(version) = params.version
        && version != API_VERSION
    {
        return Err(ApiError::bad_input(
            "api.version",
            format!("this is version {API_VERSION} of the API, not {version}"),
        ));
    }
    Ok(Hello {
        api: API_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        accounts: all(&cx).await?,
    })
}

pub(super) async fn list(cx: Cx, _: Nothing) -> Result<Accounts, ApiError> {
    Ok(Accounts {
        accounts: all(&cx).await?,
    })
}

pub(super) async fn create(cx: Cx, params: CreateParams) -> Result<AccountResult, ApiError> {
    let CreateParams {
        name,
        network,
        key_store,
        passphrase,
    } = params;
    let keys = AccountKeys::generate(&mut rand::rng());
    begin(&cx, keys, name.as_str(), network, key_store, passphrase).await
}

pub(super) async fn restore(cx: Cx, params: RestoreParams) -> Result<AccountResult, ApiError> {
    let RestoreParams {
        recovery_password,
        name,
        network,
        key_store,
        passphrase,
    } = params;
    let keys = AccountKeys::from_mnemonic(recovery_password.expose().trim())
        .map_err(|error| ApiError::bad_input("api.recovery_password", error.to_string()))?;
    let restored = begin(&cx, keys, name.as_str(), network, key_store, passphrase).await?;
    // Who restores has the words.
    let account = cx.in_use(restored.account.id).await?;
    let settings = Settings {
        recovery_saved: true,
        ..account.settings().await?
    };
    account.set_settings(settings).await?;
    Ok(restored)
}

pub(super) async fn open(cx: Cx, params: OpenParams) -> Result<AccountResult, ApiError> {
    let passphrase = params.passphrase.as_ref().map(words);
    let account = cx.session().open(params.account, passphrase).await?;
    result(&account).await
}

pub(super) async fn close(cx: Cx, params: AccountParams) -> Result<Closed, ApiError> {
    let was_open = cx.session().shut(params.account).await;
    Ok(Closed { was_open })
}

pub(super) async fn remove(cx: Cx, params: AccountParams) -> Result<Done, ApiError> {
    cx.session().remove(params.account).await?;
    Ok(Done {})
}

pub(super) async fn delete_from_swarm(
    cx: Cx,
    params: AccountParams,
) -> Result<DeletedFromSwarm, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(DeletedFromSwarm {
        nodes: account.delete_from_swarm().await?,
    })
}

pub(super) async fn recovery_password(
    cx: Cx,
    params: AccountParams,
) -> Result<RecoveryPassword, ApiError> {
    let account = cx.in_use(params.account).await?;
    if account.settings().await?.recovery_hidden {
        return Err(ApiError::bad_input(
            "api.recovery_hidden",
            "the Recovery Password was hidden for good on this device",
        ));
    }
    Ok(RecoveryPassword {
        recovery_password: account.recovery_password().into(),
        seed: account.recovery_seed().into(),
    })
}

pub(super) async fn set_key(cx: Cx, params: SetKeyParams) -> Result<Done, ApiError> {
    let SetKeyParams {
        account,
        passphrase,
        key_store,
        new_passphrase,
    } = params;
    let keeping = keeping(&cx, key_store, new_passphrase.as_ref()).await?;
    let [old, new] = [passphrase, new_passphrase].map(|secret| secret.as_ref().map(words));
    cx.session().set_key(account, old, keeping, new).await?;
    Ok(Done {})
}

/// How a key is kept.
async fn keeping(
    cx: &Cx,
    choice: KeyStoreChoice,
    passphrase: Option<&Secret>,
) -> Result<KeyKeeping, ApiError> {
    Ok(match (choice, passphrase) {
        (KeyStoreChoice::Keyring, _) => KeyKeeping::Keyring,
        (KeyStoreChoice::File, _) => KeyKeeping::File,
        (KeyStoreChoice::Passphrase, _) | (KeyStoreChoice::Auto, Some(_)) => KeyKeeping::Passphrase,
        (KeyStoreChoice::Auto, None) => cx.session().preferred_keeping().await?,
    })
}

async fn begin(
    cx: &Cx,
    keys: AccountKeys,
    name: &str,
    network: Option<String>,
    key_store: KeyStoreChoice,
    passphrase: Option<Secret>,
) -> Result<AccountResult, ApiError> {
    let keeping = keeping(cx, key_store, passphrase.as_ref()).await?;
    let beginning = Beginning {
        keys,
        name: name.to_owned(),
        network,
        keeping,
        passphrase: passphrase.as_ref().map(words),
    };
    let account = cx.session().create(beginning).await?;
    result(&account).await
}

fn words(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(secret.expose().to_owned())
}

async fn result(account: &OpenAccount) -> Result<AccountResult, ApiError> {
    Ok(AccountResult {
        account: info(&account.entry(), Some(account)).await,
    })
}

async fn all(cx: &Cx) -> Result<Vec<AccountInfo>, ApiError> {
    let mut accounts = Vec::new();
    for entry in cx.session().list().await? {
        let open = cx.session().opened(entry.account_id);
        accounts.push(info(&entry, open.as_deref()).await);
    }
    Ok(accounts)
}

async fn info(entry: &AccountEntry, open: Option<&OpenAccount>) -> AccountInfo {
    let mut info = AccountInfo::closed(entry);
    if let Some(account) = open
        && let Ok(account) = account.in_use().await
    {
        info.open = true;
        info.name = account.name().await.ok().map(Into::into);
    }
    info
}
