//! The API as a WebSocket: one JSON object per text frame, after a first one with the key.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use session_api::{Reach, Secret, serve_texts};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::places::Place;
use crate::server::Shared;

/// Texts that wait on each side between the socket and the API.
const WAITING: usize = 16;
/// Bytes the first frame may have.
const MOST_FIRST: usize = 1024;
/// How long the other side may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long calls of a page that is gone may go on.
const AFTERWARDS: Duration = Duration::from_secs(30);
/// Who has no key, or one that is worth nothing any more.
const NO_KEY: u16 = 4403;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyGiven {
    key: Secret,
}

/// Why a socket is closed, for the page.
struct Farewell(u16, &'static str);

/// Serves a socket until either side ends it.
pub(crate) async fn run(mut socket: WebSocket, shared: &Arc<Shared>, place: &Place) {
    let opened = tokio::select! {
        () = shared.shutdown.cancelled() => Err(Farewell(close_code::AWAY, "stopping")),
        opened = timeout(shared.options.key_within, open(&mut socket, shared)) =>
            opened.unwrap_or(Err(Farewell(NO_KEY, "no key in time"))),
    };
    let (mut sink, mut stream) = match opened {
        Ok(ended) => {
            place.known();
            talk(socket, shared, ended).await
        }
        Err(farewell) => {
            let (mut sink, stream) = socket.split();
            close(&mut sink, farewell).await;
            (sink, stream)
        }
    };
    // Closing at once would take from the other side what it has not read yet.
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    let _ = timeout(FAREWELL, rest).await;
    let _ = timeout(FAREWELL, sink.close()).await;
}

/// Takes the key. Cancelled when the key stops being worth something.
async fn open(socket: &mut WebSocket, shared: &Shared) -> Result<CancellationToken, Farewell> {
    let refused = || Farewell(NO_KEY, "no key");
    let first = loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) if text.len() <= MOST_FIRST => break text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return Err(refused()),
        }
    };
    let given: KeyGiven = serde_json::from_str(&first).map_err(|_| refused())?;
    let ended = shared.keys.check(given.key.expose()).ok_or_else(refused)?;
    let answered = socket.send(Message::text(r#"{"ok":true}"#)).await;
    answered.map_err(|_| Farewell(close_code::AWAY, "gone"))?;
    Ok(ended)
}

/// Carries texts both ways.
async fn talk(
    socket: WebSocket,
    shared: &Shared,
    ended: CancellationToken,
) -> (SplitSink<WebSocket, Message>, SplitStream<WebSocket>) {
    let (mut sink, mut stream) = socket.split();
    let (to_api, incoming) = mpsc::channel(WAITING);
    let (outgoing, mut from_api) = mpsc::channel(WAITING);
    let connection = shared.session.connect_with(Reach::Accounts);
    let serving = shared
        .tasks
        .spawn(serve_texts(connection, incoming, outgoing));

    let every = shared.options.ping_every;
    let farewell = tokio::select! {
        farewell = read(&mut stream, &to_api, every * 3) => farewell,
        farewell = write(&mut sink, &mut from_api, every) => farewell,
        () = ended.cancelled() => Some(Farewell(NO_KEY, "the key was taken back")),
        () = shared.shutdown.cancelled() => Some(Farewell(close_code::AWAY, "stopping")),
    };
    if let Some(farewell) = farewell {
        close(&mut sink, farewell).await;
    }
    // What was asked is still done, as if the answers were read.
    drop(to_api);
    let rest = async {
        while from_api.recv().await.is_some() {}
        serving.await
    };
    if timeout(AFTERWARDS, rest).await.is_err() {
        debug!("calls of a page that is gone were cut off");
    }
    (sink, stream)
}

/// Hands on what the page asks. Ends when it is gone or does what it must not.
async fn read(
    stream: &mut SplitStream<WebSocket>,
    to_api: &mpsc::Sender<Vec<u8>>,
    silence: Duration,
) -> Option<Farewell> {
    loop {
        match timeout(silence, stream.next()).await {
            Err(_) => return Some(Farewell(close_code::AWAY, "silent")),
            Ok(Some(Ok(Message::Text(text)))) => {
                to_api.send(text.as_bytes().to_vec()).await.ok()?;
            }
            Ok(Some(Ok(Message::Binary(_)))) => {
                return Some(Farewell(close_code::UNSUPPORTED, "only texts"));
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Err(_))) => return Some(Farewell(close_code::SIZE, "not understood")),
            Ok(None | Some(Ok(Message::Close(_)))) => return None,
        }
    }
}

/// Tells the page what the API says. Ends when it takes nothing for too long. A page that is gone
/// may have asked before it went: that it cannot be told anything ends nothing, `read` reaches
/// the end of what it said.
async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    from_api: &mut mpsc::Receiver<String>,
    every: Duration,
) -> Option<Farewell> {
    let mut pings = interval(every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    loop {
        let message = tokio::select! {
            text = from_api.recv() => Message::text(text?),
            _ = pings.tick() => Message::Ping(Vec::new().into()),
        };
        match timeout(every * 3, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                while from_api.recv().await.is_some() {}
                return None;
            }
            Err(_) => {
                debug!("a page takes nothing");
                return None;
            }
        }
    }
}

async fn close(sink: &mut SplitSink<WebSocket, Message>, Farewell(code, reason): Farewell) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let _ = timeout(FAREWELL, sink.send(Message::Close(Some(frame)))).await;
}
