//! `session save`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use session_store::{FileRow, FileState, MessageRow};
use tokio::time::Instant;

use crate::accounts;
use crate::cli::{Global, SaveArguments};
use crate::failure::QUEUED;
use crate::output::{Output, printable};
use crate::who;
use crate::work::{Done, Transfer, Work, size_text};

/// Bytes of a name that any file system takes.
const LONGEST_NAME: usize = 200;

pub(crate) async fn run(
    global: &Global,
    arguments: SaveArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let message = who::message(&store, &arguments.message)?;
    let files = store.files_of(message.id)?;
    if arguments.list {
        list(&files, output);
        return Ok(ExitCode::SUCCESS);
    }
    let file = choose(&message, files, arguments.file)?;
    let to = place(&file, arguments.to.as_deref())?;
    if to.exists() && !arguments.force {
        bail!(
            "{} exists already: choose another place with --to, or replace it with --force",
            to.display()
        );
    }
    let mut work = Work::start(global, unlocked, store).await?;
    if file.state != FileState::Here {
        let progress = output.spinner("Fetching …");
        let deadline = Instant::now() + Duration::from_secs(arguments.wait.wait);
        let fetched = work
            .fetch(message.id, file.index, deadline, &progress)
            .await;
        drop(progress);
        match fetched? {
            Transfer::Done => {}
            Transfer::Failed(reason) => {
                work.close().await;
                bail!("the file cannot be had: {reason}");
            }
            Transfer::Waiting(reason) => {
                work.close().await;
                output.line(&format!(
                    "Not here yet: {reason}. It is fetched by `session listen`, or ask again."
                ));
                output.object(&json!({
                    "action": "save", "state": "queued", "message_id": message.id,
                    "file": file.index + 1, "reason": reason,
                }));
                return Ok(ExitCode::from(QUEUED));
            }
        }
    }
    let saved = write(&work, &file, &to).await;
    if let Err(error) = saved {
        work.close().await;
        return Err(error);
    }
    let done = Done::new("save", format!("Saved as {}.", to.display()))
        .about(message.conversation)
        .with("message_id", message.id.to_string())
        .with("file", file.index + 1)
        .with("path", to.display().to_string());
    work.conclude(done, arguments.wait, output).await
}

/// Written beside the place and brought there whole.
async fn write(work: &Work, file: &FileRow, to: &Path) -> anyhow::Result<()> {
    let beside = to.with_extension(format!("part-{}", std::process::id()));
    work.account
        .save_file(file.message, file.index, &beside)
        .await?;
    std::fs::rename(&beside, to).with_context(|| {
        // A part is of no use.
        let _ = std::fs::remove_file(&beside);
        format!("cannot write {}", to.display())
    })
}

fn list(files: &[FileRow], output: &Output) {
    if files.is_empty() {
        output.line("No files.");
    }
    for file in files {
        output.line(&format!("{:>3}  {}", file.index + 1, describe(file)));
        output.object(&file_object(file));
    }
}

/// A file for machines.
pub(crate) fn file_object(file: &FileRow) -> Value {
    json!({
        "message_id": file.message,
        "file": file.index + 1,
        "name": file.info.name,
        "type": file.info.mime,
        "bytes": file.info.size,
        "caption": file.info.caption,
        "dimensions": file.info.dimensions,
        "voice": file.info.is_voice_message,
        "here": file.state,
    })
}

/// `photo.jpg, image/jpeg, 120.3 kB, not fetched`
pub(crate) fn describe(file: &FileRow) -> String {
    let info = &file.info;
    let mut parts = Vec::new();
    if info.is_voice_message {
        parts.push("voice message".to_owned());
    }
    parts.extend(info.name.as_deref().map(printable));
    parts.extend(info.mime.as_deref().map(printable));
    parts.extend(info.size.map(size_text));
    parts.extend(match &file.state {
        FileState::Here => None,
        FileState::Remote => Some("not fetched".to_owned()),
        FileState::Queued => Some("on its way".to_owned()),
        FileState::Failed { reason } | FileState::Gone { reason } => {
            Some(format!("not here: {reason}"))
        }
    });
    // One line for one file, whatever its name.
    parts.join(", ").replace(['\n', '\t'], " ")
}

fn choose(
    message: &MessageRow,
    files: Vec<FileRow>,
    wanted: Option<u32>,
) -> anyhow::Result<FileRow> {
    let count = files.len();
    let wanted = match (wanted, count) {
        (_, 0) => bail!("message {} has no file", message.id),
        (None, 1) => 1,
        (None, _) => bail!(
            "message {} has {count} files: choose one with --file 1 to --file {count} (--list \
             shows them)",
            message.id
        ),
        (Some(wanted), _) => wanted,
    };
    files
        .into_iter()
        .find(|file| file.index + 1 == wanted)
        .with_context(|| format!("message {} has {count} files, no file {wanted}", message.id))
}

/// Where the file goes: the path given, or its own name in the folder given or the present one.
fn place(file: &FileRow, to: Option<&Path>) -> anyhow::Result<PathBuf> {
    let named = |folder: &Path| folder.join(safe_name(file));
    Ok(match to {
        None => named(&std::env::current_dir().context("there is no current folder")?),
        Some(folder) if folder.is_dir() => named(folder),
        Some(path) => path.to_owned(),
    })
}

/// What somebody else called the file, without what would lead elsewhere or hide it.
fn safe_name(file: &FileRow) -> String {
    let given = file.info.name.as_deref().unwrap_or_default();
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = String::new();
    for c in last.trim_start_matches('.').chars() {
        let c = match c {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        };
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(c);
    }
    if name.trim().is_empty() {
        format!("file-{}-{}", file.message, file.index + 1)
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use session_store::{FileId, FileInfo, MessageId};
    use session_types::AccountId;

    use super::*;

    fn named(name: Option<&str>) -> FileRow {
        FileRow {
            id: FileId::new(1),
            message: MessageId::new(7),
            conversation: AccountId::from_x25519([1; 32].into()),
            index: 0,
            info: FileInfo {
                name: name.map(str::to_owned),
                mime: Some("image/png".to_owned()),
                size: Some(1500),
                ..FileInfo::default()
            },
            pointer: None,
            state: FileState::Remote,
            attempts: 0,
            blob: None,
            sound: None,
            is_unheard: false,
        }
    }

    #[test]
    fn names_of_others_lead_nowhere() {
        let safe = |name| safe_name(&named(name));
        assert_eq!(safe(Some("photo.jpg")), "photo.jpg");
        assert_eq!(safe(Some("../../etc/passwd")), "passwd");
        assert_eq!(safe(Some("C:\\windows\\evil.exe")), "evil.exe");
        assert_eq!(safe(Some(".bashrc")), "bashrc");
        assert_eq!(safe(Some("a\u{1b}[31m:b")), "a_[31m_b");
        assert_eq!(safe(Some("..")), "file-7-1");
        assert_eq!(safe(None), "file-7-1");
        assert!(safe(Some(&"ä".repeat(300))).len() <= LONGEST_NAME);
    }

    #[test]
    fn a_file_in_one_line() {
        assert_eq!(
            describe(&named(Some("a\nb\u{1b}"))),
            "a b\u{fffd}, image/png, 1.5 kB, not fetched"
        );
    }
}
