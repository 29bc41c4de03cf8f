//! How the items of a conversation look: lines of text, ready for a width.

mod files;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use session_core::view::{
    Delivery, ItemContent, MessageItem, Notice, NoticeItem, QuoteState, Span as Part, TimelineItem,
};
use session_types::{AccountId, Timestamp};

use crate::effect::FileOfMessage;
use crate::keys::Command;
use crate::layout::Areas;
use crate::look::{Look, Role};
use crate::state::State;
use crate::state::chat::Chat;
use crate::state::naming::shown_name;
use crate::text::{Piece, cut, harmless, one_line, width, wrap};
use crate::time;

/// Lines of a text before it is folded.
const FOLD: usize = 25;
/// Columns for a mark before the messages.
const MARGIN: usize = 1;
/// Columns of the time: `08:55 `.
const TIME: usize = 6;
/// The most columns of a name beside messages.
const NAME: usize = 8;

/// An item as lines.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) lines: Vec<Line<'static>>,
    pub(crate) pictures: Vec<Picture>,
}

/// Room for a picture among the lines of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) file: FileOfMessage,
    /// The first of its lines.
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// What the look of items depends on.
#[derive(Debug)]
pub(crate) struct View {
    look: Look,
    columns: usize,
    has_sides: bool,
    names: BTreeMap<AccountId, (String, u8)>,
    own: AccountId,
    now: Timestamp,
    zone: TimeZone,
    images: bool,
    hints: Hints,
    name_width: usize,
}

#[derive(Debug)]
struct Hints {
    retry: String,
    open: String,
    save: String,
}

impl View {
    pub(crate) fn new(state: &State, chat: &Chat, areas: &Areas) -> Self {
        let own = state.current.unwrap_or(chat.id);
        let mut names = BTreeMap::new();
        for person in &chat.people {
            let name = if person.id == own {
                "You".to_owned()
            } else {
                let ambiguous = state
                    .desk()
                    .and_then(|desk| desk.conversation(person.id))
                    .is_some_and(|item| item.ambiguous);
                shown_name(person.name.as_str(), person.id, ambiguous)
            };
            names.insert(person.id, (name, person.avatar.color));
        }
        let first_words = names.values().map(|(name, _)| width(first_word(name)));
        let name_width = first_words.max().unwrap_or(3).clamp(3, NAME);
        Self {
            look: state.look.clone(),
            columns: usize::from(areas.messages.width).saturating_sub(1),
            has_sides: areas.has_sides(),
            names,
            own,
            now: state.now,
            zone: state.zone.clone(),
            images: state.images
                && !state
                    .desk()
                    .is_none_or(crate::state::desk::Desk::is_request),
            hints: Hints {
                retry: state.keys.hint(Command::Retry),
                open: state.keys.hint(Command::OpenFile),
                save: state.keys.hint(Command::Save),
            },
            name_width,
        }
    }

    /// Lines an item takes.
    pub(crate) fn height(&self, item: &TimelineItem) -> usize {
        match &item.content {
            ItemContent::Day { .. } | ItemContent::Unread { .. } => 1,
            _ => self.block(item).lines.len(),
        }
    }

    /// An item as lines.
    pub(crate) fn block(&self, item: &TimelineItem) -> Block {
        let lines = match &item.content {
            ItemContent::Message(message) => return self.message(message),
            ItemContent::Notice(notice) => self.notice(notice),
            ItemContent::Deleted {
                author,
                mine,
                sent_at,
                ..
            } => {
                let text = if *mine {
                    "You deleted this".to_owned()
                } else {
                    format!("Deleted by {}", self.name(*author))
                };
                let at = time::clock(*sent_at, &self.zone);
                let indent = " ".repeat(MARGIN);
                let style = self.look.style(Role::Faint).add_modifier(Modifier::ITALIC);
                vec![Line::from(vec![
                    Span::raw(indent),
                    self.faint(format!("{at} ")),
                    Span::styled(text, style),
                ])]
            }
            ItemContent::Day { date } => {
                vec![self.ruled(&time::day(date, self.now, &self.zone), Role::Faint)]
            }
            ItemContent::Unread { count } => {
                let text = match count {
                    1 => "1 new message".to_owned(),
                    n => format!("{n} new messages"),
                };
                vec![self.ruled(&text, Role::Accent)]
            }
        };
        Block {
            lines,
            pictures: Vec::new(),
        }
    }

    fn style(&self, role: Role) -> Style {
        self.look.style(role)
    }

    fn faint(&self, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.style(Role::Faint))
    }

    fn name(&self, id: AccountId) -> String {
        match self.names.get(&id) {
            Some((name, _)) => name.clone(),
            None if id == self.own => "You".to_owned(),
            None => id.short(),
        }
    }

    fn name_style(&self, id: AccountId) -> Style {
        match self.names.get(&id) {
            Some((_, color)) if id != self.own => self.look.person(*color),
            _ => self.style(Role::Strong),
        }
    }

    /// A text in the middle of a line.
    fn ruled(&self, text: &str, role: Role) -> Line<'static> {
        let text = cut(text, self.columns.saturating_sub(6), self.look.signs.more);
        let left = self.columns.saturating_sub(width(&text) + 2);
        let sign = self.look.signs.horizontal;
        let before = sign.repeat(left / 2);
        let after = sign.repeat(left - left / 2);
        let line = if role == Role::Accent {
            role
        } else {
            Role::Line
        };
        Line::from(vec![
            Span::styled(format!("{before} "), self.style(line)),
            Span::styled(text, self.style(role)),
            Span::styled(format!(" {after}"), self.style(line)),
        ])
    }

    fn notice(&self, notice: &NoticeItem) -> Vec<Line<'static>> {
        let who = self.name(notice.author);
        let text = match &notice.notice {
            Notice::TimerChanged { timer, differs } => {
                let rule = time::timer(*timer);
                let whose = if notice.mine {
                    "your messages"
                } else {
                    "their messages"
                };
                let mut text = match rule {
                    Some(rule) => format!("{who} set a timer: {rule}"),
                    None => format!("{who} turned the timer off: {whose} stay"),
                };
                if *differs && !notice.mine {
                    text += "  (t sets yours)";
                }
                text
            }
            Notice::RequestAccepted if notice.mine => "You accepted the request".to_owned(),
            Notice::RequestAccepted => format!("{who} accepted your request"),
            Notice::Screenshot => format!("{who} took a screenshot"),
            Notice::MediaSaved { .. } => format!("{who} saved a file"),
        };
        let state = match &notice.state {
            Delivery::Failed { .. } => "  ! not sent",
            Delivery::Waiting { .. } => "  ~ waiting",
            _ => "",
        };
        let style = self.style(Role::Faint);
        let room = self.columns.saturating_sub(4).max(8);
        let lines = wrap(&[Piece::new(text + state, style)], room);
        lines.into_iter().map(|line| self.centred(line)).collect()
    }

    fn centred(&self, mut line: Line<'static>) -> Line<'static> {
        let left = self.columns.saturating_sub(line.width()) / 2;
        line.spans.insert(0, Span::raw(" ".repeat(left)));
        line
    }

    /// Columns of the words of messages.
    fn room(&self) -> usize {
        if self.has_sides {
            (self.columns * 3 / 4).min(80)
        } else {
            let before = MARGIN + TIME + self.name_width + 1;
            self.columns.saturating_sub(before).max(10)
        }
    }

    fn message(&self, message: &MessageItem) -> Block {
        let room = self.room();
        let mut body: Vec<Line<'static>> = Vec::new();
        let mut pictures = Vec::new();
        self.quote(message, room, &mut body);
        self.words(message, room, &mut body);
        if let Some(room_of) = &message.invitation {
            let name = one_line(room_of.name.as_str());
            let url = cut(&one_line(room_of.url.as_str()), room, self.look.signs.more);
            body.push(Line::styled(
                format!("Invitation to the community {name}"),
                self.style(Role::Strong),
            ));
            body.push(Line::styled(url, self.style(Role::Faint)));
        }
        if let Some(preview) = &message.preview
            && let Some(title) = &preview.title
        {
            let title = cut(
                &one_line(title.as_str()),
                room.saturating_sub(2),
                self.look.signs.more,
            );
            body.push(Line::styled(
                format!("{} {title}", self.look.signs.quote),
                self.style(Role::Faint),
            ));
        }
        for file in &message.files {
            if let Some(mut picture) = self.picture(message, file) {
                picture.line = body.len();
                body.extend((0..picture.rows).map(|_| Line::default()));
                pictures.push(picture);
            }
            body.extend(self.file(message, file, room));
        }
        let known = message.files.len();
        if message.attachments > known {
            let lost = message.attachments - known;
            let text = if lost == 1 {
                "[1 file that cannot be had]".into()
            } else {
                format!("[{lost} files that cannot be had]")
            };
            body.push(Line::from(self.faint(text)));
        }
        if !message.reactions.is_empty() {
            body.extend(self.reactions(message, room));
        }
        if body.is_empty() {
            body.push(Line::default());
        }
        self.state(message, room, &mut body);
        if self.has_sides {
            self.aside(message, body, pictures)
        } else {
            self.beside(message, body, pictures)
        }
    }

    fn quote(&self, message: &MessageItem, room: usize, body: &mut Vec<Line<'static>>) {
        let Some(quote) = &message.quote else { return };
        let name = if quote.mine {
            "You".to_owned()
        } else {
            shown_name(quote.name.as_str(), quote.author, false)
        };
        let text = match &quote.original {
            QuoteState::Found {
                excerpt,
                attachments,
                ..
            } => match (one_line(excerpt.as_str()), attachments) {
                (text, 0) => text,
                (text, _) if text.is_empty() => "[file]".to_owned(),
                (text, _) => format!("{text} [file]"),
            },
            QuoteState::Deleted => "Message deleted".to_owned(),
            QuoteState::NotFound => "Earlier message".to_owned(),
        };
        let text = cut(
            &format!("{name}: {text}"),
            room.saturating_sub(2),
            self.look.signs.more,
        );
        body.push(Line::from(vec![
            Span::styled(
                format!("{} ", self.look.signs.quote),
                self.name_style(quote.author),
            ),
            self.faint(text),
        ]));
    }

    fn words(&self, message: &MessageItem, room: usize, body: &mut Vec<Line<'static>>) {
        let mut pieces = Vec::new();
        for part in &message.spans {
            match part {
                Part::Text { text } => {
                    let mut text = harmless(text.as_str());
                    if self.look.text_emoji {
                        text = self.emojis_as_names(&text);
                    }
                    pieces.push(Piece::new(text, self.style(Role::Text)));
                }
                Part::Mention { name, me, .. } => {
                    let style = if *me {
                        self.style(Role::Accent).add_modifier(Modifier::REVERSED)
                    } else {
                        self.style(Role::Accent)
                    };
                    pieces.push(Piece::new(format!("@{}", one_line(name.as_str())), style));
                }
                Part::Link { url } => {
                    pieces.push(Piece::new(harmless(url.as_str()), self.style(Role::Link)));
                }
            }
        }
        if pieces.iter().all(|piece| piece.text.is_empty()) {
            return;
        }
        let mut lines = wrap(&pieces, room);
        if lines.len() > FOLD {
            let more = lines.len() - FOLD;
            lines.truncate(FOLD);
            lines.push(Line::from(self.faint(format!(
                "{} {more} more lines; i shows all",
                self.look.signs.more
            ))));
        }
        body.extend(lines);
    }

    fn emojis_as_names(&self, text: &str) -> String {
        use unicode_segmentation::UnicodeSegmentation as _;
        let graphemes = text.graphemes(true).map(|grapheme| {
            if !grapheme.is_ascii() && emojis::get(grapheme).is_some() {
                format!(":{}:", self.look.emoji(grapheme))
            } else {
                grapheme.to_owned()
            }
        });
        graphemes.collect()
    }

    /// Where an own message stands: at the end of its last line, in words below when it failed.
    fn state(&self, message: &MessageItem, room: usize, body: &mut Vec<Line<'static>>) {
        if !message.mine {
            return;
        }
        let signs = self.look.signs;
        let (role, text) = match &message.state {
            Delivery::Received => return,
            Delivery::Sending => (Role::Faint, signs.sending.to_owned()),
            Delivery::Sent => (Role::Faint, signs.sent.to_owned()),
            Delivery::Read { at } if self.has_sides => {
                let at = time::clock(*at, &self.zone);
                (Role::Ok, format!("{} read {at}", signs.read))
            }
            Delivery::Read { .. } => (Role::Ok, signs.read.to_owned()),
            Delivery::Waiting { reason, .. } => {
                let text = format!("{} waiting: {}", signs.waiting, one_line(reason));
                let pieces = [Piece::new(text, self.style(Role::Warn))];
                body.extend(wrap(&pieces, room));
                return;
            }
            Delivery::Failed { reason } => {
                let text = format!(
                    "{} not sent: {}  {} retry",
                    signs.failed,
                    one_line(reason),
                    self.hints.retry
                );
                let pieces = [Piece::new(text, self.style(Role::Danger))];
                body.extend(wrap(&pieces, room));
                return;
            }
        };
        let sign = width(&text);
        let style = self.style(role);
        let used = body.last().map_or(0, Line::width);
        let end = if self.has_sides {
            used + 2
        } else {
            room.saturating_sub(sign)
        };
        match body.last_mut() {
            Some(last) if used + 2 + sign <= room => {
                last.spans
                    .push(Span::raw(" ".repeat(end.saturating_sub(used))));
                last.spans.push(Span::styled(text, style));
            }
            _ => {
                let indent = room.saturating_sub(sign);
                let indent = if self.has_sides { 0 } else { indent };
                body.push(Line::from(vec![
                    Span::raw(" ".repeat(indent)),
                    Span::styled(text, style),
                ]));
            }
        }
    }

    /// Time and name in columns before the words.
    fn beside(
        &self,
        message: &MessageItem,
        body: Vec<Line<'static>>,
        mut pictures: Vec<Picture>,
    ) -> Block {
        let before = TIME + self.name_width + 1;
        for picture in &mut pictures {
            picture.column = MARGIN + before;
        }
        let mut lines = Vec::with_capacity(body.len());
        for (n, mut line) in body.into_iter().enumerate() {
            let mut spans = vec![Span::raw(" ".repeat(MARGIN))];
            if n == 0 && message.first_in_run {
                let at = time::clock(message.sent_at, &self.zone);
                spans.push(self.faint(format!("{at} ")));
                let name = self.name(message.author);
                let name = cut(first_word(&name), self.name_width, self.look.signs.more);
                let pad = " ".repeat(self.name_width + 1 - width(&name).min(self.name_width));
                spans.push(Span::styled(name, self.name_style(message.author)));
                spans.push(Span::raw(pad));
            } else {
                spans.push(Span::raw(" ".repeat(before)));
            }
            spans.append(&mut line.spans);
            lines.push(Line::from(spans));
        }
        Block { lines, pictures }
    }

    /// A line with time and name, and the words under it: own ones at the right.
    fn aside(
        &self,
        message: &MessageItem,
        body: Vec<Line<'static>>,
        mut pictures: Vec<Picture>,
    ) -> Block {
        let mut lines = Vec::with_capacity(body.len() + 1);
        let widest = body.iter().map(Line::width).max().unwrap_or(0);
        let widest = pictures
            .iter()
            .map(|picture| usize::from(picture.columns))
            .fold(widest, usize::max);
        let at = time::clock(message.sent_at, &self.zone);
        let indent = if message.mine {
            self.columns.saturating_sub(widest + 1)
        } else {
            MARGIN + 4
        };
        if message.first_in_run {
            let name = self.name(message.author);
            let mut spans = if message.mine {
                let used = width(&name) + at.len() + 2;
                vec![Span::raw(" ".repeat(self.columns.saturating_sub(used)))]
            } else {
                vec![Span::raw(" ".repeat(MARGIN))]
            };
            spans.push(self.faint(format!("{at} ")));
            spans.push(Span::styled(name, self.name_style(message.author)));
            lines.push(Line::from(spans));
        }
        for picture in &mut pictures {
            picture.line += lines.len();
            picture.column = indent;
        }
        for mut line in body {
            let mut spans = if message.mine {
                vec![Span::raw(" ".repeat(indent))]
            } else {
                let bar = format!("{}  {} ", " ".repeat(MARGIN), self.look.signs.vertical);
                let style = match self.names.get(&message.author) {
                    Some((_, color)) => self.look.person(*color).remove_modifier(Modifier::BOLD),
                    None => self.style(Role::Line),
                };
                vec![Span::styled(bar, style)]
            };
            spans.append(&mut line.spans);
            lines.push(Line::from(spans));
        }
        Block { lines, pictures }
    }
}

/// What stands for a name where there is little room.
fn first_word(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or(name)
}
