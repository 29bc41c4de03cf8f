//! Messages.

use core::time::Duration;

use session_core::Composed;
use session_store::Invitation;

use super::params::{
    CountParams, DeleteParams, DeleteScope, Deleted, Done, InviteParams, Message, MessageCount,
    MessageParams, MessageResult, Messages, MessagesParams, PreviewParams, PreviewResult, Queued,
    ReactParams, Retried, SearchParams, SendParams, Undeleted,
};
use crate::ApiError;
use crate::method::Cx;

/// Messages given at once.
const MOST: u32 = 1000;

pub(super) async fn send(cx: Cx, params: SendParams) -> Result<Queued, ApiError> {
    let account = cx.in_use(params.account).await?;
    let message = Composed {
        reply_to: params.reply_to,
        preview: params.preview,
        keeps_draft: params.keeps_draft,
        ..Composed::text(params.text.as_str())
    };
    Ok(account.send(params.to, message).await?.into())
}

pub(super) async fn preview(cx: Cx, params: PreviewParams) -> Result<PreviewResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let found = account.preview(params.text.as_str()).await?;
    Ok(PreviewResult {
        preview: found.map(Into::into),
    })
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

pub(super) async fn delete(cx: Cx, params: DeleteParams) -> Result<Deleted, ApiError> {
    let account = cx.in_use(params.account).await?;
    let DeleteParams {
        message_id,
        scope,
        undo_ms,
        ..
    } = params;
    let undo = match (scope, undo_ms) {
        (DeleteScope::ThisDevice, 1..) => {
            let period = Duration::from_millis(undo_ms);
            account.delete_undoably(message_id, period).await?
        }
        _ => {
            account.delete(message_id, scope.into()).await?;
            false
        }
    };
    Ok(Deleted { undo })
}

pub(super) async fn undelete(cx: Cx, params: MessageParams) -> Result<Undeleted, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(Undeleted {
        restored: account.undelete(params.message_id).await?,
    })
}

pub(super) async fn count(cx: Cx, params: CountParams) -> Result<MessageCount, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(MessageCount {
        messages: account.message_count(params.conversation).await?,
    })
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
