//! What was begun to be written, as a front end takes it up again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_store::{DraftFileId, DraftFileRow, MessageId, MessageKind, MessageRow};
use session_types::AccountId;

use super::excerpt::excerpt;
use super::item::{FileView, QuoteState, QuoteView};
use super::schema::{DraftFileNumber, MessageNumber};
use super::{Person, Text};
use crate::CoreError;
use crate::model::Model;

/// What was begun to be written in a conversation on this device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// The text; empty for none.
    pub text: Text,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<MessageNumber>")]
    pub reply_to: Option<MessageId>,
    /// That message, as a quote shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteView>,
    /// Files chosen to go with it, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DraftFile>,
}

/// A file chosen to be sent. Its content, or a smaller picture of it, is asked for by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftFile {
    /// Its number, of the conversation's draft only.
    #[schemars(with = "DraftFileNumber")]
    pub id: DraftFileId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub name: Option<Text>,
    /// Its MIME type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub mime: Option<Text>,
    /// Its length in bytes.
    pub size: u64,
    /// A text shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub caption: Option<Text>,
    /// Width in pixels, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A voice message.
    pub voice: bool,
    /// To be sent byte for byte, as a file.
    pub as_file: bool,
}

impl Draft {
    pub(crate) fn read(model: &Model, conversation: &AccountId) -> Result<Self, CoreError> {
        let row = model.store().draft(conversation)?;
        let answered = match row.reply_to {
            Some(id) => model.store().message(id)?,
            None => None,
        };
        // It may be gone since.
        let answered =
            answered.filter(|row| row.conversation == *conversation && row.kind.is_written());
        let quote = match &answered {
            Some(row) => Some(quote(model, row)?),
            None => None,
        };
        Ok(Self {
            text: row.text.into(),
            reply_to: answered.map(|row| row.id),
            quote,
            files: row.files.iter().map(DraftFile::from).collect(),
        })
    }
}

impl From<&DraftFileRow> for DraftFile {
    fn from(row: &DraftFileRow) -> Self {
        let info = &row.info;
        let text = |text: &Option<String>| text.as_deref().map(Text::from);
        Self {
            id: row.id,
            name: text(&info.name),
            mime: text(&info.mime),
            size: row.blob.size(),
            caption: text(&info.caption),
            width: info.dimensions.map(|(width, _)| width),
            height: info.dimensions.map(|(_, height)| height),
            voice: info.is_voice_message,
            as_file: row.as_file,
        }
    }
}

/// A message as a quote shows it.
fn quote(model: &Model, row: &MessageRow) -> Result<QuoteView, CoreError> {
    let store = model.store();
    let mine = row.sender == store.account_id();
    let name = if mine {
        model.configs().profile.name().as_str().to_owned()
    } else {
        let settings = store.conversation_settings(&row.sender)?;
        let name = settings.as_ref().and_then(|settings| settings.shown_name());
        name.unwrap_or_default().to_owned()
    };
    let name = Some(name.as_str()).filter(|name| !name.is_empty());
    let file = match row.details.attachments {
        0 => None,
        _ => store.files_of(row.id)?.into_iter().next(),
    };
    let room = row.details.invitation.as_ref().map(|room| &room.name);
    let text = match (row.kind, room) {
        (MessageKind::Invitation, Some(name)) => name,
        _ => &row.body,
    };
    Ok(QuoteView {
        author: row.sender,
        name: Person::new(row.sender, name).name,
        mine,
        original: QuoteState::Found {
            message_id: row.id,
            excerpt: excerpt(text),
            attachments: row.details.attachments,
            file: file.as_ref().map(|file| Box::new(FileView::of(file, None))),
        },
    })
}
