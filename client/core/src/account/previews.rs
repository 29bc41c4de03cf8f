//! What pages behind links look like, for the writer of a message who asks for it
//! (docs/protocol/client.md section 5.9, docs/decisions/0011-link-previews.md).

mod link;
mod page;

use std::collections::VecDeque;
use std::sync::PoisonError;

use session_net::{Browser, Network, WebError};
use session_store::Preview;
use url::Url;

use super::{Account, Shared};
use crate::CoreError;
use crate::media::{self, Picture};

/// How much of a page is read.
const LONGEST_PAGE: usize = 500 * 1024;
/// Larger images are left out.
const LONGEST_IMAGE: usize = 1024 * 1024;
/// The longest side of an image as it is sent.
const SIDE: u32 = 400;
/// Code points of a title.
const LONGEST_TITLE: usize = 300;
/// Pages that are remembered until their messages are sent.
const REMEMBERED: usize = 8;

/// What the page behind a link looks like.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCard {
    /// The link, as it is in the text.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// Its image, made anew and smaller.
    pub image: Option<Picture>,
}

impl LinkCard {
    pub(super) fn to_row(&self) -> Preview {
        Preview {
            url: self.url.clone(),
            title: self.title.clone(),
        }
    }
}

impl core::fmt::Debug for LinkCard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LinkCard")
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

/// Pages that were looked at and that messages may soon speak of; never on disk.
#[derive(Debug, Default)]
pub(crate) struct Seen(VecDeque<LinkCard>);

impl Seen {
    fn remember(&mut self, card: LinkCard) {
        self.0.retain(|known| known.url != card.url);
        self.0.push_back(card);
        while self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }

    fn find(&self, url: &str) -> Option<LinkCard> {
        self.0.iter().find(|card| card.url == url).cloned()
    }
}

/// What was found of the first link of a text.
pub(super) fn of_text(shared: &Shared, text: &str) -> Option<LinkCard> {
    let (written, _) = first_link(&shared.network, text)?;
    let seen = shared.previews.lock();
    seen.unwrap_or_else(PoisonError::into_inner).find(written)
}

/// The first link of a text, as it is written there, if it is one that is looked at.
fn first_link<'a>(network: &Network, text: &'a str) -> Option<(&'a str, Url)> {
    link::first(text).filter(|(_, url)| network.may_visit(url))
}

impl Account {
    /// Looks at the page behind the first link of a text, which may be nothing but the link.
    /// `None` when there is no link that is looked at, or when the page has neither title nor
    /// image. What was found goes with the next message of which [`super::Composed::preview`] says
    /// so.
    ///
    /// The server of the page sees this computer's address, or that of the proxy, and that of the
    /// image, which may be another one, as well. Nothing is asked of anybody unless
    /// [`crate::Settings::link_previews`] allows it.
    ///
    /// # Errors
    /// [`CoreError::PreviewsOff`], [`CoreError::Web`], or a database error.
    pub async fn preview(&self, text: &str) -> Result<Option<LinkCard>, CoreError> {
        if !self.settings().await?.link_previews {
            return Err(CoreError::PreviewsOff);
        }
        let Some((written, url)) = first_link(&self.shared.network, text) else {
            return Ok(None);
        };
        let shared = std::sync::Arc::clone(&self.shared);
        let browser = super::files::blocking(move || Ok(shared.network.browser()?)).await?;
        let found = browser.read(&url, "text/html,image/*;q=0.9,*/*;q=0.1", LONGEST_PAGE);
        let read = found.await?;
        let (title, image) = if read.content_type.starts_with("image/") {
            // The link is a picture itself.
            let image = if read.is_whole {
                picture(read.body).await
            } else {
                image(&browser, &url).await
            };
            (None, image)
        } else {
            let page = page::read(&read.content_type, &read.body);
            let address = page.image.and_then(|image| read.url.join(&image).ok());
            let image = match address {
                Some(address) => image(&browser, &address).await,
                None => None,
            };
            (page.title, image)
        };
        let card = LinkCard {
            url: written.to_owned(),
            title,
            image,
        };
        if card.title.is_none() && card.image.is_none() {
            return Ok(None);
        }
        let mut seen = self.shared.previews.lock();
        let seen = seen.as_deref_mut();
        match seen {
            Ok(seen) => seen.remember(card.clone()),
            Err(poisoned) => poisoned.get_mut().remember(card.clone()),
        }
        Ok(Some(card))
    }
}

/// The image of a page, if it can be had; a page is shown without it otherwise.
async fn image(browser: &Browser, address: &Url) -> Option<Picture> {
    match browser.read(address, "image/*", LONGEST_IMAGE).await {
        Ok(read) if read.is_whole => picture(read.body).await,
        Ok(_) => None,
        Err(error) => {
            let error: WebError = error;
            tracing::debug!(code = error.code(), "a page is shown without its image");
            None
        }
    }
}

/// Made anew, so that nothing but what is seen of it is sent.
async fn picture(bytes: Vec<u8>) -> Option<Picture> {
    let made = super::files::blocking(move || media::thumbnail(&bytes, SIDE));
    made.await.ok()
}

/// Text for one line, of at most [`LONGEST_TITLE`] code points; nothing when there is nothing to
/// be seen.
fn one_line(text: &str) -> Option<String> {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let line: String = line.chars().take(LONGEST_TITLE).collect();
    (!line.is_empty()).then_some(line)
}
