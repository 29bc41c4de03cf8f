//! What a file server counts.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicU64, Ordering};

use session_chassis::onion::OnionCounts;

use crate::storage::{Record, Usage};

/// Counters of a server; each only ever rises.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: Counter,
    pub(crate) rate_limited: Counter,
    pub(crate) busy: Counter,
    pub(crate) extensions: Counter,
    pub(crate) signed_queries: Counter,
    pub(crate) expired: Counter,
    pub(crate) swept_partial: Counter,
    pub(crate) swept_orphans: Counter,
    uploads: Counter,
    uploaded_bytes: Counter,
    downloads: Counter,
    downloaded_bytes: Counter,
}

impl Counters {
    pub(crate) fn uploaded(&self, record: &Record) {
        self.uploads.one();
        self.uploaded_bytes.add(record.size);
    }

    pub(crate) fn downloaded(&self, record: &Record) {
        self.downloads.one();
        self.downloaded_bytes.add(record.size);
    }

    pub(crate) fn snapshot(&self, usage: Usage, onion: OnionCounts) -> FilesMetrics {
        FilesMetrics {
            files: usage.files,
            bytes: usage.bytes,
            requests: self.requests.get(),
            uploads: self.uploads.get(),
            uploaded_bytes: self.uploaded_bytes.get(),
            downloads: self.downloads.get(),
            downloaded_bytes: self.downloaded_bytes.get(),
            extensions: self.extensions.get(),
            signed_queries: self.signed_queries.get(),
            rate_limited: self.rate_limited.get(),
            busy: self.busy.get().saturating_add(onion.busy),
            expired: self.expired.get(),
            swept_partial: self.swept_partial.get(),
            swept_orphans: self.swept_orphans.get(),
            onion_answered: onion.answered,
            onion_unreadable: onion.unreadable,
        }
    }
}

/// What a server counts; from its start unless stated otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[non_exhaustive]
pub struct FilesMetrics {
    /// Files kept, now.
    pub files: u64,
    /// Their bytes, now.
    pub bytes: u64,
    /// Requests, direct and out of onion requests.
    pub requests: u64,
    /// Uploads accepted.
    pub uploads: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Downloads begun.
    pub downloads: u64,
    /// The bytes of those files.
    pub downloaded_bytes: u64,
    /// Files whose life was extended.
    pub extensions: u64,
    /// Queries about versions that were signed.
    pub signed_queries: u64,
    /// Requests refused because one address made too many.
    pub rate_limited: u64,
    /// Requests refused because too much was going on.
    pub busy: u64,
    /// Files deleted because their time had come.
    pub expired: u64,
    /// Parts of uploads that crashes had left.
    pub swept_partial: u64,
    /// Content without a record that crashes had left.
    pub swept_orphans: u64,
    /// Onion requests answered.
    pub onion_answered: u64,
    /// Onion requests that could not be opened.
    pub onion_unreadable: u64,
}

impl FilesMetrics {
    /// As Prometheus reads it.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let rows = [
            ("files", "gauge", self.files),
            ("bytes", "gauge", self.bytes),
            ("requests_total", "counter", self.requests),
            ("uploads_total", "counter", self.uploads),
            ("uploaded_bytes_total", "counter", self.uploaded_bytes),
            ("downloads_total", "counter", self.downloads),
            ("downloaded_bytes_total", "counter", self.downloaded_bytes),
            ("extensions_total", "counter", self.extensions),
            ("signed_queries_total", "counter", self.signed_queries),
            ("rate_limited_total", "counter", self.rate_limited),
            ("busy_total", "counter", self.busy),
            ("expired_total", "counter", self.expired),
            ("swept_partial_total", "counter", self.swept_partial),
            ("swept_orphans_total", "counter", self.swept_orphans),
            ("onion_answered_total", "counter", self.onion_answered),
            ("onion_unreadable_total", "counter", self.onion_unreadable),
        ];
        let mut text = String::new();
        for (name, kind, value) in rows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "# TYPE session_files_{name} {kind}");
            let _ = writeln!(text, "session_files_{name} {value}");
        }
        text
    }
}

/// One rising number.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_shows_what_there_is() {
        let text = FilesMetrics::default().prometheus();
        let known: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_suffix(" 0"))
            .collect();
        let dashboard = include_str!("../../../dist/grafana-session-files.json");
        let is_of_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let mut shown = Vec::new();
        for part in dashboard.split("session_files_").skip(1) {
            let name: String = part.chars().take_while(|c| is_of_name(*c)).collect();
            shown.push(format!("session_files_{name}"));
        }
        for name in &shown {
            assert!(known.contains(&name.as_str()), "{name}");
        }
        for name in known {
            assert!(
                shown.iter().any(|other| other == name),
                "{name} is not shown"
            );
        }
    }
}
