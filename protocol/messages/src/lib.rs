#![doc = include_str!("../README.md")]

mod attachment;
mod call;
mod channel;
mod community;
mod content;
mod content_decode;
mod content_encode;
mod dedup;
mod direct;
mod envelope;
mod error;
mod expiration;
mod group;
mod group_update;
mod ids;
mod inbox;
pub mod pro;
mod profile;
pub mod proto;
mod reaction;
mod serialise;
mod small;
mod text;
mod visible;

pub use attachment::{Attachment, AttachmentKey};
pub use call::{CallId, CallMessage, IceCandidate};
pub use channel::Channel;
pub use community::{Post, decode_post, encode_post, encode_post_with_pro, pad_post};
pub use content::{Content, ContentKind};
pub use dedup::{SeenKey, SendTimes, SentKey};
pub use direct::{
    Incoming, OpenedDirect, decode_direct, encode_direct, encode_direct_deterministic,
    encode_direct_with_pro, open_direct, seal_direct,
};
pub use error::{BuildError, InvalidContent, MessageError};
pub use expiration::Expiration;
pub use group::{
    OpenedGroup, decode_group, encode_group, encode_group_with_pro, open_group, seal_group,
};
pub use group_update::{
    DeleteMemberContent, GroupInvite, GroupPromotion, GroupUpdate, InfoChange, InfoChangeMessage,
    MemberChange, MemberChangeMessage,
};
pub use inbox::{decode_inbox, encode_inbox, encode_inbox_with_pro};
pub use profile::{Profile, ProfilePicture};
pub use reaction::{Emoji, Reaction, ReactionAction};
pub use small::{DataExtraction, ReadReceipt, RequestResponse, Typing, UnsendRequest};
pub use text::{Body, Name};
pub use visible::{CommunityInvitation, LinkPreview, Quote, VisibleMessage};
