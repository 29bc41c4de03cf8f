//! What of a migration cannot be said in SQL.

use rusqlite::{Connection, params};
use session_messages::{Content, ContentKind};
use session_types::Timestamp;

use crate::rows::{FileInfo, MessageId, NewFile, Pointer, Sql};
use crate::{StoreError, attachments};

/// The schema from which on files have rows.
pub(super) const FILES: u32 = 3;

/// Before, a message with files only kept its content as it came. They become files at their
/// servers, which those may have forgotten by now.
pub(super) fn adopt_files(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare("SELECT id, sent_at, content FROM messages WHERE content <> x'' AND kind = 0")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let id: MessageId = row.get(0)?;
        let sent_at: Timestamp = row.get::<_, Sql<Timestamp>>(1)?.0;
        let content: Vec<u8> = row.get(2)?;
        let Ok(content) = Content::decode(&content, sent_at) else {
            continue;
        };
        let ContentKind::Visible(visible) = content.kind() else {
            continue;
        };
        for (position, attachment) in (0u32..).zip(visible.attachments()) {
            let file = NewFile::Remote {
                info: FileInfo::of(attachment),
                pointer: Pointer {
                    url: attachment.url().to_owned(),
                    key: attachment.key().clone(),
                },
            };
            attachments::insert(connection, id, position, &file)?;
        }
        if visible.unreadable_attachments() == 0 {
            let sql = "UPDATE messages SET content = x'' WHERE id = ?1";
            connection.execute(sql, params![id])?;
        }
    }
    Ok(())
}
