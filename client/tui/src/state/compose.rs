//! What is being written: text, files, the message it answers.

use std::path::PathBuf;

use serde_json::{Value, json};
use session_api::params::{SetDraftParams, TypingParams};
use session_core::view::{Draft, QuoteState};
use session_store::{DraftFileId, MessageId};
use session_types::{AccountId, Timestamp};

use super::emoji::Offer;
use super::{Pane, State};
use crate::editor::Editor;
use crate::effect::{Effect, Then};
use crate::keys::{Command, Key};
use crate::text::one_line;

/// The most characters a message has.
pub(crate) const LIMIT: usize = 2000;
/// The most files a message has.
const FILES: usize = 32;
/// A draft is kept so long after the last key.
const DRAFT_MS: u64 = 300;
/// That somebody types is repeated this often.
const TYPING_MS: u64 = 10_000;

/// What is being written in one conversation.
#[derive(Debug, Default)]
pub(crate) struct Composer {
    pub(crate) editor: Editor,
    pub(crate) reply: Option<Reply>,
    pub(crate) files: Vec<Chosen>,
    /// Emojis offered for what is being written.
    pub(crate) offer: Offer,
    saved: (String, Option<MessageId>),
    /// The files of the call under way that keeps them.
    keeping: Option<Vec<u32>>,
    /// They are others now than that call says.
    files_changed: bool,
    last_number: u32,
    /// What was sent last and is not on disk yet.
    going: Option<Going>,
    changed_at: Option<Timestamp>,
    told_typing: Option<Timestamp>,
}

/// What was sent, to be put back if it cannot be.
#[derive(Debug)]
struct Going {
    text: String,
    reply: Option<Reply>,
    files: Vec<Chosen>,
}

/// A file that goes with what is written.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    number: u32,
    pub(crate) name: String,
    place: Place,
}

/// Where its content is.
#[derive(Debug, Clone)]
enum Place {
    /// Where it was chosen; the draft has no copy yet.
    Path(PathBuf),
    /// In the draft.
    Draft(DraftFileId),
}

impl Chosen {
    fn given(&self) -> Value {
        match &self.place {
            Place::Path(path) => json!({ "path": path.to_string_lossy() }),
            Place::Draft(id) => json!({ "draft": id }),
        }
    }
}

/// The message that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) message_id: MessageId,
    pub(crate) name: String,
    pub(crate) excerpt: String,
}

impl Composer {
    /// When the draft is to be kept.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let at = self.changed_at?;
        Some(Timestamp::from_ms(at.as_ms().saturating_add(DRAFT_MS)))
    }

    /// Takes the draft the database had.
    pub(crate) fn load(&mut self, draft: &Draft) {
        let text = draft.text.as_str();
        let is_untouched = self.changed_at.is_none() && self.reply.is_none();
        if self.editor.is_empty() && is_untouched && self.files.is_empty() {
            self.editor.set(text);
            self.reply = Reply::of(draft);
            for file in &draft.files {
                let name = file.name.as_ref().map_or("file", |name| name.as_str());
                self.choose(name.to_owned(), Place::Draft(file.id));
            }
        }
        self.saved = (text.to_owned(), draft.reply_to);
    }

    fn choose(&mut self, name: String, place: Place) {
        self.last_number += 1;
        self.files.push(Chosen {
            number: self.last_number,
            name,
            place,
        });
    }

    fn answers(&self) -> Option<MessageId> {
        self.reply.as_ref().map(|reply| reply.message_id)
    }

    /// The draft has copies of the files it was given.
    fn kept(&mut self, draft: &Draft) {
        for (number, file) in self.keeping.take().into_iter().flatten().zip(&draft.files) {
            if let Some(chosen) = self.files.iter_mut().find(|chosen| chosen.number == number) {
                chosen.place = Place::Draft(file.id);
            }
        }
    }

    /// The draft did not take what it was given: what it has no copy of goes.
    fn not_kept(&mut self) {
        let asked = self.keeping.take().unwrap_or_default();
        self.files.retain(|chosen| {
            matches!(chosen.place, Place::Draft(_)) || !asked.contains(&chosen.number)
        });
    }

    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.changed_at = Some(now);
    }
}

impl Reply {
    fn of(draft: &Draft) -> Option<Self> {
        let quote = draft.quote.as_ref()?;
        let excerpt = match &quote.original {
            QuoteState::Found { excerpt, .. } => one_line(excerpt.as_str()),
            _ => String::new(),
        };
        let name = if quote.mine {
            "yourself".to_owned()
        } else {
            one_line(quote.name.as_str())
        };
        Some(Self {
            message_id: draft.reply_to?,
            name,
            excerpt,
        })
    }
}

impl State {
    /// Keeps what was begun to be written, if it is time.
    pub(crate) fn save_draft(&mut self, at_once: bool) {
        let Some((account, conversation)) = self.here() else {
            return;
        };
        let now = self.now;
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(conversation);
        let due = composer.wake_at().is_some_and(|due| at_once || due <= now);
        if !due {
            return;
        }
        composer.changed_at = None;
        let reply_to = composer.answers();
        if composer.editor.text() == composer.saved.0 && reply_to == composer.saved.1 {
            return;
        }
        let text = composer.editor.text().to_owned();
        composer.saved = (text.clone(), reply_to);
        let params = SetDraftParams {
            account,
            conversation,
            text: text.into(),
            reply_to,
            files: None,
        };
        self.call("conversations.set_draft", params, Then::Quiet);
    }

    /// Keeps the files that were chosen, with what is written. One call at a time, so that none is
    /// copied twice.
    pub(crate) fn save_files(&mut self, account: AccountId, conversation: AccountId) {
        let Some(desk) = self.desks.get_mut(&account) else {
            return;
        };
        let composer = desk.composer(conversation);
        if composer.keeping.is_some() {
            composer.files_changed = true;
            return;
        }
        composer.files_changed = false;
        let numbers = composer.files.iter().map(|chosen| chosen.number);
        composer.keeping = Some(numbers.collect());
        composer.changed_at = None;
        let (text, reply_to) = (composer.editor.text().to_owned(), composer.answers());
        composer.saved = (text.clone(), reply_to);
        let files: Vec<Value> = composer.files.iter().map(Chosen::given).collect();
        let params = json!({
            "account": account, "conversation": conversation, "text": text,
            "reply_to": reply_to, "files": files,
        });
        let then = Then::Kept(account, conversation);
        self.call("conversations.set_draft", params, then);
    }

    /// The draft has its files, or did not take them.
    pub(crate) fn files_kept(
        &mut self,
        account: AccountId,
        conversation: AccountId,
        draft: Option<&Draft>,
    ) {
        let Some(desk) = self.desks.get_mut(&account) else {
            return;
        };
        let composer = desk.composer(conversation);
        match draft {
            Some(draft) => composer.kept(draft),
            None => composer.not_kept(),
        }
        if composer.files_changed {
            self.save_files(account, conversation);
        }
    }

    /// What was sent is on disk, or was refused: then it is put back, unless something else is
    /// being written by now.
    pub(crate) fn sent(&mut self, account: AccountId, to: AccountId, is_on_disk: bool) {
        let now = self.now;
        let Some(desk) = self.desks.get_mut(&account) else {
            return;
        };
        let composer = desk.composer(to);
        let going = composer.going.take().filter(|_| !is_on_disk);
        let is_free = composer.editor.is_empty() && composer.files.is_empty();
        if let Some(going) = going.filter(|_| is_free) {
            composer.editor.set(&going.text);
            composer.reply = going.reply;
            composer.files = going.files;
            composer.touch(now);
        }
    }

    /// Chooses none of the files any more.
    pub(crate) fn drop_files(&mut self) {
        let Some((account, conversation)) = self.here() else {
            return;
        };
        let Some(desk) = self.desk_mut() else { return };
        desk.composer(conversation).files.clear();
        self.save_files(account, conversation);
    }

    fn tell_typing(&mut self) {
        let Some((account, conversation)) = self.here() else {
            return;
        };
        let now = self.now;
        let Some(desk) = self.desk_mut() else { return };
        let tells = desk
            .settings
            .as_ref()
            .is_some_and(|settings| settings.typing);
        let is_note = account == conversation;
        let composer = desk.composer(conversation);
        let told = composer
            .told_typing
            .is_some_and(|at| now.as_ms() < at.as_ms().saturating_add(TYPING_MS));
        if !tells || told || is_note || composer.editor.is_empty() {
            return;
        }
        composer.told_typing = Some(now);
        let params = TypingParams {
            account,
            conversation,
            typing: true,
        };
        self.call("conversations.typing", params, Then::Quiet);
    }

    /// A key while something is written.
    pub(crate) fn compose(&mut self, key: Key, command: Option<Command>) {
        let columns = self.composer_columns();
        let now = self.now;
        let Some((_, id)) = self.here() else { return };
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(id);
        match command {
            Some(Command::Send) => return self.send(),
            Some(Command::Attach) => return self.ask_for_file(),
            Some(Command::Editor) => {
                let text = composer.editor.text().to_owned();
                return self.effect(Effect::Editor(text));
            }
            Some(Command::NewLine) => composer.editor.insert("\n"),
            _ => {
                if !edit(&mut composer.editor, key, columns) {
                    use crossterm::event::KeyCode;
                    if key.code() == KeyCode::Up && composer.editor.is_empty() {
                        self.focus_messages();
                    }
                    return;
                }
            }
        }
        composer.touch(now);
        self.tell_typing();
    }

    /// Lets the cursor go to the messages.
    pub(crate) fn focus_messages(&mut self) {
        let Some(chat) = self.chat_mut() else { return };
        if chat.selected_item().is_none() {
            chat.selected = None;
            chat.step(true);
        }
        self.pane = Pane::Messages;
    }

    /// Sends what is written.
    pub(crate) fn send(&mut self) {
        let Some((account, to)) = self.here() else {
            return;
        };
        let now = self.now;
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(to);
        let text = composer.editor.text().trim_matches(['\n', ' ']).to_owned();
        if composer.files.is_empty() && text.is_empty() {
            return;
        }
        if composer.editor.count() > LIMIT {
            let over = composer.editor.count() - LIMIT;
            return self.fail(format!(
                "Too long by {over} characters; the limit is {LIMIT}."
            ));
        }
        if let Some(line) = text.strip_prefix('/') {
            if !line.starts_with('/') {
                let line = line.to_owned();
                composer.editor.clear();
                composer.touch(now);
                return self.slash(&line);
            }
            composer.editor.set(line);
        }
        let text = composer.editor.text().trim_matches(['\n', ' ']).to_owned();
        let reply = composer.reply.take();
        let reply_to = reply.as_ref().map(|reply| reply.message_id);
        let files = core::mem::take(&mut composer.files);
        composer.going = Some(Going {
            text: text.clone(),
            reply,
            files: files.clone(),
        });
        composer.editor.clear();
        composer.saved = Default::default();
        composer.files_changed = false;
        composer.changed_at = None;
        composer.told_typing = None;
        if files.is_empty() {
            let params = json!({
                "account": account, "to": to, "text": text, "reply_to": reply_to,
            });
            self.call("messages.send", params, Then::Sent(account, to));
        } else {
            let files: Vec<Value> = files.iter().map(Chosen::given).collect();
            let params = json!({
                "account": account, "to": to, "text": text, "files": files,
                "reply_to": reply_to,
            });
            self.call("messages.send_files", params, Then::Sent(account, to));
        }
        if let Some(chat) = self.chat_mut() {
            chat.go_to_end();
            chat.selected = None;
        }
        self.jump_to_newest();
    }

    /// Puts a file beside the text.
    pub(crate) fn attach(&mut self, path: PathBuf) {
        let Some((account, id)) = self.here() else {
            return;
        };
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(id);
        if composer.files.len() >= FILES {
            return self.fail(format!("A message holds at most {FILES} files."));
        }
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        composer.choose(name, Place::Path(path));
        self.pane = Pane::Composer;
        self.save_files(account, id);
    }

    pub(crate) fn paste(&mut self, text: &str) {
        if let Some(prompt) = &mut self.prompt {
            prompt.editor.paste(text.trim_end_matches('\n'));
            prompt.editor_changed();
            return;
        }
        if self.start.paste(text) || self.page_paste(text) {
            return;
        }
        if self.question.is_some() || self.pane != Pane::Composer || self.bar().is_some() {
            return;
        }
        let now = self.now;
        let Some((_, id)) = self.here() else { return };
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(id);
        composer.editor.paste(text);
        composer.touch(now);
        if looks_like_recovery_words(text) {
            self.fail("These look like recovery words. Do not send them.");
        }
        self.tell_typing();
    }

    /// What the user's own editor was closed with.
    pub(crate) fn written(&mut self, text: Option<String>) {
        let now = self.now;
        let Some(text) = text else { return };
        let Some((_, id)) = self.here() else { return };
        let Some(desk) = self.desk_mut() else { return };
        let composer = desk.composer(id);
        composer.editor.clear();
        composer.editor.paste(text.trim_end_matches('\n'));
        composer.touch(now);
        self.pane = Pane::Composer;
    }

    /// Why nothing can be written here, if that is so.
    pub(crate) fn bar(&self) -> Option<String> {
        use crate::keys::Command as C;
        let desk = self.desk()?;
        let item = desk.open_conversation()?;
        let name = self.name_of(item);
        let hint = |command| self.keys.hint(command);
        if item.blocked {
            return Some(format!("You blocked {name}.  {} unblocks", hint(C::Block)));
        }
        if desk.is_request() {
            return Some(format!(
                "Message request.  {} accept  {} decline  {} block",
                hint(C::Accept),
                hint(C::Decline),
                hint(C::Block)
            ));
        }
        None
    }
}

/// What a key does to a text; false when it does nothing.
pub(crate) fn edit(editor: &mut Editor, key: Key, columns: usize) -> bool {
    use crossterm::event::KeyCode as K;
    if let Some(letter) = key.letter() {
        let mut buffer = [0; 4];
        editor.insert(letter.encode_utf8(&mut buffer));
        return true;
    }
    let by_word = key.has_control() || key.has_alt();
    match key.code() {
        K::Backspace if by_word => editor.delete_word(),
        K::Backspace => editor.backspace(),
        K::Delete => editor.delete(),
        K::Left if by_word => editor.word_left(),
        K::Left => editor.left(),
        K::Right if by_word => editor.word_right(),
        K::Right => editor.right(),
        K::Home => editor.home(),
        K::End => editor.end(),
        K::Up => return editor.up(columns),
        K::Down => return editor.down(columns),
        K::Char('w') if key.has_control() => editor.delete_word(),
        K::Char('u') if key.has_control() => editor.delete_to_start(),
        K::Char('h') if key.has_control() => editor.backspace(),
        K::Char('d') if key.has_control() => editor.delete(),
        _ => return false,
    }
    true
}

/// Thirteen short words of small letters.
fn looks_like_recovery_words(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.len() == 13
        && words.iter().all(|word| {
            (4..=12).contains(&word.len()) && word.chars().all(|c| c.is_ascii_lowercase())
        })
        && words.last().is_some_and(|last| {
            let (_, first) = words.split_last().unwrap_or((last, &[]));
            first.contains(last)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_words_are_noticed() {
        let words =
            "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept";
        assert!(looks_like_recovery_words(words));
        assert!(!looks_like_recovery_words("see you at eight"));
        assert!(!looks_like_recovery_words(&words.replace("voted", "Voted")));
    }
}
