//! Colours and signs: what a meaning looks like on this terminal.

use ratatui::style::{Color, Modifier, Style};

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Depth {
    /// None: bold, dim and reversed only.
    None,
    /// Those of the user's palette.
    Sixteen,
    /// The fixed palette of 256.
    TwoHundred,
    /// All.
    Full,
}

/// Which colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Palette {
    /// Those of a known background, else the user's own.
    #[default]
    Auto,
    /// For dark backgrounds.
    Ink,
    /// For light backgrounds.
    Paper,
    /// The user's own sixteen.
    Terminal,
}

/// What the surroundings say about the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Surroundings {
    /// Colours it shows.
    pub depth: Depth,
    /// Only ASCII signs are drawn.
    pub ascii: bool,
    /// Whether its background is dark, if that is known.
    pub dark: Option<bool>,
    /// Used from afar: few bytes are sent.
    pub remote: bool,
}

impl Surroundings {
    /// As the environment says; `variable` looks one up.
    #[must_use]
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let depth = if set("NO_COLOR").is_some() || term == "dumb" {
            Depth::None
        } else if set("COLORTERM").is_some_and(|text| text == "truecolor" || text == "24bit") {
            Depth::Full
        } else if term.contains("256color") {
            Depth::TwoHundred
        } else {
            Depth::Sixteen
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let background = set("COLORFGBG");
        let background = background
            .as_deref()
            .and_then(|pair| pair.rsplit(';').next()?.parse::<u8>().ok());
        Self {
            depth,
            ascii: !(locale.contains("utf-8") || locale.contains("utf8")),
            dark: background.map(|color| color < 7 || color == 8),
            remote: set("SSH_CONNECTION").is_some() || set("SSH_TTY").is_some(),
        }
    }
}

/// What something means; each meaning has one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Text,
    Faint,
    Strong,
    Accent,
    Danger,
    Warn,
    Ok,
    Line,
    Selected,
    Link,
    /// Dark on light, for cameras.
    Code,
}

impl Role {
    /// Those that the configuration can colour, by name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "faint" => Self::Faint,
            "strong" => Self::Strong,
            "accent" => Self::Accent,
            "danger" => Self::Danger,
            "warn" => Self::Warn,
            "ok" => Self::Ok,
            "line" => Self::Line,
            "selected" => Self::Selected,
            "link" => Self::Link,
            _ => return None,
        })
    }
}

/// Signs of a terminal that shows more than ASCII, or of one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signs {
    pub(crate) ascii: bool,
    pub(crate) horizontal: &'static str,
    pub(crate) vertical: &'static str,
    pub(crate) cross: &'static str,
    pub(crate) joint_up: &'static str,
    pub(crate) joint_down: &'static str,
    pub(crate) more: &'static str,
    pub(crate) sent: &'static str,
    pub(crate) read: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) sending: &'static str,
    pub(crate) quote: &'static str,
    pub(crate) pin: &'static str,
    pub(crate) muted: &'static str,
    pub(crate) network: &'static str,
    pub(crate) no_network: &'static str,
    pub(crate) down: &'static str,
    pub(crate) hidden: &'static str,
}

const UNICODE: Signs = Signs {
    ascii: false,
    horizontal: "─",
    vertical: "│",
    cross: "┼",
    joint_up: "┴",
    joint_down: "┬",
    more: "…",
    sent: "✓",
    read: "✓✓",
    failed: "!",
    waiting: "~",
    sending: "·",
    quote: "┃",
    pin: "^",
    muted: "-",
    network: "●",
    no_network: "○",
    down: "↓",
    hidden: "•",
};

const ASCII: Signs = Signs {
    ascii: true,
    horizontal: "-",
    vertical: "|",
    cross: "+",
    joint_up: "+",
    joint_down: "+",
    more: "...",
    sent: "v",
    read: "vv",
    failed: "!",
    waiting: "~",
    sending: ".",
    quote: "|",
    pin: "^",
    muted: "-",
    network: "*",
    no_network: "o",
    down: "v",
    hidden: "*",
};

/// Colours, signs and habits.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) depth: Depth,
    pub(crate) signs: Signs,
    palette: Palette,
    own: Vec<(Role, Color)>,
    /// Emojis as names.
    pub(crate) text_emoji: bool,
    /// Right-to-left words are turned here, not by the terminal.
    pub(crate) bidi: bool,
}

/// One accent and its neighbours for a known background.
struct Tints {
    faint: u32,
    accent: u32,
    danger: u32,
    warn: u32,
    ok: u32,
    line: u32,
    link: u32,
    selected: u32,
    people: [u32; 12],
}

const INK: Tints = Tints {
    faint: 0x99A2A9,
    accent: 0x4FCDCD,
    danger: 0xF8A49D,
    warn: 0xE4B572,
    ok: 0x8ED09C,
    line: 0x737D85,
    link: 0x65D2D2,
    selected: 0x113434,
    people: [
        0xF7A792, 0xE7B375, 0xBBC679, 0x95CF96, 0x76D3B4, 0x64D1D7, 0x75CAF2, 0x96C0FE, 0xB7B5FC,
        0xD6AAEA, 0xEAA4D2, 0xF3A6B1,
    ],
};

const PAPER: Tints = Tints {
    faint: 0x62666B,
    accent: 0x067272,
    danger: 0xA51E24,
    warn: 0x7A5208,
    ok: 0x146D34,
    line: 0x85817A,
    link: 0x0A6565,
    selected: 0xCCEEED,
    people: [
        0x8F331C, 0x764A08, 0x545B00, 0x146720, 0x0A644E, 0x096165, 0x0B5D7C, 0x21539C, 0x504799,
        0x703A86, 0x82326C, 0x8E2E47,
    ],
};

impl Look {
    /// That of a terminal.
    pub(crate) fn new(around: &Surroundings, palette: Palette, own: Vec<(Role, Color)>) -> Self {
        let palette = match (palette, around.dark) {
            (Palette::Auto, Some(true)) => Palette::Ink,
            (Palette::Auto, Some(false)) => Palette::Paper,
            (Palette::Auto, None) => Palette::Terminal,
            (chosen, _) => chosen,
        };
        Self {
            depth: around.depth,
            signs: if around.ascii { ASCII } else { UNICODE },
            palette,
            own,
            text_emoji: false,
            bidi: false,
        }
    }

    fn tints(&self) -> Option<&'static Tints> {
        match self.palette {
            Palette::Ink if self.depth > Depth::Sixteen => Some(&INK),
            Palette::Paper if self.depth > Depth::Sixteen => Some(&PAPER),
            _ => None,
        }
    }

    fn color(&self, rgb: u32) -> Color {
        let [_, r, g, b] = rgb.to_be_bytes();
        match self.depth {
            Depth::Full => Color::Rgb(r, g, b),
            _ => Color::Indexed(nearest(r, g, b)),
        }
    }

    /// What a meaning looks like.
    pub(crate) fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        let own = self.own.iter().find(|(of, _)| *of == role);
        if let Some((_, color)) = own
            && self.depth != Depth::None
        {
            let style = match role {
                Role::Selected => plain.bg(*color),
                _ => plain.fg(*color),
            };
            return match role {
                Role::Strong | Role::Accent => style.add_modifier(Modifier::BOLD),
                _ => style,
            };
        }
        let tint = |of: fn(&Tints) -> u32, otherwise: Color| match self.tints() {
            _ if self.depth == Depth::None => plain,
            Some(tints) => plain.fg(self.color(of(tints))),
            None => plain.fg(otherwise),
        };
        match role {
            Role::Text => plain,
            Role::Faint => match self.tints() {
                Some(tints) if self.depth != Depth::None => plain.fg(self.color(tints.faint)),
                _ => plain.add_modifier(Modifier::DIM),
            },
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Accent => tint(|t| t.accent, Color::Cyan).add_modifier(Modifier::BOLD),
            Role::Danger => tint(|t| t.danger, Color::Red),
            Role::Warn => tint(|t| t.warn, Color::Yellow),
            Role::Ok => tint(|t| t.ok, Color::Cyan),
            Role::Line => match self.tints() {
                Some(tints) if self.depth != Depth::None => plain.fg(self.color(tints.line)),
                _ => plain.add_modifier(Modifier::DIM),
            },
            Role::Code => plain.fg(Color::Black).bg(Color::White),
            Role::Link => tint(|t| t.link, Color::Cyan).add_modifier(Modifier::UNDERLINED),
            Role::Selected => match self.tints() {
                Some(tints) if self.depth != Depth::None => plain.bg(self.color(tints.selected)),
                _ => plain.add_modifier(Modifier::REVERSED),
            },
        }
    }

    /// The name of somebody, in the colour everybody sees for them.
    pub(crate) fn person(&self, color: u8) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        match self.tints() {
            Some(tints) => {
                let tint = tints.people.get(usize::from(color));
                tint.map_or(style, |rgb| style.fg(self.color(*rgb)))
            }
            None => style,
        }
    }

    /// An emoji, or its name where emojis are not shown.
    pub(crate) fn emoji(&self, emoji: &str) -> String {
        if !self.text_emoji {
            return emoji.to_owned();
        }
        let known = emojis::get(emoji).or_else(|| emojis::get(emoji.trim_end_matches('\u{fe0f}')));
        match known.and_then(|known| known.shortcode()) {
            Some(name) => name.to_owned(),
            None => "?".to_owned(),
        }
    }
}

/// The nearest of the 240 fixed colours of the palette of 256.
fn nearest(r: u8, g: u8, b: u8) -> u8 {
    let level = |c: u8| match c {
        0..=47 => 0_u8,
        48..=114 => 1,
        _ => (c - 35) / 40,
    };
    let value = |level: u8| {
        if level == 0 {
            0_i32
        } else {
            55 + 40 * i32::from(level)
        }
    };
    let distance = |x: i32, y: i32, z: i32| {
        let d = |a: i32, c: u8| (a - i32::from(c)).pow(2);
        d(x, r) + d(y, g) + d(z, b)
    };
    let (lr, lg, lb) = (level(r), level(g), level(b));
    let cube = distance(value(lr), value(lg), value(lb));
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let gray = u8::try_from(mean.saturating_sub(3) / 10)
        .unwrap_or(23)
        .min(23);
    let tone = 8 + 10 * i32::from(gray);
    if distance(tone, tone, tone) < cube {
        232 + gray
    } else {
        16 + 36 * lr + 6 * lg + lb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(pairs: &[(&str, &str)]) -> Surroundings {
        Surroundings::find(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_what_is_shown() {
        let full = around(&[("COLORTERM", "truecolor"), ("LANG", "en_GB.UTF-8")]);
        assert_eq!(
            (full.depth, full.ascii, full.dark),
            (Depth::Full, false, None)
        );
        let plain = around(&[
            ("NO_COLOR", "1"),
            ("COLORTERM", "truecolor"),
            ("LC_ALL", "C"),
        ]);
        assert_eq!((plain.depth, plain.ascii), (Depth::None, true));
        let locale = [("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")];
        assert!(around(&locale).ascii, "the first that is set decides");
        assert_eq!(
            around(&[("TERM", "xterm-256color")]).depth,
            Depth::TwoHundred
        );
        assert_eq!(around(&[("TERM", "dumb")]).depth, Depth::None);
        assert_eq!(around(&[("COLORFGBG", "0;15")]).dark, Some(false));
        assert_eq!(around(&[("COLORFGBG", "15;0")]).dark, Some(true));
        assert!(around(&[("SSH_TTY", "/dev/pts/1")]).remote);
    }

    #[test]
    fn without_colours_there_are_none() {
        let look = Look::new(
            &around(&[("NO_COLOR", "1")]),
            Palette::Ink,
            vec![(Role::Accent, Color::Red)],
        );
        for name in [
            "text", "faint", "strong", "accent", "danger", "warn", "ok", "line", "selected", "link",
        ] {
            let style = look.style(Role::of_name(name).unwrap());
            assert!(style.fg.is_none() && style.bg.is_none(), "{name}");
        }
        assert!(look.person(3).fg.is_none());
    }

    #[test]
    fn sixteen_colours_are_those_every_palette_can_show() {
        let look = Look::new(&around(&[("TERM", "xterm")]), Palette::Ink, Vec::new());
        for role in [Role::Accent, Role::Danger, Role::Warn, Role::Ok, Role::Link] {
            let color = look.style(role).fg.unwrap();
            assert!(
                matches!(color, Color::Cyan | Color::Red | Color::Yellow),
                "{color}"
            );
        }
    }

    #[test]
    fn the_nearest_colour_is_near() {
        assert_eq!(nearest(0, 0, 0), 16);
        assert_eq!(nearest(255, 255, 255), 231);
        assert_eq!(nearest(255, 0, 0), 196);
        assert_eq!(nearest(128, 128, 128), 244);
    }
}
