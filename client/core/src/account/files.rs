//! Files of messages and pictures of people: up, down, reading.

mod drafts;
mod fetching;
mod pictures;
mod preparing;
mod server;
mod uploading;

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use session_store::{
    AutoDownload, Blob, Blobs, DraftFileId, FileId, FileInfo, FileRow, MessageId, PictureRow,
    StoreError,
};
use session_types::AccountId;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Account, Shared};
use crate::CoreError;
use crate::media::{self, Picture};
use crate::model::OwnFile;
pub use drafts::NewDraft;
pub(super) use server::FilesHome;
pub(super) use uploading::upload_all;

/// Files fetched at once (docs/protocol/client.md section 5.7).
const AT_ONCE: usize = 3;
/// Files looked at to find those.
const LOOKED_AT: u32 = 200;
/// How often pictures are looked after when nothing announces it.
const IDLE: Duration = Duration::from_secs(600);
/// The longest file (docs/protocol/client.md section 5.12).
const LONGEST: u64 = 10_000_000;

/// How files are encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileForm {
    /// As the released clients write it: a random key for each upload.
    #[default]
    Released,
    /// As a stream whose key follows from account and content; the same file is kept once by its
    /// server. Released clients of before 2026 cannot read it.
    Stream,
}

/// A file to be sent.
#[derive(Clone)]
pub struct NewFile {
    /// Its content.
    pub source: FileSource,
    /// The name shown with it; that of the path when there is none.
    pub name: Option<String>,
    /// Its MIME type; by name or content when there is none.
    pub mime: Option<String>,
    /// Recorded just now.
    pub is_voice_message: bool,
    /// Sent byte for byte, with whatever is in it, and named so that clients offer it as a file
    /// instead of showing it.
    pub as_file: bool,
    /// A text shown with it.
    pub caption: Option<String>,
}

/// Where the content of a file to be sent is.
#[derive(Clone)]
pub enum FileSource {
    /// In a file, which is read before sending returns.
    Path(PathBuf),
    /// Here.
    Bytes(Vec<u8>),
    /// Among the files of the conversation's draft.
    Draft(DraftFileId),
}

impl core::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Path(_) => "Path(..)",
            Self::Bytes(_) => "Bytes(..)",
            Self::Draft(_) => "Draft(..)",
        })
    }
}

impl NewFile {
    /// The file at a path.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::from(FileSource::Path(path.into()))
    }

    /// A content with a name.
    #[must_use]
    pub fn named(name: impl Into<String>, content: Vec<u8>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::from(FileSource::Bytes(content))
        }
    }
}

impl From<FileSource> for NewFile {
    fn from(source: FileSource) -> Self {
        Self {
            source,
            name: None,
            mime: None,
            is_voice_message: false,
            as_file: false,
            caption: None,
        }
    }
}

impl core::fmt::Debug for NewFile {
    /// Neither names nor contents.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewFile")
            .field("is_voice_message", &self.is_voice_message)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// The files of a message, in their order.
    ///
    /// # Errors
    /// A database error.
    pub async fn files(&self, message: MessageId) -> Result<Vec<FileRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.files_of(message))
            .await
    }

    /// The image of the link preview of a message: a file at the place
    /// [`session_store::PREVIEW_IMAGE`].
    ///
    /// # Errors
    /// A database error.
    pub async fn preview_image(&self, message: MessageId) -> Result<Option<FileRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.preview_image(message))
            .await
    }

    /// Asks for a file, again if it failed before. Events tell how far it is; it is asked for
    /// across restarts. False when it is here or on its way.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], or a database error.
    pub async fn download(&self, message: MessageId, index: u32) -> Result<bool, CoreError> {
        self.change(move |tx| tx.want_file(message, index)).await
    }

    /// Asks no more for a file; what has come of it is thrown away. False when it was not asked
    /// for. A file that is being uploaded is stopped by deleting its message.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], or a database error.
    pub async fn cancel_download(&self, message: MessageId, index: u32) -> Result<bool, CoreError> {
        self.change(move |tx| tx.leave_file(message, index)).await
    }

    /// The user listens to a voice message: it is marked no more as one that was not heard. Nobody
    /// is told.
    ///
    /// # Errors
    /// [`StoreError::UnknownFile`], or a database error.
    pub async fn heard(&self, message: MessageId, index: u32) -> Result<(), CoreError> {
        self.change(move |tx| tx.hear_file(message, index)).await
    }

    /// The content of a file that is on this device.
    ///
    /// # Errors
    /// [`CoreError::FileMissing`] when it is not, [`StoreError::FileDamaged`].
    pub async fn file_content(&self, message: MessageId, index: u32) -> Result<Vec<u8>, CoreError> {
        let file = self
            .shared
            .model
            .read(move |store| store.file(message, index))
            .await?;
        self.content(file.blob).await
    }

    /// Writes the content of a file to a place of the user's choice, which must not exist yet. The
    /// other side of the conversation is told, as other clients do it.
    ///
    /// # Errors
    /// As [`Self::file_content`]; [`StoreError::Io`] when it cannot be written.
    pub async fn save_file(
        &self,
        message: MessageId,
        index: u32,
        to: &Path,
    ) -> Result<(), CoreError> {
        let content = self.file_content(message, index).await?;
        let to = to.to_owned();
        blocking(move || {
            use std::io::Write as _;
            let failed = |source| StoreError::Io {
                action: "write",
                path: to.clone(),
                source,
            };
            let mut file = std::fs::File::create_new(&to).map_err(failed)?;
            let written = file.write_all(&content).and_then(|()| file.sync_all());
            Ok(written.map_err(|source| {
                // A part is of no use.
                let _ = std::fs::remove_file(&to);
                failed(source)
            })?)
        })
        .await?;
        let own = self.id();
        self.stamped(move |tx, _| {
            let row = tx.message(message)?;
            if row.outgoing || row.conversation == own {
                return Ok(());
            }
            tx.tell_extraction(&row.conversation, Some(row.sent_at), false)
        })
        .await
    }

    /// A picture among the files of a message, at most `side` pixels wide and high.
    ///
    /// # Errors
    /// As [`Self::file_content`]; [`CoreError::BadImage`], [`CoreError::ImageTooLarge`].
    pub async fn thumbnail(
        &self,
        message: MessageId,
        index: u32,
        side: u32,
    ) -> Result<Picture, CoreError> {
        let content = self.file_content(message, index).await?;
        blocking(move || media::thumbnail(&content, side)).await
    }

    /// Whether files of a conversation come by themselves.
    ///
    /// # Errors
    /// A database error.
    pub async fn auto_download(&self, id: AccountId) -> Result<AutoDownload, CoreError> {
        self.shared
            .model
            .read(move |store| store.auto_download(&id))
            .await
    }

    /// Sets whether files of a conversation come by themselves from now on, on this device.
    ///
    /// # Errors
    /// A database error.
    pub async fn set_auto_download(
        &self,
        id: AccountId,
        rule: AutoDownload,
    ) -> Result<(), CoreError> {
        self.change(move |tx| Ok(tx.store.set_auto_download(&id, rule)?))
            .await
    }

    /// Shows others a picture, cut to a square. It is kept on disk when this returns, and uploaded
    /// from then on; others hear of it once it is at its server.
    ///
    /// # Errors
    /// [`CoreError::BadImage`], [`CoreError::ImageTooLarge`], [`CoreError::NoFileServer`].
    pub async fn set_picture(&self, content: Vec<u8>) -> Result<(), CoreError> {
        server::own(&self.shared)?;
        let blobs = self.shared.model.read(|store| Ok(store.blobs())).await?;
        let kept = Kept::new(blobs);
        let (kept, blob, mime) = blocking(move || {
            let mut kept = kept;
            let picture = media::avatar(&content)?;
            let blob = kept.write(FileInfo::default(), &picture.bytes)?;
            Ok((kept, blob, picture.mime))
        })
        .await?;
        self.change(move |tx| tx.choose_picture(mime, &blob))
            .await?;
        kept.belong();
        Ok(())
    }

    /// Shows others no picture any more.
    ///
    /// # Errors
    /// A database error.
    pub async fn remove_picture(&self) -> Result<(), CoreError> {
        self.change(|tx| tx.remove_picture()).await
    }

    /// What is kept of the picture of a person, or of oneself.
    ///
    /// # Errors
    /// A database error.
    pub async fn picture(&self, owner: AccountId) -> Result<Option<PictureRow>, CoreError> {
        self.shared
            .model
            .read(move |store| store.picture(&owner))
            .await
    }

    /// The picture of a person, or of oneself, as far as it is on this device.
    ///
    /// # Errors
    /// [`StoreError::FileDamaged`], or a database error.
    pub async fn picture_content(&self, owner: AccountId) -> Result<Option<Vec<u8>>, CoreError> {
        match self.picture(owner).await?.and_then(|row| row.blob) {
            Some(blob) => self.content(Some(blob)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn content(&self, blob: Option<Blob>) -> Result<Vec<u8>, CoreError> {
        let blob = blob.ok_or(CoreError::FileMissing)?;
        let blobs = self.shared.model.read(|store| Ok(store.blobs())).await?;
        blocking(move || match blobs.read(&blob) {
            Err(StoreError::FileMissing) => Err(CoreError::FileMissing),
            read => Ok(read?),
        })
        .await
    }
}

/// Whether there is a place for files to go.
///
/// # Errors
/// [`CoreError::NoFileServer`].
pub(super) fn file_server_known(shared: &Shared) -> Result<(), CoreError> {
    server::own(shared).map(drop)
}

/// Brings copies of files that go to somebody to the folder, and one of a picture behind them, if
/// there is one.
pub(super) async fn kept_files(
    shared: &Shared,
    to: AccountId,
    files: Vec<NewFile>,
    image: Option<Picture>,
) -> Result<Kept, CoreError> {
    let of_draft: Vec<DraftFileId> = files
        .iter()
        .filter_map(|file| match file.source {
            FileSource::Draft(id) => Some(id),
            _ => None,
        })
        .collect();
    let read = move |store: &session_store::Store| {
        let rows = of_draft.iter().map(|id| store.draft_file(&to, *id));
        Ok((store.blobs(), rows.collect::<Result<Vec<_>, _>>()?))
    };
    let (blobs, rows) = shared.model.read(read).await?;
    blocking(move || {
        let mut kept = Kept::new(blobs);
        let mut rows = rows.into_iter();
        for file in files {
            let file = match file.source {
                FileSource::Draft(_) => {
                    let row = rows.next().ok_or(StoreError::UnknownFile)?;
                    drafts::taken_up(&kept.blobs, file, &row)?
                }
                _ => file,
            };
            let (info, content) = preparing::prepared(file)?;
            kept.write(info, &content)?;
        }
        if let Some(image) = image {
            let (info, content) = preparing::own_picture(image);
            kept.write(info, &content)?;
        }
        Ok(kept)
    })
    .await
    .inspect_err(|error| shared.hub.note_storage(error))
}

/// Contents written to the folder. Those that no row speaks of in the end are removed.
pub(super) struct Kept {
    blobs: Blobs,
    files: Vec<OwnFile>,
}

impl Kept {
    const fn new(blobs: Blobs) -> Self {
        Self {
            blobs,
            files: Vec::new(),
        }
    }

    fn write(&mut self, info: FileInfo, content: &[u8]) -> Result<Blob, CoreError> {
        let blob = self.blobs.write(content)?;
        let sound = info.is_voice_message.then(|| media::sound::of(content));
        self.files.push(OwnFile {
            info,
            blob: blob.clone(),
            sound: sound.flatten(),
        });
        Ok(blob)
    }

    /// What was written.
    pub(super) fn files(&self) -> Vec<OwnFile> {
        self.files.clone()
    }

    /// Rows speak of them now.
    pub(super) fn belong(mut self) {
        self.files.clear();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for OwnFile { blob, .. } in &self.files {
            // What stays is swept at a later start.
            let _ = self.blobs.remove(blob);
        }
    }
}

/// Runs what blocks, or takes long, where that does no harm.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CoreError> + Send + 'static,
) -> Result<T, CoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| CoreError::Interrupted)?
}

/// Fetches files and pictures, and uploads the own one, until cancelled.
pub(super) async fn run(shared: Arc<Shared>, cancel: CancellationToken) {
    let swept = shared
        .model
        .call(|model| Ok(model.store_mut().sweep_blobs()?))
        .await;
    if let Err(error) = swept {
        tracing::debug!(kind = ?error.kind(), "the folder of files was not swept");
    }
    let mut work = Work {
        shared,
        running: JoinSet::new(),
        under_way: BTreeMap::new(),
        postponed: BTreeMap::new(),
    };
    loop {
        let wake_at = match work.start().await {
            Ok(at) => at,
            Err(CoreError::Stopped) => break,
            Err(error) => {
                tracing::error!(kind = ?error.kind(), "files cannot be looked for");
                Instant::now() + IDLE
            }
        };
        tokio::select! {
            () = cancel.cancelled() => break,
            () = work.shared.hub.files.notified() => {}
            Some(done) = work.running.join_next() => work.done(done.ok()),
            () = tokio::time::sleep_until(wake_at) => {}
        }
    }
    work.running.shutdown().await;
}

/// What is fetched or uploaded by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    File(FileId),
    Picture(AccountId),
}

struct Work {
    shared: Arc<Shared>,
    /// What was done, and how long it waits for another try.
    running: JoinSet<(Task, Option<Duration>)>,
    under_way: BTreeMap<Task, ()>,
    /// What is not to be tried before a time. A new start tries all of it at once.
    postponed: BTreeMap<Task, Instant>,
}

impl Work {
    /// Starts what is to be done. Returns when there may be more.
    async fn start(&mut self) -> Result<Instant, CoreError> {
        let now = Instant::now();
        let mut next = now + IDLE;
        let waiting = self
            .shared
            .model
            .read(|store| store.waiting_downloads(LOOKED_AT))
            .await?;
        let wanted = self.shared.hub.take_wanted();
        self.postponed.retain(|task, _| match task {
            Task::File(id) => !wanted.contains(id) && waiting.iter().any(|row| row.id == *id),
            Task::Picture(_) => true,
        });
        for file in waiting {
            let task = Task::File(file.id);
            if self.may_start(task, now, &mut next) {
                let shared = Arc::clone(&self.shared);
                self.under_way.insert(task, ());
                self.running
                    .spawn(async move { (task, fetching::run(&shared, file).await) });
            }
        }
        for (owner, due) in pictures::due(&self.shared).await? {
            let task = Task::Picture(owner);
            if self.may_start(task, now, &mut next) {
                let shared = Arc::clone(&self.shared);
                self.under_way.insert(task, ());
                self.running
                    .spawn(async move { (task, pictures::run(&shared, owner, due).await) });
            }
        }
        Ok(next)
    }

    fn may_start(&self, task: Task, now: Instant, next: &mut Instant) -> bool {
        if self.under_way.contains_key(&task) {
            return false;
        }
        match self.postponed.get(&task) {
            Some(until) if *until > now => {
                *next = (*next).min(*until);
                false
            }
            // Looked for again when one of those under way is done.
            _ => self.running.len() < AT_ONCE,
        }
    }

    fn done(&mut self, done: Option<(Task, Option<Duration>)>) {
        match done {
            Some((task, wait)) => {
                self.under_way.remove(&task);
                match wait {
                    Some(wait) => self.postponed.insert(task, Instant::now() + wait),
                    None => self.postponed.remove(&task),
                };
            }
            // One that panicked keeps its row; forgetting all marks lets it be tried again.
            None => self.under_way.clear(),
        }
    }
}

/// How long to wait after so many failures, if another try follows at all.
fn pause(shared: &Shared, failures: u32) -> Option<Duration> {
    let index = usize::try_from(failures).ok()?;
    shared.options.file_retries.get(index).copied()
}
