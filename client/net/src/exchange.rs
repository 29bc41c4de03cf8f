//! One try: a payload through three hops to a node, and what its outcome means for the path.

use core::time::Duration;
use std::time::Instant;

use session_crypto::onion_cipher::OnionCipher;
use session_onion::packet::{self, Destination, NodeReply};
use session_onion::paths::Outcome;
use session_onion::{Hop, OnionError};
use session_types::NodeContact;

use crate::NetError;
use crate::carrier::{Carrier, Wire};
use crate::http::HttpError;
use crate::route::Route;

/// A request over given hops.
pub(crate) struct Exchange<'a> {
    pub(crate) carrier: &'a Carrier,
    pub(crate) cipher: OnionCipher,
    pub(crate) timeout: Duration,
    pub(crate) hops: &'a [NodeContact; 3],
    pub(crate) destination: &'a NodeContact,
}

/// A try that brought no answer of the destination.
#[derive(Debug)]
pub(crate) struct Failed {
    /// What the path manager is told; nothing when the request did not get away from here.
    pub(crate) outcome: Option<Outcome>,
    /// The destination itself is or may be the problem: choose another.
    pub(crate) blames_destination: bool,
    pub(crate) error: NetError,
}

impl Exchange<'_> {
    /// Sends and waits for the answer.
    ///
    /// Cancel-safe: the request may or may not reach the destination.
    pub(crate) async fn run(
        &self,
        payload: &[u8],
        attempt: u32,
    ) -> Result<(NodeReply, Route, Wire), Failed> {
        let hops: Vec<Hop> = self.hops.iter().map(Hop::from).collect();
        let destination = Destination::Node(Hop::from(self.destination));
        let request = packet::build(&hops, destination, payload, self.cipher, &mut rand::rng())
            .map_err(|error| unreadable(&error))?;
        let [guard, middle, exit] = self.hops;
        let request_bytes = request.body.len();
        let started = Instant::now();
        // What goes on beneath takes some room, which every caller would have to have.
        let asking = self.carrier.ask(guard, request.body.into(), self.timeout);
        let reply = Box::pin(asking)
            .await
            .map_err(|error| self.no_answer(error))?;
        if reply.status != 200 {
            return Err(self.hop_failed(reply.status, &reply.body));
        }
        let opened = request
            .reply
            .open_node_reply(&reply.body)
            .map_err(|error| unreadable(&error))?;
        // The same texts under the destination's own key: it asks to be left out.
        if let Some(Outcome::NodeNotFound(key) | Outcome::NodeUnreachable(key)) =
            Outcome::from_outer(opened.status, opened.body.as_bytes())
        {
            return Err(Failed {
                outcome: Some(Outcome::NodeUnreachable(key)),
                blames_destination: true,
                error: NetError::PathBroke {
                    status: opened.status,
                },
            });
        }
        let route = Route {
            guard: guard.clone(),
            middle: middle.clone(),
            exit: exit.clone(),
            destination: self.destination.clone(),
            request_bytes,
            response_bytes: reply.body.len(),
            attempts: attempt,
            elapsed: started.elapsed(),
        };
        Ok((opened, route, reply.over))
    }

    fn no_answer(&self, error: HttpError) -> Failed {
        let outcome = match &error {
            HttpError::NoNetwork | HttpError::Proxy(_) => None,
            HttpError::Connect(_)
            | HttpError::Certificate
            | HttpError::Setup
            | HttpError::Broken(_) => Some(Outcome::GuardUnreachable),
            HttpError::Timeout => Some(Outcome::Timeout),
            HttpError::TooLarge { .. } => Some(Outcome::BadReply),
        };
        Failed {
            outcome,
            // Relays wait longer for a destination than we do.
            blames_destination: matches!(error, HttpError::Timeout),
            error: NetError::Http(error),
        }
    }

    /// Reads what a hop said in the clear (docs/protocol/paths.md sections 3.3 and 3.4).
    fn hop_failed(&self, status: u16, body: &[u8]) -> Failed {
        let outcome = Outcome::from_outer(status, body).unwrap_or(Outcome::PathError(status));
        let blames_destination = match outcome {
            Outcome::NodeNotFound(key) | Outcome::NodeUnreachable(key) => {
                key == self.destination.ed25519
            }
            // A relay that waited in vain may have waited for the destination.
            Outcome::PathError(504) => true,
            _ => false,
        };
        Failed {
            outcome: Some(outcome),
            blames_destination,
            error: NetError::PathBroke { status },
        }
    }
}

fn unreadable(error: &OnionError) -> Failed {
    tracing::debug!(kind = ?error.kind(), "an onion answer could not be opened");
    Failed {
        outcome: Some(Outcome::BadReply),
        blames_destination: false,
        error: NetError::BadReply,
    }
}
