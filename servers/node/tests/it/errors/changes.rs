//! Refusals of the delete and expire families and of revocations.

use serde_json::json;
use session_crypto::Ed25519Secret;
use session_storage_rpc::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, RevokeSubaccount, RevokedSubaccounts,
    UnrevokeSubaccount,
};
use session_storage_rpc::{ExpireMode, NamespaceFilter, Permissions, Request, SubaccountToken};
use session_types::{MessageHash, Namespace, network_prefix};

use super::{Table, early, late};
use crate::support::{DAY, Network, Person};

const ACCOUNT: &str = "Pubkey must be 66 hex digits (33 bytes) long";

/// An empty namespace, so that good requests change nothing others look at.
const EMPTY: NamespaceFilter = NamespaceFilter::One(Namespace::new(50));

pub(super) fn tables(network: &Network, bob: &Person) -> Vec<Table> {
    vec![
        expire(network, bob),
        expire_all(network, bob),
        delete(network, bob),
        delete_all(network, bob),
        delete_before(network, bob),
        revoke(network, bob),
        revoked(network, bob),
        unrevoke(network, bob),
    ]
}

fn unknown() -> Vec<MessageHash> {
    vec![MessageHash::from_digest(&[1; 32])]
}

fn bad_hashes(table: &mut Table) {
    table.invalid(
        json!({ "messages": null }),
        "Required field 'messages' missing",
    );
    table.invalid(
        json!({ "messages": [] }),
        "messages does not contain any message hashes",
    );
    table.invalid(
        json!({ "messages": ["short"] }),
        "invalid message hash: short",
    );
    let odd = "*".repeat(43);
    table.invalid(
        json!({ "messages": [odd] }),
        &format!("invalid message hash: {odd}"),
    );
    for bad in [json!(1), json!([1]), json!({})] {
        table.invalid(
            json!({ "messages": bad }),
            "Invalid value given for 'messages': expected string array",
        );
    }
}

fn delete(network: &Network, bob: &Person) -> Table {
    let delete = Delete::signed(&bob.signer(), unknown()).unwrap();
    let mut table = Table::of(&Request::Delete(delete));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "delete_msgs");
    table.bad_subaccounts();
    bad_hashes(&mut table);
    for bad in [json!(1), json!("true")] {
        table.invalid(
            json!({ "required": bad }),
            "Invalid value given for 'required': expected boolean",
        );
    }
    table
}

fn delete_all(network: &Network, bob: &Person) -> Table {
    let at = |time| Request::DeleteAll(DeleteAll::signed(&bob.signer(), EMPTY, time));
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_namespaces("integer or \"all\"");
    table.bad_signatures(network, "delete_all");
    table.bad_subaccounts();
    table.bad_times("timestamp");
    let wrong = "delete_all signature verification failed";
    table.row(json!({ "namespace": "all" }), 401, wrong);
    table.row(json!({ "namespace": null }), 401, wrong);
    let far = "delete_all timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    table
}

fn delete_before(network: &Network, bob: &Person) -> Table {
    let at = |time| Request::DeleteBefore(DeleteBefore::signed(&bob.signer(), EMPTY, time));
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_namespaces("integer or \"all\"");
    table.bad_signatures(network, "delete_before");
    table.bad_subaccounts();
    table.bad_times("before");
    let future = "delete_before timestamp too far in the future";
    table.request(&at(late(network)), 401, future);
    table
}

fn expire_all(network: &Network, bob: &Person) -> Table {
    let at = |time| Request::ExpireAll(ExpireAll::signed(&bob.signer(), EMPTY, time));
    let mut table = Table::of(&at(network.now().plus(DAY)));
    table.bad_accounts(false, ACCOUNT);
    table.bad_namespaces("integer or \"all\"");
    table.bad_signatures(network, "expire_all");
    table.bad_subaccounts();
    table.bad_times("expiry");
    let past = "expire_all timestamp should be >= current time";
    table.request(&at(early(network)), 406, past);
    table
}

fn expire(network: &Network, bob: &Person) -> Table {
    let signer = bob.signer();
    let at = |time, mode| Request::Expire(Expire::signed(&signer, unknown(), time, mode).unwrap());
    let later = network.now().plus(DAY);
    let mut table = Table::of(&at(later, ExpireMode::Set));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "expire:");
    table.bad_subaccounts();
    bad_hashes(&mut table);
    table.invalid(json!({ "expiry": null }), "Required field 'expiry' missing");
    for bad in [json!("1700000000000"), json!([-1]), json!(1.5), json!({})] {
        table.invalid(
            json!({ "expiry": bad }),
            "Invalid value given for 'expiry': expected timestamp array",
        );
    }
    table.invalid(
        json!({ "expiry": [] }),
        "'expiry' does not contain any expiration timestamps",
    );
    let ms = later.as_ms();
    table.invalid(
        json!({ "expiry": [ms, ms] }),
        "'expiry' must be a single expiry, or the same length as 'messages'",
    );
    table.invalid(
        json!({ "shorten": true, "extend": true }),
        "cannot specify both 'shorten' and 'extend'",
    );
    for flag in ["shorten", "extend"] {
        let text = format!("Invalid value given for '{flag}': expected boolean");
        table.invalid(json!({ flag: 1 }), &text);
        let wrong = "expire: signature verification failed";
        table.row(json!({ flag: true }), 401, wrong);
    }
    let past = "expire: timestamp should be >= current time";
    table.request(&at(early(network), ExpireMode::Extend), 401, past);
    table
}

fn token() -> SubaccountToken {
    let key = Ed25519Secret::from_seed([3; 32]);
    SubaccountToken::new(network_prefix::ACCOUNT, Permissions::READ, key.public())
}

fn bad_tokens(table: &mut Table, field: &str) {
    let missing = format!("Required field '{field}' missing");
    table.invalid(json!({ field: null }), &missing);
    let tag = format!("invalid {field}: expected base64 or hex-encoded subaccount tag");
    for bad in [
        json!("abc"),
        json!(["z".repeat(72)]),
        json!(["!".repeat(48)]),
    ] {
        table.invalid(json!({ field: bad }), &tag);
    }
    let list = format!("Invalid value given for '{field}': expected string array");
    for bad in [json!(1), json!([1]), json!({})] {
        table.invalid(json!({ field: bad }), &list);
    }
}

fn revoke(network: &Network, bob: &Person) -> Table {
    let at = |time| {
        let request = RevokeSubaccount::signed(&bob.signer(), vec![token()], time);
        Request::RevokeSubaccount(request.unwrap())
    };
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "revoke_subaccount");
    table.bad_times("timestamp");
    bad_tokens(&mut table, "revoke");
    table.invalid(
        json!({ "revoke": vec![token().to_hex(); 51] }),
        "invalid revoke: cannot revoke more than 50 subaccounts at once",
    );
    let far = "revoke_subaccount timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    table
}

fn unrevoke(network: &Network, bob: &Person) -> Table {
    let at = |time| {
        let request = UnrevokeSubaccount::signed(&bob.signer(), vec![token()], time);
        Request::UnrevokeSubaccount(request)
    };
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "unrevoke_subaccount");
    table.bad_times("timestamp");
    bad_tokens(&mut table, "unrevoke");
    let far = "unrevoke_subaccount timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    table
}

fn revoked(network: &Network, bob: &Person) -> Table {
    let at = |time| Request::RevokedSubaccounts(RevokedSubaccounts::signed(&bob.signer(), time));
    let mut table = Table::of(&at(network.now()));
    table.bad_accounts(false, ACCOUNT);
    table.bad_signatures(network, "revoked_subaccounts");
    table.bad_times("timestamp");
    let far = "revoked_subaccounts timestamp too far from current time";
    table.request(&at(early(network)), 406, far);
    table.request(&at(late(network)), 406, far);
    table
}
