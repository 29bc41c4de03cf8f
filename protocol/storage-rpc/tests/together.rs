//! The signatures of a batch, checked together: nobody gets in who would not get in alone
//! (docs/decisions/0013).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use session_crypto::{AccountKeys, Ed25519Secret};
use session_storage_rpc::{
    AccountSigner, AuthMemory, CheckContext, CheckedTogether, HardFork, NoAuthMemory, Origin,
    Permissions, Request, RequestSigner, Retrieve, Store, SubaccountSigner, SubaccountToken,
    signing,
};
use session_types::{Namespace, Signature, Timestamp};

const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

fn account(seed: u8) -> AccountKeys {
    AccountKeys::from_seed16([seed; 16])
}

/// One request for each of these namespaces.
fn polls(signer: &impl RequestSigner, namespaces: &[i16]) -> Vec<Request> {
    namespaces
        .iter()
        .map(|number| Request::Retrieve(Retrieve::signed(signer, Namespace::new(*number), NOW)))
        .collect()
}

fn of(account: &AccountKeys, namespaces: &[i16]) -> Vec<Request> {
    let signer = AccountSigner::new(account.account_id(), account.ed25519());
    polls(&signer, namespaces)
}

fn signature(request: &mut Request) -> &mut Signature {
    match request {
        Request::Retrieve(retrieve) => &mut retrieve.auth.as_mut().unwrap().auth.signature,
        other => panic!("{other:?}"),
    }
}

/// Whether the signature of this request is known to be good.
fn is_known(checked: &CheckedTogether<'_>, account: &AccountKeys, request: &Request) -> bool {
    let Request::Retrieve(retrieve) = request else {
        panic!("{request:?}");
    };
    let auth = retrieve.auth.as_ref().unwrap();
    let text = signing::retrieve(retrieve.namespace, auth.timestamp);
    checked.is_good(
        account.ed25519().public(),
        text.as_bytes(),
        &auth.auth.signature,
    )
}

/// The status of each, 200 where it may go on.
fn statuses(requests: &[Request]) -> Vec<u16> {
    let together = CheckedTogether::retrieves(requests, &NoAuthMemory);
    let check = |memory: &dyn AuthMemory| -> Vec<u16> {
        let context = CheckContext {
            now: NOW,
            origin: Origin::Client,
            hf: HardFork::new(19, 4),
            revoked: false,
            memory,
        };
        requests
            .iter()
            .map(|request| {
                request
                    .check(&context)
                    .map_or_else(|error| error.status, |()| 200)
            })
            .collect()
    };
    let alone = check(&NoAuthMemory);
    assert_eq!(check(&together), alone);
    alone
}

#[test]
fn good_ones_are_known_and_nothing_like_them() {
    let anna = account(1);
    let mut requests = of(&anna, &[0, 2, 3, 4, 5]);
    let checked = CheckedTogether::retrieves(&requests, &NoAuthMemory);
    for request in &requests {
        assert!(is_known(&checked, &anna, request));
        assert!(!is_known(&checked, &account(2), request));
    }
    let other = of(&anna, &[6]).remove(0);
    assert!(!is_known(&checked, &anna, &other));
    let first = *signature(&mut requests[0]);
    *signature(&mut requests[1]) = first;
    assert!(!is_known(&checked, &anna, &requests[1]));
    assert_eq!(statuses(&of(&anna, &[0, 2, 3, 4, 5])), [200; 5]);
    let alone = of(&anna, &[0]);
    let checked = CheckedTogether::retrieves(&alone, &NoAuthMemory);
    assert!(
        !is_known(&checked, &anna, &alone[0]),
        "left to its own check"
    );
}

#[test]
fn a_wrong_one_fails_alone() {
    let (anna, boris) = (account(1), account(2));
    for wrong in 0..3 {
        let mut requests = of(&anna, &[0, 2, 3]);
        requests.extend(of(&boris, &[0, 2]));
        let mut bytes = *signature(&mut requests[wrong]).as_bytes();
        bytes[40] ^= 1;
        *signature(&mut requests[wrong]) = Signature::new(bytes);
        let checked = CheckedTogether::retrieves(&requests, &NoAuthMemory);
        for request in &requests[..3] {
            assert!(!is_known(&checked, &anna, request));
        }
        for request in &requests[3..] {
            assert!(is_known(&checked, &boris, request), "another key");
        }
        let mut expected = [200; 5];
        expected[wrong] = 401;
        assert_eq!(statuses(&requests), expected);
    }
}

#[test]
fn who_may_do_what_is_judged_for_each() {
    let (anna, boris) = (account(1), account(2));
    // Good signatures of Boris on questions about Anna's mailbox.
    let mut requests = of(&boris, &[0, 2]);
    for request in &mut requests {
        let Request::Retrieve(retrieve) = request else {
            panic!();
        };
        retrieve.owner = anna.account_id().into();
    }
    assert_eq!(statuses(&requests), [401; 2]);

    // A subaccount that may read and one that may not; both sign well.
    let holder = Ed25519Secret::from_seed([9; 32]);
    for (permissions, status) in [(Permissions::READ, 200), (Permissions::WRITE, 401)] {
        let owner = anna.account_id().into();
        let token = SubaccountToken::new(5, permissions, holder.public());
        let token_signature = anna.ed25519().sign(token.as_bytes());
        let signer = SubaccountSigner::new(owner, token, token_signature, |text: &[u8]| {
            holder.sign(text)
        });
        let mut requests = polls(&signer, &[0, 2, 3]);
        for request in &mut requests {
            let Request::Retrieve(retrieve) = request else {
                panic!();
            };
            let auth = &mut retrieve.auth.as_mut().unwrap().auth;
            auth.pubkey_ed25519 = Some(*anna.ed25519().public());
        }
        assert_eq!(statuses(&requests), [status; 3]);
    }

    // An hour ago, and without a signature.
    let signer = AccountSigner::new(anna.account_id(), anna.ed25519());
    let old = Timestamp::from_ms(NOW.as_ms() - 3_600_000);
    let mut requests = of(&anna, &[0, 2]);
    requests.push(Request::Retrieve(Retrieve::signed(
        &signer,
        Namespace::new(3),
        old,
    )));
    let mut unsigned = Retrieve::signed(&signer, Namespace::new(4), NOW);
    unsigned.auth = None;
    requests.push(Request::Retrieve(unsigned));
    assert_eq!(statuses(&requests), [200, 200, 406, 401]);
}

#[test]
fn stores_are_left_to_their_own_checks() {
    let anna = account(1);
    let signer = AccountSigner::new(anna.account_id(), anna.ed25519());
    let store = |number: i16| {
        let lifetime = core::time::Duration::from_secs(3600);
        let namespace = Namespace::new(number);
        let data = b"text".to_vec();
        Store::signed(&signer, namespace, NOW, lifetime, data).unwrap()
    };
    let stores: Vec<_> = [2, 3].map(store).into();
    let requests: Vec<_> = stores.iter().cloned().map(Request::Store).collect();
    let checked = CheckedTogether::retrieves(&requests, &NoAuthMemory);
    for store in stores {
        let text = signing::store(store.namespace, store.sig_timestamp);
        let signature = store.auth.unwrap().signature;
        assert!(!checked.is_good(anna.ed25519().public(), text.as_bytes(), &signature));
    }
}
