//! What accounts tell, and what calls answer.

use serde::de::DeserializeOwned;
use serde_json::Value;
use session_api::params::{
    AccountResult, ConversationsOpened, Diagnosis, Hello, MessageResult, Messages, NetworkReport,
    RecoveryPassword, SettingsResult, TimelineOpened,
};
use session_api::{ApiError, Notification};
use session_core::view::{Draft, Filter};
use session_types::AccountId;

use super::desk::{Desk, Lost};
use super::start::Start;
use super::{Pane, State};
use crate::effect::{Effect, Then};

/// What an answer says.
fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

impl State {
    pub(crate) fn hear(&mut self, notification: Notification) {
        let shown = self.current;
        let about = account_of(&notification);
        match notification {
            Notification::AccountChanged(changed) => {
                self.dirty = true;
                let account = changed.account;
                if !account.open {
                    self.desks.remove(&account.id);
                }
                let known = self
                    .accounts
                    .iter_mut()
                    .find(|known| known.id == account.id);
                match known {
                    Some(known) => *known = account,
                    None => self.accounts.push(account),
                }
                return;
            }
            Notification::ConversationsDiff(diff) => {
                let Some(desk) = self.desks.get_mut(&diff.account) else {
                    return;
                };
                if let Some(filter) = desk.change_list(&diff) {
                    self.reopen_list(diff.account, filter);
                }
            }
            Notification::TimelineDiff(diff) => {
                let account = diff.account;
                let Some(desk) = self.desks.get_mut(&account) else {
                    return;
                };
                if desk.change_chat(diff) == Err(Lost) {
                    self.reopen_chat(account);
                }
            }
            Notification::MessageReceived(received) => {
                let message = received.message;
                let desk = self.desks.get(&received.account);
                let item = desk.and_then(|desk| desk.conversation(message.conversation));
                let muted = item.is_some_and(|item| item.muted && !message.mentions_me);
                let open = self.here() == Some((received.account, message.conversation));
                let is_news = message.unread && !message.mine && !muted;
                if is_news && self.bell && !(open && self.has_focus) {
                    self.effect(Effect::Bell);
                }
                // What is seen of it comes as changes of lists.
                return;
            }
            Notification::MessageFailed(failed) => {
                if shown == Some(failed.account) {
                    let reason = super::sentence(&failed.reason);
                    self.fail(format!("A message was not sent: {reason}"));
                }
            }
            Notification::ProfileChanged(changed) => {
                let name = changed.profile.name.as_str();
                if let Some(desk) = self.desks.get_mut(&changed.account) {
                    name.clone_into(&mut desk.name);
                }
                let known = self
                    .accounts
                    .iter_mut()
                    .find(|known| known.id == changed.account);
                if let Some(known) = known {
                    known.name = Some(changed.profile.name.clone());
                }
            }
            Notification::NetworkChanged(changed) => {
                if let Some(desk) = self.desks.get_mut(&changed.account) {
                    desk.network = Some(changed.network);
                }
                let params = session_api::params::AccountParams {
                    account: changed.account,
                };
                self.call("network.status", params, Then::Report(changed.account));
            }
            Notification::FileFailed(failed) if !failed.again => {
                if shown == Some(failed.account) {
                    let what = if failed.upload { "uploaded" } else { "fetched" };
                    let reason = super::sentence(&failed.reason);
                    self.fail(format!("A file was not {what}: {reason}"));
                }
            }
            // The items of timelines and rows say the rest.
            _ => return,
        }
        if about == shown {
            self.dirty = true;
        }
    }

    fn reopen_list(&mut self, account: AccountId, filter: Filter) {
        let params = session_api::params::ListParams { account, filter };
        self.call("conversations.open", params, Then::List(account, filter));
    }

    /// A change was lost: the part that is seen is opened anew.
    fn reopen_chat(&mut self, account: AccountId) {
        let Some(chat) = self
            .desks
            .get_mut(&account)
            .and_then(|desk| desk.chat.as_mut())
        else {
            return;
        };
        chat.feed.forget();
        let conversation = chat.id;
        let around = match &chat.anchor {
            super::chat::Anchor::End => session_core::view::Around::End,
            super::chat::Anchor::Top { item, .. } => {
                let number = item
                    .strip_prefix('m')
                    .and_then(|number| number.parse().ok());
                number.map_or(session_core::view::Around::End, |number| {
                    session_core::view::Around::Message {
                        message_id: session_store::MessageId::new(number),
                    }
                })
            }
        };
        let params = session_api::params::TimelineParams {
            account,
            conversation,
            around,
            time_zone: None,
        };
        self.call(
            "timeline.open",
            params,
            Then::Timeline(account, conversation),
        );
    }

    pub(crate) fn answer(&mut self, then: Then, answer: Result<Value, ApiError>) {
        match answer {
            Ok(value) => self.answered(then, value),
            Err(error) => self.refused(&then, &error),
        }
    }

    fn refused(&mut self, then: &Then, error: &ApiError) {
        if let Then::More(account) = then {
            // The conversation was left meanwhile.
            let chat = self
                .desks
                .get_mut(account)
                .and_then(|desk| desk.chat.as_mut());
            if let Some(chat) = chat {
                chat.asked = None;
            }
            return;
        }
        if self.start.refused(then, error) {
            return;
        }
        if let Then::Sent(account, to) = then {
            self.sent(*account, *to, false);
        }
        if let Then::Kept(account, conversation) = then {
            self.files_kept(*account, *conversation, None);
        }
        if *then == Then::Diagnosis {
            self.page = None;
        }
        if error.code() == "api.account_closed" {
            return;
        }
        self.failed(error);
    }

    fn answered(&mut self, then: Then, value: Value) {
        match then {
            Then::Hello => {
                if let Some(hello) = read::<Hello>(value) {
                    self.accounts = hello.accounts;
                    self.first_screen();
                }
            }
            Then::Opened(account) => {
                if let Some(result) = read::<AccountResult>(value) {
                    self.opened(account, &result);
                }
            }
            Then::Made => {
                if let Some(result) = read::<AccountResult>(value) {
                    let id = result.account.id;
                    if !self.accounts.iter().any(|known| known.id == id) {
                        self.accounts.push(result.account.clone());
                    }
                    self.opened(id, &result);
                    self.made(id);
                }
            }
            Then::Locked => {}
            Then::List(account, filter) => {
                let opened = read::<ConversationsOpened>(value);
                if let (Some(opened), Some(desk)) = (opened, self.desks.get_mut(&account)) {
                    let list = desk.list(filter);
                    if list.open(opened.sub, opened.seq, opened.rows).is_err() {
                        self.reopen_list(account, filter);
                    }
                }
            }
            Then::Timeline(account, conversation) => {
                self.timeline_opened(account, conversation, value);
            }
            Then::Draft(account, conversation) => {
                let draft = read::<Draft>(value);
                if let (Some(draft), Some(desk)) = (draft, self.desks.get_mut(&account)) {
                    desk.composer(conversation).load(&draft);
                }
            }
            Then::Kept(account, conversation) => {
                let draft = read::<Draft>(value);
                self.files_kept(account, conversation, draft.as_ref());
            }
            // The message comes as a change of the timeline.
            Then::Sent(account, to) => self.sent(account, to, true),
            Then::Say(words) => self.say(words),
            Then::Quiet | Then::More(_) | Then::Asked => {}
            Then::Info => {
                if let Some(MessageResult {
                    message: Some(message),
                }) = read(value)
                {
                    self.show_info(&message);
                }
            }
            Then::Found(words) => {
                if let Some(found) = read::<Messages>(value) {
                    self.found(&found, &words);
                }
            }
            Then::Settings(account) => {
                let settings = read::<SettingsResult>(value);
                if let Some(desk) = self.desks.get_mut(&account) {
                    desk.settings = settings;
                }
                self.refresh_settings();
            }
            Then::Report(account) => {
                let report = read::<NetworkReport>(value);
                if let (Some(report), Some(desk)) = (report, self.desks.get_mut(&account)) {
                    desk.network = Some(report.network.clone());
                    desk.report = Some(report);
                }
                self.refresh_path();
            }
            Then::Diagnosis => {
                if let Some(diagnosis) = read::<Diagnosis>(value) {
                    self.show_diagnosis(&diagnosis);
                }
            }
            Then::Recovery => {
                if let Some(words) = read::<RecoveryPassword>(value) {
                    self.show_recovery(words.recovery_password.expose());
                }
            }
            Then::Saved(path) => self.say(format!("Saved as {path}")),
        }
    }

    fn opened(&mut self, account: AccountId, result: &AccountResult) {
        if let Some(known) = self.accounts.iter_mut().find(|known| known.id == account) {
            *known = result.account.clone();
        }
        let name = result.account.name.clone().unwrap_or_default();
        self.desks
            .entry(account)
            .or_insert_with(|| Desk::new(account, name.as_str().to_owned()));
        self.open_lists(account);
        let params = session_api::params::AccountParams { account };
        self.call("settings.get", params.clone(), Then::Settings(account));
        self.call("network.status", params, Then::Report(account));
        let waits = match &self.start {
            Start::Starting => true,
            Start::Locked(form) => form.account == account,
            _ => false,
        };
        if waits && self.current.is_none_or(|current| current == account) {
            self.current = Some(account);
            self.start = Start::Ready;
            self.return_to_place(account);
        }
    }

    fn timeline_opened(&mut self, account: AccountId, conversation: AccountId, value: Value) {
        let Some(opened) = read::<TimelineOpened>(value) else {
            return;
        };
        let sub = opened.sub;
        let chat = self
            .desks
            .get_mut(&account)
            .and_then(|desk| desk.chat.as_mut());
        let Some(chat) = chat.filter(|chat| chat.id == conversation && chat.feed.sub().is_none())
        else {
            // It was left before it came.
            let params = session_api::params::SubscriptionParams { account, sub };
            return self.call("timeline.close", params, Then::Quiet);
        };
        if chat.open(opened.into()).is_err() {
            return self.reopen_chat(account);
        }
        if self.current == Some(account) {
            self.arrive();
        }
    }

    /// The account was opened again: what was seen last is seen again.
    fn return_to_place(&mut self, account: AccountId) {
        let place = self.start_places.remove(&account);
        if let Some(id) = place {
            self.open_chat(id, None, Pane::Composer);
        } else {
            self.pane = Pane::List;
        }
    }
}

/// The account that tells.
const fn account_of(notification: &Notification) -> Option<AccountId> {
    Some(match notification {
        Notification::ConversationsDiff(n) => n.account,
        Notification::TimelineDiff(n) => n.account,
        Notification::MessageFailed(n) => n.account,
        Notification::ProfileChanged(n) => n.account,
        Notification::NetworkChanged(n) => n.account,
        Notification::FileFailed(n) => n.account,
        _ => return None,
    })
}
