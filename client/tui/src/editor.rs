//! A text that is being written: one line or several, with a cursor between characters as people
//! see them.

use unicode_segmentation::UnicodeSegmentation as _;
use zeroize::Zeroize as _;

use crate::text::{cell, harmless, width};

/// A text and the place in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Editor {
    text: String,
    /// In bytes, always where a character ends.
    cursor: usize,
    is_secret: bool,
}

/// Secrets may be in it.
impl core::fmt::Debug for Editor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Editor").finish_non_exhaustive()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if self.is_secret {
            self.text.zeroize();
        }
    }
}

impl Editor {
    /// With a text, the cursor at its end.
    pub(crate) fn with(text: &str) -> Self {
        let mut editor = Self::default();
        editor.set(text);
        editor
    }

    /// For what nobody may see over the shoulder; wiped when dropped.
    pub(crate) fn secret() -> Self {
        Self {
            // Grown once and for all: growing would leave copies behind.
            text: String::with_capacity(4096),
            cursor: 0,
            is_secret: true,
        }
    }

    pub(crate) const fn is_secret(&self) -> bool {
        self.is_secret
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Characters as the limit of messages counts them.
    pub(crate) fn count(&self) -> usize {
        self.text.chars().count()
    }

    pub(crate) fn set(&mut self, text: &str) {
        self.text.zeroize();
        self.text.push_str(text);
        self.cursor = self.text.len();
    }

    pub(crate) fn clear(&mut self) {
        self.set("");
    }

    /// What is before the cursor.
    pub(crate) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    pub(crate) fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    pub(crate) fn insert(&mut self, text: &str) {
        if self.is_secret && self.text.len() + text.len() > self.text.capacity() {
            return;
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// What was pasted: line breaks stay, other control characters go.
    pub(crate) fn paste(&mut self, text: &str) {
        self.insert(&harmless(text).replace('\u{fffd}', ""));
    }

    pub(crate) fn backspace(&mut self) {
        let Some(last) = self.before().graphemes(true).next_back() else {
            return;
        };
        let from = self.cursor - last.len();
        self.remove(from, self.cursor);
    }

    pub(crate) fn delete(&mut self) {
        let Some(next) = self.after().graphemes(true).next() else {
            return;
        };
        let to = self.cursor + next.len();
        self.remove(self.cursor, to);
    }

    pub(crate) fn delete_word(&mut self) {
        let kept = self.before().trim_end();
        let word = kept.split_word_bound_indices().next_back();
        let from = word.map_or(0, |(at, _)| at);
        self.remove(from, self.cursor);
    }

    /// Everything before the cursor in its line.
    pub(crate) fn delete_to_start(&mut self) {
        let from = self.line_start();
        self.remove(from, self.cursor);
    }

    fn remove(&mut self, from: usize, to: usize) {
        if from < to {
            self.text.replace_range(from..to, "");
            self.cursor = from;
        }
    }

    pub(crate) fn left(&mut self) {
        if let Some(last) = self.before().graphemes(true).next_back() {
            self.cursor -= last.len();
        }
    }

    pub(crate) fn right(&mut self) {
        if let Some(next) = self.after().graphemes(true).next() {
            self.cursor += next.len();
        }
    }

    pub(crate) fn word_left(&mut self) {
        let kept = self.before().trim_end();
        self.cursor = kept
            .split_word_bound_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
    }

    pub(crate) fn word_right(&mut self) {
        let after = self.after();
        let spaces = after.len() - after.trim_start().len();
        let word = after.trim_start().split_word_bounds().next();
        self.cursor += spaces + word.map_or(0, str::len);
    }

    pub(crate) fn home(&mut self) {
        self.cursor = self.line_start();
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.line_end();
    }

    fn line_start(&self) -> usize {
        self.before().rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let next = self.after().find('\n');
        next.map_or(self.text.len(), |at| self.cursor + at)
    }

    /// One row up in lines of so many columns. False when there is none.
    pub(crate) fn up(&mut self, columns: usize) -> bool {
        let rows = self.rows(columns);
        let (row, column) = place(&rows, self.cursor);
        let above = row.checked_sub(1).and_then(|above| rows.get(above));
        let to = above.map(|above| above.at(column));
        self.cursor = to.unwrap_or(self.cursor);
        to.is_some()
    }

    /// One row down. False when there is none.
    pub(crate) fn down(&mut self, columns: usize) -> bool {
        let rows = self.rows(columns);
        let (row, column) = place(&rows, self.cursor);
        let to = rows.get(row + 1).map(|below| below.at(column));
        self.cursor = to.unwrap_or(self.cursor);
        to.is_some()
    }

    /// What is shown in lines of so many columns.
    pub(crate) fn rows(&self, columns: usize) -> Vec<Row<'_>> {
        let columns = columns.max(2);
        let mut rows = Vec::new();
        let mut start = 0;
        let mut used = 0;
        for (at, grapheme) in self.text.grapheme_indices(true) {
            if grapheme == "\n" || grapheme == "\r\n" {
                rows.push(Row::of(&self.text, start, at, true));
                start = at + grapheme.len();
                used = 0;
                continue;
            }
            let cells = cell(grapheme);
            if used + cells > columns {
                // At a space, if one is near.
                let row = self.text.get(start..at).unwrap_or_default();
                let space = row.rfind(' ').map(|space| start + space + 1);
                let break_at = space.filter(|space| *space > start).unwrap_or(at);
                rows.push(Row::of(&self.text, start, break_at, false));
                start = break_at;
                used = width(self.text.get(start..at).unwrap_or_default());
                if used + cells > columns {
                    rows.push(Row::of(&self.text, start, at, false));
                    start = at;
                    used = 0;
                }
            }
            used += cells;
        }
        rows.push(Row::of(&self.text, start, self.text.len(), true));
        rows
    }

    /// Row and column of the cursor in lines of so many columns.
    pub(crate) fn place(&self, columns: usize) -> (usize, usize) {
        place(&self.rows(columns), self.cursor)
    }
}

/// One row of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    start: usize,
    pub(crate) text: &'a str,
    /// The line of the text ends here, and the cursor can stand behind it.
    ends: bool,
}

impl<'a> Row<'a> {
    fn of(text: &'a str, start: usize, end: usize, ends: bool) -> Self {
        Self {
            start,
            text: text.get(start..end).unwrap_or_default(),
            ends,
        }
    }

    /// Where a column of the row is in the text.
    fn at(&self, column: usize) -> usize {
        let mut used = 0;
        let mut at = self.start;
        let mut last = at;
        for grapheme in self.text.graphemes(true) {
            if used + cell(grapheme) > column {
                return at;
            }
            used += cell(grapheme);
            last = at;
            at += grapheme.len();
        }
        // Behind the end of a row that goes on is the next one.
        if self.ends { at } else { last }
    }
}

fn place(rows: &[Row<'_>], cursor: usize) -> (usize, usize) {
    let at = rows.iter().position(|row| {
        let end = row.start + row.text.len();
        cursor >= row.start && (cursor < end || (cursor == end && row.ends))
    });
    let at = at.unwrap_or_else(|| rows.len().saturating_sub(1));
    let column = rows.get(at).map_or(0, |row| {
        let before = cursor.saturating_sub(row.start);
        width(row.text.get(..before).unwrap_or(row.text))
    });
    (at, column)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_are_those_people_see() {
        let mut editor = Editor::with("a👩‍👩‍👧é");
        editor.backspace();
        assert_eq!(editor.text(), "a👩‍👩‍👧");
        editor.left();
        editor.insert("日");
        assert_eq!(editor.text(), "a日👩‍👩‍👧");
        editor.delete();
        assert_eq!(editor.text(), "a日");
        assert_eq!(editor.place(80), (0, 3));
    }

    #[test]
    fn words_and_lines() {
        let mut editor = Editor::with("one two\nthree four");
        editor.delete_word();
        assert_eq!(editor.text(), "one two\nthree ");
        editor.home();
        editor.insert("> ");
        assert_eq!(editor.text(), "one two\n> three ");
        assert!(editor.up(80));
        assert_eq!(editor.place(80), (0, 2));
        assert!(!editor.up(80));
        editor.word_right();
        assert_eq!(editor.place(80), (0, 3));
        editor.word_left();
        assert_eq!(editor.place(80), (0, 0));
        editor.end();
        editor.delete_to_start();
        assert_eq!(editor.text(), "\n> three ");
    }

    #[test]
    fn long_lines_are_shown_in_rows() {
        let mut editor = Editor::with("hello wide world");
        let rows: Vec<_> = editor.rows(8).iter().map(|row| row.text).collect();
        assert_eq!(rows, ["hello ", "wide ", "world"]);
        assert_eq!(editor.place(8), (2, 5));
        assert!(editor.up(8) && editor.up(8) && !editor.up(8));
        assert!(editor.down(8));
    }

    #[test]
    fn secrets_are_not_shown_and_do_not_grow() {
        let mut editor = Editor::secret();
        editor.insert("words");
        assert_eq!(format!("{editor:?}"), "Editor { .. }");
        editor.insert(&"x".repeat(5000));
        assert_eq!(editor.text(), "words");
    }

    proptest! {
        #[test]
        fn no_key_breaks_it(text in "\\PC{0,20}", keys in prop::collection::vec(0..14_u8, 0..40), columns in 2..12_usize) {
            let mut editor = Editor::with(&text);
            for key in keys {
                match key {
                    0 => editor.left(),
                    1 => editor.right(),
                    2 => editor.backspace(),
                    3 => editor.delete(),
                    4 => editor.word_left(),
                    5 => editor.word_right(),
                    6 => editor.delete_word(),
                    7 => drop(editor.up(columns)),
                    8 => drop(editor.down(columns)),
                    9 => editor.home(),
                    10 => editor.end(),
                    11 => editor.insert("\n"),
                    12 => editor.insert("日"),
                    _ => editor.insert("\u{301}"),
                }
                let joined = format!("{}{}", editor.before(), editor.after());
                prop_assert_eq!(&joined, editor.text());
                let (row, column) = editor.place(columns);
                prop_assert!(row < editor.rows(columns).len());
                prop_assert!(column <= columns);
            }
        }
    }
}
