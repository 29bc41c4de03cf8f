//! Requests of every kind, signed for the time of the targets.

use core::time::Duration;

use serde_json::json;
use session_fuzz::actors::{NOW, alice, bob, group_admin};
use session_storage_rpc::request::{
    Condition, Delete, DeleteAll, DeleteBefore, ExpireAll, GetExpiries, GetSwarm, IfElse,
    RevokeSubaccount, RevokedSubaccounts, UnrevokeSubaccount,
};
use session_storage_rpc::request::{Expire, OxendRequest, Retrieve, Store};
use session_storage_rpc::{
    AccountSigner, ExpireMode, GroupAdminSigner, Method, NamespaceFilter, OxendEndpoint,
    Permissions, Request, RequestSigner, SubaccountSigner, SubaccountToken,
};
use session_types::{MessageHash, Namespace, Timestamp};

use crate::Seeds;

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn add(seeds: &mut Seeds) {
    for request in all() {
        seeds.add("rpc_json_body", &[request.to_json_text().as_bytes()]);
        let method = Method::ALL
            .iter()
            .position(|method| *method == request.method())
            .unwrap();
        let method = [u8::try_from(method).unwrap()];
        let params = request.params();
        seeds.add("rpc_params", &[&method, &params.to_bt_bytes()]);
        seeds.add("rpc_params", &[&method, params.to_json_text().as_bytes()]);
        if let Some(passed_on) = request.to_forward_bt() {
            seeds.add("rpc_forwarded", &[&method, &passed_on]);
            seeds.add("bt_strict", &[&passed_on]);
        }
    }
    for text in [
        r#"{"method":"store","params":{"pubKey":"05","timestamp":"1700000000000","ttl":"86400000","data":"aGVsbG8"}}"#,
        r#"{"method":"get_snodes_for_pubkey","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"info","params":{}}"#,
    ] {
        seeds.add("rpc_json_body", &[text.as_bytes()]);
    }
}

fn all() -> Vec<Request> {
    let alice = alice();
    let owner = AccountSigner::new(alice.account_id(), alice.ed25519());
    let mut requests = own(&owner);
    let admin_key = group_admin();
    let admin = GroupAdminSigner::new(&admin_key);
    requests.extend(own(&admin));

    let member = bob();
    let rights = Permissions::READ | Permissions::WRITE;
    let token = SubaccountToken::new(0x03, rights, member.ed25519().public());
    let signature = admin_key.sign(token.as_bytes());
    let member = SubaccountSigner::new(admin.owner(), token, signature, |signed: &[u8]| {
        bob().ed25519().sign(signed)
    });
    let group_messages = Namespace::new(11);
    requests.extend([
        store(&member, group_messages),
        Request::Retrieve(Retrieve::signed(&member, group_messages, NOW)),
        Request::RevokeSubaccount(RevokeSubaccount::signed(&admin, vec![token], NOW).unwrap()),
        Request::UnrevokeSubaccount(UnrevokeSubaccount::signed(&admin, vec![token], NOW)),
        Request::RevokedSubaccounts(RevokedSubaccounts::signed(&admin, NOW)),
        Request::GetSwarm(GetSwarm {
            owner: alice.account_id().into(),
        }),
        Request::Info,
        Request::ActiveNodesBin,
        Request::OxendRequest(OxendRequest {
            endpoint: OxendEndpoint::GetServiceNodes,
            params: Some(json!({"active_only": true, "fields": {"public_ip": true}})),
        }),
    ]);
    let condition = Condition {
        hf_at_least: Some([19, 3]),
        v_before: Some([2, 9, 0]),
        height_at_least: Some(100),
        ..Condition::default()
    };
    let branches = IfElse {
        condition,
        then: Some(Request::Info),
        otherwise: Some(Request::ActiveNodesBin),
    };
    let inner = vec![requests[0].clone(), requests[1].clone()];
    requests.extend([
        Request::batch(inner.clone()).unwrap(),
        Request::sequence(inner).unwrap(),
        Request::IfElse(Box::new(branches)),
    ]);
    requests
}

/// What the owner of a mailbox may ask.
fn own(signer: &impl RequestSigner) -> Vec<Request> {
    let hashes = || {
        vec![
            MessageHash::from_digest(&[1; 32]),
            MessageHash::from_digest(&[2; 32]),
        ]
    };
    let (all, one) = (
        NamespaceFilter::All,
        NamespaceFilter::One(Namespace::new(5)),
    );
    let later = NOW.plus(DAY);
    let times: Vec<Timestamp> = vec![later, NOW.plus(2 * DAY)];
    let unsigned = Store::unsigned(signer.owner(), NOW, DAY, b"hello".to_vec());
    let after = Retrieve::signed(signer, Namespace::new(2), NOW).after(hashes().pop());
    vec![
        Request::Store(unsigned.unwrap()),
        store(signer, Namespace::new(2)),
        Request::Retrieve(after.max_size(-5)),
        Request::Delete(Delete::signed(signer, hashes()).unwrap()),
        Request::DeleteAll(DeleteAll::signed(signer, all, NOW)),
        Request::DeleteBefore(DeleteBefore::signed(signer, one, NOW)),
        Request::Expire(Expire::signed(signer, hashes(), later, ExpireMode::Shorten).unwrap()),
        Request::Expire(Expire::signed_each(signer, hashes(), times, ExpireMode::Extend).unwrap()),
        Request::ExpireAll(ExpireAll::signed(signer, all, later)),
        Request::GetExpiries(GetExpiries::signed(signer, &hashes(), NOW).unwrap()),
    ]
}

fn store(signer: &impl RequestSigner, namespace: Namespace) -> Request {
    Request::Store(Store::signed(signer, namespace, NOW, DAY, b"hello".to_vec()).unwrap())
}
