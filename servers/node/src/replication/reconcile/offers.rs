//! What has been put on a member's delivery list because of a comparison.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::store::Element;

/// Messages remembered for one member.
const MAX_OFFERS: usize = 16_384;
/// Longest pause, as a number of doublings of the first.
const MAX_DOUBLINGS: u32 = 6;

/// Messages offered to one member. One that does not stay there was deleted by its owner, and the
/// deletion has not come here yet: offering it every minute would send it in vain every minute.
#[derive(Debug, Default)]
pub(super) struct Offers {
    made: HashMap<[u8; 8], Offer>,
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    times: u32,
    next: Instant,
}

impl Offers {
    /// Whether a message is to be offered now. The pause after a first offer is `first`; it
    /// doubles with each further one.
    pub(super) fn take(&mut self, element: &Element, now: Instant, first: Duration) -> bool {
        let Some(key) = element.last_chunk() else {
            return true;
        };
        if let Some(offer) = self.made.get_mut(key) {
            if now < offer.next {
                return false;
            }
            offer.next = now + first.saturating_mul(1 << offer.times.min(MAX_DOUBLINGS));
            offer.times = offer.times.saturating_add(1);
        } else if self.made.len() < MAX_OFFERS {
            let next = now + first;
            self.made.insert(*key, Offer { times: 1, next });
        }
        true
    }

    /// Both hold the same: whatever was offered has arrived, or is gone.
    pub(super) fn clear(&mut self) {
        self.made.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stay_is_offered_ever_more_rarely() {
        let first = Duration::from_secs(60);
        let start = Instant::now();
        let mut offers = Offers::default();
        let mut taken = Vec::new();
        for minute in 0..200u32 {
            let now = start + first * minute;
            if offers.take(&[1; 32], now, first) {
                taken.push(minute);
            }
            if minute == 0 {
                assert!(!offers.take(&[1; 32], now, first));
                assert!(offers.take(&[2; 32], now, first), "another message");
            }
        }
        assert_eq!(taken, [0, 1, 3, 7, 15, 31, 63, 127, 191]);
        offers.clear();
        assert!(offers.take(&[1; 32], start, first));
    }

    #[test]
    fn memory_is_bounded() {
        let mut offers = Offers::default();
        let now = Instant::now();
        for number in 0..20_000u32 {
            let mut element = [0; 32];
            element[28..].copy_from_slice(&number.to_le_bytes());
            assert!(offers.take(&element, now, Duration::from_secs(60)));
        }
        assert_eq!(offers.made.len(), MAX_OFFERS);
    }
}
