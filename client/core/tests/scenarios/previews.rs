//! Previews of links: looked at when allowed, sent with the message, and shown.

use session_core::{Composed, CoreError, Settings};
use session_net::{WebError, WebReach};
use session_store::{AutoDownload, FileState, MessageState, PREVIEW_IMAGE};

use crate::support::transfers::{device, friends, person, photo};
use crate::support::web::{Pages, WebServer};
use crate::support::{Actor, Net, run, within};

const HTML: &str = "text/html; charset=utf-8";

fn pages() -> Pages {
    let page = br#"<!doctype html><title>A page</title>
        <meta property="og:title" content="Fish &amp;
        chips"><meta property="og:image" content="img/fish.jpg">"#;
    let gone = br#"<title>No image</title><meta property="og:image" content="/gone.png">"#;
    let huge = br#"<title>Huge</title><meta property="og:image" content="/huge.jpg">"#;
    let words = br#"<title>Words</title><meta property="og:image" content="/words.jpg">"#;
    let far = br#"<title>Far</title><meta property="og:image" content="file:///etc/passwd">"#;
    let long = [b"<title>Long</title>".as_slice(), &[b' '; 900_000]].concat();
    let mut huge_image = photo();
    huge_image.resize(1_100_000, 0);
    Pages::from([
        ("/page", (HTML, page.to_vec())),
        ("/img/fish.jpg", ("image/jpeg", photo())),
        ("/gone", (HTML, gone.to_vec())),
        ("/huge", (HTML, huge.to_vec())),
        ("/huge.jpg", ("image/jpeg", huge_image)),
        ("/words", (HTML, words.to_vec())),
        ("/words.jpg", ("image/jpeg", b"words".to_vec())),
        ("/far", (HTML, far.to_vec())),
        ("/long", (HTML, long)),
        ("/plain", ("text/plain", b"<title>x</title>".to_vec())),
        ("/empty", (HTML, b"<p>nothing".to_vec())),
        ("/photo.jpg", ("image/jpeg", photo())),
    ])
}

async fn allow(actor: &Actor) {
    let settings = actor.account().settings().await.unwrap();
    assert!(!settings.link_previews, "off until somebody turns it on");
    let settings = Settings {
        link_previews: true,
        ..settings
    };
    actor.account().set_settings(settings).await.unwrap();
}

async fn reader(net: &Net, name: &str) -> Actor {
    let mut device = device(net);
    device.options.network.web.reach = WebReach::Anywhere;
    Actor::with(name, rand::random(), device).await
}

/// A text that is sent with the preview of its first link.
fn with_preview(text: &str) -> Composed {
    Composed {
        preview: true,
        ..Composed::text(text)
    }
}

#[test]
fn a_preview_goes_with_its_message_and_its_image_comes_as_files_do() {
    run(async {
        let net = Net::with_files(451).await;
        let web = WebServer::start(pages()).await;
        let mut alice = reader(&net, "alice").await;
        let mut bob = person(&net, "bob").await;
        alice.send(&bob, "hello").await;
        bob.receive(1).await;
        bob.send(&alice, "hello yourself").await;
        alice.receive(1).await;
        let link = web.url("/page");
        let text = format!("look: {link}, now!");

        // Nobody is asked before it is allowed, and nothing is sent without being asked for.
        let refused = alice.account().preview(&text).await;
        assert!(
            matches!(refused, Err(CoreError::PreviewsOff)),
            "{refused:?}"
        );
        allow(&alice).await;
        let refused = alice.account().send(bob.id(), with_preview(&text)).await;
        assert!(matches!(refused, Err(CoreError::NoPreview)), "{refused:?}");
        alice.send(&bob, &text).await;
        assert_eq!(bob.receive(1).await[0].details.preview, None);
        assert!(web.asked().is_empty());

        let card = within("alice", alice.account().preview(&text)).await;
        let card = card.unwrap().unwrap();
        assert_eq!(card.url, link);
        assert_eq!(card.title.as_deref(), Some("Fish & chips"));
        let image = card.image.unwrap();
        assert_eq!((image.dimensions, image.mime), ((60, 40), "image/jpeg"));
        assert!(!image.bytes.windows(9).any(|part| part == b"52.5200 N"));
        assert_eq!(web.asked(), ["/page", "/img/fish.jpg"]);

        let sent = alice.account().send(bob.id(), with_preview(&text)).await;
        let sent = sent.unwrap();
        alice.wrote(sent.id);
        alice.until_sent(sent.id).await;
        let row = bob.receive(1).await.remove(0);
        assert_eq!(
            (row.body.as_str(), row.details.attachments),
            (text.as_str(), 0)
        );
        let preview = row.details.preview.unwrap();
        assert_eq!(
            (preview.url, preview.title.as_deref()),
            (link, Some("Fish & chips"))
        );
        // The image is none of the message's files, and is here all the same.
        assert!(bob.files(row.id).await.is_empty());
        let shown = bob.log().until_state("the image comes", async || {
            let content = bob.account().file_content(row.id, PREVIEW_IMAGE);
            content.await.ok()
        });
        assert!(shown.await == image.bytes);
        let small = bob.account().thumbnail(row.id, PREVIEW_IMAGE, 30).await;
        assert_eq!(small.unwrap().dimensions, (30, 20));
        assert_eq!(web.asked().len(), 2, "who reads the message asks nobody");

        // Where files do not come by themselves the image does not either.
        let rule = bob
            .account()
            .set_auto_download(alice.id(), AutoDownload::Never);
        rule.await.unwrap();
        let sent = alice.account().send(bob.id(), with_preview(&text)).await;
        alice.wrote(sent.unwrap().id);
        let row = bob.receive(1).await.remove(0);
        let image_row = bob.account().preview_image(row.id).await.unwrap().unwrap();
        assert_eq!(image_row.state, FileState::Remote);
        assert!(bob.account().download(row.id, PREVIEW_IMAGE).await.unwrap());
        let shown = bob.log().until_state("the image comes", async || {
            let row = bob.account().preview_image(row.id).await.unwrap().unwrap();
            (row.state == FileState::Here).then_some(())
        });
        shown.await;
        bob.account().clear(alice.id()).await.unwrap();
        assert_eq!(bob.copies(), 0);
        alice.assert_tidy();
    });
}

#[test]
fn pages_that_are_not_what_they_should_be() {
    run(async {
        let net = Net::with_files(452).await;
        let web = WebServer::start(pages()).await;
        let alice = reader(&net, "alice").await;
        allow(&alice).await;
        let look = async |text: &str| within("alice", alice.account().preview(text)).await;
        for (path, title) in [
            ("/gone", "No image"),
            ("/huge", "Huge"),
            ("/words", "Words"),
            ("/far", "Far"),
            ("/long", "Long"),
        ] {
            let card = look(&web.url(path)).await.unwrap().unwrap();
            assert_eq!(card.title.as_deref(), Some(title));
            assert!(card.image.is_none(), "{path}");
        }
        for path in ["/plain", "/empty"] {
            assert_eq!(look(&web.url(path)).await.unwrap(), None, "{path}");
        }
        for text in ["", "no link", "ftp://a.example/", "https://user@a.example/"] {
            assert_eq!(look(text).await.unwrap(), None, "{text}");
        }
        let card = look(&web.url("/photo.jpg")).await.unwrap().unwrap();
        assert_eq!(
            (card.title, card.image.unwrap().dimensions),
            (None, (60, 40))
        );
        let refused = look(&web.url("/nothing")).await;
        let Err(CoreError::Web(WebError::Status { status: 404 })) = refused else {
            panic!("{refused:?}");
        };
        assert!(!web.asked().iter().any(|path| path.contains("passwd")));

        // The first link is meant, and no other one.
        let (first, second) = (web.url("/empty"), web.url("/page"));
        let asked = web.asked().len();
        assert_eq!(look(&format!("{first} {second}")).await.unwrap(), None);
        assert_eq!(web.asked().len(), asked + 1);

        // Without the switch nobody in this network is asked.
        let bob = person(&net, "bob").await;
        allow(&bob).await;
        let asked = web.asked().len();
        let found = within("bob", bob.account().preview(&second)).await;
        assert_eq!(found.unwrap(), None);
        assert_eq!(web.asked().len(), asked);
    });
}

#[test]
fn a_preview_waits_for_the_file_server_with_its_message() {
    run(async {
        let mut net = Net::with_files(453).await;
        let web = WebServer::start(pages()).await;
        let mut alice = reader(&net, "alice").await;
        allow(&alice).await;
        let (_, mut bob) = friends(&net).await;
        let text = web.url("/page");
        alice.account().preview(&text).await.unwrap().unwrap();
        net.devnet.kill_file_server().unwrap();
        let sent = alice.account().send(bob.id(), with_preview(&text)).await;
        let sent = sent.unwrap();
        alice.wrote(sent.id);
        alice.until_postponed(sent.id).await;
        // What is queued is on disk: the page is not needed any more, nor who looked at it.
        drop(web);
        alice.restart().await;
        net.devnet.restart_file_server().await.unwrap();
        alice.until_outbox_empty().await;
        assert_eq!(alice.message(sent.id).await.state, MessageState::Sent);
        let row = bob.receive(1).await.remove(0);
        let preview = row.details.preview.unwrap();
        assert_eq!(preview.title.as_deref(), Some("Fish & chips"));
        // Alice is a stranger: her image comes when she is accepted.
        let image = bob.account().preview_image(row.id).await.unwrap().unwrap();
        assert_eq!(image.state, FileState::Remote);
        within("bob", bob.account().accept(alice.id()))
            .await
            .unwrap();
        let here = bob.log().until_state("the image comes", async || {
            let image = bob.account().preview_image(row.id).await.unwrap().unwrap();
            (image.state == FileState::Here).then_some(())
        });
        here.await;
    });
}
