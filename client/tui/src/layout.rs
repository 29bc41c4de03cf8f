//! Where everything is on the terminal.

use ratatui::layout::Rect;

use crate::state::{Pane, State};

/// Fewer columns or rows: one pane at a time.
pub(crate) const NARROW: u16 = 60;
const SHORT: u16 = 15;
/// So many columns: details beside the conversation.
const THREE: u16 = 120;
/// Fewer columns or rows show nothing that could be used.
const LEAST: (u16, u16) = (20, 6);
/// So many columns of messages: the own ones stand at the right.
const SIDES: u16 = 70;
/// Rows of text that is being written.
const MOST_WRITTEN: usize = 8;
/// Columns at the end of the line for how much is written.
const COUNTER: u16 = 10;

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Areas {
    pub(crate) is_narrow: bool,
    /// Lines are drawn between the parts.
    pub(crate) has_rules: bool,
    pub(crate) header: Rect,
    pub(crate) body: Rect,
    pub(crate) list: Option<Rect>,
    pub(crate) main: Option<Rect>,
    pub(crate) messages: Rect,
    pub(crate) composer: Rect,
    pub(crate) details: Option<Rect>,
    pub(crate) status: Rect,
}

impl Areas {
    /// Messages of both sides stand at their own side.
    pub(crate) const fn has_sides(&self) -> bool {
        self.messages.width >= SIDES
    }
}

impl State {
    /// Whether only one pane is shown.
    pub(crate) const fn is_narrow(&self) -> bool {
        self.size.columns < NARROW || self.size.rows < SHORT
    }

    /// Whether nothing useful can be shown.
    pub(crate) const fn is_too_small(&self) -> bool {
        self.size.columns < LEAST.0 || self.size.rows < LEAST.1
    }

    /// Whether there is room for details beside the conversation.
    pub(crate) const fn has_room_for_details(&self) -> bool {
        self.size.columns >= THREE && !self.is_narrow()
    }

    pub(crate) fn areas(&self) -> Areas {
        let (columns, rows) = (self.size.columns, self.size.rows);
        let is_narrow = self.is_narrow();
        let has_rules = rows >= SHORT;
        let rule = u16::from(has_rules);
        let body = Rect {
            x: 0,
            y: 1 + rule,
            width: columns,
            height: rows.saturating_sub(2 + 2 * rule),
        };
        let list_width = match columns {
            _ if is_narrow => columns,
            120.. => 36,
            _ => (columns * 3 / 10).clamp(22, 30),
        };
        let has_details = self.details && self.has_room_for_details() && self.chat().is_some();
        let details_width = if has_details { 36 } else { 0 };
        let (list, main, details) = if is_narrow {
            if self.pane == Pane::List {
                (Some(body), None, None)
            } else {
                (None, Some(body), None)
            }
        } else {
            let list = Rect {
                width: list_width,
                ..body
            };
            let left = list_width + 1;
            let right = if has_details { details_width + 1 } else { 0 };
            let main = Rect {
                x: left,
                width: columns.saturating_sub(left + right),
                ..body
            };
            let details = has_details.then(|| Rect {
                x: columns.saturating_sub(details_width),
                width: details_width,
                ..body
            });
            (Some(list), Some(main), details)
        };
        let main_area = main.unwrap_or_default();
        let written = self.written_rows(main_area);
        let above = u16::from(has_rules && written > 0);
        let composer = Rect {
            y: main_area.bottom().saturating_sub(written),
            height: written,
            ..main_area
        };
        let messages = Rect {
            height: main_area.height.saturating_sub(written + above),
            ..main_area
        };
        Areas {
            is_narrow,
            has_rules,
            header: Rect::new(0, 0, columns, 1),
            body,
            list,
            main,
            messages,
            composer,
            details,
            status: Rect::new(0, rows.saturating_sub(1), columns, 1),
        }
    }

    /// Rows of what is being written and what belongs to it.
    fn written_rows(&self, main: Rect) -> u16 {
        let Some(desk) = self.desk() else { return 0 };
        let Some(chat) = &desk.chat else { return 0 };
        if self.bar().is_some() {
            return 1;
        }
        let Some(composer) = desk.composers.get(&chat.id) else {
            return 1;
        };
        let extra = u16::from(composer.reply.is_some()) + u16::from(!composer.files.is_empty());
        let extra = extra + u16::from(!self.offered().is_empty());
        let rows = composer.editor.rows(self.columns_of(main)).len();
        let most = usize::from(main.height / 3).clamp(1, MOST_WRITTEN);
        extra + u16::try_from(rows.clamp(1, most)).unwrap_or(1)
    }

    fn columns_of(&self, main: Rect) -> usize {
        let counter = if self.is_narrow() { 0 } else { COUNTER };
        usize::from(main.width.saturating_sub(4 + counter)).max(4)
    }

    /// Columns of a line that is being written.
    pub(crate) fn composer_columns(&self) -> usize {
        let areas = self.areas();
        self.columns_of(areas.main.unwrap_or(areas.body))
    }
}
