//! `session files`: running a file server.

mod content;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::Serialize;
use session_files::settings::{DEFAULT_FILE, SETTINGS_FILE, Settings};
use session_files::storage::StorageError;
use session_files::{FileServer, KEY_FILE, ServerConfig, ServerError, ServerKeys};
use session_types::{Ed25519PublicKey, X25519PublicKey};

use crate::cli::{FilesCommand, Global};
use crate::descriptors;
use crate::end::End;
use crate::output::Output;

pub(crate) async fn run(
    global: &Global,
    command: FilesCommand,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        FilesCommand::Config { print_default: _ } => {
            output.object(&serde_json::json!({ "config": DEFAULT_FILE }));
            output.line(DEFAULT_FILE.trim_end());
        }
        FilesCommand::Init {
            listen,
            tls,
            only_onion,
        } => init(&folder(global)?, listen, tls, only_onion, output)?,
        FilesCommand::Info => info(&folder(global)?, output)?,
        FilesCommand::Stats => content::stats(&folder(global)?, output).await?,
        FilesCommand::Verify => return content::verify(&folder(global)?, output).await,
        FilesCommand::Run { listen } => serve(&folder(global)?, listen, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything of the file server lives here.
fn folder(global: &Global) -> anyhow::Result<PathBuf> {
    Ok(crate::accounts::data_dir(global)?.join("files"))
}

/// What a file server is known by.
#[derive(Debug, Serialize)]
struct Known {
    folder: PathBuf,
    ed25519: Ed25519PublicKey,
    x25519: X25519PublicKey,
    listen: SocketAddr,
    tls: bool,
}

impl Known {
    fn new(dir: &Path, keys: &ServerKeys, settings: &Settings) -> Self {
        Self {
            folder: dir.to_owned(),
            ed25519: *keys.ed25519(),
            x25519: *keys.x25519(),
            listen: settings.listen,
            tls: settings.tls,
        }
    }

    fn show(&self, output: &Output) {
        output.line(&format!("  Folder   {}", self.folder.display()));
        output.line(&format!("  Ed25519  {}", self.ed25519));
        output.line(&format!("  X25519   {}", self.x25519));
        output.line(&format!("  Listens  {}", self.listen));
    }
}

/// What clients are told: the address and the key after `#`.
fn for_clients(address: SocketAddr, tls: bool, key: &Ed25519PublicKey) -> String {
    let port = address.port();
    let host = if address.ip().is_unspecified() {
        format!("<HOST>:{port}")
    } else {
        address.to_string()
    };
    format!("{}#{key}", url(&host, tls))
}

fn url(host: &str, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{host}")
}

fn init(
    dir: &Path,
    listen: SocketAddr,
    tls: bool,
    only_onion: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let path = dir.join(SETTINGS_FILE);
    if path.exists() {
        bail!(
            "there is a file server in {} already; `session files info` shows it",
            dir.display()
        );
    }
    let text = DEFAULT_FILE
        .replace(
            "listen = \"0.0.0.0:22030\"",
            &format!("listen = \"{listen}\""),
        )
        .replace("\ntls = false", &format!("\ntls = {tls}"))
        .replace(
            "\nonly_onion = false",
            &format!("\nonly_onion = {only_onion}"),
        );
    let settings = Settings::from_toml(&text).context("these options make no configuration")?;
    let keys = ServerKeys::load_or_create(dir)
        .with_context(|| format!("cannot keep the server's key in {}", dir.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let known = Known::new(dir, &keys, &settings);
    output.object(&known);
    output.line(&output.bold("The file server has its key and configuration."));
    known.show(output);
    output.line("\nNext:");
    output.line("  1. session files run");
    output.line("  2. Clients use it when they are started with");
    output.line(&format!(
        "     SESSION_FILE_SERVER={}",
        for_clients(settings.listen, settings.tls, keys.ed25519())
    ));
    output.line(&format!(
        "\nKeep a copy of {KEY_FILE}: with another key clients do not find their files any more."
    ));
    Ok(())
}

/// The settings and keys of the file server in this folder.
fn open(dir: &Path) -> anyhow::Result<(Settings, ServerKeys)> {
    let path = dir.join(SETTINGS_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "there is no file server in {}: `session files init` makes one",
            dir.display()
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    let settings = Settings::from_toml(&text).with_context(|| path.display().to_string())?;
    if !dir.join(KEY_FILE).exists() {
        bail!(
            "{} has lost its key ({KEY_FILE}): put the copy back; with a new key clients do not \
             find their files any more",
            dir.display()
        );
    }
    let keys = ServerKeys::load_or_create(dir).context("a key file cannot be used")?;
    Ok((settings, keys))
}

fn info(dir: &Path, output: &Output) -> anyhow::Result<()> {
    let (settings, keys) = open(dir)?;
    let known = Known::new(dir, &keys, &settings);
    output.object(&known);
    known.show(output);
    output.line(&format!(
        "  Clients  SESSION_FILE_SERVER={}",
        for_clients(settings.listen, settings.tls, keys.ed25519())
    ));
    Ok(())
}

#[derive(Debug, Serialize)]
struct Started {
    event: &'static str,
    ed25519: Ed25519PublicKey,
    x25519: X25519PublicKey,
    listening: SocketAddr,
    url: String,
    file_server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quic: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<SocketAddr>,
    files: u64,
}

async fn serve(dir: &Path, listen: Option<SocketAddr>, output: &Output) -> anyhow::Result<()> {
    let end = End::expect()?;
    let (mut settings, _) = open(dir)?;
    if let Some(listen) = listen {
        settings.listen = listen;
    }
    descriptors::raise_limit();
    let tls = settings.tls;
    let config = ServerConfig::with_settings(dir, settings).map_err(explain)?;
    let (ed25519, x25519) = (*config.keys.ed25519(), *config.keys.x25519());
    let server = FileServer::start(config).await.map_err(explain)?;
    let (listening, admin) = (server.address(), server.admin_address());
    let kept = server.metrics();
    output.object(&Started {
        event: "started",
        ed25519,
        x25519,
        listening,
        url: url(&listening.to_string(), tls),
        file_server: for_clients(listening, tls, &ed25519),
        quic: server.quic_address(),
        admin,
        files: kept.files,
    });
    output.line(&format!(
        "{} on {listening}, {} files kept, {}.",
        output.bold("The file server is up"),
        kept.files,
        indicatif::BinaryBytes(kept.bytes)
    ));
    output.line(&format!(
        "Clients use it with SESSION_FILE_SERVER={}",
        for_clients(listening, tls, &ed25519)
    ));
    if let Some(address) = server.quic_address() {
        output.line(&format!("Transfers over QUIC on UDP {address}"));
    }
    if let Some(address) = admin {
        output.line(&format!("Metrics and health on http://{address}/metrics"));
    }
    output.note("Ctrl-C stops it.");
    end.wait().await?;
    output.note("Stopping …");
    server.stop().await?;
    output.note("Stopped; everything accepted is on disk.");
    Ok(())
}

/// Says what to do about an error at the start.
fn explain(error: ServerError) -> anyhow::Error {
    let advice = match &error {
        ServerError::Storage(StorageError::InUse) => {
            "another file server runs on this folder: stop it first, or choose another folder \
             with --data-dir"
        }
        ServerError::Storage(StorageError::Postgres(_) | StorageError::DatabaseTimeout) => {
            return anyhow::Error::new(error).context(
                "the database of `postgres` in files.toml cannot be used: does it run, and may \
                 this user use it?",
            );
        }
        ServerError::Storage(StorageError::ObjectStore(_)) => {
            return anyhow::Error::new(error).context(
                "the object store of `s3` in files.toml cannot be reached: is the endpoint right, \
                 and its certificate from an authority that is trusted?",
            );
        }
        ServerError::Storage(
            StorageError::ObjectStoreRefused { .. } | StorageError::ObjectStoreAnswer,
        ) => {
            return anyhow::Error::new(error).context(
                "the object store of `s3` in files.toml does not let this server in: look at \
                 bucket, region and keys",
            );
        }
        ServerError::Storage(StorageError::NewerSchema { .. }) => {
            "a newer version of this program has used the folder: run that one"
        }
        _ => return anyhow::Error::new(error),
    };
    anyhow::Error::msg(advice)
}
