//! Files of messages.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use session_core::view::FileView;
use session_core::{Account, Composed, CoreError, FileSource, NewFile};
use session_store::{MessageId, StoreError};
use tokio::sync::Semaphore;

use super::params::{
    AutoDownloadResult, ContentPart, ConversationParams, CopiesParams, Done, DownloadAsked,
    DownloadCancelled, DraftFileParams, DraftThumbnailParams, FileContentParams, FileParams,
    FileToSend, Files, FilesUsageParams, FilesUsageResult, MessageParams, Queued, SaveFileParams,
    SendFilesParams, SetAutoDownloadParams, Thumbnail, ThumbnailParams,
};
use crate::method::Cx;
use crate::{ApiError, Content};

/// The longest side of a thumbnail: whatever is on it, it fits in a line.
const LONGEST_SIDE: u32 = 400;
/// Thumbnails made at once, of all accounts: each may take some hundred megabytes.
static MADE_AT_ONCE: Semaphore = Semaphore::const_new(2);
/// What is wrong with a file of which this is not so.
const ONE_SOURCE: &str = "one of `path`, `content`, `upload` and, of a draft, `draft` is given";

pub(super) async fn send(cx: Cx, params: SendFilesParams) -> Result<Queued, ApiError> {
    let account = cx.in_use(params.account).await?;
    let files = new_files(&cx, params.files)?;
    if files.is_empty() {
        return Err(CoreError::EmptyMessage.into());
    }
    let message = Composed {
        files,
        reply_to: params.reply_to,
        keeps_draft: params.keeps_draft,
        ..Composed::text(params.text.as_str())
    };
    Ok(account.send(params.to, message).await?.into())
}

pub(super) async fn list(cx: Cx, params: MessageParams) -> Result<Files, ApiError> {
    let account = cx.in_use(params.account).await?;
    if account.message(params.message_id).await?.is_none() {
        return Err(StoreError::UnknownMessage.into());
    }
    let rows = account.files(params.message_id).await?;
    Ok(Files {
        files: rows.iter().map(|row| FileView::of(row, None)).collect(),
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

pub(super) async fn heard(cx: Cx, params: FileParams) -> Result<Done, ApiError> {
    let account = cx.in_use(params.account).await?;
    account.heard(params.message_id, params.index).await?;
    Ok(Done {})
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

pub(super) async fn draft_content(
    cx: Cx,
    params: DraftFileParams,
) -> Result<ContentPart, ApiError> {
    let account = cx.in_use(params.account).await?;
    let content = account.draft_content(params.conversation, params.id);
    Ok(ContentPart::of(&content.await?, params.from))
}

pub(super) async fn draft_thumbnail(
    cx: Cx,
    params: DraftThumbnailParams,
) -> Result<Thumbnail, ApiError> {
    let account = cx.in_use(params.account).await?;
    let side = params.side.clamp(1, LONGEST_SIDE);
    let _permit = MADE_AT_ONCE.acquire().await.map_err(|_| broken())?;
    let thumbnail = account.draft_thumbnail(params.conversation, params.id, side);
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
    params: CopiesParams,
) -> Result<FilesUsageResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let dropped = account.drop_copies(params.conversation, params.before);
    Ok(dropped.await?.into())
}

pub(super) async fn droppable(cx: Cx, params: CopiesParams) -> Result<FilesUsageResult, ApiError> {
    let account = cx.in_use(params.account).await?;
    let found = account.droppable_copies(params.conversation, params.before);
    Ok(found.await?.into())
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

/// Files as a call names them.
pub(super) fn new_files(cx: &Cx, files: Vec<FileToSend>) -> Result<Vec<NewFile>, ApiError> {
    let given = files.iter().filter_map(|file| file.content.as_ref());
    has_room(given.map(|content| content.as_bytes().len()).sum())?;
    files.into_iter().map(|file| new_file(cx, file)).collect()
}

fn new_file(cx: &Cx, file: FileToSend) -> Result<NewFile, ApiError> {
    let source = match file.draft {
        None => source(cx, file.path, file.content, file.upload)?,
        Some(id) if file.path.is_none() && file.content.is_none() && file.upload.is_none() => {
            FileSource::Draft(id)
        }
        Some(_) => return Err(ApiError::params(ONE_SOURCE)),
    };
    let mut new = NewFile::from(source);
    new.name = file.name.map(|name| name.as_str().to_owned());
    new.mime = file.mime;
    new.is_voice_message = file.voice;
    new.as_file = file.as_file;
    new.caption = file.caption.map(|caption| caption.as_str().to_owned());
    Ok(new)
}

/// A path, a content, or what was uploaded.
fn source(
    cx: &Cx,
    path: Option<String>,
    content: Option<Content>,
    upload: Option<String>,
) -> Result<FileSource, ApiError> {
    match (path, content, upload) {
        (Some(path), None, None) => Ok(FileSource::Path(path.into())),
        (None, Some(content), None) => {
            has_room(content.as_bytes().len())?;
            Ok(FileSource::Bytes(content.into_bytes()))
        }
        (None, None, Some(handle)) => Ok(FileSource::Bytes(cx.session().take_upload(&handle)?)),
        _ => Err(ApiError::params(ONE_SOURCE)),
    }
}

/// A content, read from a file of at most `most` bytes if it is at a path.
pub(super) async fn given(
    cx: &Cx,
    path: Option<String>,
    content: Option<Content>,
    upload: Option<String>,
    most: u64,
) -> Result<Vec<u8>, ApiError> {
    match source(cx, path, content, upload)? {
        FileSource::Bytes(bytes) => Ok(bytes),
        FileSource::Draft(_) => Err(ApiError::params(ONE_SOURCE)),
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

pub(super) fn broken() -> ApiError {
    ApiError::internal("a task ended early")
}
