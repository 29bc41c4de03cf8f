//! Registered names, asked of nodes that know them, do not, fail or lie.

use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use session_crypto::AccountKeys;
use session_crypto::name::SessionName;
use session_net::NameError;
use session_node::{NameQuery, NameRecord, NameResolver};
use session_types::AccountId;

use crate::support::{Client, customised, within};

/// What one node says.
#[derive(Debug)]
struct Register {
    name: SessionName,
    owner: Option<AccountId>,
    fails: bool,
}

impl NameResolver for Register {
    fn resolve(
        &self,
        query: NameQuery,
    ) -> Pin<
        Box<dyn Future<Output = Result<Option<NameRecord>, session_node::NameError>> + Send + '_>,
    > {
        if self.fails {
            return Box::pin(ready(Err(session_node::NameError(
                "out of order".to_owned(),
            ))));
        }
        let known = query.kind == 0 && query.name_hash == self.name.hash();
        let record = self.owner.filter(|_| known).map(|owner| {
            let (encrypted_value, nonce) = self.name.encrypt(&owner, &mut rand::rng());
            NameRecord {
                encrypted_value,
                nonce: Some(nonce.to_vec()),
            }
        });
        Box::pin(ready(Ok(record)))
    }
}

fn anna() -> AccountId {
    AccountKeys::from_seed16([5; 16]).account_id()
}

/// A network whose nodes with these indexes are `odd`; the others know whose `anna` is.
async fn network(
    seed: u64,
    odd: &'static [usize],
    owner: Option<AccountId>,
    fails: bool,
) -> session_devnet::Devnet {
    customised(seed, move |index, config| {
        let is_odd = odd.contains(&index);
        config.names = Arc::new(Register {
            name: "anna".parse().unwrap(),
            owner: if is_odd { owner } else { Some(anna()) },
            fails: is_odd && fails,
        });
    })
    .await
}

/// Somebody who knows the network: how a list of nodes is come by is tested elsewhere.
async fn client_of(devnet: &session_devnet::Devnet) -> Client {
    let client = Client::new(&devnet.seed_url());
    within(async { while client.read().await.is_err() {} }).await;
    client
}

async fn resolve(client: &Client, name: &str) -> Result<AccountId, NameError> {
    within(client.network.resolve_name(&name.parse().unwrap())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_to_its_account() {
    let devnet = network(260, &[], None, false).await;
    let client = client_of(&devnet).await;
    for typed in ["anna", "Anna"] {
        assert_eq!(resolve(&client, typed).await.unwrap(), anna());
    }
    let nobody = resolve(&client, "nobody").await;
    assert!(matches!(nobody, Err(NameError::Unknown)), "{nobody:?}");
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_fail_are_replaced() {
    let devnet = network(261, &[0, 1, 2], None, true).await;
    let client = client_of(&devnet).await;
    for _ in 0..5 {
        assert_eq!(resolve(&client, "anna").await.unwrap(), anna());
    }
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn liars_are_not_believed() {
    // Half of the nodes say something else.
    let mallory = AccountKeys::from_seed16([6; 16]).account_id();
    let devnet = network(262, &[0, 1, 2, 3, 4, 5], Some(mallory), false).await;
    let client = client_of(&devnet).await;
    let mut disagreed = 0;
    for _ in 0..20 {
        match resolve(&client, "anna").await {
            Ok(account) => assert!([anna(), mallory].contains(&account)),
            Err(NameError::Disagreement) => disagreed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    // All three of one side are drawn in a fifth of the cases: never 20 times in a row.
    assert!(disagreed > 0);
    devnet.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_it_is_said() {
    let mut devnet = network(263, &[], None, false).await;
    let client = client_of(&devnet).await;
    assert_eq!(resolve(&client, "anna").await.unwrap(), anna());
    for index in 0..12 {
        devnet.kill_node(index).unwrap();
    }
    let gone = resolve(&client, "anna").await;
    let Err(NameError::Net(error)) = gone else {
        panic!("{gone:?}");
    };
    assert_eq!(error.kind(), session_types::ErrorKind::Unreachable);
    devnet.shutdown().await.unwrap();
}
