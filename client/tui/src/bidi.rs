//! Right-to-left words, for terminals that draw everything from left to right.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_segmentation::UnicodeSegmentation as _;

/// A line as it is drawn from left to right; `None` when it is written so already. The line itself
/// begins at the left: only the words in it turn.
pub(crate) fn visual(line: &Line<'_>) -> Option<Line<'static>> {
    let turns = |c| {
        let class = bidi_class(c);
        matches!(class, BidiClass::R | BidiClass::AL | BidiClass::AN)
    };
    let has_turns = |span: &Span<'_>| span.content.chars().any(turns);
    if !line.spans.iter().any(has_turns) {
        return None;
    }
    let text: String = line.spans.iter().map(|span| &*span.content).collect();
    let mut ends = 0;
    let looks: Vec<(usize, Style)> = line
        .spans
        .iter()
        .map(|span| {
            ends += span.content.len();
            (ends, span.style)
        })
        .collect();
    let look = |at: usize| {
        let of = looks.partition_point(|(end, _)| *end <= at);
        looks.get(of).map(|(_, style)| *style).unwrap_or_default()
    };
    let info = BidiInfo::new(&text, Some(Level::ltr()));
    let mut spans: Vec<Span<'static>> = Vec::new();
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let is_turned = levels.get(run.start).is_some_and(Level::is_rtl);
            let start = run.start;
            let signs = text.get(run).unwrap_or_default();
            let mut signs: Vec<(usize, &str)> = signs.grapheme_indices(true).collect();
            if is_turned {
                signs.reverse();
            }
            for (at, sign) in signs {
                let sign = if is_turned { mirrored(sign) } else { sign };
                push(&mut spans, sign, look(start + at));
            }
        }
    }
    Some(Line {
        spans,
        style: line.style,
        alignment: line.alignment,
    })
}

fn push(spans: &mut Vec<Span<'static>>, sign: &str, style: Style) {
    match spans.last_mut() {
        Some(last) if last.style == style => last.content.to_mut().push_str(sign),
        _ => spans.push(Span::styled(sign.to_owned(), style)),
    }
}

/// Brackets open towards the words.
fn mirrored(sign: &str) -> &str {
    match sign {
        "(" => ")",
        ")" => "(",
        "[" => "]",
        "]" => "[",
        "{" => "}",
        "}" => "{",
        "<" => ">",
        ">" => "<",
        "«" => "»",
        "»" => "«",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    fn text(line: &Line<'_>) -> String {
        line.spans.iter().map(|span| &*span.content).collect()
    }

    #[test]
    fn words_turn_and_numbers_stay() {
        assert_eq!(visual(&Line::raw("from left to right (so)")), None);
        for (written, drawn) in [
            ("שלום", "םולש"),
            (" 12:41 Dana  שלום עולם", " 12:41 Dana  םלוע םולש"),
            ("ab (שלום) 12", "ab (םולש) 12"),
            ("שלום (אב) 12", "12 (בא) םולש"),
            ("مرحبا abc", "ابحرم abc"),
        ] {
            let line = visual(&Line::raw(written)).unwrap();
            assert_eq!(text(&line), drawn, "{written}");
        }
    }

    #[test]
    fn looks_go_with_their_words() {
        let red = Style::new().fg(Color::Red);
        let line = Line::from(vec![
            Span::raw("a "),
            Span::raw("אב "),
            Span::styled("גד", red),
        ]);
        let drawn = visual(&line).unwrap();
        assert_eq!(text(&drawn), "a דג בא");
        let styled: String = drawn
            .spans
            .iter()
            .filter(|span| span.style == red)
            .map(|span| &*span.content)
            .collect();
        assert_eq!(styled, "דג");
    }
}
