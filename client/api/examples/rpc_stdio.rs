//! A server over standard input and output: `rpc_stdio <data folder>`.

use std::error::Error;

use session_api::{Session, SessionOptions, serve_stdio};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("a data folder is needed")?;
    let session = Session::new(SessionOptions::new(folder));
    let served = serve_stdio(session.connect()).await;
    session.close().await;
    Ok(served?)
}
