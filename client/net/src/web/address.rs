//! Which addresses of the web are looked at.

use session_types::is_public_address;
use url::{Host, Url};

use super::WebReach;

/// Longer addresses are not looked at (docs/protocol/client.md section 5.9).
const LONGEST: usize = 4096;
/// Names that never are of the public internet.
const LOCAL: [&str; 8] = [
    "arpa",
    "example",
    "internal",
    "invalid",
    "lan",
    "local",
    "localhost",
    "test",
];

/// Whether pages at an address are looked at, as far as the address says.
pub(super) fn may_visit(url: &Url, reach: WebReach) -> bool {
    let anonymous = url.username().is_empty() && url.password().is_none();
    let scheme = match url.scheme() {
        "https" => true,
        "http" => reach == WebReach::Anywhere,
        _ => false,
    };
    let host = match (url.host(), reach) {
        (None, _) => false,
        (Some(_), WebReach::Anywhere) => true,
        (Some(Host::Ipv4(ip)), WebReach::Public) => is_public_address(ip.into()),
        (Some(Host::Ipv6(ip)), WebReach::Public) => is_public_address(ip.into()),
        (Some(Host::Domain(name)), WebReach::Public) => is_public_name(name),
    };
    anonymous && scheme && host && url.as_str().len() <= LONGEST
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(rest, last)| {
        !rest.is_empty() && !LOCAL.iter().any(|local| last.eq_ignore_ascii_case(local))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_servers_over_https() {
        let may = |text: &str, reach| may_visit(&text.parse().unwrap(), reach);
        for text in [
            "https://a.example.org",
            "https://example.org./x?y#z",
            "https://example.org:8443/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
            "https://xn--bcher-kva.example.org/",
        ] {
            assert!(may(text, WebReach::Public), "{text}");
        }
        for text in [
            "http://example.org",
            "ftp://example.org",
            "file:///etc/passwd",
            "data:text/html,hello",
            "https://user@example.org",
            "https://user:secret@example.org",
            "https://localhost/",
            "https://intranet/",
            "https://printer.local/",
            "https://router.lan./",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:192.168.1.1]/",
            "https://[fe80::1]/",
        ] {
            assert!(!may(text, WebReach::Public), "{text}");
        }
        assert!(may("http://127.0.0.1:80/", WebReach::Anywhere));
        assert!(!may("file:///etc/passwd", WebReach::Anywhere));
        assert!(!may("http://a:b@127.0.0.1/", WebReach::Anywhere));
        let long = format!("https://example.org/{}", "x".repeat(LONGEST));
        assert!(!may(&long, WebReach::Public));
    }
}
