//! Asking file servers (docs/protocol/file-server.md section 4), and opening what they give.

use core::time::Duration;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use serde::Deserialize;
use session_crypto::attachment::{self, Domain, legacy};
use session_crypto::picture;
use session_messages::AttachmentKey;
use session_net::{
    DirectError, FileServer, FileUrl, NetError, Progress, Purpose, ServerReply, ServerRequest,
};
use session_types::ErrorKind;
use tokio::time::Instant;

use super::{FileForm, Shared};
use crate::CoreError;
use crate::model::settings;

/// The longest encrypted file: that of the largest stream.
const LONGEST_SEALED: usize = 10_223_616;
/// Answers about uploads are short.
const LONGEST_ID: usize = 64;
/// At least so long between two words about how far something is.
const STEP: Duration = Duration::from_millis(250);

/// Where files of an account go; that may change while it is open.
#[derive(Debug)]
pub(crate) struct FilesHome(RwLock<Option<FileServer>>);

impl FilesHome {
    pub(crate) const fn new(server: Option<FileServer>) -> Self {
        Self(RwLock::new(server))
    }

    pub(crate) fn get(&self) -> Option<FileServer> {
        let server = self.0.read().unwrap_or_else(PoisonError::into_inner);
        server.clone()
    }

    pub(crate) fn set(&self, server: Option<FileServer>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = server;
    }
}

/// Where files of this account go now.
pub(super) fn own(shared: &Shared) -> Result<FileServer, CoreError> {
    shared.files_home.get().ok_or(CoreError::NoFileServer)
}

/// An encrypted content and what opens it.
pub(super) struct Sealed {
    pub(super) bytes: Vec<u8>,
    pub(super) key: AttachmentKey,
}

/// Encrypts a file of a message.
pub(super) fn sealed(shared: &Shared, content: &[u8]) -> Result<Sealed, CoreError> {
    let too_large = |_| CoreError::FileTooLarge {
        limit: legacy::MAX_SIZE,
    };
    match shared.options.file_form {
        FileForm::Released => {
            let (bytes, pointer) = legacy::encrypt(content, &mut rand::rng()).map_err(too_large)?;
            let key = AttachmentKey::Legacy {
                key: pointer.key,
                digest: pointer.digest,
            };
            Ok(Sealed { bytes, key })
        }
        FileForm::Stream => stream(shared, Domain::Attachment, content),
    }
}

/// Encrypts a picture of oneself; the key has 32 bytes in either form.
pub(super) fn sealed_picture(
    shared: &Shared,
    content: &[u8],
) -> Result<(Vec<u8>, [u8; 32]), CoreError> {
    match shared.options.file_form {
        FileForm::Released => {
            let sealed =
                picture::encrypt(content, &mut rand::rng()).map_err(|_| CoreError::BadImage)?;
            Ok((sealed.blob, *sealed.key))
        }
        FileForm::Stream => {
            let sealed = stream(shared, Domain::ProfilePicture, content)?;
            match sealed.key {
                AttachmentKey::Stream { key } => Ok((sealed.bytes, *key)),
                _ => Err(CoreError::BadImage),
            }
        }
    }
}

fn stream(shared: &Shared, domain: Domain, content: &[u8]) -> Result<Sealed, CoreError> {
    let (bytes, key) =
        attachment::encrypt(shared.keys.ed25519().seed(), domain, content).map_err(|_| {
            CoreError::FileTooLarge {
                limit: attachment::MAX_SIZE,
            }
        })?;
    let key = zeroize::Zeroizing::new(*key.key());
    Ok(Sealed {
        bytes,
        key: AttachmentKey::Stream { key },
    })
}

#[derive(Deserialize)]
struct Uploaded {
    id: serde_json::Value,
}

/// Uploads an encrypted file. Returns its address, for others.
pub(super) async fn upload(
    shared: &Shared,
    bytes: Vec<u8>,
    is_stream: bool,
    progress: Progress,
) -> Result<String, CoreError> {
    let server = &own(shared)?;
    let bytes = Bytes::from(bytes);
    let direct = if goes_directly(shared).await? {
        let upload = shared
            .network
            .upload_directly(server, bytes.clone(), &progress);
        straight(upload.await)?
    } else {
        None
    };
    let id = match direct {
        Some(id) => id,
        None => upload_through_nodes(shared, server, bytes.into(), progress).await?,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain) {
        return Err(NetError::BadReply.into());
    }
    Ok(server.url_of(&id, is_stream))
}

async fn upload_through_nodes(
    shared: &Shared,
    server: &FileServer,
    bytes: Vec<u8>,
    progress: Progress,
) -> Result<String, CoreError> {
    let request = ServerRequest::post("/file", bytes).watched(progress);
    let reply = shared
        .network
        .ask_server(&server.target(), &request, Purpose::Files)
        .await?;
    let answer: Uploaded = read(&reply)?;
    Ok(match answer.id {
        serde_json::Value::String(id) => id,
        serde_json::Value::Number(id) => id.to_string(),
        _ => String::new(),
    })
}

/// Whether files go straight to the own server. Never to another one: whoever writes a message
/// chooses the address in it, and would learn that of the reader.
async fn goes_directly(shared: &Shared) -> Result<bool, CoreError> {
    let settings = shared.model.read(|store| Ok(settings(store)));
    Ok(settings.await??.direct_files)
}

/// What came of a transfer straight to the server; `None` when it is to go through nodes.
fn straight<T>(done: Result<T, DirectError>) -> Result<Option<T>, CoreError> {
    match done {
        Ok(done) => Ok(Some(done)),
        // It would say the same to a node.
        Err(DirectError::Refused { code: 404 }) => Err(CoreError::FileServer { status: 404 }),
        Err(DirectError::Refused { code: 451 }) => Err(CoreError::FileServer { status: 413 }),
        Err(error) => {
            tracing::debug!(%error, "a file goes through nodes");
            Ok(None)
        }
    }
}

/// Asks the own server to keep a file longer.
pub(super) async fn extend(shared: &Shared, url: &FileUrl) -> Result<(), CoreError> {
    let server = &own(shared)?;
    if url.targets(Some(server)).first() != Some(&server.target()) {
        // It is at another server, of another time.
        return Err(CoreError::FileServer { status: 404 });
    }
    let request = ServerRequest::post(format!("/file/{}/extend", url.id()), Vec::new());
    let reply = shared
        .network
        .ask_server(&server.target(), &request, Purpose::Files)
        .await?;
    if reply.status == 200 {
        Ok(())
    } else {
        Err(CoreError::FileServer {
            status: reply.status,
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(reply: &ServerReply) -> Result<T, CoreError> {
    match reply.status {
        200 => Ok(serde_json::from_slice(&reply.body).map_err(|_| NetError::BadReply)?),
        status => Err(CoreError::FileServer { status }),
    }
}

/// What is said of a file that its server does not have.
const EXPIRED: &str = "it has expired or was deleted at its file server";

/// Why a file is not here.
#[derive(Debug)]
pub(super) enum NotHere {
    /// It cannot be had any more.
    Gone(&'static str),
    /// Trying again by itself would change nothing.
    Failed(String),
    /// It may come later.
    Later(CoreError),
}

impl From<CoreError> for NotHere {
    fn from(error: CoreError) -> Self {
        Self::Later(error)
    }
}

/// Fetches an encrypted file.
pub(super) async fn download(
    shared: &Shared,
    address: &str,
    progress: Progress,
) -> Result<(FileUrl, Vec<u8>), NotHere> {
    let url: FileUrl = address
        .parse()
        .map_err(|_| NotHere::Failed("its address cannot be read".to_owned()))?;
    let home = shared.files_home.get();
    if let Some(server) = &home
        && url.targets(Some(server)).first() == Some(&server.target())
        && goes_directly(shared).await?
    {
        let network = &shared.network;
        let fetching = network.download_directly(server, url.id(), LONGEST_SEALED, &progress);
        match straight(fetching.await) {
            Ok(Some(bytes)) => return Ok((url, bytes)),
            Err(CoreError::FileServer { status: 404 }) => return Err(NotHere::Gone(EXPIRED)),
            Ok(None) | Err(_) => {}
        }
    }
    let mut last = NotHere::Failed("nobody knows the key of its file server".to_owned());
    // Which key an address names is not always clear; a server takes only its own.
    for target in url.targets(home.as_ref()) {
        let request = ServerRequest::get(format!("/file/{}", url.id()))
            .expecting(LONGEST_SEALED)
            .watched(progress.clone());
        let asked = shared.network.ask_server(&target, &request, Purpose::Files);
        last = match asked.await {
            Ok(reply) => match reply.status {
                200 => return Ok((url, reply.body)),
                404 => return Err(NotHere::Gone(EXPIRED)),
                status => NotHere::Later(CoreError::FileServer { status }),
            },
            Err(NetError::ServerRefused { status: 400 }) => {
                NotHere::Failed("its file server has another key than the message says".to_owned())
            }
            Err(error) => return Err(NotHere::Later(error.into())),
        };
    }
    Err(last)
}

/// Decrypts a file of a message.
pub(super) fn opened(
    key: &AttachmentKey,
    size: Option<u64>,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, NotHere> {
    let damaged = |_| {
        NotHere::Failed(
            "it was changed or cut, or the message has the key of another file".to_owned(),
        )
    };
    match key {
        AttachmentKey::Legacy { key, digest } => {
            legacy::decrypt(key, digest, size, &bytes).map_err(damaged)
        }
        AttachmentKey::Stream { key } => attachment::decrypt(key, &bytes).map_err(damaged),
        AttachmentKey::Plain => Ok(bytes),
    }
}

/// Decrypts the picture of somebody.
pub(super) fn opened_picture(
    url: &FileUrl,
    key: &[u8; 32],
    bytes: &[u8],
) -> Result<Vec<u8>, NotHere> {
    let opened = if url.is_stream() {
        attachment::decrypt(key, bytes)
    } else {
        picture::decrypt(key, bytes)
    };
    opened.map_err(|_| {
        NotHere::Failed("it was changed or cut, or the profile has another key".to_owned())
    })
}

/// Whether another try later may succeed.
pub(super) fn may_pass(error: &CoreError) -> bool {
    !matches!(error.kind(), ErrorKind::BadInput | ErrorKind::Unauthorised)
}

/// Runs a transfer, telling how far it is: bytes and all there are.
pub(super) async fn told<T>(
    transfer: impl Future<Output = T>,
    progress: &Progress,
    upload: bool,
    mut tell: impl FnMut(u64, u64),
) -> T {
    let mut steps = progress.subscribe();
    let mut last: Option<Instant> = None;
    let mut transfer = core::pin::pin!(transfer);
    loop {
        tokio::select! {
            biased;
            done = &mut transfer => return done,
            Ok(()) = steps.changed() => {
                let moved = *steps.borrow_and_update();
                let (done, total) = if upload {
                    (moved.sent, moved.to_send)
                } else {
                    (moved.received, moved.to_receive.unwrap_or_default())
                };
                let now = Instant::now();
                let is_all = done == total;
                if total > 0 && (is_all || last.is_none_or(|last| now - last >= STEP)) {
                    last = Some(now);
                    tell(done, total);
                }
            }
        }
    }
}
