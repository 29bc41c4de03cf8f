//! `session devnet`

use std::process::ExitCode;
use std::sync::Arc;

use session_devnet::{Customise, Devnet, DevnetInfo, DevnetOptions, Names};

use crate::cli::{DevnetArguments, Global, NameArgument};
use crate::end::End;
use crate::output::Output;

pub(crate) async fn run(
    global: &Global,
    arguments: &DevnetArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let end = End::expect()?;
    let network = start(global, arguments, output).await?;
    let info = network.describe();
    output.object(&info);
    output.line(&output.bold("Private Session network is up."));
    output.line(&format!("  Seed URL   {}", info.seed_url));
    output.line(&format!("  Nodes      {} on 127.0.0.1", info.nodes.len()));
    if let Some(files) = &info.file_server {
        output.line(&format!(
            "  Files      SESSION_FILE_SERVER={}",
            files.setting
        ));
    }
    output.line(&format!("  Data       {}", info.data_dir.display()));
    if arguments.seed.is_none() {
        output.line(&format!("  Same keys  --seed {}", info.network_seed));
    }
    output.line("\n  node  https port  swarm             ed25519");
    for node in &info.nodes {
        output.line(&format!(
            "  {:>4}  {:>10}  {:>16}  {}",
            node.index, node.https_port, node.swarm, node.ed25519
        ));
    }
    say_how_to_use(output, &info);
    output.note("Ctrl-C stops the network.");
    end.wait().await?;
    output.note("Stopping …");
    network.shutdown().await?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the network with a progress line.
pub(crate) async fn start(
    global: &Global,
    arguments: &DevnetArguments,
    output: &Output,
) -> anyhow::Result<Devnet> {
    let options = DevnetOptions {
        nodes: usize::from(arguments.nodes),
        seed: arguments.seed,
        data_dir: global.data_dir.as_ref().map(|dir| dir.join("devnet")),
        base_port: arguments.base_port,
        file_server: true,
        customise: names_of(arguments),
    };
    let progress = output.progress(&format!("Starting {} nodes …", arguments.nodes));
    Ok(Devnet::start(options, |step| progress.say(&format!("{step} …"))).await?)
}

/// Lets all nodes know the names that were asked for.
fn names_of(arguments: &DevnetArguments) -> Option<Customise> {
    if arguments.names.is_empty() {
        return None;
    }
    let names = Names::default();
    for NameArgument { name, owner } in &arguments.names {
        names.register(name.clone(), *owner);
    }
    Some(Arc::new(move |_, config| {
        config.names = Arc::new(names.clone());
    }))
}

/// The commands that talk to the network from another terminal.
pub(crate) fn say_how_to_use(output: &Output, network: &DevnetInfo) {
    let files = network.file_server.as_ref();
    let files = files.map(|files| format!(" --file-server '{}'", files.setting));
    output.line("\nTalk over it from another terminal:");
    output.line(&format!(
        "  session account new --name Carol --network {}{}",
        network.seed_url,
        files.unwrap_or_default()
    ));
    output.line("  session listen");
    output.line("  session send <ACCOUNT ID> \"hello\"");
    output.line("Start an unmodified Session Desktop against it:");
    output.line(&format!("  {}", network.desktop_command));
}
