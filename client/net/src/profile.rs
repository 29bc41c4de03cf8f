//! Which network: its seeds and how their certificates are checked. Data, never constants in code
//! that uses it.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use url::Url;

use crate::FileServer;

/// How the TLS certificate of a seed is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedTls {
    /// The certificate must have this SHA-256 fingerprint (docs/protocol/paths.md section 1.2).
    Pinned([u8; 32]),
    /// Not checked: a private network, whose seed the user named by hand.
    Unchecked,
}

/// One seed endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Base address, ending in `/`.
    pub url: Url,
    /// Certificate rule for `https`.
    pub tls: SeedTls,
}

/// A network a client can join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkProfile {
    name: String,
    seeds: Vec<Seed>,
    file_server: Option<FileServer>,
}

/// Why a text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Neither a known name nor a URL.
    #[error(
        "not a network: write mainnet, testnet or the seed URL of a private network, \
         such as http://127.0.0.1:1280/"
    )]
    Unknown,
    /// A URL of a scheme other than http and https, or without a host.
    #[error("a seed URL begins with http:// or https:// and names a host")]
    Scheme,
    /// A certificate pin that is none, or one for a seed without certificates.
    #[error("the pin of an https seed is written #sha256= and 64 hex digits")]
    Pin,
}

/// A network, and a file server instead of the network's own, as far as they are named.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkChoice<'a> {
    /// What [`NetworkProfile::from_str`] reads.
    pub network: Option<&'a str>,
    /// The file server.
    pub file_server: Option<&'a FileServer>,
}

impl NetworkProfile {
    /// The network asked for, else the account's own, else the public one. Files go to the server
    /// asked for, else to the account's own while it is in its own network, else to the network's.
    ///
    /// # Errors
    /// [`ProfileError`] when the text names no network.
    pub fn choose(asked: NetworkChoice<'_>, own: NetworkChoice<'_>) -> Result<Self, ProfileError> {
        let name = asked.network.or(own.network).unwrap_or("mainnet");
        let profile: Self = name.parse()?;
        let at_home = own
            .network
            .and_then(|own| own.parse::<Self>().ok())
            .is_some_and(|own| own.name == profile.name);
        let server = asked.file_server.or(own.file_server.filter(|_| at_home));
        Ok(match server {
            Some(server) => profile.with_file_server(server.clone()),
            None => profile,
        })
    }

    /// The public network.
    #[must_use]
    pub fn mainnet() -> Self {
        const PINS: [(&str, &str); 3] = [
            (
                "https://seed1.getsession.org:4443/",
                "36ea0b253537988551ee856e4fd20d55011e9c8b27eaa2f34b8f32a0bdf04f2d",
            ),
            (
                "https://seed2.getsession.org:4443/",
                "c5908dd4139acd96aedd1e45576597650809c8a5ea02af556d4853d45396e0e7",
            ),
            (
                "https://seed3.getsession.org:4443/",
                "8a0af2c712342f22ce00e53c1601410ef8d84156aee0a9809c32f6f7efbe556e",
            ),
        ];
        let seeds = PINS
            .iter()
            .filter_map(|(url, pin)| {
                let bytes = HEXLOWER.decode(pin.as_bytes()).ok()?;
                Some(Seed {
                    url: Url::parse(url).ok()?,
                    tls: SeedTls::Pinned(bytes.try_into().ok()?),
                })
            })
            .collect();
        Self {
            name: "mainnet".to_owned(),
            seeds,
            file_server: FileServer::mainnet(),
        }
    }

    /// The public test network.
    #[must_use]
    pub fn testnet() -> Self {
        let seeds = Url::parse("http://seed2.getsession.org:38157/")
            .map(|url| Seed {
                url,
                tls: SeedTls::Unchecked,
            })
            .into_iter()
            .collect();
        Self {
            name: "testnet".to_owned(),
            seeds,
            file_server: FileServer::testnet(),
        }
    }

    /// A private network behind the seed with this URL, or behind several, separated by commas.
    /// `#sha256=` and the hex fingerprint of a certificate pins that of an https seed.
    ///
    /// # Errors
    /// [`ProfileError`] when the text is not an http or https URL.
    pub fn private(seeds: &str) -> Result<Self, ProfileError> {
        let seeds: Vec<Seed> = seeds
            .split(',')
            .map(|seed| Seed::private(seed.trim()))
            .collect::<Result<_, _>>()?;
        let names: Vec<String> = seeds.iter().map(Seed::to_text).collect();
        let name = names.join(",");
        Ok(Self {
            name,
            seeds,
            file_server: None,
        })
    }

    /// The same network with another file server for what is sent from here. No part of the
    /// network's name.
    #[must_use]
    pub fn with_file_server(mut self, server: FileServer) -> Self {
        self.file_server = Some(server);
        self
    }

    /// Where files and pictures sent from here are kept; a private network may have nothing of
    /// the kind.
    #[must_use]
    pub const fn file_server(&self) -> Option<&FileServer> {
        self.file_server.as_ref()
    }

    /// The server of everybody in this network who chose none; a private network has none.
    #[must_use]
    pub fn usual_file_server(&self) -> Option<FileServer> {
        self.name
            .parse::<Self>()
            .ok()
            .and_then(|usual| usual.file_server)
    }

    /// The name or seed URL: what [`NetworkProfile::from_str`] reads back.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seeds, in no order.
    #[must_use]
    pub fn seeds(&self) -> &[Seed] {
        &self.seeds
    }
}

/// Before the fingerprint in a seed's URL.
const PIN: &str = "sha256=";

impl Seed {
    fn private(text: &str) -> Result<Self, ProfileError> {
        let mut url = Url::parse(text).map_err(|_| ProfileError::Unknown)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(ProfileError::Scheme);
        }
        let pin = url.fragment().and_then(|text| text.strip_prefix(PIN));
        let tls = match pin.map(|pin| pin.to_ascii_lowercase()) {
            None => SeedTls::Unchecked,
            Some(pin) => {
                let bytes = HEXLOWER.decode(pin.as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
                let https = url.scheme() == "https";
                SeedTls::Pinned(bytes.filter(|_| https).ok_or(ProfileError::Pin)?)
            }
        };
        url.set_query(None);
        url.set_fragment(None);
        let path = url
            .path()
            .trim_end_matches('/')
            .trim_end_matches("json_rpc")
            .to_owned();
        url.set_path(&if path.ends_with('/') {
            path
        } else {
            format!("{path}/")
        });
        Ok(Self { url, tls })
    }

    /// What [`Seed::private`] reads back.
    fn to_text(&self) -> String {
        match &self.tls {
            SeedTls::Unchecked => self.url.to_string(),
            SeedTls::Pinned(pin) => format!("{}#{PIN}{}", self.url, HEXLOWER.encode(pin)),
        }
    }
}

impl FromStr for NetworkProfile {
    type Err = ProfileError;

    /// `mainnet`, `testnet`, or what [`NetworkProfile::private`] takes.
    fn from_str(text: &str) -> Result<Self, ProfileError> {
        match text.trim() {
            "mainnet" => Ok(Self::mainnet()),
            "testnet" => Ok(Self::testnet()),
            other => Self::private(other),
        }
    }
}

impl fmt::Display for NetworkProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mainnet_has_three_pinned_seeds() {
        let profile = NetworkProfile::mainnet();
        assert_eq!(profile.seeds().len(), 3);
        assert!(
            profile
                .seeds()
                .iter()
                .all(|s| matches!(s.tls, SeedTls::Pinned(_)))
        );
    }

    #[test]
    fn private_urls_are_normalised() {
        for text in [
            "http://127.0.0.1:1280",
            "http://127.0.0.1:1280/",
            " http://127.0.0.1:1280/json_rpc ",
            "http://127.0.0.1:1280/?x#y",
        ] {
            let profile: NetworkProfile = text.parse().unwrap();
            assert_eq!(profile.name(), "http://127.0.0.1:1280/", "{text}");
            assert_eq!(profile.name().parse::<NetworkProfile>().unwrap(), profile);
        }
        assert_eq!(
            "ftp://x/".parse::<NetworkProfile>(),
            Err(ProfileError::Scheme)
        );
        assert_eq!(
            "http://a/,".parse::<NetworkProfile>(),
            Err(ProfileError::Unknown)
        );
        assert_eq!(
            "banana".parse::<NetworkProfile>(),
            Err(ProfileError::Unknown)
        );
    }

    #[test]
    fn files_go_to_the_own_server_at_home() {
        let [one, two] = ["one", "two"].map(|name| {
            let key = "b8eef9821445ae16e2e97ef8aa6fe782fd11ad5253cd6723b281341dba22e371";
            let text = format!("http://{name}.example#{key}");
            text.parse::<FileServer>().unwrap()
        });
        let home = "http://127.0.0.1:1280";
        let own = NetworkChoice {
            network: Some(home),
            file_server: Some(&one),
        };
        let asked = |network, file_server| {
            let asked = NetworkChoice {
                network,
                file_server,
            };
            let chosen = NetworkProfile::choose(asked, own).unwrap();
            (chosen.name().to_owned(), chosen.file_server().cloned())
        };
        let at_home = "http://127.0.0.1:1280/".to_owned();
        assert_eq!(asked(None, None), (at_home.clone(), Some(one.clone())));
        // The same network in other words.
        let same = Some("http://127.0.0.1:1280/json_rpc");
        assert_eq!(asked(same, None), (at_home.clone(), Some(one.clone())));
        assert_eq!(asked(None, Some(&two)), (at_home, Some(two.clone())));
        let elsewhere = "http://127.0.0.1:1281/".to_owned();
        let network = Some(elsewhere.as_str());
        assert_eq!(asked(network, None), (elsewhere.clone(), None));
        assert_eq!(
            asked(network, Some(&two)),
            (elsewhere.clone(), Some(two.clone()))
        );
        assert_eq!(
            asked(Some("mainnet"), None),
            ("mainnet".to_owned(), FileServer::mainnet())
        );
        let own = NetworkProfile::mainnet().with_file_server(one.clone());
        assert_eq!(own.usual_file_server(), FileServer::mainnet());
        let private: NetworkProfile = home.parse().unwrap();
        assert_eq!(private.with_file_server(two).usual_file_server(), None);
        let nothing = NetworkChoice::default();
        let public = NetworkProfile::choose(nothing, nothing).unwrap();
        assert_eq!(public, NetworkProfile::mainnet());
        // An own server in the public network.
        let own = NetworkChoice {
            file_server: Some(&one),
            network: Some("mainnet"),
        };
        let chosen = NetworkProfile::choose(nothing, own).unwrap();
        assert_eq!(chosen.file_server(), Some(&one));
    }

    #[test]
    fn several_seeds_with_pins() {
        let pin = "Aa".repeat(32);
        let text = format!("http://a.example:1280, https://b.example/x/json_rpc#sha256={pin}");
        let profile: NetworkProfile = text.parse().unwrap();
        let [first, second] = profile.seeds() else {
            panic!("{profile}");
        };
        assert_eq!(
            (first.url.as_str(), first.tls),
            ("http://a.example:1280/", SeedTls::Unchecked)
        );
        assert_eq!(second.url.as_str(), "https://b.example/x/");
        assert_eq!(second.tls, SeedTls::Pinned([0xaa; 32]));
        assert_eq!(profile.name().parse::<NetworkProfile>().unwrap(), profile);
        for wrong in [
            "https://b.example/#sha256=",
            "https://b.example/#sha256=aa",
            &format!("https://b.example/#sha256={pin}aa"),
            &format!("http://b.example/#sha256={pin}"),
        ] {
            assert_eq!(
                wrong.parse::<NetworkProfile>(),
                Err(ProfileError::Pin),
                "{wrong}"
            );
        }
    }
}
