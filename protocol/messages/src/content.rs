//! A message's content: one action and what accompanies it.

use core::time::Duration;

use session_types::{AccountId, Timestamp, limits};

use crate::{
    Body, BuildError, CallMessage, DataExtraction, Expiration, GroupUpdate, Profile, Reaction,
    ReadReceipt, RequestResponse, Typing, UnsendRequest, VisibleMessage,
};

/// How long messages stay in a swarm unless a timer shortens it.
const ORDINARY_TTL: Duration = limits::MAX_TTL_PUBLIC;
const TYPING_TTL: Duration = Duration::from_secs(20);
const CALL_TTL: Duration = Duration::from_secs(5 * 60);

/// One action and what accompanies it (docs/protocol/messages.md section 3). A value of this
/// type is one that may be sent, or was received and passed every check that needs no database.
///
/// | Field | Type | Meaning |
/// |---|---|---|
/// | 1 dataMessage | DataMessage | visible messages, reactions, timer and group updates |
/// | 3 callMessage | CallMessage | |
/// | 5 receiptMessage | ReceiptMessage | |
/// | 6 typingMessage | TypingMessage | |
/// | 8 dataExtractionNotification | DataExtractionNotification | |
/// | 9 unsendRequest | UnsendRequest | |
/// | 10 messageRequestResponse | MessageRequestResponse | |
/// | 12 expirationType | enum | 0 none, 1 after read, 2 after send |
/// | 13 expirationTimer | uint32 | seconds |
/// | 15 sigTimestamp | uint64 | ms, equal to the envelope's |
/// | 16 proMessage | ProMessage | see [`crate::pro`] |
/// | 17 proSigForCommunityMessageOnly | bytes | 64, in community posts only |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub(crate) kind: ContentKind,
    pub(crate) profile: Option<Profile>,
    pub(crate) sync_target: Option<AccountId>,
    pub(crate) blocks_community_requests: Option<bool>,
    pub(crate) expiration: Expiration,
    pub(crate) sig_timestamp: Option<Timestamp>,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentKind {
    /// A step of a call.
    Call(CallMessage),
    /// The other side kept something.
    DataExtraction(DataExtraction),
    /// Something about a group.
    GroupUpdate(GroupUpdate),
    /// An emoji on a message.
    Reaction(Reaction),
    /// Messages were read.
    Receipt(ReadReceipt),
    /// A message request was accepted.
    RequestResponse(RequestResponse),
    /// The sender's timer is now that of the content.
    TimerUpdate,
    /// The sender writes.
    Typing(Typing),
    /// A message is to be deleted.
    Unsend(UnsendRequest),
    /// Something to be shown.
    Visible(Box<VisibleMessage>),
}

impl Content {
    /// An action without a profile and without a timer.
    #[must_use]
    pub fn new(kind: ContentKind) -> Self {
        Self {
            kind,
            profile: None,
            sync_target: None,
            blocks_community_requests: None,
            expiration: Expiration::Off,
            sig_timestamp: None,
        }
    }

    /// A text of at most 2,000 code points.
    ///
    /// # Errors
    /// [`BuildError`] when it is empty or longer.
    pub fn text(text: impl Into<String>) -> Result<Self, BuildError> {
        Ok(VisibleMessage::text(Body::new(text)?).into())
    }

    /// The news that the sender's timer has changed.
    #[must_use]
    pub fn timer_update(expiration: Expiration) -> Self {
        Self::new(ContentKind::TimerUpdate).with_expiration(expiration)
    }

    /// Adds the sender's profile. Kinds that have no place for it (calls, receipts, typing,
    /// extraction notices, unsend requests) stay as they are.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        if self.kind.is_data() || matches!(self.kind, ContentKind::RequestResponse(_)) {
            self.profile = Some(profile);
        }
        self
    }

    /// Sets the timer of the conversation. Kinds that never disappear stay as they are; for
    /// calls and extraction notices every timer counts from reading
    /// (docs/protocol/client.md sections 2.2 and 5.6).
    #[must_use]
    pub fn with_expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = match &self.kind {
            ContentKind::Call(_) | ContentKind::DataExtraction(_) => {
                expiration.counted_from_reading()
            }
            ContentKind::GroupUpdate(update) if !update.expires() => Expiration::Off,
            kind if kind.has_expiration() => expiration,
            _ => Expiration::Off,
        };
        self
    }

    /// Says whether the sender takes message requests from communities; for community posts.
    #[must_use]
    pub fn with_community_requests_blocked(mut self, blocked: bool) -> Self {
        if self.kind.is_data() {
            self.blocks_community_requests = Some(blocked);
        }
        self
    }

    /// The copy for own devices of a message to `recipient`: the same with the recipient named
    /// and without the profile. `None` for kinds of which no copy is sent
    /// (docs/protocol/client.md section 4.8).
    #[must_use]
    pub fn sync_copy(&self, recipient: &AccountId) -> Option<Self> {
        let mut copy = self.clone();
        match &self.kind {
            ContentKind::Reaction(_) | ContentKind::TimerUpdate | ContentKind::Visible(_) => {
                copy.sync_target = Some(*recipient);
                copy.profile = None;
                Some(copy)
            }
            ContentKind::Unsend(_) => Some(copy),
            ContentKind::Call(call) => call.is_synced().then_some(copy),
            ContentKind::DataExtraction(_)
            | ContentKind::GroupUpdate(_)
            | ContentKind::Receipt(_)
            | ContentKind::RequestResponse(_)
            | ContentKind::Typing(_) => None,
        }
    }

    /// What the message is about.
    #[must_use]
    pub fn kind(&self) -> &ContentKind {
        &self.kind
    }

    /// The action alone.
    #[must_use]
    pub fn into_kind(self) -> ContentKind {
        self.kind
    }

    /// The sender's profile.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Whom an own message went to, in copies to oneself.
    #[must_use]
    pub fn sync_target(&self) -> Option<&AccountId> {
        self.sync_target.as_ref()
    }

    /// Whether the sender refuses message requests from communities, if the message says so.
    #[must_use]
    pub fn blocks_community_requests(&self) -> Option<bool> {
        self.blocks_community_requests
    }

    /// When the message disappears.
    #[must_use]
    pub fn expiration(&self) -> Expiration {
        self.expiration
    }

    /// The time inside a received content. Absent from old clients' messages, and from contents
    /// not sent yet, which get it when they are encoded.
    #[must_use]
    pub fn sig_timestamp(&self) -> Option<Timestamp> {
        self.sig_timestamp
    }

    /// How long a swarm is to keep the message, for the reader or as a copy to oneself
    /// (docs/protocol/client.md section 2.2).
    #[must_use]
    pub fn ttl(&self, copy_to_self: bool) -> Duration {
        let wanted = match (&self.kind, self.expiration) {
            (ContentKind::Typing(_), _) => return TYPING_TTL,
            (ContentKind::Call(_), _) => return CALL_TTL,
            (_, Expiration::AfterSend(_)) => self.expiration.timer(),
            (_, Expiration::AfterRead(_)) if copy_to_self => self.expiration.timer(),
            _ => None,
        };
        wanted
            .unwrap_or(ORDINARY_TTL)
            .clamp(limits::MIN_TTL, ORDINARY_TTL)
    }
}

impl From<VisibleMessage> for Content {
    fn from(message: VisibleMessage) -> Self {
        Self::new(ContentKind::Visible(Box::new(message)))
    }
}

macro_rules! content_from {
    ($($payload:ident => $kind:ident),*) => {
        $(impl From<$payload> for Content {
            fn from(payload: $payload) -> Self {
                Self::new(ContentKind::$kind(payload))
            }
        })*
    };
}
content_from!(
    CallMessage => Call,
    DataExtraction => DataExtraction,
    GroupUpdate => GroupUpdate,
    Reaction => Reaction,
    ReadReceipt => Receipt,
    RequestResponse => RequestResponse,
    Typing => Typing,
    UnsendRequest => Unsend
);

impl ContentKind {
    /// A name for logs and errors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::DataExtraction(_) => "data extraction notice",
            Self::GroupUpdate(_) => "group update",
            Self::Reaction(_) => "reaction",
            Self::Receipt(_) => "receipt",
            Self::RequestResponse(_) => "request response",
            Self::TimerUpdate => "timer update",
            Self::Typing(_) => "typing message",
            Self::Unsend(_) => "unsend request",
            Self::Visible(_) => "visible message",
        }
    }

    /// Whether this is part of a data message, which also holds profile and sync target.
    pub(crate) fn is_data(&self) -> bool {
        matches!(
            self,
            Self::GroupUpdate(_) | Self::Reaction(_) | Self::TimerUpdate | Self::Visible(_)
        )
    }

    /// Whether the two timer fields are always written.
    pub(crate) fn has_expiration(&self) -> bool {
        self.is_data() || matches!(self, Self::Call(_) | Self::DataExtraction(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallId, Channel, GroupUpdate, Name};

    fn bob() -> AccountId {
        "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a"
            .parse()
            .unwrap()
    }

    fn call() -> CallId {
        CallId::from_random([3; 16])
    }

    #[test]
    fn copies_name_the_recipient_and_drop_the_profile() {
        let profile = Profile::named(Name::new("alice").unwrap());
        let content = Content::text("hello").unwrap().with_profile(profile);
        let copy = content.sync_copy(&bob()).unwrap();
        assert_eq!(copy.sync_target(), Some(&bob()));
        assert_eq!(copy.profile(), None);
        assert_eq!(copy.kind(), content.kind());
    }

    #[test]
    fn kinds_without_a_copy() {
        let typing = Content::from(Typing::Started);
        assert_eq!(typing.sync_copy(&bob()), None);
        let ringing = Content::from(CallMessage::PreOffer { call: call() });
        assert_eq!(ringing.sync_copy(&bob()), None);
        let ended = Content::from(CallMessage::EndCall { call: call() });
        assert_eq!(ended.sync_copy(&bob()).unwrap(), ended);
    }

    #[test]
    fn timers_by_kind() {
        let send = Expiration::after_send(3600);
        let read = Expiration::after_read(3600);
        let text = Content::text("hello").unwrap();
        assert_eq!(text.with_expiration(send).expiration(), send);
        let ended = Content::from(CallMessage::EndCall { call: call() });
        assert_eq!(ended.with_expiration(send).expiration(), read);
        let response = Content::from(RequestResponse);
        assert_eq!(response.with_expiration(send).expiration(), Expiration::Off);
        let left = Content::from(GroupUpdate::MemberLeft);
        assert_eq!(left.with_expiration(send).expiration(), Expiration::Off);
        let shown = Content::from(GroupUpdate::MemberLeftNotification);
        assert_eq!(shown.with_expiration(send).expiration(), send);
    }

    #[test]
    fn times_in_the_swarm() {
        let hour = Duration::from_secs(3600);
        let text = Content::text("hello").unwrap();
        assert_eq!(text.ttl(false), ORDINARY_TTL);
        let send = text.clone().with_expiration(Expiration::after_send(3600));
        assert_eq!((send.ttl(false), send.ttl(true)), (hour, hour));
        let read = text.clone().with_expiration(Expiration::after_read(3600));
        assert_eq!((read.ttl(false), read.ttl(true)), (ORDINARY_TTL, hour));
        let soon = text.with_expiration(Expiration::after_send(5));
        assert_eq!(soon.ttl(false), limits::MIN_TTL);
        assert_eq!(Content::from(Typing::Started).ttl(false), TYPING_TTL);
    }

    #[test]
    fn table_of_the_ways() {
        use Channel::{Community, Direct, Group, Inbox, Sync};
        let carried = |content: Content| {
            [Direct, Sync, Group, Community, Inbox].map(|channel| channel.carries(content.kind()))
        };
        assert_eq!(carried(Content::text("x").unwrap()), [true; 5]);
        let direct_only = [true, false, false, false, false];
        assert_eq!(carried(Typing::Stopped.into()), direct_only);
        assert_eq!(carried(DataExtraction::Screenshot.into()), direct_only);
        assert_eq!(
            carried(CallMessage::PreOffer { call: call() }.into()),
            direct_only
        );
        let both = [true, true, false, false, false];
        assert_eq!(carried(CallMessage::EndCall { call: call() }.into()), both);
        assert_eq!(carried(Content::timer_update(Expiration::Off)), both);
        assert_eq!(carried(RequestResponse.into()), both);
        assert_eq!(
            carried(GroupUpdate::MemberLeft.into()),
            [false, false, true, false, false]
        );
    }
}
