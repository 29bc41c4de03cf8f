//! `:smi` while something is written: emojis whose names begin so, or hold it.

use crossterm::event::KeyCode;

use super::{Pane, State};
use crate::editor::Editor;
use crate::keys::Key;

/// Emojis that are offered at once.
const OFFERED: usize = 6;
/// Letters after the colon from which on they are.
const LEAST: usize = 2;

/// Emojis that are offered for what is being written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offer {
    /// Which of them the keys are at.
    at: usize,
    /// For which beginning that is, and whether it was refused.
    of: String,
    refused: bool,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) emoji: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_chosen: bool,
}

impl Offer {
    /// What is offered now.
    pub(crate) fn shown(&self, editor: &Editor) -> Vec<Offered> {
        let Some(begun) = begun(editor.before()) else {
            return Vec::new();
        };
        let same = self.of == begun;
        if same && self.refused {
            return Vec::new();
        }
        let at = if same { self.at } else { 0 };
        let found = found(begun).into_iter().enumerate();
        found
            .map(|(n, (emoji, name))| Offered {
                emoji,
                name,
                is_chosen: n == at,
            })
            .collect()
    }
}

impl State {
    /// What is offered for what is being written here.
    pub(crate) fn offered(&self) -> Vec<Offered> {
        let composer = self.desk().and_then(|desk| {
            let id = desk.chat.as_ref()?.id;
            desk.composers.get(&id)
        });
        match composer {
            Some(composer) if self.pane == Pane::Composer => composer.offer.shown(&composer.editor),
            _ => Vec::new(),
        }
    }

    /// A key while emojis are offered: Tab takes one, up and down choose, Esc refuses. False when
    /// it is none of these.
    pub(crate) fn offer_key(&mut self, key: Key) -> bool {
        if key.has_control() || key.has_alt() {
            return false;
        }
        let offered = self.offered();
        let Some(chosen) = offered.iter().position(|one| one.is_chosen) else {
            return false;
        };
        let now = self.now;
        let Some((_, id)) = self.here() else {
            return false;
        };
        let Some(desk) = self.desk_mut() else {
            return false;
        };
        let composer = desk.composer(id);
        let begun = begun(composer.editor.before()).unwrap_or_default();
        let (letters, of) = (begun.chars().count() + 1, begun.to_owned());
        let count = offered.len();
        match key.code() {
            KeyCode::Tab => {
                for _ in 0..letters {
                    composer.editor.backspace();
                }
                if let Some(one) = offered.get(chosen) {
                    composer.editor.insert(one.emoji);
                }
                composer.touch(now);
            }
            KeyCode::Down => composer.offer = Offer::at((chosen + 1) % count, of),
            KeyCode::Up => composer.offer = Offer::at((chosen + count - 1) % count, of),
            KeyCode::Esc => {
                composer.offer = Offer {
                    refused: true,
                    ..Offer::at(0, of)
                };
            }
            _ => return false,
        }
        true
    }
}

impl Offer {
    const fn at(at: usize, of: String) -> Self {
        Self {
            at,
            of,
            refused: false,
        }
    }
}

/// The beginning of a name before the cursor. ASCII smileys are none.
fn begun(before: &str) -> Option<&str> {
    let (rest, begun) = before.rsplit_once(':')?;
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '+';
    let begins = rest.chars().next_back().is_none_or(char::is_whitespace);
    (begins && begun.len() >= LEAST && begun.chars().all(is_name)).then_some(begun)
}

/// Emojis by a part of a name: first those whose names begin so, the shortest names first.
fn found(part: &str) -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(bool, usize, &'static str, &'static str)> = Vec::new();
    for emoji in emojis::iter() {
        let names = emoji.shortcodes().filter(|name| name.contains(part));
        let best = names.min_by_key(|name| (!name.starts_with(part), name.len()));
        if let Some(name) = best {
            let inside = !name.starts_with(part);
            found.push((inside, name.len(), emoji.as_str(), name));
        }
    }
    found.sort_by_key(|(inside, length, _, name)| (*inside, *length, *name));
    found.truncate(OFFERED);
    let pairs = found.into_iter().map(|(_, _, emoji, name)| (emoji, name));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(before: &str) -> Vec<&'static str> {
        let offer = Offer::default();
        let shown = offer.shown(&Editor::with(before));
        shown.iter().map(|one| one.name).collect()
    }

    #[test]
    fn names_that_begin_so_come_first() {
        let smi = names("well :smi");
        assert_eq!(smi.len(), OFFERED);
        assert!(smi[0].starts_with("smi"), "{smi:?}");
        assert!(smi.contains(&"smile"), "{smi:?}");
        assert_eq!(names(":+1")[0], "+1");
        let tada = Offer::default().shown(&Editor::with(":tada"));
        assert_eq!((tada[0].emoji, tada[0].is_chosen), ("🎉", true));
    }

    #[test]
    fn smileys_addresses_and_times_are_left_alone() {
        for text in [
            ":", ":-)", ":D", ":s", "12:30", "http://x", "a:smile", ":smile ", ":SMI", "",
        ] {
            assert_eq!(names(text), Vec::<&str>::new(), "{text}");
        }
    }
}
