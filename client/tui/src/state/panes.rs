//! Keys in the list and among the messages.

use session_api::params::PinParams;
use session_core::view::{Around, ConversationItem, ConversationKind, NotifyMode};
use session_store::MessageId;
use session_types::AccountId;

use super::ask::{Act, Prompt, Purpose, Question};
use super::desk::Row;
use super::start::Start;
use super::{Pane, State};
use crate::effect::{Effect, Then};
use crate::keys::{Command, Key, Place};

impl State {
    pub(crate) fn key(&mut self, key: Key) {
        if self.question.is_some() {
            let again = self.keys.command(key, Place::Anywhere) == Some(Command::Quit);
            if again {
                return self.effect(Effect::Quit);
            }
            return self.question_key(key);
        }
        if self.prompt.is_some() {
            return self.prompt_key(key);
        }
        let anywhere = self.keys.command(key, Place::Anywhere);
        match anywhere {
            Some(Command::Quit) => return self.quit(),
            Some(Command::Redraw) => return self.effect(Effect::Redraw),
            _ => {}
        }
        if self.page.is_some() {
            return self.page_key(key);
        }
        if !matches!(self.start, Start::Ready) {
            return self.start_key(key);
        }
        if self.number_key(key) {
            return;
        }
        let place = match self.pane {
            Pane::List => Place::Panes,
            Pane::Messages => Place::Messages,
            Pane::Composer => Place::Composer,
        };
        if self.pane == Pane::Composer && self.offer_key(key) {
            return;
        }
        let command = self.keys.command(key, place);
        let is_global = command.is_some() && command == anywhere;
        match (self.pane, command) {
            (_, Some(command)) if is_global => self.anywhere(command),
            (Pane::Composer, command) => self.compose(key, command),
            (Pane::List, Some(command)) => self.in_list(command),
            (Pane::Messages, Some(command)) => self.in_messages(command),
            (_, None) => {}
        }
    }

    /// Alt and a number: the conversation of this row.
    fn number_key(&mut self, key: Key) -> bool {
        use crossterm::event::KeyCode;
        let KeyCode::Char(digit @ '1'..='9') = key.code() else {
            return false;
        };
        if !key.has_alt() {
            return false;
        }
        let index = digit.to_digit(10).and_then(|n| usize::try_from(n).ok());
        let chat = self.desk().and_then(|desk| {
            let item = desk.chats.items.get(index?.checked_sub(1)?)?;
            Some(item.id)
        });
        if let Some(id) = chat {
            self.open_chat(id, None, Pane::Composer);
        }
        true
    }

    fn anywhere(&mut self, command: Command) {
        match command {
            Command::NextPane => self.next_pane(true),
            Command::PreviousPane => self.next_pane(false),
            Command::Back => self.back(),
            Command::GoTo => self.open_go_to(),
            Command::New => {
                self.prompt = Some(Prompt::new("Account ID or name:", Purpose::Person));
            }
            Command::PreviousChat => self.neighbour_chat(false, false),
            Command::NextChat => self.neighbour_chat(true, false),
            Command::FindHere if self.chat().is_some() => {
                self.prompt = Some(Prompt::new("Find here:", Purpose::FindHere));
            }
            Command::NextAccount => self.next_account(),
            Command::Path => self.open_path(),
            Command::Settings => self.open_settings(),
            Command::Lock => self.lock(),
            Command::Help => self.open_help(),
            Command::Quit => self.quit(),
            _ => {}
        }
    }

    fn next_pane(&mut self, forward: bool) {
        if self.chat().is_none() {
            self.pane = Pane::List;
            return;
        }
        let can_write = self.bar().is_none();
        let next = match (self.pane, forward) {
            (Pane::List, true) | (Pane::Composer, false) => Pane::Messages,
            (Pane::Messages, true) | (Pane::List, false) if can_write => Pane::Composer,
            (Pane::Messages, true) | (Pane::Composer, true) | (Pane::Messages, false) => Pane::List,
            (Pane::List, false) => Pane::Messages,
        };
        if next == Pane::Messages {
            self.focus_messages();
        } else {
            self.pane = next;
        }
    }

    fn back(&mut self) {
        let (pane, now) = (self.pane, self.now);
        let Some((_, id)) = self.here() else { return };
        let can_write = self.bar().is_none();
        let Some(desk) = self.desk_mut() else { return };
        if pane == Pane::Composer {
            let composer = desk.composer(id);
            if composer.reply.take().is_some() {
                composer.touch(now);
                return;
            }
            if composer.editor.is_empty() && !composer.files.is_empty() {
                return self.drop_files();
            }
            self.pane = Pane::List;
            return;
        }
        if pane == Pane::Messages {
            let Some(chat) = self.chat_mut() else { return };
            if !chat.marked.is_empty() {
                chat.marked.clear();
                return;
            }
            if !chat.hits.is_empty() {
                chat.hits.clear();
                return;
            }
            chat.selected = None;
            self.pane = if can_write {
                Pane::Composer
            } else {
                Pane::List
            };
            return;
        }
        if self.is_narrow() {
            return;
        }
        self.save_draft(true);
        self.close_chat();
    }

    /// The next conversation of the list, or the next with something unread.
    pub(crate) fn neighbour_chat(&mut self, forward: bool, unread: bool) {
        let Some(desk) = self.desk() else { return };
        let items = &desk.chats.items;
        let open = desk.chat.as_ref().map(|chat| chat.id);
        let at = items.iter().position(|item| Some(item.id) == open);
        let fits = |item: &&ConversationItem| !unread || item.unread > 0 || item.marked_unread;
        let next = match (at, forward) {
            (None, true) => items.iter().find(fits),
            (None, false) => items.iter().rev().find(fits),
            (Some(at), true) => {
                let after = items.get(at + 1..).unwrap_or_default().iter();
                let around = items
                    .get(..at)
                    .unwrap_or_default()
                    .iter()
                    .filter(|_| unread);
                after.chain(around).find(fits)
            }
            (Some(at), false) => {
                let before = items.get(..at).unwrap_or_default().iter();
                before.rev().find(fits)
            }
        };
        match next.map(|item| item.id) {
            Some(id) => self.open_chat(id, None, self.pane_for_writing()),
            None if unread => self.say("Nothing unread."),
            None => {}
        }
    }

    const fn pane_for_writing(&self) -> Pane {
        match self.pane {
            Pane::Composer => Pane::Composer,
            _ => Pane::Messages,
        }
    }

    fn in_list(&mut self, command: Command) {
        let page = usize::from(self.size.rows / 3).max(1);
        let Some(desk) = self.desk_mut() else { return };
        let at = desk.row_index();
        match command {
            Command::Up => desk.go_to_row(at.saturating_sub(1)),
            Command::Down => desk.go_to_row(at + 1),
            Command::PageUp => desk.go_to_row(at.saturating_sub(page)),
            Command::PageDown => desk.go_to_row(at + page),
            Command::First => desk.go_to_row(0),
            Command::Last => desk.go_to_row(usize::MAX),
            Command::Open => {
                let row = desk.rows().get(at).copied();
                match row {
                    Some(Row::Requests) => self.open_requests(),
                    Some(Row::Chat(id)) => self.open_chat(id, None, Pane::Composer),
                    _ => {}
                }
            }
            other => self.about_chat(other),
        }
    }

    /// Commands about the conversation that is meant.
    fn about_chat(&mut self, command: Command) {
        match command {
            Command::NextUnread => return self.neighbour_chat(true, true),
            Command::PreviousUnread => return self.neighbour_chat(false, true),
            Command::Find => return self.find_everywhere(""),
            Command::HelpHere => return self.open_help(),
            _ => {}
        }
        let Some((account, id)) = self.meant() else {
            return;
        };
        let Some(item) = self.desk().and_then(|desk| desk.conversation(id)) else {
            return;
        };
        let (pinned, muted, blocked, is_note) = (
            item.pinned,
            item.muted,
            item.blocked,
            item.kind == ConversationKind::NoteToSelf,
        );
        match command {
            Command::Info => self.open_person(id),
            Command::Pin => {
                let params = PinParams {
                    account,
                    conversation: id,
                    pinned: !pinned,
                };
                self.call("conversations.pin", params, Then::Quiet);
            }
            Command::Mute if muted => self.act(Act::Mute(id, None, NotifyMode::Default)),
            Command::Mute => {
                let until = |hours: u64| {
                    let ms = self.now.as_ms().saturating_add(hours * 3_600_000);
                    Act::Mute(
                        id,
                        Some(session_types::Timestamp::from_ms(ms)),
                        NotifyMode::Default,
                    )
                };
                let question = Question::new("Mute for:")
                    .or('1', "an hour", until(1))
                    .or('2', "8 hours", until(8))
                    .or('3', "a week", until(168))
                    .or('4', "ever", Act::Mute(id, None, NotifyMode::Off));
                self.ask(question);
            }
            Command::Timer => {
                let label = if is_note {
                    "Notes disappear: off, or a time after writing (1h 1d 7d):"
                } else {
                    "Your messages disappear: off, or a time (30s 5m 12h 1d 7d), `after send`:"
                };
                self.prompt = Some(Prompt::new(label, Purpose::Timer(id)));
            }
            Command::Block if blocked => self.act(Act::Block(id, false)),
            Command::Block => self.ask_to_block(id),
            Command::Accept => self.act(Act::Accept(id)),
            Command::Decline => self.ask_to_decline(id),
            _ => {}
        }
    }

    pub(crate) fn ask_to_block(&mut self, id: AccountId) {
        if self.desk().is_some_and(|desk| desk.own == id) {
            return;
        }
        let name = self.name(id);
        let question = Question::new(format!(
            "Take in nothing more of {name}? They are not told."
        ))
        .or('y', "block", Act::Block(id, true));
        self.ask(question);
    }

    pub(crate) fn ask_to_decline(&mut self, id: AccountId) {
        if !self.desk().is_some_and(super::desk::Desk::is_request) {
            return;
        }
        let name = self.name(id);
        let question = Question::new(format!("Decline the request of {name}? They are not told."))
            .or('y', "decline", Act::Decline(id))
            .or('b', "decline and block", Act::Block(id, true));
        self.ask(question);
    }

    fn in_messages(&mut self, command: Command) {
        match command {
            Command::Up => self.step_message(true),
            Command::Down => self.step_message(false),
            Command::PageUp => self.scroll_page(true),
            Command::PageDown => self.scroll_page(false),
            Command::First => self.jump_to_oldest(),
            Command::Last => self.jump_to_newest(),
            Command::NextUnread | Command::PreviousUnread if self.has_hits() => {
                self.next_hit(command == Command::PreviousUnread);
            }
            Command::Select => {
                if let Some(chat) = self.chat_mut()
                    && let Some(id) = chat.selected.clone()
                {
                    if !chat.marked.remove(&id) {
                        chat.marked.insert(id);
                    }
                    chat.step(false);
                    self.show_selected();
                }
            }
            Command::Delete => self.ask_to_delete(),
            Command::Copy => self.copy_messages(),
            Command::Timer
            | Command::Mute
            | Command::Pin
            | Command::Block
            | Command::Find
            | Command::HelpHere
            | Command::Accept
            | Command::Decline
            | Command::NextUnread
            | Command::PreviousUnread => self.about_chat(command),
            _ => self.on_message(command),
        }
    }

    /// Goes to a message, wherever it is.
    pub(crate) fn open_at(&mut self, conversation: AccountId, message_id: MessageId) {
        let here = self.chat().is_some_and(|chat| chat.id == conversation);
        let loaded = self
            .chat()
            .filter(|_| here)
            .and_then(|chat| chat.message(message_id))
            .map(|item| item.id.clone());
        if let Some(id) = loaded {
            return self.go_to_item(&id);
        }
        self.open_chat(
            conversation,
            Some(Around::Message { message_id }),
            Pane::Messages,
        );
        if let Some(chat) = self.chat_mut() {
            chat.target = Some(message_id);
        }
    }
}
