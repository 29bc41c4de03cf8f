//! People: requests and contacts.

use super::params::{
    BlockParams, DeclineParams, Done, PersonParams, ResolveParams, Resolved, SetNicknameParams,
};
use crate::ApiError;
use crate::method::Cx;

pub(super) async fn accept(cx: Cx, params: PersonParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.accept(params.person).await?;
    Ok(Done {})
}

pub(super) async fn decline(cx: Cx, params: DeclineParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.decline(params.person, params.block).await?;
    Ok(Done {})
}

pub(super) async fn block(cx: Cx, params: BlockParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.set_blocked(params.person, params.blocked).await?;
    Ok(Done {})
}

pub(super) async fn set_nickname(cx: Cx, params: SetNicknameParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .set_nickname(params.person, params.nickname.as_str())
        .await?;
    Ok(Done {})
}

pub(super) async fn delete(cx: Cx, params: PersonParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.delete_contact(params.person).await?;
    Ok(Done {})
}

pub(super) async fn resolve(cx: Cx, params: ResolveParams) -> Result<Resolved, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(Resolved {
        person: account.resolve_name(params.name.as_str()).await?,
    })
}
