//! Lines of a bounded length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line without its end.
    Text(Vec<u8>),
    /// One that was too long; it was passed over.
    TooLong,
    /// There are no more.
    End,
}

/// Reads a line of at most `most` bytes. The last one need not have an end. Must not be dropped
/// before it is done.
pub(crate) async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let chunk = match reader.fill_buf().await {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Text(line),
            });
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        if too_long || line.len() + part.len() > most {
            too_long = true;
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let taken = end.map_or(chunk.len(), |end| end + 1);
        reader.consume(taken);
        if end.is_some() {
            if too_long {
                return Ok(Line::TooLong);
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Line::Text(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    async fn lines(input: &[u8], buffer: usize) -> Vec<Line> {
        let mut reader = BufReader::with_capacity(buffer, input);
        let mut lines = Vec::new();
        loop {
            match read_line(&mut reader, 5).await.unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    #[tokio::test]
    async fn long_lines_are_passed_over() {
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        for buffer in [1, 2, 3, 64] {
            assert_eq!(
                lines(b"ab\n123456\n\n12345\r\ncd\r\nefghijklmnop\nx", buffer).await,
                [
                    text("ab"),
                    Line::TooLong,
                    text(""),
                    Line::TooLong,
                    text("cd"),
                    Line::TooLong,
                    text("x")
                ]
            );
            assert_eq!(lines(b"1234567", buffer).await, [Line::TooLong]);
            assert_eq!(lines(b"", buffer).await, []);
        }
    }
}
