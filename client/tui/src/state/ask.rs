//! Questions of one line, and lines to be written.

use std::path::{Path, PathBuf};

use session_api::params::{
    BlockParams, ConversationParams, DeclineParams, DeleteParams, DeleteScope, NotifyParams,
    PersonParams, ReactParams, SaveFileParams, SetNameParams, SetNicknameParams, SetTimerParams,
};
use session_core::view::{NotifyMode, Timer};
use session_store::MessageId;
use session_types::{AccountId, Timestamp};

use super::{Pane, State, compose};
use crate::editor::Editor;
use crate::effect::{Effect, FileOfMessage, Then};
use crate::keys::Key;

/// A question with answers of one key each.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) answers: Vec<Answer>,
}

/// One of the answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) key: char,
    pub(crate) words: String,
    act: Act,
}

/// What an answer or a row does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Delete(Vec<MessageId>, DeleteScope),
    Block(AccountId, bool),
    Accept(AccountId),
    Decline(AccountId),
    Timer(AccountId, Timer),
    Mute(AccountId, Option<Timestamp>, NotifyMode),
    Copy(String),
    CopyAlways(String),
    Show(FileOfMessage),
    Browse(String),
    React(MessageId, String, bool),
    Ask(Box<Prompt>),
    Then(Box<Question>),
    Clear(AccountId),
    DeleteChat(AccountId),
    DeleteContact(AccountId),
    OpenChat(AccountId),
    OpenAt(AccountId, MessageId),
    Account(AccountId),
    AddAccount,
    Receipts(bool),
    Typing(bool),
    OpenRequest(AccountId),
    Recovery,
    RecoveryShown,
    Settings,
    Lock,
    LockOne(AccountId),
    ShowId,
    Path,
    Help,
    RemoveAccount(AccountId),
    Diagnose,
    Overwrite(FileOfMessage, PathBuf),
    Quit,
}

/// A line to be written.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) label: String,
    pub(crate) editor: Editor,
    pub(crate) purpose: Purpose,
    /// What the line can go on with.
    pub(crate) completions: Vec<String>,
}

/// What a line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    Attach,
    Save(FileOfMessage),
    Nickname(AccountId),
    Name,
    Timer(AccountId),
    FindHere,
    React(MessageId),
    Person,
}

impl Question {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            answers: Vec::new(),
        }
    }

    pub(crate) fn or(mut self, key: char, words: impl Into<String>, act: Act) -> Self {
        self.answers.push(Answer {
            key,
            words: words.into(),
            act,
        });
        self
    }

    /// With Esc to leave it.
    pub(crate) fn line(&self) -> String {
        let mut line = self.text.clone();
        for answer in &self.answers {
            line += &format!("  [{}] {}", answer.key, answer.words);
        }
        line + "  Esc"
    }
}

impl Prompt {
    pub(crate) fn new(label: impl Into<String>, purpose: Purpose) -> Self {
        Self {
            label: label.into(),
            editor: Editor::default(),
            purpose,
            completions: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, text: &str) -> Self {
        self.editor.set(text);
        self
    }

    pub(crate) fn editor_changed(&mut self) {
        self.completions.clear();
    }

    const fn is_path(&self) -> bool {
        matches!(self.purpose, Purpose::Attach | Purpose::Save(_))
    }
}

impl State {
    pub(crate) fn ask(&mut self, question: Question) {
        self.question = Some(question);
    }

    /// A key while a question is asked.
    pub(crate) fn question_key(&mut self, key: Key) {
        let Some(question) = self.question.take() else {
            return;
        };
        if key.code() == crossterm::event::KeyCode::Esc {
            return;
        }
        let letter = key.letter();
        let answer = question
            .answers
            .iter()
            .find(|answer| letter.is_some_and(|letter| letter.eq_ignore_ascii_case(&answer.key)));
        match answer {
            Some(answer) => self.act(answer.act.clone()),
            None => self.question = Some(question),
        }
    }

    /// A key while a line is written.
    pub(crate) fn prompt_key(&mut self, key: Key) {
        use crossterm::event::KeyCode as K;
        let home = self.beginning.home.clone();
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        match key.code() {
            K::Esc => self.prompt = None,
            K::Enter => {
                if let Some(prompt) = self.prompt.take() {
                    self.prompted(&prompt);
                }
            }
            K::Tab if prompt.is_path() => {
                let (text, completions) = complete(prompt.editor.text(), home.as_deref());
                prompt.editor.set(&text);
                prompt.completions = completions;
            }
            _ => {
                if compose::edit(&mut prompt.editor, key, usize::MAX) {
                    prompt.editor_changed();
                }
            }
        }
    }

    /// A line was written.
    fn prompted(&mut self, prompt: &Prompt) {
        let text = prompt.editor.text().trim().to_owned();
        let Some(account) = self.desk().map(|desk| desk.own) else {
            return;
        };
        match &prompt.purpose {
            Purpose::Attach => {
                if !text.is_empty() {
                    let path = self.path(&text);
                    self.attach(path);
                }
            }
            Purpose::Save(file) => {
                if !text.is_empty() {
                    let path = self.path(&text);
                    self.save_file(file, path, false);
                }
            }
            Purpose::Nickname(person) => {
                let params = SetNicknameParams {
                    account,
                    person: *person,
                    nickname: text.into(),
                };
                self.call("contacts.set_nickname", params, Then::Quiet);
            }
            Purpose::Name => {
                let params = SetNameParams {
                    account,
                    name: text.into(),
                };
                self.call(
                    "profile.set_name",
                    params,
                    Then::Say("Name changed.".into()),
                );
            }
            Purpose::Timer(id) => match super::command::timer(&text) {
                Ok(timer) => self.act(Act::Timer(*id, timer)),
                Err(problem) => self.fail(problem),
            },
            Purpose::FindHere => self.find_here(&text),
            Purpose::React(message) => match emoji(&text) {
                Some(emoji) => self.toggle_reaction(*message, &emoji),
                None => self.fail("That is no emoji. Write one, or its name: heart, +1, joy."),
            },
            Purpose::Person => self.write_to(&text),
        }
    }

    /// A path as people write it.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        expand(text, self.beginning.home.as_deref())
    }

    pub(crate) fn ask_for_file(&mut self) {
        self.prompt = Some(Prompt::new(
            "File to send (Tab completes):",
            Purpose::Attach,
        ));
    }

    pub(crate) fn save_file(&mut self, file: &FileOfMessage, path: PathBuf, overwrite: bool) {
        let path = if path.is_dir() {
            path.join(&file.name)
        } else {
            path
        };
        let shown = path.to_string_lossy().into_owned();
        if !overwrite && path.exists() {
            let question = Question::new(format!("{shown} is there already. Replace it?")).or(
                'y',
                "replace",
                Act::Overwrite(file.clone(), path),
            );
            return self.ask(question);
        }
        let params = SaveFileParams {
            account: file.account,
            message_id: file.message_id,
            index: file.index,
            path: shown.clone(),
            overwrite,
        };
        self.call_slow("files.save", params, Then::Saved(shown));
    }

    /// Does what an answer or a row says.
    pub(crate) fn act(&mut self, act: Act) {
        let Some(account) = self.desk().map(|desk| desk.own) else {
            return self.act_without_account(act);
        };
        match act {
            Act::Delete(messages, scope) => {
                for message_id in messages {
                    let params = DeleteParams {
                        account,
                        message_id,
                        scope,
                        undo_ms: 0,
                    };
                    self.call("messages.delete", params, Then::Quiet);
                }
                if let Some(chat) = self.chat_mut() {
                    chat.marked.clear();
                }
            }
            Act::Block(person, blocked) => {
                let params = BlockParams {
                    account,
                    person,
                    blocked,
                };
                let words = if blocked { "Blocked." } else { "Unblocked." };
                self.call("contacts.block", params, Then::Say(words.into()));
            }
            Act::Accept(person) => {
                let params = PersonParams { account, person };
                self.call("requests.accept", params, Then::Say("Accepted.".into()));
                if self.chat().is_some_and(|chat| chat.id == person) {
                    self.accepting = Some(person);
                    self.pane = Pane::Composer;
                }
            }
            Act::Decline(person) => {
                let params = DeclineParams {
                    account,
                    person,
                    block: false,
                };
                self.call("requests.decline", params, Then::Say("Declined.".into()));
                self.leave(person);
            }
            Act::Timer(conversation, timer) => {
                // Notes are read when they are written.
                let timer = match timer {
                    Timer::AfterRead { seconds } if conversation == account => {
                        Timer::AfterSend { seconds }
                    }
                    timer => timer,
                };
                let params = SetTimerParams {
                    account,
                    conversation,
                    timer,
                };
                self.call("conversations.set_timer", params, Then::Quiet);
            }
            Act::Mute(conversation, muted_until, notify) => {
                let muted = muted_until.is_some() || notify == NotifyMode::Off;
                let params = NotifyParams {
                    account,
                    conversation,
                    notify,
                    muted_until,
                };
                let words = if muted { "Muted." } else { "No longer muted." };
                self.call("conversations.notify", params, Then::Say(words.into()));
            }
            Act::Show(file) => self.effect(Effect::Show(file)),
            Act::Browse(url) => self.effect(Effect::Browse(url)),
            Act::React(message_id, emoji, present) => {
                let params = ReactParams {
                    account,
                    message_id,
                    emoji,
                    present,
                };
                self.call("messages.react", params, Then::Quiet);
            }
            Act::Ask(prompt) => self.prompt = Some(*prompt),
            Act::Then(question) => self.question = Some(*question),
            Act::Clear(conversation) => {
                let params = ConversationParams {
                    account,
                    conversation,
                };
                self.call("conversations.clear", params, Then::Say("Cleared.".into()));
            }
            Act::DeleteChat(conversation) => {
                self.leave(conversation);
                let params = ConversationParams {
                    account,
                    conversation,
                };
                self.call("conversations.delete", params, Then::Quiet);
            }
            Act::DeleteContact(person) => {
                self.leave(person);
                let params = PersonParams { account, person };
                self.call("contacts.delete", params, Then::Quiet);
            }
            Act::Overwrite(file, path) => self.save_file(&file, path, true),
            Act::OpenChat(id) => {
                self.page = None;
                self.open_chat(id, None, Pane::Composer);
            }
            Act::OpenAt(id, message) => {
                self.page = None;
                self.open_at(id, message);
            }
            other => self.act_on_account(account, other),
        }
    }

    fn leave(&mut self, conversation: AccountId) {
        if self.chat().is_some_and(|chat| chat.id == conversation) {
            self.close_chat();
            self.pane = Pane::List;
        }
    }
}

/// What can be put at a message: an emoji, or its name.
pub(crate) fn emoji(text: &str) -> Option<String> {
    let quick = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    if let Some(emoji) = quick.and_then(|at| super::on_message::QUICK.get(at)) {
        return Some((*emoji).to_owned());
    }
    let name = text.trim_matches(':');
    let found = emojis::get_by_shortcode(name).or_else(|| emojis::get(text));
    found.map(|found| found.as_str().to_owned())
}

/// `~` is the home folder.
pub(crate) fn expand(text: &str, home: Option<&Path>) -> PathBuf {
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ if text == "~" => home.map_or_else(|| PathBuf::from(text), Path::to_owned),
        _ => PathBuf::from(text),
    }
}

/// As much of a path as there is no doubt about, and what it can go on with.
fn complete(text: &str, home: Option<&Path>) -> (String, Vec<String>) {
    /// Names shown.
    const SHOWN: usize = 40;
    let (folder, begun) = match text.rfind('/') {
        Some(at) => text.split_at_checked(at + 1).unwrap_or((text, "")),
        None => ("", text),
    };
    let place = if folder.is_empty() {
        PathBuf::from(".")
    } else {
        expand(folder, home)
    };
    let Ok(entries) = std::fs::read_dir(&place) else {
        return (text.to_owned(), Vec::new());
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !begun.starts_with('.');
            let fits = name.starts_with(begun) && !hidden;
            let is_folder = entry.path().is_dir();
            fits.then(|| if is_folder { name + "/" } else { name })
        })
        .collect();
    names.sort();
    let common = common_beginning(&names);
    let text = if common.len() > begun.len() {
        format!("{folder}{common}")
    } else {
        text.to_owned()
    };
    if names.len() == 1 {
        names.clear();
    }
    names.truncate(SHOWN);
    (text, names)
}

fn common_beginning(names: &[String]) -> String {
    let Some((first, rest)) = names.split_first() else {
        return String::new();
    };
    let mut common = first.as_str();
    for name in rest {
        let same = common
            .char_indices()
            .zip(name.chars())
            .find(|((_, a), b)| a != b)
            .map_or(common.len().min(name.len()), |((at, _), _)| at);
        common = common.get(..same).unwrap_or_default();
    }
    common.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emojis_have_names() {
        assert_eq!(emoji("heart").as_deref(), Some("❤️"));
        assert_eq!(emoji(":+1:").as_deref(), Some("👍"));
        assert_eq!(emoji("🎉").as_deref(), Some("🎉"));
        assert_eq!(emoji("hello"), None);
        assert_eq!(emoji("3").as_deref(), Some("😂"));
        assert_eq!(emoji("0"), None);
    }

    #[test]
    fn paths_are_completed_as_far_as_there_is_no_doubt() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["photo one.jpg", "photo two.jpg", ".hidden", "école"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("walks")).unwrap();
        let home = Some(folder.path());
        assert_eq!(complete("~/w", home), ("~/walks/".into(), vec![]));
        let (text, names) = complete("~/p", home);
        assert_eq!((text.as_str(), names.len()), ("~/photo ", 2));
        assert_eq!(complete("~/é", home).0, "~/école");
        assert_eq!(complete("~/", home).1.len(), 4);
        assert_eq!(complete("~/none/x", home), ("~/none/x".into(), vec![]));
    }
}
