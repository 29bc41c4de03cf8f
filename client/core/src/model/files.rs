//! Files of messages and pictures of people, as far as no network is needed (docs/protocol/client.md
//! sections 5.7 and 5.8).

use session_config::Picture as PictureConfig;
use session_messages::{Attachment, Body, LinkPreview, VisibleMessage};
use session_store::{
    AutoDownload, Blob, FileInfo, FileRow, FileState, MessageId, MessageRow, NewFile,
    PREVIEW_IMAGE, Pointer, Sound,
};
use session_types::AccountId;

use super::Tx;
use crate::CoreError;

/// Files of one message (docs/protocol/client.md section 5.12).
pub(crate) const MOST_FILES: usize = 32;

impl Tx<'_> {
    /// Writes down the files of a message that came, and asks for them when they come by
    /// themselves.
    pub(super) fn take_files(
        &mut self,
        row: &MessageRow,
        visible: &VisibleMessage,
    ) -> Result<(), CoreError> {
        let files: Vec<NewFile> = visible.attachments().iter().map(remote).collect();
        let image = visible.preview().and_then(LinkPreview::image).map(remote);
        if files.is_empty() && image.is_none() {
            return Ok(());
        }
        self.store.add_files(row.id, &files)?;
        if let Some(image) = &image {
            self.store.add_preview_image(row.id, image)?;
        }
        if self.comes_by_itself(row)? {
            for file in self.store.transfers_of(row.id)? {
                self.store.set_file_state(file.id, &FileState::Queued)?;
            }
            self.changes.files = true;
        }
        Ok(())
    }

    fn comes_by_itself(&self, row: &MessageRow) -> Result<bool, CoreError> {
        Ok(match self.store.auto_download(&row.conversation)? {
            AutoDownload::Always => true,
            AutoDownload::Never => false,
            AutoDownload::Accepted => {
                row.conversation == self.own()
                    || row.outgoing
                    || self.contact(&row.conversation).approved
            }
        })
    }

    /// Somebody was accepted: what they sent before comes as their conversation says.
    pub(super) fn follow_acceptance(&mut self, id: &AccountId) -> Result<(), CoreError> {
        if self.store.auto_download(id)? != AutoDownload::Never && self.store.want_files_of(id)? > 0
        {
            self.changes.files = true;
            self.touch(*id);
        }
        Ok(())
    }

    /// Asks for a file. False when it is here or on its way.
    pub(crate) fn want_file(&mut self, message: MessageId, index: u32) -> Result<bool, CoreError> {
        let file = self.store.file(message, index)?;
        // What was written here goes up with its message.
        if file.blob.is_some() || file.pointer.is_none() {
            return Ok(false);
        }
        let is_new = self.store.set_file_state(file.id, &FileState::Queued)?;
        // One that waits for another try is tried at once.
        self.changes.wanted.push(file.id);
        self.changes.files = true;
        self.touch(file.conversation);
        Ok(is_new)
    }

    /// Asks no more for a file. False when it was not asked for.
    pub(crate) fn leave_file(&mut self, message: MessageId, index: u32) -> Result<bool, CoreError> {
        let file = self.store.file(message, index)?;
        if file.state != FileState::Queued || file.blob.is_some() {
            return Ok(false);
        }
        self.store.set_file_state(file.id, &FileState::Remote)?;
        self.changes.left.push(file.id);
        self.touch(file.conversation);
        Ok(true)
    }

    /// A voice message was played on this device.
    pub(crate) fn hear_file(&mut self, message: MessageId, index: u32) -> Result<(), CoreError> {
        let file = self.store.file(message, index)?;
        if file.is_unheard {
            self.store.file_heard(file.id)?;
            self.touch(file.conversation);
        }
        Ok(())
    }

    /// Notes where the content of a file is, for all to see.
    pub(crate) fn file_is(&mut self, file: &FileRow, state: &FileState) -> Result<(), CoreError> {
        if self.store.set_file_state(file.id, state)? {
            self.touch(file.conversation);
        }
        Ok(())
    }

    /// A file was fetched. False when nobody wants it any more.
    pub(crate) fn file_arrived(
        &mut self,
        file: &FileRow,
        blob: &Blob,
        sound: Option<&Sound>,
    ) -> Result<bool, CoreError> {
        let arrived = self.store.file_arrived(file.id, blob, sound)?;
        if arrived {
            self.touch(file.conversation);
        }
        Ok(arrived)
    }

    /// A picture of oneself, still to be uploaded.
    pub(crate) fn choose_picture(&mut self, mime: &str, blob: &Blob) -> Result<(), CoreError> {
        let own = self.own();
        self.store.keep_picture(&own, "", mime, blob)?;
        self.changes.files = true;
        self.changes.profile = true;
        Ok(())
    }

    /// Shows no picture any more.
    pub(crate) fn remove_picture(&mut self) -> Result<(), CoreError> {
        let own = self.own();
        self.store.forget_picture(&own)?;
        let at = self.profile_time();
        self.configs.profile.set_picture(None, at)?;
        self.changes.profile = true;
        Ok(())
    }

    /// The picture of somebody was fetched. False when the user has chosen another one of their
    /// own meanwhile.
    pub(crate) fn picture_arrived(
        &mut self,
        owner: AccountId,
        url: &str,
        mime: &str,
        blob: &Blob,
    ) -> Result<bool, CoreError> {
        if self.is_choosing(owner)? {
            return Ok(false);
        }
        self.store.keep_picture(&owner, url, mime, blob)?;
        self.touch(owner);
        self.changes.profile |= owner == self.own();
        Ok(true)
    }

    /// The picture of somebody was not fetched.
    pub(crate) fn picture_is(
        &mut self,
        owner: AccountId,
        url: &str,
        state: &FileState,
        attempts: u32,
    ) -> Result<(), CoreError> {
        if !self.is_choosing(owner)? {
            self.store.set_picture_state(&owner, url, state, attempts)?;
        }
        Ok(())
    }

    /// Whether this is the user, with a picture that is still to be uploaded.
    fn is_choosing(&self, owner: AccountId) -> Result<bool, CoreError> {
        let kept = self.store.picture(&owner)?;
        Ok(owner == self.own() && kept.is_some_and(|kept| kept.url.is_empty()))
    }

    /// The own picture is at its server: others hear of it. False when another one was chosen
    /// meanwhile.
    pub(crate) fn picture_uploaded(
        &mut self,
        blob: &Blob,
        url: &str,
        key: [u8; 32],
        again: bool,
    ) -> Result<bool, CoreError> {
        if !self.store.picture_renewed(blob, url, self.now)? {
            return Ok(false);
        }
        let picture = PictureConfig::new(url, key)?;
        let at = self.profile_time();
        let profile = &mut self.configs.profile;
        if again {
            profile.set_reuploaded_picture(Some(&picture), at)?;
        } else {
            profile.set_picture(Some(&picture), at)?;
        }
        self.changes.profile = true;
        Ok(true)
    }

    /// After the configs changed: pictures that nobody shows any more go, and new ones are asked
    /// for.
    pub(super) fn follow_picture(
        &mut self,
        id: &AccountId,
        shown: Option<&PictureConfig>,
    ) -> Result<(), CoreError> {
        match (shown, self.store.picture(id)?) {
            (None, Some(kept)) if !kept.url.is_empty() => {
                self.store.forget_picture(id)?;
            }
            (None, _) => {}
            (Some(shown), kept) => {
                self.changes.files |= kept.is_none_or(|kept| kept.url != shown.url());
            }
        }
        Ok(())
    }
}

fn remote(attachment: &Attachment) -> NewFile {
    NewFile::Remote {
        info: FileInfo::of(attachment),
        pointer: Pointer {
            url: attachment.url().to_owned(),
            key: attachment.key().clone(),
        },
    }
}

/// A message of a text and uploaded files.
pub(super) fn visible(
    row: &MessageRow,
    transfers: &[FileRow],
) -> Result<VisibleMessage, CoreError> {
    let files = transfers.iter().filter(|file| file.index < PREVIEW_IMAGE);
    let attachments: Option<Vec<_>> = files.map(FileRow::attachment).collect();
    let attachments = attachments.ok_or(CoreError::FileMissing)?;
    let body = match row.body.as_str() {
        "" if !attachments.is_empty() => None,
        text => Some(Body::new(text)?),
    };
    Ok(match body {
        Some(body) => VisibleMessage::text(body).with_attachments(attachments)?,
        None => VisibleMessage::files(attachments, None)?,
    })
}
