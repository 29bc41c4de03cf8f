//! Drawing random nodes.

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_core::CryptoRng;
use session_types::{Ed25519PublicKey, NodeContact};

use super::{NodePool, SMALLEST};

/// Whether nodes of one draw may share a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubnetRule {
    /// Any nodes.
    Any,
    /// No two of one /16, as far as there are enough of them.
    DistinctSlash16,
}

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Draw<'a> {
    /// Nodes not to draw.
    pub exclude: &'a BTreeSet<Ed25519PublicKey>,
    /// Networks of the drawn nodes.
    pub subnets: SubnetRule,
}

/// The /16 an address lies in.
pub(crate) const fn slash16(ip: Ipv4Addr) -> [u8; 2] {
    let [a, b, _, _] = ip.octets();
    [a, b]
}

impl NodePool {
    /// The rule this network can follow: distinct /16 when it spans enough of them for a path,
    /// anything otherwise (all nodes of a private network may share one address).
    #[must_use]
    pub fn subnet_rule(&self) -> SubnetRule {
        let networks: BTreeSet<[u8; 2]> = self.nodes().map(|node| slash16(node.ip)).collect();
        if networks.len() >= SMALLEST {
            SubnetRule::DistinctSlash16
        } else {
            SubnetRule::Any
        }
    }

    /// Draws up to `count` distinct nodes.
    ///
    /// With [`SubnetRule::DistinctSlash16`] a network is drawn with the weight of its number of
    /// nodes, then one node of it, and each network once; when the networks run out before
    /// `count` is reached, the rest is drawn from any.
    pub fn draw(&self, count: usize, how: Draw<'_>, rng: &mut dyn CryptoRng) -> Vec<&NodeContact> {
        let mut rest: Vec<&NodeContact> = self
            .nodes()
            .filter(|node| !how.exclude.contains(&node.ed25519))
            .collect();
        let mut drawn: Vec<&NodeContact> = Vec::new();
        if how.subnets == SubnetRule::DistinctSlash16 {
            let mut networks: BTreeMap<[u8; 2], Vec<&NodeContact>> = BTreeMap::new();
            for node in &rest {
                networks.entry(slash16(node.ip)).or_default().push(node);
            }
            while drawn.len() < count && !networks.is_empty() {
                // A uniform node's network is a network weighted by its size.
                let left: Vec<&NodeContact> = networks.values().flatten().copied().collect();
                let Some(node) = left.choose(rng) else { break };
                networks.remove(&slash16(node.ip));
                drawn.push(node);
            }
            rest.retain(|node| drawn.iter().all(|taken| taken.ed25519 != node.ed25519));
        }
        while drawn.len() < count && !rest.is_empty() {
            drawn.push(rest.swap_remove(rng.random_range(0..rest.len())));
        }
        drawn
    }

    /// Draws one node.
    pub fn draw_one(&self, how: Draw<'_>, rng: &mut dyn CryptoRng) -> Option<&NodeContact> {
        self.draw(1, how, rng).pop()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use session_types::{LegacyPublicKey, SwarmId, Timestamp, X25519PublicKey};

    use super::*;

    fn pool(ips: &[[u8; 4]]) -> NodePool {
        let nodes = ips
            .iter()
            .zip(1u8..)
            .map(|(ip, i)| NodeContact {
                ed25519: Ed25519PublicKey::new([i; 32]),
                x25519: X25519PublicKey::new([i; 32]),
                legacy: LegacyPublicKey::new([i; 32]),
                ip: Ipv4Addr::from(*ip),
                https_port: 1,
                omq_port: 2,
                swarm: SwarmId::new(1),
            })
            .collect();
        let mut pool = NodePool::new();
        pool.accept_seed(nodes, Timestamp::from_ms(1)).unwrap();
        pool
    }

    #[test]
    fn one_per_network_then_any() {
        let pool = pool(&[
            [10, 0, 0, 1],
            [10, 0, 9, 2],
            [10, 1, 0, 1],
            [10, 2, 0, 1],
            [10, 3, 0, 1],
        ]);
        assert_eq!(pool.subnet_rule(), SubnetRule::DistinctSlash16);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let none = BTreeSet::new();
        let how = Draw {
            exclude: &none,
            subnets: SubnetRule::DistinctSlash16,
        };
        for _ in 0..100 {
            let four = pool.draw(4, how, &mut rng);
            let networks: BTreeSet<_> = four.iter().map(|node| slash16(node.ip)).collect();
            assert_eq!(networks.len(), 4);
            let all: BTreeSet<_> = pool
                .draw(9, how, &mut rng)
                .iter()
                .map(|node| node.ed25519)
                .collect();
            assert_eq!(all.len(), 5);
        }
    }

    #[test]
    fn excluded_nodes_never_come() {
        let pool = pool(&[[127, 0, 0, 1]; 5]);
        assert_eq!(pool.subnet_rule(), SubnetRule::Any);
        let exclude: BTreeSet<_> = pool.nodes().take(4).map(|node| node.ed25519).collect();
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        for subnets in [SubnetRule::Any, SubnetRule::DistinctSlash16] {
            let drawn = pool.draw(
                5,
                Draw {
                    exclude: &exclude,
                    subnets,
                },
                &mut rng,
            );
            assert_eq!(drawn.len(), 1);
            assert!(!exclude.contains(&drawn[0].ed25519));
        }
    }

    #[test]
    fn a_large_network_weighs_by_its_nodes() {
        let mut ips = vec![[10, 0, 0, 1]; 9];
        ips.push([10, 1, 0, 1]);
        let pool = pool(&ips);
        let none = BTreeSet::new();
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let how = Draw {
            exclude: &none,
            subnets: SubnetRule::DistinctSlash16,
        };
        let large = (0..2000)
            .filter(|_| pool.draw_one(how, &mut rng).unwrap().ip == Ipv4Addr::new(10, 0, 0, 1))
            .count();
        assert!((1700..1900).contains(&large), "{large} of 2000");
    }
}
