//! Other programs of the system, and files shown by them.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use image::DynamicImage;
use session_api::Caller;
use session_api::params::{ContentPart, FileContentParams, Thumbnail, ThumbnailParams};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::effect::{FileOfMessage, Input};

/// Pixels of small pictures.
const SIDE: u32 = 320;
/// The longest file shown by other programs.
const LONGEST: u64 = 64_000_000;

/// Work that goes on beside.
#[derive(Debug, Default)]
pub(super) struct Outside {
    tasks: JoinSet<Done>,
    /// Files that other programs show; gone at the end.
    folder: Option<TempDir>,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Done {
    Input(Input),
    Picture(FileOfMessage, Option<DynamicImage>),
}

impl Outside {
    pub(super) fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// What is done next. Safe to be dropped while it waits.
    pub(super) async fn next(&mut self) -> Done {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => return done,
                Some(Err(_)) => {}
                None => core::future::pending().await,
            }
        }
    }

    /// Lets the system show a file.
    pub(super) fn show(&mut self, caller: Caller, file: FileOfMessage) {
        let folder = match &self.folder {
            Some(folder) => folder.path().to_owned(),
            None => match TempDir::with_prefix("session-") {
                Ok(folder) => {
                    let path = folder.path().to_owned();
                    self.folder = Some(folder);
                    path
                }
                Err(error) => {
                    self.tasks.spawn(async move { failed(error.to_string()) });
                    return;
                }
            },
        };
        self.tasks.spawn(async move {
            match put_away(&caller, &file, &folder).await {
                Ok(path) => open(path.into_os_string()),
                Err(problem) => failed(problem),
            }
        });
    }

    /// Lets the system show an address of the web.
    pub(super) fn browse(&mut self, url: String) {
        self.tasks.spawn(async move { open(url.into()) });
    }

    /// Fetches a small picture.
    pub(super) fn picture(&mut self, caller: Caller, file: FileOfMessage) {
        self.tasks.spawn(async move {
            let params = ThumbnailParams {
                account: file.account,
                message_id: file.message_id,
                index: file.index,
                side: SIDE,
            };
            let thumbnail: Option<Thumbnail> = caller.ask("files.thumbnail", params).await.ok();
            let image = match thumbnail {
                Some(thumbnail) => {
                    let decode = move || image::load_from_memory(thumbnail.content.as_bytes()).ok();
                    tokio::task::spawn_blocking(decode).await.ok().flatten()
                }
                None => None,
            };
            Done::Picture(file, image)
        });
    }
}

fn failed(problem: String) -> Done {
    Done::Input(Input::Failed(problem))
}

/// Writes a file where only the user can read it.
async fn put_away(caller: &Caller, file: &FileOfMessage, folder: &Path) -> Result<PathBuf, String> {
    let mut content = Vec::new();
    loop {
        let params = FileContentParams {
            account: file.account,
            message_id: file.message_id,
            index: file.index,
            from: u64::try_from(content.len()).unwrap_or(u64::MAX),
        };
        let part: ContentPart = caller
            .ask("files.content", params)
            .await
            .map_err(|error| error.message().to_owned())?;
        if part.size > LONGEST {
            return Err("The file is too long to be shown; save it instead.".to_owned());
        }
        let bytes = part.content.into_bytes();
        let is_last = bytes.is_empty();
        content.extend(bytes);
        if is_last || u64::try_from(content.len()).unwrap_or(u64::MAX) >= part.size {
            break;
        }
    }
    let path = folder.join(format!("{}-{}-{}", file.message_id, file.index, file.name));
    let written = write_private(&path, &content);
    written.map_err(|error| format!("The file cannot be put away: {error}"))?;
    Ok(path)
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}

/// Lets the system open something.
fn open(what: OsString) -> Done {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = std::process::Command::new(program)
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(mut child) => {
            // Whoever is started is waited for, or it stays as a zombie.
            std::thread::spawn(move || child.wait());
            Done::Input(Input::Time(super::now()))
        }
        Err(error) => failed(format!("{program} cannot be started: {error}")),
    }
}

/// Lets the user write on a text in their own editor. `None` when it was left without success.
pub(super) async fn edit(text: &str) -> Result<Option<String>, String> {
    let program = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|program| !program.trim().is_empty())
        .unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    let folder = TempDir::with_prefix("session-").map_err(|error| error.to_string())?;
    let path = folder.path().join("message.txt");
    write_private(&path, text.as_bytes()).map_err(|error| error.to_string())?;
    let mut words = program.split_whitespace();
    let status = tokio::process::Command::new(words.next().unwrap_or("vi"))
        .args(words)
        .arg(&path)
        .status()
        .await
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    if !status.success() {
        return Ok(None);
    }
    let written = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    Ok(Some(written))
}
