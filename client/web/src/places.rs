//! How many connections there are at a time, and which one goes when another comes.
//!
//! Every program of this computer can connect, whoever's it is. So nobody is turned away for want
//! of a place: among those who have shown no key, the one that asked nothing for the longest time
//! goes. Whoever holds places keeps nobody out, and a page that has shown its key stays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections open at a time; a browser needs a handful.
const MOST: usize = 64;
/// How many of these stay because they have shown a key.
const MOST_KNOWN: usize = 32;

/// All places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Arc<Mutex<Room>>);

#[derive(Debug, Default)]
struct Room {
    /// The number the next who comes or asks gets.
    turn: u64,
    /// Those without a key by the time they asked last, and what tells them that they must go.
    strangers: BTreeMap<u64, CancellationToken>,
    known: usize,
}

/// A place among the connections, kept by the request's handler if it outlives the connection.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    standing: Mutex<Standing>,
    lost: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Known,
    Stranger { turn: u64 },
}

impl Places {
    /// Makes a place, and room for it if all are taken.
    pub(crate) fn enter(&self) -> Arc<Place> {
        let lost = CancellationToken::new();
        let mut room = self.lock();
        if room.strangers.len() + room.known >= MOST
            && let Some((_, longest)) = room.strangers.pop_first()
        {
            longest.cancel();
        }
        let turn = room.add(lost.clone());
        drop(room);
        Arc::new(Place {
            places: self.clone(),
            standing: Mutex::new(Standing::Stranger { turn }),
            lost,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn add(&mut self, lost: CancellationToken) -> u64 {
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        self.strangers.insert(turn, lost);
        turn
    }
}

impl Place {
    /// It asked something: others have been quiet for longer now.
    pub(crate) fn asked(&self) {
        self.change(|room, lost| Standing::Stranger {
            turn: room.add(lost),
        });
    }

    /// It has shown a key: it is the user's, and stays.
    pub(crate) fn known(&self) {
        self.change(|room, lost| {
            if room.known < MOST_KNOWN {
                room.known += 1;
                Standing::Known
            } else {
                Standing::Stranger {
                    turn: room.add(lost),
                }
            }
        });
    }

    /// Cancelled when it must make room for another.
    pub(crate) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Gives a stranger another standing. One that has lost its place gets none back.
    fn change(&self, next: impl FnOnce(&mut Room, CancellationToken) -> Standing) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = self.places.lock();
        if let Standing::Stranger { turn } = *standing
            && let Some(lost) = room.strangers.remove(&turn)
        {
            *standing = next(&mut room, lost);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let standing = self
            .standing
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let mut room = self.places.lock();
        match *standing {
            Standing::Known => room.known = room.known.saturating_sub(1),
            Standing::Stranger { turn } => {
                room.strangers.remove(&turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(places: &[Arc<Place>]) -> Vec<usize> {
        let lost = places.iter().enumerate();
        lost.filter(|(_, place)| place.lost.is_cancelled())
            .map(|(at, _)| at)
            .collect()
    }

    /// Who stays, and who may have to go.
    fn counts(places: &Places) -> (usize, usize) {
        let room = places.lock();
        (room.known, room.strangers.len())
    }

    #[test]
    fn the_one_that_was_quiet_for_longest_makes_room() {
        let places = Places::default();
        let mut all: Vec<_> = (0..MOST).map(|_| places.enter()).collect();
        assert!(lost(&all).is_empty());
        all[0].asked();
        all[1].known();
        all.push(places.enter());
        all.push(places.enter());
        assert_eq!(lost(&all), [2, 3]);
        // Who is gone leaves room, and whoever lost a place gets none back by asking.
        all[2].asked();
        all[3].known();
        all.remove(5);
        all.push(places.enter());
        assert_eq!(lost(&all), [2, 3]);
        for _ in 0..2 * MOST {
            drop(places.enter());
        }
        assert!(!all[1].lost.is_cancelled());
        assert_eq!(counts(&places), (1, 62));
    }

    #[test]
    fn strangers_always_have_room_and_nothing_is_counted_twice() {
        let places = Places::default();
        let known: Vec<_> = (0..2 * MOST).map(|_| places.enter()).collect();
        for place in known.iter().rev() {
            place.known();
            place.known();
        }
        assert_eq!(counts(&places), (MOST_KNOWN, MOST - MOST_KNOWN));
        let stranger = places.enter();
        assert_eq!(counts(&places), (MOST_KNOWN, MOST - MOST_KNOWN));
        assert!(!stranger.lost.is_cancelled());
        drop(known);
        drop(stranger);
        assert_eq!(counts(&places), (0, 0));
    }
}
