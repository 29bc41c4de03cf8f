//! Swarm space: a ring of 2^64 positions on which swarms and owners lie.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Where an owner lies on the ring; see [`crate::SwarmPubkey::position`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwarmPosition(u64);

impl SwarmPosition {
    /// Any value is a position.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The id of a swarm, which is also its place on the ring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SwarmId(u64);

impl SwarmId {
    /// What a node without a swarm reports: 2^64 − 1.
    pub const UNASSIGNED: Self = Self(u64::MAX);

    /// The largest id a swarm can have: 2^64 − 2.
    pub const MAX: Self = Self(u64::MAX - 1);

    /// Wraps an id.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether this names a swarm at all.
    #[must_use]
    pub const fn is_assigned(self) -> bool {
        self.0 != u64::MAX
    }
}

impl fmt::Display for SwarmId {
    /// Hex without leading zeros, as in `get_swarm` answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for SwarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SwarmId({:x})", self.0)
    }
}

/// The swarm that holds `position`: the nearest id on the ring, the lower one on a tie
/// (docs/protocol/node.md section 3.2).
///
/// `sorted` must be ascending and free of [`SwarmId::UNASSIGNED`]. `None` when it is empty.
#[must_use]
pub fn nearest_swarm(sorted: &[SwarmId], position: SwarmPosition) -> Option<SwarmId> {
    let first = *sorted.first()?;
    let last = *sorted.last()?;
    let index = sorted.partition_point(|id| id.0 < position.0);
    let right = sorted.get(index).copied().unwrap_or(first);
    let left = index
        .checked_sub(1)
        .and_then(|i| sorted.get(i))
        .copied()
        .unwrap_or(last);
    let to_right = right.0.wrapping_sub(position.0);
    let to_left = position.0.wrapping_sub(left.0);
    Some(if to_right < to_left { right } else { left })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(position: u64) -> u64 {
        let swarms = [100, 200, 300, 399, 498, 596, 694].map(SwarmId::new);
        nearest_swarm(&swarms, SwarmPosition::new(position))
            .unwrap()
            .get()
    }

    #[test]
    fn table_of_the_specification() {
        let table = [
            (50, 100),
            (150, 100),
            (151, 200),
            (349, 300),
            (350, 399),
            (448, 399),
            (449, 498),
            (546, 498),
            (547, 498),
            (548, 596),
            (645, 596),
            (646, 694),
            (1 << 63, 694),
            (0x8000_0000_0000_018d, 694),
            (0x8000_0000_0000_018e, 100),
            (0xa000_0000_0000_0000, 100),
            (u64::MAX, 100),
        ];
        for (position, swarm) in table {
            assert_eq!(chosen(position), swarm, "position {position}");
        }
    }

    #[test]
    fn none_and_one() {
        assert_eq!(nearest_swarm(&[], SwarmPosition::new(5)), None);
        let only = SwarmId::new(7);
        for position in [0, 6, 7, 8, u64::MAX] {
            assert_eq!(
                nearest_swarm(&[only], SwarmPosition::new(position)),
                Some(only)
            );
        }
    }
}
