//! No query of a growing table may read all of it: checked on the plans SQLite makes.

use rusqlite::Connection;

use crate::secret::DatabaseKey;
use crate::{history, incoming, outgoing, schema};

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let count = statement.parameter_count();
    statement
        .query_map(rusqlite::params_from_iter(vec![1i64; count]), |row| {
            row.get(3)
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn database() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let key = DatabaseKey::generate().unwrap();
    let connection = schema::create(&folder.path().join("a.db"), &key).unwrap();
    (folder, connection)
}

#[test]
fn history_walks_its_index_without_sorting() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, &history::history_sql(false)),
        ["SEARCH m USING INDEX messages_by_time (conversation=?)"]
    );
    let before = plan(&connection, &history::history_sql(true));
    assert_eq!(
        before,
        [
            "SEARCH m USING INDEX messages_by_time (conversation=? AND sent_at<?)",
            "SCALAR SUBQUERY 1",
            "SEARCH b USING INTEGER PRIMARY KEY (rowid=?)",
            "REUSE SUBQUERY 1",
        ]
    );
}

#[test]
fn jobs_are_found_by_their_indexes() {
    let (_folder, connection) = database();
    for sql in [outgoing::DUE_JOBS, outgoing::NEXT_JOB] {
        let plan = plan(&connection, sql);
        let has = |wanted: &str| plan.iter().any(|step| step == wanted);
        assert!(
            has("SEARCH f USING COVERING INDEX outbox_by_recipient"),
            "{plan:#?}"
        );
        assert!(
            has("SEARCH n USING COVERING INDEX outbox_by_recipient (recipient>?)"),
            "{plan:#?}"
        );
        assert!(
            has("SEARCH e USING COVERING INDEX outbox_by_recipient (recipient=?)"),
            "{plan:#?}"
        );
        assert!(
            has("SEARCH o USING INTEGER PRIMARY KEY (rowid=?)"),
            "{plan:#?}"
        );
        assert!(
            plan.iter()
                .all(|step| !step.starts_with("SCAN") || step == "SCAN swarm")
        );
    }
}

#[test]
fn duplicates_are_found_by_unique_indexes() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, incoming::SEEN),
        ["SEARCH seen USING PRIMARY KEY (namespace=? AND hash=?)"]
    );
    assert_eq!(
        plan(&connection, incoming::BY_SENDER),
        ["SEARCH messages USING INDEX messages_by_sender (sender=? AND sent_at=?)"]
    );
}

#[test]
fn conversations_read_no_more_than_their_own_table() {
    let (_folder, connection) = database();
    let plan = plan(&connection, &history::conversations_sql());
    let scans: Vec<_> = plan
        .iter()
        .filter(|step| step.starts_with("SCAN"))
        .collect();
    assert_eq!(scans, ["SCAN c"], "{plan:?}");
    assert!(
        plan.iter()
            .any(|step| step.contains("INDEX messages_unread (conversation=?")),
        "{plan:?}"
    );
}
