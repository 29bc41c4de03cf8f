//! Pictures of people come, the own one goes and is kept from expiring (docs/protocol/client.md
//! section 5.8).

use core::time::Duration;

use session_net::{FileUrl, Progress};
use session_store::{Blob, FileState, PictureRow};
use session_types::{AccountId, Timestamp};

use super::server::{self, NotHere};
use super::{Shared, blocking, pause};
use crate::media;
use crate::{CoreError, Event};

/// People looked at to find pictures.
const LOOKED_AT: u32 = 200;
/// How often the server is asked to keep the own picture longer, while the program runs.
const EXTENDED_EVERY: Duration = Duration::from_secs(24 * 3600);
/// When it is uploaded again instead: servers keep files for 14 days.
const UPLOADED_AGAIN: Duration = Duration::from_secs(12 * 24 * 3600);
/// The longest pause before the own picture is tried again.
const LAST_RETRY: Duration = Duration::from_secs(3600);

/// What is to be done about a picture.
#[derive(Debug)]
pub(super) enum Due {
    /// It is shown and not here: its address and key.
    Fetch { url: String, key: [u8; 32] },
    /// The own one was chosen just now.
    Upload(Blob),
    /// The own one may expire.
    Renew { blob: Blob, row: Box<PictureRow> },
}

/// Pictures to be fetched or uploaded.
pub(super) async fn due(shared: &Shared) -> Result<Vec<(AccountId, Due)>, CoreError> {
    let now = shared.network.now();
    shared
        .model
        .call(move |model| {
            let store = model.store();
            let own = store.account_id();
            let mut due = Vec::new();
            let shown = model.configs().profile.picture();
            match (store.picture(&own)?, shown) {
                (Some(row), _) if row.url.is_empty() => {
                    if row.state == FileState::Queued
                        && let Some(blob) = row.blob
                    {
                        due.push((own, Due::Upload(blob)));
                    }
                }
                (Some(row), Some(shown))
                    if row.url == shown.url() && row.state != FileState::Queued =>
                {
                    if let Some(due_now) = renewal(row, now) {
                        due.push((own, due_now));
                    }
                }
                (_, Some(shown)) => due.push((own, fetch(&shown))),
                (_, None) => {}
            }
            for id in store.missing_pictures(LOOKED_AT)? {
                let settings = store.conversation_settings(&id)?;
                if id != own
                    && let Some(shown) = settings.and_then(|settings| settings.picture)
                {
                    due.push((id, fetch(&shown)));
                }
            }
            Ok(due)
        })
        .await
}

fn fetch(shown: &session_config::Picture) -> Due {
    Due::Fetch {
        url: shown.url().to_owned(),
        key: *shown.key(),
    }
}

/// Only the device that uploaded a picture knows when that was.
fn renewal(row: PictureRow, now: Timestamp) -> Option<Due> {
    let known = row.renewed_at != Timestamp::default();
    let blob = row.blob.clone()?;
    (known && now.since(row.renewed_at) >= EXTENDED_EVERY).then(|| Due::Renew {
        blob,
        row: Box::new(row),
    })
}

/// Does it once. Returns how long to wait before another try; `None` when it is done with.
pub(super) async fn run(shared: &Shared, owner: AccountId, due: Due) -> Option<Duration> {
    match due {
        Due::Fetch { url, key } => fetched(shared, owner, url, key).await,
        Due::Upload(blob) => {
            let done = upload(shared, &blob, false).await;
            own_done(shared, done)
        }
        Due::Renew { blob, row } => {
            let done = renew(shared, &blob, &row).await;
            own_done(shared, done)
        }
    }
}

fn own_done(shared: &Shared, done: Result<(), CoreError>) -> Option<Duration> {
    let owner = shared.id();
    match done {
        Ok(()) => {
            shared.emit(Event::PictureDone { owner });
            None
        }
        Err(error) => {
            shared.emit(Event::PictureFailed {
                owner,
                reason: error.to_string(),
                again: true,
            });
            Some(pause(shared, 0).unwrap_or(LAST_RETRY).min(LAST_RETRY))
        }
    }
}

/// Keeps the own picture from expiring: asks for more time, or uploads it again.
async fn renew(shared: &Shared, blob: &Blob, row: &PictureRow) -> Result<(), CoreError> {
    let url: Option<FileUrl> = row.url.parse().ok();
    let fresh = shared.network.now().since(row.renewed_at) < UPLOADED_AGAIN;
    if let Some(url) = url.filter(|_| fresh) {
        match server::extend(shared, &url).await {
            Ok(()) => {
                let (blob, address) = (blob.clone(), row.url.clone());
                return shared
                    .model
                    .write(shared.network.now(), move |tx| {
                        let now = tx.now;
                        tx.store.picture_renewed(&blob, &address, now)?;
                        Ok(())
                    })
                    .await;
            }
            // It forgot the file, or gives no more time to this one.
            Err(CoreError::FileServer { status: 404 | 405 }) => {}
            Err(error) => return Err(error),
        }
    }
    upload(shared, blob, true).await
}

async fn upload(shared: &Shared, blob: &Blob, again: bool) -> Result<(), CoreError> {
    let blobs = shared.model.read(|store| Ok(store.blobs())).await?;
    let file = blob.clone();
    let content = blocking(move || Ok(blobs.read(&file)?)).await?;
    let (bytes, key) = server::sealed_picture(shared, &content)?;
    let is_stream = shared.options.file_form == super::FileForm::Stream;
    let url = server::upload(shared, bytes, is_stream, Progress::new()).await?;
    let blob = blob.clone();
    let kept = shared
        .model
        .write(shared.network.now(), move |tx| {
            tx.picture_uploaded(&blob, &url, key, again)
        })
        .await?;
    if !kept {
        tracing::debug!("another picture was chosen meanwhile");
    }
    Ok(())
}

async fn fetched(
    shared: &Shared,
    owner: AccountId,
    url: String,
    key: [u8; 32],
) -> Option<Duration> {
    let kept = shared.model.read(move |store| store.picture(&owner)).await;
    let attempts = match kept {
        Ok(Some(row)) if row.url == url => {
            if !matches!(row.state, FileState::Queued | FileState::Remote) {
                return None;
            }
            row.attempts
        }
        _ => 0,
    };
    let (state, reason, wait) = match transfer(shared, owner, url.clone(), key).await {
        Ok(()) => {
            shared.emit(Event::PictureDone { owner });
            return None;
        }
        Err(NotHere::Gone(reason)) => {
            let reason = reason.to_owned();
            let state = FileState::Gone {
                reason: reason.clone(),
            };
            (state, reason, None)
        }
        Err(NotHere::Failed(reason)) => {
            let state = FileState::Failed {
                reason: reason.clone(),
            };
            (state, reason, None)
        }
        Err(NotHere::Later(error)) => {
            let reason = error.to_string();
            let wait = pause(shared, attempts).filter(|_| server::may_pass(&error));
            let state = match wait {
                Some(_) => FileState::Queued,
                None => FileState::Failed {
                    reason: reason.clone(),
                },
            };
            (state, reason, wait)
        }
    };
    let recorded = shared
        .model
        .write(shared.network.now(), move |tx| {
            let tried = attempts.saturating_add(1);
            tx.picture_is(owner, &url, &state, tried)
        })
        .await;
    if let Err(error) = recorded {
        tracing::error!(kind = ?error.kind(), "what became of a picture was not written down");
        return wait.or_else(|| pause(shared, 0));
    }
    shared.emit(Event::PictureFailed {
        owner,
        reason,
        again: wait.is_some(),
    });
    wait
}

async fn transfer(
    shared: &Shared,
    owner: AccountId,
    address: String,
    key: [u8; 32],
) -> Result<(), NotHere> {
    let (url, bytes) = server::download(shared, &address, Progress::new()).await?;
    let blobs = shared.model.read(|store| Ok(store.blobs())).await?;
    let folder = blobs.clone();
    let (blob, mime) = blocking(move || {
        Ok(
            server::opened_picture(&url, &key, &bytes).and_then(|content| {
                let mime = media::mime_of(&content)
                    .ok_or_else(|| NotHere::Failed("it is no picture".to_owned()))?;
                let blob = folder
                    .write(&content)
                    .map_err(|error| NotHere::Later(error.into()))?;
                Ok((blob, mime))
            }),
        )
    })
    .await??;
    let kept = blob.clone();
    let written = shared
        .model
        .write(shared.network.now(), move |tx| {
            tx.picture_arrived(owner, &address, mime, &kept)
        })
        .await;
    if !matches!(written, Ok(true)) {
        // Nothing speaks of it.
        let _ = blocking(move || Ok(blobs.remove(&blob)?)).await;
    }
    written?;
    Ok(())
}
