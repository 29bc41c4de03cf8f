//! Keys and colours of the user's choice, in a TOML file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ratatui::style::Color;
use serde::Deserialize;
use toml::Spanned;

use crate::keys::{COMMANDS, Key, Keys, Profile};
use crate::look::{Palette, Role};

/// What can be chosen.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) keys: Keys,
    pub(crate) palette: Palette,
    pub(crate) colors: Vec<(Role, Color)>,
    pub(crate) text_emoji: bool,
    /// Right-to-left words are turned here, not by the terminal.
    pub(crate) bidi: bool,
    pub(crate) bell: bool,
    pub(crate) images: bool,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What.
        problem: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    profile: Profile,
    #[serde(default)]
    theme: Palette,
    #[serde(default)]
    text_emoji: bool,
    #[serde(default)]
    bidi: bool,
    #[serde(default = "yes")]
    bell: bool,
    #[serde(default = "yes")]
    images: bool,
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Spanned<OneOrMore>>,
    #[serde(default)]
    colours: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

const fn yes() -> bool {
    true
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keys: Keys::new(Profile::Default),
            palette: Palette::Auto,
            colors: Vec::new(),
            text_emoji: false,
            bidi: false,
            bell: true,
            images: true,
        }
    }
}

impl Config {
    /// Reads a file. One that is not there is empty, unless it was asked for.
    pub(crate) fn read(path: &Path, asked_for: bool) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|(line, problem)| ConfigError::Wrong {
                path: path.to_owned(),
                line,
                problem,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line = |at: usize| {
            let before = text.get(..at).unwrap_or(text);
            before.matches('\n').count() + 1
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            (line(at), error.message().to_owned())
        })?;
        let mut keys = Keys::new(written.profile);
        for (name, chosen) in &written.keys {
            let entry = COMMANDS.iter().find(|entry| entry.name == name.get_ref());
            let Some(entry) = entry else {
                let problem = format!(
                    "there is no command “{}”; `session chat --keys` lists them",
                    name.get_ref()
                );
                return Err((line(name.span().start), problem));
            };
            let texts = match chosen.get_ref() {
                OneOrMore::One(text) => core::slice::from_ref(text),
                OneOrMore::More(texts) => texts,
            };
            let parsed = texts.iter().map(|text| text.parse());
            let parsed: Result<Vec<Key>, String> = parsed.collect();
            keys.set(
                entry.command,
                parsed.map_err(|problem| (line(chosen.span().start), problem))?,
            );
        }
        let mut colors = Vec::new();
        for (name, color) in &written.colours {
            let Some(role) = Role::of_name(name.get_ref()) else {
                let problem = format!(
                    "“{}” has no colour; text, faint, strong, accent, danger, warn, ok, line, \
                     selected and link have",
                    name.get_ref()
                );
                return Err((line(name.span().start), problem));
            };
            let Ok(value) = color.get_ref().parse::<Color>() else {
                let problem = format!(
                    "“{}” is no colour; write #rrggbb, a number from 0 to 255, or a name such as \
                     cyan",
                    color.get_ref()
                );
                return Err((line(color.span().start), problem));
            };
            colors.push((role, value));
        }
        Ok(Self {
            keys,
            palette: written.theme,
            colors,
            text_emoji: written.text_emoji,
            bidi: written.bidi,
            bell: written.bell,
            images: written.images,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Command, Place};

    #[test]
    fn keys_and_colours_are_those_chosen() {
        let text = "profile = \"vim\"\ntheme = \"paper\"\n[keys]\nquit = \"ctrl+x\"\n\
                    reply = [\"a\", \"r\"]\n[colours]\naccent = \"#ff8800\"\n";
        let config = Config::parse(text).unwrap();
        let command = |key: &str| config.keys.command(key.parse().unwrap(), Place::Messages);
        assert_eq!(command("ctrl+x"), Some(Command::Quit));
        assert_eq!(command("ctrl+q"), None);
        assert_eq!(command("a"), Some(Command::Reply));
        assert_eq!(config.colors, [(Role::Accent, Color::Rgb(255, 136, 0))]);
        assert_eq!(config.palette, Palette::Paper);
        assert!(Config::parse("").unwrap().bell);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, word) in [
            (
                "[keys]\nquit = \"ctrl+x\"\nreply = \"hyper+r\"",
                3,
                "hyper+r",
            ),
            ("[keys]\n\nreplie = \"r\"", 3, "replie"),
            ("[keys]\nreply = [\"r\",\n \"entre\"]", 2, "entre"),
            ("theme = \"neon\"", 1, "neon"),
            ("bell = true\ncolour = 1", 2, "colour"),
            ("[colours]\naccent = \"juniper\"", 2, "juniper"),
            ("[colours]\nbutton = \"red\"", 2, "button"),
            ("[keys", 1, ""),
        ] {
            let (at, problem) = Config::parse(text).unwrap_err();
            assert_eq!(at, line, "{text}: {problem}");
            assert!(problem.contains(word), "{text}: {problem}");
        }
    }

    #[test]
    fn only_a_file_that_was_asked_for_must_be_there() {
        let nowhere = Path::new("/nowhere/at/all.toml");
        assert!(Config::read(nowhere, false).is_ok());
        let error = Config::read(nowhere, true).unwrap_err();
        assert!(error.to_string().contains("all.toml"));
    }
}
