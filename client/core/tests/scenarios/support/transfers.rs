//! People who send files.

use core::time::Duration;
use std::path::PathBuf;

use session_core::{Event, NewFile};
use session_crypto::AccountKeys;
use session_messages::{Attachment, Content, VisibleMessage, encode_direct};
use session_net::{Purpose, ServerRequest};
use session_storage_rpc::{Request, Store as StoreRequest};
use session_store::{FileRow, FileState, MessageId, OutgoingRow};
use session_types::{AccountId, SwarmPubkey};

use super::sluice::Sluice;
use super::{Actor, Device, Net, within};

/// Somebody whose device knows the network's file server and does not wait long.
pub(crate) fn device(net: &Net) -> Device {
    let mut device = Device::on(net.seed_url()).with_files(&net.file_server());
    device.options.file_retries = vec![Duration::from_millis(300); 100];
    device
}

/// The same, with another address of that file server.
pub(crate) fn device_behind(net: &Net, sluice: &Sluice) -> Device {
    let mut device = device(net);
    device.file_server = Some(sluice.setting(&net.file_server()));
    device
}

pub(crate) async fn person(net: &Net, name: &str) -> Actor {
    Actor::with(name, rand::random(), device(net)).await
}

/// Two who have written to each other.
pub(crate) async fn friends(net: &Net) -> (Actor, Actor) {
    let mut alice = person(net, "alice").await;
    let mut bob = person(net, "bob").await;
    alice.send(&bob, "hello").await;
    bob.receive(1).await;
    bob.send(&alice, "hello yourself").await;
    alice.receive(1).await;
    (alice, bob)
}

/// A content that is no picture.
pub(crate) fn words(length: usize) -> Vec<u8> {
    b"words and more words. "
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

/// A picture with what cameras write.
pub(crate) fn photo() -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(60, 40, |x, y| {
        image::Rgb([
            u8::try_from(x * 4).unwrap(),
            u8::try_from(y * 6).unwrap(),
            9,
        ])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    let jpeg = bytes.into_inner();
    let comment = [&b"\xff\xfe\0\x15"[..], b"52.5200 N 13.4050 E"].concat();
    [&jpeg[..2], &comment, &jpeg[2..]].concat()
}

impl Actor {
    /// Sends files and waits for nothing.
    pub(crate) async fn write_files(
        &mut self,
        to: AccountId,
        files: Vec<NewFile>,
        text: &str,
    ) -> OutgoingRow {
        let written = self.account().send_files(to, files, text);
        let row = within(self.name(), written).await.unwrap();
        self.wrote(row.id);
        row
    }

    pub(crate) async fn files(&self, message: MessageId) -> Vec<FileRow> {
        within(self.name(), self.account().files(message))
            .await
            .unwrap()
    }

    /// Waits until a file of a message is neither on its way nor waits for it.
    pub(crate) async fn until_settled(&self, message: MessageId, index: u32) -> FileState {
        let what = format!("{}: file {index} of message {message}", self.name());
        let state = self.log().until_state(&what, async || {
            let files = self.files(message).await;
            let state = files[usize::try_from(index).unwrap()].state.clone();
            (state != FileState::Queued).then_some(state)
        });
        state.await
    }

    /// The content of a file, once it is here.
    pub(crate) async fn content(&self, message: MessageId, index: u32) -> Vec<u8> {
        assert_eq!(self.until_settled(message, index).await, FileState::Here);
        let content = self.account().file_content(message, index);
        within(self.name(), content).await.unwrap()
    }

    /// Waits for the next reason why a file did not move.
    pub(crate) async fn until_file_failed(&self, message: MessageId) -> String {
        let what = format!("{}: a file of message {message} fails", self.name());
        self.log()
            .until(&what, |events| {
                events.iter().rev().find_map(|event| match event {
                    Event::FileFailed {
                        message_id, reason, ..
                    } if *message_id == message => Some(reason.clone()),
                    _ => None,
                })
            })
            .await
    }

    /// What lies in the folder of files.
    pub(crate) fn folder(&self) -> PathBuf {
        let accounts = self.home().join("accounts");
        accounts.join(self.id().to_hex()).join("files")
    }

    pub(crate) fn copies(&self) -> usize {
        std::fs::read_dir(self.folder()).map_or(0, Iterator::count)
    }

    /// Uploads bytes as they are. Returns the address.
    pub(crate) async fn upload(&self, bytes: Vec<u8>, is_stream: bool) -> String {
        let network = self.account().network();
        let server = network.profile().file_server().unwrap().clone();
        let request = ServerRequest::post("/file", bytes);
        let target = server.target();
        let asked = network.ask_server(&target, &request, Purpose::Files);
        let reply = within(self.name(), asked).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        server.url_of(answer["id"].as_str().unwrap(), is_stream)
    }

    /// A message of a stranger that speaks of files, whatever is there.
    pub(crate) async fn is_told_of(&mut self, attachments: Vec<Attachment>) -> MessageId {
        let stranger = AccountKeys::from_seed16(rand::random());
        let network = self.account().network();
        let content = Content::from(VisibleMessage::files(attachments, None).unwrap());
        let (to, now) = (self.id(), network.now());
        let data = encode_direct(&content, &stranger, &to, now, &mut rand::rng()).unwrap();
        let (owner, ttl) = (SwarmPubkey::from(to), content.ttl(false));
        let asked = network.ask_swarm(owner, Purpose::Contact(to), move |now, _| {
            let store = StoreRequest::unsigned(owner, now, ttl, data.clone())?;
            Ok(Request::sequence(vec![Request::Store(store)])?)
        });
        within(self.name(), asked).await.unwrap();
        self.receive(1).await[0].id
    }
}
