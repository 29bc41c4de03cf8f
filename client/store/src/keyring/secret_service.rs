//! The Secret Service of freedesktop.org, which GNOME Keyring, KDE Wallet and KeePassXC offer.
//!
//! Secrets cross the session bus in the plain form the service allows: it is a local socket that
//! belongs to the same user, who can ask the service for the secret anyway.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::dbus::{Bus, BusError, Message, Method, Writer};
use super::{Keyring, KeyringError};

const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const I_SERVICE: &str = "org.freedesktop.Secret.Service";
const I_COLLECTION: &str = "org.freedesktop.Secret.Collection";
const I_ITEM: &str = "org.freedesktop.Secret.Item";
const I_PROMPT: &str = "org.freedesktop.Secret.Prompt";
const I_PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const BUS: &str = "org.freedesktop.DBus";

/// The path that stands for nothing.
const NONE: &str = "/";
/// How long a person has to type the password of the keyring.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(120);
/// Value of the attribute that tells our entries from those of other programs.
const APPLICATION: &str = "session";

/// The Secret Service on a D-Bus session bus.
#[derive(Debug, Clone)]
pub struct SecretService {
    address: Option<String>,
}

impl SecretService {
    /// On the session bus the environment names at the time of each use.
    #[must_use]
    pub const fn of_session() -> Self {
        Self { address: None }
    }

    /// On the bus at a D-Bus address such as `unix:path=/run/user/1000/bus`.
    #[must_use]
    pub const fn at(address: String) -> Self {
        Self {
            address: Some(address),
        }
    }

    fn connect(&self) -> Result<Session, KeyringError> {
        let address = self
            .address
            .clone()
            .or_else(session_address)
            .ok_or_else(|| KeyringError::Unavailable {
                reason: "there is no session bus".to_owned(),
            })?;
        Ok(Session::open(&address)?)
    }
}

impl Keyring for SecretService {
    fn store(&self, entry: &str, label: &str, secret: &str) -> Result<(), KeyringError> {
        let mut session = self.connect()?;
        let collection = session.default_collection()?;
        session.unlock(&collection)?;
        session.create_item(&collection, entry, label, secret)
    }

    fn load(&self, entry: &str) -> Result<Option<Zeroizing<String>>, KeyringError> {
        let mut session = self.connect()?;
        let Some(item) = session.search(entry)?.into_iter().next() else {
            return Ok(None);
        };
        session.unlock(&item)?;
        session.secret(&item).map(Some)
    }

    fn remove(&self, entry: &str) -> Result<(), KeyringError> {
        let mut session = self.connect()?;
        for item in session.search(entry)? {
            session.unlock(&item)?;
            session.delete(&item)?;
        }
        Ok(())
    }

    fn probe(&self) -> Result<(), KeyringError> {
        let mut session = self.connect()?;
        let collection = session.default_collection()?;
        if session.is_locked(&collection)? {
            Err(KeyringError::Locked)
        } else {
            Ok(())
        }
    }
}

/// Where the session bus listens, after the environment.
fn session_address() -> Option<String> {
    if let Ok(address) = env::var("DBUS_SESSION_BUS_ADDRESS")
        && !address.is_empty()
    {
        return Some(address);
    }
    let socket = PathBuf::from(env::var_os("XDG_RUNTIME_DIR")?).join("bus");
    let known = socket.exists().then_some(socket)?;
    Some(format!("unix:path={}", known.to_str()?))
}

/// A connection with an open session of the service. It ends with the connection.
struct Session {
    bus: Bus,
    path: String,
}

impl Session {
    fn open(address: &str) -> Result<Self, BusError> {
        let mut bus = Bus::connect(address)?;
        let mut arguments = Writer::default();
        arguments.string("plain");
        arguments.signature("s");
        arguments.string("");
        let answer = bus.call(service("OpenSession"), "sv", &arguments)?;
        let mut reader = answer.arguments("vo")?;
        if reader.signature()? != "s" {
            return Err(BusError::Protocol("an unexpected kind of session"));
        }
        reader.string()?;
        let path = reader.string()?.to_owned();
        Ok(Self { bus, path })
    }

    fn default_collection(&mut self) -> Result<String, KeyringError> {
        let mut arguments = Writer::default();
        arguments.string("default");
        let answer = self.bus.call(service("ReadAlias"), "s", &arguments)?;
        match answer.arguments("o")?.string()? {
            NONE => Err(KeyringError::Unavailable {
                reason: "there is no default collection".to_owned(),
            }),
            path => Ok(path.to_owned()),
        }
    }

    /// Whether a collection is locked.
    fn is_locked(&mut self, collection: &str) -> Result<bool, KeyringError> {
        let mut arguments = Writer::default();
        arguments.string(I_COLLECTION);
        arguments.string("Locked");
        let answer = self
            .bus
            .call(method(collection, I_PROPERTIES, "Get"), "ss", &arguments)?;
        let mut reader = answer.arguments("v")?;
        if reader.signature()? != "b" {
            return Err(BusError::Protocol("an unexpected property").into());
        }
        Ok(reader.bool()?)
    }

    /// Unlocks a collection or item, asking the person if need be.
    fn unlock(&mut self, object: &str) -> Result<(), KeyringError> {
        let mut arguments = Writer::default();
        arguments.array(4, |paths| paths.string(object));
        let answer = self.bus.call(service("Unlock"), "ao", &arguments)?;
        let mut reader = answer.arguments("aoo")?;
        reader.strings()?;
        let prompt = reader.string()?.to_owned();
        self.complete(&prompt)
    }

    /// The items of an entry, locked or not.
    fn search(&mut self, entry: &str) -> Result<Vec<String>, KeyringError> {
        let mut arguments = Writer::default();
        write_attributes(&mut arguments, entry);
        let answer = self.bus.call(service("SearchItems"), "a{ss}", &arguments)?;
        let mut reader = answer.arguments("aoao")?;
        let mut items = reader.strings()?;
        items.extend(reader.strings()?);
        Ok(items)
    }

    fn create_item(
        &mut self,
        collection: &str,
        entry: &str,
        label: &str,
        secret: &str,
    ) -> Result<(), KeyringError> {
        let mut arguments = Writer::default();
        arguments.array(8, |properties| {
            properties.align(8);
            properties.string("org.freedesktop.Secret.Item.Label");
            properties.signature("s");
            properties.string(label);
            properties.align(8);
            properties.string("org.freedesktop.Secret.Item.Attributes");
            properties.signature("a{ss}");
            write_attributes(properties, entry);
        });
        arguments.align(8);
        arguments.string(&self.path);
        arguments.byte_array(&[]);
        arguments.byte_array(secret.as_bytes());
        arguments.string("text/plain; charset=utf8");
        let replace = true;
        arguments.bool(replace);
        let create = method(collection, I_COLLECTION, "CreateItem");
        let answer = self.bus.call(create, "a{sv}(oayays)b", &arguments)?;
        let mut reader = answer.arguments("oo")?;
        reader.string()?;
        let prompt = reader.string()?.to_owned();
        self.complete(&prompt)
    }

    fn secret(&mut self, item: &str) -> Result<Zeroizing<String>, KeyringError> {
        let mut arguments = Writer::default();
        arguments.string(&self.path);
        let answer = self
            .bus
            .call(method(item, I_ITEM, "GetSecret"), "o", &arguments)?;
        let mut reader = answer.arguments("(oayays)")?;
        reader.string()?;
        reader.byte_array()?;
        let secret = reader.byte_array()?;
        match core::str::from_utf8(secret) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(KeyringError::Failed {
                reason: "the entry is not text".to_owned(),
            }),
        }
    }

    fn delete(&mut self, item: &str) -> Result<(), KeyringError> {
        let answer = self
            .bus
            .call(method(item, I_ITEM, "Delete"), "", &Writer::default())?;
        let prompt = answer.arguments("o")?.string()?.to_owned();
        self.complete(&prompt)
    }

    /// Lets the service ask the person what it wants to ask, if anything.
    fn complete(&mut self, prompt: &str) -> Result<(), KeyringError> {
        if prompt == NONE {
            return Ok(());
        }
        let mut rule = Writer::default();
        rule.string(&format!(
            "type='signal',interface='{I_PROMPT}',path='{prompt}'"
        ));
        let add_match = Method {
            destination: BUS,
            path: "/org/freedesktop/DBus",
            interface: BUS,
            member: "AddMatch",
        };
        self.bus.call(add_match, "s", &rule)?;
        let mut window = Writer::default();
        window.string("");
        self.bus
            .call(method(prompt, I_PROMPT, "Prompt"), "s", &window)?;
        let done = self.bus.wait_signal(prompt, "Completed", PROMPT_TIMEOUT)?;
        if dismissed(&done)? {
            Err(KeyringError::Locked)
        } else {
            Ok(())
        }
    }
}

fn dismissed(completed: &Message) -> Result<bool, BusError> {
    completed.arguments("bv")?.bool()
}

fn service(member: &str) -> Method<'_> {
    Method {
        destination: SERVICE,
        path: SERVICE_PATH,
        interface: I_SERVICE,
        member,
    }
}

fn method<'a>(path: &'a str, interface: &'a str, member: &'a str) -> Method<'a> {
    Method {
        destination: SERVICE,
        path,
        interface,
        member,
    }
}

/// The attributes an entry is found by, as `a{ss}`.
fn write_attributes(writer: &mut Writer, entry: &str) {
    writer.array(8, |attributes| {
        for (name, value) in [("application", APPLICATION), ("entry", entry)] {
            attributes.align(8);
            attributes.string(name);
            attributes.string(value);
        }
    });
}

impl From<BusError> for KeyringError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Remote(name) => match name.as_str() {
                "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
                // Errors of the bus: nobody offers the service, and nobody could be started.
                name if name.starts_with("org.freedesktop.DBus.Error.") => Self::Unavailable {
                    reason: name.to_owned(),
                },
                name => Self::Failed {
                    reason: name.to_owned(),
                },
            },
            other => Self::Unavailable {
                reason: other.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_that_is_not_there_is_unavailable() {
        let keyring = SecretService::at("unix:path=/nonexistent/bus".to_owned());
        let unavailable = |result: Option<KeyringError>| {
            assert!(
                matches!(result, Some(KeyringError::Unavailable { .. })),
                "{result:?}"
            );
        };
        unavailable(keyring.probe().err());
        unavailable(keyring.store("entry", "label", "secret").err());
        unavailable(keyring.load("entry").err());
        unavailable(keyring.remove("entry").err());
    }
}
