//! `session man`

use std::process::ExitCode;

use anyhow::Context as _;
use clap::CommandFactory as _;
use serde_json::json;

use crate::cli::{Cli, ManArguments};
use crate::output::Output;

pub(crate) fn run(arguments: &ManArguments, output: &Output) -> anyhow::Result<ExitCode> {
    let Some(dir) = &arguments.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        output.raw(&page);
        return Ok(ExitCode::SUCCESS);
    };
    clap_mangen::generate_to(Cli::command(), dir)
        .with_context(|| format!("cannot write the pages into {}", dir.display()))?;
    output.line(&format!(
        "The pages are in {}; `man {}` shows the first.",
        dir.display(),
        dir.join("session.1").display()
    ));
    output.object(&json!({ "dir": dir }));
    Ok(ExitCode::SUCCESS)
}
