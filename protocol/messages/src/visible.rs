//! What a conversation shows: texts, files, quotes, previews and invitations.

use core::fmt;

use session_types::{SwarmPubkey, Timestamp};

use crate::ids::{is_author, parse_author};
use crate::proto::MAX_REPEATED;
use crate::{Attachment, Body, BuildError, InvalidContent, proto};

/// A message that appears in a conversation (docs/protocol/messages.md section 4). It has at
/// least one of text, attachment, quote and invitation; a preview only beside a text that
/// contains its address.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 body | string | at most 2,000 or 10,000 code points |
/// | 2 attachments | repeated AttachmentPointer | at most 32 |
/// | 8 quote | Quote | |
/// | 10 preview | repeated Preview | at most one is sent |
/// | 102 communityInvitation | CommunityInvitation | |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleMessage {
    body: Option<Body>,
    attachments: Vec<Attachment>,
    unreadable_attachments: usize,
    quote: Option<Quote>,
    preview: Option<LinkPreview>,
    invitation: Option<CommunityInvitation>,
}

impl VisibleMessage {
    /// A text.
    #[must_use]
    pub fn text(body: Body) -> Self {
        Self {
            body: Some(body),
            ..Self::empty()
        }
    }

    /// Files, with a text or without.
    ///
    /// # Errors
    /// [`BuildError`] without any, or with more than 32.
    pub fn files(attachments: Vec<Attachment>, body: Option<Body>) -> Result<Self, BuildError> {
        if attachments.is_empty() {
            return Err(BuildError::Empty("list of attachments"));
        }
        Self {
            body,
            ..Self::empty()
        }
        .with_attachments(attachments)
    }

    /// An invitation to a community.
    #[must_use]
    pub fn invitation(invitation: CommunityInvitation) -> Self {
        Self {
            invitation: Some(invitation),
            ..Self::empty()
        }
    }

    fn empty() -> Self {
        Self {
            body: None,
            attachments: Vec::new(),
            unreadable_attachments: 0,
            quote: None,
            preview: None,
            invitation: None,
        }
    }

    /// Adds files.
    ///
    /// # Errors
    /// [`BuildError::TooMany`] when there are more than 32 then.
    pub fn with_attachments(mut self, attachments: Vec<Attachment>) -> Result<Self, BuildError> {
        self.attachments.extend(attachments);
        if self.attachments.len() > MAX_REPEATED {
            return Err(BuildError::TooMany {
                what: "attachments",
                limit: MAX_REPEATED,
            });
        }
        Ok(self)
    }

    /// Makes this a reply.
    #[must_use]
    pub fn with_quote(mut self, quote: Quote) -> Self {
        self.quote = Some(quote);
        self
    }

    /// Adds a preview of an address in the text.
    ///
    /// # Errors
    /// [`BuildError::PreviewNotInBody`] when the text does not contain the address.
    pub fn with_preview(mut self, preview: LinkPreview) -> Result<Self, BuildError> {
        if !preview.belongs_to(self.body.as_ref()) {
            return Err(BuildError::PreviewNotInBody);
        }
        self.preview = Some(preview);
        Ok(self)
    }

    /// The text.
    #[must_use]
    pub fn body(&self) -> Option<&Body> {
        self.body.as_ref()
    }

    /// The files.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// How many files came without an address or a usable key, so that they cannot be fetched.
    #[must_use]
    pub fn unreadable_attachments(&self) -> usize {
        self.unreadable_attachments
    }

    /// The message replied to.
    #[must_use]
    pub fn quote(&self) -> Option<&Quote> {
        self.quote.as_ref()
    }

    /// The preview of an address in the text.
    #[must_use]
    pub fn preview(&self) -> Option<&LinkPreview> {
        self.preview.as_ref()
    }

    /// The invitation.
    #[must_use]
    pub fn community_invitation(&self) -> Option<&CommunityInvitation> {
        self.invitation.as_ref()
    }

    /// Cuts the text to `limit` code points, as for a sender without a valid Pro proof.
    pub fn cut_body(&mut self, limit: usize) {
        if let Some(body) = &mut self.body {
            body.cut(limit);
        }
        self.preview
            .take_if(|preview| !preview.belongs_to(self.body.as_ref()));
    }

    /// Quote, preview or invitation of a wrong form count as absent.
    pub(crate) fn from_wire(message: proto::DataMessage) -> Result<Self, InvalidContent> {
        let sent_attachments = message.attachments.len();
        if sent_attachments > MAX_REPEATED {
            return Err(InvalidContent::TooMany("attachments"));
        }
        let attachments: Vec<_> = message
            .attachments
            .into_iter()
            .filter_map(Attachment::from_wire)
            .collect();
        let body = message.body.and_then(Body::received);
        let preview = message
            .preview
            .into_iter()
            .filter_map(LinkPreview::from_wire)
            .find(|preview| preview.belongs_to(body.as_ref()));
        let visible = Self {
            body,
            unreadable_attachments: sent_attachments.saturating_sub(attachments.len()),
            attachments,
            quote: message.quote.and_then(|quote| Quote::from_wire(&quote)),
            preview,
            invitation: message
                .community_invitation
                .and_then(CommunityInvitation::from_wire),
        };
        let something = visible.body.is_some()
            || sent_attachments > 0
            || visible.quote.is_some()
            || visible.invitation.is_some();
        if something {
            Ok(visible)
        } else {
            Err(InvalidContent::NoAction)
        }
    }

    pub(crate) fn to_wire(&self) -> proto::DataMessage {
        proto::DataMessage {
            body: self.body.as_ref().map(|body| body.as_str().to_owned()),
            attachments: self.attachments.iter().map(Attachment::to_wire).collect(),
            quote: self.quote.map(Quote::to_wire),
            preview: self.preview.iter().map(LinkPreview::to_wire).collect(),
            community_invitation: self.invitation.as_ref().map(CommunityInvitation::to_wire),
            ..Default::default()
        }
    }
}

/// The message replied to.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 id | uint64 | required, sending time in ms |
/// | 2 author | string | required, account id or blinded id |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    sent_at: Timestamp,
    author: SwarmPubkey,
}

impl Quote {
    /// Refers to a message of an account or of a blinded id.
    ///
    /// # Errors
    /// [`BuildError::Form`] when the author is neither.
    pub fn new(sent_at: Timestamp, author: impl Into<SwarmPubkey>) -> Result<Self, BuildError> {
        let author = author.into();
        if is_author(author) {
            Ok(Self { sent_at, author })
        } else {
            Err(BuildError::Form("author"))
        }
    }

    /// When it was sent.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        self.sent_at
    }

    /// Who wrote it.
    #[must_use]
    pub fn author(&self) -> SwarmPubkey {
        self.author
    }

    fn from_wire(quote: &proto::Quote) -> Option<Self> {
        Some(Self {
            sent_at: Timestamp::from_ms(quote.id?),
            author: parse_author(quote.author.as_deref()?)?,
        })
    }

    fn to_wire(self) -> proto::Quote {
        proto::Quote {
            id: Some(self.sent_at.as_ms()),
            author: Some(self.author.to_hex()),
            ..Default::default()
        }
    }
}

/// What a linked page looks like; has a title or an image.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 url | string | required, occurs in the body |
/// | 2 title | string | |
/// | 3 image | AttachmentPointer | |
#[derive(Clone, PartialEq, Eq)]
pub struct LinkPreview {
    url: String,
    title: Option<String>,
    image: Option<Attachment>,
}

impl LinkPreview {
    /// Joins the parts of a preview.
    ///
    /// # Errors
    /// [`BuildError::Empty`] without address, or with neither title nor image.
    pub fn new(
        url: impl Into<String>,
        title: Option<String>,
        image: Option<Attachment>,
    ) -> Result<Self, BuildError> {
        let url = url.into();
        let title = title.filter(|title| !title.is_empty());
        if url.is_empty() {
            return Err(BuildError::Empty("previewed address"));
        }
        if title.is_none() && image.is_none() {
            return Err(BuildError::Empty("preview"));
        }
        Ok(Self { url, title, image })
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The title.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> Option<&Attachment> {
        self.image.as_ref()
    }

    fn belongs_to(&self, body: Option<&Body>) -> bool {
        body.is_some_and(|body| body.as_str().contains(&self.url))
    }

    fn from_wire(preview: proto::Preview) -> Option<Self> {
        Self::new(
            preview.url?,
            preview.title,
            preview.image.and_then(Attachment::from_wire),
        )
        .ok()
    }

    fn to_wire(&self) -> proto::Preview {
        proto::Preview {
            url: Some(self.url.clone()),
            title: self.title.clone(),
            image: self.image.as_ref().map(Attachment::to_wire),
        }
    }
}

impl fmt::Debug for LinkPreview {
    /// Neither address nor title.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkPreview")
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

/// An invitation to join a community.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 url | string | required, join address with `?public_key=` and 64 hex digits |
/// | 3 name | string | required, name of the room |
#[derive(Clone, PartialEq, Eq)]
pub struct CommunityInvitation {
    url: String,
    name: String,
}

impl CommunityInvitation {
    /// Joins address and name.
    ///
    /// # Errors
    /// [`BuildError`] when the name is empty or the address does not end in the server's key.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Result<Self, BuildError> {
        let (url, name) = (url.into(), name.into());
        if name.is_empty() {
            return Err(BuildError::Empty("room name"));
        }
        let key = url.split_once("?public_key=").map(|(_, key)| key);
        if key.is_some_and(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())) {
            Ok(Self { url, name })
        } else {
            Err(BuildError::Form("join address"))
        }
    }

    /// The address to join with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the room.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn from_wire(invitation: proto::CommunityInvitation) -> Option<Self> {
        Self::new(invitation.url?, invitation.name?).ok()
    }

    fn to_wire(&self) -> proto::CommunityInvitation {
        proto::CommunityInvitation {
            url: Some(self.url.clone()),
            name: Some(self.name.clone()),
        }
    }
}

impl fmt::Debug for CommunityInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommunityInvitation")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttachmentKey;

    const AUTHOR: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";

    fn file(n: usize) -> Attachment {
        Attachment::new(format!("http://example.org/file/{n}"), AttachmentKey::Plain).unwrap()
    }

    #[test]
    fn thirty_two_attachments_and_no_more() {
        let files = |n| (0..n).map(file).collect::<Vec<_>>();
        assert!(VisibleMessage::files(files(32), None).is_ok());
        assert!(VisibleMessage::files(files(33), None).is_err());
        assert!(VisibleMessage::files(vec![], None).is_err());
        let mut wire = VisibleMessage::files(files(32), None).unwrap().to_wire();
        assert_eq!(
            VisibleMessage::from_wire(wire.clone())
                .unwrap()
                .attachments()
                .len(),
            32
        );
        wire.attachments.push(file(33).to_wire());
        assert_eq!(
            VisibleMessage::from_wire(wire),
            Err(InvalidContent::TooMany("attachments"))
        );
    }

    #[test]
    fn an_unreadable_file_still_shows() {
        let wire = proto::DataMessage {
            attachments: vec![proto::AttachmentPointer {
                deprecated_id: Some(0),
                ..Default::default()
            }],
            ..Default::default()
        };
        let message = VisibleMessage::from_wire(wire).unwrap();
        assert_eq!(message.attachments().len(), 0);
        assert_eq!(message.unreadable_attachments(), 1);
    }

    #[test]
    fn previews_belong_to_the_text() {
        let preview = LinkPreview::new("https://example.org", Some("Title".into()), None).unwrap();
        let other = VisibleMessage::text(Body::new("hello").unwrap());
        assert_eq!(
            other.clone().with_preview(preview.clone()),
            Err(BuildError::PreviewNotInBody)
        );
        let text = VisibleMessage::text(Body::new("see https://example.org/x").unwrap());
        let with = text.with_preview(preview.clone()).unwrap();
        assert_eq!(VisibleMessage::from_wire(with.to_wire()).unwrap(), with);
        let mut wire = other.to_wire();
        wire.preview.push(preview.to_wire());
        assert_eq!(VisibleMessage::from_wire(wire).unwrap(), other);
        assert!(LinkPreview::new("https://example.org", None, None).is_err());
    }

    #[test]
    fn an_empty_message_is_no_action() {
        let mut wire = proto::DataMessage::default();
        assert_eq!(
            VisibleMessage::from_wire(wire.clone()),
            Err(InvalidContent::NoAction)
        );
        wire.body = Some(String::new());
        assert_eq!(
            VisibleMessage::from_wire(wire.clone()),
            Err(InvalidContent::NoAction)
        );
        wire.quote = Some(proto::Quote {
            id: Some(5),
            author: Some("nobody".into()),
            ..Default::default()
        });
        assert_eq!(
            VisibleMessage::from_wire(wire.clone()),
            Err(InvalidContent::NoAction)
        );
        wire.quote = Some(proto::Quote {
            id: Some(5),
            author: Some(AUTHOR.into()),
            ..Default::default()
        });
        assert!(VisibleMessage::from_wire(wire).unwrap().quote().is_some());
    }

    #[test]
    fn invitations_name_the_server_key() {
        let key = "ab".repeat(32);
        let url = format!("https://community.example/room?public_key={key}");
        assert!(CommunityInvitation::new(url.clone(), "Room").is_ok());
        assert!(CommunityInvitation::new(url.clone(), "").is_err());
        assert!(CommunityInvitation::new(url.trim_end_matches('b'), "Room").is_err());
        assert!(CommunityInvitation::new("https://community.example/room", "Room").is_err());
    }
}
