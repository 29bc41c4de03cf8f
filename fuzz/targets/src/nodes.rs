//! What nodes and seeds say: answers, node lists, messages of other nodes.

use core::fmt::Debug;

use serde_json::Value;
use session_storage_rpc::bulk;
use session_storage_rpc::monitor::{self as subscriptions, MonitorRequest, Notification};
use session_storage_rpc::node_list::{FieldSet, NodeListAnswer, NodeListQuery};
use session_storage_rpc::response::{
    Deleted, DeletedAll, DeletedBefore, Expired, ExpiredAll, ExpiriesResponse, IfElseResponse,
    InfoResponse, NodeResult, OxendResponse, Revoked, RevokedSubaccountsResponse, Stored,
    SwarmAnswer, Unrevoked,
};
use session_storage_rpc::stream::{StreamDecoder, StreamMessage, body};
use session_storage_rpc::{
    BatchResponse, NodeOutcome, ReadError, RetrieveResponse, StoreResponse, SwarmResponse, Tree,
    active_nodes as records,
};
use session_types::Timestamp;

use crate::actors::node;
use crate::reached::note_accepted;

/// JSON answers: what is read can be written, and then nothing changes any more.
pub fn rpc_responses(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    settled(
        &json,
        ExpiriesResponse::from_json,
        ExpiriesResponse::to_tree,
    );
    settled(&json, InfoResponse::from_json, InfoResponse::to_tree);
    settled(&json, OxendResponse::from_json, OxendResponse::to_tree);
    settled(&json, RetrieveResponse::from_json, |answer| {
        answer.clone().into_tree()
    });
    settled(
        &json,
        RevokedSubaccountsResponse::from_json,
        RevokedSubaccountsResponse::to_tree,
    );
    settled(&json, StoreResponse::from_json, StoreResponse::to_tree);
    settled(&json, SwarmResponse::from_json, SwarmResponse::to_tree);
    swarm_answer::<Deleted>(&json);
    swarm_answer::<DeletedAll>(&json);
    swarm_answer::<DeletedBefore>(&json);
    swarm_answer::<Expired>(&json);
    swarm_answer::<ExpiredAll>(&json);
    swarm_answer::<Revoked>(&json);
    swarm_answer::<Stored>(&json);
    swarm_answer::<Unrevoked>(&json);
    let _ = IfElseResponse::from_json(&json);
    if let Ok(batch) = BatchResponse::from_json(&json) {
        assert_eq!(
            BatchResponse::from_json(&batch.to_json()).as_ref(),
            Ok(&batch)
        );
        for result in &batch.results {
            let _ = (result.success(), result.redirect());
        }
    }
    if let Ok(stored) = StoreResponse::from_json(&json) {
        for (key, stored) in stored.successes() {
            let _ = stored.verify(key);
        }
    }
}

fn swarm_answer<T: NodeResult + Debug + PartialEq>(json: &Value) {
    settled(json, SwarmAnswer::<T>::from_json, SwarmAnswer::<T>::to_tree);
}

fn settled<T: Debug + PartialEq>(
    json: &Value,
    read: impl Fn(&Value) -> Result<T, ReadError>,
    write: impl Fn(&T) -> Tree,
) {
    if let Ok(answer) = read(json) {
        note_accepted();
        let written = write(&answer).to_json();
        let again = read(&written).expect("own answers are readable");
        assert_eq!(write(&again).to_json(), written);
        let _ = write(&answer).to_bt_bytes();
    }
}

/// A peer's answer to a request that was passed on, in bt: it is always an outcome.
pub fn rpc_peer_answers(data: &[u8]) {
    outcome::<Deleted>(data);
    outcome::<DeletedAll>(data);
    outcome::<DeletedBefore>(data);
    outcome::<Expired>(data);
    outcome::<ExpiredAll>(data);
    outcome::<Revoked>(data);
    outcome::<Stored>(data);
    outcome::<Unrevoked>(data);
    if let NodeOutcome::Done(stored) = NodeOutcome::<Stored>::from_peer_answer(data) {
        let _ = stored.verify(node(1).public());
    }
}

fn outcome<T: NodeResult + Debug + PartialEq>(data: &[u8]) {
    let outcome = NodeOutcome::<T>::from_peer_answer(data);
    if outcome.done().is_some() {
        note_accepted();
    }
    let written = outcome.to_peer_answer();
    let again = NodeOutcome::<T>::from_peer_answer(&written);
    assert_eq!(again.done().is_some(), outcome.done().is_some());
    assert_eq!(again.to_peer_answer(), written);
}

/// Messages on their way from node to node.
pub fn rpc_bulk(data: &[u8]) {
    if let Ok(messages) = bulk::decode(data) {
        note_accepted();
        let batches = bulk::encode(&messages, bulk::DEFAULT_BATCH_BYTES);
        let again: Vec<_> = batches
            .iter()
            .flat_map(|batch| bulk::decode(batch).expect("own batches are readable"))
            .collect();
        assert_eq!(again, messages);
    }
}

/// The list of nodes, and requests for it.
pub fn node_list(data: &[u8]) {
    if let Ok(answer) = NodeListAnswer::from_rpc_body(data) {
        note_accepted();
        let written = answer.to_rpc_body(&FieldSet::all(), None).to_string();
        let again = NodeListAnswer::from_rpc_body(written.as_bytes());
        assert_eq!(again.as_ref(), Ok(&answer));
    }
    let json = serde_json::from_slice::<Value>(data).ok();
    if let Ok(query) = NodeListQuery::from_json(json.as_ref())
        && let Ok(answer) = NodeListAnswer::from_rpc_body(data)
    {
        let _ = answer.nodes.iter().filter(|node| query.wants(node)).count();
        let _ = answer.to_result(&query.fields);
    }
}

/// The compact list: records of 51 bytes.
pub fn active_nodes(data: &[u8]) {
    match records::decode(data) {
        Ok(nodes) => {
            note_accepted();
            assert!(nodes.len() * records::RECORD_LEN <= data.len());
            let written = records::encode(nodes.iter().map(|(node, version)| (node, *version)));
            assert_eq!(records::decode(&written).as_ref(), Ok(&nodes));
            if written.len() == data.len() {
                assert_eq!(written, data);
            }
        }
        Err(_) => assert_ne!(data.len() % records::RECORD_LEN, 0),
    }
}

/// Subscriptions to new messages, their answers, and notifications: what is read can be written
/// and is the same again.
pub fn monitor(data: &[u8]) {
    if let Ok(MonitorRequest {
        registrations,
        list,
    }) = MonitorRequest::decode(data)
    {
        for registration in registrations.iter().flatten() {
            note_accepted();
            let again = MonitorRequest::decode(&registration.encode());
            let again = again.expect("it was written by us");
            assert_eq!(again.registrations, [Ok(registration.clone())]);
            let _ = registration.verify(Timestamp::from_ms(1_700_000_000_000));
        }
        let answers: Vec<_> = registrations
            .into_iter()
            .map(|registration| registration.map(|_| ()))
            .collect();
        let _ = MonitorRequest::encode_answers(list, &answers);
    }
    if let Ok(notification) = Notification::decode(data) {
        note_accepted();
        assert_eq!(
            Notification::decode(&notification.encode()),
            Ok(notification)
        );
    }
    let _ = subscriptions::decode_answer(data);
}

/// Messages on a QUIC stream. The first byte says how large the pieces are in which it arrives.
pub fn stream_messages(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let in_pieces = read_stream(stream.chunks(usize::from(*size).max(1)));
    let at_once = read_stream(core::iter::once(stream));
    assert_eq!(in_pieces, at_once, "the pieces do not matter");
    for message in &at_once.0 {
        note_accepted();
        let written = message.encode().expect("it was no longer when it came");
        let again = read_stream(core::iter::once(written.as_slice()));
        assert_eq!(again, (vec![message.clone()], false));
        if let StreamMessage::Error { body, .. } = message {
            let _ = body::read_failure(body);
        }
    }
}

/// The messages of a stream, and whether it ended in an error.
fn read_stream<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<StreamMessage>, bool) {
    let mut decoder = StreamDecoder::new();
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}
