//! Files over QUIC, byte by byte.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    Connection, ConnectionError, Endpoint, ReadToEndError, RecvStream, SendStream, VarInt,
};
use serde_json::{Value, json};
use session_files::ServerKeys;
use session_quic::{TlsKey, tls};
use session_storage_rpc::stream::{StreamDecoder, StreamMessage};

use crate::support::{DAY, DEADLINE, SEED, START, Server, content, id_of, until};

const HELLO: &str = "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s";
const WEEKS: u64 = 21 * DAY;

/// What a client has: its socket stays open as long as this.
struct Client {
    endpoint: Endpoint,
    connection: Connection,
}

fn config(key: [u8; 32], protocol: &[u8]) -> quinn::ClientConfig {
    let server = *ServerKeys::from_seed(key).ed25519();
    let tls = tls::opening(server, &TlsKey::random(), protocol).unwrap();
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

fn endpoint() -> Endpoint {
    Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
}

async fn connect_with(
    server: &Server,
    config: quinn::ClientConfig,
) -> Result<Client, ConnectionError> {
    let endpoint = endpoint();
    let address = server.running.quic_address().unwrap();
    let connection = endpoint
        .connect_with(config, address, "localhost")
        .unwrap()
        .await?;
    Ok(Client {
        endpoint,
        connection,
    })
}

/// A connection whose first stream is open.
async fn connect(server: &Server) -> (Client, Requests) {
    let client = connect_with(server, config(SEED, b"quic-files"))
        .await
        .unwrap();
    let requests = Requests::open(&client.connection).await;
    (client, requests)
}

/// The first stream.
struct Requests {
    send: SendStream,
    recv: RecvStream,
    decoder: StreamDecoder,
    next: i64,
}

impl Requests {
    async fn open(connection: &Connection) -> Self {
        let (send, recv) = connection.open_bi().await.unwrap();
        assert_eq!(recv.id().index(), 0);
        Self {
            send,
            recv,
            decoder: StreamDecoder::new(),
            next: 7,
        }
    }

    /// Whether it was answered well, and the body.
    async fn ask(&mut self, endpoint: &str, body: &[u8]) -> (bool, Vec<u8>) {
        self.next += 1;
        let message = StreamMessage::Command {
            id: self.next,
            endpoint: endpoint.to_owned(),
            body: body.to_vec(),
        };
        self.send
            .write_all(&message.encode().unwrap())
            .await
            .unwrap();
        loop {
            if let Some(message) = self.decoder.next_message().unwrap() {
                return match message {
                    StreamMessage::Reply { id, body } if id == self.next => (true, body),
                    StreamMessage::Error { id, body } if id == self.next => (false, body),
                    other => panic!("{other:?}"),
                };
            }
            let chunk = tokio::time::timeout(DEADLINE, self.recv.read_chunk(4096, true));
            let chunk = chunk.await.unwrap().unwrap().expect("an answer");
            self.decoder.push(&chunk.bytes);
        }
    }

    async fn ask_json(&mut self, endpoint: &str, body: Value) -> (bool, Value) {
        let (good, answer) = self.ask(endpoint, body.to_string().as_bytes()).await;
        (good, serde_json::from_slice(&answer).unwrap())
    }
}

/// Sends these bytes on a stream of their own and finishes it; what comes back, or the code of a
/// reset.
async fn exchange(client: &Client, parts: &[&[u8]]) -> Result<Vec<u8>, u64> {
    let (mut send, recv) = client.connection.open_bi().await.unwrap();
    for part in parts {
        // A server that refuses early stops reading.
        let _ = send.write_all(part).await;
    }
    let _ = send.finish();
    answer(recv).await
}

async fn answer(mut recv: RecvStream) -> Result<Vec<u8>, u64> {
    let read = tokio::time::timeout(DEADLINE, recv.read_to_end(20_000_000));
    match read.await.unwrap() {
        Ok(bytes) => Ok(bytes),
        Err(ReadToEndError::Read(quinn::ReadError::Reset(code))) => Err(code.into_inner()),
        Err(error) => panic!("{error}"),
    }
}

fn put(size: usize) -> Vec<u8> {
    let dict = format!("d1:!3:PUT1:si{size}ee");
    format!("{}:{dict}", dict.len()).into_bytes()
}

fn get(id: &str) -> Vec<u8> {
    let dict = format!("d1:!3:GET1:#{}:{id}e", id.len());
    format!("{}:{dict}", dict.len()).into_bytes()
}

/// Takes `<n>:` and a dict of n bytes off the front.
fn split(answer: &[u8]) -> (&[u8], &[u8]) {
    let colon = answer.iter().position(|byte| *byte == b':').unwrap();
    let length: usize = std::str::from_utf8(&answer[..colon])
        .unwrap()
        .parse()
        .unwrap();
    answer[colon + 1..].split_at(length)
}

#[tokio::test]
async fn bytes_of_the_specification() {
    let server = Server::start().await;
    let (client, mut requests) = connect(&server).await;
    let expires = START + WEEKS;
    let sent = exchange(&client, &[b"17:d1:!3:PUT1:si13ee", b"hello session"]).await;
    let kept = format!("d1:#44:{HELLO}1:ui{START}e1:xi{expires}ee");
    assert_eq!(sent.unwrap(), kept.as_bytes());
    let got = exchange(&client, &[format!("60:d1:!3:GET1:#44:{HELLO}e").as_bytes()]).await;
    let file = format!("39:d1:si13e1:ui{START}e1:xi{expires}eehello session");
    assert_eq!(got.unwrap(), file.as_bytes());

    // The same file over HTTP, and counted as one.
    let path = format!("/file/{HELLO}");
    assert_eq!(server.get(&path).await.body, b"hello session");
    assert_eq!(server.upload(b"hello session").await, HELLO);
    let metrics = server.running.metrics();
    assert_eq!(
        (metrics.files, metrics.uploads, metrics.downloads),
        (1, 2, 2)
    );

    let ask = format!("d1:#44:{HELLO}e");
    let info = requests.ask("file_info", ask.as_bytes()).await;
    let known = format!("d1:#44:{HELLO}1:si13e1:ui{START}e1:xi{expires}ee");
    assert_eq!(info, (true, known.into_bytes()));
    let info = requests.ask_json("file_info", json!({ "id": HELLO })).await;
    let known = json!({ "id": HELLO, "size": 13, "uploaded": START, "expires": expires });
    assert_eq!(info, (true, known));

    server.set_clock(START + DAY);
    let extended = requests.ask("file_extend", ask.as_bytes()).await;
    let kept = format!("d1:#44:{HELLO}1:ui{START}e1:xi{}ee", expires + DAY);
    assert_eq!(extended, (true, kept.into_bytes()));
    let never_less = json!({ "id": HELLO, "ttl": 60 });
    let extended = requests.ask_json("file_extend", never_less).await;
    let known = json!({ "id": HELLO, "uploaded": START, "expires": expires + DAY });
    assert_eq!(extended, (true, known));
}

#[tokio::test]
async fn the_time_to_live_is_brought_within_bounds() {
    let server = Server::with(|settings| settings.max_ttl_hours = Some(30 * 24)).await;
    let (client, _requests) = connect(&server).await;
    for (number, (asked, granted)) in
        (0..).zip([(0, 1), (60, 60), (40 * DAY, 30 * DAY), (u64::MAX, 30 * DAY)])
    {
        let content = content(number, 100);
        let dict = format!("d1:!3:PUT1:si100e1:ti{asked}ee");
        let block = format!("{}:{dict}", dict.len());
        let kept = exchange(&client, &[block.as_bytes(), &content])
            .await
            .unwrap();
        let wanted = format!("1:xi{}ee", START + granted);
        assert!(kept.ends_with(wanted.as_bytes()), "{asked}");
    }
}

#[tokio::test]
async fn large_files_side_by_side() {
    let server = Server::start().await;
    let (client, _requests) = connect(&server).await;
    let files: Vec<_> = (0..4).map(|number| content(number, 10_223_616)).collect();
    let sends = files.iter().map(async |content| {
        let kept = exchange(&client, &[&put(content.len()), content])
            .await
            .unwrap();
        let id = id_of(content);
        assert!(kept.starts_with(format!("d1:#44:{id}1:u").as_bytes()));
        let got = exchange(&client, &[&get(&id)]).await.unwrap();
        let (dict, bytes) = split(&got);
        assert!(dict.starts_with(b"d1:si10223616e1:u"));
        assert!(bytes == content);
    });
    futures_util::future::join_all(sends).await;
    assert_eq!(server.partial_uploads(), 0);
}

#[tokio::test]
async fn every_code() {
    let server = Server::with(|settings| settings.max_file_bytes = 1000).await;
    let (client, mut requests) = connect(&server).await;
    let thousand = vec![7; 1000];
    for (parts, code) in [
        (vec![&b"nonsense"[..]], 400),
        (vec![b""], 400),
        (vec![b"20:d1:!3:PUT"], 400),
        (vec![b"00000:"], 400),
        (vec![b"10:d1:!3:GETe"], 400),
        (vec![&get("7"), b"more"], 400),
        (vec![&get("7")], 404),
        (vec![&get("../7")], 404),
        (vec![&get(HELLO)], 404),
        (vec![b"13:d1:!6:DELETEe"], 405),
        (vec![b"10:d1:!3:PUTe"], 450),
        (vec![&put(0)], 451),
        (vec![&put(1001), &thousand], 451),
        (vec![&put(1000), &thousand[..999]], 452),
        (vec![&put(999), &thousand], 453),
    ] {
        let shown = String::from_utf8_lossy(parts[0]).into_owned();
        assert_eq!(exchange(&client, &parts).await, Err(code), "{shown}");
    }
    assert!(exchange(&client, &[&put(1000), &thousand]).await.is_ok());
    assert_eq!(server.running.metrics().files, 1);

    let kept = exchange(&client, &[&put(3), b"abc"]).await.unwrap();
    server.set_clock(START + WEEKS);
    for (body, error) in [
        (&b"d1:#1:7e"[..], "NOT_FOUND"),
        (&kept, "NOT_FOUND"),
        (b"d1:#1:xe", "NOT_FOUND"),
        (b"de", "BAD_REQUEST"),
        (b"d1:#1:71:ti-1ee", "BAD_REQUEST"),
    ] {
        let answer = requests.ask("file_extend", body).await;
        assert_eq!(answer, (false, error.as_bytes().to_vec()));
    }
    for (body, error) in [
        (json!({ "id": "7" }), "NOT_FOUND"),
        (json!({ "id": 7 }), "BAD_REQUEST"),
        (json!(null), "BAD_REQUEST"),
    ] {
        let answer = requests.ask_json("file_info", body).await;
        assert_eq!(answer, (false, json!({ "error": error })));
    }
    let answer = requests.ask("file_delete", b"d1:#1:7e").await;
    assert_eq!(answer, (false, b"Invalid endpoint".to_vec()));
    // A length that is none ends the connection.
    requests.send.write_all(b"x").await.unwrap();
    let closed = tokio::time::timeout(DEADLINE, client.connection.closed()).await;
    let ConnectionError::ApplicationClosed(closed) = closed.unwrap() else {
        panic!("not closed by the server")
    };
    assert_eq!(closed.error_code, VarInt::from_u32(400));
}

#[tokio::test]
async fn names_by_blake3_are_those_of_http() {
    let server = Server::with(|settings| settings.ids = session_files::IdMode::Blake3).await;
    let (client, _requests) = connect(&server).await;
    let id = server.upload(b"abc").await;
    let kept = exchange(&client, &[&put(3), b"abc"]).await.unwrap();
    assert!(String::from_utf8(kept).unwrap().contains(&id));
    assert_eq!(server.running.metrics().files, 1);
}

#[tokio::test]
async fn files_named_by_numbers_are_not_extended() {
    let server = Server::with(|settings| settings.ids = session_files::IdMode::Numbers).await;
    let (client, mut requests) = connect(&server).await;
    let kept = exchange(&client, &[&put(3), b"abc"]).await.unwrap();
    let kept = String::from_utf8(kept).unwrap();
    let id = kept.split(':').nth(2).unwrap().strip_suffix('1').unwrap();
    assert!(id.parse::<u64>().is_ok(), "{kept}");
    let (good, info) = requests.ask_json("file_info", json!({ "id": id })).await;
    assert!(good && info["size"] == 3);
    let extended = requests.ask_json("file_extend", json!({ "id": id })).await;
    assert_eq!(extended, (false, json!({ "error": "NOT_FOUND" })));
    let got = exchange(&client, &[&get(id)]).await.unwrap();
    assert_eq!(split(&got).1, b"abc");
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing() {
    let server = Server::start().await;
    let content = content(1, 600_000);
    // An upload that is reset, one whose connection is closed.
    let (client, _requests) = connect(&server).await;
    for by_reset in [true, false] {
        let (mut send, _recv) = client.connection.open_bi().await.unwrap();
        send.write_all(&put(content.len())).await.unwrap();
        send.write_all(&content[..300_000]).await.unwrap();
        until(|| server.partial_uploads() == 1).await;
        if by_reset {
            send.reset(VarInt::from_u32(0)).unwrap();
        } else {
            client.connection.close(VarInt::from_u32(0), b"");
        }
        until(|| server.partial_uploads() == 0).await;
    }
    assert_eq!(server.running.metrics().files, 0);

    // A download nobody wants any more.
    let (client, _requests) = connect(&server).await;
    let id = server.upload(&self::content(2, 10_000_000)).await;
    let (mut send, mut recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&get(&id)).await.unwrap();
    send.finish().unwrap();
    let mut begin = [0; 1000];
    recv.read_exact(&mut begin).await.unwrap();
    recv.stop(VarInt::from_u32(499)).unwrap();
    // The connection goes on.
    let kept = exchange(&client, &[&put(3), b"abc"]).await;
    assert!(kept.is_ok());
}

#[tokio::test]
async fn another_key_or_protocol_is_not_spoken_to() {
    let server = Server::start().await;
    for config in [config([9; 32], b"quic-files"), config(SEED, b"oxenstorage")] {
        let refused = connect_with(&server, config).await.err().unwrap();
        assert!(
            matches!(
                refused,
                ConnectionError::TransportError(_) | ConnectionError::ConnectionClosed(_)
            ),
            "{refused}"
        );
    }
    assert_eq!(
        server.running.identity(),
        ServerKeys::from_seed(SEED).ed25519()
    );
}

#[tokio::test]
async fn a_known_client_asks_with_its_first_packet() {
    let server = Server::start().await;
    server.upload(b"hello session").await;
    let tls = {
        let mut tls =
            tls::opening(*server.running.identity(), &TlsKey::random(), b"quic-files").unwrap();
        tls.resumption = rustls::client::Resumption::in_memory_sessions(8);
        tls.enable_early_data = true;
        tls
    };
    let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let client = connect_with(&server, config.clone()).await.unwrap();
    let mut requests = Requests::open(&client.connection).await;
    assert!(
        requests
            .ask_json("file_info", json!({ "id": HELLO }))
            .await
            .0
    );
    client.connection.close(VarInt::from_u32(0), b"");
    client.endpoint.wait_idle().await;

    let address = server.running.quic_address().unwrap();
    let connecting = client
        .endpoint
        .connect_with(config, address, "localhost")
        .unwrap();
    let Ok((connection, accepted)) = connecting.into_0rtt() else {
        panic!("the session cannot be taken up")
    };
    let mut requests = Requests::open(&connection).await;
    let (good, info) = requests.ask_json("file_info", json!({ "id": HELLO })).await;
    assert!(good && info["size"] == 13);
    assert!(accepted.await, "early data was refused");
}

#[tokio::test]
async fn limits_of_an_address() {
    let server = Server::with(|settings| {
        settings.burst = 5;
        settings.requests_per_second = 1;
        settings.max_quic_connections = 2;
    })
    .await;
    let (client, mut requests) = connect(&server).await;
    for _ in 0..4 {
        assert_eq!(exchange(&client, &[&get("7")]).await, Err(404));
    }
    let answer = requests.ask("file_info", b"d1:#1:7e").await;
    assert_eq!(answer, (false, b"NOT_FOUND".to_vec()));
    // A second may go by meanwhile.
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(exchange(&client, &[&get("7")]).await);
    }
    assert!(codes.contains(&Err(429)), "{codes:?}");
    let second = connect_with(&server, config(SEED, b"quic-files"))
        .await
        .unwrap();
    let third = connect_with(&server, config(SEED, b"quic-files")).await;
    assert!(third.is_err());
    second.connection.close(VarInt::from_u32(0), b"");
    let again = async {
        while connect_with(&server, config(SEED, b"quic-files"))
            .await
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, again).await.unwrap();
}

#[tokio::test]
async fn slow_uploads_end() {
    let server = Server::with(|settings| settings.upload_pause_seconds = 1).await;
    let (client, _requests) = connect(&server).await;
    let (mut send, recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&put(1000)).await.unwrap();
    send.write_all(&[7; 10]).await.unwrap();
    assert_eq!(answer(recv).await, Err(408));
}

#[tokio::test]
async fn a_stop_lets_transfers_end() {
    let server = Server::start().await;
    let content = content(1, 600_000);
    let (client, _requests) = connect(&server).await;
    let (mut send, recv) = client.connection.open_bi().await.unwrap();
    send.write_all(&put(content.len())).await.unwrap();
    send.write_all(&content[..300_000]).await.unwrap();
    until(|| server.partial_uploads() == 1).await;
    let address = server.running.quic_address().unwrap();
    let Server { running, dir, .. } = server;
    let stopping = tokio::spawn(running.stop());
    let refused = async {
        let config = config(SEED, b"quic-files");
        let endpoint = endpoint();
        while let Ok(connection) = endpoint
            .connect_with(config.clone(), address, "localhost")
            .unwrap()
            .await
        {
            drop(connection);
        }
    };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
    send.write_all(&content[300_000..]).await.unwrap();
    send.finish().unwrap();
    let kept = answer(recv).await.unwrap();
    assert!(kept.starts_with(format!("d1:#44:{}", id_of(&content)).as_bytes()));
    stopping.await.unwrap().unwrap();
    let server = Server::on(dir, |_| ()).await;
    let path = format!("/file/{}", id_of(&content));
    assert!(server.get(&path).await.body == content);
}
