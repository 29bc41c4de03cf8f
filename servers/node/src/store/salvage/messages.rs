//! The messages of a damaged file, and whose they are.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, Row, params};
use session_types::SwarmPubkey;

use super::walk::{Gap, Keyed, from_both_ends, one, walk};
use super::{Taken, Target};
use crate::store::hashes::Stored;
use crate::store::in_flight::NUMBER;
use crate::store::messages::{is_well_formed, signed_position};
use crate::store::recent::{Entry, LISTED, NEWEST};
use crate::store::schema::Form;
use crate::store::{StoreError, gone, hashes, schema};

const OWNERS: Keyed = Keyed {
    table: "owners",
    key: "id",
    columns: "pubkey",
    first: 1,
};

const MESSAGES: Keyed = Keyed {
    table: "messages",
    key: "id",
    columns: "hash, owner, namespace, timestamp, expiry, expiry_set, data",
    first: 1,
};

/// Every index lists the messages a second time: what it has and the table has not is lost. A file
/// has the first and one of the others.
const LISTS: [(&str, &[&str]); 3] = [
    (
        "SELECT id FROM messages INDEXED BY messages_by_expiry",
        &["expiry", "id"],
    ),
    (
        "SELECT id FROM messages INDEXED BY messages_by_owner",
        &["owner", "namespace", "id"],
    ),
    ("SELECT id FROM by_owner", &["owner", "namespace", "id"]),
];

/// An owner, and whether the new file has it already.
struct Owner {
    pubkey: SwarmPubkey,
    written: bool,
}

/// Takes over the messages with their owners.
pub(super) fn copy(source: &Connection, target: &mut Target) -> Result<Taken, StoreError> {
    let mut owners = owners(source)?;
    let mut taken = Taken::default();
    let gaps = walk(source, MESSAGES, &mut |row| {
        take(row, &mut owners, target, &mut taken)
    })?;
    let mut newest = 0;
    if !gaps.is_empty() {
        let (missing, listed) = missing(source, &gaps)?;
        newest = missing.last().copied().unwrap_or(0);
        for id in &missing {
            let found = one(source, MESSAGES, *id, &mut |row| {
                take(row, &mut owners, target, &mut taken)
            })?;
            taken.lost = taken.lost.saturating_add(u64::from(found.is_none()));
        }
        if !listed && missing.is_empty() {
            taken.lost = taken.lost.saturating_add(gaps.len() as u64);
        }
    }
    keep_counting(source, target, newest);
    Ok(taken)
}

/// Takes over one message if it is what it says it is.
fn take(
    row: &Row<'_>,
    owners: &mut HashMap<i64, Owner>,
    target: &mut Target,
    taken: &mut Taken,
) -> rusqlite::Result<()> {
    let read = || -> rusqlite::Result<_> {
        Ok((
            row.get::<_, i64>(0)?,
            hashes::text(row, 1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, i16>(3)?,
            row.get::<_, i64>(4)?,
            row.get::<_, i64>(5)?,
            row.get::<_, bool>(6)?,
            row.get::<_, Vec<u8>>(7)?,
        ))
    };
    let Ok((id, hash, owner, namespace, timestamp, expiry, expiry_set, data)) = read() else {
        taken.lost = taken.lost.saturating_add(1);
        return Ok(());
    };
    let Some(known) = owners.get_mut(&owner).filter(|owner| {
        is_well_formed(&owner.pubkey, namespace, &hash, (timestamp, expiry), &data)
    }) else {
        taken.lost = taken.lost.saturating_add(1);
        return Ok(());
    };
    if !known.written {
        target.write(
            "INSERT OR IGNORE INTO owners (id, pubkey, position) VALUES (?1, ?2, ?3)",
            params![
                owner,
                known.pubkey.to_bytes(),
                signed_position(known.pubkey.position().get())
            ],
        )?;
        known.written = true;
    }
    let new = target.write(
        "INSERT OR IGNORE INTO messages
             (id, hash, owner, namespace, timestamp, expiry, expiry_set, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id,
            Stored::new(Form::Two, &hash),
            owner,
            namespace,
            timestamp,
            expiry,
            expiry_set,
            data
        ],
    )?;
    if new {
        target.list(Entry {
            id,
            key: hashes::key(&hash),
            owner,
            namespace,
        })?;
    }
    taken.saved = taken.saved.saturating_add(u64::from(new));
    Ok(())
}

/// Owners by their number: from the table, and from the index over the keys, which has both too.
fn owners(source: &Connection) -> Result<HashMap<i64, Owner>, StoreError> {
    let mut owners = HashMap::new();
    let mut keys = BTreeSet::new();
    let mut note = |row: &Row<'_>| {
        if let (Ok(id), Ok(pubkey)) = (row.get::<_, i64>(0), row.get::<_, Vec<u8>>(1))
            && let Ok(pubkey) = SwarmPubkey::try_from(pubkey.as_slice())
            // Two numbers for one key: the new file could hold only one of them.
            && (owners.contains_key(&id) || keys.insert(pubkey.to_bytes()))
        {
            owners.entry(id).or_insert(Owner {
                pubkey,
                written: false,
            });
        }
        Ok(())
    };
    if !walk(source, OWNERS, &mut note)?.is_empty() {
        from_both_ends(
            source,
            "SELECT id, pubkey FROM owners",
            &["pubkey"],
            &mut note,
        )?;
    }
    Ok(owners)
}

/// The messages the indexes list inside gaps of the table, and whether one of the indexes could
/// be read to its end.
fn missing(source: &Connection, gaps: &[Gap]) -> Result<(BTreeSet<i64>, bool), StoreError> {
    let mut missing = BTreeSet::new();
    let mut complete = false;
    for (query, order) in LISTS {
        complete |= from_both_ends(source, query, order, &mut |row| {
            if let Ok(id) = row.get::<_, i64>(0)
                && gaps.iter().any(|gap| gap.contains(&id))
            {
                missing.insert(id);
            }
            Ok(())
        })?;
    }
    // Deleted, and not struck off the list of its owner yet.
    from_both_ends(source, "SELECT entries FROM gone", &["id"], &mut |row| {
        if let Ok(bytes) = row.get_ref(0)?.as_blob() {
            for entry in gone::decode(bytes) {
                missing.remove(&entry.id);
            }
        }
        Ok(())
    })?;
    Ok((missing, complete))
}

/// Numbers are never used twice, not even those of messages that are lost.
fn keep_counting(source: &Connection, target: &mut Target, newest: i64) {
    let counted = source
        .query_row(
            "SELECT seq FROM sqlite_sequence WHERE name = 'messages'",
            [],
            |row| row.get(0),
        )
        .unwrap_or(0);
    let noted = [NEWEST, LISTED, NUMBER]
        .map(|name| schema::number(source, name).ok().flatten().unwrap_or(0));
    let newest = noted.into_iter().fold(newest.max(counted), i64::max);
    target.newest = target.newest.max(newest);
}
