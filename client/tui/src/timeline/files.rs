//! Files, their pictures, and reactions of messages.

use ratatui::style::Style;
use ratatui::text::Line;
use session_core::view::{FileStatus, FileView, MessageItem};

use super::{Picture, View};
use crate::effect::FileOfMessage;
use crate::look::Role;
use crate::state::naming::file_name;
use crate::text::{Piece, cut, cut_middle, harmless, one_line, width, wrap};
use crate::time;

/// The most cells of a picture.
const PICTURE: (u16, u16) = (20, 10);

impl View {
    pub(super) fn file(
        &self,
        message: &MessageItem,
        file: &FileView,
        room: usize,
    ) -> Vec<Line<'static>> {
        let name = file_name(file.name.as_ref().map(|name| name.as_str()), file.index);
        let mime = file
            .mime
            .as_ref()
            .map(|mime| mime.as_str())
            .unwrap_or_default();
        let kind = match mime.split('/').next() {
            _ if file.voice => "voice",
            Some("image") => "image",
            Some("video") => "video",
            Some("audio") => "audio",
            _ => "file",
        };
        let mut about = kind.to_owned();
        if let (Some(width), Some(height)) = (file.width, file.height) {
            about += &format!(" {width}x{height}");
        }
        if let Some(size) = file.size {
            about += &format!(", {}", time::size(size));
        }
        let (open, save) = (&self.hints.open, &self.hints.save);
        let (role, state) = match &file.state {
            FileStatus::Here if message.mine => (Role::Faint, String::new()),
            FileStatus::Here => (Role::Faint, format!("{open} open, {save} save")),
            FileStatus::Remote => (Role::Accent, format!("{open} fetch")),
            FileStatus::Waiting => (Role::Faint, "waiting".to_owned()),
            FileStatus::Moving { done, total } => {
                let percent = done.saturating_mul(100) / (*total).max(1);
                (Role::Faint, format!("{} %", percent.min(100)))
            }
            FileStatus::Failed { reason } => (
                Role::Danger,
                format!("! {}; {open} again", one_line(reason)),
            ),
            FileStatus::Gone { reason } => (Role::Danger, format!("! {}", one_line(reason))),
        };
        let fixed = width(&about) + 5;
        let name = cut_middle(
            &name,
            room.saturating_sub(fixed).max(12),
            self.look.signs.more,
        );
        let mut pieces = vec![
            Piece::new(format!("[{about}] "), self.style(Role::Faint)),
            Piece::new(name, self.style(Role::Strong)),
        ];
        if !state.is_empty() {
            pieces.push(Piece::new(format!("  {state}"), self.style(role)));
        }
        let mut lines = wrap(&pieces, room);
        if let Some(caption) = &file.caption
            && !caption.as_str().is_empty()
        {
            let caption = Piece::new(harmless(caption.as_str()), self.style(Role::Text));
            lines.extend(wrap(&[caption], room));
        }
        lines
    }

    /// The room of a picture, if it is one and there is room.
    pub(crate) fn picture(&self, message: &MessageItem, file: &FileView) -> Option<Picture> {
        let mime = file.mime.as_ref()?.as_str();
        if !self.images || !mime.starts_with("image/") || file.state != FileStatus::Here {
            return None;
        }
        let (width, height) = (file.width?.clamp(1, 20_000), file.height?.clamp(1, 20_000));
        // A cell is twice as high as it is wide.
        let (most_columns, most_rows) = PICTURE;
        let most_columns = u32::from(most_columns).min(u32::try_from(self.room()).ok()?);
        let most_rows = u32::from(most_rows);
        let by_width = (most_columns, (most_columns * height).div_ceil(width * 2));
        let (columns, rows) = if by_width.1 > most_rows {
            ((most_rows * 2 * width).div_ceil(height), most_rows)
        } else {
            by_width
        };
        Some(Picture {
            file: FileOfMessage {
                account: self.own,
                message_id: message.message_id,
                index: file.index,
                name: file_name(file.name.as_ref().map(|name| name.as_str()), file.index),
            },
            line: 0,
            column: 0,
            columns: u16::try_from(columns.clamp(2, most_columns)).ok()?,
            rows: u16::try_from(rows.clamp(1, most_rows)).ok()?,
        })
    }

    pub(super) fn reactions(&self, message: &MessageItem, room: usize) -> Vec<Line<'static>> {
        /// Kinds shown.
        const KINDS: usize = 6;
        let mut pieces = Vec::new();
        for reaction in message.reactions.iter().take(KINDS) {
            let emoji = self.look.emoji(&cut(&one_line(&reaction.emoji), 4, ""));
            let emoji = if emoji.is_empty() {
                "?".to_owned()
            } else {
                emoji
            };
            let role = if reaction.mine {
                Role::Accent
            } else {
                Role::Faint
            };
            let count = reaction.count;
            let text = if count > 1 {
                format!("({emoji} {count})")
            } else {
                format!("({emoji})")
            };
            pieces.push(Piece::new(text, self.style(role)));
            pieces.push(Piece::new(" ", Style::new()));
        }
        if let Some(more) = message
            .reactions
            .len()
            .checked_sub(KINDS)
            .filter(|n| *n > 0)
        {
            pieces.push(Piece::new(format!("+{more}"), self.style(Role::Faint)));
        }
        wrap(&pieces, room)
    }
}
