//! The node list file: who the nodes of a private network are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use session_registry::{NodeList, StaticRegistry, file};
use tokio_util::sync::CancellationToken;

/// How often the file is looked at for changes.
const INTERVAL: Duration = Duration::from_secs(5);

/// The list and the text it was read from.
pub(crate) fn read(path: &Path) -> anyhow::Result<(Vec<u8>, NodeList)> {
    let text = fs::read(path).with_context(|| {
        format!(
            "cannot read the node list {}; every node of the network has the same one, see \
             docs/operators/node.md",
            path.display()
        )
    })?;
    let list = file::read(&text).with_context(|| path.display().to_string())?;
    Ok((text, list))
}

/// Takes over changes of the node list. A file that cannot be used changes nothing.
pub(crate) async fn follow(
    path: PathBuf,
    mut shown: Vec<u8>,
    registry: Arc<StaticRegistry>,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(INTERVAL);
    let mut complained = false;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let read = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || read(&path)).await
        };
        match read {
            Ok(Ok((text, list))) if text != shown => {
                tracing::info!(nodes = list.nodes().len(), "the node list has changed");
                registry.replace(list);
                shown = text;
                complained = false;
            }
            Ok(Err(error)) if !complained => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the node list stays as it was"
                );
                complained = true;
            }
            _ => {}
        }
    }
}
