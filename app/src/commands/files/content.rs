//! `session files stats` and `verify`: the files themselves.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::BinaryBytes;
use serde::Serialize;
use session_chassis::clock::{Clock as _, SystemClock};
use session_files::SharedStorage;
use session_files::settings::{SETTINGS_FILE, Settings};
use session_files::verify::{self, Stats, Verified};
use session_types::Timestamp;

use crate::output::{Output, wall_time};

/// How often a progress line changes.
const SAY_EVERY: Duration = Duration::from_millis(100);

/// Shows how much is kept.
pub(super) async fn stats(dir: &Path, output: &Output) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let shared = shared(dir).await?;
    let progress = output.progress("Counting …");
    let stats = match &shared {
        Some(shared) => shared.stats(now).await,
        None => verify::stats(dir, now),
    };
    drop(progress);
    let stats = stats.with_context(|| unusable(dir))?;
    output.object(&stats);
    for line in stats_lines(&stats, now) {
        output.line(&line);
    }
    Ok(())
}

/// Reads every file. The status is 1 when one is lost.
pub(super) async fn verify(dir: &Path, output: &Output) -> anyhow::Result<ExitCode> {
    let shared = shared(dir).await?;
    let progress = output.progress("Reading files …");
    let mut said = Instant::now();
    let say = |done, total| {
        if said.elapsed() >= SAY_EVERY {
            progress.say(&format!("Reading files: {done} of {total} …"));
            said = Instant::now();
        }
    };
    let verified = match &shared {
        Some(shared) => shared.verify(say).await,
        None => verify::verify(dir, say),
    };
    drop(progress);
    let verified = verified.with_context(|| unusable(dir))?;
    output.object(&Answer {
        in_order: verified.is_sound(),
        verified: &verified,
    });
    for line in verified_lines(&verified, *output) {
        output.line(&line);
    }
    Ok(if verified.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What `verify --json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    in_order: bool,
    #[serde(flatten)]
    verified: &'a Verified,
}

/// The files of a server whose records or content are not in its folder, if it is one.
async fn shared(dir: &Path) -> anyhow::Result<Option<SharedStorage>> {
    let settings = match fs::read_to_string(dir.join(SETTINGS_FILE)) {
        Ok(text) => Settings::from_toml(&text).context(SETTINGS_FILE)?,
        Err(_) => Settings::default(),
    };
    if settings.postgres.is_none() && !verify::has_run(dir) {
        bail!(
            "{} has no database: is it the folder of a file server that has run? --data-dir names \
             the folder that has `files` in it",
            dir.display()
        );
    }
    let Some(config) = settings.shared(dir) else {
        return Ok(None);
    };
    let opened = Box::pin(SharedStorage::open_to_look(config)).await;
    Ok(Some(opened.with_context(|| unusable(dir))?))
}

fn unusable(dir: &Path) -> String {
    format!("cannot look through {}", dir.display())
}

fn stats_lines(stats: &Stats, now: Timestamp) -> Vec<String> {
    let next = stats.next_expiry_ms.map_or_else(
        || "nothing".to_owned(),
        |ms| wall_time(Timestamp::from_ms(ms), now),
    );
    vec![
        format!("Files      {}, {}", stats.files, BinaryBytes(stats.bytes)),
        format!("  numbered {}", stats.numbered),
        format!("Next       expires {next}"),
        format!(
            "Expired    {}, {}: go next",
            stats.expired,
            BinaryBytes(stats.expired_bytes)
        ),
    ]
}

fn verified_lines(verified: &Verified, output: Output) -> Vec<String> {
    let mut lines = vec![format!(
        "{} files are as they should be, {}.",
        verified.files,
        BinaryBytes(verified.bytes)
    )];
    if verified.orphans > 0 {
        lines.push(format!(
            "{} files without a record are left of crashes, or are just being uploaded; the \
             server deletes what is left over.",
            verified.orphans
        ));
    }
    if verified.is_sound() {
        lines.push(output.bold("No file is lost."));
    } else {
        lines.push(output.bold("Files are lost:"));
        lines.push(format!("  {} without content", verified.missing));
        lines.push(format!("  {} with other content", verified.damaged));
        lines.push(
            "Look at the disk. What a copy of the folder has may be put back while the server \
             does not run."
                .to_owned(),
        );
    }
    lines
}
