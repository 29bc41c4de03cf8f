//! `session rpc`

use std::process::ExitCode;

use session_api::{Session, SessionOptions, serve_stdio};
use session_core::AccountOptions;

use crate::accounts;
use crate::cli::Global;
use crate::end::End;

/// Standard output belongs to the protocol: nothing else is printed.
pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let end = End::expect()?;
    let options = SessionOptions {
        data_dir: accounts::data_dir(global)?,
        network: global.network.clone(),
        account: AccountOptions {
            network: accounts::network_options(global)?,
            ..AccountOptions::staying()
        },
    };
    let session = match accounts::file_server(global)? {
        Some(server) => Session::with_file_server(options, server),
        None => Session::new(options),
    };
    let served = tokio::select! {
        served = serve_stdio(session.connect()) => served,
        ended = end.wait() => {
            ended?;
            Ok(())
        }
    };
    session.close().await;
    served?;
    Ok(ExitCode::SUCCESS)
}
