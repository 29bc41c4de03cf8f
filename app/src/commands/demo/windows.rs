//! A window for each person of the story, so that one person can talk to themselves.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use session_api::{Session, SessionOptions};
use session_core::AccountOptions;

use crate::accounts;
use crate::cli::Global;
use crate::commands::app::{Running, Window};
use crate::output::Output;

/// Who looks at both windows waits for every message.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Each at an address of its own: their pages know nothing of each other.
pub(super) struct Windows([(&'static str, Window); 2]);

impl Windows {
    /// Begins to serve them.
    pub(super) async fn start(
        global: &Global,
        [(first, first_home), (second, second_home)]: [(&'static str, &Path); 2],
    ) -> anyhow::Result<Self> {
        let one = window(global, first_home).await?;
        let other = window(global, second_home).await?;
        Ok(Self([(first, one), (second, other)]))
    }

    /// Says how to get into them.
    pub(super) fn tell(&self, output: &Output) {
        output.line("\nBe both of them, in a browser on this computer (each link works once, for five minutes):");
        for (name, window) in &self.0 {
            let url = window.url();
            output.line(&format!("  {name:<6} {url}"));
            output.object(&json!({ "event": "app", "name": name, "url": url }));
        }
    }

    /// Opens the first one if somebody is there to see it. Never returns.
    pub(super) async fn keep_open(&self, browser: bool, output: &Output) {
        let [(_, first), _] = &self.0;
        if browser {
            first.open(output).await;
        }
        core::future::pending::<()>().await;
    }

    pub(super) async fn stop(self) {
        for (_, window) in self.0 {
            window.stop().await;
        }
    }
}

async fn window(global: &Global, home: &Path) -> anyhow::Result<Window> {
    let session = Session::new(SessionOptions {
        account: AccountOptions {
            network: accounts::network_options(global)?,
            poll_every: Some(POLL_EVERY),
            poll_lively: POLL_EVERY,
            ..AccountOptions::staying()
        },
        ..SessionOptions::new(home)
    });
    let running = Running::only_one(home)?.context("somebody runs the window of the story")?;
    Window::start(running, session, 0).await
}
