//! The API as texts, one JSON object each, whatever carries them.

use std::io;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::connection::{Connection, Inner, Outgoing};
use crate::line::Line;
use crate::rpc::{self, Incoming};

/// Bytes a text may have.
pub const MAX_LINE: usize = 1024 * 1024;
/// Requests that run at once; who sends more waits.
const AT_ONCE: usize = 64;

/// Where texts come from.
pub(crate) trait Source {
    /// The next one. Not dropped before it is done, unless everything ends.
    async fn next(&mut self) -> io::Result<Line>;
}

/// Where texts go.
pub(crate) trait Sink {
    /// One more.
    async fn put(&mut self, text: String) -> io::Result<()>;
    /// Nothing more for now.
    async fn flush(&mut self) -> io::Result<()>;
}

/// Serves a connection over two queues of texts until `incoming` ends: each text is one JSON
/// object, as a line is in [`serve`](crate::serve). Whoever takes texts out of `outgoing` slowly
/// is told less, not more slowly; see `notifications.missed`.
///
/// # Errors
/// When nobody takes texts out of `outgoing` any more.
pub async fn serve_texts(
    connection: Connection,
    incoming: mpsc::Receiver<Vec<u8>>,
    outgoing: mpsc::Sender<String>,
) -> io::Result<()> {
    serve(connection, incoming, outgoing).await
}

impl Source for mpsc::Receiver<Vec<u8>> {
    async fn next(&mut self) -> io::Result<Line> {
        Ok(match self.recv().await {
            None => Line::End,
            Some(text) if text.len() > MAX_LINE => Line::TooLong,
            Some(text) => Line::Text(text),
        })
    }
}

impl Sink for mpsc::Sender<String> {
    async fn put(&mut self, text: String) -> io::Result<()> {
        self.send(text)
            .await
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Serves a connection until the source ends; what was asked is still answered.
pub(crate) async fn serve(
    connection: Connection,
    source: impl Source,
    sink: impl Sink,
) -> io::Result<()> {
    let inner = Arc::clone(connection.inner());
    let mut writing = core::pin::pin!(write(connection, sink));
    let read = tokio::select! {
        // Nobody listens any more.
        written = &mut writing => return written,
        read = read(&inner, source) => read,
    };
    tokio::select! {
        written = &mut writing => return written,
        () = finish(&inner) => {}
    }
    writing.await.and(read)
}

/// Runs what is read, and waits until all of it is answered.
async fn read(inner: &Arc<Inner>, mut source: impl Source) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let ended = loop {
        while running.try_join_next().is_some() {}
        let line = match source.next().await {
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

async fn write(mut connection: Connection, mut sink: impl Sink) -> io::Result<()> {
    loop {
        let outgoing = match connection.try_next_outgoing() {
            Some(outgoing) => Some(outgoing),
            None => {
                sink.flush().await?;
                connection.next_outgoing().await
            }
        };
        let text = match outgoing {
            Some(Outgoing::Answer(text)) => text,
            Some(Outgoing::Notification(notification)) => rpc::notification(&*notification),
            Some(Outgoing::End) | None => break,
        };
        sink.put(text).await?;
    }
    sink.flush().await
}
