//! From content to its serialised form.

use prost::Message;
use session_types::{AccountId, Timestamp};

use crate::content_decode::EXPIRATION_TIMER_UPDATE;
use crate::{Content, ContentKind, proto};

impl Content {
    /// The serialised form of a message sent at `sent_at`, without padding. Fields ascend;
    /// required ones are always there.
    #[must_use]
    pub fn encode(&self, sent_at: Timestamp) -> Vec<u8> {
        self.to_wire(sent_at, self.sync_target.as_ref())
            .encode_to_vec()
    }

    pub(crate) fn to_wire(
        &self,
        sent_at: Timestamp,
        sync_target: Option<&AccountId>,
    ) -> proto::Content {
        let mut wire = proto::Content {
            sig_timestamp: Some(sent_at.as_ms()),
            ..Default::default()
        };
        if self.kind.has_expiration() {
            let (kind, seconds) = self.expiration.to_wire();
            wire.expiration_type = Some(kind.into());
            wire.expiration_timer = Some(seconds);
        }
        let mut data = proto::DataMessage::default();
        match &self.kind {
            ContentKind::Call(m) => wire.call_message = Some(m.to_wire()),
            ContentKind::DataExtraction(m) => {
                wire.data_extraction_notification = Some(m.to_wire());
            }
            ContentKind::GroupUpdate(m) => data.group_update_message = Some(m.to_wire()),
            ContentKind::Reaction(m) => data.reaction = Some(m.to_wire()),
            ContentKind::Receipt(m) => wire.receipt_message = Some(m.to_wire()),
            ContentKind::RequestResponse(_) => {
                wire.message_request_response = Some(self.request_response());
            }
            ContentKind::TimerUpdate => data.flags = Some(EXPIRATION_TIMER_UPDATE),
            ContentKind::Typing(m) => wire.typing_message = Some(m.to_wire(sent_at)),
            ContentKind::Unsend(m) => wire.unsend_request = Some(m.to_wire()),
            ContentKind::Visible(m) => data = m.to_wire(),
        }
        if self.kind.is_data() {
            if let Some(profile) = &self.profile {
                let (profile, key) = profile.to_wire();
                data.profile = Some(profile);
                data.profile_key = key;
            }
            data.sync_target = sync_target.map(AccountId::to_hex);
            data.blocks_community_message_requests = self.blocks_community_requests;
            wire.data_message = Some(data);
        }
        wire
    }

    fn request_response(&self) -> proto::MessageRequestResponse {
        let (profile, profile_key) = match &self.profile {
            Some(profile) => {
                let (profile, key) = profile.to_wire();
                (Some(profile), key)
            }
            None => (None, None),
        };
        proto::MessageRequestResponse {
            is_approved: Some(true),
            profile_key,
            profile,
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::Typing;

    const SENT_AT: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn hex(content: &Content) -> String {
        HEXLOWER.encode(&content.encode(SENT_AT))
    }

    #[test]
    fn example_of_the_specification() {
        let content = Content::text("hello").unwrap();
        assert_eq!(hex(&content), "0a070a0568656c6c6f600068007880d095ffbc31");
    }

    #[test]
    fn small_messages_leave_the_timer_out() {
        assert_eq!(
            hex(&Typing::Started.into()),
            "32090880d095ffbc3110007880d095ffbc31"
        );
    }
}
