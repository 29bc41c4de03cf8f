#![doc = include_str!("../README.md")]

use std::error::Error;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use session_types::is_public_address;

/// Looks names up, and leaves out addresses that are not public.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(public(found)?)
        })
    }
}

fn public(found: impl Iterator<Item = SocketAddr>) -> Result<Addrs, NotPublic> {
    let public: Vec<_> = found
        .filter(|found| is_public_address(found.ip()))
        .collect();
    if public.is_empty() {
        return Err(NotPublic);
    }
    Ok(Box::new(public.into_iter()))
}

/// A name has no address of the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no public address")]
pub struct NotPublic;

/// Whether a request failed because of [`NotPublic`].
#[must_use]
pub fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_left() {
        let mixed = ["10.0.0.1:0", "9.9.9.9:0", "[::1]:0", "[2620:fe::fe]:0"]
            .map(|address| address.parse().unwrap());
        let left: Vec<_> = public(mixed.into_iter()).ok().unwrap().collect();
        assert_eq!(left, [mixed[1], mixed[3]]);
        assert_eq!(public([mixed[0]].into_iter()).err(), Some(NotPublic));
        assert_eq!(public([].into_iter()).err(), Some(NotPublic));
    }

    #[tokio::test]
    async fn the_machine_itself_has_no_public_address() {
        let failed = PublicOnly.resolve("localhost".parse().unwrap()).await;
        let failed = failed.err().unwrap();
        assert!(failed.is::<NotPublic>(), "{failed}");
    }
}
