//! Conversations.

use session_core::NewDraft;
use session_core::view::{Draft, Filter};

use super::files::{broken, new_files};
use super::params::{
    ConversationParams, ConversationResult, Conversations, ConversationsOpened, Done,
    ExtractionParams, ListParams, MarkReadParams, MarkUnreadParams, NotifyParams, PinParams,
    SetDraftParams, SetTimerParams, SubscriptionParams, TimerSet, TypingParams,
};
use crate::ApiError;
use crate::follower::Command;
use crate::method::Cx;

pub(super) async fn open(cx: Cx, params: ListParams) -> Result<ConversationsOpened, ApiError> {
    cx.ask_follower(params.account, |answer| {
        Command::OpenList(params.filter, answer)
    })
    .await
}

pub(super) async fn close(cx: Cx, params: SubscriptionParams) -> Result<Done, ApiError> {
    cx.ask_follower(params.account, |answer| Command::Close(params.sub, answer))
        .await?;
    Ok(Done {})
}

pub(super) async fn list(cx: Cx, params: ListParams) -> Result<Conversations, ApiError> {
    let rows = cx
        .ask_follower(params.account, |answer| {
            Command::List(params.filter, answer)
        })
        .await?;
    Ok(Conversations { rows })
}

pub(super) async fn get(
    cx: Cx,
    params: ConversationParams,
) -> Result<ConversationResult, ApiError> {
    // All of them, because what a conversation is called depends on the others.
    let rows = cx
        .ask_follower(params.account, |answer| Command::List(Filter::All, answer))
        .await?;
    let found = rows.into_iter().find(|row| row.id == params.conversation);
    Ok(ConversationResult {
        conversation: found,
    })
}

pub(super) async fn mark_read(cx: Cx, params: MarkReadParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.mark_read(params.conversation, params.up_to).await?;
    Ok(Done {})
}

pub(super) async fn mark_unread(cx: Cx, params: MarkUnreadParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .set_unread_mark(params.conversation, params.unread)
        .await?;
    Ok(Done {})
}

pub(super) async fn draft(cx: Cx, params: ConversationParams) -> Result<Draft, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.draft(params.conversation).await?)
}

pub(super) async fn set_draft(cx: Cx, params: SetDraftParams) -> Result<Draft, ApiError> {
    let account = cx.in_use(params.account).await?;
    let SetDraftParams {
        conversation,
        text,
        reply_to,
        files,
        ..
    } = params;
    let files = files.map(|files| new_files(&cx, files)).transpose()?;
    // Goes on to its end when the caller is gone: what was uploaded is taken already.
    let kept = tokio::spawn(async move {
        let draft = NewDraft {
            text: text.as_str().to_owned(),
            reply_to,
            files,
        };
        account.set_draft(conversation, draft).await
    });
    Ok(kept.await.map_err(|_| broken())??)
}

pub(super) async fn pin(cx: Cx, params: PinParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .set_pinned(params.conversation, params.pinned)
        .await?;
    Ok(Done {})
}

pub(super) async fn notify(cx: Cx, params: NotifyParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .set_notifications(
            params.conversation,
            params.notify.into(),
            params.muted_until,
        )
        .await?;
    Ok(Done {})
}

pub(super) async fn set_timer(cx: Cx, params: SetTimerParams) -> Result<TimerSet, ApiError> {
    let account = cx.in_use(params.account).await?;
    let message = account
        .set_timer(params.conversation, params.timer.into())
        .await?;
    Ok(TimerSet {
        message: message.map(Into::into),
    })
}

pub(super) async fn typing(cx: Cx, params: TypingParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.typing(params.conversation, params.typing).await?;
    Ok(Done {})
}

pub(super) async fn tell_extraction(cx: Cx, params: ExtractionParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .tell_extraction(params.conversation, params.saved)
        .await?;
    Ok(Done {})
}

pub(super) async fn clear(cx: Cx, params: ConversationParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.clear(params.conversation).await?;
    Ok(Done {})
}

pub(super) async fn delete(cx: Cx, params: ConversationParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.delete_conversation(params.conversation).await?;
    Ok(Done {})
}
