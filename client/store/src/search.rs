//! Finding messages by their words.

use core::fmt::Write as _;

use rusqlite::params;
use session_types::AccountId;

use crate::rows::MessageRow;
use crate::store::list;
use crate::{Store, StoreError};

/// First character of the word that stands for a conversation, as the triggers of the index
/// write it; no letter of any script.
const PLACE: char = '\u{e000}';

/// In the order of ids, which the index is in as well: it stops after the first `?2`.
pub(crate) fn search_sql() -> String {
    format!(
        "SELECT {} FROM message_words w JOIN messages m ON m.id = w.rowid
         WHERE w.message_words MATCH ?1 ORDER BY w.rowid DESC LIMIT ?2",
        MessageRow::COLUMNS
    )
}

impl Store {
    /// Messages that hold all words of `words`, of the last one at least the beginning, in any
    /// order; accents and case do not matter. In one conversation, or in all. At most `limit`,
    /// those that came here last first.
    ///
    /// A word is a run of letters and digits; scripts without spaces between words are found by
    /// the beginning of such a run only.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search(
        &self,
        words: &str,
        within: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<MessageRow>, StoreError> {
        let Some(expression) = expression(words, within) else {
            return Ok(Vec::new());
        };
        let values = params![expression, limit];
        list(&self.connection, &search_sql(), values, |row| {
            MessageRow::read(row, 0)
        })
    }
}

/// What a person typed as an expression of the search engine: every word quoted, the last one
/// open at its end.
fn expression(words: &str, within: Option<&AccountId>) -> Option<String> {
    let quoted: Vec<String> = words
        .split(|c| !is_of_word(c))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{word}\""))
        .collect();
    if quoted.is_empty() {
        return None;
    }
    let mut expression = format!("body : ({}*)", quoted.join(" "));
    if let Some(id) = within {
        // Writing to a string cannot fail.
        let _ = write!(expression, " AND place : \"{PLACE}{}\"", id.to_hex());
    }
    Some(expression)
}

/// Accents may be characters of their own.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use session_types::Timestamp;
    use zeroize::Zeroizing;

    use super::*;
    use crate::keyring::Unavailable;
    use crate::{Effect, KeyKeeping, MessageId, NewAccount, NewMessage, NewOutgoing, Profile};

    fn store(data_dir: &std::path::Path) -> Store {
        let account = NewAccount {
            seed: Zeroizing::new([0x17; 16]),
            account_id: person(1),
            display_name: String::new(),
            network: String::new(),
            file_server: None,
            created_at: Timestamp::from_ms(1),
        };
        Profile::with_keyring(data_dir, Box::new(Unavailable))
            .create(&account, KeyKeeping::File, None)
            .unwrap()
    }

    fn person(number: u8) -> AccountId {
        AccountId::from_x25519([number; 32].into())
    }

    fn write(store: &mut Store, to: u8, text: &str) -> MessageId {
        let new = NewOutgoing {
            conversation: person(to),
            message: NewMessage::text(text),
            now: Timestamp::from_ms(1),
            time_unsure: false,
        };
        store.queue_outgoing(&new).unwrap().id
    }

    /// Whether the index holds a word anywhere: as a word, or in the bytes of its tables.
    fn holds(store: &Store, word: &str) -> bool {
        let connection = &store.connection;
        connection
            .execute_batch(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words
                 USING fts5vocab ('main', 'message_words', 'row')",
            )
            .unwrap();
        let count =
            |sql: &str| -> i64 { connection.query_row(sql, [word], |row| row.get(0)).unwrap() };
        let listed = count("SELECT count(*) FROM temp.words WHERE term = ?1") > 0;
        // The index of a segment shortens a word by what it has in common with the one before.
        let written = count(
            "SELECT count(*) FROM message_words_data
             WHERE instr(block, CAST(substr(?1, 4) AS BLOB)) > 0",
        ) > 0;
        assert!(
            written || !listed,
            "the search for bytes finds what is there"
        );
        listed || written
    }

    /// The engine's own comparison of its index with the texts.
    fn check(store: &Store) {
        let sql = "INSERT INTO message_words (message_words, rank) VALUES ('integrity-check', 1)";
        store.connection.execute(sql, ()).unwrap();
        let found: String = store
            .connection
            .query_row("PRAGMA integrity_check", (), |row| row.get(0))
            .unwrap();
        assert_eq!(found, "ok");
    }

    #[test]
    fn no_word_of_a_removed_text_stays_in_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let now = Timestamp::from_ms(9);
        let removed = write(&mut store, 2, "the unspeakable and common words");
        let deleted = write(&mut store, 2, "the unmentionable");
        write(&mut store, 4, "the inconceivable");
        let many = store.atomically(|store| {
            for number in 0..1400 {
                let large = number % 7 == 0;
                let text = if large { "unimaginable" } else { "common" };
                write(
                    store,
                    if large { 5 } else { 3 },
                    &format!("{text} words, number {number}"),
                );
            }
            Ok::<_, StoreError>(())
        });
        many.unwrap();
        check(&store);
        let gone = |store: &Store, word| {
            check(store);
            assert!(!holds(store, word), "{word}");
        };
        for word in [
            "unspeakable",
            "unmentionable",
            "inconceivable",
            "unimaginable",
        ] {
            assert!(holds(&store, word), "{word}");
        }
        store.remove_message(removed, now).unwrap();
        gone(&store, "unspeakable");
        let sent_at = store.message(deleted).unwrap().unwrap().sent_at;
        let own = person(1);
        let deletion = Effect::Deletion;
        store
            .apply_effect(&own, sent_at, &own, &deletion, now)
            .unwrap();
        gone(&store, "unmentionable");
        // A conversation that is small beside all others, then one that is large.
        store.clear_conversation(&person(4), now).unwrap();
        gone(&store, "inconceivable");
        store.clear_conversation(&person(5), now).unwrap();
        gone(&store, "unimaginable");
        assert_eq!(store.search("common", None, 2000).unwrap().len(), 1200);
        // The words of single messages are still taken out after that.
        let again = write(&mut store, 2, "an unspeakable word again");
        assert!(holds(&store, "unspeakable"));
        store.remove_message(again, now).unwrap();
        gone(&store, "unspeakable");
    }

    #[test]
    fn what_is_typed_is_no_expression_of_its_own() {
        assert_eq!(expression("  ", None), None);
        assert_eq!(expression("\"*^():-\u{301}\u{e000}", None), None);
        assert_eq!(
            expression("Grüße, NOT \"you\" OR a*", None).as_deref(),
            Some(r#"body : ("Grüße" "NOT" "you" "OR" "a"*)"#)
        );
        let id = AccountId::from_x25519([0xab; 32].into());
        assert_eq!(
            expression("cafe\u{301}s) OR place : x", Some(&id)).unwrap(),
            format!(
                "body : (\"cafe\u{301}s\" \"OR\" \"place\" \"x\"*) AND place : \"\u{e000}05{}\"",
                "ab".repeat(32)
            )
        );
    }
}
