//! `session demo`: two people, a private network, and who saw what.

mod person;
mod telling;
mod windows;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use session_core::NewFile;
use session_crypto::AccountKeys;

use crate::cli::{DemoArguments, Global};
use crate::commands::app::browser_is_likely;
use crate::commands::devnet;
use crate::end::End;
use crate::output::Output;
use person::Person;
use telling::Telling;
use windows::Windows;

const FROM_ALICE: &str = "Hi Bob, are you there? No phone number needed.";
const PICTURE: &[u8] = include_bytes!("demo/tea.png");
const FROM_BOB: &str = "Hello Alice! Got it the moment I came online.";

pub(crate) async fn run(
    global: &Global,
    arguments: &DemoArguments,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let network = devnet::start(global, &arguments.devnet, output).await?;
    let folder = tempfile::Builder::new().prefix("session-demo-").tempdir()?;
    let mut telling = Telling::new(output, &network);
    telling.network(&network, started.elapsed());
    let info = network.describe();

    let alice_keys = AccountKeys::generate(&mut rand::rng());
    let bob_keys = AccountKeys::generate(&mut rand::rng());
    let alice_home = folder.path().join("alice");
    let bob_home = folder.path().join("bob");
    let second_home = folder.path().join("alice-second-device");
    telling.chapter("Two accounts are made: a key pair each, nothing else.");
    telling.account("Alice", &alice_keys, &network);
    telling.account("Bob", &bob_keys, &network);
    Person::prepare(&bob_home, "Bob", &bob_keys, &info)?;

    telling.chapter("Alice writes to Bob. Bob is offline.");
    let mut alice = Person::create(&alice_home, "Alice", &alice_keys, &info, output).await?;
    let sent = alice.send(bob_keys.account_id(), FROM_ALICE).await?;
    telling.sent("Alice", "Bob", FROM_ALICE, &sent);

    telling.chapter("Bob comes online and asks his swarm.");
    let mut bob = Person::open(&bob_home, "Bob", &bob_keys, output).await?;
    let (message, route) = bob.receive(1).await?;
    telling.received("Bob", "Alice", &message, &route);

    telling.chapter("Bob replies.");
    let sent = bob.send(alice_keys.account_id(), FROM_BOB).await?;
    telling.sent("Bob", "Alice", FROM_BOB, &sent);
    let (message, route) = alice.receive(1).await?;
    telling.received("Alice", "Bob", &message, &route);

    telling.chapter("Bob sends a picture.");
    let picture = NewFile::named("tea.png", PICTURE.to_vec());
    let sent = bob.send_file(alice_keys.account_id(), picture).await?;
    let (message, _) = alice.receive(1).await?;
    let file = alice.fetched(message.id).await?;
    telling.picture(&file, &sent);

    telling.chapter("Alice restores her account on a second device, from the Recovery Password.");
    let words = alice_keys.mnemonic();
    let restored = AccountKeys::from_mnemonic(&words)?;
    let mut second = Person::create(&second_home, "Alice", &restored, &info, output).await?;
    let (message, route) = second.receive(3).await?;
    telling.second_device(
        &second.history(bob_keys.account_id()).await?,
        &message,
        &route,
    );

    for person in [alice, bob, second] {
        person.account.close().await;
    }
    let took = started.elapsed();
    telling.end(took);
    let end = End::expect()?;
    output.object(&json!({
        "event": "done",
        "took_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "seed_url": info.seed_url,
        "data_dirs": { "alice": alice_home, "bob": bob_home },
    }));
    if arguments.exit {
        network.shutdown().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let windows = Windows::start(global, [("Alice", &alice_home), ("Bob", &bob_home)]).await?;
    windows.tell(output);
    telling.hand_over(
        &[("Alice", &alice_home), ("Bob", &bob_home)],
        bob_keys.account_id(),
    );
    devnet::say_how_to_use(output, &info);
    output.note("\nThe network stays up; Ctrl-C stops it and removes everything.");
    let browser = !arguments.no_browser && browser_is_likely();
    tokio::select! {
        ended = end.wait() => ended?,
        () = windows.keep_open(browser, output) => {}
    }
    output.note("Stopping …");
    windows.stop().await;
    network.shutdown().await?;
    Ok(ExitCode::SUCCESS)
}
