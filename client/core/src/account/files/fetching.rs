//! Files that were sent to us come from their servers.

use core::time::Duration;

use session_net::Progress;
use session_store::{FileRow, FileState};

use super::server::{self, NotHere};
use super::{Shared, blocking, pause};
use crate::{CoreError, Event, media};

/// Fetches a file once and writes down the outcome. Returns how long to wait before it is tried
/// again; `None` when it is done with.
pub(super) async fn run(shared: &Shared, file: FileRow) -> Option<Duration> {
    let stop = shared.hub.transfers.begin(file.id, file.message);
    let fetched = tokio::select! {
        fetched = transfer(shared, &file) => Some(fetched),
        () = stop.cancelled() => None,
    };
    shared.hub.transfers.end(file.id);
    let (wait, recorded) = match fetched? {
        Ok(()) => (None, Ok(())),
        Err(NotHere::Gone(reason)) => {
            let reason = reason.to_owned();
            let state = FileState::Gone {
                reason: reason.clone(),
            };
            (None, failed(shared, &file, Some(state), reason).await)
        }
        Err(NotHere::Failed(reason)) => {
            let state = FileState::Failed {
                reason: reason.clone(),
            };
            (None, failed(shared, &file, Some(state), reason).await)
        }
        Err(NotHere::Later(error)) => {
            let reason = error.to_string();
            let wait = pause(shared, file.attempts).filter(|_| server::may_pass(&error));
            let state = wait.is_none().then(|| FileState::Failed {
                reason: reason.clone(),
            });
            (wait, failed(shared, &file, state, reason).await)
        }
    };
    match recorded {
        Ok(()) => wait,
        Err(error) => {
            tracing::error!(kind = ?error.kind(), "what became of a file was not written down");
            wait.or_else(|| pause(shared, 0))
        }
    }
}

/// Writes down that a file did not come: for good, or until another try.
async fn failed(
    shared: &Shared,
    file: &FileRow,
    state: Option<FileState>,
    reason: String,
) -> Result<(), CoreError> {
    let again = state.is_none();
    let row = file.clone();
    shared
        .model
        .write(shared.network.now(), move |tx| match state {
            Some(state) => tx.file_is(&row, &state),
            None => Ok(tx.store.file_postponed(row.id)?),
        })
        .await?;
    shared.emit(Event::FileFailed {
        message_id: file.message,
        index: file.index,
        upload: false,
        reason,
        again,
    });
    Ok(())
}

async fn transfer(shared: &Shared, file: &FileRow) -> Result<(), NotHere> {
    let Some(pointer) = file.pointer.clone() else {
        return Err(NotHere::Failed("it has no address".to_owned()));
    };
    let progress = Progress::new();
    let download = server::download(shared, &pointer.url, progress.clone());
    let (_, bytes) = server::told(download, &progress, false, |done, total| {
        shared.emit(Event::FileProgress {
            message_id: file.message,
            index: file.index,
            upload: false,
            done,
            total,
        });
    })
    .await?;
    let size = file.info.size;
    let blobs = shared.model.read(|store| Ok(store.blobs())).await?;
    let folder = blobs.clone();
    let is_voice = file.info.is_voice_message;
    let (blob, sound) = blocking(move || {
        Ok(
            server::opened(&pointer.key, size, bytes).and_then(|content| {
                let blob = folder.write(&content);
                let blob = blob.map_err(|error| NotHere::Later(error.into()))?;
                let sound = is_voice.then(|| media::sound::of(&content)).flatten();
                Ok((blob, sound))
            }),
        )
    })
    .await??;
    let (row, kept) = (file.clone(), blob.clone());
    let arrived = shared
        .model
        .write(shared.network.now(), move |tx| {
            tx.file_arrived(&row, &kept, sound.as_ref())
        })
        .await;
    if !matches!(arrived, Ok(true)) {
        // Nothing speaks of it.
        let _ = blocking(move || Ok(blobs.remove(&blob)?)).await;
    }
    if arrived? {
        shared.emit(Event::FileDone {
            message_id: file.message,
            index: file.index,
            upload: false,
        });
    }
    Ok(())
}
