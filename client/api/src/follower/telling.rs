//! What an account says, as notifications.

use std::collections::VecDeque;

use session_core::Event;
use session_types::AccountId;

use crate::Notification;
use crate::notification::{
    ConfigsStored, FileDone, FileFailed, FileProgress, MessageFailed, MessagePostponed,
    MessageReceived, MessageSent, NetworkPollFailed, NetworkPolled, PictureChanged, PictureFailed,
    StorageFailed, Typing,
};
use crate::params::Message;

/// The notification that tells of an event, if there is one. Those that need more than the event
/// are not made here.
pub(super) fn told(account: AccountId, event: Event) -> Option<Notification> {
    Some(match event {
        Event::MessageReceived { message, .. } => Notification::MessageReceived(MessageReceived {
            account,
            message: Message::from(&*message),
        }),
        Event::MessageSent(sent) => Notification::MessageSent(MessageSent {
            account,
            message_id: sent.message_id,
            hash: sent.hash.as_str().to_owned(),
            expires_at: sent.expires_at,
            confirmed_by: sent.confirmed_by,
            took_ms: u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
        }),
        Event::MessagePostponed {
            message_id,
            reason,
            next_attempt,
        } => Notification::MessagePostponed(MessagePostponed {
            account,
            message_id,
            reason,
            next_attempt,
        }),
        Event::MessageFailed { message_id, reason } => Notification::MessageFailed(MessageFailed {
            account,
            message_id,
            reason,
        }),
        Event::Typing {
            conversation,
            begins,
        } => Notification::Typing(Typing {
            account,
            conversation,
            typing: begins,
        }),
        Event::Polled { new_messages, .. } => Notification::NetworkPolled(NetworkPolled {
            account,
            new_messages,
        }),
        Event::PollFailed { reason } => {
            Notification::NetworkPollFailed(NetworkPollFailed { account, reason })
        }
        Event::StorageFailed { code } => Notification::StorageFailed(StorageFailed {
            account,
            code: code.to_owned(),
        }),
        Event::ConfigsStored => Notification::ConfigsStored(ConfigsStored { account }),
        Event::FileProgress {
            message_id,
            index,
            upload,
            done,
            total,
        } => Notification::FileProgress(FileProgress {
            account,
            message_id,
            index,
            upload,
            done,
            total,
        }),
        Event::FileDone {
            message_id,
            index,
            upload,
        } => Notification::FileDone(FileDone {
            account,
            message_id,
            index,
            upload,
        }),
        Event::FileFailed {
            message_id,
            index,
            upload,
            reason,
            again,
        } => Notification::FileFailed(FileFailed {
            account,
            message_id,
            index,
            upload,
            reason,
            again,
        }),
        Event::PictureDone { owner } => Notification::PictureChanged(PictureChanged {
            account,
            person: owner,
        }),
        Event::PictureFailed {
            owner,
            reason,
            again,
        } => Notification::PictureFailed(PictureFailed {
            account,
            person: owner,
            reason,
            again,
        }),
        _ => return None,
    })
}

/// Whether a notification that waits was brought up to date by this one, so that it need not wait
/// too: how far a file is, when nothing else was said of the file since.
pub(super) fn is_outdone(waiting: &mut VecDeque<Notification>, new: &Notification) -> bool {
    let Notification::FileProgress(new) = new else {
        return false;
    };
    let last = waiting.iter_mut().rev().find(|told| match told {
        Notification::FileProgress(told) => {
            (told.message_id, told.index) == (new.message_id, new.index)
        }
        Notification::FileDone(told) => {
            (told.message_id, told.index) == (new.message_id, new.index)
        }
        Notification::FileFailed(told) => {
            (told.message_id, told.index) == (new.message_id, new.index)
        }
        _ => false,
    });
    match last {
        Some(Notification::FileProgress(told)) if told.upload == new.upload => {
            told.clone_from(new);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use session_store::MessageId;

    use super::*;

    fn account() -> AccountId {
        AccountId::from_x25519([1; 32].into())
    }

    fn progress(index: u32, done: u64) -> Notification {
        let event = Event::FileProgress {
            message_id: MessageId::new(7),
            index,
            upload: false,
            done,
            total: 100,
        };
        told(account(), event).unwrap()
    }

    #[test]
    fn how_far_a_file_is_waits_once_and_never_after_its_end() {
        let mut waiting = VecDeque::new();
        let mut tell = |new: Notification| {
            if !is_outdone(&mut waiting, &new) {
                waiting.push_back(new);
            }
        };
        let failed = Event::FileFailed {
            message_id: MessageId::new(7),
            index: 0,
            upload: false,
            reason: "no path".to_owned(),
            again: true,
        };
        let failed = told(account(), failed).unwrap();
        tell(progress(0, 10));
        tell(progress(1, 5));
        tell(progress(0, 60));
        tell(failed.clone());
        tell(progress(0, 20));
        tell(progress(0, 30));
        tell(progress(1, 90));
        let expected = [progress(0, 60), progress(1, 90), failed, progress(0, 30)];
        assert_eq!(waiting, expected);
    }
}
