//! Looking through shared files.

use std::sync::Arc;

use session_types::Timestamp;

use super::{Shared, SharedStorage};
use crate::FileId;
use crate::id::ContentHasher;
use crate::local::blocking;
use crate::storage::{Content as _, Record, StorageError};
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
            let page = self.0.database.page(after, STEP).await?;
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
        let files = self.0.database.usage().await?.files;
        let mut verified = Verified::default();
        let mut looked_at = 0;
        let mut after = None;
        loop {
            let page = self.0.database.page(after, STEP).await?;
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
        let Some((record, key)) = self.0.database.find(record.id).await? else {
            return Ok(());
        };
        let shared = Arc::clone(&self.0);
        if blocking(move || Ok(shared.objects.size_of(key)?))
            .await?
            .is_none()
        {
            if self
                .0
                .database
                .find(record.id)
                .await?
                .is_some_and(|(_, now)| now == key)
            {
                verified.missing += 1;
            }
            return Ok(());
        }
        let shared = Arc::clone(&self.0);
        let content = match blocking(move || shared.objects.open(key, record.size)).await {
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
        let shared = Arc::clone(&self.0);
        for prefix in blocking(move || Ok(shared.objects.prefixes()?)).await? {
            let shared = Arc::clone(&self.0);
            let old = blocking(move || old(&shared, &prefix)).await?;
            for keys in old.chunks(super::SWEEP_STEP) {
                let known = self.0.database.known(keys).await?;
                let without = keys.iter().filter(|key| !known.contains(*key)).count();
                orphans += u64::try_from(without).unwrap_or(u64::MAX);
            }
        }
        Ok(orphans)
    }
}

fn old(shared: &Shared, prefix: &std::path::Path) -> Result<Vec<super::ObjectKey>, StorageError> {
    Ok(shared.objects.older_than(prefix, shared.grace)?)
}

async fn is_sound(
    id: FileId,
    mut content: crate::local::LocalContent,
) -> Result<bool, StorageError> {
    let mut hasher = ContentHasher::new();
    while let Some(part) = content.next().await? {
        hasher.update(&part);
    }
    Ok(match id {
        FileId::Content(_) => hasher.id() == id,
        FileId::Number(_) => true,
    })
}
