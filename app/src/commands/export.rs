//! `session export`

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use serde_json::json;
use session_net::{Clock as _, SystemClock};
use session_store::{MessageId, MessageRow, Store};
use session_types::AccountId;
use tempfile::NamedTempFile;

use crate::accounts;
use crate::cli::{ExportArguments, ExportFormat, Global};
use crate::output::{Output, Progress};
use crate::show::Teller;
use crate::who;

/// Messages read at once.
const PAGE: u32 = 500;

/// What was written.
#[derive(Debug, Default)]
struct Count {
    conversations: usize,
    messages: usize,
}

pub(crate) async fn run(
    global: &Global,
    arguments: ExportArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let store = accounts::open_store(global)?;
    let format = if global.json {
        ExportFormat::Jsonl
    } else {
        arguments.format
    };
    let conversations = match &arguments.who {
        Some(who) => vec![who::known_person(&store, who)?.id],
        None => store
            .conversations()?
            .iter()
            .filter(|row| row.last_message.is_some())
            .map(session_store::ConversationRow::id)
            .collect(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let job = Job {
        store,
        conversations,
        format,
        progress: output.spinner("Exporting …"),
        stop: Arc::clone(&stop),
    };
    let (file, force) = (arguments.output.clone(), arguments.force);
    let mut work = tokio::task::spawn_blocking(move || match file {
        Some(file) => job.into_file(&file, force),
        None => job.into_standard_output(),
    });
    let done = tokio::select! {
        done = &mut work => done,
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, Ordering::Relaxed);
            work.await
        }
    };
    let count = done.context("the export stopped")??;
    if let Some(file) = arguments.output {
        output.line(&format!(
            "{} messages of {} conversations are in {}.",
            count.messages,
            count.conversations,
            file.display()
        ));
        output.object(&json!({
            "file": file,
            "conversations": count.conversations,
            "messages": count.messages,
        }));
    }
    Ok(ExitCode::SUCCESS)
}

struct Job {
    store: Store,
    conversations: Vec<AccountId>,
    format: ExportFormat,
    progress: Progress,
    stop: Arc<AtomicBool>,
}

impl Job {
    /// A file of that name is there when all of it is written, or not at all. Only the user can
    /// read it.
    fn into_file(self, file: &Path, force: bool) -> anyhow::Result<Count> {
        let exists = || {
            anyhow::anyhow!(
                "{} exists; --force replaces it, another name keeps it",
                file.display()
            )
        };
        if !force && file.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let cannot = || format!("cannot write {}", file.display());
        let temporary = NamedTempFile::new_in(folder).with_context(cannot)?;
        let mut writer = BufWriter::new(temporary);
        let count = self.write(&mut writer)?;
        let temporary = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .with_context(cannot)?;
        temporary.as_file().sync_all().with_context(cannot)?;
        if force {
            temporary.persist(file).with_context(cannot)?;
        } else {
            temporary.persist_noclobber(file).map_err(|failed| {
                if failed.error.kind() == io::ErrorKind::AlreadyExists {
                    exists()
                } else {
                    anyhow::Error::new(failed.error).context(cannot())
                }
            })?;
        }
        // The name is on disk as well; not every system can do that for a folder.
        if let Ok(folder) = OpenOptions::new().read(true).open(folder) {
            let _ = folder.sync_all();
        }
        Ok(count)
    }

    fn into_standard_output(self) -> anyhow::Result<Count> {
        let mut writer = BufWriter::new(io::stdout());
        let written = self.write(&mut writer);
        let closed = |error: &anyhow::Error| {
            error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        };
        match written {
            // Whoever read it has enough, as `head` has.
            Err(error) if closed(&error) => Ok(Count::default()),
            other => other,
        }
    }

    fn write(self, to: &mut impl Write) -> anyhow::Result<Count> {
        let mut teller = Teller::new(&self.store, SystemClock.now()).with_dates();
        let mut count = Count::default();
        for id in &self.conversations {
            let name = teller.conversation(*id);
            if self.format == ExportFormat::Text {
                let gap = if count.conversations == 0 { "" } else { "\n" };
                writeln!(to, "{gap}== {name} ({id}) ==")?;
            }
            count.conversations += 1;
            let (mut page, total) = self.oldest(id, &name)?;
            let mut written: usize = 0;
            while let Some(last) = page.last().map(|row| row.id) {
                self.go_on()?;
                written += page.len();
                for shown in teller.with_reactions(page)? {
                    if self.format == ExportFormat::Jsonl {
                        serde_json::to_writer(&mut *to, &teller.object(&shown))
                            .map_err(io::Error::from)?;
                        writeln!(to)?;
                    } else {
                        for line in teller.lines(&shown, false, Output::plain()) {
                            writeln!(to, "{line}")?;
                        }
                    }
                }
                self.progress
                    .say(&format!("{name}: {written} of {total} messages …"));
                page = self.store.history_after(id, PAGE, last)?;
            }
            count.messages += written;
        }
        to.flush()?;
        Ok(count)
    }

    /// The oldest messages of a conversation, and how many there are in all.
    fn oldest(&self, id: &AccountId, name: &str) -> anyhow::Result<(Vec<MessageRow>, usize)> {
        let mut total = 0;
        let mut oldest = Vec::new();
        let mut before: Option<MessageId> = None;
        loop {
            self.go_on()?;
            let page = self.store.history(id, PAGE, before)?;
            let Some(first) = page.first() else {
                return Ok((oldest, total));
            };
            before = Some(first.id);
            total += page.len();
            self.progress.say(&format!("{name}: {total} messages …"));
            oldest = page;
        }
    }

    fn go_on(&self) -> anyhow::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            bail!("interrupted; nothing was written");
        }
        Ok(())
    }
}
