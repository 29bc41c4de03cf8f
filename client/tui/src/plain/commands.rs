//! Commands of lines.

use serde_json::{Value, json};
use session_api::params::{Files, Messages, SearchParams};
use session_core::view::Filter;
use session_types::AccountId;

use super::{Plain, say};
use crate::run::TuiError;
use crate::state::ask::{emoji, expand};
use crate::state::command::timer;
use crate::state::naming::file_name;
use crate::text::one_line;
use crate::time;

const HELP: &str = "\
What you write goes to the open conversation; a line that begins with two strokes too, with one.
/list                   conversations with their numbers
/open WHO               open one: a number of the list, a name, or the beginning of an Account ID
/more                   older messages
/reply N TEXT           answer message N
/react N EMOJI          put an emoji at message N: heart, +1, joy
/delete N [everyone]    delete message N on this device, or for everyone
/retry N                try a message again that was not sent
/file PATH              send a file
/save N PATH            save the file of message N
/search WORDS           find messages
/requests               message requests; /accept, /decline, /block, /unblock
/disappear off|TIME     when messages disappear
/new ID, /me            write to somebody new, or to yourself
/id, /path              your Account ID; how you stand to the network
/quit                   end";

impl Plain {
    /// Does what a line says; false when it is the last.
    pub(super) async fn line(&mut self, line: &str) -> Result<bool, TuiError> {
        if line.is_empty() {
            return Ok(true);
        }
        let command = match line.strip_prefix('/') {
            None => return self.send(line, None).await,
            Some(rest) if rest.starts_with('/') => return self.send(rest, None).await,
            Some(command) => command,
        };
        let (word, rest) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        let rest = rest.trim();
        match word {
            "help" => say(HELP)?,
            "quit" | "q" => return Ok(false),
            "list" => self.list(Filter::Chats).await?,
            "requests" => self.list(Filter::Requests).await?,
            "more" => self.more().await?,
            "me" => self.open(self.account).await?,
            "id" => say(&self.account.to_hex())?,
            "path" => self.network().await?,
            "open" | "new" => match self.who(rest).await? {
                Some(id) => self.open(id).await?,
                None => say("Nobody is called so, or several are. /list shows who is there.")?,
            },
            "search" | "find" => self.search(rest).await?,
            "reply" | "react" | "delete" | "retry" | "save" => self.on_message(word, rest).await?,
            _ => match self.open {
                None => say("No conversation is open. /open WHO opens one.")?,
                Some(open) => self.here(open, word, rest).await?,
            },
        }
        Ok(true)
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value, TuiError> {
        Ok(self.connection.call(method, params).await?)
    }

    async fn send(&self, text: &str, reply_to: Option<i64>) -> Result<bool, TuiError> {
        let Some(to) = self.open else {
            say("No conversation is open. /open WHO opens one.")?;
            return Ok(true);
        };
        let params = json!({
            "account": self.account, "to": to, "text": text, "reply_to": reply_to,
        });
        self.ask("messages.send", params).await?;
        Ok(true)
    }

    /// Somebody by number of the list, id, beginning of an id, or name.
    async fn who(&self, text: &str) -> Result<Option<AccountId>, TuiError> {
        let number = text.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        if let Some(id) = number.and_then(|at| self.listed.get(at)) {
            return Ok(Some(*id));
        }
        if let Ok(id) = text.parse() {
            return Ok(Some(id));
        }
        if text.is_empty() {
            return Ok(None);
        }
        let wanted = text.to_lowercase();
        let rows = self.rows(Filter::All).await?;
        let names = rows
            .iter()
            .map(|row| (row.id, super::name_of(row).to_lowercase()));
        let names: Vec<(AccountId, String)> = names.collect();
        let fits = |fit: &dyn Fn(&(AccountId, String)) -> bool| {
            let mut fitting = names.iter().filter(|row| fit(row));
            match (fitting.next(), fitting.next()) {
                (Some((id, _)), None) => Some(*id),
                _ => None,
            }
        };
        let exact = fits(&|(_, name)| *name == wanted);
        let by_id = || fits(&|(id, _)| wanted.len() >= 8 && id.to_hex().starts_with(&wanted));
        let begun = || fits(&|(_, name)| name.starts_with(&wanted));
        Ok(exact.or_else(by_id).or_else(begun))
    }

    async fn search(&mut self, words: &str) -> Result<(), TuiError> {
        if words.is_empty() {
            return say("Write words to be found.");
        }
        let params = SearchParams {
            account: self.account,
            words: words.into(),
            within: None,
            limit: 20,
        };
        let found: Messages = self.connection.ask("messages.search", params).await?;
        for message in &found.messages {
            let other = self.name(message.conversation).await;
            let line = self.message_line(message, &other);
            say(&format!("{other}, {line}"))?;
        }
        if found.messages.is_empty() {
            say("Nothing found.")?;
        }
        Ok(())
    }

    async fn on_message(&mut self, word: &str, rest: &str) -> Result<(), TuiError> {
        let (number, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let rest = rest.trim();
        let Ok(number) = number.trim_matches(['[', ']', '#']).parse::<i64>() else {
            return say("Write the number of a message: it stands in brackets behind it.");
        };
        let message = json!({ "account": self.account, "message_id": number });
        let with = |more: Value| {
            let mut params = message.clone();
            if let (Some(params), Value::Object(more)) = (params.as_object_mut(), more) {
                params.extend(more);
            }
            params
        };
        match word {
            "reply" => {
                self.send(rest, Some(number)).await?;
            }
            "react" => match emoji(rest) {
                Some(emoji) => {
                    self.ask("messages.react", with(json!({ "emoji": emoji })))
                        .await?;
                }
                None => say("That is no emoji. Write one, or its name: heart, +1, joy.")?,
            },
            "delete" => {
                let scope = match rest {
                    "" | "here" => "this_device",
                    "everywhere" => "my_devices",
                    "everyone" => "everyone",
                    _ => return say("Write nothing more, everywhere, or everyone."),
                };
                self.ask("messages.delete", with(json!({ "scope": scope })))
                    .await?;
                say("Deleted.")?;
            }
            "retry" => {
                self.ask("messages.retry", message).await?;
            }
            _ => self.save(number, rest).await?,
        }
        Ok(())
    }

    async fn save(&self, number: i64, place: &str) -> Result<(), TuiError> {
        let message = json!({ "account": self.account, "message_id": number });
        let files = self.ask("files.list", message).await?;
        let files = serde_json::from_value::<Files>(files);
        let Some(file) = files.ok().and_then(|files| files.files.into_iter().next()) else {
            return say("This message has no file.");
        };
        let name = file_name(file.name.as_ref().map(|name| name.as_str()), file.index);
        let place = if place.is_empty() {
            self.options.downloads.clone()
        } else {
            expand(place, self.options.home.as_deref())
        };
        let place = if place.is_dir() {
            place.join(name)
        } else {
            place
        };
        let params = json!({
            "account": self.account, "message_id": number, "index": file.index,
            "path": place.to_string_lossy(),
        });
        match self.ask("files.save", params).await {
            Ok(_) => say(&format!("Saved as {}", one_line(&place.to_string_lossy()))),
            Err(TuiError::Api(error)) if error.code() == "core.file_missing" => {
                let params = json!({
                    "account": self.account, "message_id": number, "index": file.index,
                });
                self.ask("files.download", params).await?;
                say("It is being fetched; you are told when it is here.")
            }
            Err(other) => Err(other),
        }
    }

    /// Commands about the open conversation.
    async fn here(&mut self, open: AccountId, word: &str, rest: &str) -> Result<(), TuiError> {
        let account = self.account;
        let person = json!({ "account": account, "person": open });
        match word {
            "file" => {
                let path = expand(rest, self.options.home.as_deref());
                let params = json!({
                    "account": account, "to": open,
                    "files": [{ "path": path.to_string_lossy() }],
                });
                self.ask("messages.send_files", params).await?;
                say("The file is being sent.")
            }
            "accept" => {
                self.ask("requests.accept", person).await?;
                say("Accepted.")
            }
            "decline" => {
                self.ask("requests.decline", person).await?;
                self.open = None;
                say("Declined.")
            }
            "block" | "unblock" => {
                let blocked = word == "block";
                let params = json!({ "account": account, "person": open, "blocked": blocked });
                self.ask("contacts.block", params).await?;
                say(if blocked { "Blocked." } else { "Unblocked." })
            }
            "disappear" | "timer" => match timer(rest) {
                Ok(timer) => {
                    let params = json!({
                        "account": account, "conversation": open, "timer": timer,
                    });
                    self.ask("conversations.set_timer", params).await?;
                    let rule = time::timer(timer).unwrap_or_else(|| "messages stay".to_owned());
                    say(&format!("From now on: {rule}."))
                }
                Err(problem) => say(&problem),
            },
            _ => say(&format!(
                "There is no command /{}. /help lists them.",
                one_line(word)
            )),
        }
    }
}
