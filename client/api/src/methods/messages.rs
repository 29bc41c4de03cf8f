//! Messages.

use session_store::Invitation;

use super::params::{
    DeleteParams, Done, InviteParams, Message, MessageParams, MessageResult, Messages,
    MessagesParams, Queued, ReactParams, Retried, SearchParams, SendParams,
};
use crate::ApiError;
use crate::method::Cx;

/// Messages given at once.
const MOST: u32 = 1000;

pub(super) async fn send(cx: Cx, params: SendParams) -> Result<Queued, ApiError> {
    let account = cx.in_use(params.account).await?;
    let text = params.text.as_str();
    let row = match params.reply_to {
        None => account.send_text(params.to, text).await?,
        Some(answered) => account.reply(params.to, answered, text).await?,
    };
    Ok(row.into())
}

pub(super) async fn invite(cx: Cx, params: InviteParams) -> Result<Queued, ApiError> {
    let account = cx.in_use(params.account).await?;
    let invitation = Invitation {
        url: params.url.as_str().to_owned(),
        name: params.name.as_str().to_owned(),
    };
    let row = account.invite_to_community(params.to, invitation).await?;
    Ok(row.into())
}

pub(super) async fn react(cx: Cx, params: ReactParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .react(params.message_id, &params.emoji, params.present)
        .await?;
    Ok(Done {})
}

pub(super) async fn delete(cx: Cx, params: DeleteParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .delete(params.message_id, params.scope.into())
        .await?;
    Ok(Done {})
}

pub(super) async fn retry(cx: Cx, params: MessageParams) -> Result<Retried, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(Retried {
        queued: account.retry(params.message_id).await?,
    })
}

pub(super) async fn info(cx: Cx, params: MessageParams) -> Result<MessageResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let row = account.message(params.message_id).await?;
    Ok(MessageResult {
        message: row.as_ref().map(Message::from),
    })
}

pub(super) async fn list(cx: Cx, params: MessagesParams) -> Result<Messages, ApiError> {
    let account = cx.in_use(params.account).await?;
    let limit = params.limit.min(MOST);
    let rows = account
        .history_before(params.conversation, limit, params.before)
        .await?;
    Ok(Messages {
        messages: rows.iter().map(Message::from).collect(),
    })
}

pub(super) async fn search(cx: Cx, params: SearchParams) -> Result<Messages, ApiError> {
    let account = cx.in_use(params.account).await?;
    let limit = params.limit.min(MOST);
    let rows = account
        .search(params.words.as_str(), params.within, limit)
        .await?;
    Ok(Messages {
        messages: rows.iter().map(Message::from).collect(),
    })
}
