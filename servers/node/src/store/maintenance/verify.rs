//! Looking through a whole database.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use session_types::{SwarmPubkey, Timestamp, limits};

use super::stats::number;
use super::{MaintenanceError, Progress, existing, means_damage, open_to_read};
use crate::store::messages::{is_well_formed, signed_position};
use crate::store::recent::{Entry, LISTED};
use crate::store::schema::Form;
use crate::store::{gone, hashes, schema};

/// Lines SQLite may say about the structure.
const MAX_LINES: u32 = 20;

/// Rows read in one step, between which a running node can begin its log anew.
const STEP: u32 = 2_000;

/// What a lifetime may exceed the longest one by: clocks differ.
const SLACK: Duration = Duration::from_secs(3600);

/// Rules for rows that SQLite itself can check: what a row that breaks it is called, and how
/// many there are.
const RULES: [(&str, &str); 7] = [
    (
        "public outboxes with more than one message",
        "SELECT COUNT(*) FROM (
             SELECT 1 FROM messages WHERE namespace < 0 AND -namespace % 20 = 1
             GROUP BY owner, namespace HAVING COUNT(*) > 1)",
    ),
    (
        "malformed revocations",
        "SELECT COUNT(*) FROM revocations
         WHERE length(pubkey) <> 33 OR length(token) <> 36 OR revoked NOT IN (0, 1)",
    ),
    (
        "accounts with more than 50 revocations",
        "SELECT COUNT(*) FROM (
             SELECT 1 FROM revocations WHERE revoked = 1 GROUP BY pubkey HAVING COUNT(*) > 50)",
    ),
    (
        "malformed deliveries",
        "SELECT COUNT(*) FROM pending_deliveries WHERE length(peer) <> 32",
    ),
    (
        "malformed commands",
        "SELECT COUNT(*) FROM pending_commands WHERE length(peer) <> 32 OR method = ''",
    ),
    (
        "malformed dumps",
        "SELECT COUNT(*) FROM pending_dumps WHERE length(peer) <> 32",
    ),
    (
        "malformed deletions",
        "SELECT COUNT(*) FROM deleted_ranges WHERE length(pubkey) <> 33",
    ),
];

/// The same for files of the first form.
const RULES_ONE: [(&str, &str); 2] = [
    (
        OWNERS_ALONE,
        "SELECT COUNT(*) FROM owners
         WHERE NOT EXISTS (SELECT 1 FROM messages WHERE owner = owners.id)",
    ),
    (
        "message numbers that would be used again",
        "SELECT COUNT(*) FROM messages
         WHERE id > (SELECT MAX(seq) FROM sqlite_sequence WHERE name = 'messages')",
    ),
];

const OWNERS_ALONE: &str = "owners without messages";
const NOT_LISTED: &str = "messages that cannot be found by hash or owner";

/// The entries of lists that lead nowhere.
const LISTS: [&str; 2] = [
    "SELECT id FROM by_hash WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = by_hash.id)",
    "SELECT id FROM by_owner WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = by_owner.id)",
];

/// What a look through a whole database has found. Names no account and no message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Messages that were looked at.
    pub messages: u64,
    /// Owners that were looked at.
    pub owners: u64,
    /// What SQLite says about the structure of the file; empty when it is in order.
    pub structure: Vec<String>,
    /// Rows that break a rule: which rule, and how many. Empty when all keep them.
    pub rows: BTreeMap<String, u64>,
}

impl Verified {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.structure.is_empty() && self.rows.is_empty()
    }

    fn found(&mut self, what: &str, count: u64) {
        if count > 0 {
            let total = self.rows.entry(what.to_owned()).or_default();
            *total = total.saturating_add(count);
        }
    }
}

/// Looks through the whole database of the node in `dir`: its structure, its indexes, and every
/// row. The hash of every message is computed anew. The node may run.
///
/// # Errors
/// [`MaintenanceError`], when there is no database, or it is no node's. Damage is no error but
/// the result.
pub fn verify(
    dir: &Path,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, MaintenanceError> {
    let path = existing(dir)?;
    let mut found = Verified::default();
    let connection = match open_to_read(&path) {
        Ok(connection) => connection,
        Err(MaintenanceError::Damaged) => {
            found
                .structure
                .push("the file is no database any more, or has lost its beginning".to_owned());
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    progress(Progress::Structure);
    check_structure(&connection, &mut found)?;
    let looked = check_messages(&connection, now, &mut found, progress);
    unless_damaged(looked, &mut found)?;
    progress(Progress::Others);
    let looked = check_owners(&connection, &mut found);
    unless_damaged(looked, &mut found)?;
    let looked = check_rules(&connection, &mut found);
    unless_damaged(looked, &mut found)?;
    let looked = check_lists(&connection, &mut found);
    unless_damaged(looked, &mut found)?;
    Ok(found)
}

/// What damage means in detail is among the lines about the structure.
fn unless_damaged(
    looked: Result<(), MaintenanceError>,
    found: &mut Verified,
) -> Result<(), MaintenanceError> {
    match looked {
        Err(MaintenanceError::Damaged) => {
            found.found("tables that cannot be read", 1);
            Ok(())
        }
        other => other,
    }
}

fn check_structure(connection: &Connection, found: &mut Verified) -> Result<(), MaintenanceError> {
    let lines = connection
        .prepare(&format!("PRAGMA integrity_check({MAX_LINES})"))
        .and_then(|mut statement| {
            statement
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
    match lines {
        Ok(lines) => found
            .structure
            .extend(lines.into_iter().filter(|line| line != "ok")),
        Err(error) if means_damage(&error) => found.structure.push(error.to_string()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn check_messages(
    connection: &Connection,
    now: Timestamp,
    found: &mut Verified,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), MaintenanceError> {
    let total = number(connection, "SELECT COUNT(*) FROM messages")?;
    let latest = now.plus(limits::MAX_TTL_PRIVATE).plus(SLACK).as_ms_i64();
    let mut statement = connection.prepare(
        "SELECT messages.id, owners.pubkey, namespace, hash, timestamp, expiry, data
         FROM messages LEFT JOIN owners ON owners.id = messages.owner
         WHERE messages.id > ?1 ORDER BY messages.id LIMIT ?2",
    )?;
    let listed = match schema::form(connection)? {
        Form::One => i64::MIN,
        Form::Two => schema::number(connection, LISTED)?.unwrap_or(i64::MIN),
    };
    let mut after = i64::MIN;
    loop {
        progress(Progress::Messages {
            done: found.messages,
            total,
        });
        // A message and its entries in the lists as they are at one moment.
        let _moment = connection.unchecked_transaction()?;
        let mut rows = statement.query(params![after, STEP])?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            after = row.get(0)?;
            found.messages = found.messages.saturating_add(1);
            let Some(pubkey) = row.get::<_, Option<Vec<u8>>>(1)? else {
                found.found("messages without an owner", 1);
                continue;
            };
            let Ok(owner) = SwarmPubkey::try_from(pubkey.as_slice()) else {
                found.found("messages of a malformed owner", 1);
                continue;
            };
            let namespace: i64 = row.get(2)?;
            let hash = hashes::text_of(row.get_ref(3)?).unwrap_or_default();
            let (timestamp, expiry): (i64, i64) = (row.get(4)?, row.get(5)?);
            let data = row.get_ref(6)?.as_blob().unwrap_or_default();
            let Ok(namespace) = i16::try_from(namespace) else {
                found.found("messages in a namespace that does not exist", 1);
                continue;
            };
            if after <= listed && !is_listed(connection, after, &hash)? {
                found.found(NOT_LISTED, 1);
            }
            if data.len() > limits::MAX_MESSAGE_SIZE {
                found.found("messages that are too large", 1);
            } else if timestamp < 0 || expiry < 0 {
                found.found("messages with a time that does not exist", 1);
            } else if !is_well_formed(&owner, namespace, &hash, (timestamp, expiry), data) {
                found.found("messages whose content does not have their hash", 1);
            } else if expiry > latest {
                found.found("messages that expire too late", 1);
            }
        }
        if read < STEP {
            return Ok(());
        }
    }
}

fn check_owners(connection: &Connection, found: &mut Verified) -> Result<(), MaintenanceError> {
    let mut statement = connection.prepare("SELECT pubkey, position FROM owners")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.owners = found.owners.saturating_add(1);
        let pubkey: Vec<u8> = row.get(0)?;
        let position: i64 = row.get(1)?;
        match SwarmPubkey::try_from(pubkey.as_slice()) {
            Ok(owner) if signed_position(owner.position().get()) == position => {}
            Ok(_) => found.found("owners at the wrong place in swarm space", 1),
            Err(_) => found.found("malformed owners", 1),
        }
    }
    Ok(())
}

fn check_rules(connection: &Connection, found: &mut Verified) -> Result<(), MaintenanceError> {
    for (what, sql) in RULES {
        let count = number(connection, sql)?;
        found.found(what, count);
    }
    Ok(())
}

/// Whether a message of the second form is in both lists.
fn is_listed(connection: &Connection, id: i64, hash: &str) -> rusqlite::Result<bool> {
    let by_hash = connection
        .prepare_cached("SELECT 1 FROM by_hash WHERE key = ?1 AND id = ?2")?
        .exists([hashes::key(hash), id])?;
    let by_owner = connection
        .prepare_cached(
            "SELECT 1 FROM messages CROSS JOIN by_owner
             ON by_owner.owner = messages.owner AND by_owner.namespace = messages.namespace
             AND by_owner.id = messages.id WHERE messages.id = ?1",
        )?
        .exists([id])?;
    Ok(by_hash && by_owner)
}

/// What the second form has in place of indexes.
fn check_lists(connection: &Connection, found: &mut Verified) -> Result<(), MaintenanceError> {
    if schema::form(connection)? == Form::One {
        for (what, sql) in RULES_ONE {
            let count = number(connection, sql)?;
            found.found(what, count);
        }
        return Ok(());
    }
    let _moment = connection.unchecked_transaction()?;
    let (mut gone, mut owners) = (HashSet::new(), HashSet::new());
    each(connection, "SELECT entries FROM gone", |row| {
        let entries = row.get_ref(0)?.as_blob().unwrap_or_default();
        for Entry { id, owner, .. } in gone::decode(entries) {
            gone.insert(id);
            owners.insert(owner);
        }
        Ok(())
    })?;
    for list in LISTS {
        each(connection, list, |row| {
            if !gone.contains(&row.get(0)?) {
                found.found("entries of messages that are not there", 1);
            }
            Ok(())
        })?;
    }
    // Owners go when their last message is struck off the lists.
    each(
        connection,
        "SELECT id FROM owners
         WHERE NOT EXISTS (SELECT 1 FROM by_owner WHERE owner = owners.id)
         AND id NOT IN (SELECT owner FROM messages
                        WHERE id > (SELECT value FROM numbers WHERE name = 'listed'))",
        |row| {
            if !owners.contains(&row.get(0)?) {
                found.found(OWNERS_ALONE, 1);
            }
            Ok(())
        },
    )?;
    Ok(())
}

fn each(
    connection: &Connection,
    sql: &str,
    mut with: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        with(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use session_types::{Namespace, NamespaceClass};

    use super::*;

    #[test]
    fn sql_knows_the_public_outboxes() {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement = connection
            .prepare("SELECT ?1 < 0 AND -?1 % 20 = 1")
            .unwrap();
        for number in i16::MIN..=i16::MAX {
            let outbox: bool = statement.query_row([number], |row| row.get(0)).unwrap();
            let class = Namespace::new(number).class();
            assert_eq!(outbox, class == NamespaceClass::PublicOutbox, "{number}");
        }
    }
}
