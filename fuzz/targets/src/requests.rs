//! Requests to storage nodes, in every form they arrive in.

use session_storage_rpc::{
    CheckContext, Encoding, HardFork, Method, Origin, Reply, Request, RpcError,
};

use crate::actors::NOW;
use crate::reached::note_accepted;

/// The body of an HTTPS request, which is also the payload of an onion request.
pub fn rpc_json_body(data: &[u8]) {
    examine(Request::from_json_body(data).map(|request| (request, Encoding::Json)));
}

/// Parameters in either encoding; the first byte chooses the method.
pub fn rpc_params(data: &[u8]) {
    if let Some((method, params)) = method_of(data) {
        examine(Request::from_params(method.name(), params));
    }
}

/// A request another node passes on; the first byte chooses the method.
pub fn rpc_forwarded(data: &[u8]) {
    let Some((method, params)) = method_of(data) else {
        return;
    };
    let request = Request::from_forwarded(method.name(), params);
    if let Ok(request) = &request {
        assert!(method.is_recursive());
        // It goes on as it was understood.
        let passed_on = request.to_forward_bt().expect("it came this way");
        let again = Request::from_forwarded(method.name(), &passed_on);
        assert_eq!(again.map(for_peers), Ok(for_peers(request.clone())));
    }
    examine(request.map(|request| (request, Encoding::Bt)));
}

fn method_of(data: &[u8]) -> Option<(Method, &[u8])> {
    let (choice, params) = data.split_first()?;
    let method = Method::ALL[usize::from(*choice) % Method::ALL.len()];
    Some((method, params))
}

/// What a node does with a request, up to the question whether it holds the mailbox.
fn examine(request: Result<(Request, Encoding), RpcError>) {
    let (request, encoding) = match request {
        Ok(request) => request,
        Err(error) => {
            refuse(error);
            return;
        }
    };
    let written = request.to_json_text();
    let again = Request::from_json_body(written.as_bytes());
    // JSON has a stricter rule for times: below a billion they are taken for seconds.
    if encoding == Encoding::Json || again.is_ok() {
        assert_eq!(again, Ok(meaning(request.clone())));
    }
    let params = request.params().to_bt_bytes();
    let again = Request::from_bt(request.method().name(), &params);
    assert_eq!(again, Ok(meaning(request.clone())));
    if let Some(passed_on) = request.to_forward_bt() {
        let there = Request::from_forwarded(request.method().name(), &passed_on);
        assert_eq!(there.as_ref().map(Request::owner), Ok(request.owner()));
        assert_eq!(there.as_ref().map(Request::auth), Ok(request.auth()));
    }
    for (origin, revoked) in [
        (Origin::Client, false),
        (Origin::Peer, false),
        (Origin::Client, true),
    ] {
        let context = CheckContext {
            now: NOW,
            origin,
            hf: HardFork::new(19, 4),
            revoked,
            memory: &session_storage_rpc::NoAuthMemory,
        };
        match request.check(&context) {
            Ok(()) => note_accepted(),
            Err(error) => refuse(error),
        }
    }
    let _ = (request.subaccount_token(), request.owner());
}

/// The request without what nobody looks at: the time of a signature that is not there.
fn meaning(mut request: Request) -> Request {
    match &mut request {
        Request::Store(store) if store.auth.is_none() => store.sig_timestamp = store.timestamp,
        Request::Batch(parts) | Request::Sequence(parts) => {
            *parts = core::mem::take(parts).into_iter().map(meaning).collect();
        }
        Request::IfElse(choice) => {
            choice.then = choice.then.take().map(meaning);
            choice.otherwise = choice.otherwise.take().map(meaning);
        }
        _ => {}
    }
    request
}

/// The same, without what is between the client and the node it asked.
fn for_peers(request: Request) -> Request {
    let mut request = meaning(request);
    if let Request::Delete(delete) = &mut request {
        delete.required = false;
    }
    request
}

/// Refusals become answers.
fn refuse(error: RpcError) {
    assert!((400..600).contains(&error.status), "{}", error.status);
    let reply = Reply::from(error);
    assert!(!reply.is_success());
    let _ = (reply.to_http_body(), reply.to_onion_body(true));
}
