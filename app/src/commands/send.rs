//! `session send`

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use session_core::NewFile;
use session_types::limits;

use crate::accounts;
use crate::cli::{Global, SendArguments};
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
    if arguments.files.is_empty() {
        let text = words(arguments.text)?;
        let work = Work::start(global, unlocked, store).await?;
        let message = work.account.send_text(person.id, &text).await?;
        return deliver(work, &person, message.id, arguments.wait, output).await;
    }
    // A text that is not given is not waited for.
    let text = arguments
        .text
        .map_or_else(|| Ok(String::new()), |text| words(Some(text)))?;
    let files = arguments.files.into_iter().map(|path| NewFile {
        is_voice_message: arguments.voice,
        ..NewFile::at(path)
    });
    let work = Work::start(global, unlocked, store).await?;
    let message = work
        .account
        .send_files(person.id, files.collect(), &text)
        .await?;
    deliver(work, &person, message.id, arguments.wait, output).await
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
