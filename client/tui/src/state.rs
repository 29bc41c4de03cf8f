//! What is shown, and how it changes: keys, answers and notifications come in, things to be done
//! come out. Nothing here reads a clock, a file or a terminal.

pub(crate) mod ask;
pub(crate) mod chat;
pub(crate) mod command;
pub(crate) mod compose;
pub(crate) mod desk;
pub(crate) mod emoji;
mod hear;
pub(crate) mod naming;
mod on_message;
pub(crate) mod page;
mod panes;
mod scroll;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use session_api::ApiError;
use session_api::params::{self, AccountInfo};
use session_core::view::{Around, Filter};
use session_types::{AccountId, Timestamp};

use crate::effect::{Beginning, Call, Effect, FileOfMessage, Input, Params, Then};
use crate::keys::{Key, Keys, Profile};
use crate::look::{Look, Palette, Surroundings};
use crate::text::one_line;
use ask::{Prompt, Question};
use chat::Chat;
use desk::{Desk, Row};
use page::Page;
use start::Start;

/// How long a remark stays.
const REMARK_MS: u64 = 5_000;

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pane {
    List,
    Messages,
    Composer,
}

/// A remark that goes by itself.
#[derive(Debug, Clone)]
pub(crate) struct Remark {
    pub(crate) text: String,
    pub(crate) is_failure: bool,
    until: Timestamp,
}

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// Everything the terminal shows.
#[derive(Debug)]
pub struct State {
    pub(crate) look: Look,
    pub(crate) keys: Keys,
    pub(crate) beginning: Beginning,
    pub(crate) size: Size,
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) accounts: Vec<AccountInfo>,
    pub(crate) desks: BTreeMap<AccountId, Desk>,
    pub(crate) current: Option<AccountId>,
    pub(crate) start: Start,
    pub(crate) pane: Pane,
    pub(crate) details: bool,
    pub(crate) page: Option<Page>,
    pub(crate) question: Option<Question>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) remark: Option<Remark>,
    pub(crate) has_focus: bool,
    pub(crate) may_copy: bool,
    /// Whose request was accepted just now: what is typed is for them.
    pub(crate) accepting: Option<AccountId>,
    /// The words that were looked for last.
    pub(crate) searched: Option<String>,
    pub(crate) bell: bool,
    pub(crate) images: bool,
    /// Small pictures that are there, or cannot be had.
    pub(crate) pictures: BTreeMap<FileOfMessage, bool>,
    /// What was open in accounts that were locked.
    pub(crate) start_places: BTreeMap<AccountId, AccountId>,
    effects: Vec<Effect>,
    dirty: bool,
}

impl State {
    /// What a terminal shows before anything is known: no account, the usual keys.
    #[must_use]
    pub fn on(surroundings: &Surroundings, columns: u16, rows: u16, now: Timestamp) -> Self {
        let look = Look::new(surroundings, Palette::default(), Vec::new());
        let keys = Keys::new(Profile::default());
        let mut state = Self::new(look, keys, Beginning::default(), now);
        state.size = Size { columns, rows };
        state
    }

    pub(crate) fn new(look: Look, keys: Keys, beginning: Beginning, now: Timestamp) -> Self {
        let mut state = Self {
            look,
            keys,
            beginning,
            size: Size {
                columns: 80,
                rows: 24,
            },
            now,
            zone: TimeZone::system(),
            accounts: Vec::new(),
            desks: BTreeMap::new(),
            current: None,
            start: Start::Starting,
            pane: Pane::List,
            details: true,
            page: None,
            question: None,
            prompt: None,
            remark: None,
            has_focus: true,
            may_copy: false,
            accepting: None,
            searched: None,
            bell: true,
            images: false,
            pictures: BTreeMap::new(),
            start_places: BTreeMap::new(),
            effects: Vec::new(),
            dirty: true,
        };
        state.call("hello", params::HelloParams { version: None }, Then::Hello);
        state
    }

    /// Takes what happened; returns what is to be done.
    pub fn apply(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Key(event) => {
                self.dirty = true;
                self.key(Key::from(event));
            }
            Input::Paste(text) => {
                self.dirty = true;
                self.paste(&text);
            }
            Input::Size(columns, rows) => {
                self.dirty = true;
                self.size = Size { columns, rows };
            }
            Input::Focus(has_focus) => {
                self.dirty |= has_focus;
                self.has_focus = has_focus;
            }
            Input::Heard(notification) => self.hear(*notification),
            Input::Answer(then, answer) => {
                self.dirty = true;
                self.answer(then, answer);
            }
            Input::Time(now) => self.tick(now),
            Input::Written(text) => {
                self.dirty = true;
                self.written(text);
            }
            Input::Failed(text) => self.fail(text),
            Input::Pictured(file, is_here) => {
                self.dirty = true;
                self.pictures.insert(file, is_here);
            }
        }
        self.settle();
        core::mem::take(&mut self.effects)
    }

    /// What is to be done now that nothing has happened yet.
    pub fn begin(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// Whether something looks otherwise than when this was asked last.
    pub fn take_dirty(&mut self) -> bool {
        core::mem::take(&mut self.dirty)
    }

    /// When [`Input::Time`] is wanted, if nothing happens until then.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        let remark = self.remark.as_ref().map(|remark| remark.until);
        let draft = self
            .desk()
            .and_then(|desk| desk.composers.get(&desk.chat.as_ref()?.id))
            .and_then(compose::Composer::wake_at);
        remark.into_iter().chain(draft).min()
    }

    fn tick(&mut self, now: Timestamp) {
        self.now = now;
        if self
            .remark
            .as_ref()
            .is_some_and(|remark| remark.until <= now)
        {
            self.remark = None;
            self.dirty = true;
        }
        self.save_draft(false);
    }

    pub(crate) fn desk(&self) -> Option<&Desk> {
        self.desks.get(&self.current?)
    }

    pub(crate) fn desk_mut(&mut self) -> Option<&mut Desk> {
        self.desks.get_mut(&self.current?)
    }

    pub(crate) fn chat(&self) -> Option<&Chat> {
        self.desk()?.chat.as_ref()
    }

    pub(crate) fn chat_mut(&mut self) -> Option<&mut Chat> {
        self.desk_mut()?.chat.as_mut()
    }

    /// The account and its open conversation.
    pub(crate) fn here(&self) -> Option<(AccountId, AccountId)> {
        let desk = self.desk()?;
        Some((desk.own, desk.chat.as_ref()?.id))
    }

    /// The conversation a command is about: the open one, or the row of the list.
    pub(crate) fn meant(&self) -> Option<(AccountId, AccountId)> {
        let desk = self.desk()?;
        match (self.pane, desk.row) {
            (Pane::List, Row::Chat(id)) => Some((desk.own, id)),
            (Pane::List, Row::First) => Some((desk.own, desk.chats.items.first()?.id)),
            (Pane::List, Row::Requests) => None,
            _ => self.here(),
        }
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(crate) fn call(&mut self, method: &'static str, params: impl Serialize, then: Then) {
        self.queue(method, params, then, false);
    }

    /// A call others do not wait for.
    pub(crate) fn call_slow(&mut self, method: &'static str, params: impl Serialize, then: Then) {
        self.queue(method, params, then, true);
    }

    fn queue(&mut self, method: &'static str, params: impl Serialize, then: Then, slow: bool) {
        let params = Params::Json(serde_json::to_value(params).unwrap_or(Value::Null));
        self.effect(Effect::Call(Call {
            method,
            params,
            then,
            slow,
        }));
    }

    pub(crate) fn call_secret(&mut self, method: &'static str, params: Params, then: Then) {
        self.effect(Effect::Call(Call {
            method,
            params,
            then,
            slow: true,
        }));
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.remark(&text.into(), false);
    }

    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.remark(&text.into(), true);
    }

    fn remark(&mut self, text: &str, is_failure: bool) {
        self.dirty = true;
        self.remark = Some(Remark {
            text: one_line(text),
            is_failure,
            until: Timestamp::from_ms(self.now.as_ms().saturating_add(REMARK_MS)),
        });
    }

    /// A call that did not work, in words.
    pub(crate) fn failed(&mut self, error: &ApiError) {
        let text = match error.code() {
            "core.blocked" => "This person is blocked. B unblocks.".to_owned(),
            "core.too_many_pinned" => "Five conversations are pinned already.".to_owned(),
            "core.no_file_server" => "No file server is known for this network.".to_owned(),
            "store.wrong_key" => "That was not it.".to_owned(),
            _ => sentence(error.message()),
        };
        self.fail(text);
    }

    /// Opens the lists of an account.
    pub(crate) fn open_lists(&mut self, account: AccountId) {
        for filter in [Filter::Chats, Filter::Requests] {
            self.call(
                "conversations.open",
                params::ListParams { account, filter },
                Then::List(account, filter),
            );
        }
    }

    /// Opens a conversation of the current account, at a place.
    pub(crate) fn open_chat(&mut self, id: AccountId, around: Option<Around>, pane: Pane) {
        self.save_draft(true);
        let Some(desk) = self.desk_mut() else { return };
        let account = desk.own;
        let unread = desk.conversation(id).map_or(0, |item| item.unread);
        let same = desk
            .chat
            .as_ref()
            .is_some_and(|chat| chat.id == id && chat.loaded);
        desk.row = Row::Chat(id);
        self.pane = pane;
        if same && around.is_none() {
            return;
        }
        self.close_chat();
        let around = around.unwrap_or(if unread > 0 {
            Around::Unread
        } else {
            Around::End
        });
        let Some(desk) = self.desk_mut() else { return };
        desk.chat = Some(Chat::new(id));
        let has_composer = desk.composers.contains_key(&id);
        self.call(
            "timeline.open",
            params::TimelineParams {
                account,
                conversation: id,
                around,
                time_zone: None,
            },
            Then::Timeline(account, id),
        );
        if !has_composer {
            self.call(
                "conversations.draft",
                params::ConversationParams {
                    account,
                    conversation: id,
                },
                Then::Draft(account, id),
            );
        }
    }

    /// Lets the open conversation go.
    pub(crate) fn close_chat(&mut self) {
        let Some(desk) = self.desk_mut() else { return };
        let account = desk.own;
        let sub = desk.chat.take().and_then(|chat| chat.feed.sub());
        if let Some(sub) = sub {
            self.call(
                "timeline.close",
                params::SubscriptionParams { account, sub },
                Then::Quiet,
            );
        }
    }

    /// Shows another account. What was open in it is open still.
    pub(crate) fn switch_to(&mut self, account: AccountId) {
        self.save_draft(true);
        self.page = None;
        if self.desks.contains_key(&account) {
            self.current = Some(account);
            self.start = Start::Ready;
            let has_chat = self.chat().is_some();
            self.pane = match (self.pane, has_chat) {
                (pane, true) => pane,
                (_, false) => Pane::List,
            };
        } else {
            self.current = Some(account);
            self.start = Start::locked(account);
        }
    }
}

/// A message of the API as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(chars.as_str());
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}
