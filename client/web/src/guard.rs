//! What every request must have, and what every answer says.

use std::net::SocketAddr;

use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// What a page may do at all. The names of those it may not are spelled out: what is left out,
/// browsers grant.
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), \
     clipboard-write=(self), autoplay=(self), clipboard-read=(), geolocation=(), payment=(), \
     usb=(), serial=(), hid=(), midi=(), accelerometer=(), gyroscope=(), magnetometer=()";

/// The one place this server answers at.
#[derive(Debug)]
pub(crate) struct Guard {
    host: String,
    origin: String,
    policy: HeaderValue,
}

impl Guard {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
             media-src blob:; connect-src 'self' ws://{address}; manifest-src 'self'; \
             worker-src 'none'; font-src 'none'; object-src 'none'; form-action 'none'; \
             base-uri 'none'; frame-src 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        );
        Self {
            host: address.to_string(),
            origin: format!("http://{address}"),
            // An address has nothing in it that a header cannot have.
            policy: HeaderValue::try_from(policy)
                .unwrap_or(HeaderValue::from_static("default-src 'none'")),
        }
    }

    /// The address of the page.
    pub(crate) fn page(&self) -> String {
        format!("{}/", self.origin)
    }

    /// Whether a request was meant for this server, and by its own page if it says by which: a
    /// name that was made to point here is not enough.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        only(headers, HOST).is_some_and(|host| host == self.host.as_str())
            && (!headers.contains_key(ORIGIN) || self.is_ours(headers))
    }

    /// Whether the page of this server asks.
    pub(crate) fn is_ours(&self, headers: &HeaderMap) -> bool {
        only(headers, ORIGIN).is_some_and(|origin| origin == self.origin.as_str())
    }

    /// Puts on an answer what every one has.
    pub(crate) fn dress(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        for (name, value) in [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}

/// The value of a header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(pairs: &[(HeaderName, &str)]) -> (bool, bool) {
        let guard = Guard::new("127.0.0.1:4711".parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        (guard.admits(&headers), guard.is_ours(&headers))
    }

    #[test]
    fn one_host_and_one_origin() {
        let host = (HOST, "127.0.0.1:4711");
        let origin = (ORIGIN, "http://127.0.0.1:4711");
        assert_eq!(admits(&[]), (false, false));
        assert_eq!(admits(std::slice::from_ref(&host)), (true, false));
        assert_eq!(admits(&[host.clone(), origin.clone()]), (true, true));
        assert_eq!(admits(&[host.clone(), host.clone()]), (false, false));
        for other in [
            "localhost:4711",
            "127.0.0.1",
            "127.0.0.1:4712",
            "example.org:4711",
        ] {
            assert_eq!(
                admits(&[(HOST, other), origin.clone()]),
                (false, true),
                "{other}"
            );
        }
        for other in [
            "null",
            "http://127.0.0.1:4712",
            "https://127.0.0.1:4711",
            "http://127.0.0.1:4711/",
            "http://localhost:4711",
        ] {
            assert_eq!(
                admits(&[host.clone(), (ORIGIN, other)]),
                (false, false),
                "{other}"
            );
        }
        assert_eq!(admits(&[host, origin.clone(), origin]), (false, false));
    }
}
