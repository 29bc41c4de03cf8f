//! Both encodings of every request, whole bodies, and the form passed on to other nodes
//! (docs/protocol/node-rpc.md; docs/protocol/node.md section 10).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::json;
use session_crypto::{AccountKeys, Ed25519Secret};
use session_storage_rpc::request::{
    Condition, Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, GetExpiries, GetSwarm, IfElse,
    RevokeSubaccount, RevokedSubaccounts, UnrevokeSubaccount,
};
use session_storage_rpc::{
    AccountSigner, Encoding, ExpireMode, GroupAdminSigner, Method, NamespaceFilter, OxendEndpoint,
    OxendRequest, Permissions, Request, RequestSigner, Retrieve, RpcError, Store, SubaccountSigner,
    SubaccountToken,
};
use session_types::{MessageHash, Namespace, Timestamp};

const BOB: &str = "05ca03b8e369aeeb69fd260c2957d37b232db17a60db7a39bca9f0c0a6be135c1a";
const HASH: &str = "to7q0Q2EY6ErAJeZFI+OGep/MTzqmhJiFw3EmXuAu/s";

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn hashes(n: u8) -> Vec<MessageHash> {
    (0..n).map(|i| MessageHash::from_digest(&[i; 32])).collect()
}

/// One of every request, signed by every kind of signer.
fn every_request() -> Vec<Request> {
    let keys = AccountKeys::from_seed16([9; 16]);
    let account = AccountSigner::new(keys.account_id(), keys.ed25519());
    let group_key = Ed25519Secret::from_seed([3; 32]);
    let admin = GroupAdminSigner::new(&group_key);
    let holder = Ed25519Secret::from_seed([4; 32]);
    let permissions = Permissions::READ | Permissions::WRITE | Permissions::DELETE;
    let token = SubaccountToken::new(3, permissions, holder.public());
    let token_signature = group_key.sign(token.as_bytes());
    let member = SubaccountSigner::new(admin.owner(), token, token_signature, |text: &[u8]| {
        holder.sign(text)
    });
    let mut all = signed_requests(&account);
    all.extend(signed_requests(&admin));
    all.extend(signed_requests(&member));
    all.extend(owner_requests(&account, token));
    all.extend(owner_requests(&admin, token));
    let owner = BOB.parse().unwrap();
    let minute = Duration::from_secs(60);
    all.extend([
        Request::Store(Store::unsigned(owner, now(), minute, vec![0, 255]).unwrap()),
        Request::GetSwarm(GetSwarm::new(owner)),
        Request::Info,
        Request::ActiveNodesBin,
        Request::OxendRequest(OxendRequest {
            endpoint: OxendEndpoint::OnsResolve,
            params: Some(json!({"type": 0, "name_hash": "abc"})),
        }),
        Request::OxendRequest(OxendRequest {
            endpoint: OxendEndpoint::GetServiceNodes,
            params: None,
        }),
    ]);
    let batch = Request::batch(all[..20].to_vec()).unwrap();
    let sequence = Request::sequence(all[3..5].to_vec()).unwrap();
    let ifelse = Request::IfElse(Box::new(IfElse {
        condition: Condition {
            hf_at_least: Some([19, 4]),
            height_before: Some(5),
            v_before: Some([2, 9, 0]),
            ..Condition::default()
        },
        then: Some(batch.clone()),
        otherwise: Some(Request::Info),
    }));
    all.extend([batch, sequence, ifelse]);
    all
}

fn signed_requests(signer: &impl RequestSigner) -> Vec<Request> {
    let one = NamespaceFilter::One(Namespace::new(-11));
    let minute = Duration::from_secs(60);
    let later = now().plus(minute);
    let store = Store::signed(signer, Namespace::new(2), now(), minute, vec![1, 2]).unwrap();
    let mut older = store.clone();
    older.timestamp = Timestamp::from_ms(1_600_000_000_000);
    let each = vec![later, now(), later];
    vec![
        Request::Store(store),
        Request::Store(older),
        Request::Retrieve(Retrieve::signed(signer, Namespace::DEFAULT, now())),
        Request::Retrieve(
            Retrieve::signed(signer, Namespace::new(3), now())
                .after(Some(HASH.parse().unwrap()))
                .max_size(-8),
        ),
        Request::Delete(Delete::signed(signer, hashes(2)).unwrap()),
        Request::DeleteAll(DeleteAll::signed(signer, NamespaceFilter::All, now())),
        Request::DeleteBefore(DeleteBefore::signed(signer, one, now())),
        Request::ExpireAll(ExpireAll::signed(signer, one, later)),
        Request::Expire(Expire::signed(signer, hashes(2), later, ExpireMode::Extend).unwrap()),
        Request::Expire(Expire::signed(signer, hashes(1), later, ExpireMode::Shorten).unwrap()),
        Request::Expire(Expire::signed_each(signer, hashes(3), each, ExpireMode::Set).unwrap()),
        Request::GetExpiries(GetExpiries::signed(signer, &hashes(2), now()).unwrap()),
    ]
}

fn owner_requests(signer: &impl RequestSigner, token: SubaccountToken) -> Vec<Request> {
    vec![
        Request::RevokeSubaccount(
            RevokeSubaccount::signed(signer, vec![token; 50], now()).unwrap(),
        ),
        Request::UnrevokeSubaccount(UnrevokeSubaccount::signed(signer, vec![token], now())),
        Request::RevokedSubaccounts(RevokedSubaccounts::signed(signer, now())),
    ]
}

#[test]
fn both_encodings_give_the_same_request() {
    let all = every_request();
    for method in Method::ALL {
        assert!(all.iter().any(|r| r.method() == method), "{method} missing");
    }
    for request in all {
        let name = request.method().name();
        let text = request.to_json_text();
        assert_eq!(Request::from_json_body(text.as_bytes()).unwrap(), request);
        let json = request.to_json();
        assert_eq!(Request::from_json(name, &json["params"]).unwrap(), request);
        let json_params = json["params"].to_string();
        assert_eq!(
            Request::from_params(name, json_params.as_bytes()).unwrap(),
            (request.clone(), Encoding::Json)
        );
        let bt = request.params().to_bt_bytes();
        assert_eq!(
            Request::from_params(name, &bt).unwrap(),
            (request, Encoding::Bt)
        );
    }
}

#[test]
fn forwarded_form() {
    for request in every_request() {
        let name = request.method().name();
        match request.to_forward_bt() {
            Some(bt) => {
                assert!(request.method().is_recursive());
                assert_eq!(Request::from_forwarded(name, &bt).unwrap(), request);
            }
            None => {
                assert!(!request.method().is_recursive());
                let error = Request::from_forwarded(name, b"de").unwrap_err();
                assert_eq!(
                    (error.status, error.text.as_str()),
                    (
                        400,
                        "invalid request: received invalid forwarded non-forwardable request"
                    )
                );
            }
        }
    }
    // `required` stays with the node that was asked.
    let params = json!({"pubkey": format!("03{}", &BOB[2..]), "messages": HASH, "required": true,
        "signature": BASE64.encode(&[7; 64])});
    let Request::Delete(delete) = Request::from_json("delete", &params).unwrap() else {
        panic!("no delete")
    };
    assert!(delete.required);
    let forwarded = Request::Delete(delete.clone()).to_forward_bt().unwrap();
    let required = Delete {
        required: false,
        ..delete
    };
    assert_eq!(
        Request::from_forwarded("delete", &forwarded).unwrap(),
        Request::Delete(required)
    );
}

#[test]
fn forwarded_signed_store() {
    let keys = AccountKeys::from_seed16([9; 16]);
    let signer = AccountSigner::new(keys.account_id(), keys.ed25519());
    let minute = Duration::from_secs(60);
    let store = Store::signed(&signer, Namespace::new(-21), now(), minute, b"hi".into()).unwrap();
    let bt = store.to_forward_bt();
    let text = String::from_utf8_lossy(&bt);
    assert!(
        text.starts_with("d4:data2:hi6:expiryi1700000060000e9:namespacei-21e6:pubkey33:"),
        "{text}"
    );
    assert!(text.contains("14:pubkey_ed2551932:"), "{text}");
    assert!(
        text.contains("13:sig_timestampi1700000000000e9:signature64:"),
        "{text}"
    );
    assert!(text.ends_with("9:timestampi1700000000000ee"), "{text}");
}

#[test]
fn whole_bodies() {
    let error = |body: &str| Request::from_json_body(body.as_bytes()).unwrap_err();
    let cases = [
        ("", "invalid json"),
        ("{", "invalid json"),
        ("[]", "invalid json: no `method` field"),
        ("3", "invalid json: no `method` field"),
        (r#"{"params":{}}"#, "invalid json: no `method` field"),
        (
            r#"{"method":5,"params":{}}"#,
            "invalid json: no `method` field",
        ),
        (r#"{"method":"info"}"#, "invalid json: no `params` field"),
        (
            r#"{"method":"info","params":[]}"#,
            "invalid json: no `params` field",
        ),
        (
            r#"{"method":"info","params":null}"#,
            "invalid json: no `params` field",
        ),
        (r#"{"method":"ping","params":{}}"#, "no method ping"),
        (r#"{"method":"INFO","params":{}}"#, "no method INFO"),
    ];
    for (body, text) in cases {
        assert_eq!(error(body), RpcError::new(400, text), "{body}");
    }
    let body = r#"{"jsonrpc":"2.0","id":7,"method":"info","params":{"x":1}}"#;
    assert_eq!(
        Request::from_json_body(body.as_bytes()).unwrap(),
        Request::Info
    );

    let bad = RpcError::new(400, "invalid body: expected json or bt_dict");
    for params in ["d", "le", "x", "[]", "d1:ai1e1:ai2ee"] {
        assert_eq!(
            Request::from_params("info", params.as_bytes()).unwrap_err(),
            bad,
            "{params}"
        );
    }
    assert_eq!(
        Request::from_params("info", b"").unwrap(),
        (Request::Info, Encoding::Json)
    );
    assert_eq!(
        Request::from_params("info", b"de").unwrap(),
        (Request::Info, Encoding::Bt)
    );
    assert_eq!(
        Request::from_params("nothing", b"x").unwrap_err(),
        RpcError::new(400, "no method nothing")
    );
}
