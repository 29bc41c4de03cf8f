//! A simulated network and a client in virtual time.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers of several test files"
)]

use core::time::Duration;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_onion::paths::{
    Outcome, Path, PathConfig, PathManager, PathRequest, PersistedPaths, Purpose,
};
use session_types::{
    AccountId, Ed25519PublicKey, LegacyPublicKey, NodeContact, SwarmId, SwarmPubkey, Timestamp,
    X25519PublicKey,
};

pub(crate) const START: Timestamp = Timestamp::from_ms(1_700_000_000_000);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn key(i: usize) -> Ed25519PublicKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(i as u64).to_be_bytes());
    Ed25519PublicKey::new(bytes)
}

pub(crate) fn node(i: usize, ip: Ipv4Addr) -> NodeContact {
    NodeContact {
        ed25519: key(i),
        x25519: X25519PublicKey::new(*key(i).as_bytes()),
        legacy: LegacyPublicKey::new(*key(i).as_bytes()),
        ip,
        https_port: 20_000,
        omq_port: 20_001,
        swarm: SwarmId::new(i as u64 / 7),
    }
}

/// All on one address, as on a private network; two swarms by parity.
pub(crate) fn loopback(count: usize) -> Vec<NodeContact> {
    (0..count).map(|i| node(i, Ipv4Addr::LOCALHOST)).collect()
}

/// One /16 each, swarms of seven.
pub(crate) fn internet(count: usize) -> Vec<NodeContact> {
    (0..count)
        .map(|i| node(i, Ipv4Addr::from_bits(0x0a00_0000 + i as u32 * 0x1_0000)))
        .collect()
}

pub(crate) fn contact(i: u8) -> Purpose {
    Purpose::Contact(AccountId::from_x25519(X25519PublicKey::new([i; 32])))
}

pub(crate) fn lookup() -> PathRequest<'static> {
    PathRequest {
        purpose: Purpose::Lookup,
        destination: None,
        destination_swarm: &[],
    }
}

/// A network whose nodes can be switched off, and a client in virtual time.
pub(crate) struct World {
    pub(crate) nodes: Vec<NodeContact>,
    pub(crate) dead: BTreeSet<Ed25519PublicKey>,
    pub(crate) online: bool,
    pub(crate) manager: PathManager,
    pub(crate) now: Timestamp,
    pub(crate) rng: ChaCha20Rng,
}

impl World {
    pub(crate) fn new(nodes: Vec<NodeContact>, config: PathConfig, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut manager = PathManager::new(config, PersistedPaths::default());
        manager.set_pool(&nodes, START, &mut rng);
        Self {
            nodes,
            dead: BTreeSet::new(),
            online: true,
            manager,
            now: START,
            rng,
        }
    }

    pub(crate) fn path(&mut self, request: &PathRequest<'_>) -> Path {
        self.manager.path(request, self.now, &mut self.rng).unwrap()
    }

    pub(crate) fn fate(&self, path: &Path) -> Outcome {
        let [guard, second, third] = path.hops.each_ref().map(|hop| hop.ed25519);
        if !self.online || self.dead.contains(&guard) {
            Outcome::GuardUnreachable
        } else if self.dead.contains(&second) {
            Outcome::NodeUnreachable(second)
        } else if self.dead.contains(&third) {
            Outcome::NodeUnreachable(third)
        } else {
            Outcome::Success
        }
    }

    /// One request, tried up to `tries` times with a pause; the guard that carried it.
    pub(crate) fn send(
        &mut self,
        request: &PathRequest<'_>,
        tries: usize,
    ) -> Option<Ed25519PublicKey> {
        for _ in 0..tries {
            let path = self.path(request);
            let outcome = self.fate(&path);
            self.now = self.now.plus(Duration::from_millis(200));
            self.manager.report(path.id, outcome, self.now);
            if outcome == Outcome::Success {
                return Some(path.guard().ed25519);
            }
        }
        None
    }

    /// As after a crash: only what was stored survives.
    pub(crate) fn restart(&mut self) {
        let text = serde_json::to_string(&self.manager.persisted()).unwrap();
        let stored = serde_json::from_str(&text).unwrap();
        self.manager = PathManager::new(PathConfig::default(), stored);
        self.manager.set_pool(&self.nodes, self.now, &mut self.rng);
    }
}

pub(crate) fn assert_sound(path: &Path, destination: Option<Ed25519PublicKey>) {
    let mut all: BTreeSet<Ed25519PublicKey> = path.hops.iter().map(|hop| hop.ed25519).collect();
    assert_eq!(all.len(), 3, "a node stands twice in {path:?}");
    if let Some(destination) = destination {
        assert!(
            all.insert(destination),
            "the destination is part of {path:?}"
        );
    }
}

pub(crate) fn purpose_of(i: u8) -> Purpose {
    match i {
        0 => Purpose::OwnSwarm,
        1 => Purpose::Lookup,
        2 => Purpose::Files,
        3 => Purpose::Community("a.example".to_owned()),
        4 => Purpose::Group(SwarmPubkey::new(3, [i; 32])),
        _ => contact(i),
    }
}
