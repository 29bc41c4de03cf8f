//! The rows: what is measured, what the reference needs for it, and what we aim at.
//!
//! The reference is the C++ storage server 2.8 on another machine of this size (2 virtual cores),
//! with TLS 1.3 keep-alive, 32 connections, signed requests, 1 KiB messages in namespace 0 of 200
//! accounts.

use crate::requests::Case;

/// One row of requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// For `--only`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) case: Case,
    pub(super) nodes: u16,
    pub(super) message_bytes: u32,
    /// Requests per second of the open loop.
    pub(super) moderate: Option<u32>,
    pub(super) reference: Reference,
    /// Processor time we aim at, in ms.
    pub(super) goal_ms: Option<f64>,
}

/// What the reference needs.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(super) struct Reference {
    pub(super) requests_per_second: &'static str,
    pub(super) latency_ms: &'static str,
    pub(super) cpu_ms: &'static str,
    /// At the moderate rate.
    pub(super) moderate_ms: &'static str,
}

const fn reference(
    requests_per_second: &'static str,
    latency_ms: &'static str,
    cpu_ms: &'static str,
    moderate_ms: &'static str,
) -> Reference {
    Reference {
        requests_per_second,
        latency_ms,
        cpu_ms,
        moderate_ms,
    }
}

pub(super) const ROWS: [Row; 13] = [
    Row {
        name: "info",
        title: "`info`",
        case: Case::Info,
        nodes: 1,
        message_bytes: 1024,
        moderate: None,
        reference: reference("32 600", "3.7 / 6.4", "0.037", "–"),
        goal_ms: Some(0.025),
    },
    Row {
        name: "handshake",
        title: "full TLS handshake + `info`",
        case: Case::Handshake,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(300),
        reference: reference("1 710", "8.7 / 16", "0.64–0.74", "2.5 / 7.1"),
        goal_ms: Some(0.15),
    },
    Row {
        name: "resumption",
        title: "resumed handshake + `info`",
        case: Case::Resumption,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(400),
        reference: reference("3 140", "4.7 / 9.7", "0.36–0.48", "2.0 / 4.2"),
        goal_ms: Some(0.12),
    },
    Row {
        name: "store",
        title: "store 1 KiB",
        case: Case::Store,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(1500),
        reference: reference("5 200–5 900", "4.3–4.9 / 13", "0.21–0.24", "1.8 / 12.5"),
        goal_ms: Some(0.075),
    },
    Row {
        name: "store-50k",
        title: "store 50 KiB",
        case: Case::Store,
        nodes: 1,
        message_bytes: 51_200,
        moderate: Some(300),
        reference: reference("1 160", "30 / 45", "1.1", "2.4 / 10.7"),
        goal_ms: Some(0.4),
    },
    Row {
        name: "retrieve",
        title: "signed retrieve of 10",
        case: Case::Retrieve,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(1500),
        reference: reference("5 200", "6.0 / 9.1", "0.33–0.37", "1.7 / 5.6"),
        goal_ms: Some(0.11),
    },
    Row {
        name: "batch",
        title: "batch of 5 signed retrieves of 10",
        case: Case::Batch,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(500),
        reference: reference("1 550", "20 / 26", "1.18–1.27", "2.7 / 5.6"),
        goal_ms: Some(0.40),
    },
    Row {
        name: "idle-poll",
        title: "idle poll, 5 signed retrieves",
        case: Case::IdlePoll,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(800),
        reference: reference("2 660", "11.7 / 18.8", "0.68–0.73", "2.2 / 7.3"),
        goal_ms: Some(0.23),
    },
    Row {
        name: "onion-store",
        title: "onion store, one hop",
        case: Case::OnionStore,
        nodes: 1,
        message_bytes: 1024,
        moderate: Some(1000),
        reference: reference("3 600–3 850", "7.1 / 14.5", "0.33–0.36", "1.6 / 7.9"),
        goal_ms: Some(0.14),
    },
    Row {
        name: "swarm-store",
        title: "store, swarm of 5, over all five",
        case: Case::Store,
        nodes: 5,
        message_bytes: 1024,
        moderate: Some(300),
        reference: reference("1 110–1 200", "26 / 51–78", "1.41–1.45", "2.7 / 11–13"),
        goal_ms: Some(0.29),
    },
    Row {
        name: "onion-store3",
        title: "onion store, three hops, swarm of 5",
        case: Case::OnionStore3,
        nodes: 5,
        message_bytes: 1024,
        moderate: Some(200),
        reference: reference("880–890", "36 / 63", "2.01–2.04", "3.6 / 13"),
        goal_ms: Some(0.50),
    },
    Row {
        name: "onion-retrieve3",
        title: "onion retrieve of 10, three hops, swarm of 5",
        case: Case::OnionRetrieve3,
        nodes: 5,
        message_bytes: 1024,
        moderate: Some(400),
        reference: reference("1 500–1 580", "21 / 32–40", "1.15", "2.7–3.3 / 6"),
        goal_ms: Some(0.40),
    },
    Row {
        name: "relayed-hop",
        title: "relayed onion hop, middle node only",
        case: Case::RelayedHop,
        nodes: 3,
        message_bytes: 1024,
        moderate: None,
        reference: reference("–", "–", "0.22–0.30", "–"),
        // 8000 per second and core.
        goal_ms: Some(0.125),
    },
];

/// Names of the rows that are not about requests.
pub(super) const MEMORY: &str = "memory";
pub(super) const START: &str = "start";
pub(super) const EXPIRY: &str = "expiry";
pub(super) const OVERLOAD: &str = "overload";
pub(super) const FIGURES: [&str; 4] = [MEMORY, START, EXPIRY, OVERLOAD];

/// The p99 we aim at for every row at its moderate rate, in ms.
pub(super) const GOAL_P99_MS: f64 = 8.0;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_are_told_apart_by_name() {
        let names: BTreeSet<_> = ROWS.iter().map(|row| row.name).chain(FIGURES).collect();
        assert_eq!(names.len(), ROWS.len() + FIGURES.len());
        for row in ROWS {
            let needed = row.case.hops().unwrap_or(1);
            assert!(usize::from(row.nodes) >= needed, "{}", row.name);
            // What the reference did at a moderate rate is compared with the same rate here.
            let compared = row.reference.moderate_ms != "–";
            assert_eq!(row.moderate.is_some(), compared, "{}", row.name);
        }
    }
}
