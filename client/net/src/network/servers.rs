//! Requests to servers outside the network.

use session_onion::OnionError;
use session_onion::hop_error::HopFailure;
use session_onion::packet::{self, Destination, Hop};
use session_onion::paths::{Outcome, Path, PathRequest, Purpose};

use super::{Network, SeedTries, lock};
use crate::NetError;
use crate::carrier::Carriage;
use crate::error::server_is_busy;
use crate::http::HttpError;
use crate::server::{ServerReply, ServerRequest, ServerTarget};

/// Tries of one request (docs/protocol/paths.md section 3.3).
const ATTEMPTS: u32 = 3;
/// Where servers take onion requests.
const V4_PATH: &str = "/oxen/v4/lsrpc";
/// What encryption and the server's headers add to an answer's body.
const AROUND_AN_ANSWER: usize = 16 * 1024;

impl Network {
    /// Asks a server through an onion path, and again over other paths when one breaks. Whatever
    /// status the server gives is an answer.
    ///
    /// Long requests and answers take as long as something moves. They go over HTTPS, since
    /// everything on the one stream to a guard over QUIC would wait behind them.
    ///
    /// Cancel-safe: the server may or may not have got the request.
    ///
    /// # Errors
    /// [`NetError`]; `ServerRefused` and `TooLong` at once unless the server is only busy, the
    /// rest after three tries.
    pub async fn ask_server(
        &self,
        target: &ServerTarget,
        request: &ServerRequest,
        purpose: Purpose,
    ) -> Result<ServerReply, NetError> {
        let payload = request.encode();
        let mut attempt = 1;
        loop {
            let error = match self
                .ask_server_once(target, request, &payload, &purpose)
                .await
            {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let is_final = match &error {
                NetError::TooLong | NetError::SeedsUnreachable { .. } => true,
                NetError::ServerRefused { status } => !server_is_busy(*status),
                NetError::Http(HttpError::TooLarge { .. }) => true,
                error => error.is_ours(),
            };
            if is_final {
                return Err(error);
            }
            if attempt == ATTEMPTS {
                return Err(NetError::Exhausted {
                    attempts: attempt,
                    last: Box::new(error),
                });
            }
            attempt += 1;
            // Perhaps only this third hop cannot reach the server, or does not want to.
            lock(&self.paths).renew(Some(&purpose));
        }
    }

    async fn ask_server_once(
        &self,
        target: &ServerTarget,
        request: &ServerRequest,
        payload: &[u8],
        purpose: &Purpose,
    ) -> Result<ServerReply, NetError> {
        self.ensure_pool().await?;
        let path = {
            let request = PathRequest {
                purpose: purpose.clone(),
                destination: None,
                destination_swarm: &[],
            };
            lock(&self.paths).path(&request, self.clock.now(), &mut rand::rng())
        };
        let answered = match path {
            Ok(path) => self.over(&path, target, request, payload).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = &answered
            && (matches!(error, NetError::NoPath(_)) || self.cut_off())
        {
            self.paths_exhausted().await;
        }
        answered
    }

    /// Tells the path manager only what a server cannot bring about: somebody else's server must
    /// not be able to make us leave our guards and exits, however it answers.
    async fn over(
        &self,
        path: &Path,
        target: &ServerTarget,
        request: &ServerRequest,
        payload: &[u8],
    ) -> Result<ServerReply, NetError> {
        let [guard, middle, _] = &path.hops;
        let hops: Vec<Hop> = path.hops.iter().map(Hop::from).collect();
        let destination = Destination::Server {
            host: &target.host,
            port: target.port,
            protocol: target.scheme,
            target: V4_PATH,
            x25519: target.x25519,
        };
        let cipher = self.options.cipher;
        let onion = packet::build(&hops, destination, payload, cipher, &mut rand::rng()).map_err(
            |error| match error {
                OnionError::TooLarge { .. } => NetError::TooLong,
                _ => NetError::ServerRefused { status: 400 },
            },
        )?;
        let carriage = Carriage {
            is_long: request.is_long(),
            longest_answer: request.longest_answer.saturating_add(AROUND_AN_ANSWER),
            patience: self.options.server_timeout,
            progress: request.progress.clone().unwrap_or_default(),
        };
        let asking = self.carrier.ask_for(guard, onion.body.into(), &carriage);
        let reply = match Box::pin(asking).await {
            Ok(reply) => reply,
            Err(error) => {
                let guard_fails = matches!(
                    error,
                    HttpError::Connect(_) | HttpError::Certificate | HttpError::Setup
                );
                if guard_fails {
                    self.report(path.id, Outcome::GuardUnreachable);
                }
                let error = NetError::Http(error);
                self.note_failure(&error);
                return Err(error);
            }
        };
        if reply.status != 200 {
            let failure = HopFailure::parse(reply.status, &reply.body);
            match &failure {
                Some(HopFailure::NextNodeNotFound(key) | HopFailure::NextNodeUnreachable(key))
                    if *key == middle.ed25519 =>
                {
                    self.report(path.id, Outcome::NodeUnreachable(*key));
                }
                _ => {}
            }
            self.got_through();
            return Err(match (failure, reply.status) {
                (None, status @ (502 | 504)) | (Some(HopFailure::TimedOut), status) => {
                    NetError::ServerUnreachable { status }
                }
                // Hops have the keys of the node list, servers those of whoever named them.
                (None | Some(HopFailure::InvalidCiphertext), status) => {
                    NetError::ServerRefused { status }
                }
                (Some(_), status) => NetError::PathBroke { status },
            });
        }
        let answer = onion
            .reply
            .open_server_reply(&reply.body)
            .map_err(|error| {
                tracing::debug!(kind = ?error.kind(), "a server's answer could not be opened");
                NetError::BadReply
            })?;
        self.report(path.id, Outcome::Success);
        self.got_through();
        *lock(&self.seed_tries) = SeedTries::default();
        Ok(ServerReply::new(answer, path.hops.clone()))
    }
}
