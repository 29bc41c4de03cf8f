//! Which nodes may stand together in one path (docs/protocol/traffic-analysis.md section 3,
//! M-03 and M-04).
//!
//! All rules hold while some path keeps them all; otherwise they are relaxed in the order that
//! the table in [`super`] shows.

use std::collections::{BTreeMap, BTreeSet};

use session_types::{Ed25519PublicKey, NodeContact};

use crate::pool::slash16;

/// Who runs a node, in whatever form the source of that knowledge names it: the operator's
/// address and those of large contributors to the stake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator(String);

impl Operator {
    /// Names an operator; equal texts are the same one.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

/// Rules in force for one attempt to build a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) subnets: bool,
    pub(super) isolation: bool,
    pub(super) destination_swarm: bool,
    pub(super) own_swarm: bool,
    pub(super) health: bool,
    pub(super) operators: bool,
}

impl Rules {
    const ALL: Self = Self {
        subnets: true,
        isolation: true,
        destination_swarm: true,
        own_swarm: true,
        health: true,
        operators: true,
    };

    /// From strict to lenient.
    pub(super) const fn ladder(relax: bool) -> [Self; 7] {
        let one = Self {
            subnets: false,
            ..Self::ALL
        };
        let two = Self {
            isolation: false,
            ..one
        };
        let three = Self {
            destination_swarm: !relax,
            ..two
        };
        let four = Self {
            own_swarm: !relax,
            ..three
        };
        let five = Self {
            health: false,
            ..four
        };
        let six = Self {
            operators: !relax,
            ..five
        };
        [Self::ALL, one, two, three, four, five, six]
    }
}

/// What is known about relations between nodes.
#[derive(Debug, Default)]
pub(super) struct Diversity {
    operators: BTreeMap<Ed25519PublicKey, BTreeSet<Operator>>,
    pub(super) own_swarm: BTreeSet<Ed25519PublicKey>,
}

impl Diversity {
    pub(super) fn set_operators(
        &mut self,
        operators: BTreeMap<Ed25519PublicKey, BTreeSet<Operator>>,
    ) {
        self.operators = operators;
    }

    /// Whether both nodes are known to be run by one operator.
    pub(super) fn same_operator(&self, a: &Ed25519PublicKey, b: &Ed25519PublicKey) -> bool {
        match (self.operators.get(a), self.operators.get(b)) {
            (Some(a), Some(b)) => !a.is_disjoint(b),
            _ => false,
        }
    }

    /// Whether two nodes may be in one path.
    pub(super) fn compatible(&self, a: &NodeContact, b: &NodeContact, rules: Rules) -> bool {
        a.ed25519 != b.ed25519
            && !(rules.subnets && slash16(a.ip) == slash16(b.ip))
            && !(rules.operators && self.same_operator(&a.ed25519, &b.ed25519))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_up(rules: Rules) -> usize {
        [
            rules.subnets,
            rules.isolation,
            rules.destination_swarm,
            rules.own_swarm,
            rules.health,
            rules.operators,
        ]
        .into_iter()
        .filter(|kept| !kept)
        .count()
    }

    #[test]
    fn the_ladder_gives_up_one_rule_at_a_time() {
        let small: Vec<usize> = Rules::ladder(true).into_iter().map(given_up).collect();
        assert_eq!(small, [0, 1, 2, 3, 4, 5, 6]);
        for rules in Rules::ladder(false) {
            assert!(rules.operators && rules.own_swarm && rules.destination_swarm);
        }
    }

    #[test]
    fn operators_are_compared_by_any_shared_one() {
        let [a, b, c] = [1, 2, 3].map(|i| Ed25519PublicKey::new([i; 32]));
        let mut diversity = Diversity::default();
        let set = |names: &[&str]| names.iter().copied().map(Operator::new).collect();
        diversity.set_operators([(a, set(&["x", "y"])), (b, set(&["y", "z"]))].into());
        assert!(diversity.same_operator(&a, &b));
        assert!(!diversity.same_operator(&a, &c));
    }
}
