//! Session Pro: proofs of a subscription that any client checks by itself (docs/protocol/crypto.md
//! section 17, docs/protocol/pro.md sections 1, 2 and 6).
//!
//! Two generations of proofs exist, which differ in every signed byte: [`Proof`] is the newer,
//! [`Proof2025`] that of clients from 2025 to April 2026. A proof binds a *rotating* key, which then
//! signs messages, to a subscription that only the backend knows.

mod proof;

use core::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use rand_core::CryptoRng;
use session_types::Signature;
use zeroize::Zeroizing;

pub use proof::{Proof, Proof2025, ProofStatus};

use crate::Ed25519Secret;
use crate::hash::{blake2b_keyed, blake2b_keyed_personal};

/// How long one rotating key is used, in seconds: a week.
pub const ROTATION_SECONDS: u64 = 604_800;

/// Characters (Unicode code points) of a message without Pro.
pub const MAX_CHARACTERS: usize = 2_000;

/// Characters of a message with Pro.
pub const MAX_CHARACTERS_PRO: usize = 10_000;

/// Pinned conversations without Pro.
pub const MAX_PINNED: usize = 5;

const MASTER_KEY: &[u8] = b"SessionProRandom";
const ROTATING_PERSONAL: &[u8; 16] = b"ProRotatingSeed_";

/// The key an account subscribes with: Ed25519 from B2b-32(seed; key `SessionProRandom`).
#[must_use]
pub fn master_key(account: &Ed25519Secret) -> Ed25519Secret {
    Ed25519Secret::from_seed(blake2b_keyed(MASTER_KEY, &[account.seed()]))
}

/// When the rotating key that is in use at `unix_seconds` began to be used.
#[must_use]
pub const fn rotation_start(unix_seconds: u64) -> u64 {
    unix_seconds - unix_seconds % ROTATION_SECONDS
}

/// The rotating key of the week of `unix_seconds`: every device of the account has the same.
#[must_use]
pub fn rotating_key(master: &Ed25519Secret, unix_seconds: u64) -> Ed25519Secret {
    let start = rotation_start(unix_seconds).to_string();
    Ed25519Secret::from_seed(blake2b_keyed_personal(
        &[],
        ROTATING_PERSONAL,
        &[master.seed(), start.as_bytes()],
    ))
}

/// What stands for the signature in an envelope without Pro, so that all look alike
/// (docs/protocol/crypto.md section 17).
///
/// | Offset | Length | Content |
/// |---|---|---|
/// | 0 | 32 | a random point of the prime-order group |
/// | 32 | 32 | a random scalar from 1 to L − 1 |
pub fn decoy_signature(rng: &mut dyn CryptoRng) -> Signature {
    let point = EdwardsPoint::mul_base(&random_scalar(rng)).compress();
    let scalar = random_scalar(rng);
    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(point.as_bytes());
    second.copy_from_slice(scalar.as_bytes());
    Signature::new(signature)
}

/// A scalar from 1 to L − 1, drawn again until it is one.
fn random_scalar(rng: &mut dyn CryptoRng) -> Zeroizing<Scalar> {
    loop {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        let [.., last] = &mut bytes;
        *last &= 0x1f;
        let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes));
        if let Some(scalar) = scalar.filter(|scalar| *scalar != Scalar::ZERO) {
            return Zeroizing::new(scalar);
        }
    }
}

macro_rules! bitset {
    ($(#[$doc:meta])* $name:ident { $($(#[$flag_doc:meta])* $flag:ident = $bit:literal),+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(u64);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: Self = Self(1 << $bit);)+

            /// From the wire; bits of later versions are kept.
            #[must_use]
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits)
            }

            /// For the wire.
            #[must_use]
            pub const fn bits(self) -> u64 {
                self.0
            }

            /// Both sets together.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether everything in `other` is in this set too.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether nothing is in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }
    };
}

bitset! {
    /// What a profile makes use of.
    ProfileFeatures {
        /// The badge beside the name.
        BADGE = 0,
        /// A display picture that moves.
        ANIMATED_PICTURE = 1
    }
}

bitset! {
    /// What a message makes use of.
    MessageFeatures {
        /// More than [`MAX_CHARACTERS`] characters.
        LONG_TEXT = 0
    }
}

impl MessageFeatures {
    /// What a text needs; `None` when it is too long even with Pro.
    #[must_use]
    pub fn for_text(text: &str) -> Option<Self> {
        match text
            .chars()
            .take(MAX_CHARACTERS_PRO.saturating_add(1))
            .count()
        {
            0..=MAX_CHARACTERS => Some(Self::default()),
            n if n <= MAX_CHARACTERS_PRO => Some(Self::LONG_TEXT),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn unhex(text: &str) -> [u8; 32] {
        HEXLOWER
            .decode(text.as_bytes())
            .unwrap()
            .try_into()
            .unwrap()
    }

    /// docs/protocol/crypto.md section 17 and docs/protocol/pro.md section 2.
    #[test]
    fn keys_of_the_specification() {
        let account = Ed25519Secret::from_seed(unhex(
            "0123456789abcdef0123456789abcdef00000000000000000000000000000000",
        ));
        assert_eq!(
            master_key(&account).public().to_hex(),
            "927f363176866665e0c5c87d006c9a4a311bec55b393d35a8b5aee2534d391a8"
        );
        let account = Ed25519Secret::from_seed(unhex(
            "e5481635020d6f7b327e94e6d63e33a431fccabc4d2775845c43a8486a9f2884",
        ));
        let master = master_key(&account);
        assert_eq!(
            HEXLOWER.encode(master.seed()),
            "a4ec87e2346b25ee6394211cb682640a09dd8d297016fe241fe5b06fefef416c"
        );
        assert_eq!(
            master.public().to_hex(),
            "b6d20c075eddd2edb69d4d7da9b7e580f187ce0537585da2b5e454b77980d0c8"
        );
        assert_eq!(rotation_start(1_700_000_000), 1_699_488_000);
        assert_eq!(
            HEXLOWER.encode(rotating_key(&master, 1_700_000_000).seed()),
            "36f1205b7badb65b44a74134fc85d5c09e10ca7c2f60eb1ea2282b5cabd7eda8"
        );
    }

    #[test]
    fn features_of_texts() {
        let text = |n: usize| MessageFeatures::for_text(&"é".repeat(n));
        assert_eq!(text(0), Some(MessageFeatures::default()));
        assert_eq!(text(2_000), Some(MessageFeatures::default()));
        assert_eq!(text(2_001), Some(MessageFeatures::LONG_TEXT));
        assert_eq!(text(10_000), Some(MessageFeatures::LONG_TEXT));
        assert_eq!(text(10_001), None);
        let both = ProfileFeatures::BADGE.with(ProfileFeatures::ANIMATED_PICTURE);
        assert_eq!(
            (both.bits(), both.contains(ProfileFeatures::BADGE)),
            (3, true)
        );
        assert!(ProfileFeatures::default().is_empty());
    }
}
