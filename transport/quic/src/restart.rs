//! What lets an endpoint that was started again tell others at once that the connections they had
//! with it are gone (RFC 9000 section 10.3). Without it they wait until they give up.

use core::time::Duration;
use std::sync::Arc;

use quinn::crypto::{CryptoError, HmacKey};
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use rand::Rng as _;
use session_crypto::hash::blake2b_keyed;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Settings of an endpoint that answers packets of connections it does not know with a reset
/// token. Tokens follow from `secret`, which has to be the same after a restart and known to
/// nobody else.
#[must_use]
pub fn restartable(secret: Zeroizing<[u8; 32]>) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(ResetKey(secret)));
    config.cid_generator(|| Box::new(RandomIds));
    config
}

/// Connection ids that are random and nothing else. Quinn's own are marked with a key that is
/// another after a restart, and packets without the mark get no answer.
struct RandomIds;

impl RandomIds {
    const LENGTH: usize = 8;
}

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; Self::LENGTH];
        rand::rng().fill_bytes(&mut id);
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        Self::LENGTH
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// Tokens that only who knows the secret can make.
struct ResetKey(Zeroizing<[u8; 32]>);

impl ResetKey {
    const LENGTH: usize = 32;

    fn token(&self, data: &[u8]) -> [u8; Self::LENGTH] {
        blake2b_keyed(self.0.as_slice(), &[data])
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], out: &mut [u8]) {
        for (to, from) in out.iter_mut().zip(self.token(data)) {
            *to = from;
        }
    }

    fn signature_len(&self) -> usize {
        Self::LENGTH
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if bool::from(self.token(data).as_slice().ct_eq(signature)) {
            Ok(())
        } else {
            Err(CryptoError)
        }
    }
}
