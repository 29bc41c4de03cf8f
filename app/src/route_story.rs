//! Says in words which road a request took and what each party on it could see
//! (docs/protocol/traffic-analysis.md section 1).

use core::fmt::Write as _;

use session_net::Route;
use session_types::{Ed25519PublicKey, NodeContact};

/// What the request was for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Errand<'a> {
    /// A message stored for somebody.
    Store {
        /// Who sent it.
        from: &'a str,
        /// Whose swarm got it.
        to: &'a str,
    },
    /// Messages fetched from the own swarm.
    Fetch {
        /// Who fetched.
        by: &'a str,
    },
}

/// Gives nodes short names.
pub(crate) trait NodeNames {
    /// `node 7`, or the beginning of the key on networks that are not ours.
    fn name(&self, node: &Ed25519PublicKey) -> String;
}

/// Names by key only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyNames;

impl NodeNames for KeyNames {
    fn name(&self, node: &Ed25519PublicKey) -> String {
        node.to_hex().chars().take(8).collect()
    }
}

/// One line: the hops.
pub(crate) fn path_line(route: &Route, names: &dyn NodeNames) -> String {
    let name = |node: &NodeContact| names.name(&node.ed25519);
    format!(
        "{} (guard) → {} (middle) → {} (exit) → {} (swarm member)",
        name(&route.guard),
        name(&route.middle),
        name(&route.exit),
        name(&route.destination),
    )
}

/// One line: time and size.
pub(crate) fn cost_line(route: &Route) -> String {
    let mut line = format!(
        "{} ms, {} bytes to the guard, {} bytes back",
        route.elapsed.as_millis(),
        route.request_bytes,
        route.response_bytes
    );
    if route.attempts > 1 {
        let _ = write!(line, ", at the {}. try", route.attempts);
    }
    line
}

/// `Alice's`, `your`, `the recipient's`.
fn of(name: &str) -> String {
    if name == "you" {
        "your".to_owned()
    } else {
        format!("{name}'s")
    }
}

/// Who could see what: party, what it saw, what it did not.
pub(crate) fn sightings(
    errand: Errand<'_>,
    route: &Route,
    names: &dyn NodeNames,
) -> Vec<(String, String, String)> {
    let name = |node: &NodeContact| names.name(&node.ed25519);
    let (guard, middle, exit) = (name(&route.guard), name(&route.middle), name(&route.exit));
    let member = name(&route.destination);
    let (actor, destination_saw, destination_missed, replica_saw) = match errand {
        Errand::Store { from, to } => (
            from,
            format!(
                "{exit}; {} Account ID, a ciphertext, its size and time",
                of(to)
            ),
            format!("{}, account and address; the text", from),
            Some(format!("the same ciphertext for {to}; not even {exit}")),
        ),
        Errand::Fetch { by } => (
            by,
            format!(
                "{exit}; {} Account ID and signing key, and that somebody fetches",
                of(by)
            ),
            format!("{} address, who wrote, the texts", of(by)),
            None,
        ),
    };
    let whose = of(actor);
    let mut rows = vec![
        (
            format!("{whose} line"),
            format!("{whose} address, the address of {guard}, times, sizes"),
            "account, partner, text".to_owned(),
        ),
        (
            format!("{guard}, guard"),
            format!("{whose} address, {middle}, times, sizes"),
            "account, destination, text".to_owned(),
        ),
        (
            format!("{middle}, middle"),
            format!("{guard} and {exit}"),
            "address, account, destination, text".to_owned(),
        ),
        (
            format!("{exit}, exit"),
            format!("{middle} and {member}"),
            format!("{whose} address, account, text"),
        ),
        (
            format!("{member}, swarm member"),
            destination_saw,
            destination_missed,
        ),
    ];
    if let Some(saw) = replica_saw {
        rows.push((
            "other swarm members".to_owned(),
            saw,
            "sender, address, text".to_owned(),
        ));
    }
    rows
}
