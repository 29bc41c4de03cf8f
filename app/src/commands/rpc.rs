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
    let session = Session::new(SessionOptions {
        data_dir: accounts::data_dir(global)?,
        network: global.network.clone(),
        file_server: accounts::file_server(global)?,
        account: AccountOptions {
            network: accounts::network_options(global)?,
            ..AccountOptions::staying()
        },
    });
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
