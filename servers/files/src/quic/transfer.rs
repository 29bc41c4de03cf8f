//! One file up or down on a stream of its own.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use quinn::{RecvStream, SendStream, VarInt};
use session_file_transfer::{BlockError, Command, Head, Kept, code, split};
use tokio::time::timeout;

use super::{Client, times};
use crate::http::{Failure, rng};
use crate::storage::StorageError;
use crate::{FileId, FilesError};

/// Bytes taken from the connection at once.
const PIECE: usize = 64 * 1024;

/// How a transfer ends that does not end well (docs/protocol/file-server.md section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client is told this.
    Code(u32),
    /// There is nobody to tell.
    Gone,
}

impl End {
    const BAD_COMMAND: Self = Self::Code(code::BAD_COMMAND);
    const BAD_SIZE: Self = Self::Code(code::BAD_SIZE);
}

impl From<BlockError> for End {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Malformed => Self::BAD_COMMAND,
            BlockError::Unknown => Self::Code(code::UNKNOWN_COMMAND),
        }
    }
}

impl From<Failure> for End {
    /// Where section 5.3 has no code of its own, it is the status HTTP has.
    fn from(Failure(status): Failure) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::BAD_SIZE,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Code(code::STORAGE),
            status => Self::Code(status.as_u16().into()),
        }
    }
}

impl From<FilesError> for End {
    fn from(error: FilesError) -> Self {
        Failure::from(error).into()
    }
}

impl From<StorageError> for End {
    fn from(error: StorageError) -> Self {
        FilesError::from(error).into()
    }
}

/// Serves a stream to its end.
pub(super) async fn serve(client: Client, mut send: SendStream, recv: RecvStream) {
    let mut arriving = Arriving {
        recv,
        first: Bytes::new(),
    };
    let ended = transfer(&client, &mut send, &mut arriving).await;
    if let Err(End::Code(code)) = ended {
        let code = VarInt::from_u32(code);
        // They may have ended by themselves.
        let _ = arriving.recv.stop(code);
        let _ = send.reset(code);
    }
}

async fn transfer(
    client: &Client,
    send: &mut SendStream,
    arriving: &mut Arriving,
) -> Result<(), End> {
    client.http.admit_request(Some(client.address))?;
    match command(client, arriving).await? {
        Command::Put { size, ttl } => {
            let size = size.ok_or(End::Code(code::NO_SIZE))?;
            put(client, send, arriving, size, ttl).await?;
        }
        Command::Get { id } => get(client, send, arriving, &id).await?,
    }
    if send.finish().is_ok() {
        // Until it has arrived the connection must not be closed.
        let _ = timeout(client.http.limits.body_pause, send.stopped()).await;
    }
    Ok(())
}

/// Reads what the client wants.
async fn command(client: &Client, arriving: &mut Arriving) -> Result<Command, End> {
    let mut pace = client.http.pace();
    let mut begin = BytesMut::new();
    loop {
        let Some(part) = pace.next(arriving.next()).await?? else {
            return Err(End::BAD_COMMAND);
        };
        begin.extend_from_slice(&part);
        if let Some((dict, used)) = split(&begin)? {
            let command = Command::read(dict)?;
            arriving.first = begin.split_off(used).freeze();
            return Ok(command);
        }
    }
}

async fn put(
    client: &Client,
    send: &mut SendStream,
    arriving: &mut Arriving,
    size: u64,
    ttl: Option<u64>,
) -> Result<(), End> {
    let http = &client.http;
    let mut upload = http.files.put(Some(size)).map_err(|error| match error {
        FilesError::Empty => End::BAD_SIZE,
        error => error.into(),
    })?;
    let _place = http.admit_upload(Some(client.address), Some(size))?;
    let mut pace = http.pace();
    let mut left = size;
    while let Some(part) = pace.next(arriving.next()).await?? {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(length).ok_or(End::Code(code::TOO_LONG))?;
        pace.received(part.len());
        upload.write(part).await?;
    }
    if left > 0 {
        return Err(End::Code(code::TOO_SHORT));
    }
    let ttl = http.files.clamped_ttl(ttl);
    let record = upload.finish(ttl, http.now(), &mut rng()).await?;
    http.counters.uploaded(&record);
    let kept = Kept {
        id: record.id.to_string(),
        times: Some(times(&record)),
    };
    write(client, send, kept.encode().into()).await
}

async fn get(
    client: &Client,
    send: &mut SendStream,
    arriving: &mut Arriving,
    id: &[u8],
) -> Result<(), End> {
    let http = &client.http;
    if http.pace().next(arriving.next()).await??.is_some() {
        return Err(End::BAD_COMMAND);
    }
    let id = core::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
    let id: FileId = id.ok_or(End::Code(code::NOT_FOUND))?;
    let _place = http.admit_download(Some(client.address))?;
    let (record, mut content) = http.files.get(id, http.now()).await?;
    http.counters.downloaded(&record);
    let head = Head {
        size: record.size,
        times: Some(times(&record)),
    };
    write(client, send, head.encode().into()).await?;
    while let Some(part) = content.next().await? {
        write(client, send, part).await?;
    }
    Ok(())
}

async fn write(client: &Client, send: &mut SendStream, bytes: Bytes) -> Result<(), End> {
    let written = timeout(client.http.limits.body_pause, send.write_chunk(bytes)).await;
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Code(code::TOO_SLOW)),
    }
}

/// What the client sends.
struct Arriving {
    recv: RecvStream,
    /// Came together with the command.
    first: Bytes,
}

impl Arriving {
    /// The next part, which is not empty; nothing when the client has finished.
    async fn next(&mut self) -> Result<Option<Bytes>, End> {
        if !self.first.is_empty() {
            return Ok(Some(core::mem::take(&mut self.first)));
        }
        match self.recv.read_chunk(PIECE, true).await {
            Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
            Err(_) => Err(End::Gone),
        }
    }
}
