//! Writing the content of a file.
//!
//! Large files go to the disk past the memory in which the system keeps what was read and written
//! (`O_DIRECT`), where the file system can: all of it is brought to the disk before the upload is
//! acknowledged anyway, and finding memory for it costs more than the writing. Small ones, the end
//! of large ones, and all where it cannot, are written as usual.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::buffer::{ALIGNMENT, Buffer};

/// A file that is being written, from its beginning to its end.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    way: Way,
}

/// How a part is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing is written yet.
    Undecided,
    /// Past the system's memory.
    Direct,
    /// Through it.
    Cached,
}

impl Output {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Self {
            file,
            way: Way::Undecided,
        })
    }

    /// Adds to the end. Blocks.
    pub(super) fn write(&mut self, parts: &[Buffer]) -> io::Result<()> {
        if self.way == Way::Undecided {
            self.way = match parts.first() {
                Some(first) if first.is_full() && set_direct(&self.file, true).is_ok() => {
                    Way::Direct
                }
                _ => Way::Cached,
            };
        }
        for part in parts {
            self.write_part(part.as_ref())?;
        }
        Ok(())
    }

    fn write_part(&mut self, part: &[u8]) -> io::Result<()> {
        let mut rest = part;
        if self.way == Way::Direct {
            let blocks = part.len() / ALIGNMENT * ALIGNMENT;
            let (blocks, _) = part.split_at(blocks);
            (_, rest) = part.split_at(self.write_blocks(blocks)?);
            if rest.is_empty() {
                return Ok(());
            }
            // The end of the file, or the file system has no room or does not do this.
            set_direct(&self.file, false)?;
            self.way = Way::Cached;
        }
        self.file.write_all(rest)
    }

    /// Writes past the system's memory; how many bytes it took.
    fn write_blocks(&mut self, blocks: &[u8]) -> io::Result<usize> {
        if blocks.is_empty() || blocks.as_ptr().align_offset(ALIGNMENT) > 0 {
            return Ok(0);
        }
        loop {
            match self.file.write(blocks) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(0),
                written => return written,
            }
        }
    }

    /// Brings all of it to the disk. Blocks.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(target_os = "linux")]
fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(rustix::fs::OFlags::DIRECT, direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn set_direct(_: &File, direct: bool) -> io::Result<()> {
    match direct {
        true => Err(io::ErrorKind::Unsupported.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rand::RngExt as _;

    use super::*;
    use crate::buffer::SIZE;

    fn parts(content: &Bytes) -> Vec<Buffer> {
        let mut left = content.clone();
        let mut parts = Vec::new();
        while !left.is_empty() {
            let mut part = Buffer::default();
            part.fill(&mut left);
            parts.push(part);
        }
        parts
    }

    #[test]
    fn any_size_is_written_as_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = rand::rng();
        for size in [
            1,
            ALIGNMENT,
            SIZE - 1,
            SIZE,
            SIZE + 1,
            SIZE + 20_000,
            2 * SIZE + 5 * ALIGNMENT,
            3 * SIZE + 5 * ALIGNMENT + 17,
        ] {
            let mut content = vec![0; size];
            rng.fill(content.as_mut_slice());
            let content = Bytes::from(content);
            let path = folder.path().join(size.to_string());
            let mut output = Output::create(&path).unwrap();
            for part in parts(&content) {
                output.write(&[part]).unwrap();
            }
            output.sync().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
            assert!(Output::create(&path).is_err());
        }
    }

    /// What the file system does not want written past its memory goes the other way.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_cannot_be_written_past_the_memory_is_written_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let content: Bytes = (0..=250).cycle().take(3 * SIZE + 7).collect();
        let path = folder.path().join("file");
        let mut output = Output::create(&path).unwrap();
        let mut parts = parts(&content);
        let last = parts.split_off(1);
        output.write(&parts).unwrap();
        // Not at a block of the disk any more.
        let mut odd = Buffer::default();
        odd.fill(&mut Bytes::from_static(b"1234567"));
        output.write(&[odd]).unwrap();
        assert_eq!(output.way, Way::Cached);
        output.way = match set_direct(&output.file, true) {
            Ok(()) => Way::Direct,
            Err(_) => Way::Cached,
        };
        output.write(&last).unwrap();
        assert_eq!(output.way, Way::Cached);
        let expected = [&content[..SIZE], b"1234567", &content[SIZE..]].concat();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }
}
