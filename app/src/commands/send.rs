//! `session send`

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use session_core::{Composed, CoreError, NewFile};
use session_types::limits;

use crate::accounts;
use crate::cli::{Global, SendArguments, WithText};
use crate::output::Output;
use crate::who;
use crate::work::{Work, deliver};

pub(crate) async fn run(
    global: &Global,
    arguments: SendArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let unlocked = accounts::unlock(global)?;
    let store = unlocked.store()?;
    let person = who::person(&store, &arguments.who)?;
    let message = composed(arguments.text, arguments.with)?;
    let work = Work::start(global, unlocked, store).await?;
    let message = with_preview(&work, message, output).await?;
    let message = work.account.send(person.id, message).await?;
    deliver(work, &person, message.id, arguments.wait, output).await
}

/// What a text and what goes with it make.
pub(crate) fn composed(text: Option<String>, with: WithText) -> anyhow::Result<Composed> {
    let WithText {
        files,
        voice,
        preview,
    } = with;
    let text = match text {
        // Beside files a text that is not given is not waited for.
        None if !files.is_empty() => String::new(),
        text => words(text)?,
    };
    let files = files.into_iter().map(|path| NewFile {
        is_voice_message: voice,
        ..NewFile::at(path)
    });
    Ok(Composed {
        files: files.collect(),
        preview,
        ..Composed::text(text)
    })
}

/// Looks at the page when a preview is wanted. A text goes without one that cannot be had.
pub(crate) async fn with_preview(
    work: &Work,
    mut message: Composed,
    output: &Output,
) -> anyhow::Result<Composed> {
    if !message.preview {
        return Ok(message);
    }
    let why = match work.account.preview(&message.text).await {
        Ok(Some(_)) => return Ok(message),
        Ok(None) => {
            "there is no link to be looked at, or its page has neither title nor image".to_owned()
        }
        Err(CoreError::PreviewsOff) => bail!(
            "previews of links are off: servers of linked pages would see the address of this \
             computer, or of the proxy. `session settings previews on` turns them on"
        ),
        Err(CoreError::Web(error)) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    output.note(&format!("Without a preview: {why}."));
    message.preview = false;
    Ok(message)
}

/// The text, or what standard input says.
pub(crate) fn words(text: Option<String>) -> anyhow::Result<String> {
    match text {
        Some(text) if text != "-" => Ok(text),
        None if std::io::stdin().is_terminal() => {
            bail!("there is no text; write it after the name, in quotes")
        }
        _ => read_standard_input(),
    }
}

fn read_standard_input() -> anyhow::Result<String> {
    // Longer than the limit is refused anyway; four bytes is the longest character.
    let limit = limits::MAX_BODY_CHARS as u64 * 4 + 16;
    let mut text = String::new();
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .context("cannot read the text from standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
