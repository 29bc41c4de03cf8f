//! Files of messages: where each is, and the copies on this device.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use session_types::{AccountId, Timestamp};

use crate::blobs::{Blob, BlobName, Blobs};
use crate::rows::{
    AutoDownload, FileId, FileInfo, FileRow, FileState, FilesUsage, MessageId, NewFile, Pointer,
    Sound, Sql, pointer_columns,
};
use crate::store::{find, list, run};
use crate::{Store, StoreError};

/// The place of the image of a message's link preview among its files, behind all that a message
/// can hold.
pub const PREVIEW_IMAGE: u32 = 32;

pub(crate) fn files_sql(condition: &str) -> String {
    format!(
        "SELECT {} FROM files f JOIN messages m ON m.id = f.message WHERE {condition}",
        FileRow::COLUMNS
    )
}

pub(crate) const OF_MESSAGE: &str = "f.message = ?1 ORDER BY f.position";
/// Those written here go up with their message, not by themselves.
pub(crate) const WAITING: &str = "f.state = 1 AND f.blob = '' ORDER BY f.id LIMIT ?1";
pub(crate) const USAGE_OF: &str = "SELECT count(*), coalesce(sum(f.blob_disk), 0)
     FROM messages m JOIN files f ON f.message = m.id
     WHERE m.conversation = ?1 AND f.blob <> ''";
const USAGE: &str = "SELECT count(*), coalesce(sum(blob_disk), 0) FROM (
         SELECT blob_disk FROM files WHERE blob <> ''
         UNION ALL SELECT blob_disk FROM pictures WHERE blob <> ''
         UNION ALL SELECT blob_disk FROM draft_files)";
pub(crate) const WANT_ALL: &str = "UPDATE files SET state = 1, reason = '', attempts = 0
     WHERE state = 0 AND url <> '' AND blob = ''
       AND message IN (SELECT id FROM messages WHERE conversation = ?1 AND outgoing = 0)";
/// Copies of what is at its server. One's own are kept as long as their messages.
const DROP_COPIES: &str = "UPDATE files
     SET state = 0, reason = '', attempts = 0, blob = '', blob_key = x'', blob_size = 0, blob_disk = 0,
         waveform = x'', duration = 0";

/// Which copies can be dropped: `?1` is the time before which their messages were sent, `?2` the
/// conversation.
pub(crate) fn droppable(of_one: bool) -> String {
    let conversation = if of_one { " AND conversation = ?2" } else { "" };
    format!(
        "state = 2 AND url <> '' AND blob <> '' AND message IN (
             SELECT id FROM messages WHERE outgoing = 0 AND sent_at < ?1{conversation})"
    )
}

impl Store {
    /// The folder of files, to be used wherever blocking does no harm.
    #[must_use]
    pub fn blobs(&self) -> Blobs {
        Blobs::beside(self.path())
    }

    /// Writes down the files of a message that was just written down itself. Those that were
    /// written here wait for their upload.
    ///
    /// # Errors
    /// When the database cannot be written; then none was.
    pub fn add_files(&mut self, message: MessageId, new: &[NewFile]) -> Result<(), StoreError> {
        self.atomically(|store| {
            for (position, file) in (0u32..).zip(new) {
                insert(&store.connection, message, position, file)?;
            }
            Ok(())
        })
    }

    /// Writes down the image of the link preview of a message that was just written down itself.
    /// It is a file at the place [`PREVIEW_IMAGE`].
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add_preview_image(
        &mut self,
        message: MessageId,
        image: &NewFile,
    ) -> Result<(), StoreError> {
        insert(&self.connection, message, PREVIEW_IMAGE, image)
    }

    /// The files of a message, in their order. The image of its link preview is none of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn files_of(&self, message: MessageId) -> Result<Vec<FileRow>, StoreError> {
        let mut files = self.transfers_of(message)?;
        files.retain(|file| file.index < PREVIEW_IMAGE);
        Ok(files)
    }

    /// The image of the link preview of a message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn preview_image(&self, message: MessageId) -> Result<Option<FileRow>, StoreError> {
        let files = self.transfers_of(message)?;
        Ok(files.into_iter().find(|file| file.index == PREVIEW_IMAGE))
    }

    /// All that goes up and down for a message: its files, and the image of its link preview.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn transfers_of(&self, message: MessageId) -> Result<Vec<FileRow>, StoreError> {
        list(
            &self.connection,
            &files_sql(OF_MESSAGE),
            [message],
            FileRow::read,
        )
    }

    /// Asks for all files that came in a conversation and were not asked for yet. Returns how
    /// many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn want_files_of(&mut self, conversation: &AccountId) -> Result<usize, StoreError> {
        run(&self.connection, WANT_ALL, [Sql(*conversation)])
    }

    /// One file of a message.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], or when the database cannot be read.
    pub fn file(&self, message: MessageId, index: u32) -> Result<FileRow, StoreError> {
        let sql = files_sql("f.message = ?1 AND f.position = ?2");
        find(
            &self.connection,
            &sql,
            params![message, index],
            FileRow::read,
        )?
        .ok_or(StoreError::UnknownFile)
    }

    /// One file by its id; `None` when its message is gone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn file_by_id(&self, id: FileId) -> Result<Option<FileRow>, StoreError> {
        find(
            &self.connection,
            &files_sql("f.id = ?1"),
            [id],
            FileRow::read,
        )
    }

    /// Files that wait to be fetched, those asked for first at the front.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn waiting_downloads(&self, limit: u32) -> Result<Vec<FileRow>, StoreError> {
        list(
            &self.connection,
            &files_sql(WAITING),
            [limit],
            FileRow::read,
        )
    }

    /// Sets where the content of a file is, and forgets failures before. Tells whether that is
    /// new.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_file_state(&mut self, id: FileId, state: &FileState) -> Result<bool, StoreError> {
        let (number, reason) = state.columns();
        let sql = "UPDATE files SET state = ?2, reason = ?3, attempts = 0
                   WHERE id = ?1 AND (state <> ?2 OR reason <> ?3)";
        Ok(run(&self.connection, sql, params![id, number, reason])? > 0)
    }

    /// Counts a transfer that failed and follows again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn file_postponed(&mut self, id: FileId) -> Result<(), StoreError> {
        let sql = "UPDATE files SET attempts = attempts + 1 WHERE id = ?1";
        run(&self.connection, sql, [id])?;
        Ok(())
    }

    /// A file was fetched. False when nobody waits for it any more; its copy is then to be
    /// removed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn file_arrived(
        &mut self,
        id: FileId,
        blob: &Blob,
        sound: Option<&Sound>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE files SET state = ?2, reason = '', attempts = 0, blob = ?3,
                          blob_key = ?4, blob_size = ?5, blob_disk = ?6, waveform = ?8,
                          duration = ?9
                   WHERE id = ?1 AND state = ?7 AND blob = ''";
        let values = params![
            id,
            FileState::HERE,
            blob.name.as_str(),
            blob.key.as_slice(),
            number(blob.size),
            number(blob.on_disk),
            FileState::QUEUED,
            sound.map_or(&[][..], |sound| &sound.waveform),
            sound.map_or(0, |sound| sound.duration_ms),
        ];
        Ok(run(&self.connection, sql, values)? > 0)
    }

    /// A file written here was uploaded. Tells whether its message is still there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn file_uploaded(&mut self, id: FileId, pointer: &Pointer) -> Result<bool, StoreError> {
        let (url, key, digest) = pointer_columns(pointer);
        let sql = "UPDATE files SET state = ?2, reason = '', attempts = 0, url = ?3, key = ?4,
                          digest = ?5
                   WHERE id = ?1";
        let values = params![id, FileState::HERE, url, key, digest];
        Ok(run(&self.connection, sql, values)? > 0)
    }

    /// A voice message was played.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn file_heard(&mut self, id: FileId) -> Result<(), StoreError> {
        let sql = "UPDATE files SET heard = 1 WHERE id = ?1";
        run(&self.connection, sql, [id])?;
        Ok(())
    }

    /// How much room files and pictures take, in all or in one conversation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn files_usage(&self, conversation: Option<&AccountId>) -> Result<FilesUsage, StoreError> {
        let found = match conversation {
            Some(id) => find(&self.connection, USAGE_OF, [Sql(*id)], usage)?,
            None => find(&self.connection, USAGE, (), usage)?,
        };
        Ok(found.unwrap_or_default())
    }

    /// How much room copies take that [`Self::drop_copies`] would forget.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn droppable_copies(
        &self,
        conversation: Option<&AccountId>,
        before: Option<Timestamp>,
    ) -> Result<FilesUsage, StoreError> {
        let sql = format!(
            "SELECT count(*), coalesce(sum(blob_disk), 0) FROM files WHERE {}",
            droppable(conversation.is_some())
        );
        let found = match conversation {
            Some(id) => find(
                &self.connection,
                &sql,
                params![until(before), Sql(*id)],
                usage,
            ),
            None => find(&self.connection, &sql, [until(before)], usage),
        };
        Ok(found?.unwrap_or_default())
    }

    /// Forgets the copies of what came, in all conversations or in one, of messages of any time or
    /// sent before one; their servers may still have them. Returns what went, and of which
    /// conversations.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn drop_copies(
        &mut self,
        conversation: Option<&AccountId>,
        before: Option<Timestamp>,
    ) -> Result<(FilesUsage, Vec<AccountId>), StoreError> {
        self.atomically(|store| {
            let dropped = store.droppable_copies(conversation, before)?;
            let which = droppable(conversation.is_some());
            let drop = format!("{DROP_COPIES} WHERE {which}");
            let connection = &store.connection;
            let touched = match conversation {
                Some(id) => {
                    run(connection, &drop, params![until(before), Sql(*id)])?;
                    vec![*id]
                }
                None => {
                    let sql = format!(
                        "SELECT DISTINCT conversation FROM messages
                         WHERE id IN (SELECT message FROM files WHERE {which})"
                    );
                    let touched = list(connection, &sql, [until(before)], |row| {
                        Ok(row.get::<_, Sql<AccountId>>(0)?.0)
                    })?;
                    run(connection, &drop, [until(before)])?;
                    touched
                }
            };
            Ok((dropped, touched))
        })
    }

    /// Whether files of a conversation come by themselves.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn auto_download(&self, conversation: &AccountId) -> Result<AutoDownload, StoreError> {
        let sql = "SELECT auto_download FROM conversations WHERE id = ?1";
        let found = find(&self.connection, sql, [Sql(*conversation)], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(AutoDownload::from_number(found.unwrap_or_default()))
    }

    /// Sets whether files of a conversation come by themselves, on this device.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_auto_download(
        &mut self,
        conversation: &AccountId,
        rule: AutoDownload,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO conversations (id, auto_download) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET auto_download = excluded.auto_download";
        run(
            &self.connection,
            sql,
            params![Sql(*conversation), rule.number()],
        )?;
        Ok(())
    }

    /// Takes files out of the folder that nothing refers to since earlier transactions. Not
    /// within one: it might be undone. Returns how many went.
    ///
    /// # Errors
    /// When the database cannot be written. A file that resists is tried again the next time.
    pub fn remove_dropped_blobs(&mut self) -> Result<usize, StoreError> {
        let names: Vec<String> = list(
            &self.connection,
            "SELECT name FROM removed_blobs",
            (),
            |row| row.get(0),
        )?;
        let blobs = self.blobs();
        let mut gone = 0;
        for text in names {
            if let Some(name) = BlobName::parse(&text)
                && let Err(error) = blobs.remove_named(&name)
            {
                tracing::warn!(
                    code = error.code(),
                    "a file that is not used any more stays"
                );
                continue;
            }
            let sql = "DELETE FROM removed_blobs WHERE name = ?1";
            run(&self.connection, sql, [&text])?;
            gone += 1;
        }
        Ok(gone)
    }

    /// Removes files that a crash left, and notes which copies are missing: those can be fetched
    /// again. To be called at the start. Returns how many files went.
    ///
    /// # Errors
    /// When the database or the folder cannot be read.
    pub fn sweep_blobs(&mut self) -> Result<usize, StoreError> {
        let mut gone = self.remove_dropped_blobs()?;
        let blobs = self.blobs();
        let names = blobs.old_names()?;
        if names.is_empty() {
            return Ok(gone);
        }
        let sql = "SELECT blob FROM files WHERE blob <> ''
                   UNION ALL SELECT blob FROM pictures WHERE blob <> ''
                   UNION ALL SELECT blob FROM draft_files";
        let used: BTreeSet<String> = list(&self.connection, sql, (), |row| row.get(0))?
            .into_iter()
            .collect();
        for name in names {
            if !used.contains(name.as_str()) {
                blobs.remove_named(&name)?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}

fn usage(row: &rusqlite::Row<'_>) -> rusqlite::Result<FilesUsage> {
    Ok(FilesUsage {
        files: row.get::<_, i64>(0)?.unsigned_abs(),
        bytes: row.get::<_, i64>(1)?.unsigned_abs(),
    })
}

/// The time before which; none is later than any.
fn until(before: Option<Timestamp>) -> i64 {
    before.map_or(i64::MAX, |at| number(at.as_ms()))
}

/// As a column holds it.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Writes down one file of a message.
pub(crate) fn insert(
    connection: &Connection,
    message: MessageId,
    position: u32,
    file: &NewFile,
) -> Result<(), StoreError> {
    let (info, pointer, own, state) = match file {
        NewFile::Remote { info, pointer } => (info, Some(pointer), None, FileState::REMOTE),
        NewFile::Own { info, blob, sound } => (info, None, Some((blob, sound)), FileState::QUEUED),
    };
    let blob = own.map(|(blob, _)| blob);
    let sound = own.and_then(|(_, sound)| sound.as_ref());
    let FileInfo {
        name,
        mime,
        size,
        caption,
        dimensions,
        is_voice_message,
    } = info;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (width, height) = dimensions.unwrap_or_default();
    let (url, key, digest) = pointer.map_or(("", &[][..], &[][..]), pointer_columns);
    let sql = "INSERT INTO files (message, position, name, mime, caption, size, width, height,
                   voice, url, key, digest, state, blob, blob_key, blob_size, blob_disk)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    run(
        connection,
        sql,
        params![
            message,
            position,
            text(name),
            text(mime),
            text(caption),
            size.map_or(-1, number),
            width,
            height,
            is_voice_message,
            url,
            key,
            digest,
            state,
            blob.map_or("", |blob| blob.name.as_str()),
            blob.map_or(&[][..], |blob| blob.key.as_slice()),
            blob.map_or(0, |blob| number(blob.size)),
            blob.map_or(0, |blob| number(blob.on_disk)),
        ],
    )?;
    // Not above: a migration writes files down that has no such columns yet.
    if let Some(Sound {
        waveform,
        duration_ms,
    }) = sound
    {
        let sql = "UPDATE files SET waveform = ?3, duration = ?4
                   WHERE message = ?1 AND position = ?2";
        run(
            connection,
            sql,
            params![message, position, waveform, duration_ms],
        )?;
    }
    Ok(())
}
