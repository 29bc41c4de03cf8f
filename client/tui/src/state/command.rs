//! Commands written into the line: what `session` does on the command line, by the same names.

use session_api::params::{MarkReadParams, MarkUnreadParams, PinParams};
use session_core::view::{NotifyMode, Timer};
use session_types::Timestamp;

use super::ask::{Act, Prompt, Purpose, Question};
use super::{Pane, State};
use crate::effect::{Effect, Then};

/// A command of the line, and what it does.
pub(crate) const SLASH: &[(&str, &str)] = &[
    ("/disappear off|TIME", "when messages disappear; /timer too"),
    ("/file PATH", "send a file"),
    ("/nickname NAME", "name this person for yourself"),
    ("/mute [TIME], /unmute", "raise no notifications"),
    ("/pin, /unpin", "keep at the top of the list"),
    ("/read, /unread", "mark this conversation"),
    ("/block, /unblock", "take in nothing more of this person"),
    ("/accept, /decline", "answer a message request"),
    ("/find WORDS", "find in this conversation"),
    ("/search WORDS", "find everywhere"),
    (
        "/clear, /delete",
        "remove this conversation's messages, or all of it",
    ),
    ("/new ID", "write to somebody new"),
    ("/profile NAME", "change the name others see"),
    ("/settings, /path, /doctor", "pages"),
    ("/help, /quit", "help; quit"),
    ("/lock [all]", "lock this account, or all"),
];

/// Times after which messages can disappear, in seconds.
const TIMES: [u32; 12] = [
    5, 10, 30, 60, 300, 1800, 3600, 21_600, 43_200, 86_400, 604_800, 1_209_600,
];

impl State {
    /// Does what a line says, without its stroke.
    pub(crate) fn slash(&mut self, line: &str) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let Some((account, conversation)) = self.here() else {
            return;
        };
        match word.to_lowercase().as_str() {
            "disappear" | "timer" => match timer(rest) {
                Ok(timer) => self.act(Act::Timer(conversation, timer)),
                Err(problem) => self.fail(problem),
            },
            "file" | "send" if !rest.is_empty() => {
                let path = self.path(rest);
                if path.is_file() {
                    self.attach(path);
                    self.say("The file goes with the next message. Enter sends.");
                } else {
                    self.fail("There is no such file.");
                }
            }
            "file" | "send" => self.ask_for_file(),
            "nickname" | "nick" => {
                let prompt = Prompt::new("", Purpose::Nickname(conversation));
                self.prompted_with(prompt, rest);
            }
            "mute" if rest.is_empty() => {
                self.act(Act::Mute(conversation, None, NotifyMode::Off));
            }
            "mute" => match seconds(rest) {
                Some(time) => {
                    let until = self.now.as_ms().saturating_add(u64::from(time) * 1000);
                    let until = Timestamp::from_ms(until);
                    self.act(Act::Mute(conversation, Some(until), NotifyMode::Default));
                }
                None => self.fail("Write a time: 30m, 8h, 7d."),
            },
            "unmute" => self.act(Act::Mute(conversation, None, NotifyMode::Default)),
            "pin" | "unpin" => {
                let params = PinParams {
                    account,
                    conversation,
                    pinned: word.eq_ignore_ascii_case("pin"),
                };
                self.call("conversations.pin", params, Then::Quiet);
            }
            "read" => {
                let params = MarkReadParams {
                    account,
                    conversation,
                    up_to: None,
                };
                self.call("conversations.mark_read", params, Then::Quiet);
            }
            "unread" => {
                let params = MarkUnreadParams {
                    account,
                    conversation,
                    unread: true,
                };
                self.call("conversations.mark_unread", params, Then::Quiet);
                self.close_chat();
                self.pane = Pane::List;
            }
            "block" => self.ask_to_block(conversation),
            "unblock" => self.act(Act::Block(conversation, false)),
            "accept" => self.act(Act::Accept(conversation)),
            "decline" => self.ask_to_decline(conversation),
            "find" => self.find_here(rest),
            "search" => self.find_everywhere(rest),
            "clear" => self.ask(
                Question::new("Remove all messages here from this device?").or(
                    'y',
                    "remove",
                    Act::Clear(conversation),
                ),
            ),
            "delete" => self.ask(
                Question::new("Delete from all your devices:")
                    .or('1', "this conversation", Act::DeleteChat(conversation))
                    .or('2', "and the contact", Act::DeleteContact(conversation)),
            ),
            "new" => self.write_to(rest),
            "profile" | "name" => {
                let prompt = Prompt::new("", Purpose::Name);
                self.prompted_with(prompt, rest);
            }
            "settings" => self.open_settings(),
            "path" => self.open_path(),
            "doctor" => self.act(Act::Diagnose),
            "export" | "history" | "listen" => {
                self.fail(format!("Not here: run `session {word}` in a shell."));
            }
            "help" => self.open_help(),
            "lock" if rest.eq_ignore_ascii_case("all") => self.lock(),
            "lock" => self.lock_one(account),
            "quit" | "q" => self.quit(),
            "poll" => {
                let params = session_api::params::AccountParams { account };
                self.call_slow("network.poll", params, Then::Say("Asked.".into()));
            }
            _ => self.fail(format!("There is no command /{word}. /help lists them.")),
        }
    }

    fn prompted_with(&mut self, prompt: Prompt, text: &str) {
        self.prompt = Some(prompt.with(text));
        // As if it was written there and Enter was pressed.
        let enter = crossterm::event::KeyEvent::new(
            crossterm::event::KeyCode::Enter,
            crossterm::event::KeyModifiers::NONE,
        );
        self.prompt_key(enter.into());
    }

    /// Asks before it ends if something is not at the network yet.
    pub(crate) fn quit(&mut self) {
        self.save_draft(true);
        let waiting: usize = self.desks.values().map(super::desk::Desk::waiting).sum();
        let asked = self.question.is_some();
        if waiting == 0 || asked {
            return self.effect(Effect::Quit);
        }
        let text = match waiting {
            1 => {
                "A message still waits here for the network; it goes out when you are back.".into()
            }
            n => format!(
                "{n} messages still wait here for the network; they go out when you are back."
            ),
        };
        self.ask(Question::new(text).or('q', "quit all the same", Act::Quit));
    }
}

/// `off`, or a time, and `after send` if it does not count from reading.
pub(crate) fn timer(text: &str) -> Result<Timer, String> {
    let text = text.trim().to_lowercase();
    let (time, after_send) = match text.strip_suffix("send") {
        Some(rest) => (
            rest.trim_end_matches("after").trim_end_matches("after "),
            true,
        ),
        None => (text.as_str(), false),
    };
    let time = time.trim().trim_end_matches("after").trim();
    if time == "off" {
        return Ok(Timer::Off);
    }
    let known = seconds(time).filter(|seconds| TIMES.contains(seconds));
    let Some(seconds) = known else {
        return Err(
            "Write off, or 5s 10s 30s 1m 5m 30m 1h 6h 12h 1d 7d 14d, and `after send` if it is \
             not to count from reading."
                .to_owned(),
        );
    };
    Ok(if after_send {
        Timer::AfterSend { seconds }
    } else {
        Timer::AfterRead { seconds }
    })
}

/// A time as people write it.
fn seconds(text: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits)?.trim();
    let scale = match unit {
        "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let count: u32 = digits.parse().ok()?;
    count.checked_mul(scale).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_other_clients_offer() {
        assert_eq!(timer("off"), Ok(Timer::Off));
        assert_eq!(timer(" 1D "), Ok(Timer::AfterRead { seconds: 86_400 }));
        assert_eq!(
            timer("12h after send"),
            Ok(Timer::AfterSend { seconds: 43_200 })
        );
        assert_eq!(timer("2w"), Ok(Timer::AfterRead { seconds: 1_209_600 }));
        for wrong in ["", "2h", "soon", "1", "d"] {
            assert!(timer(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("8h"), Some(28_800));
        assert_eq!(seconds("0m"), None);
    }
}
