//! Parameters and results about files and pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::view::schema::{AccountIdText, DraftFileNumber, MessageNumber, Milliseconds};
use session_core::view::{FileStatus, FileView, Text};
use session_core::{LinkCard, Picture};
use session_store::{AutoDownload, DraftFileId, FilesUsage, MessageId, PictureRow};
use session_types::{AccountId, Timestamp};

use super::structures;
use crate::Content;

structures! { strict
    /// Files to be sent.
    SendFilesParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// To whom; to the account itself: Note to Self.
        #[schemars(with = "AccountIdText")]
        to: AccountId,
        /// The text that goes with them: at most 2,000 characters; none when left out.
        #[serde(default)]
        text: Text,
        /// The message they answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<MessageNumber>")]
        reply_to: Option<MessageId>,
        /// The files: at most 32.
        files: Vec<FileToSend>,
        /// Whether the draft of the conversation stays: what is sent is something else, such as a
        /// voice message.
        #[serde(default)]
        keeps_draft: bool,
    }

    /// A file to be sent: one at a path, or a content, or one of the conversation's draft.
    FileToSend {
        /// Where it is on this computer: at most 10,000,000 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Its content as Base64, instead of a path. All contents of a call have at most
        /// 700,000 bytes together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        /// Instead of both: what was uploaded beside the calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
        /// Instead of all these: a file of the conversation's draft. Name, type and caption are
        /// then those it was chosen with, unless they are given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<DraftFileNumber>")]
        draft: Option<DraftFileId>,
        /// The name shown with it; that of the path when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        name: Option<Text>,
        /// Its MIME type; by name or content when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime: Option<String>,
        /// Whether it is a voice message: recorded just now.
        #[serde(default)]
        voice: bool,
        /// Sent byte for byte, with whatever is in it, and offered to readers as a file: pictures
        /// are not shown then, and what cameras write beside them is not taken out.
        #[serde(default)]
        as_file: bool,
        /// A text shown with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        caption: Option<Text>,
    }

    /// One file of a message.
    FileParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Which of its files, from 0.
        index: u32,
    }

    /// Where a file is saved.
    SaveFileParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Which of its files, from 0.
        index: u32,
        /// The path of the new file on this computer. Its folder must exist.
        path: String,
        /// Whether it takes the place of a file that is there already.
        #[serde(default)]
        overwrite: bool,
    }

    /// Which part of a file.
    FileContentParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Which of its files, from 0.
        index: u32,
        /// The first byte.
        #[serde(default)]
        from: u64,
    }

    /// A smaller picture of a file.
    ThumbnailParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The message.
        #[schemars(with = "MessageNumber")]
        message_id: MessageId,
        /// Which of its files, from 0.
        index: u32,
        /// The most pixels it is wide and high: at most 400.
        #[serde(default = "usual_side")]
        side: u32,
    }

    /// Which part of a file of a draft.
    DraftFileParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The file.
        #[schemars(with = "DraftFileNumber")]
        id: DraftFileId,
        /// The first byte.
        #[serde(default)]
        from: u64,
    }

    /// A smaller picture of a file of a draft.
    DraftThumbnailParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// The file.
        #[schemars(with = "DraftFileNumber")]
        id: DraftFileId,
        /// The most pixels it is wide and high: at most 400.
        #[serde(default = "usual_side")]
        side: u32,
    }

    /// Whether files come by themselves.
    SetAutoDownloadParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation.
        #[schemars(with = "AccountIdText")]
        conversation: AccountId,
        /// When they do.
        rule: AutoDownloadRule,
    }

    /// Whose room is counted.
    FilesUsageParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation; all when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<AccountIdText>")]
        conversation: Option<AccountId>,
    }

    /// Which copies of files.
    CopiesParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// The conversation; all when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<AccountIdText>")]
        conversation: Option<AccountId>,
        /// Only of messages sent before this time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Milliseconds>")]
        before: Option<Timestamp>,
    }

    /// A picture of the account: one at a path, or a content.
    SetPictureParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Where it is on this computer: at most 50,000,000 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Its content as Base64, instead of a path: at most 700,000 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
        /// Instead of both: what was uploaded beside the calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upload: Option<String>,
    }

    /// Which part of a picture.
    PictureParams {
        /// The account.
        #[schemars(with = "AccountIdText")]
        account: AccountId,
        /// Whose it is; the account's own id for its own.
        #[schemars(with = "AccountIdText")]
        person: AccountId,
        /// The first byte.
        #[serde(default)]
        from: u64,
    }
}

structures! { loose
    /// Files of a message.
    Files {
        /// In their order. Of those on their way it is not said how far they are:
        /// `file.progress` tells that.
        files: Vec<FileView>,
    }

    /// What became of asking for a file.
    DownloadAsked {
        /// False when it is here or on its way.
        asked: bool,
    }

    /// What became of asking no more for a file.
    DownloadCancelled {
        /// False when it was not on its way to this device.
        cancelled: bool,
    }

    /// A part of a content.
    ContentPart {
        /// The bytes as Base64: at most 524,288; all of them together have `size`.
        content: Content,
        /// Length of the whole content in bytes.
        size: u64,
    }

    /// A smaller picture of a file.
    Thumbnail {
        /// Its bytes as Base64.
        content: Content,
        /// Its MIME type: `image/jpeg` or `image/png`.
        mime: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    }

    /// What a page looks like, if there is one to be looked at.
    PreviewResult {
        /// Absent when the text has no link that is looked at (https, of a public server), or the
        /// page has neither title nor image.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        preview: Option<LinkPreview>,
    }

    /// What the page behind a link looks like.
    LinkPreview {
        /// The link, as it is in the text.
        url: Text,
        /// The title of the page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        title: Option<Text>,
        /// Its image, made smaller.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<Thumbnail>,
    }

    /// Whether files come by themselves.
    AutoDownloadResult {
        /// When they do.
        rule: AutoDownloadRule,
    }

    /// How much room files take on this device.
    FilesUsageResult {
        /// How many there are.
        files: u64,
        /// What they take on the disk, in bytes.
        bytes: u64,
    }

    /// The picture of a person, if they show one that is known here.
    PictureResult {
        /// The picture.
        picture: Option<PictureInfo>,
    }

    /// A picture of a person.
    PictureInfo {
        /// Where its content is. The own one is `waiting` until it is at its server, and here all the
        /// same.
        state: FileStatus,
        /// Its MIME type, when it is on this device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime: Option<String>,
        /// Its bytes, when it is on this device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<ContentPart>,
    }
}

/// When files of a conversation come by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoDownloadRule {
    /// From people who are accepted, and what the account itself sent from another device.
    #[default]
    Accepted,
    /// Always.
    Always,
    /// Never: each is asked for by `files.download`.
    Never,
}

fn usual_side() -> u32 {
    200
}

impl From<AutoDownload> for AutoDownloadRule {
    fn from(rule: AutoDownload) -> Self {
        match rule {
            AutoDownload::Accepted => Self::Accepted,
            AutoDownload::Always => Self::Always,
            AutoDownload::Never => Self::Never,
        }
    }
}

impl From<AutoDownloadRule> for AutoDownload {
    fn from(rule: AutoDownloadRule) -> Self {
        match rule {
            AutoDownloadRule::Accepted => Self::Accepted,
            AutoDownloadRule::Always => Self::Always,
            AutoDownloadRule::Never => Self::Never,
        }
    }
}

impl From<FilesUsage> for FilesUsageResult {
    fn from(usage: FilesUsage) -> Self {
        let FilesUsage { files, bytes } = usage;
        Self { files, bytes }
    }
}

impl From<Picture> for Thumbnail {
    fn from(picture: Picture) -> Self {
        let (width, height) = picture.dimensions;
        Self {
            content: picture.bytes.into(),
            mime: picture.mime.to_owned(),
            width,
            height,
        }
    }
}

impl From<LinkCard> for LinkPreview {
    fn from(card: LinkCard) -> Self {
        let LinkCard { url, title, image } = card;
        Self {
            url: url.into(),
            title: title.map(Text::from),
            image: image.map(Thumbnail::from),
        }
    }
}

impl ContentPart {
    /// What one call gives back of a content, from a byte on.
    pub(crate) fn of(content: &[u8], from: u64) -> Self {
        Self {
            content: Content::part(content, from),
            size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        }
    }
}

impl PictureInfo {
    /// A picture with as much of its content as is to be told.
    pub(crate) fn of(row: &PictureRow, part: Option<ContentPart>) -> Self {
        let mime = part.as_ref().map(|_| row.mime.clone());
        Self {
            state: FileStatus::from(&row.state),
            mime: mime.filter(|mime| !mime.is_empty()),
            part,
        }
    }
}
