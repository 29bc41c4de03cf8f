//! What stands before and after files that go over QUIC.

use session_file_transfer::{BlockError, Command, Head, Kept, LONGEST_BLOCK, split};

use crate::reached::note_accepted;

/// The beginning of a transfer: once it is clear what it is, more bytes do not change it, and what
/// was understood is understood again when it is written anew.
pub fn file_transfer(data: &[u8]) {
    answers(data);
    let whole = read(data);
    let (first, last) = match &whole {
        Ok(Some((_, used))) => {
            assert!(*used <= data.len() && *used <= LONGEST_BLOCK);
            (*used, *used)
        }
        Ok(None) => {
            assert!(data.len() < LONGEST_BLOCK);
            (data.len(), data.len())
        }
        Err(_) => (data.len().min(6), data.len()),
    };
    for end in 0..first {
        let part = read(&data[..end]);
        assert!(part == Ok(None) || part == whole, "{end}");
    }
    assert_eq!(read(&data[..last]), whole);
    let Ok(Some((Ok(command), _))) = whole else {
        return;
    };
    let mut block = command.encode();
    let used = block.len();
    if used <= LONGEST_BLOCK {
        block.extend_from_slice(b"content");
        assert_eq!(read(&block), Ok(Some((Ok(command), used))));
    }
    note_accepted();
}

/// What a server is understood to say is understood again when it is written anew.
fn answers(data: &[u8]) {
    if let Ok(Some((dict, used))) = split(data)
        && let Ok(head) = Head::read(dict)
    {
        let again = head.encode();
        assert!(dict.len() < used);
        let (dict, used) = split(&again).unwrap().unwrap();
        assert_eq!((Head::read(dict), used), (Ok(head), again.len()));
    }
    if let Ok(kept) = Kept::read(data) {
        assert_eq!(Kept::read(&kept.encode()), Ok(kept));
    }
}

type Read = Result<Option<(Result<Command, BlockError>, usize)>, BlockError>;

fn read(arrived: &[u8]) -> Read {
    let found = split(arrived)?;
    Ok(found.map(|(dict, used)| (Command::read(dict), used)))
}
