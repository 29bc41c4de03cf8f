//! Which key does what.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    // Anywhere.
    NextPane,
    PreviousPane,
    GoTo,
    FindHere,
    NextAccount,
    PreviousChat,
    NextChat,
    Path,
    Lock,
    Quit,
    Help,
    Redraw,
    New,
    Settings,
    Back,
    // List and messages.
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Find,
    HelpHere,
    NextUnread,
    PreviousUnread,
    Info,
    Timer,
    Mute,
    Pin,
    Block,
    Accept,
    Decline,
    // Messages.
    Reply,
    React,
    Copy,
    OpenFile,
    Save,
    Retry,
    Delete,
    Select,
    // Composer.
    Send,
    NewLine,
    Attach,
    Editor,
}

/// Where a command can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    /// Where letters are no text.
    Panes,
    Messages,
    Composer,
}

/// A command: what it is called in the configuration, where it can be given, its usual keys, and
/// what it does in words.
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    usual: &'static [&'static str],
    pub(crate) words: &'static str,
}

const fn entry(
    command: Command,
    name: &'static str,
    place: Place,
    usual: &'static [&'static str],
    words: &'static str,
) -> Entry {
    Entry {
        command,
        name,
        place,
        usual,
        words,
    }
}

/// All commands, in the order of the help.
pub(crate) const COMMANDS: &[Entry] = {
    use Command as C;
    use Place::{Anywhere, Composer, Messages, Panes};
    &[
        entry(C::NextPane, "next_pane", Anywhere, &["tab"], "next pane"),
        entry(
            C::PreviousPane,
            "previous_pane",
            Anywhere,
            &["shift+tab"],
            "previous pane",
        ),
        entry(C::Back, "back", Anywhere, &["esc"], "back one level"),
        entry(
            C::GoTo,
            "go_to",
            Anywhere,
            &["ctrl+k"],
            "go to a person or a command",
        ),
        entry(
            C::New,
            "new",
            Anywhere,
            &["ctrl+n"],
            "write to somebody new",
        ),
        entry(
            C::PreviousChat,
            "previous_chat",
            Anywhere,
            &["alt+up"],
            "previous conversation",
        ),
        entry(
            C::NextChat,
            "next_chat",
            Anywhere,
            &["alt+down"],
            "next conversation",
        ),
        entry(
            C::FindHere,
            "find_here",
            Anywhere,
            &["ctrl+f"],
            "find in this conversation",
        ),
        entry(
            C::NextAccount,
            "next_account",
            Anywhere,
            &["ctrl+a"],
            "next account",
        ),
        entry(C::Path, "path", Anywhere, &["ctrl+p"], "path and network"),
        entry(
            C::Settings,
            "settings",
            Anywhere,
            &["ctrl+o"],
            "settings and accounts",
        ),
        entry(C::Lock, "lock", Anywhere, &["ctrl+l"], "lock"),
        entry(
            C::Redraw,
            "redraw",
            Anywhere,
            &["ctrl+g"],
            "draw everything anew",
        ),
        entry(C::Help, "help", Anywhere, &["f1"], "this help"),
        entry(C::Quit, "quit", Anywhere, &["ctrl+q", "ctrl+c"], "quit"),
        entry(C::Up, "up", Panes, &["up", "k"], "up"),
        entry(C::Down, "down", Panes, &["down", "j"], "down"),
        entry(C::PageUp, "page_up", Panes, &["pageup"], "a page up"),
        entry(
            C::PageDown,
            "page_down",
            Panes,
            &["pagedown"],
            "a page down",
        ),
        entry(C::First, "first", Panes, &["g", "home"], "to the first"),
        entry(C::Last, "last", Panes, &["G", "end"], "to the newest"),
        entry(
            C::Open,
            "open",
            Panes,
            &["enter"],
            "open; at a quote: go to it",
        ),
        entry(C::Find, "find", Panes, &["/"], "find everywhere"),
        entry(
            C::NextUnread,
            "next_unread",
            Panes,
            &["n"],
            "next unread or hit",
        ),
        entry(
            C::PreviousUnread,
            "previous_unread",
            Panes,
            &["N"],
            "previous unread or hit",
        ),
        entry(C::Info, "info", Panes, &["i"], "details"),
        entry(C::Timer, "timer", Panes, &["t"], "when messages disappear"),
        entry(C::Mute, "mute", Panes, &["m"], "mute or unmute"),
        entry(C::Pin, "pin", Panes, &["p"], "pin or unpin"),
        entry(C::Block, "block", Panes, &["B"], "block or unblock"),
        entry(
            C::Accept,
            "accept",
            Panes,
            &["a"],
            "accept a message request",
        ),
        entry(
            C::Decline,
            "decline",
            Panes,
            &["x"],
            "decline a message request",
        ),
        entry(C::HelpHere, "help_here", Panes, &["?"], "this help"),
        entry(C::Reply, "reply", Messages, &["r"], "reply"),
        entry(
            C::React,
            "react",
            Messages,
            &["e"],
            "put an emoji at it, or take it back",
        ),
        entry(C::Copy, "copy", Messages, &["y"], "copy"),
        entry(
            C::OpenFile,
            "open_file",
            Messages,
            &["o"],
            "open a file or link (asks)",
        ),
        entry(C::Save, "save", Messages, &["s"], "save a file"),
        entry(
            C::Retry,
            "retry",
            Messages,
            &["R"],
            "try a failed message again",
        ),
        entry(
            C::Delete,
            "delete",
            Messages,
            &["d", "delete"],
            "delete (asks)",
        ),
        entry(C::Select, "select", Messages, &["space"], "select several"),
        entry(C::Send, "send", Composer, &["enter"], "send"),
        entry(
            C::NewLine,
            "new_line",
            Composer,
            &["alt+enter", "ctrl+j"],
            "new line",
        ),
        entry(C::Attach, "attach", Composer, &["ctrl+t"], "attach a file"),
        entry(
            C::Editor,
            "editor",
            Composer,
            &["ctrl+e"],
            "write in $EDITOR",
        ),
    ]
};

/// What a profile has otherwise.
const VIM: &[(Command, &[&str])] = &[
    (Command::PageUp, &["pageup", "ctrl+b"]),
    (Command::PageDown, &["pagedown", "ctrl+d"]),
    (Command::Delete, &["d", "x", "delete"]),
    (Command::Decline, &["X"]),
    (Command::Reply, &["r", "A"]),
];
const EMACS: &[(Command, &[&str])] = &[
    (Command::Up, &["up", "ctrl+p", "k"]),
    (Command::Down, &["down", "ctrl+n", "j"]),
    (Command::PageUp, &["pageup", "alt+v"]),
    (Command::PageDown, &["pagedown", "ctrl+v"]),
    (Command::First, &["g", "home", "alt+<"]),
    (Command::Last, &["G", "end", "alt+>"]),
    (Command::Back, &["esc", "ctrl+g"]),
    (Command::Redraw, &["f5"]),
    (Command::New, &["alt+n"]),
    (Command::Path, &["alt+p"]),
    (Command::FindHere, &["ctrl+s"]),
    (Command::NextAccount, &["alt+a"]),
    (Command::Editor, &["alt+e"]),
];

/// Habits to begin with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    #[default]
    Default,
    Vim,
    Emacs,
}

/// A key with what is held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub(crate) struct Key {
    code: KeyCode,
    held: KeyModifiers,
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let mut held = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let code = match event.code {
            KeyCode::BackTab => {
                held |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            // Terminals disagree about shift: the letter says it.
            KeyCode::Char(c) => KeyCode::Char(c),
            code => {
                held |= event.modifiers & KeyModifiers::SHIFT;
                code
            }
        };
        Self { code, held }
    }
}

impl Key {
    /// The letter typed, when it is text.
    pub(crate) fn letter(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.held.is_empty() => Some(c),
            _ => None,
        }
    }

    pub(crate) const fn code(self) -> KeyCode {
        self.code
    }

    pub(crate) const fn has_control(self) -> bool {
        self.held.contains(KeyModifiers::CONTROL)
    }

    pub(crate) const fn has_alt(self) -> bool {
        self.held.contains(KeyModifiers::ALT)
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "“{text}” is no key; write a letter, enter, esc, tab, space, backspace, delete, \
                 insert, up, down, left, right, home, end, pageup, pagedown or f1 to f12, with \
                 ctrl+, alt+ or shift+ before it"
            )
        };
        let mut held = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('+') {
            held |= match before.to_ascii_lowercase().as_str() {
                _ if after.is_empty() => break,
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return Err(wrong()),
            };
            rest = after;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if held.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(c.to_ascii_lowercase())
            }
            (Some(c), None) if held.contains(KeyModifiers::SHIFT) => {
                KeyCode::Char(c.to_ascii_uppercase())
            }
            (Some(c), None) => KeyCode::Char(c),
            _ => match rest.to_ascii_lowercase().as_str() {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "space" => KeyCode::Char(' '),
                "backspace" => KeyCode::Backspace,
                "delete" => KeyCode::Delete,
                "insert" => KeyCode::Insert,
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "pageup" => KeyCode::PageUp,
                "pagedown" => KeyCode::PageDown,
                other => match other.strip_prefix('f').map(str::parse) {
                    Some(Ok(number @ 1..=12)) => KeyCode::F(number),
                    _ => return Err(wrong()),
                },
            },
        };
        if matches!(code, KeyCode::Char(_)) {
            held -= KeyModifiers::SHIFT;
        }
        Ok(Self { code, held })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_control() {
            f.write_str("^")?;
        }
        if self.has_alt() {
            f.write_str("Alt+")?;
        }
        if self.held.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift+")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.has_control() => write!(f, "{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::Delete => f.write_str("Del"),
            KeyCode::F(number) => write!(f, "F{number}"),
            code => write!(f, "{code:?}"),
        }
    }
}

/// The keys of every command.
#[derive(Debug, Clone)]
pub(crate) struct Keys(BTreeMap<Command, Vec<Key>>);

impl Keys {
    /// Those of a profile.
    pub(crate) fn new(profile: Profile) -> Self {
        let parse = |keys: &[&str]| keys.iter().filter_map(|key| key.parse().ok()).collect();
        let mut all: BTreeMap<Command, Vec<Key>> = COMMANDS
            .iter()
            .map(|entry| (entry.command, parse(entry.usual)))
            .collect();
        let other = match profile {
            Profile::Default => &[],
            Profile::Vim => VIM,
            Profile::Emacs => EMACS,
        };
        for (command, keys) in other {
            all.insert(*command, parse(keys));
        }
        Self(all)
    }

    /// Gives a command other keys.
    pub(crate) fn set(&mut self, command: Command, keys: Vec<Key>) {
        self.0.insert(command, keys);
    }

    /// What a key does in a place.
    pub(crate) fn command(&self, key: Key, place: Place) -> Option<Command> {
        let here = |at: Place| {
            COMMANDS
                .iter()
                .filter(move |entry| entry.place == at)
                .find(|entry| self.of(entry.command).contains(&key))
                .map(|entry| entry.command)
        };
        let near = match place {
            Place::Anywhere => None,
            Place::Composer => here(Place::Composer),
            Place::Panes => here(Place::Panes),
            Place::Messages => here(Place::Messages).or_else(|| here(Place::Panes)),
        };
        near.or_else(|| here(Place::Anywhere))
    }

    pub(crate) fn of(&self, command: Command) -> &[Key] {
        self.0.get(&command).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first key of a command, for hints.
    pub(crate) fn hint(&self, command: Command) -> String {
        let first = self.of(command).first();
        first.map(ToString::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn keys_are_written_as_people_write_them() {
        for (text, shown) in [
            ("ctrl+k", "^K"),
            ("Ctrl+K", "^K"),
            ("alt+enter", "Alt+Enter"),
            ("shift+tab", "Shift+Tab"),
            ("shift+g", "G"),
            ("f1", "F1"),
            ("space", "Space"),
            ("+", "+"),
            ("ctrl++", "^+"),
            ("alt+<", "Alt+<"),
        ] {
            assert_eq!(key(text).to_string(), shown, "{text}");
        }
        for wrong in ["", "ctrl+", "hyper+k", "f13", "entre", "ctrl+alt"] {
            assert!(Key::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_terminals_send_is_understood() {
        let event = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), key("shift+tab"));
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(event), key("G"));
        let event = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::CONTROL);
        assert_eq!(Key::from(event), key("ctrl+q"));
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for profile in [Profile::Default, Profile::Vim, Profile::Emacs] {
            let keys = Keys::new(profile);
            for place in [
                Place::Anywhere,
                Place::Panes,
                Place::Messages,
                Place::Composer,
            ] {
                let mut seen = BTreeSet::new();
                for entry in COMMANDS.iter().filter(|entry| entry.place == place) {
                    assert!(!keys.of(entry.command).is_empty(), "{}", entry.name);
                    for key in keys.of(entry.command) {
                        assert!(
                            seen.insert(key.to_string()),
                            "{profile:?} {key} {}",
                            entry.name
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn letters_are_commands_only_where_they_are_no_text() {
        let keys = Keys::new(Profile::Default);
        assert_eq!(
            keys.command(key("r"), Place::Messages),
            Some(Command::Reply)
        );
        assert_eq!(keys.command(key("m"), Place::Messages), Some(Command::Mute));
        assert_eq!(keys.command(key("r"), Place::Panes), None);
        for entry in COMMANDS {
            for key in keys.of(entry.command) {
                if key.letter().is_some() {
                    assert_eq!(keys.command(*key, Place::Composer), None, "{key}");
                }
            }
        }
        assert_eq!(
            keys.command(key("enter"), Place::Composer),
            Some(Command::Send)
        );
        assert_eq!(
            keys.command(key("ctrl+q"), Place::Composer),
            Some(Command::Quit)
        );
    }
}
