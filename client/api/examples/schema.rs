//! Writes `openrpc.json` and `typescript/session-api.ts` anew.

use std::error::Error;
use std::fs;
use std::path::Path;

use session_api::{openrpc, typescript};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::to_string_pretty(&openrpc())? + "\n";
    fs::write(folder.join("openrpc.json"), schema)?;
    fs::create_dir_all(folder.join("typescript"))?;
    fs::write(folder.join("typescript/session-api.ts"), typescript())?;
    Ok(())
}
