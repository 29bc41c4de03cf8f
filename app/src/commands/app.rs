//! `session app`: the window, in a browser.

mod browser;
mod running;

use std::process::ExitCode;

use serde_json::json;
use session_api::{Session, SessionOptions};
use session_core::AccountOptions;
use session_web::{Launch, WebOptions, WebServer};

use crate::accounts;
use crate::cli::{AppArguments, Global};
use crate::end::End;
use crate::output::Output;

pub(crate) use browser::is_likely as browser_is_likely;
pub(crate) use running::Running;

pub(crate) async fn run(
    global: &Global,
    arguments: &AppArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let end = End::expect()?;
    let folder = accounts::data_dir(global)?;
    let Some(running) = Running::only_one(&folder)? else {
        let (url, address) = running::ask(&folder).await?;
        show(&url, &address, true, arguments.no_browser, output);
        if !arguments.no_browser && !browser::hand_over(&url).await {
            say_link(&url, output);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let session = Session::new(SessionOptions {
        data_dir: folder,
        network: global.network.clone(),
        file_server: accounts::file_server(global)?,
        account: AccountOptions {
            network: accounts::network_options(global)?,
            ..AccountOptions::staying()
        },
    });
    let window = Window::start(running, session, arguments.port).await?;
    let address = window.server.address().to_string();
    show(window.url(), &address, false, arguments.no_browser, output);
    if !session_web::is_built() {
        output.note("note: this program was built without its page; the window says what to do");
    }
    output.note("Ctrl-C ends the program.");
    let opening = async {
        if !arguments.no_browser {
            window.open(output).await;
        }
        core::future::pending::<()>().await;
    };
    tokio::select! {
        ended = end.wait() => ended?,
        () = opening => {}
    }
    window.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// A server with a link to it.
pub(crate) struct Window {
    running: Running,
    session: Session,
    server: WebServer,
    launch: Launch,
}

impl Window {
    /// Begins to serve the accounts of a session.
    pub(crate) async fn start(
        running: Running,
        session: Session,
        port: u16,
    ) -> anyhow::Result<Self> {
        let options = WebOptions {
            port,
            ..WebOptions::default()
        };
        let server = WebServer::start(session.clone(), options).await?;
        let launch = server.launch(WebServer::BY_HAND)?;
        running.tell(&server)?;
        Ok(Self {
            running,
            session,
            server,
            launch,
        })
    }

    /// The link, for a person.
    pub(crate) fn url(&self) -> &str {
        self.launch.url()
    }

    /// Opens a browser with a link of its own. Says what to do when none comes.
    pub(crate) async fn open(&self, output: &Output) {
        let came = match self.server.launch(WebServer::AT_ONCE) {
            Ok(launch) => browser::bring(&launch).await,
            Err(_) => false,
        };
        if !came {
            say_link(self.url(), output);
        }
    }

    /// Ends it. Everything is on disk then.
    pub(crate) async fn stop(self) {
        self.running.end();
        self.server.stop().await;
        self.session.close().await;
    }
}

/// The first thing that is said. A link that somebody can see is printed only if it is wanted.
fn show(url: &str, address: &str, was_running: bool, by_hand: bool, output: &Output) {
    output.object(&json!({
        "event": "app", "url": url, "address": address, "running": was_running,
    }));
    if by_hand {
        say_link(url, output);
    } else {
        output.line(&format!(
            "Session is at http://{address}/ on this computer."
        ));
    }
}

fn say_link(url: &str, output: &Output) {
    output.line(&format!(
        "Open this link on this computer, within five minutes; it works once:\n  {url}"
    ));
}
