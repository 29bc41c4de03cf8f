//! Pictures of people.

use core::time::Duration;

use session_core::{CoreError, Event, FileForm};
use session_store::FileState;
use session_types::Timestamp;

use crate::support::clock::real_time;
use crate::support::transfers::{device, friends, person, photo};
use crate::support::{Actor, Net, run, within};

/// Waits until somebody has the picture of a person, or none.
async fn until_picture(actor: &Actor, of: &Actor, expected: Option<&[u8]>) {
    let what = format!("{}: the picture of {}", actor.name(), of.name());
    let shown = actor.log().until_state(&what, async || {
        let content = actor.account().picture_content(of.id()).await.unwrap();
        (content.as_deref() == expected).then_some(())
    });
    shown.await;
}

#[test]
fn a_picture_reaches_friends_and_own_devices_and_goes_again() {
    run(async {
        let net = Net::with_files(421).await;
        let (mut alice, mut bob) = friends(&net).await;
        let tablet = alice.second_device().await;
        within("alice", alice.account().set_picture(photo()))
            .await
            .unwrap();
        let own = alice.account().picture_content(alice.id()).await.unwrap();
        let own = own.expect("kept at once");
        let size = image::load_from_memory(&own).unwrap();
        assert_eq!((size.width(), size.height()), (40, 40));
        let up = alice.log().until("the picture is up", |events| {
            let done = |event: &Event| matches!(event, Event::PictureDone { .. });
            events.iter().any(done).then_some(())
        });
        up.await;
        until_picture(&tablet, &alice, Some(&own)).await;
        alice.send(&bob, "with a picture").await;
        bob.receive(1).await;
        until_picture(&bob, &alice, Some(&own)).await;
        // It outlives a restart without being fetched again.
        bob.restart().await;
        until_picture(&bob, &alice, Some(&own)).await;
        let row = bob.account().picture(alice.id()).await.unwrap().unwrap();
        assert_eq!(
            (row.state, row.mime.as_str()),
            (FileState::Here, "image/jpeg")
        );

        alice.account().remove_picture().await.unwrap();
        until_picture(&tablet, &alice, None).await;
        // The profile's time has a resolution of seconds; a later one is newer.
        loop {
            alice.send(&bob, "without").await;
            bob.receive(1).await;
            let kept = bob.account().picture(alice.id()).await.unwrap();
            if kept.is_none() {
                break;
            }
        }
        for actor in [&alice, &bob, &tablet] {
            assert_eq!(actor.copies(), 0, "{}", actor.name());
        }
    });
}

#[test]
fn a_picture_waits_for_its_server_across_restarts() {
    run(async {
        let mut net = Net::with_files(422).await;
        let mut newer = device(&net);
        newer.options.file_form = FileForm::Stream;
        let mut alice = Actor::with("alice", rand::random(), newer).await;
        net.devnet.kill_file_server().unwrap();
        assert!(matches!(
            alice.account().set_picture(b"words".to_vec()).await,
            Err(CoreError::BadImage)
        ));
        alice.account().set_picture(photo()).await.unwrap();
        let failed = alice.log().until("the upload fails", |events| {
            events.iter().find_map(|event| match event {
                Event::PictureFailed { reason, again, .. } => Some((reason.clone(), *again)),
                _ => None,
            })
        });
        let (reason, again) = failed.await;
        assert!(again && reason.contains("cannot be reached"), "{reason}");
        alice.crash();
        alice.open().await;
        // A second choice replaces the first.
        alice.account().set_picture(photo()).await.unwrap();
        net.devnet.restart_file_server().await.unwrap();
        let tablet = alice.second_device().await;
        let own = alice.account().picture_content(alice.id()).await.unwrap();
        until_picture(&tablet, &alice, own.as_deref()).await;
        assert_eq!(alice.copies(), 1);
        let row = alice.account().picture(alice.id()).await.unwrap().unwrap();
        assert!(row.url.ends_with("&d"), "{}", row.url);
    });
}

#[test]
fn the_own_picture_is_kept_from_expiring() {
    run(async {
        let net = Net::with_files(423).await;
        let mut alice = person(&net, "alice").await;
        alice.account().set_picture(photo()).await.unwrap();
        let first = until_renewed(&alice, None).await;
        // A day later the server is asked to keep it longer; shortly before it would expire, or
        // when the server has forgotten it, it is uploaded again.
        for (days, same_address) in [(2u64, true), (13, false)] {
            alice.close().await;
            let mut store = alice.store();
            let row = store.picture(&alice.id()).unwrap().unwrap();
            let blob = row.blob.unwrap();
            let past = real_time().minus(Duration::from_secs(days * 24 * 3600));
            assert!(store.picture_renewed(&blob, &row.url, past).unwrap());
            drop(store);
            alice.open().await;
            let renewed = until_renewed(&alice, Some(past)).await;
            assert_eq!(renewed == row.url, same_address, "{days} days");
        }
        let now = alice.account().picture(alice.id()).await.unwrap().unwrap();
        assert_ne!(now.url, first);
        // Others are shown the new address.
        let tablet = alice.second_device().await;
        let own = alice.account().picture_content(alice.id()).await.unwrap();
        until_picture(&tablet, &alice, own.as_deref()).await;
        let shown = tablet.log().until_state("the new address", async || {
            let row = tablet.account().picture(alice.id()).await.unwrap()?;
            (row.url == now.url).then_some(())
        });
        shown.await;
        assert_eq!(alice.copies(), 1);
    });
}

/// Waits until the own picture is at its server since later than a time; its address.
async fn until_renewed(actor: &Actor, later_than: Option<Timestamp>) -> String {
    let than = later_than.unwrap_or_default().plus(Duration::from_secs(60));
    let renewed = actor.log().until_state("the picture is renewed", async || {
        let row = actor.account().picture(actor.id()).await.unwrap()?;
        (row.renewed_at > than).then_some(row.url)
    });
    renewed.await
}
