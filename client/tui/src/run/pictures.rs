//! Small pictures between messages, in whatever way the terminal can show them.

use core::fmt;
use std::collections::BTreeMap;

use image::DynamicImage;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::Protocol;
use ratatui_image::{Image, Resize};

use crate::effect::FileOfMessage;
use crate::look::Surroundings;
use crate::timeline::Picture;

/// Pictures kept.
const MOST: usize = 64;

/// Pictures that are here.
pub(super) struct Pictures {
    picker: Picker,
    images: BTreeMap<FileOfMessage, DynamicImage>,
    /// Ready for a size.
    ready: BTreeMap<FileOfMessage, ((u16, u16), Protocol)>,
}

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pictures").finish_non_exhaustive()
    }
}

impl Pictures {
    pub(super) fn new(around: &Surroundings) -> Self {
        Self {
            picker: picker(around, |name| std::env::var(name).ok()),
            images: BTreeMap::new(),
            ready: BTreeMap::new(),
        }
    }

    /// Forgets all when there are too many; says so.
    pub(super) fn make_room(&mut self) -> bool {
        let is_full = self.images.len() >= MOST;
        if is_full {
            self.images.clear();
            self.ready.clear();
        }
        is_full
    }

    /// Takes a picture; false when there is none.
    pub(super) fn take(&mut self, file: &FileOfMessage, image: Option<DynamicImage>) -> bool {
        match image {
            Some(image) => {
                self.ready.remove(file);
                self.images.insert(file.clone(), image);
                true
            }
            None => false,
        }
    }

    pub(super) fn draw(&mut self, picture: &Picture, area: Rect, frame: &mut Frame<'_>) {
        let size = (area.width, area.height);
        let is_ready = self
            .ready
            .get(&picture.file)
            .is_some_and(|(of, _)| *of == size);
        if !is_ready {
            let Some(image) = self.images.get(&picture.file) else {
                return;
            };
            let place = ratatui::layout::Size::new(area.width, area.height);
            let made = self
                .picker
                .new_protocol(image.clone(), place, Resize::Fit(None));
            let Ok(protocol) = made else { return };
            self.ready.insert(picture.file.clone(), (size, protocol));
        }
        if let Some((_, protocol)) = self.ready.get(&picture.file) {
            frame.render_widget(Image::new(protocol), area);
        }
    }
}

/// How this terminal shows pictures, by what it says of itself. It is not asked: the answer
/// would come among the keys.
fn picker(around: &Surroundings, variable: impl Fn(&str) -> Option<String>) -> Picker {
    let _ = around;
    let mut picker = Picker::halfblocks();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let term = variable("TERM").unwrap_or_default();
    let is_inside = variable("TMUX").is_some() || variable("STY").is_some();
    let way = if is_inside {
        ProtocolType::Halfblocks
    } else if variable("KITTY_WINDOW_ID").is_some()
        || term.contains("kitty")
        || term.contains("ghostty")
    {
        ProtocolType::Kitty
    } else if program == "iTerm.app" || program == "WezTerm" {
        ProtocolType::Iterm2
    } else if term.contains("foot") || term.contains("mlterm") {
        ProtocolType::Sixel
    } else {
        ProtocolType::Halfblocks
    };
    picker.set_protocol_type(way);
    picker
}
