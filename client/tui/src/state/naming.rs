//! What people, messages and files are called.

use session_core::view::{ConversationItem, ConversationKind, MessageItem, Span};
use session_types::AccountId;

use super::State;
use crate::text::{cut, one_line};

impl State {
    /// What somebody is called.
    pub(crate) fn name(&self, id: AccountId) -> String {
        let Some(desk) = self.desk() else {
            return id.short();
        };
        if desk.own == id {
            return "You".to_owned();
        }
        if let Some(item) = desk.conversation(id) {
            return self.name_of(item);
        }
        let person = desk.chat.as_ref().and_then(|chat| chat.person(id));
        person.map_or_else(
            || id.short(),
            |person| shown_name(person.name.as_str(), id, false),
        )
    }

    /// What a conversation is called.
    pub(crate) fn name_of(&self, item: &ConversationItem) -> String {
        if item.kind == ConversationKind::NoteToSelf {
            return "Note to Self".to_owned();
        }
        shown_name(item.person.name.as_str(), item.id, item.ambiguous)
    }
}

/// A name in one line. Those that could be taken for another's, or for this program's own words,
/// have the end of the id behind them.
pub(crate) fn shown_name(name: &str, id: AccountId, ambiguous: bool) -> String {
    const OURS: [&str; 5] = [
        "you",
        "note to self",
        "session",
        "support",
        "message requests",
    ];
    /// Columns of a name.
    const LONGEST: usize = 40;
    let name = cut(&one_line(name), LONGEST, "…");
    let hex = id.to_hex();
    let (_, tail) = hex.split_at_checked(62).unwrap_or(("", &hex));
    let visible = name
        .chars()
        .any(|c| c.is_alphanumeric() || emojis::get(&c.to_string()).is_some());
    if !visible {
        return format!("(no visible name) ·{tail}");
    }
    if ambiguous || OURS.contains(&name.to_lowercase().trim()) {
        return format!("{name} ·{tail}");
    }
    name
}

/// The words of a message.
pub(crate) fn text_of(message: &MessageItem) -> String {
    let mut text = String::new();
    for span in &message.spans {
        match span {
            Span::Text { text: part } => text.push_str(part.as_str()),
            Span::Mention { name, .. } => {
                text.push('@');
                text.push_str(name.as_str());
            }
            Span::Link { url } => text.push_str(url.as_str()),
        }
    }
    if text.is_empty()
        && let Some(file) = message.files.first()
    {
        return file_name(file.name.as_ref().map(|name| name.as_str()), file.index);
    }
    text
}

/// The name a file may have on this computer: no folders, nothing hidden, nothing odd.
pub(crate) fn file_name(name: Option<&str>, index: u32) -> String {
    let last = name
        .unwrap_or_default()
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default();
    let kept: String = one_line(last)
        .chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{fffd}' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        })
        .collect();
    let kept = kept.trim_matches(['.', ' ']);
    if kept.is_empty() {
        return format!("file {}", index + 1);
    }
    crate::text::cut_middle(kept, 100, "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_strangers_are_told_apart() {
        let id = AccountId::from_x25519([0xab; 32].into());
        assert_eq!(shown_name("Anna", id, false), "Anna");
        assert_eq!(shown_name("Anna", id, true), "Anna ·abab");
        assert_eq!(shown_name(" YOU ", id, false), "YOU ·abab");
        assert_eq!(
            shown_name("\u{200b}\u{2060}", id, false),
            "(no visible name) ·abab"
        );
        assert_eq!(shown_name("a\nb\u{1b}[2J", id, false), "a b\u{fffd}[2J");
    }

    #[test]
    fn files_get_no_harmful_names() {
        assert_eq!(file_name(Some("../../etc/passwd"), 0), "passwd");
        assert_eq!(file_name(Some("C:\\x\\photo.jpg"), 0), "photo.jpg");
        assert_eq!(file_name(Some(".bashrc"), 0), "bashrc");
        assert_eq!(file_name(Some("gpj.\u{202e}exe"), 0), "gpj.exe");
        assert_eq!(file_name(Some("..."), 1), "file 2");
        assert_eq!(file_name(None, 0), "file 1");
    }
}
