//! `session resolve`

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use session_net::{CachedNetwork, Network, NoCache, SystemClock};

use crate::accounts;
use crate::cli::{Global, ResolveArguments};
use crate::output::Output;
use crate::work::Work;

pub(crate) async fn run(
    global: &Global,
    arguments: &ResolveArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let name = &arguments.name;
    let asking = output.spinner("Asking three nodes …");
    // Whoever has an account knows the network already.
    let found = if accounts::profile(global)?.list()?.is_empty() {
        let network = Network::new(
            accounts::network(global, None)?,
            Box::new(SystemClock),
            accounts::network_options(global)?,
            CachedNetwork::default(),
            Arc::new(NoCache),
        )?;
        network.resolve_name(name).await
    } else {
        let unlocked = accounts::unlock(global)?;
        let store = unlocked.store()?;
        let work = Work::start(global, unlocked, store).await?;
        let found = work.account.network().resolve_name(name).await;
        work.close().await;
        found
    };
    drop(asking);
    let id = found?.to_hex();
    output.line(&id);
    output.object(&json!({ "name": name.as_str(), "account_id": id }));
    Ok(ExitCode::SUCCESS)
}
