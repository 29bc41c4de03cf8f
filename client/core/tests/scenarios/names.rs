//! People found by their registered names, and a swarm that does not answer.

use std::sync::Arc;

use session_core::CoreError;
use session_devnet::Names;
use session_net::{NameError, NetworkStatus};
use session_types::ErrorKind;

use crate::support::{Actor, Net, run, until};

#[test]
fn somebody_is_found_by_name_and_written_to() {
    run(async {
        let register = Names::default();
        let names = register.clone();
        let net =
            Net::customised(70, move |_, config| config.names = Arc::new(names.clone())).await;
        let mut alice = Actor::new(&net, "alice").await;
        let mut bob = Actor::new(&net, "bob").await;
        register.register("bob_the-builder".parse().unwrap(), bob.id());
        let found = alice.account().resolve_name(" Bob_the-Builder ").await;
        let found = found.unwrap();
        assert_eq!(found, bob.id());
        alice.write(found, "hello, builder").await;
        assert_eq!(bob.receive(1).await[0].body, "hello, builder");
        let unknown = alice.account().resolve_name("nobody").await.unwrap_err();
        assert!(matches!(unknown, CoreError::Name(NameError::Unknown)));
        assert_eq!(unknown.kind(), ErrorKind::BadInput);
        for odd in ["", "two words", "-x", &"x".repeat(65)] {
            let error = alice.account().resolve_name(odd).await.unwrap_err();
            assert!(matches!(error, CoreError::BadName), "{odd}: {error:?}");
        }
        alice.close().await;
        bob.close().await;
        net.shutdown().await;
    });
}

#[test]
fn a_swarm_that_does_not_answer_is_told_apart_from_a_network_that_does_not() {
    run(async {
        let mut net = Net::start(71).await;
        let mut alice = Actor::new(&net, "alice").await;
        alice.account().poll_now().await.unwrap();
        let members = net.swarm(alice.id());
        let silent = |alice: &Actor| match &*alice.account().network().watch_status().borrow() {
            NetworkStatus::Connected { silent_swarm, .. } => *silent_swarm,
            _ => None,
        };
        assert_eq!(silent(&alice), None);
        net.kill(&members);
        let told = until("a silent swarm", async || {
            // Also when guards have to be found anew meanwhile.
            let _ = alice.account().poll_now().await;
            silent(&alice)
        })
        .await;
        assert_eq!(told.nodes, members.len());
        net.restart(&members).await;
        until("a swarm that answers", async || {
            let polled = alice.account().poll_now().await.is_ok();
            (polled && silent(&alice).is_none()).then_some(())
        })
        .await;
        alice.close().await;
        net.shutdown().await;
    });
}
