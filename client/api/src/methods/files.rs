//! Files of messages.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use session_core::{Account, CoreError, FileSource, NewFile};
use session_store::{MessageId, StoreError};
use tokio::sync::Semaphore;

use super::params::{
    AutoDownloadResult, ContentPart, ConversationParams, CopiesDropped, Done, DownloadAsked,
    DownloadCancelled, FileContentParams, FileParams, FileToSend, Files, FilesUsageParams,
    FilesUsageResult, MessageParams, Queued, SaveFileParams, SendFilesParams,
    SetAutoDownloadParams, Thumbnail, ThumbnailParams, shown,
};
use crate::method::Cx;
use crate::{ApiError, Content};

/// The longest side of a thumbnail: whatever is on it, it fits in a line.
const LONGEST_SIDE: u32 = 400;
/// Thumbnails made at once, of all accounts: each may take some hundred megabytes.
static MADE_AT_ONCE: Semaphore = Semaphore::const_new(2);

pub(super) async fn send(cx: Cx, params: SendFilesParams) -> Result<Queued, ApiError> {
    let account = cx.in_use(params.account).await?;
    let given = params.files.iter().filter_map(|file| file.content.as_ref());
    let given = given.map(|content| content.as_bytes().len()).sum();
    has_room(given)?;
    let files = params.files.into_iter().map(new_file);
    let files = files.collect::<Result<_, _>>()?;
    let row = account
        .send_files(params.to, files, params.text.as_str())
        .await?;
    Ok(row.into())
}

pub(super) async fn list(cx: Cx, params: MessageParams) -> Result<Files, ApiError> {
    let account = cx.in_use(params.account).await?;
    if account.message(params.message_id).await?.is_none() {
        return Err(StoreError::UnknownMessage.into());
    }
    let rows = account.files(params.message_id).await?;
    Ok(Files {
        files: rows.iter().map(shown).collect(),
    })
}

pub(super) async fn download(cx: Cx, params: FileParams) -> Result<DownloadAsked, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(DownloadAsked {
        asked: account.download(params.message_id, params.index).await?,
    })
}

pub(super) async fn cancel(cx: Cx, params: FileParams) -> Result<DownloadCancelled, ApiError> {
    let account = cx.in_use(params.account).await?;
    let cancelled = account.cancel_download(params.message_id, params.index);
    Ok(DownloadCancelled {
        cancelled: cancelled.await?,
    })
}

pub(super) async fn save(cx: Cx, params: SaveFileParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    // Goes on to its end when the caller is gone: nothing half done is left behind.
    let saving = tokio::spawn(async move {
        let SaveFileParams {
            message_id,
            index,
            overwrite,
            ..
        } = params;
        let place = PathBuf::from(params.path);
        let saved = saved(&account, message_id, index, &place, overwrite).await;
        saved.map_err(|error| unwritable(error, &place))
    });
    saving.await.map_err(|_| broken())??;
    Ok(Done {})
}

pub(super) async fn content(cx: Cx, params: FileContentParams) -> Result<ContentPart, ApiError> {
    let account = cx.in_use(params.account).await?;
    let content = account.file_content(params.message_id, params.index);
    Ok(ContentPart::of(&content.await?, params.from))
}

pub(super) async fn thumbnail(cx: Cx, params: ThumbnailParams) -> Result<Thumbnail, ApiError> {
    let account = cx.in_use(params.account).await?;
    let side = params.side.clamp(1, LONGEST_SIDE);
    let _permit = MADE_AT_ONCE.acquire().await.map_err(|_| broken())?;
    let thumbnail = account.thumbnail(params.message_id, params.index, side);
    Ok(thumbnail.await?.into())
}

pub(super) async fn auto_download(
    cx: Cx,
    params: ConversationParams,
) -> Result<AutoDownloadResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let rule = account.auto_download(params.conversation).await?;
    Ok(AutoDownloadResult { rule: rule.into() })
}

pub(super) async fn set_auto_download(
    cx: Cx,
    params: SetAutoDownloadParams,
) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account
        .set_auto_download(params.conversation, params.rule.into())
        .await?;
    Ok(Done {})
}

pub(super) async fn usage(cx: Cx, params: FilesUsageParams) -> Result<FilesUsageResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(account.files_usage(params.conversation).await?.into())
}

pub(super) async fn drop_copies(
    cx: Cx,
    params: ConversationParams,
) -> Result<CopiesDropped, ApiError> {
    let account = cx.in_use(params.account).await?;
    Ok(CopiesDropped {
        files: account.drop_copies(params.conversation).await?,
    })
}

/// Whether contents of so many bytes may be given in one call.
fn has_room(given: usize) -> Result<(), ApiError> {
    if given <= Content::MOST_GIVEN {
        return Ok(());
    }
    let most = Content::MOST_GIVEN;
    Err(ApiError::bad_input(
        "api.content_too_long",
        format!("{given} bytes are too many for one call; give at most {most}, or a path"),
    ))
}

fn new_file(file: FileToSend) -> Result<NewFile, ApiError> {
    let mut new = NewFile::from(source(file.path, file.content)?);
    new.name = file.name.map(|name| name.as_str().to_owned());
    new.mime = file.mime;
    new.is_voice_message = file.voice;
    new.caption = file.caption.map(|caption| caption.as_str().to_owned());
    Ok(new)
}

/// A path or a content.
fn source(path: Option<String>, content: Option<Content>) -> Result<FileSource, ApiError> {
    match (path, content) {
        (Some(path), None) => Ok(FileSource::Path(path.into())),
        (None, Some(content)) => Ok(FileSource::Bytes(content.into_bytes())),
        _ => Err(ApiError::params("either a `path` or a `content` is given")),
    }
}

/// A content, read from a file of at most `most` bytes if it is at a path.
pub(super) async fn given(
    path: Option<String>,
    content: Option<Content>,
    most: u64,
) -> Result<Vec<u8>, ApiError> {
    match source(path, content)? {
        FileSource::Bytes(bytes) => {
            has_room(bytes.len())?;
            Ok(bytes)
        }
        FileSource::Path(path) => {
            let read = tokio::task::spawn_blocking(move || read(&path, most));
            Ok(read.await.map_err(|_| broken())??)
        }
    }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, CoreError> {
    let unreadable = |reason: String| CoreError::FileUnreadable {
        path: path.to_owned(),
        reason,
    };
    let failed = |error: io::Error| unreadable(error.to_string());
    // Looked at first: opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    let read = file.take(most.saturating_add(1)).read_to_end(&mut content);
    read.map_err(failed)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > most {
        return Err(CoreError::FileTooLarge { limit: most });
    }
    Ok(content)
}

/// Saves a file. What is there already stays until the new content is complete.
async fn saved(
    account: &Account,
    message_id: MessageId,
    index: u32,
    place: &Path,
    overwrite: bool,
) -> Result<(), CoreError> {
    let first = account.save_file(message_id, index, place).await;
    let is_taken =
        matches!(&first, Err(error) if reason(error) == Some(io::ErrorKind::AlreadyExists));
    if !overwrite || !is_taken {
        return first;
    }
    let failed = |source| StoreError::Io {
        action: "write",
        path: place.to_owned(),
        source,
    };
    let is_file = tokio::fs::metadata(place).await.map_err(failed)?.is_file();
    let name = place.file_name().filter(|_| is_file);
    let name = name.ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{:08x}.part", rand::random::<u32>()));
    let beside = place.with_file_name(beside);
    account.save_file(message_id, index, &beside).await?;
    let moved = tokio::fs::rename(&beside, place).await;
    if moved.is_err() {
        // The copy that belongs to the message is still there.
        let _ = tokio::fs::remove_file(&beside).await;
    }
    Ok(moved.map_err(failed)?)
}

/// Why something was not read or written, when that is the reason.
fn reason(error: &CoreError) -> Option<io::ErrorKind> {
    match error {
        CoreError::Store(StoreError::Io {
            action: "write",
            source,
            ..
        }) => Some(source.kind()),
        _ => None,
    }
}

/// The user chose the place: it is theirs to choose another one.
fn unwritable(error: CoreError, place: &Path) -> ApiError {
    let place = place.display();
    match (reason(&error), &error) {
        (Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded), _) => {
            StoreError::DiskFull.into()
        }
        (Some(io::ErrorKind::AlreadyExists), _) => {
            ApiError::bad_input("api.file_exists", format!("{place} is there already"))
        }
        (Some(_), CoreError::Store(StoreError::Io { source, .. })) => ApiError::bad_input(
            "api.file_unwritable",
            format!("{place} cannot be written: {source}"),
        ),
        _ => error.into(),
    }
}

fn broken() -> ApiError {
    ApiError::internal("a task ended early")
}
