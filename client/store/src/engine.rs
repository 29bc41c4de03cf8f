//! The database engine, of which a process has one.

use std::sync::Once;
use std::thread::sleep;
use std::time::Duration;

use rusqlite::Connection;

/// How often and how long readiness is waited for. The engine is ready within milliseconds.
const LOOKS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until keys are understood. The engine calls itself ready before its encryption is: the
/// first connections of a process would be refused their keys if they were opened at once, or
/// while another part of the program opens a database of its own.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        for _ in 0..LOOKS {
            if is_ready() {
                return;
            }
            sleep(PAUSE);
        }
        // Opening will say what is wrong.
    });
}

fn is_ready() -> bool {
    Connection::open_in_memory()
        .and_then(|connection| {
            connection.execute_batch("PRAGMA cipher_log_level = NONE; PRAGMA key = 'ready';")
        })
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_understood_once_started() {
        start();
        assert!(is_ready());
    }
}
