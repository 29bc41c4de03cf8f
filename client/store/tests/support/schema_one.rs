//! A database as the first version of this program wrote it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test support"
)]

use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};
use session_types::AccountId;

use crate::fixtures::{CAROL, carol, hash, id};

/// The encrypted file of Carol's account with tables of schema 1 and only her identity in them.
pub(crate) fn create(data_dir: &Path) -> Connection {
    drop(carol(data_dir));
    let folder = data_dir.join("accounts").join(CAROL);
    fs::remove_file(folder.join("account.db")).unwrap();
    let connection = open(data_dir);
    connection
        .execute_batch(include_str!("../../migrations/0001_initial.sql"))
        .unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let sql =
        "INSERT INTO identity (account, seed, display_name, network, created_at, last_sent_at)
               VALUES (?1, ?2, 'Carol', 'https://seed.example', 5, 4000)";
    let own = id(CAROL).to_bytes().to_vec();
    connection
        .execute(sql, params![own, vec![0x17u8; 16]])
        .unwrap();
    connection
}

/// Opens the file as it is.
pub(crate) fn open(data_dir: &Path) -> Connection {
    let folder = data_dir.join("accounts").join(CAROL);
    let key_file = fs::read(folder.join("key.json")).unwrap();
    let key_file: serde_json::Value = serde_json::from_slice(&key_file).unwrap();
    let key = key_file["keeping"]["file"]["key"].as_str().unwrap();
    let connection = Connection::open(folder.join("account.db")).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA key = \"x'{key}'\"; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;"
        ))
        .unwrap();
    connection
}

pub(crate) fn schema(connection: &Connection) -> i64 {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

fn bytes(account: AccountId) -> Vec<u8> {
    account.to_bytes().to_vec()
}

/// Writes a message with state and hash; returns its number.
pub(crate) fn message(
    connection: &Connection,
    conversation: &str,
    sender: &str,
    sent_at: i64,
    body: &str,
    state: i64,
) -> i64 {
    let sql = "INSERT INTO conversations (id) VALUES (?1) ON CONFLICT DO NOTHING";
    connection.execute(sql, [bytes(id(conversation))]).unwrap();
    let sql = "INSERT INTO messages (conversation, sender, outgoing, body, sent_at, stored_at,
                   expires_at, hash, state, failure, unread)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    // 0 sending, 1 sent, 2 failed, 3 received.
    let stored = state == 1 || state == 3;
    let hash = if stored {
        hash(sent_at.unsigned_abs()).to_string()
    } else {
        String::new()
    };
    connection
        .execute(
            sql,
            params![
                bytes(id(conversation)),
                bytes(id(sender)),
                sender == CAROL,
                body,
                sent_at,
                if stored { sent_at + 1 } else { 0 },
                if stored { sent_at + 1000 } else { 0 },
                hash,
                state,
                if state == 2 { "no path" } else { "" },
                state == 3
            ],
        )
        .unwrap();
    connection.last_insert_rowid()
}

/// Writes a job; returns its number.
pub(crate) fn job(
    connection: &Connection,
    message: i64,
    kind: i64,
    recipient: &str,
    ready: bool,
    payload: &[u8],
) -> i64 {
    let sql = "INSERT INTO outbox (message, kind, recipient, ready, attempts, next_attempt, reason,
                                   payload)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (attempts, next_attempt, reason) = if payload.is_empty() {
        (0, 0, "")
    } else {
        (2, 3000, "timeout")
    };
    connection
        .execute(
            sql,
            params![
                message,
                kind,
                bytes(id(recipient)),
                ready,
                attempts,
                next_attempt,
                reason,
                payload
            ],
        )
        .unwrap();
    connection.last_insert_rowid()
}
