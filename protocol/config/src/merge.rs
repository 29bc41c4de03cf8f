//! Making one version out of several (docs/protocol/config.md section 5.2).
//!
//! The result depends on the set of messages alone, not on their order or on who merges, so that
//! devices which have seen the same messages arrive at the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::message::{Draft, Lagged, Message, in_window, seqno_after};

/// What several versions come down to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// One of them holds all the others; its index.
    Adopted(usize),
    /// None does: a new version, whose diff is empty as it stands.
    Merged(Draft),
}

/// Finds the version that the messages come down to; `None` when there are none. Who `may_merge`
/// not takes the greatest instead of making a new one.
pub(crate) fn resolve(messages: &[&Message], may_merge: bool, lag: i64) -> Option<Outcome> {
    let newest = messages.iter().map(|message| message.seqno).max()?;
    // No message names itself among its lagged diffs, they are all of lower numbers.
    let superseded: BTreeSet<(i64, &[u8; 32])> = messages
        .iter()
        .flat_map(|message| &message.lagged)
        .map(|lagged| (lagged.seqno, &lagged.hash))
        .collect();
    let mut seen = BTreeSet::new();
    let mut heads: Vec<(usize, &Message)> = messages
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, message)| {
            let id = (message.seqno, message.hash());
            seen.insert(id)
                && !superseded.contains(&id)
                && message.seqno.saturating_add(lag) > newest
        })
        .collect();
    heads.sort_by_key(|(_, message)| (message.seqno, *message.hash()));
    heads.reverse();
    let (first_index, first) = *heads.first()?;
    if heads.len() == 1 || !may_merge {
        return Some(Outcome::Adopted(first_index));
    }

    // Every change that some message knows of, in the order they are repeated, each with the
    // message its values come from: the highest that has it.
    let mut replay = BTreeMap::new();
    for (_, message) in &heads {
        replay
            .entry((message.seqno, *message.hash()))
            .or_insert((*message, &message.diff));
        for lagged in &message.lagged {
            replay
                .entry((lagged.seqno, lagged.hash))
                .or_insert((*message, &lagged.diff));
        }
    }
    let seqno = seqno_after(newest);
    let mut data = Arc::clone(&first.data);
    let mut lagged = Vec::new();
    let changed = Arc::make_mut(&mut data);
    for ((entry, hash), (source, diff)) in replay {
        diff.apply(changed, &source.data);
        if in_window(entry, seqno, lag) {
            lagged.push(Lagged {
                seqno: entry,
                hash,
                diff: Arc::clone(diff),
            });
        }
    }
    changed.prune();
    Some(Outcome::Merged(Draft {
        seqno,
        original: Arc::clone(&data),
        data,
        lagged,
        unknown: Arc::default(),
    }))
}
