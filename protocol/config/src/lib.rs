#![doc = include_str!("../README.md")]

mod blob;
pub mod community;
mod contacts;
mod data;
mod diff;
mod engine;
mod error;
mod fields;
mod group_id;
mod group_info;
mod group_keys;
mod group_members;
mod local;
mod merge;
mod message;
mod multipart;
mod picture;
mod read_state;
pub mod seal;
mod shared;
mod user_groups;
mod user_profile;
#[cfg(test)]
mod vector_tests;
mod wire;
mod wrap;

pub use community::{Community, CommunityServer};
pub use contacts::{BlindedContact, Contact, Contacts};
pub use engine::{Incoming, Merged, Push};
pub use error::{ConfigError, Malformed};
pub use fields::{DisappearAfter, Disappearing, Notify};
pub use group_id::GroupId;
pub use group_info::GroupInfo;
pub use group_keys::{Access, AuthData, GroupKeys, MemberSignature, SubaccountToken};
pub use group_members::{GroupMembers, Member, MemberStatus};
pub use local::{Colour, Local, NotificationContent, Theme};
pub use picture::Picture;
pub use read_state::{Conversation, ConvoInfoVolatile, ReadState};
pub use shared::SharedConfig;
pub use user_groups::{Group, GroupSettings, JoinedCommunity, LegacyGroup, Removed, UserGroups};
pub use user_profile::{ProCredential, ProProof, UserProfile};
