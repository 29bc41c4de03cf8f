//! The API over two streams: one JSON object per line.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::connection::{Connection, Inner, Outgoing};
use crate::line::{Line, read_line};
use crate::rpc::{self, Incoming};

/// Bytes a line may have.
pub const MAX_LINE: usize = 1024 * 1024;
/// Requests that run at once; who sends more waits.
const AT_ONCE: usize = 64;

/// Serves a connection over standard input and output until the input ends.
///
/// # Errors
/// When the output cannot be written any more, or the input cannot be read.
pub async fn serve_stdio(connection: Connection) -> io::Result<()> {
    serve(connection, tokio::io::stdin(), tokio::io::stdout()).await
}

/// Serves a connection over two streams until the input ends: requests in, one JSON object per
/// line; answers and notifications out. Requests run beside each other; those that change an
/// account one after another in it, as they came; one that opens or closes accounts before
/// everything that follows it. When the input has ended, what was asked is
/// still answered.
///
/// # Errors
/// When the output cannot be written any more, or the input cannot be read.
pub async fn serve(
    connection: Connection,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let inner = Arc::clone(connection.inner());
    let mut writing = core::pin::pin!(write(connection, BufWriter::new(writer)));
    let read = tokio::select! {
        // Nobody listens any more.
        written = &mut writing => return written,
        read = read(&inner, BufReader::new(reader)) => read,
    };
    tokio::select! {
        written = &mut writing => return written,
        () = finish(&inner) => {}
    }
    writing.await.and(read)
}

/// Runs what is read, and waits until all of it is answered.
async fn read(inner: &Arc<Inner>, mut reader: impl AsyncBufRead + Unpin) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let ended = loop {
        while running.try_join_next().is_some() {}
        let line = match read_line(&mut reader, MAX_LINE).await {
            Ok(Line::Text(line)) => line,
            Ok(Line::TooLong) => {
                inner.put(Outgoing::Answer(rpc::too_long(MAX_LINE))).await;
                continue;
            }
            Ok(Line::End) => break Ok(()),
            Err(error) => break Err(error),
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        // Never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            break Ok(());
        };
        let incoming = Incoming::read(&line, inner).await;
        if incoming.is_about_accounts() {
            // What follows may need the account that this one opens.
            answer(incoming, inner).await;
            continue;
        }
        let inner = Arc::clone(inner);
        running.spawn(async move {
            let _permit = permit;
            answer(incoming, &inner).await;
        });
    };
    while running.join_next().await.is_some() {}
    ended
}

async fn answer(incoming: Incoming, inner: &Arc<Inner>) {
    let (turns, answer) = incoming.run(inner).await;
    if let Some(answer) = answer {
        inner.put(Outgoing::Answer(answer)).await;
    }
    drop(turns);
}

/// Lets all that is still to be said be said.
async fn finish(inner: &Arc<Inner>) {
    inner.put(Outgoing::End).await;
    inner.end().await;
}

async fn write(
    mut connection: Connection,
    mut writer: BufWriter<impl AsyncWrite + Unpin>,
) -> io::Result<()> {
    loop {
        let outgoing = match connection.try_next_outgoing() {
            Some(outgoing) => Some(outgoing),
            None => {
                writer.flush().await?;
                connection.next_outgoing().await
            }
        };
        let text = match outgoing {
            Some(Outgoing::Answer(text)) => text,
            Some(Outgoing::Notification(notification)) => rpc::notification(&*notification),
            Some(Outgoing::End) | None => break,
        };
        writer.write_all(text.as_bytes()).await?;
        writer.write_all(b"\n").await?;
    }
    writer.flush().await
}
