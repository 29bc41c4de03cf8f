//! From serialised content to a checked one.

use prost::Message;
use session_types::{AccountId, Timestamp};

use crate::proto::{self, check_bounds, check_required};
use crate::{
    CallMessage, Content, ContentKind, DataExtraction, Expiration, GroupUpdate, InvalidContent,
    Profile, Reaction, ReadReceipt, RequestResponse, Typing, UnsendRequest, VisibleMessage,
};

/// Bit of DataMessage.flags that makes a message a timer update.
pub(crate) const EXPIRATION_TIMER_UPDATE: u32 = 2;

/// A content and what its pipeline still has to evaluate.
pub(crate) struct Parsed {
    pub(crate) content: Content,
    /// Field 16.
    pub(crate) pro: Option<proto::ProMessage>,
    /// Field 17.
    pub(crate) community_signature: Option<Vec<u8>>,
}

impl Content {
    /// Reads serialised content, without padding, of a message sent at `sent_at`. Pro parts are
    /// left out; times, sender and way are not compared, as the `decode_…` functions do.
    ///
    /// # Errors
    /// [`InvalidContent`] when the message is to be dropped.
    pub fn decode(content: &[u8], sent_at: Timestamp) -> Result<Self, InvalidContent> {
        parse(content, sent_at).map(|parsed| parsed.content)
    }
}

pub(crate) fn parse(content: &[u8], sent_at: Timestamp) -> Result<Parsed, InvalidContent> {
    check_bounds(content)?;
    let mut wire = proto::Content::decode(content)?;
    check_required(&wire)?;
    let pro = wire.pro_message.take();
    let community_signature = wire.pro_sig_for_community_message_only.take();
    Ok(Parsed {
        content: checked(wire, sent_at)?,
        pro,
        community_signature,
    })
}

/// The first action that is set counts, in this order.
fn checked(wire: proto::Content, sent_at: Timestamp) -> Result<Content, InvalidContent> {
    let expiration = Expiration::from_wire(wire.expiration_type, wire.expiration_timer);
    let sig_timestamp = wire.sig_timestamp.map(Timestamp::from_ms);
    let mut content = if let Some(m) = wire.data_message {
        data_message(m)?
    } else if let Some(m) = wire.receipt_message {
        ReadReceipt::from_wire(m)?.into()
    } else if let Some(m) = wire.typing_message {
        Typing::from_wire(&m, sent_at)?.into()
    } else if let Some(m) = wire.data_extraction_notification {
        DataExtraction::from_wire(&m)?.into()
    } else if let Some(m) = wire.unsend_request {
        UnsendRequest::from_wire(&m)?.into()
    } else if let Some(m) = wire.call_message {
        CallMessage::from_wire(m)?.into()
    } else if let Some(m) = wire.message_request_response {
        let content = Content::from(RequestResponse::from_wire(&m)?);
        match m.profile {
            Some(p) => content.with_profile(Profile::from_wire(p, m.profile_key.as_deref())),
            None => content,
        }
    } else if wire.shared_config_message.is_some() {
        return Err(InvalidContent::Obsolete("shared config"));
    } else {
        return Err(InvalidContent::NoAction);
    };
    content.expiration = expiration;
    content.sig_timestamp = sig_timestamp;
    Ok(content)
}

fn data_message(mut wire: proto::DataMessage) -> Result<Content, InvalidContent> {
    let key = wire.profile_key.take();
    let profile = wire
        .profile
        .take()
        .map(|profile| Profile::from_wire(profile, key.as_deref()));
    let sync_target = sync_target(wire.sync_target.take())?;
    let blocks_community_requests = wire.blocks_community_message_requests;
    Ok(Content {
        profile,
        sync_target,
        blocks_community_requests,
        ..Content::new(data_kind(wire)?)
    })
}

fn data_kind(mut wire: proto::DataMessage) -> Result<ContentKind, InvalidContent> {
    if let Some(update) = wire.group_update_message.take() {
        return GroupUpdate::from_wire(update).map(ContentKind::GroupUpdate);
    }
    let flags = wire.flags.unwrap_or_default();
    if flags & EXPIRATION_TIMER_UPDATE != 0 {
        return Ok(ContentKind::TimerUpdate);
    }
    if flags != 0 {
        return Err(InvalidContent::BadValue("flags"));
    }
    if let Some(reaction) = wire.reaction.take() {
        return Reaction::from_wire(reaction).map(ContentKind::Reaction);
    }
    VisibleMessage::from_wire(wire).map(|message| ContentKind::Visible(Box::new(message)))
}

fn sync_target(text: Option<String>) -> Result<Option<AccountId>, InvalidContent> {
    text.filter(|text| !text.is_empty())
        .map(|text| {
            text.parse()
                .map_err(|_| InvalidContent::BadValue("syncTarget"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_AT: Timestamp = Timestamp::from_ms(1_700_000_000_000);
    const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";

    fn decode(wire: &proto::Content) -> Result<Content, InvalidContent> {
        Content::decode(&wire.encode_to_vec(), SENT_AT)
    }

    fn data(change: impl FnOnce(&mut proto::DataMessage)) -> Result<Content, InvalidContent> {
        let mut message = proto::DataMessage {
            body: Some("hello".into()),
            ..Default::default()
        };
        change(&mut message);
        decode(&proto::Content {
            data_message: Some(message),
            ..Default::default()
        })
    }

    #[test]
    fn the_first_of_several_actions_counts() {
        let mut wire = proto::Content {
            message_request_response: Some(proto::MessageRequestResponse {
                is_approved: Some(true),
                ..Default::default()
            }),
            typing_message: Some(Typing::Started.to_wire(SENT_AT)),
            receipt_message: Some(ReadReceipt::new(vec![SENT_AT]).unwrap().to_wire()),
            data_message: Some(proto::DataMessage {
                body: Some("hello".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let mut names = Vec::new();
        names.push(decode(&wire).unwrap().kind().name());
        wire.data_message = None;
        names.push(decode(&wire).unwrap().kind().name());
        wire.receipt_message = None;
        names.push(decode(&wire).unwrap().kind().name());
        wire.typing_message = None;
        names.push(decode(&wire).unwrap().kind().name());
        assert_eq!(
            names,
            [
                "visible message",
                "receipt",
                "typing message",
                "request response"
            ]
        );
        wire.message_request_response = None;
        assert_eq!(decode(&wire), Err(InvalidContent::NoAction));
    }

    #[test]
    fn flags_other_than_the_timer_update_are_refused() {
        assert!(matches!(
            data(|m| m.flags = Some(0)).unwrap().kind(),
            ContentKind::Visible(_)
        ));
        assert_eq!(
            data(|m| m.flags = Some(2)).unwrap().kind(),
            &ContentKind::TimerUpdate
        );
        assert_eq!(
            data(|m| m.flags = Some(3)).unwrap().kind(),
            &ContentKind::TimerUpdate
        );
        for flags in [1, 4, 8] {
            assert_eq!(
                data(|m| m.flags = Some(flags)),
                Err(InvalidContent::BadValue("flags"))
            );
        }
    }

    #[test]
    fn sync_targets_are_account_ids() {
        let target = |text: &str| data(|m| m.sync_target = Some(text.to_owned()));
        assert_eq!(target(BOB).unwrap().sync_target().unwrap().to_hex(), BOB);
        assert_eq!(target("").unwrap().sync_target(), None);
        assert!(target("bob").is_err());
        assert!(target(&BOB.replacen("05", "03", 1)).is_err());
    }

    #[test]
    fn typing_must_be_of_the_envelopes_time() {
        let other = Timestamp::from_ms(SENT_AT.as_ms() + 1);
        for (time, good) in [(SENT_AT, true), (other, false)] {
            let wire = proto::Content {
                typing_message: Some(Typing::Started.to_wire(time)),
                ..Default::default()
            };
            assert_eq!(decode(&wire).is_ok(), good);
        }
    }

    #[test]
    fn obsolete_forms_are_named() {
        let wire = proto::Content {
            receipt_message: Some(proto::ReceiptMessage {
                r#type: Some(0),
                timestamp: vec![1],
            }),
            ..Default::default()
        };
        assert_eq!(
            decode(&wire),
            Err(InvalidContent::Obsolete("delivery receipt"))
        );
        let wire = proto::Content {
            shared_config_message: Some(proto::SharedConfigMessage {
                kind: Some(1),
                seqno: Some(1),
                data: Some(vec![]),
            }),
            ..Default::default()
        };
        assert_eq!(
            decode(&wire),
            Err(InvalidContent::Obsolete("shared config"))
        );
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let mut bytes = proto::Content {
            data_message: Some(proto::DataMessage {
                body: Some("hello".into()),
                ..Default::default()
            }),
            ..Default::default()
        }
        .encode_to_vec();
        // Field 7 as bytes, field 900 as varint.
        bytes.extend([0x3a, 1, 0, 0xa0, 0x38, 5]);
        assert!(Content::decode(&bytes, SENT_AT).is_ok());
    }
}
