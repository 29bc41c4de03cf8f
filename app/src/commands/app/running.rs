//! One program at a time for the accounts of a folder; a second one asks it for a link.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use session_web::{WebServer, launch_again};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

/// Locked as long as the program runs.
const LOCK: &str = "app.lock";
/// How the running program is reached.
const DOOR: &str = "app.json";

/// How long the running program may take until it can be reached, and how often that is looked at.
const STARTING: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(50);

/// This process is the one.
pub(crate) struct Running {
    _lock: File,
    door: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Door {
    address: SocketAddr,
    secret: String,
}

impl Running {
    /// `None` when another one runs.
    pub(crate) fn only_one(folder: &Path) -> anyhow::Result<Option<Self>> {
        let place = folder.join(LOCK);
        let failed = || format!("cannot use {}", place.display());
        private_folder(folder).with_context(failed)?;
        let lock = private(&place, false).with_context(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
        let door = folder.join(DOOR);
        // One that ended suddenly may have left it.
        let _ = fs::remove_file(&door);
        Ok(Some(Self { _lock: lock, door }))
    }

    /// Lets others of this user find the server.
    pub(super) fn tell(&self, server: &WebServer) -> anyhow::Result<()> {
        let door = Door {
            address: server.address(),
            secret: server.secret().to_owned(),
        };
        let text = Zeroizing::new(serde_json::to_vec(&door)?);
        let written = private(&self.door, true).and_then(|mut file| file.write_all(&text));
        written.with_context(|| format!("cannot write {}", self.door.display()))
    }

    /// Nobody is to find it any more.
    pub(super) fn end(&self) {
        let _ = fs::remove_file(&self.door);
    }
}

/// A link of the program that runs, and where it answers.
pub(super) async fn ask(folder: &Path) -> anyhow::Result<(Zeroizing<String>, String)> {
    let why = "the program runs already for these accounts, and does not answer; end it first";
    let deadline = Instant::now() + STARTING;
    let door = loop {
        let door = fs::read(folder.join(DOOR)).map(Zeroizing::new);
        let door = door.map(|text| serde_json::from_slice::<Door>(&text));
        match door {
            Ok(Ok(door)) => break door,
            // It has only just begun.
            _ if Instant::now() < deadline => sleep(AGAIN).await,
            Ok(Err(error)) => return Err(error).context(why),
            Err(error) => return Err(error).context(why),
        }
    };
    let url = launch_again(door.address, &door.secret)
        .await
        .context(why)?;
    Ok((url, door.address.to_string()))
}

/// Makes a folder that is for this user alone, if there is none yet.
fn private_folder(place: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(place)
}

/// Opens a file that is for this user alone.
fn private(place: &Path, is_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if is_new {
        options.create_new(true);
    } else {
        options.create(true).truncate(false);
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)
}
