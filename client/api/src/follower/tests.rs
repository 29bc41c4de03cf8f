//! What an account does is told when no call is being answered.

use core::time::Duration;

use serde_json::json;

use crate::{Connection, Notification, Session, SessionOptions};

async fn next(connection: &mut Connection) -> Notification {
    let next = tokio::time::timeout(Duration::from_secs(60), connection.next());
    next.await.unwrap().unwrap()
}

async fn next_diff(connection: &mut Connection) -> Notification {
    loop {
        let next = next(connection).await;
        if let Notification::ConversationsDiff(_) = next {
            return next;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_while_a_call_is_answered() {
    let home = tempfile::tempdir().unwrap();
    let session = Session::new(SessionOptions::new(home.path()));
    let mut first = session.connect();
    let new = json!({ "network": "http://127.0.0.1:9", "key_store": "file" });
    let made = first.call("accounts.create", new).await.unwrap();
    let account = &made["account"]["id"];
    let mut second = session.connect();
    let params = json!({ "account": account });
    for connection in [&first, &second] {
        let open = connection.call("conversations.open", params.clone());
        open.await.unwrap();
    }
    for n in 0..20 {
        // As if the first connection had a call under way.
        let inner = first.inner();
        let turn = inner.turn("messages.send", &params).await.come().await;
        assert!(turn.is_some());
        // What was told before.
        while first.try_next_outgoing().is_some() {}
        let draft = json!({ "account": account, "conversation": account, "text": n.to_string() });
        let set = second.call("conversations.set_draft", draft);
        set.await.unwrap();
        next_diff(&mut second).await;
        assert!(first.try_next_outgoing().is_none());
        drop(turn);
        let Notification::ConversationsDiff(diff) = next_diff(&mut first).await else {
            unreachable!()
        };
        assert_eq!(diff.seq, n + 1);
    }
    session.close().await;
}
