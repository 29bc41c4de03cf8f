//! The step that all ways of sending begin with.

use prost::Message;
use session_types::{AccountId, Timestamp};

use crate::pro::ProCredential;
use crate::{Channel, Content, MessageError};

/// Serialises content after checking that its kind travels this way. `sync_target` names the
/// recipient in copies to oneself; content that is a copy goes nowhere else.
pub(crate) fn serialise(
    content: &Content,
    channel: Channel,
    sync_target: Option<&AccountId>,
    sent_at: Timestamp,
    pro: Option<&ProCredential>,
) -> Result<Vec<u8>, MessageError> {
    if !channel.carries(&content.kind) {
        return Err(MessageError::NotAllowed {
            kind: content.kind.name(),
            channel,
        });
    }
    if content.sync_target.is_some() && channel != Channel::Sync {
        return Err(MessageError::ForeignSyncTarget);
    }
    let mut wire = content.to_wire(sent_at, sync_target);
    wire.pro_message = pro.map(|pro| pro.to_wire(content));
    Ok(wire.encode_to_vec())
}
