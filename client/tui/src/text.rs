//! Words of people on a terminal: made harmless, measured, wrapped, cut.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands for a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';
/// Combining marks that one character keeps.
const MARKS: usize = 4;
/// Columns of a tabulator.
const TAB: &str = "    ";

/// A text that can do nothing to the terminal: control characters (C0, C1, escape sequences with
/// them) and marks that change the direction of writing are replaced, heaps of combining marks
/// are cut. Line breaks stay.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if is_mark(c) {
            marks += 1;
            if marks <= MARKS {
                out.push(c);
            }
            continue;
        }
        marks = 0;
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => out.push('\n'),
            '\t' => out.push_str(TAB),
            _ if c.is_control() || changes_direction(c) => out.push(REPLACEMENT),
            _ => out.push(c),
        }
    }
    out
}

/// The same in one line.
pub(crate) fn one_line(text: &str) -> String {
    let text = harmless(text);
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(cell).sum()
}

/// Columns a character as people see it takes.
pub(crate) fn cell(grapheme: &str) -> usize {
    // Sequences of emojis are one picture of two columns.
    grapheme.width().min(2)
}

/// As much of a text as fits, with `more` at its end when it was cut.
pub(crate) fn cut(text: &str, columns: usize, more: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(width(more));
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let cells = cell(grapheme);
        if used + cells > room {
            break;
        }
        used += cells;
        out.push_str(grapheme);
    }
    if width(more) <= columns {
        out.push_str(more);
    }
    out
}

/// A file's name that is too long is cut in the middle: how it ends says what it is.
pub(crate) fn cut_middle(name: &str, columns: usize, more: &str) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let room = columns.saturating_sub(width(more));
    let end_room = room.min(room.div_ceil(2).max(8));
    let mut end: Vec<&str> = Vec::new();
    let mut used = 0;
    for grapheme in name.graphemes(true).rev() {
        let cells = cell(grapheme);
        if used + cells > end_room {
            break;
        }
        used += cells;
        end.push(grapheme);
    }
    end.reverse();
    let start = cut(name, room.saturating_sub(used), "");
    format!("{start}{more}{}", end.concat())
}

/// A text with spaces after it, exactly so wide.
pub(crate) fn fill(text: &str, columns: usize, more: &str) -> String {
    let mut out = cut(text, columns, more);
    let used = width(&out);
    out.extend(core::iter::repeat_n(' ', columns.saturating_sub(used)));
    out
}

/// A piece of a text with its look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Piece {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

impl From<Piece> for Span<'static> {
    fn from(piece: Piece) -> Self {
        Span::styled(piece.text, piece.style)
    }
}

/// Lines of at most so many columns. Words stay whole when they fit in a line; line breaks of the
/// text break the line.
pub(crate) fn wrap(pieces: &[Piece], columns: usize) -> Vec<Line<'static>> {
    let mut wrapping = Wrapping::new(columns.max(2));
    for piece in pieces {
        for word in piece.text.split_word_bounds() {
            wrapping.word(word, piece.style);
        }
    }
    wrapping.finish()
}

struct Wrapping {
    columns: usize,
    lines: Vec<Line<'static>>,
    line: Vec<Piece>,
    used: usize,
    /// What stands together at the end of the line: it moves to the next line as a whole.
    joint: Vec<Piece>,
    joint_width: usize,
    /// The word is longer than a line and being broken.
    spills: bool,
}

impl Wrapping {
    const fn new(columns: usize) -> Self {
        Self {
            columns,
            lines: Vec::new(),
            line: Vec::new(),
            used: 0,
            joint: Vec::new(),
            joint_width: 0,
            spills: false,
        }
    }

    fn word(&mut self, word: &str, style: Style) {
        if word == "\n" || word == "\r\n" {
            self.settle();
            self.spills = false;
            self.end_line();
            return;
        }
        let is_space = word.chars().all(char::is_whitespace);
        if is_space {
            self.settle();
            self.spills = false;
            let cells = width(word);
            if self.used + cells <= self.columns {
                push(&mut self.line, word, style);
                self.used += cells;
            } else if self.used < self.columns {
                self.used = self.columns;
            }
            return;
        }
        push(&mut self.joint, word, style);
        self.joint_width += width(word);
        if self.spills || self.joint_width > self.columns {
            self.spills = true;
            self.spill();
        }
    }

    /// Puts what stands together into the line, or into the next.
    fn settle(&mut self) {
        if self.joint.is_empty() {
            return;
        }
        if self.used + self.joint_width > self.columns && self.used > 0 {
            self.end_line();
        }
        self.used += self.joint_width;
        self.joint_width = 0;
        for piece in core::mem::take(&mut self.joint) {
            push(&mut self.line, &piece.text, piece.style);
        }
    }

    /// A word longer than a line is broken where the line ends.
    fn spill(&mut self) {
        self.joint_width = 0;
        for piece in core::mem::take(&mut self.joint) {
            for grapheme in piece.text.graphemes(true) {
                let cells = cell(grapheme);
                if self.used + cells > self.columns {
                    self.end_line();
                }
                push(&mut self.line, grapheme, piece.style);
                self.used += cells;
            }
        }
    }

    fn end_line(&mut self) {
        let line = core::mem::take(&mut self.line);
        self.lines
            .push(line.into_iter().map(Span::from).collect::<Vec<_>>().into());
        self.used = 0;
    }

    fn finish(mut self) -> Vec<Line<'static>> {
        self.settle();
        if !self.line.is_empty() || self.lines.is_empty() {
            self.end_line();
        }
        self.lines
    }
}

fn push(line: &mut Vec<Piece>, text: &str, style: Style) {
    match line.last_mut() {
        Some(last) if last.style == style => last.text.push_str(text),
        _ => line.push(Piece::new(text, style)),
    }
}

/// Characters that stand on the one before them.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that say in which direction is written, and others that nobody sees.
fn changes_direction(c: char) -> bool {
    matches!(c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
        | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, columns: usize) -> Vec<String> {
        wrap(&[Piece::new(text, Style::new())], columns)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_moves_the_cursor_is_replaced() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{7}d\u{1b}]52;c;aGk=\u{7}e\u{8}\u{7f}";
        let shown = harmless(hostile);
        assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
        assert_eq!(shown.chars().filter(|c| *c == REPLACEMENT).count(), 7);
        assert_eq!(harmless("gpj.\u{202e}exe"), "gpj.\u{fffd}exe");
        assert_eq!(harmless("a\r\nb\rc\td"), "a\nb\nc    d");
        assert_eq!(one_line("  a\n b\u{85} "), "a b\u{fffd}");
    }

    #[test]
    fn heaps_of_marks_are_cut() {
        let heap = format!("a{}b", "\u{301}".repeat(500));
        assert_eq!(harmless(&heap).chars().count(), 2 + MARKS);
    }

    #[test]
    fn texts_are_cut_where_characters_end() {
        assert_eq!(cut("hello", 5, "…"), "hello");
        assert_eq!(cut("hello!", 5, "…"), "hell…");
        assert_eq!(cut("日本語", 5, "…"), "日本…");
        assert_eq!(cut("👩‍👩‍👧x", 2, ""), "👩‍👩‍👧");
        assert_eq!(fill("ab", 4, ""), "ab  ");
        assert_eq!(cut("abc", 0, "…"), "");
        let name = cut_middle("a very long name of a picture.tar.gz", 20, "…");
        assert!(
            name.ends_with(".tar.gz") && name.starts_with("a very"),
            "{name}"
        );
        assert!(width(&name) <= 20);
    }

    #[test]
    fn words_stay_whole_and_long_ones_break() {
        assert_eq!(lines("one two three", 8), ["one two ", "three"]);
        assert_eq!(lines("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(lines("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(lines("", 9), [""]);
        assert_eq!(
            lines("https://example.org/a/b is it", 24),
            ["https://example.org/a/b ", "is it"]
        );
        assert_eq!(lines("日本語日本", 5), ["日本", "語日", "本"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_nothing_is_lost(text in "\\PC{0,80}", columns in 2..30_usize) {
            let text = harmless(&text);
            let wrapped = lines(&text, columns);
            for line in &wrapped {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let joined: String = wrapped.concat().split_whitespace().collect();
            let wanted: String = text.split_whitespace().collect();
            prop_assert_eq!(joined, wanted);
        }

        #[test]
        fn nothing_harmful_comes_through(text in "(?s).{0,60}", columns in 0..20_usize) {
            let shown = harmless(&text);
            prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!shown.chars().any(changes_direction));
            prop_assert!(width(&cut(&shown, columns, "…")) <= columns.max(1));
            prop_assert!(width(&cut_middle(&shown, columns, "…")) <= columns.max(1));
        }
    }
}
