//! What changed between two states of a list.

use core::hash::{Hash, Hasher as _};
use std::collections::BTreeMap;
use std::hash::DefaultHasher;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One change of a list. Positions are those of the list as the changes before have left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
#[schemars(rename = "{T}Op")]
pub enum Op<T> {
    /// The list is this one from now on.
    Reset {
        /// All items.
        items: Vec<T>,
    },
    /// Items go and others come in their place.
    Splice {
        /// Where.
        at: usize,
        /// So many items go.
        remove: usize,
        /// These come.
        insert: Vec<T>,
    },
    /// An item is another one now.
    Set {
        /// Where.
        at: usize,
        /// The new one, of the same id.
        item: T,
    },
}

/// An item of a list that is shown.
pub trait Row: Clone {
    /// What names an item.
    type Id: Ord;

    /// Names the item as long as it is shown; no two items of a list have the same.
    fn id(&self) -> Self::Id;

    /// Changes whenever anything of the item does.
    fn rev(&self) -> u64;
}

/// A change does not fit the list it was applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a change names a place that is not in the list")]
pub struct BadOp;

/// The fewest insertions and removals that lead from `old` to `new`, in the order of places.
#[must_use]
pub fn diff<T: Row>(old: &[T], new: &[T]) -> Vec<Op<T>> {
    let places: BTreeMap<T::Id, usize> = old
        .iter()
        .enumerate()
        .map(|(at, item)| (item.id(), at))
        .collect();
    // For each new item its place in the old list.
    let origin: Vec<Option<usize>> = new
        .iter()
        .map(|item| places.get(&item.id()).copied())
        .collect();
    let stay = longest_rising(&origin);
    if stay.is_empty() && !old.is_empty() && !new.is_empty() {
        return vec![Op::Reset {
            items: new.to_vec(),
        }];
    }
    let mut ops = Vec::new();
    let (mut from, mut to) = (0, 0);
    for (old_at, new_at) in stay {
        splice(&mut ops, to, old_at - from, new.get(to..new_at));
        if let (Some(before), Some(item)) = (old.get(old_at), new.get(new_at))
            && before.rev() != item.rev()
        {
            ops.push(Op::Set {
                at: new_at,
                item: item.clone(),
            });
        }
        (from, to) = (old_at + 1, new_at + 1);
    }
    splice(&mut ops, to, old.len() - from, new.get(to..));
    ops
}

fn splice<T: Clone>(ops: &mut Vec<Op<T>>, at: usize, remove: usize, insert: Option<&[T]>) {
    let insert = insert.unwrap_or_default().to_vec();
    if remove > 0 || !insert.is_empty() {
        ops.push(Op::Splice { at, remove, insert });
    }
}

/// Items that keep their order: pairs of old and new place, both rising, as many as possible.
fn longest_rising(origin: &[Option<usize>]) -> Vec<(usize, usize)> {
    // For each length the run of that length whose end is lowest: old place, new place.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    // For each new place the new place before it in its run.
    let mut before: Vec<Option<usize>> = vec![None; origin.len()];
    for (new_at, old_at) in origin.iter().enumerate() {
        let Some(old_at) = *old_at else { continue };
        let length = ends.partition_point(|(end, _)| *end < old_at);
        if let Some(before) = before.get_mut(new_at) {
            let previous = length.checked_sub(1).and_then(|at| ends.get(at));
            *before = previous.map(|(_, new_at)| *new_at);
        }
        match ends.get_mut(length) {
            Some(end) => *end = (old_at, new_at),
            None => ends.push((old_at, new_at)),
        }
    }
    let mut run = Vec::new();
    let mut at = ends.last().map(|(_, new_at)| *new_at);
    while let Some(new_at) = at {
        run.extend(
            origin
                .get(new_at)
                .copied()
                .flatten()
                .map(|old_at| (old_at, new_at)),
        );
        at = before.get(new_at).copied().flatten();
    }
    run.reverse();
    run
}

/// Applies changes to a list, as a front end does.
///
/// # Errors
/// [`BadOp`] when a change does not fit; the list is then to be read anew.
pub fn apply<T: Clone>(list: &mut Vec<T>, ops: &[Op<T>]) -> Result<(), BadOp> {
    for op in ops {
        match op {
            Op::Reset { items } => list.clone_from(items),
            Op::Splice { at, remove, insert } => {
                let end = at
                    .checked_add(*remove)
                    .filter(|end| *end <= list.len())
                    .ok_or(BadOp)?;
                drop(list.splice(*at..end, insert.iter().cloned()));
            }
            Op::Set { at, item } => *list.get_mut(*at).ok_or(BadOp)? = item.clone(),
        }
    }
    Ok(())
}

/// A number that is another one when anything of `shown` is; exact in JavaScript.
pub(super) fn revision(shown: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    shown.hash(&mut hasher);
    hasher.finish() >> 12
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, subsequence};

    use super::*;

    impl Row for (u16, u64) {
        type Id = u16;

        fn id(&self) -> u16 {
            self.0
        }

        fn rev(&self) -> u64 {
            self.1
        }
    }

    type List = Vec<(u16, u64)>;

    /// A list of different ids in any order.
    fn list() -> impl Strategy<Value = List> {
        let ids: Vec<u16> = (0..60).collect();
        subsequence(ids, 0..=60)
            .prop_shuffle()
            .prop_flat_map(|ids| {
                let length = ids.len();
                let revs = prop::collection::vec(0..3u64, length);
                (Just(ids), revs)
            })
            .prop_map(|(ids, revs)| ids.into_iter().zip(revs).collect())
    }

    fn weight(ops: &[Op<(u16, u64)>]) -> usize {
        ops.iter()
            .map(|op| match op {
                Op::Reset { items } => items.len(),
                Op::Splice { remove, insert, .. } => remove + insert.len(),
                Op::Set { .. } => 1,
            })
            .sum()
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_the_old_list_to_the_new(old in list(), new in list()) {
            let ops = diff(&old, &new);
            let mut applied = old.clone();
            apply(&mut applied, &ops).unwrap();
            prop_assert_eq!(&applied, &new);
            prop_assert!(weight(&ops) <= old.len() + new.len());
            prop_assert!(diff(&new, &new).is_empty());
        }

        #[test]
        fn a_small_change_makes_small_changes(
            old in list(),
            from in any::<Index>(),
            to in any::<Index>(),
            change in 0..4,
        ) {
            let mut new = old.clone();
            match change {
                0 => new.insert(from.index(new.len() + 1), (1000, 0)),
                _ if new.is_empty() => {}
                1 => drop(new.remove(from.index(new.len()))),
                2 => {
                    let at = from.index(new.len());
                    new[at].1 += 1;
                }
                _ => {
                    let item = new.remove(from.index(new.len()));
                    new.insert(to.index(new.len() + 1), item);
                }
            }
            let ops = diff(&old, &new);
            prop_assert!(weight(&ops) <= 2, "{:?}", ops);
            prop_assert!(ops.len() <= 2);
            let mut applied = old;
            apply(&mut applied, &ops).unwrap();
            prop_assert_eq!(applied, new);
        }

        #[test]
        fn changes_that_do_not_fit_are_refused(at in 0..100usize, remove in 0..100usize) {
            let mut list = vec![(1, 1); 5];
            let fits = at <= 5 && at + remove <= 5;
            let op = Op::Splice { at, remove, insert: vec![(2, 2)] };
            prop_assert_eq!(apply(&mut list, &[op]).is_ok(), fits);
            prop_assert_eq!(apply(&mut vec![(1, 1); 5], &[Op::Set { at, item: (3, 3) }]).is_ok(), at < 5);
        }
    }

    #[test]
    fn a_whole_new_list_is_said_to_be_one() {
        let ops = diff(&[(1, 0), (2, 0)], &[(3, 0)]);
        assert_eq!(
            ops,
            [Op::Reset {
                items: vec![(3, 0)]
            }]
        );
        assert_eq!(
            diff(&[(1, 0)], &[]),
            [Op::Splice {
                at: 0,
                remove: 1,
                insert: vec![]
            }]
        );
        let huge = Op::Splice {
            at: usize::MAX,
            remove: usize::MAX,
            insert: vec![],
        };
        assert_eq!(apply(&mut vec![(1, 0)], &[huge]), Err(BadOp));
    }

    #[test]
    fn revisions_are_exact_in_javascript() {
        assert_ne!(revision(&(1, "a")), revision(&(1, "b")));
        assert!((0..1000).all(|n: u32| revision(&n) < 1 << 53));
    }
}
