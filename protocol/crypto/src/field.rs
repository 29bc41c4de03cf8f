//! The field of 2^255 − 19, as far as turning a Montgomery u into an Edwards y needs it. The curve
//! library keeps its own to itself and converts points of the curve only, while this conversion is
//! defined for any 32 bytes. All values here are public.

/// Five limbs of 51 bits, each allowed to grow to a little over that between reductions.
#[derive(Clone, Copy)]
struct Element([u64; 5]);

const MASK: u64 = (1 << 51) - 1;

/// y = (u − 1) / (u + 1), encoded with sign bit 0; bit 255 of `u` is ignored. `None` for u = −1.
pub(crate) fn edwards_y_from_montgomery_u(u: &[u8; 32]) -> Option<[u8; 32]> {
    let u = Element::from_bytes(u);
    let below = u.add(&Element::ONE);
    if below.to_bytes() == [0; 32] {
        return None;
    }
    Some(u.sub(&Element::ONE).mul(&below.invert()).to_bytes())
}

/// Whether a compressed Edwards point has a y below 2^255 − 19.
pub(crate) fn is_canonical_y(point: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = point;
    !(*first >= 0xed && last & 0x7f == 0x7f && middle.iter().all(|&byte| byte == 0xff))
}

impl Element {
    const ONE: Self = Self([1, 0, 0, 0, 0]);

    fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut words = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|word| u64::from_le_bytes(*word));
        let [w0, w1, w2, w3] = core::array::from_fn(|_| words.next().unwrap_or_default());
        Self([
            w0 & MASK,
            (w0 >> 51 | w1 << 13) & MASK,
            (w1 >> 38 | w2 << 26) & MASK,
            (w2 >> 25 | w3 << 39) & MASK,
            (w3 >> 12) & MASK,
        ])
    }

    /// The one encoding below 2^255 − 19.
    fn to_bytes(self) -> [u8; 32] {
        // After two passes the value is below 2^255, so that at most one p is too much.
        let [a, b, c, d, e] = Self::carry(Self::carry(self.0));
        // The carry out of adding 19 tells whether the value is at least p.
        let mut over = (a + 19) >> 51;
        over = (b + over) >> 51;
        over = (c + over) >> 51;
        over = (d + over) >> 51;
        over = (e + over) >> 51;
        let a = a + 19 * over;
        let b = b + (a >> 51);
        let c = c + (b >> 51);
        let d = d + (c >> 51);
        let e = e + (d >> 51);
        let [a, b, c, d, e] = [a & MASK, b & MASK, c & MASK, d & MASK, e & MASK];
        let words = [
            a | b << 51,
            b >> 13 | c << 38,
            c >> 26 | d << 25,
            d >> 39 | e << 12,
        ];
        let mut out = [0u8; 32];
        for (slot, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *slot = word.to_le_bytes();
        }
        out
    }

    fn carry([a, b, c, d, e]: [u64; 5]) -> [u64; 5] {
        let b = b + (a >> 51);
        let c = c + (b >> 51);
        let d = d + (c >> 51);
        let e = e + (d >> 51);
        let a = (a & MASK) + 19 * (e >> 51);
        [a, b & MASK, c & MASK, d & MASK, e & MASK]
    }

    fn add(&self, other: &Self) -> Self {
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        Self(Self::carry([a + v, b + w, c + x, d + y, e + z]))
    }

    fn sub(&self, other: &Self) -> Self {
        // Two p are added so that no limb goes below zero.
        const LOW: u64 = 2 * (MASK - 18);
        const HIGH: u64 = 2 * MASK;
        let ([a, b, c, d, e], [v, w, x, y, z]) = (self.0, other.0);
        Self(Self::carry([
            a + LOW - v,
            b + HIGH - w,
            c + HIGH - x,
            d + HIGH - y,
            e + HIGH - z,
        ]))
    }

    fn mul(&self, other: &Self) -> Self {
        let wide = |x: u64, y: u64| u128::from(x) * u128::from(y);
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let [c1, c2, c3, c4] = [19 * b1, 19 * b2, 19 * b3, 19 * b4];
        let r0 = wide(a0, b0) + wide(a1, c4) + wide(a2, c3) + wide(a3, c2) + wide(a4, c1);
        let r1 = wide(a0, b1) + wide(a1, b0) + wide(a2, c4) + wide(a3, c3) + wide(a4, c2);
        let r2 = wide(a0, b2) + wide(a1, b1) + wide(a2, b0) + wide(a3, c4) + wide(a4, c3);
        let r3 = wide(a0, b3) + wide(a1, b2) + wide(a2, b1) + wide(a3, b0) + wide(a4, c4);
        let r4 = wide(a0, b4) + wide(a1, b3) + wide(a2, b2) + wide(a3, b1) + wide(a4, b0);
        let r1 = r1 + (r0 >> 51);
        let r2 = r2 + (r1 >> 51);
        let r3 = r3 + (r2 >> 51);
        let r4 = r4 + (r3 >> 51);
        // With 52-bit limbs every sum stays below 2^111, so this carry fits 64 bits with its 19.
        let a = low(r0) + 19 * u64::try_from(r4 >> 51).unwrap_or_default();
        Self(Self::carry([a, low(r1), low(r2), low(r3), low(r4)]))
    }

    /// The element to the power p − 2.
    fn invert(&self) -> Self {
        // p − 2 = 2^255 − 21: all ones but for bits 2 and 4.
        let mut result = Self::ONE;
        for bit in (0..255).rev() {
            result = result.mul(&result);
            if bit != 2 && bit != 4 {
                result = result.mul(self);
            }
        }
        result
    }
}

/// The lowest 51 bits.
fn low(value: u128) -> u64 {
    u64::try_from(value & u128::from(MASK)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::montgomery::MontgomeryPoint;
    use curve25519_dalek::scalar::Scalar;

    use super::*;

    #[test]
    fn agrees_with_the_curve_library_on_the_curve() {
        for n in 1..200u64 {
            let point = MontgomeryPoint::mul_base(&Scalar::from(n));
            let edwards = point.to_edwards(0).unwrap().compress().to_bytes();
            assert_eq!(
                edwards_y_from_montgomery_u(point.as_bytes()).unwrap(),
                edwards,
                "{n}"
            );
        }
    }

    #[test]
    fn edges_of_the_field() {
        let p_minus = |n: u8| {
            let mut bytes = [0xff; 32];
            bytes[0] = 0xed - n;
            bytes[31] = 0x7f;
            bytes
        };
        assert_eq!(edwards_y_from_montgomery_u(&p_minus(1)), None);
        let mut with_top_bit = p_minus(1);
        with_top_bit[31] = 0xff;
        assert_eq!(edwards_y_from_montgomery_u(&with_top_bit), None);
        // u = 0 and u = p are the same element: y = −1.
        assert_eq!(edwards_y_from_montgomery_u(&[0; 32]), Some(p_minus(1)));
        assert_eq!(edwards_y_from_montgomery_u(&p_minus(0)), Some(p_minus(1)));
        // u = 1: y = 0.
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(edwards_y_from_montgomery_u(&one), Some([0; 32]));

        assert!(is_canonical_y(&p_minus(1)));
        assert!(!is_canonical_y(&p_minus(0)));
        assert!(!is_canonical_y(&[0xff; 32]));
        assert!(is_canonical_y(&[0; 32]));
    }
}
