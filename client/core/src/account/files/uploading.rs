//! Files written here go to their server before the message that speaks of them is sealed.

use session_net::Progress;
use session_store::{FileRow, FileState, MessageId, Pointer, StoreError};

use super::{Shared, blocking, server};
use crate::{CoreError, Event};

/// Uploads the files of a message, and the image of its link preview, that are not uploaded yet, one after the other. Those that are
/// keep their addresses, whatever becomes of the others.
///
/// # Errors
/// [`CoreError::Gone`] when the message was deleted meanwhile; what the file server or the network
/// said; [`CoreError::FileMissing`] when a copy is not there any more.
pub(crate) async fn upload_all(shared: &Shared, message: MessageId) -> Result<(), CoreError> {
    let files = shared
        .model
        .read(move |store| store.transfers_of(message))
        .await?;
    for file in files {
        if file.pointer.is_none() {
            upload(shared, &file).await?;
        }
    }
    Ok(())
}

async fn upload(shared: &Shared, file: &FileRow) -> Result<(), CoreError> {
    let stop = shared.hub.transfers.begin(file.id, file.message);
    let done = tokio::select! {
        done = transfer(shared, file) => done,
        () = stop.cancelled() => Err(CoreError::Gone),
    };
    shared.hub.transfers.end(file.id);
    match &done {
        Ok(()) => shared.emit(Event::FileDone {
            message_id: file.message,
            index: file.index,
            upload: true,
        }),
        Err(CoreError::Gone) => {}
        Err(error) => {
            let again = server::may_pass(error);
            let reason = error.to_string();
            if !again {
                let (row, state) = (
                    file.clone(),
                    FileState::Failed {
                        reason: reason.clone(),
                    },
                );
                let now = shared.network.now();
                shared
                    .model
                    .write(now, move |tx| tx.file_is(&row, &state))
                    .await?;
            }
            shared.emit(Event::FileFailed {
                message_id: file.message,
                index: file.index,
                upload: true,
                reason,
                again,
            });
        }
    }
    done
}

async fn transfer(shared: &Shared, file: &FileRow) -> Result<(), CoreError> {
    let blob = file.blob.clone().ok_or(CoreError::FileMissing)?;
    let blobs = shared.model.read(|store| Ok(store.blobs())).await?;
    let content = blocking(move || match blobs.read(&blob) {
        Err(StoreError::FileMissing | StoreError::FileDamaged) => Err(CoreError::FileMissing),
        read => Ok(read?),
    })
    .await?;
    let sealed = server::sealed(shared, &content)?;
    drop(content);
    let progress = Progress::new();
    let is_stream = matches!(sealed.key, session_messages::AttachmentKey::Stream { .. });
    let upload = server::upload(shared, sealed.bytes, is_stream, progress.clone());
    let url = server::told(upload, &progress, true, |done, total| {
        shared.emit(Event::FileProgress {
            message_id: file.message,
            index: file.index,
            upload: true,
            done,
            total,
        });
    })
    .await?;
    let pointer = Pointer {
        url,
        key: sealed.key,
    };
    let (id, conversation) = (file.id, file.conversation);
    let still_there = shared
        .model
        .write(shared.network.now(), move |tx| {
            tx.touch(conversation);
            Ok(tx.store.file_uploaded(id, &pointer)?)
        })
        .await?;
    if still_there {
        Ok(())
    } else {
        Err(CoreError::Gone)
    }
}
