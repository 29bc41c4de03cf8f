//! Compiles `proto/session.proto` with a compiler written in Rust; no outside program is run.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto/session.proto");
    let descriptors = protox::compile(["proto/session.proto"], ["proto"])?;
    prost_build::Config::new()
        // Messages hold keys and texts: nothing may print them.
        .skip_debug(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
