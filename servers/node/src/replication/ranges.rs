//! Which part of swarm space a swarm keeps.

use session_types::SwarmId;

use crate::store::SwarmRange;

/// The arc of positions that belong to `swarm`, one of the ascending `swarms`
/// (docs/protocol/node.md section 3.2): from the middle to its lower neighbour, that point
/// excluded, to the middle to its upper neighbour, that point included.
pub(crate) fn owned_range(swarms: &[SwarmId], swarm: SwarmId) -> Option<SwarmRange> {
    let index = swarms.binary_search(&swarm).ok()?;
    let own = swarm.get();
    let before = index
        .checked_sub(1)
        .and_then(|i| swarms.get(i))
        .or_else(|| swarms.last())?;
    let after = index
        .checked_add(1)
        .and_then(|i| swarms.get(i))
        .or_else(|| swarms.first())?;
    let below = own.wrapping_sub(before.get()).div_ceil(2);
    let above = after.get().wrapping_sub(own) / 2;
    Some(SwarmRange {
        first: own.wrapping_sub(below).wrapping_add(1),
        last: own.wrapping_add(above),
    })
}

/// Whether two arcs share a position.
pub(super) fn overlap(a: SwarmRange, b: SwarmRange) -> bool {
    contains(a, b.first) || contains(b, a.first)
}

fn contains(range: SwarmRange, position: u64) -> bool {
    position.wrapping_sub(range.first) <= range.last.wrapping_sub(range.first)
}

#[cfg(test)]
mod tests {
    use session_types::{SwarmPosition, nearest_swarm};

    use super::*;

    #[test]
    fn ranges_agree_with_the_nearest_swarm() {
        let sets: [&[u64]; 5] = [
            &[100, 200, 300, 399, 498, 596, 694],
            &[0],
            &[u64::MAX - 1],
            &[0, 0x7fff_ffff_ffff_ffff],
            &[0x4000_0000_0000_0000, 0xc000_0000_0000_0001],
        ];
        for set in sets {
            let swarms: Vec<SwarmId> = set.iter().map(|id| SwarmId::new(*id)).collect();
            let ranges: Vec<_> = swarms
                .iter()
                .map(|id| (*id, owned_range(&swarms, *id).unwrap()))
                .collect();
            let edges = ranges.iter().flat_map(|(_, range)| {
                [
                    range.first,
                    range.last,
                    range.first.wrapping_sub(1),
                    range.last.wrapping_add(1),
                ]
            });
            for position in edges.chain([0, 1, 150, 151, 349, 350, 1 << 63, u64::MAX]) {
                let nearest = nearest_swarm(&swarms, SwarmPosition::new(position)).unwrap();
                let holders: Vec<SwarmId> = ranges
                    .iter()
                    .filter(|(_, range)| contains(*range, position))
                    .map(|(id, _)| *id)
                    .collect();
                assert_eq!(holders, [nearest], "{set:?} {position}");
            }
        }
        assert!(owned_range(&[SwarmId::new(1)], SwarmId::new(2)).is_none());
    }

    #[test]
    fn overlapping_across_the_seam() {
        let range = |first, last| SwarmRange { first, last };
        assert!(overlap(range(u64::MAX - 5, 5), range(3, 10)));
        assert!(overlap(range(3, 10), range(u64::MAX - 5, 5)));
        assert!(!overlap(range(u64::MAX - 5, 5), range(6, 10)));
        assert!(overlap(range(0, u64::MAX), range(7, 7)));
    }
}
