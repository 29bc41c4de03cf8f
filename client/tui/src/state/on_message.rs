//! What can be done with messages.

use session_api::params::MessageParams;
use session_core::view::{Delivery, FileStatus, ItemContent, MessageItem, QuoteState, Span};
use session_store::MessageId;
use session_types::AccountId;

use super::ask::{Act, Prompt, Purpose, Question};
use super::compose::Reply;
use super::naming::{file_name, text_of};
use super::{Pane, State};
use crate::effect::{Effect, FileOfMessage, Then};
use crate::keys::Command;
use crate::text::{cut, harmless, one_line};

/// Emojis offered by number.
pub(crate) const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

impl State {
    /// Commands about the message the keys are at.
    pub(super) fn on_message(&mut self, command: Command) {
        let Some(desk) = self.desk() else { return };
        let account = desk.own;
        let Some(item) = desk
            .chat
            .as_ref()
            .and_then(super::chat::Chat::selected_item)
        else {
            return;
        };
        let Some(message_id) = item.message_id() else {
            return;
        };
        let message = match &item.content {
            ItemContent::Message(message) => Some(message.clone()),
            _ => None,
        };
        let Some(message) = message else {
            if command == Command::Info {
                self.open_info(account, message_id);
            }
            return;
        };
        match command {
            Command::Open => match &message.quote {
                Some(quote) => match quote.original {
                    QuoteState::Found { message_id, .. } => {
                        let here = self.here();
                        if let Some((_, conversation)) = here {
                            self.open_at(conversation, message_id);
                        }
                    }
                    _ => self.say("The earlier message is not on this device."),
                },
                None => self.open_info(account, message_id),
            },
            Command::Info => self.open_info(account, message_id),
            Command::Reply => self.reply_to(&message),
            Command::React => {
                let mut label = "React:".to_owned();
                for (n, emoji) in QUICK.iter().enumerate() {
                    label += &format!(" {}{}", n + 1, self.look.emoji(emoji));
                }
                label += ", or an emoji or its name:";
                self.prompt = Some(Prompt::new(label, Purpose::React(message_id)));
            }
            Command::OpenFile => self.open_file(account, &message),
            Command::Save => match self.file_here(account, &message, "saved") {
                Some(file) => {
                    let suggestion = self.beginning.downloads.join(&file.name);
                    let suggestion = suggestion.to_string_lossy().into_owned();
                    let label = "Save as (the other side is told):";
                    let prompt = Prompt::new(label, Purpose::Save(file)).with(&suggestion);
                    self.prompt = Some(prompt);
                }
                None if message.files.is_empty() => self.say("There is no file in this message."),
                None => {}
            },
            Command::Retry => {
                if matches!(message.state, Delivery::Failed { .. }) {
                    let params = MessageParams {
                        account,
                        message_id,
                    };
                    let then = Then::Say("Trying again.".into());
                    self.call("messages.retry", params, then);
                } else {
                    self.say("Only messages that were not sent can be tried again.");
                }
            }
            _ => {}
        }
    }

    fn reply_to(&mut self, message: &MessageItem) {
        let Some((account, id)) = self.here() else {
            return;
        };
        if self.bar().is_some() {
            return;
        }
        let name = if message.author == account {
            "yourself".to_owned()
        } else {
            self.name(message.author)
        };
        let reply = Reply {
            message_id: message.message_id,
            name,
            excerpt: one_line(&text_of(message)),
        };
        let now = self.now;
        if let Some(desk) = self.desk_mut() {
            let composer = desk.composer(id);
            composer.reply = Some(reply);
            composer.touch(now);
        }
        self.pane = Pane::Composer;
    }

    pub(crate) fn toggle_reaction(&mut self, message_id: MessageId, emoji: &str) {
        let message = self.chat().and_then(|chat| chat.message(message_id));
        let mine = message
            .and_then(super::chat::message)
            .is_some_and(|message| {
                let mut reactions = message.reactions.iter();
                reactions.any(|reaction| reaction.mine && reaction.emoji == emoji)
            });
        self.act(Act::React(message_id, emoji.to_owned(), !mine));
    }

    /// The first file that is on this device; others are asked for.
    fn file_here(
        &mut self,
        account: AccountId,
        message: &MessageItem,
        what: &str,
    ) -> Option<FileOfMessage> {
        let named = |file: &session_core::view::FileView| FileOfMessage {
            account,
            message_id: message.message_id,
            index: file.index,
            name: file_name(file.name.as_ref().map(|name| name.as_str()), file.index),
        };
        let here = message
            .files
            .iter()
            .find(|file| file.state == FileStatus::Here);
        if let Some(file) = here {
            return Some(named(file));
        }
        let wanted = message
            .files
            .iter()
            .find(|file| matches!(file.state, FileStatus::Remote | FileStatus::Failed { .. }));
        if let Some(file) = wanted {
            let params = session_api::params::FileParams {
                account,
                message_id: message.message_id,
                index: file.index,
            };
            self.call("files.download", params, Then::Asked);
            self.say(format!("Fetching it; it can be {what} once it is here."));
        }
        None
    }

    fn open_file(&mut self, account: AccountId, message: &MessageItem) {
        if let Some(file) = self.file_here(account, message, "opened") {
            let name = one_line(&file.name);
            let question = Question::new(format!(
                "Open {name} with this system's viewer? It came from outside."
            ))
            .or('y', "open", Act::Show(file));
            return self.ask(question);
        }
        if !message.files.is_empty() {
            return;
        }
        let link = message.spans.iter().find_map(|span| match span {
            Span::Link { url } => Some(url.as_str().to_owned()),
            _ => None,
        });
        match link.filter(|url| url.chars().all(|c| c.is_ascii_graphic())) {
            Some(url) => {
                let host = url.split('/').nth(2).unwrap_or_default();
                let host = cut(host, 40, self.look.signs.more);
                let text = format!("Open {host} in your browser? It will see your address.");
                let question = Question::new(text)
                    .or('y', "open", Act::Browse(url.clone()))
                    .or('c', "copy the address", Act::CopyAlways(url));
                self.ask(question);
            }
            None => self.say("There is no file or link in this message."),
        }
    }

    pub(super) fn ask_to_delete(&mut self) {
        use session_api::params::DeleteScope as D;
        let Some((account, conversation)) = self.here() else {
            return;
        };
        let Some(chat) = self.chat() else { return };
        let chosen: Vec<_> = if chat.marked.is_empty() {
            chat.selected_item().into_iter().collect()
        } else {
            let items = chat.feed.items.iter();
            items
                .filter(|item| chat.marked.contains(&item.id))
                .collect()
        };
        let ids: Vec<MessageId> = chosen.iter().filter_map(|item| item.message_id()).collect();
        if ids.is_empty() {
            return;
        }
        let sent = |state: &Delivery| matches!(state, Delivery::Sent | Delivery::Read { .. });
        let all_mine = chosen.iter().all(|item| match &item.content {
            ItemContent::Message(message) => message.mine && sent(&message.state),
            _ => false,
        });
        let what = match ids.len() {
            1 => "Delete this message".to_owned(),
            n => format!("Delete {n} messages"),
        };
        let here = Act::Delete(ids.clone(), D::ThisDevice);
        let mut question = Question::new(format!("{what} for:")).or('1', "this device", here);
        if account == conversation {
            question = question.or('2', "all your devices", Act::Delete(ids, D::MyDevices));
        } else if all_mine {
            question = question.or('2', "everyone", Act::Delete(ids, D::Everyone));
        }
        self.ask(question);
    }

    pub(super) fn copy_messages(&mut self) {
        let Some(chat) = self.chat() else { return };
        let text = if chat.marked.is_empty() {
            chat.selected_message().map(text_of)
        } else {
            let marked = chat
                .feed
                .items
                .iter()
                .filter(|item| chat.marked.contains(&item.id));
            let lines = marked.filter_map(super::chat::message).map(|message| {
                let time = crate::time::clock(message.sent_at, &self.zone);
                let name = self.name(message.author);
                format!("[{time}] {name}: {}", text_of(message))
            });
            Some(lines.collect::<Vec<_>>().join("\n"))
        };
        if let Some(text) = text {
            self.copy(&text);
        }
    }

    /// Copies once the user has allowed it.
    pub(crate) fn copy(&mut self, text: &str) {
        // What came from outside must not do anything where it is pasted.
        let text = harmless(text);
        if self.may_copy {
            self.effect(Effect::Copy(text));
            return self.say("Copied.");
        }
        let question = Question::new("Hand this text to your terminal's clipboard?")
            .or('y', "this time", Act::Copy(text.clone()))
            .or('a', "always until I quit", Act::CopyAlways(text));
        self.ask(question);
    }
}
