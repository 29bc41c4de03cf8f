//! What front ends show: the list of conversations and the messages of one, ready to be drawn,
//! and what changes in them as operations on lists.
//!
//! Everything is read from the account's database through a [`Reader`]; nothing here writes. A
//! view is opened, shown, and refreshed when [`Live::note`] says that an event may concern it.
//! Between two states of a view there are [`Op`]s: applied to what is shown they give what is to
//! be shown.

mod build;
mod conversation;
mod diff;
mod draft;
mod excerpt;
mod item;
mod list;
mod live;
mod person;
mod reader;
pub mod schema;
mod spans;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod timer;
mod window;

pub use conversation::{
    ConversationItem, ConversationKind, LastMessage, NotifyMode, RequestState, ShownKind,
};
pub use diff::{BadOp, Op, Row, apply, diff};
pub use draft::{Draft, DraftFile};
pub use item::{
    Delivery, FileStatus, FileView, InvitationView, ItemContent, MessageItem, Notice, NoticeItem,
    PreviewView, QuoteState, QuoteView, ReactionView, TimelineItem,
};
pub use list::{ConversationList, Filter};
pub use live::{Dirty, Live};
pub use person::{Avatar, Person};
pub use reader::Reader;
pub use spans::{Span, spans};
pub use text::Text;
pub use timeline::{Around, DayOf, Direction, Timeline};
pub use timer::Timer;
