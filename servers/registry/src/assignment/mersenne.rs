//! The generator the swarm assignment draws from: MT19937-64 with standard parameters, fixed by
//! consensus (docs/protocol/node.md section 4.3). Not for secrets.

/// Words of state.
const N: usize = 312;
/// Distance of the word mixed in.
const M: usize = 156;
const UPPER: u64 = 0xffff_ffff_8000_0000;
const LOWER: u64 = 0x7fff_ffff;
const TWIST: u64 = 0xb502_6f5a_a966_19e9;
const SEEDING: u64 = 6_364_136_223_846_793_005;

/// A Mersenne Twister of 64-bit words.
#[derive(Clone)]
pub(super) struct Mersenne {
    state: Box<[u64; N]>,
    next: usize,
}

impl Mersenne {
    /// Seeded by one value.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = Box::new([0; N]);
        let mut previous = seed;
        for (i, slot) in (0u64..).zip(state.iter_mut()) {
            if i > 0 {
                previous = SEEDING
                    .wrapping_mul(previous ^ (previous >> 62))
                    .wrapping_add(i);
            }
            *slot = previous;
        }
        Self { state, next: N }
    }

    /// The next word.
    pub(super) fn next_u64(&mut self) -> u64 {
        if self.next >= N {
            self.refill();
        }
        let mut x = self.word(self.next);
        self.next += 1;
        x ^= (x >> 29) & 0x5555_5555_5555_5555;
        x ^= (x << 17) & 0x71d6_7fff_eda6_0000;
        x ^= (x << 37) & 0xfff7_eee0_0000_0000;
        x ^ (x >> 43)
    }

    /// An even choice among `0..n`; 0 when `n` is 0. A choice among one draws too: the words
    /// used up are part of what all parties must agree on.
    pub(super) fn uniform(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n == 0 {
            return 0;
        }
        let limit = u64::MAX - (u64::MAX % n);
        loop {
            let x = self.next_u64();
            if x < limit {
                return usize::try_from(x / (limit / n)).unwrap_or(0);
            }
        }
    }

    fn refill(&mut self) {
        for i in 0..N {
            let x = (self.word(i) & UPPER) | (self.word((i + 1) % N) & LOWER);
            let twist = if x & 1 == 0 { 0 } else { TWIST };
            let mixed = self.word((i + M) % N) ^ (x >> 1) ^ twist;
            if let Some(slot) = self.state.get_mut(i) {
                *slot = mixed;
            }
        }
        self.next = 0;
    }

    fn word(&self, index: usize) -> u64 {
        self.state.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The C++ standard fixes the 10 000th output of the generator seeded with 5489.
    #[test]
    fn ten_thousandth_output_of_the_standard_seed() {
        let mut generator = Mersenne::new(5489);
        let last = (0..10_000).map(|_| generator.next_u64()).last();
        assert_eq!(last, Some(9_981_545_732_273_789_042));
    }

    #[test]
    fn uniform_covers_its_range_and_nothing_else() {
        let mut generator = Mersenne::new(1);
        for n in [2usize, 3, 7, 100] {
            let mut seen = vec![0u32; n];
            for _ in 0..n * 200 {
                seen[generator.uniform(n)] += 1;
            }
            assert!(
                seen.iter().all(|count| (120..300).contains(count)),
                "{n}: {seen:?}"
            );
        }
    }

    #[test]
    fn a_choice_among_one_uses_up_a_word_and_one_among_none_does_not() {
        let (mut one, mut other) = (Mersenne::new(5), Mersenne::new(5));
        assert_eq!(one.uniform(1), 0);
        other.next_u64();
        assert_eq!(one.uniform(0), 0);
        assert_eq!(one.next_u64(), other.next_u64());
    }
}
