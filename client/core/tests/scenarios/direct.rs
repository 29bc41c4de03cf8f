//! Files straight to and from the own file server, for those who allowed it.

use std::net::UdpSocket;

use session_chassis::listener;
use session_core::{CoreError, NewFile, Settings as Choices};
use session_files::settings::Settings;
use session_files::{FileServer, RunningServer, ServerConfig, ServerKeys};
use session_store::FileState;
use tempfile::TempDir;

use crate::support::transfers::words;
use crate::support::{Actor, Device, Net, run, within};

/// A file server with HTTP for nodes, and QUIC for those who come directly.
struct Files {
    running: RunningServer,
    setting: String,
    port: u16,
    _folder: TempDir,
}

async fn files(seed: [u8; 32]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let socket = listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let keys = ServerKeys::from_seed(seed);
    let setting = format!("http://{address}#{}", keys.ed25519());
    let mut config = ServerConfig::new(folder.path(), socket, keys, Settings::default());
    let quic = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = quic.local_addr().unwrap().port();
    config.quic = Some(quic);
    let running = within("a file server", Box::pin(FileServer::start(config)));
    Files {
        running: running.await.unwrap(),
        setting,
        port,
        _folder: folder,
    }
}

async fn person(net: &Net, name: &str, files: &Files, port: u16) -> Actor {
    let mut device = Device::on(net.seed_url()).with_files(&files.setting);
    device.options.network.file_port = port;
    device.options.file_retries = vec![core::time::Duration::from_millis(300); 100];
    Actor::with(name, rand::random(), device).await
}

async fn allow(actor: &Actor) {
    let choices = actor.account().settings().await.unwrap();
    assert!(!choices.direct_files, "off until somebody turns it on");
    let choices = Choices {
        direct_files: true,
        ..choices
    };
    actor.account().set_settings(choices).await.unwrap();
}

fn file(length: usize) -> Vec<NewFile> {
    vec![NewFile::named("a.txt", words(length))]
}

#[test]
fn files_go_directly_only_to_the_own_server_and_only_when_that_is_allowed() {
    run(async {
        let net = Net::start(461).await;
        let near = files([1; 32]).await;
        let far = files([2; 32]).await;
        let mut alice = person(&net, "alice", &near, near.port).await;
        let mut bob = person(&net, "bob", &near, near.port).await;
        // Carol's own server is another one.
        let mut carol = person(&net, "carol", &far, far.port).await;
        for actor in [&alice, &bob, &carol] {
            allow(actor).await;
        }
        let counted = |files: &Files| {
            let seen = files.running.metrics();
            (seen.uploads, seen.downloads, seen.onion_answered)
        };
        let sent = alice.write_files(bob.id(), file(3_000_000), "").await;
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(3_000_000));
        assert_eq!(counted(&near), (1, 1, 0), "no node saw any of it");

        // What Carol's address names is asked for through nodes.
        let sent = carol.write_files(bob.id(), file(5000), "").await;
        carol.until_sent(sent.id).await;
        assert_eq!(counted(&far), (1, 0, 0));
        let row = bob.receive(1).await.remove(0);
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(5000));
        assert_eq!(counted(&far), (1, 1, 1));
        assert_eq!(counted(&near), (1, 1, 0));

        // Without the setting all goes through nodes.
        let off = Choices::default();
        alice.account().set_settings(off).await.unwrap();
        let sent = alice.write_files(bob.id(), file(7000), "").await;
        alice.until_sent(sent.id).await;
        assert_eq!(counted(&near), (2, 1, 1));
        for files in [near, far] {
            files.running.stop().await.unwrap();
        }
    });
}

#[test]
fn an_open_account_goes_to_another_file_server() {
    run(async {
        let net = Net::start(464).await;
        let (first, second) = (files([5; 32]).await, files([6; 32]).await);
        let mut alice = person(&net, "alice", &first, first.port).await;
        let mut bob = person(&net, "bob", &first, first.port).await;
        let uploads = || [&first, &second].map(|files| files.running.metrics().uploads);
        let mut rows = Vec::new();
        for (step, length) in [(0, 5000), (1, 6000)] {
            if step == 1 {
                let server = second.setting.parse().unwrap();
                alice.account().set_file_server(Some(server)).await.unwrap();
            }
            let sent = alice.write_files(bob.id(), file(length), "").await;
            alice.until_sent(sent.id).await;
            rows.push(bob.receive(1).await.remove(0));
        }
        assert_eq!(uploads(), [1, 1]);
        // Bob was told nothing, and what went to the first one before is still there.
        for (row, length) in rows.iter().zip([5000, 6000]) {
            assert!(bob.account().download(row.id, 0).await.unwrap());
            assert!(bob.content(row.id, 0).await == words(length));
        }
        // It is remembered.
        let own = alice.account().file_server().map(|own| own.to_string());
        assert_eq!(own.as_deref(), Some(second.setting.as_str()));
        let remembered = || alice.store().identity().unwrap().file_server;
        assert_eq!(remembered(), own);
        // This network has none of its own.
        alice.account().set_file_server(None).await.unwrap();
        assert!(alice.account().file_server().is_none());
        assert_eq!(remembered(), None);
        let refused = alice.account().send_files(bob.id(), file(10), "");
        assert!(matches!(refused.await, Err(CoreError::NoFileServer)));
        for files in [first, second] {
            files.running.stop().await.unwrap();
        }
    });
}

#[test]
fn where_nobody_answers_over_quic_files_go_through_nodes() {
    run(async {
        let net = Net::start(462).await;
        let server = files([3; 32]).await;
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let mut alice = person(&net, "alice", &server, port).await;
        let mut bob = person(&net, "bob", &server, port).await;
        allow(&alice).await;
        allow(&bob).await;
        let sent = alice.write_files(bob.id(), file(40_000), "").await;
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        assert!(bob.account().download(row.id, 0).await.unwrap());
        assert!(bob.content(row.id, 0).await == words(40_000));
        let seen = server.running.metrics();
        assert_eq!(
            (seen.uploads, seen.downloads, seen.onion_answered),
            (1, 1, 2)
        );
        // What the server does not have is gone, however it was asked.
        let known = bob.files(row.id).await[0].pointer.clone().unwrap();
        let gone = known.url.replace("/file/", "/file/x");
        let pointer = session_messages::Attachment::new(gone, known.key).unwrap();
        let message = bob.is_told_of(vec![pointer]).await;
        bob.account().download(message, 0).await.unwrap();
        let state = bob.until_settled(message, 0).await;
        assert!(matches!(state, FileState::Gone { .. }), "{state:?}");
        server.running.stop().await.unwrap();
    });
}
