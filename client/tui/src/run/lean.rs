//! What is sent to the terminal, and no more: over a slow line every byte is waited for.
//!
//! ratatui says which cells have changed. Between two of them a few cells that have not are cheaper
//! written again than jumped over, and the empty end of a line is erased instead of written.
//!
//! A sign of two columns is one thing to a terminal: whoever writes over one half of it destroys the
//! other. What is left there is blank, but in the colours of the moment (xterm) or in those of the
//! sign that was there (kitty). So the other half is always written too.

use std::io::{self, Write};

use crossterm::cursor::{MoveTo, MoveToColumn};
use crossterm::queue;
use crossterm::style::{
    Attribute, Color as TerminalColor, Print, SetAttribute, SetBackgroundColor, SetForegroundColor,
};
use crossterm::terminal::{Clear, ClearType};
use ratatui::backend::{
    Backend, ClearType as Region, CrosstermBackend, IntoCrossterm as _, WindowSize,
};
use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::{Color, Modifier};

/// Unchanged cells that are written again: jumping over them takes as many bytes.
const GAP: u16 = 5;
/// Empty cells at the end of a line that are worth erasing.
const EMPTY: usize = 4;

/// A terminal that is sent little.
pub(crate) struct Lean<W: Write> {
    to: CrosstermBackend<W>,
    shown: Shown,
}

/// What the terminal shows.
struct Shown {
    /// Cells that a wide sign to their left covers have the symbol "".
    cells: Buffer,
    /// Something was drawn that is more than its cells: nothing is written there again.
    has_pictures: bool,
}

/// What is to be written.
struct Change {
    at: Position,
    /// What stood where the second half of a wide sign goes: not every terminal draws that sign as
    /// wide as it is, so it is wiped away first.
    wipes: Vec<Position>,
}

/// How the terminal writes now.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pen {
    ink: Color,
    paper: Color,
    modifier: Modifier,
}

impl Pen {
    const PLAIN: Self = Self {
        ink: Color::Reset,
        paper: Color::Reset,
        modifier: Modifier::empty(),
    };

    const fn of(cell: &Cell) -> Self {
        Self {
            ink: cell.fg,
            paper: cell.bg,
            modifier: cell.modifier,
        }
    }
}

/// Where the terminal is writing.
struct Hand<'a, W: Write> {
    to: &'a mut CrosstermBackend<W>,
    pen: Pen,
    /// Where the next sign lands; `None`: not known.
    at: Option<Position>,
}

impl<W: Write> Lean<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to: CrosstermBackend::new(to),
            shown: Shown::nothing(),
        }
    }
}

impl Shown {
    fn nothing() -> Self {
        Self {
            cells: Buffer::empty(Rect::ZERO),
            has_pictures: false,
        }
    }

    /// Takes note of what is to be shown. Gives back where something is to be written, line by
    /// line.
    fn note<'a>(&mut self, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) -> Vec<Change> {
        let mut changed: Vec<(u16, u16, &Cell)> = cells.collect();
        changed.sort_by_key(|(x, y, _)| (*y, *x));
        let end = |(x, _, cell): &(u16, u16, &Cell)| x.saturating_add(columns_of(Some(cell)));
        let right = changed.iter().map(end).max();
        let bottom = changed.last().map(|(_, y, _)| y.saturating_add(1));
        let all = Rect::new(0, 0, right.unwrap_or(0), bottom.unwrap_or(0));
        let all = all.union(self.cells.area);
        if all != self.cells.area {
            let mut wider = Buffer::empty(all);
            wider.merge(&self.cells);
            self.cells = wider;
        }
        let mut places = Vec::with_capacity(changed.len());
        let mut wiped = Vec::new();
        for (x, y, cell) in changed {
            let at = Position::new(x, y);
            // From left to right: the sign that covers this place is there already.
            if self.is_covered(at) {
                wiped.push(at);
                continue;
            }
            self.has_pictures |= is_picture(cell);
            places.push(at);
            places.extend(self.put(at, cell));
        }
        // What was left of a wide sign may have been written over since.
        places.sort_by_key(|place| (place.y, place.x));
        places.dedup();
        places.retain(|place| !self.is_covered(*place));
        let mut wiped = wiped.into_iter().peekable();
        let mut changes = Vec::with_capacity(places.len());
        for at in places {
            let end = columns_of(self.cell(at)).saturating_add(at.x);
            let order = |place: &Position| (place.y, place.x);
            let mut wipes = Vec::new();
            while let Some(place) = wiped.next_if(|place| order(place) < (at.y, end)) {
                if order(&place) > order(&at) {
                    wipes.push(place);
                }
            }
            changes.push(Change { at, wipes });
        }
        changes
    }

    /// Puts a sign where it is to be. Gives back the places that it leaves without the wide sign
    /// they belonged to: they are blank.
    fn put(&mut self, at: Position, cell: &Cell) -> Vec<Position> {
        let end = at.x.saturating_add(columns_of(Some(cell)));
        let right_of = |x| Position::new(x, at.y);
        let rest: Vec<Position> = (end..self.cells.area.right())
            .map(right_of)
            .take_while(|place| self.is_covered(*place))
            .collect();
        for place in &rest {
            if let Some(blank) = self.cells.cell_mut(*place) {
                blank.reset();
            }
        }
        for place in (at.x.saturating_add(1)..end).map(right_of) {
            if let Some(half) = self.cells.cell_mut(place) {
                half.set_symbol("").set_style(cell.style());
            }
        }
        if let Some(shown) = self.cells.cell_mut(at) {
            *shown = cell.clone();
        }
        rest
    }

    /// A wide sign to the left reaches over this place.
    fn is_covered(&self, at: Position) -> bool {
        self.cell(at).is_some_and(|cell| cell.symbol().is_empty())
    }

    fn cell(&self, at: Position) -> Option<&Cell> {
        self.cells.cell(at)
    }

    /// From which column on a line is empty.
    fn empty_from(&self, y: u16) -> u16 {
        let mut from = self.cells.area.width;
        while from > 0 {
            let cell = self.cell(Position::new(from - 1, y));
            let is_empty =
                cell.is_some_and(|cell| cell.symbol() == " " && Pen::of(cell) == Pen::PLAIN);
            if !is_empty {
                break;
            }
            from -= 1;
        }
        from
    }

    /// The cells between two places of a line, if they can be written again with this pen.
    fn between(&self, from: Position, to: Position, pen: Pen) -> Option<Vec<&Cell>> {
        if self.has_pictures || from.y != to.y || from.x > to.x || to.x - from.x > GAP {
            return None;
        }
        let cells = (from.x..to.x).map(|x| {
            let cell = self.cell(Position::new(x, from.y))?;
            let is_like = cell.symbol().is_ascii() && cell.symbol().len() == 1;
            (is_like && Pen::of(cell) == pen).then_some(cell)
        });
        cells.collect()
    }
}

/// Pictures are sequences of their own in the first cell they take.
fn is_picture(cell: &Cell) -> bool {
    cell.symbol().contains('\u{1b}')
}

/// Columns the sign of a cell takes.
fn columns_of(cell: Option<&Cell>) -> u16 {
    cell.filter(|cell| !is_picture(cell))
        .map_or(1, |cell| cell.cell_width().max(1))
}

impl<W: Write> Hand<'_, W> {
    /// Moves to a place, by whatever is shortest.
    fn go(&mut self, to: Position) -> io::Result<()> {
        if self.at == Some(to) {
            return Ok(());
        }
        match self.at {
            Some(at) if at.y == to.y => queue!(self.to, MoveToColumn(to.x))?,
            _ => queue!(self.to, MoveTo(to.x, to.y))?,
        }
        self.at = Some(to);
        Ok(())
    }

    fn take(&mut self, pen: Pen) -> io::Result<()> {
        // Attributes cannot be taken away one by one everywhere.
        if self.pen.modifier != pen.modifier && !pen.modifier.contains(self.pen.modifier) {
            queue!(self.to, SetAttribute(Attribute::Reset))?;
            self.pen = Pen::PLAIN;
        }
        for (modifier, attribute) in [
            (Modifier::BOLD, Attribute::Bold),
            (Modifier::DIM, Attribute::Dim),
            (Modifier::ITALIC, Attribute::Italic),
            (Modifier::UNDERLINED, Attribute::Underlined),
            (Modifier::SLOW_BLINK, Attribute::SlowBlink),
            (Modifier::RAPID_BLINK, Attribute::RapidBlink),
            (Modifier::REVERSED, Attribute::Reverse),
            (Modifier::HIDDEN, Attribute::Hidden),
            (Modifier::CROSSED_OUT, Attribute::CrossedOut),
        ] {
            if pen.modifier.contains(modifier) && !self.pen.modifier.contains(modifier) {
                queue!(self.to, SetAttribute(attribute))?;
            }
        }
        if pen.ink != self.pen.ink {
            let ink: TerminalColor = pen.ink.into_crossterm();
            queue!(self.to, SetForegroundColor(ink))?;
        }
        if pen.paper != self.pen.paper {
            let paper: TerminalColor = pen.paper.into_crossterm();
            queue!(self.to, SetBackgroundColor(paper))?;
        }
        self.pen = pen;
        Ok(())
    }

    fn write(&mut self, cell: &Cell, columns: u16) -> io::Result<()> {
        self.take(Pen::of(cell))?;
        queue!(self.to, Print(cell.symbol()))?;
        let wide = columns_of(Some(cell));
        // At the right edge terminals differ in where they are then; so they do after signs that
        // some draw wider than others.
        let is_plain = wide == 1 && cell.symbol().chars().count() == 1;
        self.at = self.at.and_then(|at| {
            let next = at.x + wide;
            (is_plain && next < columns).then_some(Position::new(next, at.y))
        });
        Ok(())
    }
}

impl<W: Write> Backend for Lean<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let Self { to, shown } = self;
        let changed = shown.note(content);
        let columns = shown.cells.area.width;
        let mut hand = Hand {
            to,
            pen: Pen::PLAIN,
            at: None,
        };
        for line in changed.chunk_by(|one, next| one.at.y == next.at.y) {
            let y = line.first().map_or(0, |change| change.at.y);
            let empty_from = shown.empty_from(y);
            let first_empty = line.partition_point(|change| change.at.x < empty_from);
            let (written, empty) = line.split_at(first_empty);
            let erases = empty.len() >= EMPTY;
            let written = if erases { written } else { line };
            for Change { at: place, wipes } in written {
                let Some(cell) = shown.cell(*place) else {
                    continue;
                };
                for wiped in wipes {
                    let mut blank = cell.clone();
                    blank.set_symbol(" ");
                    hand.go(*wiped)?;
                    hand.write(&blank, columns)?;
                }
                let filled = hand.at.and_then(|at| shown.between(at, *place, hand.pen));
                match filled {
                    Some(cells) => {
                        for cell in cells {
                            hand.write(cell, columns)?;
                        }
                    }
                    None => hand.go(*place)?,
                }
                hand.write(cell, columns)?;
            }
            if let Some(first) = empty.first().filter(|_| erases) {
                hand.take(Pen::PLAIN)?;
                hand.go(first.at)?;
                queue!(hand.to, Clear(ClearType::UntilNewLine))?;
            }
        }
        hand.take(Pen::PLAIN)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.to.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.to.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.to.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.to.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.shown = Shown::nothing();
        self.to.clear()
    }

    fn clear_region(&mut self, region: Region) -> io::Result<()> {
        self.shown = Shown::nothing();
        self.to.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.to.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.to.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.to)
    }
}

impl<W: Write> Write for Lean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut self.to, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.to)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use ratatui::style::Style;

    use super::*;

    #[derive(Clone, Default)]
    struct Sent(Arc<Mutex<Vec<u8>>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const COLUMNS: u16 = 24;
    const ROWS: u16 = 5;

    /// A line of a frame: where it begins, what, how.
    type Stroke = (u16, String, u8);

    fn style(number: u8) -> Style {
        let style = Style::reset();
        match number {
            0..=3 => style,
            4 => style.fg(Color::Indexed(6)),
            5 => style.bg(Color::Indexed(4)),
            6 => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::DIM),
            _ => style.fg(Color::Indexed(2)).add_modifier(Modifier::REVERSED),
        }
    }

    fn stroke() -> impl Strategy<Value = Stroke> {
        let words = prop_oneof![
            "[a-c ]{1,12}",
            Just(" ".repeat(24)),
            Just("e\u{301}x".to_owned()),
            "[a世界 ]{1,8}",
            Just("世e\u{301}界 \u{2764}\u{fe0f}a".to_owned()),
            Just("a\u{2764}\u{fe0f}🎉\u{2764}\u{fe0f}".to_owned()),
        ];
        (0..COLUMNS, words, 0..10u8)
    }

    proptest! {
        #[test]
        fn a_terminal_shows_what_it_is_to_show(
            frames in prop::collection::vec(prop::collection::vec(stroke(), 1..=5), 1..8),
        ) {
            let sent = Sent::default();
            let mut lean = Lean::new(sent.clone());
            let area = Rect::new(0, 0, COLUMNS, ROWS);
            let mut before = Buffer::empty(area);
            for strokes in frames {
                let mut now = Buffer::empty(area);
                for (y, (x, words, look)) in (0..ROWS).zip(strokes) {
                    now.set_stringn(x, y, words, usize::from(COLUMNS - x), style(look));
                }
                lean.draw(before.diff(&now).into_iter()).unwrap();
                before = now;
            }
            let rows = core::num::NonZeroU16::new(ROWS).unwrap();
            let columns = core::num::NonZeroU16::new(COLUMNS).unwrap();
            let mut parser = vt100::Parser::new(rows, columns, 0);
            parser.process(&sent.0.lock().unwrap());
            let screen = parser.screen();
            let mut half = false;
            for y in 0..ROWS {
                for x in 0..COLUMNS {
                    let cell = before.cell(Position::new(x, y)).unwrap();
                    if core::mem::take(&mut half) {
                        continue;
                    }
                    half = columns_of(Some(cell)) > 1;
                    let seen = screen.cell(y, x).unwrap();
                    let text = if seen.has_contents() { seen.contents() } else { " " };
                    prop_assert_eq!(text, cell.symbol(), "at {} {}", x, y);
                    let is = |modifier| cell.modifier.contains(modifier);
                    prop_assert_eq!(seen.bold(), is(Modifier::BOLD), "at {} {}", x, y);
                    prop_assert_eq!(seen.underline(), is(Modifier::UNDERLINED));
                    prop_assert_eq!(seen.inverse(), is(Modifier::REVERSED));
                    let color = |color| match color {
                        Color::Indexed(n) => vt100::Color::Idx(n),
                        _ => vt100::Color::Default,
                    };
                    prop_assert_eq!(seen.fgcolor(), color(cell.fg));
                    prop_assert_eq!(seen.bgcolor(), color(cell.bg));
                }
                half = false;
            }
        }
    }

    /// What is sent when a line becomes another one.
    fn sent_for(before: &str, now: &[(u16, &str, Style)]) -> String {
        let sent = Sent::default();
        let mut lean = Lean::new(sent.clone());
        let area = Rect::new(0, 0, COLUMNS, ROWS);
        let frame = |pieces: &[(u16, &str, Style)]| {
            let mut cells = Buffer::empty(area);
            for (x, words, look) in pieces {
                cells.set_string(*x, 0, words, *look);
            }
            cells
        };
        let (before, now) = (frame(&[(0, before, Style::reset())]), frame(now));
        lean.draw(Buffer::empty(area).diff(&before).into_iter())
            .unwrap();
        sent.0.lock().unwrap().clear();
        lean.draw(before.diff(&now).into_iter()).unwrap();
        let bytes = sent.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_other_half_of_a_wide_sign_is_written_too() {
        let plain = Style::reset();
        let paper = plain.bg(Color::Indexed(4));
        // The cell beside it is blank before and after, as ratatui sees it.
        assert_eq!(
            sent_for("世b", &[(0, "a", paper), (2, "b", plain)]),
            "\u{1b}[1;1H\u{1b}[48;5;4ma\u{1b}[49m "
        );
        // The second half of one sign goes where the first half of another was.
        assert_eq!(
            sent_for("a世b", &[(0, "界", plain), (3, "b", plain)]),
            "\u{1b}[1;1H界\u{1b}[1;3H "
        );
    }

    #[test]
    fn what_stood_beside_an_emoji_is_wiped_before_it_is_written() {
        assert_eq!(
            sent_for("abc", &[(0, "\u{2764}\u{fe0f}c", Style::reset())]),
            "\u{1b}[1;2H \u{1b}[1G\u{2764}\u{fe0f}"
        );
    }

    #[test]
    fn gaps_are_written_and_ends_of_lines_erased() {
        let sent = Sent::default();
        let mut lean = Lean::new(sent.clone());
        let area = Rect::new(0, 0, COLUMNS, ROWS);
        let mut before = Buffer::empty(area);
        before.set_string(0, 1, "a word and more of them", Style::new());
        lean.draw(Buffer::empty(area).diff(&before).into_iter())
            .unwrap();
        sent.0.lock().unwrap().clear();
        let mut now = Buffer::empty(area);
        now.set_string(0, 1, "A word And", Style::new());
        lean.draw(before.diff(&now).into_iter()).unwrap();
        let bytes = String::from_utf8(sent.0.lock().unwrap().clone()).unwrap();
        assert_eq!(bytes, "\u{1b}[2;1HA\u{1b}[8GA\u{1b}[12G\u{1b}[K");
    }
}
