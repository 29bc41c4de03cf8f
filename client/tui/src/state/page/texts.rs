//! Pages to be read.

use session_api::params::{
    AccountParams, Diagnosis, Message, MessageParams, NetworkReport, NetworkState, Node,
    StepOutcome,
};
use session_core::view::{Delivery, ShownKind};
use session_store::MessageId;
use session_types::AccountId;

use super::{About, Content, Page, PageLine};
use crate::effect::Then;
use crate::keys::{COMMANDS, Place};
use crate::look::Role;
use crate::state::ask::{Act, Question};
use crate::state::command::SLASH;
use crate::state::desk::Desk;
use crate::state::{State, sentence};
use crate::text::{fill, harmless};
use crate::time;

fn plain(text: impl Into<String>) -> PageLine {
    vec![(Role::Text, text.into())]
}

fn heading(text: impl Into<String>) -> PageLine {
    vec![(Role::Accent, text.into())]
}

fn pair(name: &str, value: impl Into<String>) -> PageLine {
    vec![
        (Role::Faint, fill(name, 16, "")),
        (Role::Text, value.into()),
    ]
}

impl State {
    pub(crate) fn open_help(&mut self) {
        let mut lines: Vec<PageLine> = Vec::new();
        let parts = [
            (Place::Messages, "Among messages"),
            (Place::Panes, "In the list and among messages"),
            (Place::Composer, "While writing"),
            (Place::Anywhere, "Anywhere"),
        ];
        for (place, title) in parts {
            lines.push(heading(title));
            for entry in COMMANDS.iter().filter(|entry| entry.place == place) {
                let keys = self.keys.of(entry.command);
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                let keys = fill(&keys.join(", "), 18, self.look.signs.more);
                lines.push(vec![
                    (Role::Strong, keys),
                    (Role::Text, entry.words.to_owned()),
                ]);
            }
            lines.push(Vec::new());
        }
        lines.push(heading("Alt+1 to Alt+9: the conversation of this row."));
        lines.push(Vec::new());
        lines.push(heading("Commands written into the line"));
        for (usage, words) in SLASH {
            lines.push(vec![
                (Role::Strong, fill(usage, 28, "")),
                (Role::Text, (*words).to_owned()),
            ]);
        }
        lines.push(plain(
            "A message that begins with a stroke is written with two: //",
        ));
        lines.push(Vec::new());
        lines.push(heading("Signs"));
        let signs = self.look.signs;
        for (sign, words) in [
            (signs.sending, "on its way"),
            (signs.waiting, "waits on this device for the network"),
            (signs.sent, "sent: the other side's nodes keep it"),
            (signs.read, "read by the other side, if both of you tell"),
            (signs.failed, "not sent"),
        ] {
            lines.push(vec![
                (Role::Strong, fill(sign, 6, "")),
                (Role::Text, words.into()),
            ]);
        }
        self.page = Some(Page::lines(About::Help, "Help", lines));
    }

    pub(crate) fn open_info(&mut self, account: AccountId, message_id: MessageId) {
        let params = MessageParams {
            account,
            message_id,
        };
        self.call("messages.info", params, Then::Info);
    }

    /// All that is known of a message.
    pub(crate) fn show_info(&mut self, message: &Message) {
        let at = |time| time::in_full(time, &self.zone);
        let mut lines = vec![
            pair("Number", message.message_id.to_string()),
            pair("From", self.name(message.author)),
            pair("Written", at(message.sent_at)),
        ];
        if message.time_unsure {
            lines.push(pair(
                "",
                "by this computer's clock; not yet compared with the network's",
            ));
        }
        lines.push(pair("State", state_words(&message.state)));
        if let Delivery::Waiting { next_attempt, .. } = &message.state {
            lines.push(pair("Tried again", at(*next_attempt)));
        }
        if let Some(stored) = message.stored_at {
            lines.push(pair("Stored by node", at(stored)));
        }
        if let Some(expires) = message.expires_at {
            lines.push(pair("Nodes keep it", format!("until {}", at(expires))));
        }
        if let Some(rule) = time::timer(message.timer) {
            lines.push(pair("Timer", rule));
        }
        if let Some(disappears) = message.disappears_at {
            lines.push(pair("Disappears", at(disappears)));
        }
        if message.attachments > 0 {
            lines.push(pair("Files", message.attachments.to_string()));
        }
        if let Some(hash) = &message.hash {
            lines.push(pair("In the swarm", hash.clone()));
        }
        let text = harmless(message.text.as_str());
        if message.kind == ShownKind::Text && !text.is_empty() {
            lines.push(Vec::new());
            lines.push(heading("Text"));
            lines.extend(text.lines().map(plain));
        }
        let page = Page::lines(About::Info, "Message", lines).copying(text);
        self.page = Some(page);
    }

    /// Details of a person, where there is no room for them beside the conversation.
    pub(crate) fn open_person(&mut self, id: AccountId) {
        let beside = self.has_room_for_details();
        if beside && self.chat().is_some_and(|chat| chat.id == id) {
            self.details = !self.details;
            return;
        }
        let lines = self.person_lines(id);
        let page = Page::lines(About::Person, self.name(id), lines);
        self.page = Some(page.copying(id.to_hex()));
    }

    /// What is known of a person or of Note to Self.
    pub(crate) fn person_lines(&self, id: AccountId) -> Vec<PageLine> {
        use crate::keys::Command as C;
        let mut lines = Vec::new();
        let item = self.desk().and_then(|desk| desk.conversation(id));
        lines.push(heading("Account ID"));
        lines.extend(id_lines(id));
        lines.push(Vec::new());
        let hint = |command| self.keys.hint(command);
        if let Some(item) = item {
            let rule = time::timer(item.timer).unwrap_or_else(|| "messages stay".to_owned());
            lines.push(vec![
                (Role::Text, rule),
                (Role::Faint, format!("  {} timer", hint(C::Timer))),
            ]);
            let muted = match (item.muted, item.muted_until) {
                (true, Some(until)) => {
                    format!("muted until {}", time::short(until, self.now, &self.zone))
                }
                (true, None) => "muted".to_owned(),
                (false, _) => "not muted".to_owned(),
            };
            lines.push(vec![
                (Role::Text, muted),
                (Role::Faint, format!("  {} mute", hint(C::Mute))),
            ]);
            let pinned = if item.pinned { "pinned" } else { "not pinned" };
            lines.push(vec![
                (Role::Text, pinned.into()),
                (Role::Faint, format!("  {} pin", hint(C::Pin))),
            ]);
            if self.desk().is_none_or(|desk| desk.own != id) {
                let blocked = if item.blocked {
                    "blocked"
                } else {
                    "not blocked"
                };
                lines.push(vec![
                    (Role::Text, blocked.into()),
                    (Role::Faint, format!("  {} block", hint(C::Block))),
                ]);
                use session_core::view::RequestState as R;
                match item.request {
                    R::Outgoing => {
                        lines.push(Vec::new());
                        lines.push(plain("They must accept before they can"));
                        lines.push(plain("answer. Text only until then."));
                    }
                    R::Incoming => {
                        lines.push(Vec::new());
                        lines.push(plain("Asks to write to you."));
                    }
                    R::None => {}
                }
            }
        } else {
            lines.push(plain("You have not talked yet."));
        }
        lines.push(Vec::new());
        lines.push(vec![(
            Role::Faint,
            "/nickname NAME  /clear  /delete".into(),
        )]);
        lines
    }

    /// The own id, to be read, copied or scanned.
    pub(crate) fn show_id(&mut self) {
        let Some(desk) = self.desk() else { return };
        let own = desk.own;
        let mut lines = vec![plain("Others write to you with it:"), Vec::new()];
        lines.extend(id_lines(own));
        lines.push(Vec::new());
        let room = self.size.rows.saturating_sub(10);
        lines.extend(code(
            &own.to_hex(),
            self.size.columns,
            room,
            self.look.signs.ascii,
        ));
        let page = Page::lines(About::Id, "My Account ID", lines).copying(own.to_hex());
        self.page = Some(page);
    }

    pub(crate) fn ask_for_recovery(&mut self) {
        let text = "Whoever sees the Recovery Password owns the account. Is nobody looking?";
        let question = Question::new(text).or('y', "show it", Act::RecoveryShown);
        self.ask(question);
    }

    pub(crate) fn show_recovery(&mut self, words: &str) {
        let words: Vec<&str> = words.split_whitespace().collect();
        let mut lines = vec![
            plain("Write these 13 words on paper, in this order. They are the account:"),
            plain("with them it comes back on any device, without them it does not."),
            Vec::new(),
        ];
        for (n, word) in words.iter().enumerate() {
            lines.push(vec![
                (Role::Faint, format!("{:>4}  ", n + 1)),
                (Role::Strong, (*word).to_owned()),
            ]);
        }
        self.page = Some(Page::lines(About::Recovery, "Recovery Password", lines));
    }

    pub(crate) fn open_path(&mut self) {
        let Some(account) = self.desk().map(|desk| desk.own) else {
            return;
        };
        let lines = self.path_lines();
        let mut page = Page::lines(About::Path, "Path and network", lines);
        "d try everything step by step  Esc back".clone_into(&mut page.hints);
        self.page = Some(page);
        self.call(
            "network.status",
            AccountParams { account },
            Then::Report(account),
        );
    }

    /// The page shows what was learned meanwhile.
    pub(crate) fn refresh_path(&mut self) {
        if self
            .page
            .as_ref()
            .is_none_or(|page| page.about != About::Path)
        {
            return;
        }
        let new_lines = self.path_lines();
        if let Some(Page {
            content: Content::Lines { lines, .. },
            ..
        }) = &mut self.page
        {
            *lines = new_lines;
        }
    }

    fn path_lines(&self) -> Vec<PageLine> {
        let Some(desk) = self.desk() else {
            return Vec::new();
        };
        let mut lines = vec![vec![(Role::Strong, sentence(&self.network_words(desk)))]];
        match &desk.network {
            Some(NetworkState::Connected {
                guard,
                guard_since,
                backup,
                middle,
                exit,
                wire,
                ..
            }) => {
                let node = |node: &Node| {
                    let (key, _) = node.key.split_at_checked(8).unwrap_or((&node.key, ""));
                    format!("{}:{}  key {key}", node.ip, node.port)
                };
                let since = time::in_full(*guard_since, &self.zone);
                let stands_in = if *backup {
                    ", stands in for a failing one"
                } else {
                    ""
                };
                lines.extend([
                    Vec::new(),
                    pair("You", "this computer"),
                    pair("  > Guard", node(guard)),
                    pair("", format!("ours since {since}{stands_in}")),
                    pair(
                        "  > Middle",
                        middle
                            .as_ref()
                            .map_or_else(|| "chosen anew".to_owned(), node),
                    ),
                    pair(
                        "  > Exit",
                        exit.as_ref().map_or_else(|| "chosen anew".to_owned(), node),
                    ),
                    pair("  > Swarm", "the nodes that keep messages"),
                    Vec::new(),
                    pair(
                        "Carried by",
                        wire.clone().unwrap_or_else(|| "not yet known".into()),
                    ),
                    Vec::new(),
                    plain("Only the guard sees your address; it does not see to whom you write."),
                    plain("It stays the same on purpose: few guards give attackers few chances."),
                ]);
            }
            Some(NetworkState::Offline { advice, since, .. }) => {
                lines.push(pair("Since", time::in_full(*since, &self.zone)));
                lines.push(Vec::new());
                lines.push(plain(sentence(advice)));
                lines.push(plain("What you write waits on this device."));
            }
            Some(NetworkState::Connecting { .. }) | None => {}
        }
        if let Some(report) = &desk.report {
            lines.push(Vec::new());
            lines.push(pair("Network", harmless(&report.name)));
            lines.push(pair("Clock", clock_words(report)));
            let traffic = report.traffic;
            lines.push(pair(
                "Since opened",
                format!(
                    "{} requests, {} of them over QUIC; {} out, {} in",
                    traffic.requests,
                    traffic.quic_requests,
                    time::size(traffic.bytes_out),
                    time::size(traffic.bytes_in)
                ),
            ));
        }
        lines
    }

    /// How the account stands to the network, in few words.
    pub(crate) fn network_words(&self, desk: &Desk) -> String {
        if let Some(off) = desk.report.as_ref().and_then(|report| report.clock_off_ms) {
            return format!(
                "clock wrong by {}",
                time::duration(off.unsigned_abs() / 1000)
            );
        }
        match &desk.network {
            None => "starting".to_owned(),
            Some(NetworkState::Connecting { step, .. }) => match step.as_str() {
                "asking_seeds" => "asking who the nodes are".to_owned(),
                "confirming_list" => "comparing lists of nodes".to_owned(),
                _ => "finding a way through the network".to_owned(),
            },
            Some(NetworkState::Connected { .. }) => "connected".to_owned(),
            Some(NetworkState::Offline { reason, .. }) => match reason.as_str() {
                "clock_wrong" => "the network refuses this computer's time",
                "guards_unreachable" => "no node can be reached",
                "no_network" => "no network; messages wait here",
                "proxy_unreachable" => "the proxy does not answer",
                "seeds_unreachable" => "no seed can be reached",
                _ => "offline",
            }
            .to_owned(),
        }
    }

    pub(crate) fn show_diagnosing(&mut self) {
        let lines = vec![plain(
            "Trying everything that a message needs; this takes some seconds.",
        )];
        self.page = Some(Page::lines(About::Diagnosis, "Doctor", lines));
    }

    pub(crate) fn show_diagnosis(&mut self, diagnosis: &Diagnosis) {
        if self
            .page
            .as_ref()
            .is_none_or(|page| page.about != About::Diagnosis)
        {
            return;
        }
        let mut lines = Vec::new();
        for step in &diagnosis.steps {
            let (role, word) = match step.outcome {
                StepOutcome::Ok => (Role::Ok, "ok"),
                StepOutcome::Warn => (Role::Warn, "!"),
                StepOutcome::Failed => (Role::Danger, "failed"),
            };
            let number = step.number.map(|n| format!(" {n}")).unwrap_or_default();
            let name = step.name.replace('_', " ");
            lines.push(vec![
                (role, fill(word, 8, "")),
                (Role::Strong, format!("{name}{number}: ")),
                (Role::Text, harmless(&step.detail)),
                (Role::Faint, format!("  {} ms", step.took_ms)),
            ]);
            if let Some(advice) = &step.advice {
                lines.push(vec![(Role::Warn, format!("        {}", harmless(advice)))]);
            }
        }
        self.page = Some(Page::lines(About::Diagnosis, "Doctor", lines));
    }
}

fn clock_words(report: &NetworkReport) -> String {
    match report.clock_off_ms {
        None => "ok".to_owned(),
        Some(ms) => {
            let by = time::duration(ms.unsigned_abs() / 1000);
            let side = if ms < 0 { "behind" } else { "ahead of" };
            format!("{by} {side} the network: messages cannot be sent until it is right")
        }
    }
}

/// Where a message stands, in words.
pub(crate) fn state_words(state: &Delivery) -> String {
    match state {
        Delivery::Received => "received".to_owned(),
        Delivery::Sending => "sending".to_owned(),
        Delivery::Waiting { reason, .. } => format!("waiting: {reason}"),
        Delivery::Sent => "sent".to_owned(),
        Delivery::Read { .. } => "read".to_owned(),
        Delivery::Failed { reason } => format!("not sent: {reason}"),
    }
}

/// An id in groups of six.
pub(crate) fn id_lines(id: AccountId) -> Vec<PageLine> {
    let hex = id.to_hex();
    let digits: Vec<char> = hex.chars().collect();
    let groups: Vec<String> = digits
        .chunks(6)
        .map(|group| group.iter().collect())
        .collect();
    groups.chunks(4).map(|line| plain(line.join(" "))).collect()
}

/// A code for cameras in half blocks, dark on light.
fn code(text: &str, columns: u16, rows: u16, ascii: bool) -> Vec<PageLine> {
    use qrcode::{EcLevel, QrCode};
    /// Modules of light around it.
    const QUIET: usize = 2;
    let too_small = || vec![plain("(This terminal is too small for the code.)")];
    let upper = text.to_uppercase();
    let Ok(code) = QrCode::with_error_correction_level(upper.as_bytes(), EcLevel::L) else {
        return Vec::new();
    };
    let side = code.width();
    let all = side + 2 * QUIET;
    if ascii {
        return vec![plain(
            "(The code is shown in terminals with more than ASCII.)",
        )];
    }
    if usize::from(columns) < all || usize::from(rows) < all.div_ceil(2) {
        return too_small();
    }
    let colors = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let (Some(x), Some(y)) = (x.checked_sub(QUIET), y.checked_sub(QUIET)) else {
            return false;
        };
        x < side && y < side && colors.get(y * side + x) == Some(&qrcode::Color::Dark)
    };
    (0..all)
        .step_by(2)
        .map(|y| {
            let row: String = (0..all)
                .map(|x| match (is_dark(x, y), is_dark(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                })
                .collect();
            vec![(Role::Code, row)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_has_its_size_or_says_why_not() {
        let text = "05".repeat(33);
        let lines = code(&text, 80, 40, false);
        let (_, row) = &lines[0][0];
        assert_eq!(lines.len(), row.chars().count().div_ceil(2));
        assert!(lines.iter().any(|line| line[0].1.contains('█')));
        assert!(code(&text, 20, 40, false)[0][0].1.contains("too small"));
        assert!(code(&text, 80, 10, false)[0][0].1.contains("too small"));
        assert!(code(&text, 80, 40, true)[0][0].1.contains("ASCII"));
    }

    #[test]
    fn ids_are_in_groups() {
        let id = AccountId::from_x25519([0xab; 32].into());
        let lines = id_lines(id);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0][0].1, "05abab ababab ababab ababab");
    }
}
