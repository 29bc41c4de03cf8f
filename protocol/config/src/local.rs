//! Settings of one device (docs/protocol/config.md section 11.5).

use session_crypto::AccountKeys;
use session_types::{Namespace, Timestamp};
use zeroize::Zeroizing;

use crate::engine::{Core, Kind};
use crate::error::ConfigError;

const KIND: Kind = Kind {
    name: "Local",
    namespace: Namespace::new(9999),
    domain: "Local",
    wrap: None,
};

/// Settings that stay on this device. Saved like the other configs, but never pushed.
///
/// | Key | Meaning |
/// |---|---|
/// | `notify_content` | 1 name and preview, 2 name only, 3 nothing |
/// | `notify_sound` | number of a sound |
/// | `theme` | 1 classic dark, 2 classic light, 3 ocean dark, 4 ocean light |
/// | `theme_primary_color` | 1 green, 2 blue, 3 yellow, 4 pink, 5 purple, 6 orange, 7 red |
/// | `settings` | dict of names of the client's own switches that are on |
pub struct Local {
    core: Core,
}

impl Local {
    /// The settings of a device that is just set up.
    #[must_use]
    pub fn new(account: &AccountKeys) -> Self {
        Self {
            core: Core::of_account(&KIND, account),
        }
    }

    /// The settings as they were saved.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are no dump.
    pub fn load(account: &AccountKeys, dump: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::new(account);
        config.core.load(dump)?;
        Ok(config)
    }

    /// Whether there is something that was not saved yet.
    #[must_use]
    pub fn needs_dump(&self) -> bool {
        self.core.needs_dump()
    }

    /// The whole state, to be saved.
    pub fn dump(&mut self, now: Timestamp) -> Zeroizing<Vec<u8>> {
        self.core.dump(b"de", now)
    }

    /// What notifications show.
    #[must_use]
    pub fn notification_content(&self) -> Option<NotificationContent> {
        choice(self.core.data().int(b"notify_content"), &CONTENTS)
    }

    /// Sets what notifications show; `None` for the client's default.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_notification_content(
        &mut self,
        value: Option<NotificationContent>,
    ) -> Result<(), ConfigError> {
        self.choose(b"notify_content", value, &CONTENTS)
    }

    /// The number of the sound of notifications, 0 for the client's default.
    #[must_use]
    pub fn notification_sound(&self) -> u64 {
        self.core.data().positive(b"notify_sound")
    }

    /// Sets the sound of notifications.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_notification_sound(&mut self, sound: u64) -> Result<(), ConfigError> {
        self.core
            .edit_root(|data| data.put_positive(b"notify_sound", sound))
            .map(drop)
    }

    /// The theme.
    #[must_use]
    pub fn theme(&self) -> Option<Theme> {
        choice(self.core.data().int(b"theme"), &THEMES)
    }

    /// Sets the theme; `None` for the client's default.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_theme(&mut self, value: Option<Theme>) -> Result<(), ConfigError> {
        self.choose(b"theme", value, &THEMES)
    }

    /// The main colour of the theme.
    #[must_use]
    pub fn colour(&self) -> Option<Colour> {
        choice(self.core.data().int(b"theme_primary_color"), &COLOURS)
    }

    /// Sets the main colour of the theme; `None` for the client's default.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_colour(&mut self, value: Option<Colour>) -> Result<(), ConfigError> {
        self.choose(b"theme_primary_color", value, &COLOURS)
    }

    /// Whether a switch of the client is on.
    #[must_use]
    pub fn setting(&self, name: &str) -> bool {
        self.core
            .data()
            .dict(b"settings")
            .is_some_and(|settings| settings.flag(name.as_bytes()))
    }

    /// Turns a switch of the client on or off. One that is off reads like one never set.
    ///
    /// # Errors
    /// [`ConfigError`] as for every change.
    pub fn set_setting(&mut self, name: &str, on: bool) -> Result<(), ConfigError> {
        self.core
            .edit(&[b"settings"], |settings| {
                settings.put_flag(name.as_bytes(), on);
            })
            .map(drop)
    }

    fn choose<T: Copy + PartialEq>(
        &mut self,
        key: &[u8],
        value: Option<T>,
        all: &[T],
    ) -> Result<(), ConfigError> {
        let number = (1i64..)
            .zip(all)
            .find(|(_, one)| Some(**one) == value)
            .map_or(0, |(number, _)| number);
        self.core
            .edit_root(|data| data.put_number(key, number))
            .map(drop)
    }
}

impl core::fmt::Debug for Local {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

/// What notifications show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationContent {
    /// The name and the beginning of the message.
    NameAndPreview,
    /// The name.
    Name,
    /// Neither.
    Nothing,
}

/// A theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Theme {
    /// Classic, dark.
    ClassicDark,
    /// Classic, light.
    ClassicLight,
    /// Ocean, dark.
    OceanDark,
    /// Ocean, light.
    OceanLight,
}

/// A theme's main colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "colours explain themselves")]
pub enum Colour {
    Green,
    Blue,
    Yellow,
    Pink,
    Purple,
    Orange,
    Red,
}

const CONTENTS: [NotificationContent; 3] = [
    NotificationContent::NameAndPreview,
    NotificationContent::Name,
    NotificationContent::Nothing,
];

const THEMES: [Theme; 4] = [
    Theme::ClassicDark,
    Theme::ClassicLight,
    Theme::OceanDark,
    Theme::OceanLight,
];

const COLOURS: [Colour; 7] = [
    Colour::Green,
    Colour::Blue,
    Colour::Yellow,
    Colour::Pink,
    Colour::Purple,
    Colour::Orange,
    Colour::Red,
];

/// The value a stored number stands for, which counts from 1.
fn choice<T: Copy>(number: Option<i64>, all: &[T]) -> Option<T> {
    let index = usize::try_from(number?.checked_sub(1)?).ok()?;
    all.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept() {
        let account = AccountKeys::from_seed16([3; 16]);
        let mut local = Local::new(&account);
        assert!(!local.needs_dump());
        local.set_theme(Some(Theme::OceanLight)).unwrap();
        local.set_colour(Some(Colour::Red)).unwrap();
        local
            .set_notification_content(Some(NotificationContent::Name))
            .unwrap();
        local.set_notification_sound(5).unwrap();
        local.set_setting("previews", true).unwrap();
        local.set_setting("receipts", true).unwrap();
        local.set_setting("receipts", false).unwrap();
        assert!(local.needs_dump());
        let dump = local.dump(Timestamp::from_ms(1));
        let again = Local::load(&account, &dump).unwrap();
        assert_eq!(again.theme(), Some(Theme::OceanLight));
        assert_eq!(again.colour(), Some(Colour::Red));
        assert_eq!(
            again.notification_content(),
            Some(NotificationContent::Name)
        );
        assert_eq!(again.notification_sound(), 5);
        assert!(again.setting("previews"));
        assert!(!again.setting("receipts"));
        assert_eq!(format!("{again:?}"), "Local { .. }");
    }
}
