//! Reading tables of which some pages cannot be read.

use std::ops::RangeInclusive;

use rusqlite::{Connection, Row, params};

/// What is done with each row. An error is one of the new file and ends everything.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>;

/// A table that is looked up by an integer key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed {
    pub(super) table: &'static str,
    pub(super) key: &'static str,
    /// What is read beside the key, which comes first.
    pub(super) columns: &'static str,
    /// No row has a smaller key.
    pub(super) first: i64,
}

/// Keys between which nothing could be read.
pub(super) type Gap = RangeInclusive<i64>;

/// Hands over every row that can be read, in the order of the keys, and says where there were
/// gaps. A bad page costs its own rows: behind it the reading goes on.
pub(super) fn walk(
    source: &Connection,
    table: Keyed,
    each: Each<'_>,
) -> rusqlite::Result<Vec<Gap>> {
    let mut gaps = Vec::new();
    let mut from = table.first;
    loop {
        let mut last = None;
        let mut note = |row: &Row<'_>, key: i64| {
            last = Some(key);
            each(row)
        };
        match read(source, table, from, &mut note) {
            Pass::Ended => return Ok(gaps),
            Pass::Target(error) => return Err(error),
            Pass::Damaged => {}
        }
        let Some(bad) = last.map_or(Some(from), |key: i64| key.checked_add(1)) else {
            return Ok(gaps);
        };
        let Some(good) = next_readable(source, table, bad) else {
            gaps.push(bad..=i64::MAX);
            return Ok(gaps);
        };
        // Must get on, whatever the file pretends.
        let next = if last.is_none() && good == from {
            good.saturating_add(1)
        } else {
            good
        };
        if next > bad {
            gaps.push(bad..=next.saturating_sub(1));
        }
        if next == i64::MAX {
            return Ok(gaps);
        }
        from = next;
    }
}

/// Hands over the row with this key. `None`: it cannot be read or is not there.
pub(super) fn one(
    source: &Connection,
    table: Keyed,
    key: i64,
    each: Each<'_>,
) -> rusqlite::Result<Option<()>> {
    let Keyed {
        table,
        key: name,
        columns,
        ..
    } = table;
    let sql = format!("SELECT {name}, {columns} FROM {table} WHERE {name} = ?1");
    let Ok(mut statement) = source.prepare_cached(&sql) else {
        return Ok(None);
    };
    let Ok(mut rows) = statement.query(params![key]) else {
        return Ok(None);
    };
    match rows.next() {
        Ok(Some(row)) => each(row).map(Some),
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Hands over the rows of a query from its beginning, and if that does not reach the end, those
/// from its end too. Returns whether everything was read.
///
/// `order` is put behind the query with and without `DESC` after every column.
pub(super) fn from_both_ends(
    source: &Connection,
    query: &str,
    order: &[&str],
    each: Each<'_>,
) -> rusqlite::Result<bool> {
    for direction in ["", " DESC"] {
        let order: Vec<String> = order
            .iter()
            .map(|column| format!("{column}{direction}"))
            .collect();
        let sql = format!("{query} ORDER BY {}", order.join(", "));
        let Ok(mut statement) = source.prepare(&sql) else {
            continue;
        };
        let Ok(mut rows) = statement.query([]) else {
            continue;
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => each(row)?,
                Ok(None) if direction.is_empty() => return Ok(true),
                Ok(None) | Err(_) => break,
            }
        }
    }
    Ok(false)
}

/// How one reading ended.
enum Pass {
    Ended,
    /// The rest cannot be read.
    Damaged,
    /// The new file failed.
    Target(rusqlite::Error),
}

fn read(
    source: &Connection,
    table: Keyed,
    from: i64,
    each: &mut dyn FnMut(&Row<'_>, i64) -> rusqlite::Result<()>,
) -> Pass {
    let Ok(mut statement) = source.prepare_cached(&select(table)) else {
        return Pass::Damaged;
    };
    let Ok(mut rows) = statement.query(params![from]) else {
        return Pass::Damaged;
    };
    let mut least = from;
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                // A file may pretend that its keys are in any order.
                let Some(key) = row.get(0).ok().filter(|key: &i64| *key >= least) else {
                    return Pass::Damaged;
                };
                least = key.saturating_add(1);
                if let Err(error) = each(row, key) {
                    return Pass::Target(error);
                }
            }
            Ok(None) => return Pass::Ended,
            Err(_) => return Pass::Damaged,
        }
    }
}

/// The smallest key behind `bad` from which a row can be read, or from which on there is none.
///
/// Doubles the step until the reading succeeds and then halves it: a damaged page covers one
/// stretch of keys.
fn next_readable(source: &Connection, table: Keyed, bad: i64) -> Option<i64> {
    if readable(source, table, bad) {
        return Some(bad);
    }
    let mut low = bad;
    let mut step = 1i64;
    let mut high = loop {
        let key = low.saturating_add(step);
        if readable(source, table, key) {
            break key;
        }
        if key == i64::MAX {
            return None;
        }
        low = key;
        step = step.saturating_mul(2);
    };
    while high.abs_diff(low) > 1 {
        // Cannot leave the range between the two.
        let middle = low.saturating_add_unsigned(high.abs_diff(low) / 2);
        if readable(source, table, middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

fn readable(source: &Connection, table: Keyed, from: i64) -> bool {
    let sql = format!("{} LIMIT 1", select(table));
    let Ok(mut statement) = source.prepare_cached(&sql) else {
        return false;
    };
    let Ok(mut rows) = statement.query(params![from]) else {
        return false;
    };
    match rows.next() {
        Ok(Some(row)) => row.get(0).is_ok_and(|key: i64| key >= from),
        Ok(None) => true,
        Err(_) => false,
    }
}

fn select(table: Keyed) -> String {
    let Keyed {
        table,
        key,
        columns,
        ..
    } = table;
    format!("SELECT {key}, {columns} FROM {table} WHERE {key} >= ?1 ORDER BY {key}")
}
