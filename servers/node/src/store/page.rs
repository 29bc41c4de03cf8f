//! Pages of a mailbox, in the order in which messages arrived (docs/protocol/node.md section 9.3).

use std::sync::{Arc, OnceLock};

use rusqlite::{Row, Statement, params};
use session_storage_rpc::response::RetrievedMessage;
use session_storage_rpc::{Retrieve, SharedPart, Tree};
use session_types::{MessageHash, Namespace, SwarmPubkey};

use super::database::Database;
use super::messages::{known_owner, row_in, time};
use super::page_memory::{MarkIndex, Moment};
use super::schema::Form;
use super::{Store, StoreError, StoredMessage, hashes};

/// Which rows a `retrieve` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PageRequest {
    pub(crate) owner: SwarmPubkey,
    pub(crate) namespace: Namespace,
    pub(crate) last_hash: Option<MessageHash>,
    pub(crate) max_count: Option<u64>,
    /// Limit of the accounted size (docs/protocol/node.md section 9.3).
    pub(crate) max_size: u64,
}

/// The rows of one `retrieve`.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<StoredMessage>,
    /// Rows were left out.
    pub(crate) more: bool,
    /// The messages as they stand in an answer, once somebody asked for JSON. Pages that are too
    /// large to be remembered go without.
    json: OnceLock<Box<[u8]>>,
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        (&self.messages, self.more) == (&other.messages, other.more)
    }
}

/// What a message takes in an answer besides its data, in JSON: names, hash and times.
const JSON_OVERHEAD: usize = 160;

impl SharedPart for Page {
    fn tree(&self) -> Tree {
        RetrievedMessage::list(self.messages.iter().map(|message| RetrievedMessage {
            hash: message.hash.clone(),
            timestamp: message.timestamp,
            expiration: message.expiry,
            data: message.data.clone(),
        }))
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        if self.is_remembered() {
            let json = || self.tree().to_json_bytes().into_boxed_slice();
            out.extend_from_slice(self.json.get_or_init(json));
        } else {
            self.tree().write_json(out);
        }
    }

    fn json_size(&self) -> usize {
        let sizes = self.messages.iter().map(|message| {
            let data = message.data.len().div_ceil(3).saturating_mul(4);
            data.saturating_add(JSON_OVERHEAD)
        });
        sizes.fold(2, usize::saturating_add)
    }
}

impl Store {
    /// One page of a mailbox.
    pub(crate) async fn page(&self, request: PageRequest) -> Result<Arc<Page>, StoreError> {
        if let Some(page) = self.pages.get(&request) {
            return Ok(page);
        }
        let pages = Arc::clone(&self.pages);
        let file = pages.file();
        self.read(move |conn| {
            let (page, moment) = read(conn, &request, |place| pages.moment(file, place))?;
            let page = Arc::new(page);
            pages.remember(request, moment, &page);
            Ok(page)
        })
        .await
    }
}

/// One page of a mailbox, and a moment before it was read.
fn read(
    conn: &Database,
    request: &PageRequest,
    moment: impl Fn(MarkIndex) -> Moment,
) -> rusqlite::Result<(Page, Moment)> {
    loop {
        // Before anything is read: what changes in between must not go unnoticed.
        let without = moment(MarkIndex::of_stranger(&request.owner));
        let Some(owner) = known_owner(conn, &request.owner)? else {
            return Ok((Page::default(), without));
        };
        let moment = moment(MarkIndex::of_owner(owner));
        let after = match &request.last_hash {
            Some(hash) => row_in(conn, hash, owner, Some(request.namespace))?.unwrap_or(0),
            None => 0,
        };
        let recent = conn
            .recent()
            .of_owner(owner, Some(request.namespace), after);
        // From here on of one moment: nobody must see a message and not the one before it.
        let _snapshot = conn.snapshot()?;
        // An owner that goes and comes again has another number, and another may have this one.
        if known_owner(conn, &request.owner)? == Some(owner) {
            let page = fill(conn, request, owner, after, recent)?;
            return Ok((page, moment));
        }
    }
}

/// The page of an owner's messages behind a row. Those that are not listed yet are given.
fn fill(
    conn: &Database,
    request: &PageRequest,
    owner: i64,
    after: i64,
    recent: Vec<i64>,
) -> rusqlite::Result<Page> {
    let mut recent = recent.into_iter().peekable();
    let mut listed = conn.prepare_cached(match conn.form() {
        Form::One => {
            "SELECT id, hash, timestamp, expiry, length(data), data FROM messages
             WHERE owner = ?1 AND namespace = ?2 AND id > ?3 ORDER BY id"
        }
        Form::Two => {
            "SELECT messages.id, hash, timestamp, expiry, length(data), data FROM by_owner
             CROSS JOIN messages ON messages.id = by_owner.id
             WHERE by_owner.owner = ?1 AND by_owner.namespace = ?2 AND by_owner.id > ?3
             ORDER BY by_owner.id"
        }
    })?;
    let mut single = conn.prepare_cached(
        "SELECT id, hash, timestamp, expiry, length(data), data FROM messages WHERE id = ?1",
    )?;
    let mut page = PageInProgress {
        request,
        size: 0,
        page: Page::default(),
    };
    let mut rows = listed.query(params![owner, request.namespace.get(), after])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        while let Some(earlier) = recent.next_if(|other| *other < id) {
            if !page.take_single(&mut single, earlier)? {
                return Ok(page.page);
            }
        }
        recent.next_if_eq(&id);
        if !page.take(row)? {
            return Ok(page.page);
        }
    }
    for id in recent {
        if !page.take_single(&mut single, id)? {
            break;
        }
    }
    Ok(page.page)
}

/// A page that is being filled.
struct PageInProgress<'a> {
    request: &'a PageRequest,
    size: u64,
    page: Page,
}

impl PageInProgress<'_> {
    /// Takes a row. Returns whether there may be room for another.
    fn take(&mut self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let (request, page) = (self.request, &mut self.page);
        let count = u64::try_from(page.messages.len()).unwrap_or(u64::MAX);
        if request.max_count.is_some_and(|max| count >= max) {
            page.more = true;
            return Ok(false);
        }
        let length = usize::try_from(row.get::<_, i64>(4)?).unwrap_or(0);
        self.size = self
            .size
            .saturating_add(Retrieve::row_cost(MessageHash::LEN, length));
        if self.size > request.max_size && !page.messages.is_empty() {
            page.more = true;
            return Ok(false);
        }
        page.messages.push(StoredMessage {
            owner: request.owner,
            namespace: request.namespace,
            hash: hashes::read(row, 1)?,
            timestamp: time(row, 2)?,
            expiry: time(row, 3)?,
            data: row.get(5)?,
        });
        Ok(true)
    }

    /// Takes the row with this number, if it is there.
    fn take_single(&mut self, single: &mut Statement<'_>, id: i64) -> rusqlite::Result<bool> {
        let mut rows = single.query([id])?;
        match rows.next()? {
            Some(row) => self.take(row),
            None => Ok(true),
        }
    }
}
