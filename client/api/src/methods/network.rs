//! The network.

use super::params::{AccountParams, Diagnosis, NetworkReport, Polled};
use crate::ApiError;
use crate::method::Cx;

pub(super) async fn status(cx: Cx, params: AccountParams) -> Result<NetworkReport, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.network().into())
}

pub(super) async fn poll(cx: Cx, params: AccountParams) -> Result<Polled, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.poll_now().await?.into())
}

pub(super) async fn diagnose(cx: Cx, params: AccountParams) -> Result<Diagnosis, ApiError> {
    let account = cx.in_use(params.account).await?;
    let steps = account.network().diagnose_all().await;
    Ok(Diagnosis {
        steps: steps.into_iter().map(Into::into).collect(),
    })
}
