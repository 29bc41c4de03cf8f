//! Pages with rows to choose from.

use serde_json::json;
use session_api::params::{AccountParams, Messages, SearchParams};
use session_core::view::ConversationItem;
use session_types::AccountId;

use super::{About, Content, Page, PageRow};
use crate::effect::{Effect, Then};
use crate::keys::Command;
use crate::state::ask::{Act, Prompt, Purpose, Question};
use crate::state::desk::Desk;
use crate::state::{Pane, State};
use crate::text::one_line;

impl State {
    /// Makes pages anew that show what changes.
    pub(crate) fn refresh_page(&mut self) {
        let rows = match self.page.as_ref().map(|page| page.about) {
            Some(About::GoTo) => self.go_to_rows(),
            Some(About::Requests) => self.request_rows(),
            _ => return,
        };
        if let Some(Page {
            content: Content::Rows {
                rows: shown, at, ..
            },
            ..
        }) = &mut self.page
        {
            *at = (*at).min(rows.len().saturating_sub(1));
            *shown = rows;
        }
    }

    pub(crate) fn open_go_to(&mut self) {
        self.save_draft(true);
        let page = Page::rows(About::GoTo, "Go to", Vec::new()).with_query("");
        self.page =
            Some(page.or_else(
                "Nothing is called so. Paste a whole Account ID to write to somebody new.",
            ));
        self.refresh_page();
    }

    fn go_to_rows(&self) -> Vec<PageRow> {
        let query = self.page.as_ref().and_then(Page::query);
        let wanted = query.map(|editor| editor.text().trim().to_lowercase());
        let wanted = wanted.unwrap_or_default();
        let mut rows = Vec::new();
        let Some(desk) = self.desk() else { return rows };
        if let Ok(id) = wanted.parse::<AccountId>() {
            let words = if desk.own == id {
                "Note to Self"
            } else {
                "write to this Account ID"
            };
            rows.push(PageRow::new(id.short(), words, Act::OpenChat(id)));
            return rows;
        }
        let fits = |text: &str| wanted.is_empty() || text.to_lowercase().contains(&wanted);
        for item in desk.chats.items.iter().chain(&desk.requests.items) {
            let name = self.name_of(item);
            let is_id = wanted.len() >= 4 && item.id.to_hex().starts_with(&wanted);
            if fits(&name) || is_id {
                rows.push(PageRow::new(name, item.id.short(), Act::OpenChat(item.id)));
            }
        }
        if fits("note to self") && desk.conversation(desk.own).is_none() {
            rows.push(PageRow::new("Note to Self", "", Act::OpenChat(desk.own)));
        }
        for (words, detail, act) in [
            ("Settings", "page", Act::Settings),
            ("Path and network", "page", Act::Path),
            ("My Account ID", "page", Act::ShowId),
            ("Help", "page", Act::Help),
            ("Add account", "", Act::AddAccount),
        ] {
            if fits(words) {
                rows.push(PageRow::new(words, detail, act));
            }
        }
        rows
    }

    pub(crate) fn open_requests(&mut self) {
        let page = Page::rows(About::Requests, "Message requests", Vec::new());
        let mut page = page.or_else("No requests.");
        "Enter read  a accept  x decline  B block  Esc back".clone_into(&mut page.hints);
        self.page = Some(page);
        self.refresh_page();
    }

    fn request_rows(&self) -> Vec<PageRow> {
        let Some(desk) = self.desk() else {
            return Vec::new();
        };
        let row = |item: &ConversationItem| {
            let id = item.id.to_hex();
            let (_, tail) = id.split_at_checked(62).unwrap_or_default();
            let mut name = self.name_of(item);
            if !name.ends_with(tail) {
                name += &format!(" ·{tail}");
            }
            let words = item.last.as_ref().map(|last| one_line(last.text.as_str()));
            PageRow::new(name, words.unwrap_or_default(), Act::OpenRequest(item.id))
        };
        desk.requests.items.iter().map(row).collect()
    }

    /// A key on a row of the requests.
    pub(crate) fn on_request(&mut self, command: Command) {
        let Some(Page {
            content: Content::Rows { rows, at, .. },
            ..
        }) = &self.page
        else {
            return;
        };
        let Some(Act::OpenRequest(id)) = rows.get(*at).map(|row| row.act.clone()) else {
            return;
        };
        match command {
            Command::Accept => self.act(Act::Accept(id)),
            Command::Decline => self.act(Act::Decline(id)),
            Command::Block => self.ask_to_block(id),
            _ => {}
        }
    }

    pub(crate) fn find_everywhere(&mut self, words: &str) {
        let page = Page::rows(About::Search, "Find", Vec::new()).with_query(words);
        let mut page = page.or_else("Write some words and press Enter.");
        "Enter find, open  Esc back".clone_into(&mut page.hints);
        self.page = Some(page);
        self.searched = None;
        if !words.is_empty() {
            self.search(words);
        }
    }

    pub(crate) fn search(&mut self, words: &str) {
        let Some(account) = self.desk().map(|desk| desk.own) else {
            return;
        };
        if words.trim().is_empty() {
            return;
        }
        self.searched = Some(words.to_owned());
        let params = SearchParams {
            account,
            words: words.into(),
            within: None,
            limit: 50,
        };
        self.call("messages.search", params, Then::Found(words.to_owned()));
    }

    /// What a search found.
    pub(crate) fn found(&mut self, found: &Messages, words: &str) {
        let for_page = self
            .page
            .as_ref()
            .is_some_and(|page| page.about == About::Search);
        if !for_page {
            let hits = found.messages.iter().map(|message| message.message_id);
            return self.take_hits(hits.collect(), words);
        }
        let rows = found.messages.iter().map(|message| {
            let who = self.name(message.conversation);
            let when = crate::time::short(message.sent_at, self.now, &self.zone);
            let by = if message.mine { "You: " } else { "" };
            let text = one_line(message.text.as_str());
            PageRow::new(
                format!("{who}, {when}"),
                format!("{by}{text}"),
                Act::OpenAt(message.conversation, message.message_id),
            )
        });
        let new_rows: Vec<PageRow> = rows.collect();
        if let Some(Page {
            content: Content::Rows {
                rows, at, empty, ..
            },
            ..
        }) = &mut self.page
        {
            *rows = new_rows;
            *at = 0;
            *empty = format!("Nothing with “{words}”.");
        }
    }

    pub(crate) fn open_settings(&mut self) {
        let rows = self.settings_rows();
        self.page = Some(Page::rows(About::Settings, "Settings and accounts", rows));
    }

    pub(crate) fn refresh_settings(&mut self) {
        let is_open = self
            .page
            .as_ref()
            .is_some_and(|page| page.about == About::Settings);
        if !is_open {
            return;
        }
        let new_rows = self.settings_rows();
        if let Some(Page {
            content: Content::Rows { rows, .. },
            ..
        }) = &mut self.page
        {
            *rows = new_rows;
        }
    }

    fn settings_rows(&self) -> Vec<PageRow> {
        let Some(desk) = self.desk() else {
            return Vec::new();
        };
        let on = |on: bool| if on { "on" } else { "off" };
        let settings = desk.settings.as_ref();
        let receipts = settings.is_some_and(|settings| settings.read_receipts);
        let typing = settings.is_some_and(|settings| settings.typing);
        let name = Prompt::new("Name others see:", Purpose::Name).with(&desk.name);
        let remove = Question::new(
            "Remove this account and all its messages from this device? Only the Recovery \
             Password brings it back.",
        )
        .or('y', "remove", Act::RemoveAccount(desk.own));
        let mut rows = vec![
            PageRow::new("Name", desk.called(), Act::Ask(Box::new(name))),
            PageRow::new("Account ID", desk.own.short(), Act::ShowId),
            PageRow::new(
                format!("Read receipts: {}", on(receipts)),
                "tells others what you have read, and you what they have",
                Act::Receipts(!receipts),
            ),
            PageRow::new(
                format!("Typing: {}", on(typing)),
                "tells others when you write, and you when they do",
                Act::Typing(!typing),
            ),
            PageRow::new(
                "Recovery Password",
                "13 words that are the account",
                Act::Recovery,
            ),
            PageRow::new("Path and network", self.network_words(desk), Act::Path),
        ];
        for account in &self.accounts {
            if account.id == desk.own {
                continue;
            }
            let state = if self.desks.contains_key(&account.id) {
                let unread = self.desks.get(&account.id).map_or(0, Desk::unread);
                match unread {
                    0 => "open".to_owned(),
                    n => format!("{n} unread"),
                }
            } else {
                "locked".to_owned()
            };
            let name = account.name.as_ref().map(|name| one_line(name.as_str()));
            let name = name.filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| account.id.short());
            rows.push(PageRow::new(
                format!("Account {name}"),
                state,
                Act::Account(account.id),
            ));
            if self.can_lock(account.id) {
                let lock = Act::LockOne(account.id);
                rows.push(PageRow::new(format!("Lock {name}"), "", lock));
            }
        }
        rows.push(PageRow::new(
            "Add account",
            "create or restore",
            Act::AddAccount,
        ));
        if self.accounts.len() > 1 {
            let lock = Act::LockOne(desk.own);
            rows.push(PageRow::new("Lock this account", "", lock));
            rows.push(PageRow::new("Lock all accounts", "", Act::Lock));
        } else {
            rows.push(PageRow::new("Lock", "", Act::Lock));
        }
        rows.push(PageRow::new("Help", "", Act::Help));
        rows.push(PageRow::new(
            "Remove this account from this device",
            "",
            Act::Then(Box::new(remove)),
        ));
        rows
    }

    /// What answers and rows do that concern the account as a whole.
    pub(crate) fn act_on_account(&mut self, account: AccountId, act: Act) {
        match act {
            Act::Account(id) => self.switch_to(id),
            Act::Receipts(on) => {
                self.call(
                    "settings.set",
                    json!({ "account": account, "read_receipts": on }),
                    Then::Settings(account),
                );
            }
            Act::Typing(on) => {
                self.call(
                    "settings.set",
                    json!({ "account": account, "typing": on }),
                    Then::Settings(account),
                );
            }
            Act::Recovery => self.ask_for_recovery(),
            Act::RecoveryShown => {
                let params = AccountParams { account };
                self.call("accounts.recovery_password", params, Then::Recovery);
            }
            Act::ShowId => self.show_id(),
            Act::Path => self.open_path(),
            Act::Settings => self.open_settings(),
            Act::RemoveAccount(id) => {
                self.page = None;
                self.close_chat();
                self.desks.remove(&id);
                self.accounts.retain(|known| known.id != id);
                self.call_slow(
                    "accounts.remove",
                    AccountParams { account: id },
                    Then::Say("Removed from this device.".into()),
                );
                match self.accounts.first().map(|next| next.id) {
                    Some(next) => self.switch_to(next),
                    None => {
                        self.current = None;
                        self.start = crate::state::start::Start::Welcome(0);
                    }
                }
            }
            Act::Diagnose => {
                self.show_diagnosing();
                let params = AccountParams { account };
                self.call_slow("network.diagnose", params, Then::Diagnosis);
            }
            Act::OpenRequest(id) => {
                self.page = None;
                self.open_chat(id, None, Pane::Messages);
            }
            other => self.act_without_account(other),
        }
    }

    pub(crate) fn act_without_account(&mut self, act: Act) {
        match act {
            Act::Copy(text) => {
                self.effect(Effect::Copy(text));
                self.say("Copied.");
            }
            Act::CopyAlways(text) => {
                self.may_copy = true;
                self.copy(&text);
            }
            Act::Quit => self.effect(Effect::Quit),
            Act::AddAccount => self.add_account(),
            Act::Help => self.open_help(),
            Act::Lock => self.lock(),
            Act::LockOne(id) => self.lock_one(id),
            _ => {}
        }
    }

    /// Opens a conversation with somebody who is named.
    pub(crate) fn write_to(&mut self, text: &str) {
        let text = text.trim();
        let Some(desk) = self.desk() else { return };
        if text.is_empty() {
            return;
        }
        if text.eq_ignore_ascii_case("me") {
            let own = desk.own;
            return self.open_chat(own, None, Pane::Composer);
        }
        match text.parse::<AccountId>() {
            Ok(id) => {
                self.page = None;
                self.open_chat(id, None, Pane::Composer);
            }
            Err(error) => {
                let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
                let beginning = text.get(..2).unwrap_or_default();
                if is_hex && text.len() >= 50 {
                    let why = match beginning {
                        "03" => "This is the id of a group: you need an invitation.".to_owned(),
                        "15" | "25" => "This is the id of a community's member.".to_owned(),
                        _ if text.len() != 66 => {
                            format!("An Account ID has 66 characters; these are {}.", text.len())
                        }
                        _ => format!("This is no Account ID: {error}."),
                    };
                    return self.fail(why);
                }
                self.open_go_to();
                if let Some(Page {
                    content:
                        Content::Rows {
                            query: Some(query), ..
                        },
                    ..
                }) = &mut self.page
                {
                    query.set(text);
                }
                self.refresh_page();
            }
        }
    }
}
