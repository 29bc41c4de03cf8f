//! The small messages: typing, receipts, unsend requests, request responses, extraction
//! notices (docs/protocol/messages.md section 6).

use session_types::{AccountId, Timestamp};

use crate::proto::{data_extraction_notification, receipt_message, typing_message};
use crate::{BuildError, InvalidContent, proto};

/// Whether the sender is writing.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 timestamp | uint64 | required, equal to the envelope's |
/// | 2 action | enum | required, 0 started, 1 stopped |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typing {
    /// Writing has begun or goes on.
    Started,
    /// Writing has ended.
    Stopped,
}

impl Typing {
    pub(crate) fn from_wire(
        message: &proto::TypingMessage,
        sent_at: Timestamp,
    ) -> Result<Self, InvalidContent> {
        if message.timestamp != Some(sent_at.as_ms()) {
            return Err(InvalidContent::TypingTime);
        }
        match message.action.and_then(|action| action.try_into().ok()) {
            Some(typing_message::Action::Started) => Ok(Self::Started),
            Some(typing_message::Action::Stopped) => Ok(Self::Stopped),
            None => Err(InvalidContent::Missing("typing.action")),
        }
    }

    pub(crate) fn to_wire(self, sent_at: Timestamp) -> proto::TypingMessage {
        let action = match self {
            Self::Started => typing_message::Action::Started,
            Self::Stopped => typing_message::Action::Stopped,
        };
        proto::TypingMessage {
            timestamp: Some(sent_at.as_ms()),
            action: Some(action.into()),
        }
    }
}

/// Sending times of messages that were read.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | required, 1 read (0 delivery is obsolete) |
/// | 2 timestamp | repeated uint64 | sending times in ms |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReceipt {
    times: Vec<Timestamp>,
}

impl ReadReceipt {
    /// A receipt for at least one message.
    ///
    /// # Errors
    /// [`BuildError::Empty`] without any.
    pub fn new(times: Vec<Timestamp>) -> Result<Self, BuildError> {
        if times.is_empty() {
            Err(BuildError::Empty("receipt"))
        } else {
            Ok(Self { times })
        }
    }

    /// The sending times, at least one.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    pub(crate) fn from_wire(message: proto::ReceiptMessage) -> Result<Self, InvalidContent> {
        match message.r#type.and_then(|kind| kind.try_into().ok()) {
            Some(receipt_message::Type::Read) => {
                let times = message
                    .timestamp
                    .into_iter()
                    .map(Timestamp::from_ms)
                    .collect();
                Self::new(times).map_err(|_| InvalidContent::NoAction)
            }
            Some(receipt_message::Type::Delivery) => {
                Err(InvalidContent::Obsolete("delivery receipt"))
            }
            None => Err(InvalidContent::Missing("receipt.type")),
        }
    }

    pub(crate) fn to_wire(&self) -> proto::ReceiptMessage {
        proto::ReceiptMessage {
            r#type: Some(receipt_message::Type::Read.into()),
            timestamp: self.times.iter().map(|time| time.as_ms()).collect(),
        }
    }
}

/// The wish that a message be deleted everywhere; only its author may ask.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 timestamp | uint64 | required, sending time in ms |
/// | 2 author | string | required, account id |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsendRequest {
    /// Sending time of the message.
    pub sent_at: Timestamp,
    /// Its author, who is the sender of the request.
    pub author: AccountId,
}

impl UnsendRequest {
    pub(crate) fn from_wire(message: &proto::UnsendRequest) -> Result<Self, InvalidContent> {
        let sent_at = message
            .timestamp
            .ok_or(InvalidContent::Missing("unsend.timestamp"))?;
        let author = message
            .author
            .as_deref()
            .ok_or(InvalidContent::Missing("unsend.author"))?;
        Ok(Self {
            sent_at: Timestamp::from_ms(sent_at),
            author: author
                .parse()
                .map_err(|_| InvalidContent::BadValue("unsend.author"))?,
        })
    }

    pub(crate) fn to_wire(self) -> proto::UnsendRequest {
        proto::UnsendRequest {
            timestamp: Some(self.sent_at.as_ms()),
            author: Some(self.author.to_hex()),
        }
    }
}

/// A message request was accepted. Its profile is that of the content.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 isApproved | bool | required, always true |
/// | 2 profileKey | bytes | 32 bytes |
/// | 3 profile | LokiProfile | |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestResponse;

impl RequestResponse {
    pub(crate) fn from_wire(
        message: &proto::MessageRequestResponse,
    ) -> Result<Self, InvalidContent> {
        match message.is_approved {
            Some(true) => Ok(Self),
            Some(false) => Err(InvalidContent::BadValue("response.isApproved")),
            None => Err(InvalidContent::Missing("response.isApproved")),
        }
    }
}

/// The other side kept something of the conversation.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 type | enum | required, 1 screenshot, 2 media saved |
/// | 2 timestamp | uint64 | with 2: sending time of the message |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataExtraction {
    /// Media of a message were saved.
    MediaSaved {
        /// Sending time of the message, when the sender says.
        sent_at: Option<Timestamp>,
    },
    /// A screenshot was taken.
    Screenshot,
}

impl DataExtraction {
    pub(crate) fn from_wire(
        message: &proto::DataExtractionNotification,
    ) -> Result<Self, InvalidContent> {
        match message.r#type.and_then(|kind| kind.try_into().ok()) {
            Some(data_extraction_notification::Type::MediaSaved) => Ok(Self::MediaSaved {
                sent_at: message.timestamp.map(Timestamp::from_ms),
            }),
            Some(data_extraction_notification::Type::Screenshot) => Ok(Self::Screenshot),
            None => Err(InvalidContent::Missing("extraction.type")),
        }
    }

    pub(crate) fn to_wire(self) -> proto::DataExtractionNotification {
        let (kind, timestamp) = match self {
            Self::MediaSaved { sent_at } => (
                data_extraction_notification::Type::MediaSaved,
                sent_at.map(Timestamp::as_ms),
            ),
            Self::Screenshot => (data_extraction_notification::Type::Screenshot, None),
        };
        proto::DataExtractionNotification {
            r#type: Some(kind.into()),
            timestamp,
        }
    }
}
