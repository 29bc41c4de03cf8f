//! What a caller is told when something does not work.

use core::fmt;
use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::CoreError;
use session_store::StoreError;
use session_types::ErrorKind;

/// Why a call did not do what was asked.
///
/// As JSON-RPC it is `{"code": <number>, "message": <for a person>, "data": {"code": <stable
/// name>, "kind": <kind>}}`. Decide by `data.code`, or by `data.kind` where the details do not
/// matter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    code: Cow<'static, str>,
    message: String,
    kind: ApiErrorKind,
}

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The text is no JSON.
    Parse,
    /// The JSON is no request.
    Request,
    /// There is no such method.
    Method,
    /// The parameters are not those of the method.
    Params,
    /// The call asks for something that cannot be; asking again changes nothing.
    BadInput,
    /// The network cannot be reached now; trying again may help.
    Unreachable,
    /// A passphrase, key or signature was refused.
    Unauthorised,
    /// This computer's clock and the network's disagree.
    Clock,
    /// A node sent something wrong; trying again may help.
    BadPeer,
    /// A fault of this program or of its files.
    Internal,
}

impl ApiErrorKind {
    /// The number JSON-RPC wants.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Request => -32600,
            Self::Method => -32601,
            Self::Params => -32602,
            Self::Internal => -32603,
            Self::BadInput => -32000,
            Self::Unreachable => -32001,
            Self::Unauthorised => -32002,
            Self::Clock => -32003,
            Self::BadPeer => -32004,
        }
    }
}

impl From<ErrorKind> for ApiErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BadInput => Self::BadInput,
            ErrorKind::BadPeer => Self::BadPeer,
            ErrorKind::Clock => Self::Clock,
            ErrorKind::Unreachable => Self::Unreachable,
            ErrorKind::Unauthorised => Self::Unauthorised,
            _ => Self::Internal,
        }
    }
}

impl ApiError {
    pub(crate) fn new(kind: ApiErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            kind,
        }
    }

    pub(crate) fn bad_input(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ApiErrorKind::BadInput, code, message)
    }

    pub(crate) fn params(problem: impl fmt::Display) -> Self {
        Self::new(
            ApiErrorKind::Params,
            "api.bad_params",
            format!("the parameters do not fit: {problem}"),
        )
    }

    pub(crate) fn not_open() -> Self {
        Self::bad_input("api.account_closed", "this account is not open")
    }

    pub(crate) fn internal(message: &'static str) -> Self {
        Self::new(ApiErrorKind::Internal, "api.internal", message)
    }

    /// A stable name.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// For a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub const fn kind(&self) -> ApiErrorKind {
        self.kind
    }
}

/// The `error` of an answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RpcError {
    /// The number of the kind.
    code: i32,
    /// What went wrong, for a person.
    message: String,
    /// What programs decide by.
    data: RpcErrorData,
}

/// What programs decide by.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RpcErrorData {
    /// A stable name, such as `core.blocked`.
    code: String,
    /// What can be done about it.
    kind: ApiErrorKind,
}

impl From<&ApiError> for RpcError {
    fn from(error: &ApiError) -> Self {
        Self {
            code: error.kind.number(),
            message: error.message.clone(),
            data: RpcErrorData {
                code: error.code.clone().into_owned(),
                kind: error.kind,
            },
        }
    }
}

impl From<CoreError> for ApiError {
    fn from(error: CoreError) -> Self {
        Self {
            code: code(&error).into(),
            message: error.to_string(),
            kind: error.kind().into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        CoreError::from(error).into()
    }
}

fn code(error: &CoreError) -> &'static str {
    match error {
        CoreError::EmptyMessage => "core.empty_message",
        CoreError::MessageTooLong { .. } => "core.message_too_long",
        CoreError::OwnAccount => "core.own_account",
        CoreError::Blocked => "core.blocked",
        CoreError::NoRequest => "core.no_request",
        CoreError::TooManyPinned { .. } => "core.too_many_pinned",
        CoreError::BadTimer { .. } => "core.bad_timer",
        CoreError::NoteTimer => "core.note_timer",
        CoreError::CannotReply => "core.cannot_reply",
        CoreError::CannotReact => "core.cannot_react",
        CoreError::NoEmoji => "core.no_emoji",
        CoreError::TooManyReactions => "core.too_many_reactions",
        CoreError::NotYours => "core.not_yours",
        CoreError::OnlyInNotes => "core.only_in_notes",
        CoreError::OnlyForOwnDevices => "core.only_for_own_devices",
        CoreError::BadName => "core.bad_name",
        CoreError::Name(error) => error.code(),
        CoreError::Config(_) => "core.config",
        CoreError::Net(error) => error.code(),
        CoreError::Store(error) => error.code(),
        CoreError::Encode(_) => "core.encode",
        CoreError::Build(_) => "core.not_a_message",
        CoreError::TooManyFiles { .. } => "core.too_many_files",
        CoreError::FileTooLarge { .. } => "core.file_too_large",
        CoreError::FileUnreadable { .. } => "core.file_unreadable",
        CoreError::ImageTooLarge { .. } => "core.image_too_large",
        CoreError::BadImage => "core.bad_image",
        CoreError::NoFileServer => "core.no_file_server",
        CoreError::FileMissing => "core.file_missing",
        CoreError::FileServer { .. } => "core.file_server",
        CoreError::PreviewsOff => "core.previews_off",
        CoreError::NoPreview => "core.no_preview",
        CoreError::Web(error) => error.code(),
        CoreError::PollFailed { .. } => "core.poll_failed",
        CoreError::TimeUnknown => "core.time_unknown",
        CoreError::Gone => "core.gone",
        CoreError::Interrupted => "core.interrupted",
        CoreError::Stopped => "api.account_closed",
        _ => "core.other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_number_a_text_and_a_name() {
        let error = ApiError::from(CoreError::Blocked);
        let json = serde_json::to_string(&RpcError::from(&error)).unwrap();
        assert_eq!(
            json,
            r#"{"code":-32000,"message":"this person is blocked; unblock them first","data":{"code":"core.blocked","kind":"bad_input"}}"#
        );
        let error = ApiError::from(StoreError::WrongKey);
        assert_eq!(error.code(), "store.wrong_key");
        assert_eq!(error.kind(), ApiErrorKind::Unauthorised);
    }
}
