//! Drafts: text, the message that is answered, and copies of the files that were chosen.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use session_types::AccountId;

use crate::attachments::number;
use crate::incoming::ensure_conversation;
use crate::rows::{DraftFile, DraftFileId, DraftFileRow, DraftRow, FileInfo, MessageId, Sql};
use crate::store::{find, list, run};
use crate::{Blob, Store, StoreError};

pub(crate) fn files_sql(condition: &str) -> String {
    format!(
        "SELECT {} FROM draft_files d WHERE {condition}",
        DraftFileRow::COLUMNS
    )
}

pub(crate) const OF_DRAFT: &str = "d.conversation = ?1 ORDER BY d.position, d.id";

impl Store {
    /// What was begun to be written in a conversation; nothing when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn draft(&self, id: &AccountId) -> Result<DraftRow, StoreError> {
        let sql = "SELECT draft, draft_reply FROM conversations WHERE id = ?1";
        let found = find(&self.connection, sql, [Sql(*id)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let Some((text, reply)) = found else {
            return Ok(DraftRow::default());
        };
        Ok(DraftRow {
            text,
            reply_to: (reply != 0).then(|| MessageId::new(reply)),
            files: list(
                &self.connection,
                &files_sql(OF_DRAFT),
                [Sql(*id)],
                DraftFileRow::read,
            )?,
        })
    }

    /// One file of a draft.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], or when the database cannot be read.
    pub fn draft_file(
        &self,
        conversation: &AccountId,
        id: DraftFileId,
    ) -> Result<DraftFileRow, StoreError> {
        let sql = files_sql("d.id = ?1 AND d.conversation = ?2");
        let values = params![id, Sql(*conversation)];
        find(&self.connection, &sql, values, DraftFileRow::read)?.ok_or(StoreError::UnknownFile)
    }

    /// Keeps the text that was begun to be written; an empty one forgets it. Tells whether it is
    /// another one than before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_draft(&mut self, id: &AccountId, draft: &str) -> Result<bool, StoreError> {
        let sql = "INSERT INTO conversations (id, draft) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET draft = excluded.draft
                   WHERE draft <> excluded.draft";
        Ok(run(&self.connection, sql, params![Sql(*id), draft])? > 0)
    }

    /// Keeps which message a draft answers. Tells whether it is another one than before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_draft_reply(
        &mut self,
        id: &AccountId,
        reply_to: Option<MessageId>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO conversations (id, draft_reply) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET draft_reply = excluded.draft_reply
                   WHERE draft_reply <> excluded.draft_reply";
        let number = reply_to.map_or(0, MessageId::get);
        Ok(run(&self.connection, sql, params![Sql(*id), number])? > 0)
    }

    /// Keeps which files go with a draft, in their order; those that are not named are removed.
    /// Tells whether they are others than before.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`] when one that is to be kept is not there or is named twice, or
    /// when the database cannot be written; then nothing is changed.
    pub fn set_draft_files(
        &mut self,
        id: &AccountId,
        wanted: &[DraftFile],
    ) -> Result<bool, StoreError> {
        self.atomically(|store| {
            let before = store.draft(id)?.files;
            let mut kept = BTreeSet::new();
            for file in wanted {
                let DraftFile::Kept { id, .. } = file else {
                    continue;
                };
                let is_here = before.iter().any(|row| row.id == *id);
                if !is_here || !kept.insert(*id) {
                    return Err(StoreError::UnknownFile);
                }
            }
            let connection = &store.connection;
            ensure_conversation(connection, *id)?;
            for row in before.iter().filter(|row| !kept.contains(&row.id)) {
                run(
                    connection,
                    "DELETE FROM draft_files WHERE id = ?1",
                    [row.id],
                )?;
            }
            for (position, file) in (0u32..).zip(wanted) {
                match file {
                    DraftFile::Kept { id, as_file } => {
                        let sql =
                            "UPDATE draft_files SET position = ?2, as_file = ?3 WHERE id = ?1";
                        run(connection, sql, params![id, position, as_file])?;
                    }
                    DraftFile::New {
                        info,
                        as_file,
                        blob,
                    } => insert(connection, id, position, info, *as_file, blob)?,
                }
            }
            Ok(store.draft(id)?.files != before)
        })
    }

    /// Forgets what was begun to be written. Tells whether there was anything.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn clear_draft(&mut self, id: &AccountId) -> Result<bool, StoreError> {
        self.atomically(|store| {
            let connection = &store.connection;
            let sql = "UPDATE conversations SET draft = '', draft_reply = 0
                       WHERE id = ?1 AND (draft <> '' OR draft_reply <> 0)";
            let words = run(connection, sql, [Sql(*id)])?;
            let sql = "DELETE FROM draft_files WHERE conversation = ?1";
            let files = run(connection, sql, [Sql(*id)])?;
            Ok(words + files > 0)
        })
    }
}

fn insert(
    connection: &Connection,
    conversation: &AccountId,
    position: u32,
    info: &FileInfo,
    as_file: bool,
    blob: &Blob,
) -> Result<(), StoreError> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (width, height) = info.dimensions.unwrap_or_default();
    let sql = "INSERT INTO draft_files (conversation, position, name, mime, caption, width, height,
                   voice, as_file, blob, blob_key, blob_size, blob_disk)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    run(
        connection,
        sql,
        params![
            Sql(*conversation),
            position,
            text(&info.name),
            text(&info.mime),
            text(&info.caption),
            width,
            height,
            info.is_voice_message,
            as_file,
            blob.name.as_str(),
            blob.key.as_slice(),
            number(blob.size),
            number(blob.on_disk),
        ],
    )?;
    Ok(())
}
