//! The API over two streams: one JSON object per line.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, BufWriter};

use crate::connection::Connection;
use crate::line::{Line, read_line};
use crate::serving::{self, MAX_LINE, Sink, Source};

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
    let lines = Lines(BufReader::new(reader));
    serving::serve(connection, lines, Lines(BufWriter::new(writer))).await
}

/// A stream with a text in each line.
struct Lines<T>(T);

impl<R: AsyncRead + Unpin> Source for Lines<BufReader<R>> {
    async fn next(&mut self) -> io::Result<Line> {
        read_line(&mut self.0, MAX_LINE).await
    }
}

impl<W: AsyncWrite + Unpin> Sink for Lines<BufWriter<W>> {
    async fn put(&mut self, text: String) -> io::Result<()> {
        self.0.write_all(text.as_bytes()).await?;
        self.0.write_all(b"\n").await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}
