//! No query of a growing table may read all of it: checked on the plans SQLite makes.

use rusqlite::Connection;

use crate::secret::DatabaseKey;
use crate::{
    attachments, conversations, drafts, effects, history, incoming, outgoing, reading, schema,
    search,
};

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
    assert_eq!(
        plan(&connection, &history::history_after_sql())[0],
        "SEARCH m USING INDEX messages_by_time (conversation=? AND sent_at>?)"
    );
    assert_eq!(
        plan(&connection, reading::NEWEST_RECEIVED),
        ["SEARCH messages USING INDEX messages_by_sender (sender=?)"]
    );
}

#[test]
fn what_is_unread_has_an_index_of_its_own() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, &reading::unread_sql()),
        [
            "SEARCH m USING INDEX messages_unread (conversation=? AND sent_at<?)",
            "USE TEMP B-TREE FOR LAST TERM OF ORDER BY"
        ]
    );
    assert_eq!(
        plan(&connection, reading::MARK_READ),
        ["SEARCH messages USING INDEX messages_unread (conversation=? AND sent_at<?)"]
    );
}

#[test]
fn what_disappears_has_an_index_of_its_own() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, reading::DISAPPEARING),
        ["SEARCH messages USING INDEX messages_disappearing (disappears_at>? AND disappears_at<?)"]
    );
    assert_eq!(
        plan(&connection, reading::NEXT_DISAPPEARING),
        ["SEARCH messages USING COVERING INDEX messages_disappearing (disappears_at>?)"]
    );
}

#[test]
fn a_search_asks_the_index_of_words_first() {
    let (_folder, connection) = database();
    let plan = plan(&connection, &search::search_sql());
    assert_eq!(plan.len(), 2, "no sorting: {plan:?}");
    assert!(
        plan[0].starts_with("SCAN w VIRTUAL TABLE INDEX"),
        "{plan:?}"
    );
    assert_eq!(plan[1], "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)");
}

#[test]
fn effects_are_found_by_their_message() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, effects::REACTIONS)[0],
        "SEARCH reactions USING PRIMARY KEY (message=?)"
    );
    for sql in [effects::EARLY, effects::FORGET_EARLY] {
        assert_eq!(
            plan(&connection, sql)[0],
            "SEARCH early_effects USING PRIMARY KEY (author=? AND sent_at=?)"
        );
    }
}

#[test]
fn clearing_reads_one_conversation_only() {
    let (_folder, connection) = database();
    let by_time = "SEARCH messages USING INDEX messages_by_time (conversation=?)";
    assert_eq!(plan(&connection, conversations::MARK_REMOVED), [by_time]);
    assert_eq!(
        plan(&connection, conversations::CLEAR_MESSAGES)[0],
        by_time.replace("INDEX", "COVERING INDEX")
    );
    let count = plan(&connection, conversations::COUNT);
    assert_eq!(count, [by_time.replace("INDEX", "COVERING INDEX")]);
    assert_eq!(
        plan(&connection, conversations::ABOUT_ALL),
        ["SEARCH messages"]
    );
    for sql in [conversations::CLEAR_JOBS, conversations::REMOVE_JOBS] {
        let plan = plan(&connection, sql);
        assert!(
            plan[0].ends_with("INDEX outbox_by_conversation (conversation=?)"),
            "{plan:?}"
        );
    }
}

#[test]
fn copies_of_one_conversation_are_found_by_their_messages() {
    let (_folder, connection) = database();
    let sql = format!(
        "SELECT count(*) FROM files WHERE {}",
        attachments::droppable(true)
    );
    let plan = plan(&connection, &sql);
    let has = |wanted: &str| plan.iter().any(|step| step.contains(wanted));
    assert!(
        has("INDEX messages_by_time (conversation=?") && has("INDEX files_by_message (message=?)"),
        "{plan:?}"
    );
    assert!(
        plan.iter().all(|step| !step.starts_with("SCAN")),
        "{plan:?}"
    );
}

#[test]
fn what_is_old_is_found_by_its_time() {
    let (_folder, connection) = database();
    for (sql, _) in incoming::PRUNE {
        let plan = plan(&connection, sql);
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH"), "{plan:?}");
        assert!(plan[0].contains("<?"), "{plan:?}");
    }
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
            has("SEARCH e USING COVERING INDEX outbox_by_recipient (recipient=? AND quiet=?)"),
            "{plan:#?}"
        );
        assert!(
            has("SEARCH o USING INTEGER PRIMARY KEY (rowid=?)"),
            "{plan:#?}"
        );
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")
            || ["SCAN swarm", "SCAN lane", "SCAN CONSTANT ROW"].contains(&step.as_str())));
    }
}

#[test]
fn jobs_of_a_message_and_those_that_wait_are_found_by_their_indexes() {
    let (_folder, connection) = database();
    let by_message = plan(&connection, outgoing::CANCEL_JOBS);
    assert_eq!(by_message.len(), 1);
    assert!(
        by_message[0].ends_with("INDEX outbox_by_message (message=?)"),
        "{by_message:?}"
    );
    assert_eq!(
        plan(&connection, outgoing::FREE_WAITING),
        ["SEARCH outbox USING INDEX outbox_waiting (waits_for=?)"]
    );
    let give_up = plan(&connection, outgoing::GIVE_UP);
    assert!(
        give_up.iter().all(|step| !step.starts_with("SCAN")),
        "{give_up:?}"
    );
    assert!(
        give_up
            .iter()
            .any(|step| step.contains("INDEX outbox_waiting (waits_for=?)")),
        "{give_up:?}"
    );
}

#[test]
fn sent_times_are_looked_up() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, outgoing::NEWEST_UNSURE),
        ["SEARCH messages USING COVERING INDEX messages_unsure"]
    );
    let used = plan(&connection, outgoing::TIME_USED);
    assert!(
        used.iter().all(|step| !step.starts_with("SCAN")),
        "{used:?}"
    );
    for wanted in [
        "INDEX messages_by_sender (sender=? AND sent_at=?)",
        "PRIMARY KEY (sender=? AND sent_at=?)",
    ] {
        assert!(used.iter().any(|step| step.ends_with(wanted)), "{used:?}");
    }
}

#[test]
fn duplicates_are_found_by_their_names() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(&connection, incoming::SEEN),
        ["SEARCH seen USING PRIMARY KEY (namespace=? AND hash=?)"]
    );
    let by_name = "INDEX messages_by_sender (sender=? AND sent_at=?)";
    for statement in [incoming::KNOWN, effects::MEANT] {
        let steps = plan(&connection, statement);
        assert!(
            steps.iter().any(|step| step.ends_with(by_name)),
            "{steps:?}"
        );
    }
    assert_eq!(
        plan(&connection, incoming::REMOVED),
        ["SEARCH removed_messages USING PRIMARY KEY (sender=? AND sent_at=?)"]
    );
}

#[test]
fn conversations_read_no_more_than_their_own_table() {
    let (_folder, connection) = database();
    let plan = plan(&connection, &conversations::conversations_sql(false));
    let scans: Vec<_> = plan
        .iter()
        .filter(|step| step.starts_with("SCAN"))
        .collect();
    assert_eq!(scans, ["SCAN c"], "{plan:?}");
    let drafts = plan.iter().filter(|step| step.contains(" d "));
    let drafts: Vec<_> = drafts.collect();
    assert_eq!(
        drafts,
        ["SEARCH d USING COVERING INDEX draft_files_by_conversation (conversation=?)"]
    );
    let pictures = plan.iter().filter(|step| step.contains(" p "));
    let pictures: Vec<_> = pictures.collect();
    assert_eq!(pictures, ["SEARCH p USING PRIMARY KEY (owner=?)"]);
    let unread = plan
        .iter()
        .filter(|step| step.ends_with("COVERING INDEX messages_unread (conversation=?)"));
    assert_eq!(
        unread.count(),
        2,
        "both counts, without a look at a message: {plan:?}"
    );
}

#[test]
fn one_conversation_is_looked_up() {
    let (_folder, connection) = database();
    let plan = plan(&connection, &conversations::conversations_sql(true));
    assert!(
        plan.iter().all(|step| !step.starts_with("SCAN")),
        "{plan:?}"
    );
}

#[test]
fn files_are_found_by_their_messages_and_by_what_they_wait_for() {
    let (_folder, connection) = database();
    assert_eq!(
        plan(
            &connection,
            &attachments::files_sql(attachments::OF_MESSAGE)
        ),
        [
            "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH f USING INDEX files_by_message (message=?)",
        ]
    );
    assert_eq!(
        plan(&connection, &drafts::files_sql(drafts::OF_DRAFT)),
        ["SEARCH d USING INDEX draft_files_by_conversation (conversation=?)"]
    );
    let wanted = plan(&connection, attachments::WANT_ALL);
    assert!(
        wanted.iter().all(|step| !step.starts_with("SCAN")),
        "{wanted:?}"
    );
    assert_eq!(
        plan(&connection, &attachments::files_sql(attachments::WAITING))[0],
        "SCAN f USING INDEX files_waiting"
    );
    assert_eq!(
        plan(&connection, attachments::USAGE_OF)[0],
        "SEARCH m USING COVERING INDEX messages_by_time (conversation=?)"
    );
}
