//! Looking through shared files.

use session_types::Timestamp;

use super::SharedStorage;
use crate::FileId;
use crate::id::ContentCheck;
use crate::storage::{Content, Record, StorageError};
use crate::verify::{Stats, Verified};

/// Records looked at in one step.
const STEP: i64 = 1000;

impl SharedStorage {
    /// Counts what all servers keep.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, StorageError> {
        let mut stats = Stats::default();
        let mut after = None;
        loop {
            let page = self.0.records.page(after, STEP).await?;
            let Some((last, _)) = page.last() else {
                return Ok(stats);
            };
            after = Some(last.id);
            page.iter().for_each(|(record, _)| stats.add(record, now));
        }
    }

    /// Reads every file; `progress` hears how many were looked at and how many there are.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or content cannot be read.
    pub async fn verify(
        &self,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verified, StorageError> {
        let files = self.0.records.usage().await?.files;
        let mut verified = Verified::default();
        let mut looked_at = 0;
        let mut after = None;
        loop {
            let page = self.0.records.page(after, STEP).await?;
            let Some((last, _)) = page.last() else {
                break;
            };
            after = Some(last.id);
            for (record, _) in &page {
                self.look_at(record, &mut verified).await?;
                looked_at += 1;
                progress(looked_at, files.max(looked_at));
            }
        }
        verified.orphans = self.orphans().await?;
        Ok(verified)
    }

    async fn look_at(&self, record: &Record, verified: &mut Verified) -> Result<(), StorageError> {
        // Now: it may have been replaced or deleted since the step began.
        let Some((record, key)) = self.0.records.find(record.id).await? else {
            return Ok(());
        };
        if self.0.objects.size_of(key).await?.is_none() {
            let now = self.0.records.find(record.id).await?;
            if now.is_some_and(|(_, now)| now == key) {
                verified.missing += 1;
            }
            return Ok(());
        }
        let content = match self.0.objects.open(key, record.size).await {
            Ok(content) => content,
            Err(StorageError::Damaged) => {
                verified.damaged += 1;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if is_sound(record.id, content).await? {
            verified.files += 1;
            verified.bytes += record.size;
        } else {
            verified.damaged += 1;
        }
        Ok(())
    }

    /// Content without a record that is not just being uploaded.
    async fn orphans(&self) -> Result<u64, StorageError> {
        let mut orphans = 0;
        let mut content = self.0.objects.list();
        while let Some(old) = content.next(self.0.grace).await? {
            for keys in old.chunks(super::SWEEP_STEP) {
                let known = self.0.records.known(keys).await?;
                let without = keys.iter().filter(|key| !known.contains(*key)).count();
                orphans += u64::try_from(without).unwrap_or(u64::MAX);
            }
        }
        Ok(orphans)
    }
}

async fn is_sound(id: FileId, mut content: Box<dyn Content>) -> Result<bool, StorageError> {
    let mut check = ContentCheck::new(id);
    while let Some(part) = content.next().await? {
        check.update(&part);
    }
    Ok(check.is_right())
}
