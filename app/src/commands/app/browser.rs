//! Opening the user's browser without showing the link to others.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use session_web::Launch;
use tempfile::NamedTempFile;
use tokio::time::{sleep, timeout};

/// How long a browser may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a browser may take to read the file, where nothing tells that it has.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Whether a person sits here and has a browser.
pub(crate) fn is_likely() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let has_screen = if cfg!(any(target_os = "macos", windows)) {
        true
    } else {
        set("DISPLAY") || set("WAYLAND_DISPLAY")
    };
    // The screen of another computer is not where the page is.
    at_terminal && has_screen && !set("SSH_CONNECTION")
}

/// Opens a link and waits until its page is there. False when none came.
pub(super) async fn bring(launch: &Launch) -> bool {
    let url = launch.url().to_owned();
    let opened = tokio::task::spawn_blocking(move || handed_over(&url));
    // Gone when this ends: the file is needed until the browser has read it.
    let Ok(Ok(_file)) = opened.await else {
        return false;
    };
    timeout(PATIENCE, launch.taken()).await.is_ok()
}

/// Opens a link of another process. False when there is no browser.
pub(super) async fn hand_over(url: &str) -> bool {
    let url = url.to_owned();
    let opened = tokio::task::spawn_blocking(move || handed_over(&url));
    let Ok(Ok(_file)) = opened.await else {
        return false;
    };
    sleep(READ_WITHIN).await;
    true
}

/// Command lines can be seen by every user of the computer. So the browser gets the name of a file
/// that only this user can read, and finds the link there.
fn handed_over(url: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("session-")
        .suffix(".html")
        .tempfile()?;
    file.write_all(page(url).as_bytes())?;
    file.flush()?;
    opener::open_browser(file.path()).map_err(io::Error::other)?;
    Ok(file)
}

/// A page that leads on. The link is an address of numbers and letters: nothing in it is markup.
fn page(url: &str) -> String {
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Session</title>\
         <p>Session opens …</p>\n"
    )
}
