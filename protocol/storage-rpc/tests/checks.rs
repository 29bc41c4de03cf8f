//! What a node refuses before it does anything
//! (docs/protocol/node-rpc.md sections 2 to 6; docs/protocol/node.md section 14).
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

use std::time::Duration;

use session_crypto::Ed25519Secret;
use session_storage_rpc::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, GetExpiries, RevokeSubaccount,
    RevokedSubaccounts, UnrevokeSubaccount,
};
use session_storage_rpc::{
    AuthError, CheckContext, ExpireMode, GroupAdminSigner, HardFork, NamespaceFilter, NoAuthMemory,
    Origin, Permissions, Request, RequestSigner, Retrieve, Store, SubaccountSigner,
    SubaccountToken, signing, verify_auth,
};
use session_types::{MessageHash, Namespace, Signature, SwarmPubkey, Timestamp};
use sha2::{Digest as _, Sha256};

const ALL: Permissions = Permissions::from_bits(7);

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn context() -> CheckContext<'static> {
    CheckContext {
        now: now(),
        origin: Origin::Client,
        hf: HardFork::new(19, 4),
        revoked: false,
        memory: &NoAuthMemory,
    }
}

fn peer() -> CheckContext<'static> {
    CheckContext {
        origin: Origin::Peer,
        ..context()
    }
}

/// The seed of the specification's vectors.
fn acct() -> Ed25519Secret {
    Ed25519Secret::from_seed(Sha256::digest(b"acct").into())
}

fn hashes(n: u8) -> Vec<MessageHash> {
    (0..n).map(|i| MessageHash::from_digest(&[i; 32])).collect()
}

#[track_caller]
fn refused(request: Request, context: &CheckContext<'_>, status: u16, text: &str) {
    let error = request.check(context).unwrap_err();
    assert_eq!((error.status, error.text.as_str()), (status, text));
}

struct Member {
    owner: SwarmPubkey,
    token: SubaccountToken,
    token_signature: Signature,
    holder: Ed25519Secret,
}

impl Member {
    fn new(prefix: u8, permissions: Permissions) -> Self {
        let group = acct();
        let holder = Ed25519Secret::from_seed([5; 32]);
        let token = SubaccountToken::new(prefix, permissions, holder.public());
        let token_signature = group.sign(token.as_bytes());
        let owner = GroupAdminSigner::new(&group).owner();
        Self {
            owner,
            token,
            token_signature,
            holder,
        }
    }

    fn signer(&self) -> impl RequestSigner {
        let sign = |text: &[u8]| self.holder.sign(text);
        SubaccountSigner::new(self.owner, self.token, self.token_signature, sign)
    }
}

/// Whether a request by a member with these permissions passes, and with which status not.
fn outcome(permissions: Permissions, make: impl Fn(&Member) -> Request) -> u16 {
    let request = make(&Member::new(3, permissions));
    request
        .check(&context())
        .map_or_else(|error| error.status, |()| 200)
}

#[test]
fn permission_matrix() {
    let later = now().plus(secs(60));
    for bits in 0..8u8 {
        let p = Permissions::from_bits(bits);
        let (r, w, d) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        let expect = |allowed: bool| if allowed { 200 } else { 401 };
        for namespace in [11, 12, 13, 14, -11] {
            let n = Namespace::new(namespace);
            let status = outcome(p, |m| {
                Request::Retrieve(Retrieve::signed(&m.signer(), n, now()))
            });
            assert_eq!(status, expect(r), "retrieve {bits}");
            let status = outcome(p, |m| {
                let store = Store::signed(&m.signer(), n, now(), secs(60), vec![1]);
                Request::Store(store.unwrap())
            });
            assert_eq!(status, expect(w), "store {bits}");
        }
        let status = outcome(p, |m| {
            let outbox = Namespace::new(-21);
            Request::Store(Store::signed(&m.signer(), outbox, now(), secs(60), vec![1]).unwrap())
        });
        assert_eq!(status, expect(w && d), "outbox {bits}");
        let all = NamespaceFilter::All;
        let status = outcome(p, |m| {
            Request::Delete(Delete::signed(&m.signer(), hashes(1)).unwrap())
        });
        assert_eq!(status, expect(d), "delete {bits}");
        let status = outcome(p, |m| {
            Request::DeleteAll(DeleteAll::signed(&m.signer(), all, now()))
        });
        assert_eq!(status, expect(d), "delete_all {bits}");
        let status = outcome(p, |m| {
            Request::DeleteBefore(DeleteBefore::signed(&m.signer(), all, now()))
        });
        assert_eq!(status, expect(d), "delete_before {bits}");
        let status = outcome(p, |m| {
            Request::ExpireAll(ExpireAll::signed(&m.signer(), all, later))
        });
        assert_eq!(status, expect(d), "expire_all {bits}");
        let expiries = |m: &Member| {
            Request::GetExpiries(GetExpiries::signed(&m.signer(), &hashes(1), now()).unwrap())
        };
        assert_eq!(outcome(p, expiries), expect(r), "get_expiries {bits}");
        for mode in [ExpireMode::Set, ExpireMode::Extend, ExpireMode::Shorten] {
            let status = outcome(p, |m| {
                Request::Expire(Expire::signed(&m.signer(), hashes(1), later, mode).unwrap())
            });
            let shorten = mode == ExpireMode::Shorten;
            let expected = if w && !d && shorten { 400 } else { expect(w) };
            assert_eq!(status, expected, "expire {mode:?} {bits}");
        }
    }
}

#[test]
fn expire_without_delete_only_extends() {
    let later = now().plus(secs(60));
    let mode_of = |permissions, mode| {
        let member = Member::new(3, permissions);
        Expire::signed(&member.signer(), hashes(1), later, mode)
            .unwrap()
            .effective_mode()
    };
    assert_eq!(
        mode_of(Permissions::WRITE, ExpireMode::Set),
        ExpireMode::Extend
    );
    assert_eq!(mode_of(ALL, ExpireMode::Set), ExpireMode::Set);
    assert_eq!(mode_of(ALL, ExpireMode::Shorten), ExpireMode::Shorten);
    let member = Member::new(3, Permissions::WRITE);
    let shorten = Expire::signed(&member.signer(), hashes(1), later, ExpireMode::Shorten).unwrap();
    refused(
        Request::Expire(shorten),
        &context(),
        400,
        "expire: shorten parameter cannot be used with this subaccount token (missing delete access)",
    );
}

#[test]
fn subaccount_tokens() {
    let verify = |member: &Member, revoked| {
        let auth = member.signer().authorise(b"text");
        verify_auth(
            &member.owner,
            &auth,
            b"text",
            Permissions::READ,
            revoked,
            &NoAuthMemory,
        )
    };
    verify(&Member::new(3, ALL), false).unwrap();
    assert_eq!(verify(&Member::new(3, ALL), true), Err(AuthError::Revoked));
    assert_eq!(verify(&Member::new(5, ALL), false), Err(AuthError::Prefix));
    verify(&Member::new(5, ALL | Permissions::ANY_PREFIX), false).unwrap();
    let mut foreign = Member::new(3, ALL);
    foreign.token_signature = Ed25519Secret::from_seed([8; 32]).sign(foreign.token.as_bytes());
    assert_eq!(verify(&foreign, false), Err(AuthError::TokenSignature));
    let mut tampered = Member::new(3, Permissions::WRITE);
    tampered.token = SubaccountToken::new(3, ALL, tampered.holder.public());
    assert_eq!(verify(&tampered, false), Err(AuthError::TokenSignature));
    let mut thief = Member::new(3, ALL);
    thief.holder = Ed25519Secret::from_seed([8; 32]);
    assert_eq!(verify(&thief, false), Err(AuthError::Signature));

    // A revoked member may still read the notices to removed members.
    let revoked = CheckContext {
        revoked: true,
        ..context()
    };
    let member = Member::new(3, ALL);
    let retrieve =
        |n| Request::Retrieve(Retrieve::signed(&member.signer(), Namespace::new(n), now()));
    assert_eq!(retrieve(-11).subaccount_token(), Some(&member.token));
    retrieve(-11).check(&revoked).unwrap();
    retrieve(-111).check(&revoked).unwrap();
    refused(
        retrieve(11),
        &revoked,
        401,
        "retrieve signature verification failed",
    );
}

#[test]
fn store_checks() {
    let admin_key = acct();
    let admin = GroupAdminSigner::new(&admin_key);
    let at = |namespace: i16, time: Timestamp, ttl: Duration| {
        Store::signed(&admin, Namespace::new(namespace), time, ttl, vec![1]).unwrap()
    };
    let day = 24 * 3600;
    let check = |store: Store| Request::Store(store).check(&context());
    let ttl_text = "Provided expiry/TTL is not valid.";
    let clock_text = "Timestamp error: check your clock";
    let refused = |store: Store, status, text: &str| {
        refused(Request::Store(store), &context(), status, text);
    };
    check(at(0, now(), secs(10))).unwrap();
    refused(at(0, now(), Duration::from_millis(9_999)), 403, ttl_text);
    check(at(0, now(), secs(14 * day))).unwrap();
    refused(at(0, now(), secs(14 * day + 1)), 403, ttl_text);
    check(at(2, now(), secs(30 * day))).unwrap();
    refused(at(2, now(), secs(30 * day + 1)), 403, ttl_text);
    let backwards = Store {
        expiry: now().minus(secs(1)),
        ..at(0, now(), secs(60))
    };
    refused(backwards, 403, ttl_text);
    refused(
        at(-3741, now(), secs(60)),
        403,
        "namespace -3741 is reserved for testing and cannot store messages",
    );
    check(at(0, now().plus(secs(10)), secs(60))).unwrap();
    refused(at(0, now().plus(secs(11)), secs(60)), 406, clock_text);
    check(at(0, now().minus(secs(70)), secs(60))).unwrap();
    refused(at(0, now().minus(secs(71)), secs(60)), 406, clock_text);

    // Public inboxes look at no signature; the others at its time first.
    let unsigned = |namespace| Store {
        auth: None,
        ..at(namespace, now(), secs(60))
    };
    for inbox in [0, 40, -10, -20] {
        check(unsigned(inbox)).unwrap();
    }
    for private in [-42, 2, -1] {
        let text = format!("store: signature required to store to namespace {private}");
        refused(unsigned(private), 401, &text);
    }
    let old = at(2, now().minus(secs(100)), secs(3600));
    let text = "store signature timestamp too far from current time";
    refused(old.clone(), 406, text);
    let auth = admin.authorise(signing::store(Namespace::new(2), now()).as_bytes());
    check(Store {
        sig_timestamp: now(),
        auth: Some(auth),
        ..old
    })
    .unwrap();
    let elsewhere = Store {
        namespace: Namespace::new(3),
        ..at(2, now(), secs(60))
    };
    refused(elsewhere, 401, "store signature verification failed");
    let foreign = Store {
        owner: SwarmPubkey::new(3, [7; 32]),
        ..at(2, now(), secs(60))
    };
    refused(foreign.clone(), 401, "store signature verification failed");
    check(Store {
        namespace: Namespace::DEFAULT,
        ..foreign
    })
    .unwrap();
}

#[test]
fn time_checks() {
    let key = acct();
    let admin = GroupAdminSigner::new(&key);
    let all = NamespaceFilter::All;
    let token = SubaccountToken::new(3, ALL, key.public());
    let far = |method: &str| format!("{method} timestamp too far from current time");

    // (request at a time, method, tolerance of clients, tolerance of peers)
    type Make<'a> = Box<dyn Fn(Timestamp) -> Request + 'a>;
    let cases: Vec<(Make<'_>, &str, u64, u64)> = vec![
        (
            Box::new(|t| Request::Retrieve(Retrieve::signed(&admin, Namespace::DEFAULT, t))),
            "retrieve",
            60,
            60,
        ),
        (
            Box::new(|t| Request::DeleteAll(DeleteAll::signed(&admin, all, t))),
            "delete_all",
            60,
            70,
        ),
        (
            Box::new(|t| Request::GetExpiries(GetExpiries::signed(&admin, &hashes(1), t).unwrap())),
            "get_expiries",
            60,
            60,
        ),
        (
            Box::new(|t| {
                Request::RevokeSubaccount(RevokeSubaccount::signed(&admin, vec![token], t).unwrap())
            }),
            "revoke_subaccount",
            60,
            70,
        ),
        (
            Box::new(|t| {
                Request::UnrevokeSubaccount(UnrevokeSubaccount::signed(&admin, vec![token], t))
            }),
            "unrevoke_subaccount",
            60,
            70,
        ),
        (
            Box::new(|t| Request::RevokedSubaccounts(RevokedSubaccounts::signed(&admin, t))),
            "revoked_subaccounts",
            60,
            60,
        ),
    ];
    for (make, method, client, forwarded) in cases {
        for (context, tolerance) in [(context(), client), (peer(), forwarded)] {
            for time in [now().plus(secs(tolerance)), now().minus(secs(tolerance))] {
                make(time).check(&context).unwrap();
            }
            for time in [
                now().plus(secs(tolerance + 1)),
                now().minus(secs(tolerance + 1)),
            ] {
                refused(make(time), &context, 406, &far(method));
            }
        }
        let other = Request::from_json(method, &make(now()).to_json()["params"]).unwrap();
        other.check(&context()).unwrap();
    }

    let before = |t| Request::DeleteBefore(DeleteBefore::signed(&admin, all, t));
    before(now().plus(secs(60))).check(&context()).unwrap();
    before(now().minus(secs(1_000_000)))
        .check(&context())
        .unwrap();
    let text = "delete_before timestamp too far in the future";
    refused(before(now().plus(secs(61))), &context(), 401, text);

    let expire_all = |t| Request::ExpireAll(ExpireAll::signed(&admin, all, t));
    let text = "expire_all timestamp should be >= current time";
    expire_all(now().minus(secs(60))).check(&context()).unwrap();
    refused(expire_all(now().minus(secs(61))), &context(), 406, text);
    expire_all(now().minus(secs(70))).check(&peer()).unwrap();
    refused(expire_all(now().minus(secs(71))), &peer(), 406, text);

    let expire = |times: &[Timestamp]| {
        let messages = hashes(u8::try_from(times.len()).unwrap());
        let mode = ExpireMode::Set;
        Request::Expire(Expire::signed_each(&admin, messages, times.to_vec(), mode).unwrap())
    };
    expire(&[now().minus(secs(60))]).check(&context()).unwrap();
    let text = "expire: timestamp should be >= current time";
    refused(
        expire(&[now(), now().minus(secs(61))]),
        &context(),
        401,
        text,
    );
    let older = CheckContext {
        hf: HardFork::new(19, 3),
        ..context()
    };
    expire(&[now()]).check(&older).unwrap();
    assert_eq!(
        expire(&[now(), now()]).check(&older).unwrap_err().status,
        403
    );
}

#[test]
fn signatures_are_for_one_request_only() {
    let key = acct();
    let admin = GroupAdminSigner::new(&key);
    let other = GroupAdminSigner::new(&key).authorise(b"something else");
    let all = NamespaceFilter::All;
    let later = now().plus(secs(5));
    let token = SubaccountToken::new(3, ALL, key.public());
    let auth = || other.clone();
    let failed = "signature verification failed";
    let set = ExpireMode::Set;
    let cases = [
        (
            Request::Delete(Delete {
                auth: auth(),
                ..Delete::signed(&admin, hashes(1)).unwrap()
            }),
            "delete_msgs",
        ),
        (
            Request::DeleteAll(DeleteAll {
                auth: auth(),
                ..DeleteAll::signed(&admin, all, now())
            }),
            "delete_all",
        ),
        (
            Request::DeleteBefore(DeleteBefore {
                auth: auth(),
                ..DeleteBefore::signed(&admin, all, now())
            }),
            "delete_before",
        ),
        (
            Request::ExpireAll(ExpireAll {
                auth: auth(),
                ..ExpireAll::signed(&admin, all, later)
            }),
            "expire_all",
        ),
        (
            Request::Expire(Expire {
                auth: auth(),
                ..Expire::signed(&admin, hashes(1), later, set).unwrap()
            }),
            "expire:",
        ),
        (
            Request::GetExpiries(GetExpiries {
                auth: auth(),
                ..GetExpiries::signed(&admin, &hashes(1), now()).unwrap()
            }),
            "get_expiries",
        ),
        (
            Request::RevokeSubaccount(RevokeSubaccount {
                auth: auth(),
                ..RevokeSubaccount::signed(&admin, vec![token], now()).unwrap()
            }),
            "revoke_subaccount",
        ),
        (
            Request::UnrevokeSubaccount(UnrevokeSubaccount {
                auth: auth(),
                ..UnrevokeSubaccount::signed(&admin, vec![token], now())
            }),
            "unrevoke_subaccount",
        ),
        (
            Request::RevokedSubaccounts(RevokedSubaccounts {
                auth: auth(),
                ..RevokedSubaccounts::signed(&admin, now())
            }),
            "revoked_subaccounts",
        ),
    ];
    for (request, what) in cases {
        refused(request, &context(), 401, &format!("{what} {failed}"));
    }
    let unsigned = Retrieve {
        auth: None,
        ..Retrieve::signed(&admin, Namespace::DEFAULT, now())
    };
    let text = "retrieve: request signature required";
    refused(Request::Retrieve(unsigned), &context(), 401, text);
}
