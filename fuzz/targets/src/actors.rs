//! The keys everything in the corpus is sealed to and signed with. They are fixed: a corpus made
//! with other keys would not get past the first check.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{AccountKeys, BlindedId, BlindedKeys, Blinding, Ed25519Secret, X25519Secret};
use session_types::{GroupId, Timestamp, X25519PublicKey};

/// The time at which everything happens.
pub const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

/// The group's encryption key.
pub const GROUP_KEY: [u8; 32] = [0xbb; 32];

/// Who writes.
#[must_use]
pub fn alice() -> AccountKeys {
    AccountKeys::from_seed16([0xa1; 16])
}

/// Who reads.
#[must_use]
pub fn bob() -> AccountKeys {
    AccountKeys::from_seed16([0xb0; 16])
}

/// The group's own secret, which its admins hold.
#[must_use]
pub fn group_admin() -> Ed25519Secret {
    Ed25519Secret::from_seed([3; 32])
}

/// The group.
#[must_use]
pub fn group() -> GroupId {
    GroupId::from_ed25519(*group_admin().public())
}

/// A node: layers are sealed to it, requests are addressed to it.
#[must_use]
pub fn node(number: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed([number; 32])
}

/// The key of a community.
#[must_use]
pub fn server() -> X25519PublicKey {
    *X25519Secret::from_bytes([0x5e; 32]).public()
}

/// The name an account has in the community.
#[must_use]
pub fn blinded(account: &AccountKeys, blinding: Blinding) -> BlindedId {
    *BlindedKeys::new(blinding, account.ed25519(), &server())
        .expect("keys made from a seed can be blinded")
        .id()
}

/// Randomness, the same in every run: a finding must be found again.
#[must_use]
pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([5; 32])
}
