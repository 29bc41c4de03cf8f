//! Pages over the panes: help, details, search, settings, the path.

mod lists;
mod texts;

pub(crate) use texts::{id_lines, state_words};

use crossterm::event::KeyCode;

use super::ask::Act;
use super::{State, compose};
use crate::editor::Editor;
use crate::keys::{Command, Key, Place};
use crate::look::Role;

/// What a page is about: some are made anew when what they show changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Help,
    Info,
    Person,
    Id,
    Recovery,
    Path,
    Diagnosis,
    GoTo,
    Requests,
    Search,
    Settings,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) about: About,
    pub(crate) title: String,
    pub(crate) content: Content,
    /// What a key does here, in words.
    pub(crate) hints: String,
}

/// What is on a page.
#[derive(Debug)]
pub(crate) enum Content {
    /// Lines to be read.
    Lines {
        lines: Vec<PageLine>,
        top: usize,
        /// What is copied from here.
        copy: Option<String>,
    },
    /// Rows to choose from.
    Rows {
        query: Option<Editor>,
        rows: Vec<PageRow>,
        at: usize,
        /// Said when there are none.
        empty: String,
    },
}

/// One line of a page: pieces with their looks.
pub(crate) type PageLine = Vec<(Role, String)>;

/// One row to choose.
#[derive(Debug, Clone)]
pub(crate) struct PageRow {
    pub(crate) text: String,
    pub(crate) detail: String,
    pub(crate) act: Act,
}

impl PageRow {
    pub(crate) fn new(text: impl Into<String>, detail: impl Into<String>, act: Act) -> Self {
        Self {
            text: text.into(),
            detail: detail.into(),
            act,
        }
    }
}

impl Page {
    fn lines(about: About, title: impl Into<String>, lines: Vec<PageLine>) -> Self {
        Self {
            about,
            title: title.into(),
            content: Content::Lines {
                lines,
                top: 0,
                copy: None,
            },
            hints: "Esc back".to_owned(),
        }
    }

    fn rows(about: About, title: impl Into<String>, rows: Vec<PageRow>) -> Self {
        Self {
            about,
            title: title.into(),
            content: Content::Rows {
                query: None,
                rows,
                at: 0,
                empty: "Nothing here.".to_owned(),
            },
            hints: "Enter choose  Esc back".to_owned(),
        }
    }

    fn with_query(mut self, text: &str) -> Self {
        if let Content::Rows { query, .. } = &mut self.content {
            *query = Some(Editor::with(text));
        }
        self
    }

    fn or_else(mut self, text: &str) -> Self {
        if let Content::Rows { empty, .. } = &mut self.content {
            text.clone_into(empty);
        }
        self
    }

    fn copying(mut self, text: String) -> Self {
        if let Content::Lines { copy, .. } = &mut self.content {
            *copy = Some(text);
            "y copy  Esc back".clone_into(&mut self.hints);
        }
        self
    }

    pub(crate) fn query(&self) -> Option<&Editor> {
        match &self.content {
            Content::Rows { query, .. } => query.as_ref(),
            Content::Lines { .. } => None,
        }
    }
}

impl State {
    pub(crate) fn page_key(&mut self, key: Key) {
        let page_rows = usize::from(self.size.rows.saturating_sub(5)).max(1);
        let place = Place::Panes;
        let writes = self
            .page
            .as_ref()
            .is_some_and(|page| page.query().is_some());
        let command = self.keys.command(key, place);
        let about = self.page.as_ref().map(|page| page.about);
        if key.code() == KeyCode::Esc || command == Some(Command::Back) {
            self.page = None;
            return;
        }
        if !writes && key.letter() == Some('q') {
            self.page = None;
            return;
        }
        if about == Some(About::Path) && key.letter() == Some('d') {
            return self.act(Act::Diagnose);
        }
        let Some(page) = &mut self.page else { return };
        match &mut page.content {
            Content::Lines { lines, top, copy } => {
                let most = lines.len().saturating_sub(1);
                match command {
                    Some(Command::Up) => *top = top.saturating_sub(1),
                    Some(Command::Down) => *top = (*top + 1).min(most),
                    Some(Command::PageUp) => *top = top.saturating_sub(page_rows),
                    Some(Command::PageDown) => *top = (*top + page_rows).min(most),
                    Some(Command::First) => *top = 0,
                    Some(Command::Last) => *top = most.saturating_sub(page_rows),
                    _ if key.letter() == Some('y') => {
                        if let Some(text) = copy.clone() {
                            self.copy(&text);
                        }
                    }
                    _ => {}
                }
            }
            Content::Rows {
                query, rows, at, ..
            } => {
                let last = rows.len().saturating_sub(1);
                let moved = match key.code() {
                    KeyCode::Up => Some(at.saturating_sub(1)),
                    KeyCode::Down => Some((*at + 1).min(last)),
                    KeyCode::PageUp => Some(at.saturating_sub(page_rows)),
                    KeyCode::PageDown => Some((*at + page_rows).min(last)),
                    _ if query.is_some() => None,
                    _ => match command {
                        Some(Command::Up) => Some(at.saturating_sub(1)),
                        Some(Command::Down) => Some((*at + 1).min(last)),
                        Some(Command::First) => Some(0),
                        Some(Command::Last) => Some(last),
                        _ => None,
                    },
                };
                if let Some(moved) = moved {
                    *at = moved;
                    return;
                }
                if key.code() == KeyCode::Enter {
                    let act = rows.get(*at).map(|row| row.act.clone());
                    if let Some(editor) = query
                        && about == Some(About::Search)
                        && self.searched.as_deref() != Some(editor.text())
                    {
                        let words = editor.text().to_owned();
                        return self.search(&words);
                    }
                    if let Some(act) = act {
                        return self.act(act);
                    }
                    return;
                }
                if let Some(editor) = query {
                    compose::edit(editor, key, usize::MAX);
                    *at = 0;
                    self.refresh_page();
                    return;
                }
                if let (Some(About::Requests), Some(command)) = (about, command) {
                    self.on_request(command);
                }
            }
        }
    }

    /// A text pasted into a page.
    pub(crate) fn page_paste(&mut self, text: &str) -> bool {
        let Some(page) = &mut self.page else {
            return false;
        };
        if let Content::Rows {
            query: Some(editor),
            ..
        } = &mut page.content
        {
            editor.paste(&text.replace('\n', " "));
            self.refresh_page();
        }
        true
    }
}
