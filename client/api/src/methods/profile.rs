//! The account itself.

use session_core::{Account, Settings};
use session_net::FileServer;

use super::params::{
    AccountParams, Done, Profile, SetNameParams, SetSettingsParams, SettingsResult,
};
use crate::ApiError;
use crate::method::Cx;

pub(super) async fn get(cx: Cx, params: AccountParams) -> Result<Profile, ApiError> {
    let account = cx.in_use(params.account).await?;
    let picture = account.picture(account.id()).await?;
    let name = account.name().await?;
    Ok(Profile::new(account.id(), name, picture.as_ref()))
}

pub(super) async fn set_name(cx: Cx, params: SetNameParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.set_name(params.name.as_str()).await?;
    Ok(Done {})
}

pub(super) async fn settings(cx: Cx, params: AccountParams) -> Result<SettingsResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(shown(&account, account.settings().await?))
}

fn shown(account: &Account, settings: Settings) -> SettingsResult {
    let usual = account.network().profile().usual_file_server();
    SettingsResult::new(settings, account.file_server().as_ref(), usual.as_ref())
}

pub(super) async fn set_settings(
    cx: Cx,
    params: SetSettingsParams,
) -> Result<SettingsResult, ApiError> {
    let file_server: Option<Option<FileServer>> = match params.file_server.as_deref() {
        None => None,
        Some("default") => Some(None),
        Some(server) => Some(Some(server.parse().map_err(|error| {
            let why = format!("this names no file server: {error}");
            ApiError::bad_input("api.bad_file_server", why)
        })?)),
    };
    let account = cx.in_use(params.account).await?;
    let mut settings = account.settings().await?;
    settings.read_receipts = params.read_receipts.unwrap_or(settings.read_receipts);
    settings.typing = params.typing.unwrap_or(settings.typing);
    settings.direct_files = params.direct_files.unwrap_or(settings.direct_files);
    settings.link_previews = params.link_previews.unwrap_or(settings.link_previews);
    settings.recovery_saved = params.recovery_saved.unwrap_or(settings.recovery_saved);
    // What was hidden stays so: else whoever sits at this computer could have it shown.
    settings.recovery_hidden |= params.recovery_hidden.unwrap_or_default();
    account.set_settings(settings).await?;
    if let Some(server) = file_server {
        account.set_file_server(server).await?;
    }
    Ok(shown(&account, settings))
}
