//! Presence of required fields, over everything a content holds: a decoder of the wire format
//! refuses the whole content when one is absent anywhere in it, also in an action that is then
//! not looked at.

use super::{
    AttachmentPointer, CallMessage, CommunityInvitation, Content, DataExtractionNotification,
    DataMessage, GroupUpdateMessage, Preview, Quote, Reaction, ReceiptMessage, SharedConfigMessage,
    TypingMessage, call_message, data_extraction_notification, group_update_info_change_message,
    group_update_member_change_message, reaction, receipt_message, shared_config_message,
    typing_message,
};
use crate::InvalidContent;

type Check = Result<(), InvalidContent>;

/// Refuses a content in which a required field is absent or holds an unknown enumeration value.
pub(crate) fn check_required(content: &Content) -> Check {
    each(&content.data_message, data_message)?;
    each(&content.call_message, call)?;
    each(&content.receipt_message, receipt)?;
    each(&content.typing_message, typing)?;
    each(&content.data_extraction_notification, extraction)?;
    each(&content.shared_config_message, shared_config)?;
    if let Some(m) = &content.unsend_request {
        present(&m.timestamp, "unsend.timestamp")?;
        present(&m.author, "unsend.author")?;
    }
    if let Some(m) = &content.message_request_response {
        present(&m.is_approved, "response.isApproved")?;
    }
    Ok(())
}

fn data_message(message: &DataMessage) -> Check {
    message.attachments.iter().try_for_each(attachment)?;
    message.preview.iter().try_for_each(preview)?;
    each(&message.quote, quote)?;
    each(&message.reaction, reaction_message)?;
    each(&message.community_invitation, invitation)?;
    each(&message.group_update_message, group_update)
}

fn attachment(pointer: &AttachmentPointer) -> Check {
    present(&pointer.deprecated_id, "attachment.id")
}

fn preview(preview: &Preview) -> Check {
    present(&preview.url, "preview.url")?;
    each(&preview.image, attachment)
}

fn quote(quote: &Quote) -> Check {
    present(&quote.id, "quote.id")?;
    present(&quote.author, "quote.author")?;
    quote
        .attachments
        .iter()
        .try_for_each(|quoted| each(&quoted.thumbnail, attachment))
}

fn reaction_message(message: &Reaction) -> Check {
    present(&message.id, "reaction.id")?;
    present(&message.author, "reaction.author")?;
    known::<reaction::Action>(message.action, "reaction.action")
}

fn invitation(message: &CommunityInvitation) -> Check {
    present(&message.url, "invitation.url")?;
    present(&message.name, "invitation.name")
}

fn group_update(update: &GroupUpdateMessage) -> Check {
    if let Some(m) = &update.invite_message {
        present(&m.group_session_id, "invite.groupSessionId")?;
        present(&m.name, "invite.name")?;
        present(&m.member_auth_data, "invite.memberAuthData")?;
        present(&m.admin_signature, "invite.adminSignature")?;
    }
    if let Some(m) = &update.info_change_message {
        known::<group_update_info_change_message::Type>(m.r#type, "infoChange.type")?;
        present(&m.admin_signature, "infoChange.adminSignature")?;
    }
    if let Some(m) = &update.member_change_message {
        known::<group_update_member_change_message::Type>(m.r#type, "memberChange.type")?;
        present(&m.admin_signature, "memberChange.adminSignature")?;
    }
    if let Some(m) = &update.promote_message {
        present(&m.group_identity_seed, "promote.groupIdentitySeed")?;
        present(&m.name, "promote.name")?;
    }
    if let Some(m) = &update.invite_response {
        present(&m.is_approved, "inviteResponse.isApproved")?;
    }
    Ok(())
}

fn call(message: &CallMessage) -> Check {
    known::<call_message::Type>(message.r#type, "call.type")?;
    present(&message.uuid, "call.uuid")
}

fn receipt(message: &ReceiptMessage) -> Check {
    known::<receipt_message::Type>(message.r#type, "receipt.type")
}

fn typing(message: &TypingMessage) -> Check {
    present(&message.timestamp, "typing.timestamp")?;
    known::<typing_message::Action>(message.action, "typing.action")
}

fn extraction(message: &DataExtractionNotification) -> Check {
    known::<data_extraction_notification::Type>(message.r#type, "extraction.type")
}

fn shared_config(message: &SharedConfigMessage) -> Check {
    known::<shared_config_message::Kind>(message.kind, "config.kind")?;
    present(&message.seqno, "config.seqno")?;
    present(&message.data, "config.data")
}

fn each<T>(field: &Option<T>, check: impl Fn(&T) -> Check) -> Check {
    field.as_ref().map_or(Ok(()), check)
}

fn present<T>(field: &Option<T>, name: &'static str) -> Check {
    if field.is_some() {
        Ok(())
    } else {
        Err(InvalidContent::Missing(name))
    }
}

fn known<E: TryFrom<i32>>(field: Option<i32>, name: &'static str) -> Check {
    match field.map(E::try_from) {
        Some(Ok(_)) => Ok(()),
        _ => Err(InvalidContent::Missing(name)),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn check(bytes: &[u8]) -> Check {
        check_required(&Content::decode(bytes).unwrap())
    }

    #[test]
    fn unknown_value_of_a_required_enumeration_counts_as_absent() {
        // typingMessage { timestamp 5, action 0 / 7 / absent }
        assert_eq!(check(&[0x32, 4, 0x08, 5, 0x10, 0]), Ok(()));
        let missing = Err(InvalidContent::Missing("typing.action"));
        assert_eq!(check(&[0x32, 4, 0x08, 5, 0x10, 7]), missing);
        assert_eq!(check(&[0x32, 2, 0x08, 5]), missing);
    }

    #[test]
    fn looks_into_actions_that_are_not_chosen() {
        // A visible text beside a receipt without its type.
        assert_eq!(
            check(&[0x0a, 3, 0x0a, 1, b'x', 0x2a, 0]),
            Err(InvalidContent::Missing("receipt.type"))
        );
    }

    #[test]
    fn looks_at_thumbnails_inside_quotes() {
        // dataMessage { quote { id, author, attachments { thumbnail {} } } }
        let bytes = [0x0a, 11, 0x42, 9, 0x08, 1, 0x12, 1, b'a', 0x22, 2, 0x1a, 0];
        assert_eq!(check(&bytes), Err(InvalidContent::Missing("attachment.id")));
    }
}
