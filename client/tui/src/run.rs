//! The terminal, and everything outside the state.

mod calls;
pub(crate) mod lean;
mod outside;
mod pictures;
mod terminal;

use core::time::Duration;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use session_api::{ApiError, Connection, Session, SessionOptions};
use session_types::Timestamp;
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};
use crate::draw::{Canvas, draw};
use crate::effect::{Beginning, Effect, Input};
use crate::keys::{COMMANDS, Keys};
use crate::look::{Look, Surroundings};
use crate::state::State;
use crate::state::start::Start;
use calls::Calls;
use outside::Outside;
use pictures::Pictures;
use terminal::Screen;

/// Between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// At the end, calls that are not answered yet are waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the face is started.
#[derive(Debug)]
pub struct Options {
    /// Where accounts are, and how they behave.
    pub session: SessionOptions,
    /// The account shown first, by the beginning of its id.
    pub account: Option<String>,
    /// The passphrase of that account, if it is known already.
    pub passphrase: Option<Zeroizing<String>>,
    /// The file with keys and colours, and whether it must be there.
    pub config: Option<(PathBuf, bool)>,
    /// What the terminal can show.
    pub surroundings: Surroundings,
    /// Emojis as names.
    pub text_emoji: bool,
    /// Right-to-left words are turned here: the terminal does not do it.
    pub bidi: bool,
    /// No pictures.
    pub no_images: bool,
    /// Where files are saved unless another place is chosen.
    pub downloads: PathBuf,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

/// Why the face ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// Keys and colours cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no account that could be shown.
    #[error("there is no such account here; `session account new` or `session chat` makes one")]
    NoAccount,
    /// A call did not work.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no terminal.
    #[error("this needs a terminal; --plain works without one")]
    NoTerminal,
    /// The terminal cannot be used any more.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
}

/// All commands with their names in the configuration and their keys.
///
/// # Errors
/// [`ConfigError`] when the file with keys and colours cannot be used.
pub fn key_table(config: Option<&(PathBuf, bool)>) -> Result<Vec<[String; 3]>, ConfigError> {
    let config = read_config(config)?;
    let row = |entry: &crate::keys::Entry| {
        let keys: Vec<String> = config
            .keys
            .of(entry.command)
            .iter()
            .map(ToString::to_string)
            .collect();
        [
            entry.name.to_owned(),
            keys.join(", "),
            entry.words.to_owned(),
        ]
    };
    Ok(COMMANDS.iter().map(row).collect())
}

fn read_config(config: Option<&(PathBuf, bool)>) -> Result<Config, ConfigError> {
    match config {
        Some((path, asked_for)) => Config::read(path, *asked_for),
        None => Ok(Config::default()),
    }
}

/// Shows the accounts of a folder until the user quits.
///
/// # Errors
/// [`TuiError`].
pub async fn run(options: Options) -> Result<(), TuiError> {
    let config = read_config(options.config.as_ref())?;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(TuiError::NoTerminal);
    }
    let mut look = Look::new(&options.surroundings, config.palette, config.colors.clone());
    look.text_emoji = config.text_emoji || options.text_emoji;
    look.bidi = config.bidi || options.bidi;
    let images = config.images && !options.no_images && !options.surroundings.ascii;
    let images = images && !options.surroundings.remote;
    let session = Session::new(options.session.clone());
    let mut state = new_state(look, config.keys, &options);
    state.bell = config.bell;
    state.images = images;
    let face = Face {
        connection: session.connect(),
        calls: Calls::default(),
        outside: Outside::default(),
        pictures: Pictures::new(&options.surroundings),
        passphrase: options.passphrase,
        state,
    };
    let shown = face.show().await;
    session.close().await;
    shown
}

fn new_state(look: Look, keys: Keys, options: &Options) -> State {
    let beginning = Beginning {
        network: options.session.network.clone(),
        account: options.account.clone(),
        downloads: options.downloads.clone(),
        home: options.home.clone(),
    };
    State::new(look, keys, beginning, now())
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_millis();
    Timestamp::from_ms(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// Everything at work.
struct Face {
    connection: Connection,
    calls: Calls,
    outside: Outside,
    pictures: Pictures,
    passphrase: Option<Zeroizing<String>>,
    state: State,
}

/// What happened.
enum Happened {
    Input(Input),
    /// The terminal was resized or typed into; nothing follows from it.
    Nothing,
    /// A frame is due.
    Frame,
    /// It ends.
    End,
}

impl Face {
    async fn show(mut self) -> Result<(), TuiError> {
        let mut screen = Screen::open()?;
        let result = self.turn(&mut screen).await;
        let closed = screen.close();
        // What was asked for is done before the accounts are closed.
        self.calls.finish(PATIENCE).await;
        result?;
        Ok(closed?)
    }

    async fn turn(&mut self, screen: &mut Screen) -> Result<(), TuiError> {
        let mut events = Some(EventStream::new());
        let mut end = Box::pin(ended());
        let (columns, rows) = screen.size()?;
        let effects = self.state.begin();
        self.carry_out(effects, screen, &mut events).await?;
        self.take(Input::Size(columns, rows), screen, &mut events)
            .await?;
        let mut is_dirty = true;
        let mut next_frame = Instant::now();
        loop {
            is_dirty |= self.state.take_dirty();
            let wake = self.state.wake_at().map(|at| {
                let left = at.since(now());
                Instant::now() + left
            });
            let happened = tokio::select! {
                biased;
                () = &mut end => Happened::End,
                event = next_event(&mut events) => match event {
                    Some(event) => input(event),
                    None => Happened::End,
                },
                (then, answer) = self.calls.next(), if self.calls.is_busy() => {
                    Happened::Input(Input::Answer(then, answer))
                }
                done = self.outside.next(), if self.outside.is_busy() => {
                    match done {
                        outside::Done::Input(input) => Happened::Input(input),
                        outside::Done::Picture(file, image) => {
                            let is_here = self.pictures.take(&file, image);
                            Happened::Input(Input::Pictured(file, is_here))
                        }
                    }
                }
                () = sleep_until(next_frame), if is_dirty => Happened::Frame,
                told = self.connection.next() => match told {
                    Some(notification) => Happened::Input(Input::Heard(Box::new(notification))),
                    None => Happened::End,
                },
                () = sleep_until(wake.unwrap_or(next_frame)), if wake.is_some() => Happened::Nothing,
            };
            match happened {
                Happened::End => {
                    self.state.save_draft(true);
                    let effects = self.state.begin();
                    self.carry_out(effects, screen, &mut events).await?;
                    return Ok(());
                }
                Happened::Frame => {
                    self.frame(screen)?;
                    is_dirty = false;
                    next_frame = Instant::now() + FRAME;
                }
                Happened::Nothing => {
                    self.take(Input::Time(now()), screen, &mut events).await?;
                }
                Happened::Input(input) => {
                    self.take(Input::Time(now()), screen, &mut events).await?;
                    if !self.take(input, screen, &mut events).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Lets the state take something; false when it is over.
    async fn take(
        &mut self,
        input: Input,
        screen: &mut Screen,
        events: &mut Option<EventStream>,
    ) -> Result<bool, TuiError> {
        let effects = self.state.apply(input);
        let goes_on = self.carry_out(effects, screen, events).await?;
        if matches!(self.state.start, Start::Locked(_))
            && let Some(passphrase) = self.passphrase.take()
        {
            self.state.unlock_with(&passphrase);
            let effects = self.state.begin();
            return self.carry_out(effects, screen, events).await;
        }
        Ok(goes_on)
    }

    async fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        screen: &mut Screen,
        events: &mut Option<EventStream>,
    ) -> Result<bool, TuiError> {
        let mut goes_on = true;
        for effect in effects {
            match effect {
                Effect::Call(call) => self.calls.call(self.connection.caller(), call),
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Bell => screen.bell()?,
                Effect::Redraw => screen.redraw()?,
                Effect::Editor(text) => {
                    // Nobody else may read the keys meanwhile.
                    *events = None;
                    screen.leave()?;
                    let written = outside::edit(&text).await;
                    screen.enter()?;
                    *events = Some(EventStream::new());
                    let more = match written {
                        Ok(text) => self.state.apply(Input::Written(text)),
                        Err(problem) => self.state.apply(Input::Failed(problem)),
                    };
                    for effect in more {
                        if let Effect::Call(call) = effect {
                            self.calls.call(self.connection.caller(), call);
                        }
                    }
                }
                Effect::Show(file) => self.outside.show(self.connection.caller(), file),
                Effect::Browse(url) => self.outside.browse(url),
                Effect::Picture(file) => {
                    if self.pictures.make_room() {
                        self.state.pictures.clear();
                    }
                    self.outside.picture(self.connection.caller(), file);
                }
                Effect::Quit => goes_on = false,
            }
        }
        Ok(goes_on)
    }

    fn frame(&mut self, screen: &mut Screen) -> Result<(), TuiError> {
        let unread = self
            .state
            .desks
            .values()
            .map(crate::state::desk::Desk::unread)
            .sum();
        let is_locked = matches!(self.state.start, Start::Locked(_));
        screen.title(if is_locked { 0 } else { unread })?;
        let (state, pictures) = (&self.state, &mut self.pictures);
        screen.frame(|frame| {
            let mut canvas = Canvas {
                cells: frame.buffer_mut(),
                cursor: None,
                pictures: Vec::new(),
                bidi: state.look.bidi,
            };
            draw(state, &mut canvas);
            let Canvas {
                cursor,
                pictures: places,
                ..
            } = canvas;
            for (picture, area) in places {
                pictures.draw(&picture, area, frame);
            }
            if let Some(cursor) = cursor {
                frame.set_cursor_position(cursor);
            }
        })?;
        Ok(())
    }
}

async fn next_event(events: &mut Option<EventStream>) -> Option<Event> {
    match events {
        Some(events) => events.next().await?.ok(),
        None => core::future::pending().await,
    }
}

fn input(event: Event) -> Happened {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Happened::Input(Input::Key(key)),
        Event::Paste(text) => Happened::Input(Input::Paste(text)),
        Event::Resize(columns, rows) => Happened::Input(Input::Size(columns, rows)),
        Event::FocusGained => Happened::Input(Input::Focus(true)),
        Event::FocusLost => Happened::Input(Input::Focus(false)),
        Event::Key(_) | Event::Mouse(_) => Happened::Nothing,
    }
}

/// Other programs want this one to end, or the terminal is gone.
#[cfg(unix)]
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::hangup(),
        SignalKind::terminate(),
        SignalKind::interrupt(),
    ];
    let mut signals: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    let [first, second, third] = signals.as_mut_slice() else {
        return core::future::pending().await;
    };
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
        _ = third.recv() => {}
    }
}

/// Other programs want this one to end.
#[cfg(not(unix))]
async fn ended() {
    let _ = tokio::signal::ctrl_c().await;
}
