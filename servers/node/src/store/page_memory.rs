//! Pages that were read lately: devices ask for the same one every few seconds, and most of the
//! time nothing has come since.
//!
//! A page is remembered with the mark its owner had before it was read. Whatever changes an
//! owner's messages moves the owner's mark once it is committed and before anybody is told, so a
//! page whose mark is still the same is what the file would give. Pages that are out of date are
//! not looked for; they give way to others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use session_storage_rpc::SharedPart as _;
use session_types::SwarmPubkey;

use super::{Page, PageRequest, StoredMessage};

/// Marks; owners share them. A change then puts pages of others out of date as well, which costs
/// a look into the file.
const MARKS: usize = 16 * 1024;

/// What all pages may take.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Larger pages are not remembered.
const MAX_PAGE_BYTES: u64 = 256 * 1024;

/// What a page or a message takes besides its content, about.
const OVERHEAD: u64 = 200;

/// How many pages there may be, for the size of tables.
const EXPECTED_PAGES: usize = 16 * 1024;

/// Which file a page is read from: the first, or the one that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileNumber(u32);

/// Which mark is somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarkIndex(usize);

impl MarkIndex {
    /// Of an owner in the file, by number. Moves with the owner's messages, and when the owner
    /// goes.
    pub(super) fn of_owner(owner: i64) -> Self {
        Self(usize::try_from(owner.unsigned_abs()).unwrap_or(0) % MARKS)
    }

    /// Of somebody who is not in the file. Moves with the first message.
    pub(super) fn of_stranger(stranger: &SwarmPubkey) -> Self {
        Self(usize::try_from(stranger.position().get()).unwrap_or(0) % MARKS)
    }
}

/// When a page was read: whose, and how that mark stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    file: FileNumber,
    index: MarkIndex,
    mark: u32,
}

#[derive(Clone)]
struct Remembered {
    moment: Moment,
    page: Arc<Page>,
}

#[derive(Clone)]
struct Size;

impl Weighter<PageRequest, Remembered> for Size {
    fn weight(&self, _: &PageRequest, remembered: &Remembered) -> u64 {
        bytes_of(&remembered.page)
    }
}

/// With the text of its answer.
fn bytes_of(page: &Page) -> u64 {
    let sizes = page.messages.iter().map(|message: &StoredMessage| {
        u64::try_from(message.data.len()).map_or(u64::MAX, |data| data.saturating_add(OVERHEAD))
    });
    let text = u64::try_from(page.json_size()).unwrap_or(u64::MAX);
    sizes.fold(OVERHEAD.saturating_add(text), u64::saturating_add)
}

impl Page {
    /// Whether it is small enough to be remembered.
    pub(super) fn is_remembered(&self) -> bool {
        bytes_of(self) <= MAX_PAGE_BYTES
    }
}

/// The pages and the marks, shared by the writer and the readers.
pub(super) struct PageMemory {
    pages: Cache<PageRequest, Remembered, Size>,
    marks: Box<[AtomicU32]>,
    file: AtomicU32,
}

impl Default for PageMemory {
    fn default() -> Self {
        Self {
            pages: Cache::with_weighter(EXPECTED_PAGES, MAX_BYTES, Size),
            marks: (0..MARKS).map(|_| AtomicU32::new(0)).collect(),
            file: AtomicU32::new(0),
        }
    }
}

impl PageMemory {
    /// The page, if it was read lately and its owner's messages are still the same.
    pub(super) fn get(&self, request: &PageRequest) -> Option<Arc<Page>> {
        let Remembered { moment, page } = self.pages.get(request)?;
        (self.moment(self.file(), moment.index) == moment).then_some(page)
    }

    /// The file a connection that is chosen from now on reads.
    pub(super) fn file(&self) -> FileNumber {
        FileNumber(self.file.load(Ordering::SeqCst))
    }

    /// The moment of a page that is going to be read.
    pub(super) fn moment(&self, file: FileNumber, index: MarkIndex) -> Moment {
        Moment {
            file,
            index,
            mark: self.mark(index).load(Ordering::SeqCst),
        }
    }

    /// Remembers a page that was read after that moment.
    pub(super) fn remember(&self, request: PageRequest, moment: Moment, page: &Arc<Page>) {
        if page.is_remembered() {
            let page = Arc::clone(page);
            self.pages.insert(request, Remembered { moment, page });
        }
    }

    /// Something of theirs has changed.
    pub(super) fn changed(&self, indexes: &[MarkIndex]) {
        for index in indexes {
            self.mark(*index).fetch_add(1, Ordering::SeqCst);
        }
    }

    /// There is another file.
    pub(super) fn forget(&self) {
        self.file.fetch_add(1, Ordering::SeqCst);
        self.pages.clear();
    }

    fn mark(&self, index: MarkIndex) -> &AtomicU32 {
        #[expect(
            clippy::indexing_slicing,
            reason = "an index is below the number of marks"
        )]
        &self.marks[index.0]
    }
}

impl fmt::Debug for PageMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageMemory").finish_non_exhaustive()
    }
}
