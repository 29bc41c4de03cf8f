//! Writing: texts, replies, invitations, reactions, notices (docs/protocol/client.md sections 4.8
//! and 5).

use core::time::Duration;

use session_messages::{
    CommunityInvitation, Content, ContentKind, DataExtraction, Emoji, Expiration, LinkPreview,
    Profile, Quote, Reaction, ReactionAction, UnsendRequest, VisibleMessage,
};
use session_store::{
    Blob, Details, Effect, FileInfo, FileRow, Invitation, MessageId, MessageKind, MessageRow,
    NewFile, NewMessage, NewOutgoing, OutgoingRow, PREVIEW_IMAGE, Preview, QuoteRef, Sound,
};
use session_types::{AccountId, Timestamp, limits};

use super::contacts::Way;
use super::{Tx, files};
use crate::CoreError;

/// What a queued message was named.
pub(crate) type Outgoing = OutgoingRow;

/// Reactions within [`REACTION_WINDOW`] (docs/protocol/client.md section 5.4).
const MAX_REACTIONS: usize = 20;
const REACTION_WINDOW: Duration = Duration::from_secs(60);
/// Where the times of the last reactions are kept.
const REACTION_TIMES: &str = "reaction_times";

/// A file of the user.
#[derive(Debug, Clone)]
pub(crate) struct OwnFile {
    /// What is said of it.
    pub(crate) info: FileInfo,
    /// Its copy in the folder.
    pub(crate) blob: Blob,
    /// How it goes, when it is a sound.
    pub(crate) sound: Option<Sound>,
}

/// What the user wrote, ready to be queued.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The text; may be empty beside files.
    pub(crate) text: String,
    /// The message it answers.
    pub(crate) reply_to: Option<MessageId>,
    /// Files.
    pub(crate) files: Vec<OwnFile>,
    /// What a page behind a link of the text looks like, and its image.
    pub(crate) preview: Option<(Preview, Option<OwnFile>)>,
    /// The draft of the conversation stays: this is something else.
    pub(crate) keeps_draft: bool,
}

impl Tx<'_> {
    /// Queues what the user wrote. Copies of files are in the folder already.
    pub(crate) fn send_written(
        &mut self,
        to: &AccountId,
        written: Written,
        time_unsure: bool,
    ) -> Result<Outgoing, CoreError> {
        let Written {
            text,
            reply_to,
            files,
            preview,
            keeps_draft,
        } = written;
        if files.is_empty() && text.trim().is_empty() {
            return Err(CoreError::EmptyMessage);
        }
        let found = text.chars().count();
        if found > limits::MAX_BODY_CHARS {
            return Err(CoreError::MessageTooLong {
                found,
                limit: limits::MAX_BODY_CHARS,
            });
        }
        let quote = match reply_to {
            Some(id) => Some(self.quotable(to, id)?),
            None => None,
        };
        let (preview, image) = preview.unzip();
        let message = NewMessage {
            details: Details {
                quote,
                preview,
                attachments: files.len(),
                ..Details::default()
            },
            ..NewMessage::text(text)
        };
        let row = self.send(to, message, time_unsure)?;
        if !keeps_draft {
            self.store.clear_draft(to)?;
        }
        let own = |OwnFile { info, blob, sound }| NewFile::Own { info, blob, sound };
        let files: Vec<NewFile> = files.into_iter().map(own).collect();
        self.store.add_files(row.id, &files)?;
        if let Some(image) = image.flatten() {
            self.store.add_preview_image(row.id, &own(image))?;
        }
        Ok(row)
    }

    /// Queues an invitation to a community.
    pub(crate) fn send_invitation(
        &mut self,
        to: &AccountId,
        invitation: Invitation,
        time_unsure: bool,
    ) -> Result<Outgoing, CoreError> {
        // Refused here and not when it is sealed.
        CommunityInvitation::new(&*invitation.url, &*invitation.name)?;
        let message = NewMessage {
            details: Details {
                invitation: Some(invitation),
                ..Details::default()
            },
            ..NewMessage::notice(MessageKind::Invitation)
        };
        self.send(to, message, time_unsure)
    }

    /// Queues a message: accepts whom it goes to, gives it the conversation's timer, marks as
    /// read what came before it.
    pub(super) fn send(
        &mut self,
        to: &AccountId,
        message: NewMessage,
        time_unsure: bool,
    ) -> Result<Outgoing, CoreError> {
        let own = *to == self.own();
        if own {
            if self.configs.profile.note_to_self_priority() < 0 {
                self.set_priority(to, 0)?;
            }
        } else {
            if self.contact(to).blocked {
                return Err(CoreError::Blocked);
            }
            self.accept(to)?;
            if self.contact(to).priority < 0 {
                self.set_priority(to, 0)?;
            }
        }
        let message = match message.kind {
            MessageKind::TimerChange => message,
            _ => NewMessage {
                expiration: self.expiration_of(to)?,
                ..message
            },
        };
        let row = self.store.queue_outgoing(&NewOutgoing {
            conversation: *to,
            message,
            now: self.now,
            time_unsure,
        })?;
        self.project(*to)?;
        self.read_up_to_newest(to)?;
        self.changes.outbox = true;
        self.touch(*to);
        Ok(row)
    }

    /// When the user's messages in a conversation disappear.
    fn expiration_of(&self, id: &AccountId) -> Result<Expiration, CoreError> {
        let settings = self.store.conversation_settings(id)?;
        Ok(settings.map_or(Expiration::Off, |settings| settings.expiration))
    }

    /// A message as a reply names it.
    pub(super) fn quotable(&self, to: &AccountId, id: MessageId) -> Result<QuoteRef, CoreError> {
        let row = self.message(id)?;
        if row.conversation != *to || !row.kind.is_written() {
            return Err(CoreError::CannotReply);
        }
        Ok(QuoteRef {
            author: row.sender,
            sent_at: row.sent_at,
        })
    }

    /// Puts an emoji at a message, or takes it back.
    pub(crate) fn react(
        &mut self,
        message: MessageId,
        emoji: &str,
        present: bool,
    ) -> Result<(), CoreError> {
        let row = self.message(message)?;
        if !row.kind.is_written() {
            return Err(CoreError::CannotReact);
        }
        let own = self.own();
        // Words are no reactions: other clients would show them as one.
        if emoji
            .chars()
            .any(|c| c.is_alphabetic() || c.is_whitespace() || c.is_control())
        {
            return Err(CoreError::NoEmoji);
        }
        let emoji = Emoji::new(emoji)?;
        let has = self
            .store
            .reactions(&[message])?
            .iter()
            .any(|reaction| reaction.author == own && reaction.emoji == emoji.as_str());
        if has == present {
            return Ok(());
        }
        if row.conversation != own {
            if self.contact(&row.conversation).blocked {
                return Err(CoreError::Blocked);
            }
            self.accept(&row.conversation)?;
        }
        self.limit_reactions()?;
        let action = if present {
            ReactionAction::React
        } else {
            ReactionAction::Remove
        };
        let text = emoji.as_str().to_owned();
        let content = Content::from(Reaction::new(row.sent_at, row.sender, emoji, action)?)
            .with_expiration(self.expiration_of(&row.conversation)?);
        let at = self.queue_content(row.conversation, &content, Way::Both)?;
        let effect = Effect::Reaction {
            emoji: text,
            present,
        };
        self.store
            .apply_effect(&row.sender, row.sent_at, &own, &effect, at)?;
        self.touch(row.conversation);
        Ok(())
    }

    /// Refuses more reactions than others would take.
    fn limit_reactions(&mut self) -> Result<(), CoreError> {
        let since = self.now.minus(REACTION_WINDOW).as_ms();
        let kept = self.store.setting(REACTION_TIMES)?.unwrap_or_default();
        let mut times: Vec<u64> = kept
            .split(',')
            .filter_map(|time| time.parse().ok())
            .filter(|time| (since..=self.now.as_ms()).contains(time))
            .collect();
        if times.len() >= MAX_REACTIONS {
            return Err(CoreError::TooManyReactions);
        }
        times.push(self.now.as_ms());
        let kept: Vec<String> = times.iter().map(u64::to_string).collect();
        self.store.set_setting(REACTION_TIMES, &kept.join(","))?;
        Ok(())
    }

    /// Tells the other side that something of the conversation was kept.
    pub(crate) fn tell_extraction(
        &mut self,
        to: &AccountId,
        saved: Option<Timestamp>,
        screenshot: bool,
    ) -> Result<(), CoreError> {
        self.refuse_own(to)?;
        let contact = self.contact(to);
        if !contact.approved || !contact.approved_me || contact.blocked {
            return Ok(());
        }
        let notice = if screenshot {
            DataExtraction::Screenshot
        } else {
            DataExtraction::MediaSaved { sent_at: saved }
        };
        let content = Content::from(notice).with_expiration(self.expiration_of(to)?);
        // Seen by the other side, so not with what may wait (docs/decisions/0009).
        self.queue_content(*to, &content, Way::Deliver)?;
        Ok(())
    }

    /// Gives a message that was written without knowing the network's time a time of the
    /// network, before it is first sealed. What refers to it and waits behind it follows.
    pub(crate) fn stamp_anew(&mut self, message: MessageId) -> Result<Timestamp, CoreError> {
        let row = self.message(message)?;
        let sent_at = self.store.stamp_anew(message, self.now)?;
        if sent_at == row.sent_at {
            return Ok(sent_at);
        }
        let at = |sent_at| QuoteRef {
            author: row.sender,
            sent_at,
        };
        let (old, new) = (at(row.sent_at), at(sent_at));
        self.store.requote(&row.conversation, old, new)?;
        for (job, job_time, bytes) in self.store.untried_content(&row.conversation)? {
            let Ok(content) = Content::decode(&bytes, job_time) else {
                continue;
            };
            let moved = match content.kind() {
                ContentKind::Reaction(reaction)
                    if reaction.sent_at() == old.sent_at
                        && reaction.author() == old.author.into() =>
                {
                    let (emoji, action) = (reaction.emoji.clone(), reaction.action);
                    Content::from(Reaction::new(sent_at, old.author, emoji, action)?)
                        .with_expiration(content.expiration())
                }
                ContentKind::Unsend(request)
                    if request.sent_at == old.sent_at && request.author == old.author =>
                {
                    Content::from(UnsendRequest {
                        sent_at,
                        author: old.author,
                    })
                }
                _ => continue,
            };
            self.store.replace_content(job, &moved.encode(job_time))?;
        }
        self.touch(row.conversation);
        Ok(sent_at)
    }

    /// Tries a failed message again. False when it has not failed.
    pub(crate) fn retry(&mut self, message: MessageId) -> Result<bool, CoreError> {
        let row = self.message(message)?;
        let queued = self.store.retry_failed(message)?;
        if queued {
            self.changes.outbox = true;
            self.touch(row.conversation);
        }
        Ok(queued)
    }
}

/// What a queued message says, as it is sealed.
pub(crate) fn content_of(
    row: &MessageRow,
    transfers: &[FileRow],
    profile: &Profile,
) -> Result<Content, CoreError> {
    let details = &row.details;
    let content = match row.kind {
        MessageKind::TimerChange => Content::timer_update(row.expiration),
        MessageKind::Invitation => {
            let invitation = details.invitation.as_ref().ok_or(CoreError::EmptyMessage)?;
            let invitation = CommunityInvitation::new(&*invitation.url, &*invitation.name)?;
            VisibleMessage::invitation(invitation).into()
        }
        _ => {
            let mut message = files::visible(row, transfers)?;
            if let Some(quote) = details.quote {
                message = message.with_quote(Quote::new(quote.sent_at, quote.author)?);
            }
            if let Some(preview) = &details.preview {
                let image = transfers.iter().find(|file| file.index == PREVIEW_IMAGE);
                let image = image.map(|file| file.attachment().ok_or(CoreError::FileMissing));
                let title = preview.title.clone();
                let preview = LinkPreview::new(&*preview.url, title, image.transpose()?)?;
                message = message.with_preview(preview)?;
            }
            message.into()
        }
    };
    Ok(content
        .with_expiration(row.expiration)
        .with_profile(profile.clone()))
}
