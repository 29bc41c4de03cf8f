//! What members of a swarm sign about their results (docs/protocol/node-rpc.md sections 5 and 6).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::Duration;

use session_crypto::Ed25519Secret;
use session_storage_rpc::request::{
    Delete, DeleteAll, DeleteBefore, Expire, ExpireAll, RevokeSubaccount, UnrevokeSubaccount,
};
use session_storage_rpc::response::{
    Deleted, DeletedAll, DeletedBefore, Expired, ExpiredAll, HashLists, NewExpiry, NodeOutcome,
    NodeResult, Revoked, Unrevoked,
};
use session_storage_rpc::{
    AuthError, ExpireMode, GroupAdminSigner, NamespaceFilter, Permissions, RequestSigner,
    SubaccountToken,
};
use session_types::{MessageHash, Namespace, Timestamp};

const ALL: Permissions = Permissions::from_bits(7);

fn now() -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn group_key() -> Ed25519Secret {
    Ed25519Secret::from_seed([3; 32])
}

fn hashes(n: u8) -> Vec<MessageHash> {
    (0..n).map(|i| MessageHash::from_digest(&[i; 32])).collect()
}

/// A member's outcome, as another member reads it.
fn over_the_wire<T>(result: T) -> T
where
    T: NodeResult + std::fmt::Debug + PartialEq + Clone,
{
    let sent = NodeOutcome::Done(result.clone());
    let read = NodeOutcome::from_peer_answer(&sent.to_peer_answer());
    assert_eq!(read, sent);
    result
}

#[test]
fn node_signatures() {
    let key = group_key();
    let admin = GroupAdminSigner::new(&key);
    let node = Ed25519Secret::from_seed([0xa3; 32]);
    let (good, bad) = (node.public(), key.public());
    let pk = admin.owner().to_hex();
    let h = hashes(3);
    let one = NamespaceFilter::One(Namespace::new(2));
    let later = now().plus(secs(60));

    let delete = Delete::signed(&admin, vec![h[1].clone(), h[0].clone()]).unwrap();
    let result = over_the_wire(Deleted::signed(
        &node,
        &delete,
        vec![h[1].clone(), h[0].clone()],
    ));
    assert_eq!(result.deleted, h[..2]);
    let text = format!("{pk}{}{}{}{}", h[1], h[0], h[0], h[1]);
    assert_eq!(result.signature, Some(node.sign(text.as_bytes())));
    result.verify(good, &delete).unwrap();
    assert_eq!(result.verify(bad, &delete), Err(AuthError::Signature));

    let rows = |list: &[(i16, usize)]| -> Vec<(Namespace, MessageHash)> {
        list.iter()
            .map(|(n, i)| (Namespace::new(*n), h[*i].clone()))
            .collect()
    };
    let delete_all = DeleteAll::signed(&admin, NamespaceFilter::All, now());
    let lists = HashLists::new(NamespaceFilter::All, rows(&[(-11, 2), (0, 1), (0, 0)]));
    let result = over_the_wire(DeletedAll::signed(&node, &delete_all, lists));
    let text = format!("{pk}{}{}{}{}", now(), h[0], h[1], h[2]);
    assert_eq!(result.signature, Some(node.sign(text.as_bytes())));
    result.verify(good, &delete_all).unwrap();
    let tampered = DeletedAll {
        deleted: HashLists::One(Vec::new()),
        ..result
    };
    assert!(tampered.verify(good, &delete_all).is_err());

    let delete_before = DeleteBefore::signed(&admin, one, now());
    let lists = HashLists::new(one, rows(&[(2, 1), (2, 0)]));
    let result = over_the_wire(DeletedBefore::signed(&node, &delete_before, lists.clone()));
    assert_eq!(result.deleted, HashLists::One(h[..2].to_vec()));
    result.verify(good, &delete_before).unwrap();

    let expire_all = ExpireAll::signed(&admin, one, later);
    let result = over_the_wire(ExpiredAll::signed(&node, &expire_all, lists));
    result.verify(good, &expire_all).unwrap();
    assert!(result.verify(bad, &expire_all).is_err());

    let token = SubaccountToken::new(3, ALL, key.public());
    let revoke = RevokeSubaccount::signed(&admin, vec![token], now()).unwrap();
    over_the_wire(Revoked::signed(&node, &revoke))
        .verify(good, &revoke)
        .unwrap();
    let unrevoke = UnrevokeSubaccount::signed(&admin, vec![token], now());
    let result = over_the_wire(Unrevoked::signed(&node, &unrevoke, 1));
    assert_eq!(result.count, 1);
    result.verify(good, &unrevoke).unwrap();
    assert_eq!(
        Revoked { signature: None }.verify(good, &revoke),
        Err(AuthError::Signature)
    );
}

#[test]
fn node_signature_of_expire() {
    let key = group_key();
    let admin = GroupAdminSigner::new(&key);
    let node = Ed25519Secret::from_seed([0xa3; 32]);
    let pk = admin.owner().to_hex();
    let h = hashes(3);
    let map = |list: &[(usize, Timestamp)]| -> BTreeMap<MessageHash, Timestamp> {
        list.iter()
            .map(|(i, time)| (h[*i].clone(), *time))
            .collect()
    };
    let month = now().plus(secs(30 * 24 * 3600));
    let far = now().plus(secs(99 * 24 * 3600));
    let later = now().plus(secs(60));

    // One expiry beyond the limit: what is answered and signed is the limit.
    let request = Expire::signed(&admin, h.clone(), far, ExpireMode::Set).unwrap();
    let updated = map(&[(1, month), (0, month)]);
    let unchanged = map(&[(2, later)]);
    let result = over_the_wire(Expired::signed(
        &node,
        &request,
        Expire::capped(far, now()),
        updated,
        unchanged.clone(),
    ));
    assert_eq!(result.expiry, NewExpiry::One(month));
    assert_eq!(result.unchanged, None);
    let text = format!("{pk}{month}{}{}{}{}{}", h[0], h[1], h[2], h[0], h[1]);
    assert_eq!(result.signature, Some(node.sign(text.as_bytes())));
    result.verify(node.public(), &request).unwrap();

    // Extending tells what did not change.
    let request = Expire::signed(&admin, h[1..].to_vec(), later, ExpireMode::Extend).unwrap();
    let updated = map(&[(1, later)]);
    let result = over_the_wire(Expired::signed(&node, &request, later, updated, unchanged));
    let text = format!("{pk}{later}{}{}{}{}{later}", h[1], h[2], h[1], h[2]);
    assert_eq!(result.signature, Some(node.sign(text.as_bytes())));
    result.verify(node.public(), &request).unwrap();

    // An expiry for each: those of the changed messages are answered and signed.
    let times = vec![later, far, later];
    let set = ExpireMode::Set;
    let request = Expire::signed_each(&admin, h.clone(), times.clone(), set).unwrap();
    assert!(request.targets().map(|(_, time)| time).eq(times));
    let updated = map(&[(2, later), (1, month)]);
    let result = over_the_wire(Expired::signed(&node, &request, later, updated, map(&[])));
    assert_eq!(result.expiry, NewExpiry::Each(vec![month, later]));
    let text = format!("{pk}{month}{later}{}{}{}{}{}", h[0], h[1], h[2], h[1], h[2]);
    assert_eq!(result.signature, Some(node.sign(text.as_bytes())));
    result.verify(node.public(), &request).unwrap();
}
