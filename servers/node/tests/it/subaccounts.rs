//! Subaccounts: cases 24 to 29.

use serde_json::json;
use session_crypto::Ed25519Secret;
use session_storage_rpc::request::{
    Delete, DeleteAll, Expire, RevokeSubaccount, RevokedSubaccounts, UnrevokeSubaccount,
};
use session_storage_rpc::response::{Revoked, RevokedSubaccountsResponse, SwarmAnswer, Unrevoked};
use session_storage_rpc::{
    ExpireMode, NamespaceFilter, Permissions, Request, RequestSigner, Retrieve, Store,
    SubaccountSigner, SubaccountToken,
};
use session_types::{MessageHash, Namespace, Signature, SwarmId, SwarmPubkey, network_prefix};

use crate::support::{DAY, Network, Person, SWARM, params};

const SMALL: &[(u64, usize)] = &[(SWARM, 2)];

/// A group and somebody to whom it gave a token.
struct Member {
    group: SwarmPubkey,
    token: SubaccountToken,
    token_signature: Signature,
    key: Ed25519Secret,
}

impl Member {
    fn new(admin: &Person, prefix: u8, permissions: Permissions, number: u8) -> Self {
        let key = Ed25519Secret::from_seed([number; 32]);
        let token = SubaccountToken::new(prefix, permissions, key.public());
        let token_signature = admin.key.sign(token.as_bytes());
        Self {
            group: admin.group().owner(),
            token,
            token_signature,
            key,
        }
    }

    fn signer(&self) -> SubaccountSigner<impl Fn(&[u8]) -> Signature + '_> {
        SubaccountSigner::new(self.group, self.token, self.token_signature, |text| {
            self.key.sign(text)
        })
    }
}

fn permissions(bits: u8) -> Permissions {
    Permissions::from_bits(bits)
}

async fn status(network: &Network, request: Request) -> u16 {
    network.ask(0, request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_what_each_permission_allows() {
    let network = Network::start(SMALL).await;
    let admin = network.person(SWARM);
    let now = network.now();
    let private = Namespace::GROUP_MESSAGES;
    for bits in 0..8u8 {
        let member = Member::new(&admin, network_prefix::GROUP, permissions(bits), 100 + bits);
        let signer = member.signer();
        let [read, write, delete] = [1, 2, 4].map(|bit| bits & bit != 0);
        let code = |allowed: bool| if allowed { 200 } else { 401 };

        let retrieve = Retrieve::signed(&signer, private, now);
        assert_eq!(
            status(&network, Request::Retrieve(retrieve)).await,
            code(read),
            "{bits}"
        );
        for namespace in [11, 12, 13, 14, -11] {
            let namespace = Namespace::new(namespace);
            let store = Store::signed(&signer, namespace, now, DAY, vec![bits]).unwrap();
            assert_eq!(
                status(&network, Request::Store(store)).await,
                code(write),
                "{bits}"
            );
        }
        let outbox = Store::signed(&signer, Namespace::new(-1), now, DAY, vec![bits]).unwrap();
        let allowed = write && delete;
        assert_eq!(
            status(&network, Request::Store(outbox)).await,
            code(allowed),
            "{bits}"
        );

        let hash = network.save(0, &admin.group(), 11, &[bits, 1]).await;
        let expire = |mode, days| {
            let expiry = now.plus(DAY * days);
            Request::Expire(Expire::signed(&signer, vec![hash.clone()], expiry, mode).unwrap())
        };
        let extend = expire(ExpireMode::Extend, 3);
        assert_eq!(status(&network, extend).await, code(write), "{bits}");
        let set = network.ask(0, expire(ExpireMode::Set, 2)).await;
        assert_eq!(set.status, code(write), "{bits}");
        if write {
            // Without Delete a plain request only extends.
            let own = network.contact(0).ed25519.to_hex();
            let updated = &set.json()["swarm"][own]["updated"];
            assert_eq!(
                updated.as_array().unwrap().len(),
                usize::from(delete),
                "{bits}"
            );
        }
        let shorten = network.ask(0, expire(ExpireMode::Shorten, 1)).await;
        match (write, delete) {
            (true, true) => assert_eq!(shorten.status, 200),
            (true, false) => shorten.expect_text(
                400,
                "expire: shorten parameter cannot be used with this subaccount token (missing \
                 delete access)",
            ),
            (false, _) => assert_eq!(shorten.status, 401),
        }
        let all = DeleteAll::signed(&signer, NamespaceFilter::One(Namespace::new(50)), now);
        assert_eq!(
            status(&network, Request::DeleteAll(all)).await,
            code(delete),
            "{bits}"
        );
        let one = Delete::signed(&signer, vec![hash]).unwrap();
        assert_eq!(
            status(&network, Request::Delete(one)).await,
            code(delete),
            "{bits}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_25_and_26_tokens_for_others_and_tampered_tokens() {
    let network = Network::start(SMALL).await;
    let admin = network.person(SWARM);
    let retrieve = |member: &Member| {
        let signed = Retrieve::signed(&member.signer(), Namespace::GROUP_MESSAGES, network.now());
        Request::Retrieve(signed)
    };
    let account = network_prefix::ACCOUNT;
    let group = network_prefix::GROUP;
    let other_prefix = Member::new(&admin, account, Permissions::READ, 1);
    assert_eq!(status(&network, retrieve(&other_prefix)).await, 401);
    let any = Permissions::READ | Permissions::ANY_PREFIX;
    let any_prefix = Member::new(&admin, account, any, 1);
    assert_eq!(status(&network, retrieve(&any_prefix)).await, 200);

    let mut foreign = Member::new(&admin, group, Permissions::READ, 1);
    foreign.token_signature = Person::number(123_456).key.sign(foreign.token.as_bytes());
    assert_eq!(status(&network, retrieve(&foreign)).await, 401);

    let mut tampered = Member::new(&admin, group, Permissions::WRITE, 1);
    let read = Permissions::READ;
    tampered.token = SubaccountToken::new(group, read, tampered.key.public());
    network
        .ask(0, retrieve(&tampered))
        .await
        .expect_text(401, "retrieve signature verification failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_27_to_29_revocation() {
    let network = Network::start(SMALL).await;
    let admin = network.person(SWARM);
    let member = Member::new(&admin, network_prefix::GROUP, permissions(7), 9);
    let retrieve = |namespace| {
        let namespace = Namespace::new(namespace);
        Request::Retrieve(Retrieve::signed(&member.signer(), namespace, network.now()))
    };
    let store = |data: u8| {
        let namespace = Namespace::GROUP_MESSAGES;
        let request = Store::signed(&member.signer(), namespace, network.now(), DAY, vec![data]);
        Request::Store(request.unwrap())
    };
    assert_eq!(status(&network, retrieve(11)).await, 200);

    // The group has no messages: the revocation is kept all the same.
    let now = network.now();
    let revoke = RevokeSubaccount::signed(&admin.group(), vec![member.token], now).unwrap();
    let answer = network
        .ask(1, Request::RevokeSubaccount(revoke.clone()))
        .await
        .ok();
    let answer = SwarmAnswer::<Revoked>::from_json(&answer).unwrap();
    assert_eq!(answer.successes().count(), 2);
    for (node, result) in answer.successes() {
        result.verify(node, &revoke).unwrap();
    }
    for index in 0..2 {
        assert_eq!(network.ask(index, retrieve(11)).await.status, 401);
        assert_eq!(network.ask(index, store(1)).await.status, 401);
        // Case 28.
        assert_eq!(network.ask(index, retrieve(-11)).await.status, 200);
        // Case 29.
        let list = RevokedSubaccounts::signed(&admin.group(), now);
        let list = network
            .ask(index, Request::RevokedSubaccounts(list))
            .await
            .ok();
        let list = RevokedSubaccountsResponse::from_json(&list).unwrap();
        assert_eq!(list.revoked, [member.token]);
    }
    let hashes = vec![MessageHash::from_digest(&[1; 32])];
    let delete = Delete::signed(&member.signer(), hashes).unwrap();
    assert_eq!(status(&network, Request::Delete(delete)).await, 401);

    let unrevoke = UnrevokeSubaccount::signed(&admin.group(), vec![member.token], network.now());
    let answer = network
        .ask(0, Request::UnrevokeSubaccount(unrevoke.clone()))
        .await
        .ok();
    let answer = SwarmAnswer::<Unrevoked>::from_json(&answer).unwrap();
    for (node, result) in answer.successes() {
        assert_eq!(result.count, 1);
        result.verify(node, &unrevoke).unwrap();
    }
    for index in 0..2 {
        assert_eq!(network.ask(index, retrieve(11)).await.status, 200);
    }

    // A subaccount revokes nobody.
    let mut by_member = params(&Request::RevokeSubaccount(revoke.clone()));
    by_member.insert("subaccount".to_owned(), member.token.to_hex().into());
    by_member.insert(
        "subaccount_sig".to_owned(),
        member.token_signature.to_base64().into(),
    );
    let signature = member
        .signer()
        .authorise(&session_storage_rpc::signing::revoke_subaccount(
            revoke.timestamp,
            &revoke.revoke,
        ));
    by_member.insert(
        "signature".to_owned(),
        signature.signature.to_base64().into(),
    );
    let answer = network.call(0, "revoke_subaccount", json!(by_member)).await;
    answer.expect_text(401, "revoke_subaccount signature verification failed");

    let token = |number: u8| {
        let key = Ed25519Secret::from_seed([number; 32]);
        SubaccountToken::new(network_prefix::GROUP, Permissions::READ, key.public())
    };
    let mut many = params(&Request::RevokeSubaccount(revoke));
    let tokens: Vec<String> = (0..51).map(|number| token(number).to_hex()).collect();
    many.insert("revoke".to_owned(), json!(tokens));
    network
        .call(0, "revoke_subaccount", json!(many))
        .await
        .expect_text(
            400,
            "invalid request: invalid revoke: cannot revoke more than 50 subaccounts at once",
        );

    // The 51st drops the oldest.
    let first = RevokeSubaccount::signed(&admin.group(), vec![member.token], network.now());
    network
        .ask(0, Request::RevokeSubaccount(first.unwrap()))
        .await
        .ok();
    network.clock.advance(std::time::Duration::from_millis(1));
    let others = (0..50).map(token).collect();
    let others = RevokeSubaccount::signed(&admin.group(), others, network.now()).unwrap();
    network.ask(0, Request::RevokeSubaccount(others)).await.ok();
    assert_eq!(status(&network, retrieve(11)).await, 200);
    assert_eq!(network.contact(0).swarm, SwarmId::new(SWARM));
}
