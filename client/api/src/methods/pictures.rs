//! Pictures of people.

use super::files;
use super::params::{
    AccountParams, ContentPart, Done, PictureInfo, PictureParams, PictureResult, SetPictureParams,
};
use crate::ApiError;
use crate::method::Cx;

/// Bytes of a file that is to become the own picture; what others see has far less.
const LONGEST: u64 = 50_000_000;

pub(super) async fn set(cx: Cx, params: SetPictureParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    let content = files::given(&cx, params.path, params.content, params.upload, LONGEST);
    let content = content.await?;
    account.set_picture(content).await?;
    Ok(Done {})
}

pub(super) async fn remove(cx: Cx, params: AccountParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.remove_picture().await?;
    Ok(Done {})
}

pub(super) async fn get(cx: Cx, params: PictureParams) -> Result<PictureResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let Some(row) = account.picture(params.person).await? else {
        return Ok(PictureResult { picture: None });
    };
    let content = match row.blob {
        Some(_) => account.picture_content(params.person).await?,
        None => None,
    };
    let part = content.map(|content| ContentPart::of(&content, params.from));
    Ok(PictureResult {
        picture: Some(PictureInfo::of(&row, part)),
    })
}
