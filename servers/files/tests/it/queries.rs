//! docs/protocol/file-server.md sections 4.2 and 4.3.

use serde_json::{Value, json};
use session_crypto::{Ed25519Secret, VersionKey};
use session_types::Signature;

use crate::support::{DAY, START, Server, send};

fn announcements() -> Value {
    json!({
        "releases": {
            "desktop": {
                "stable": {
                    "result": "1.2.3", "updated": START, "name": "Session 1.2.3", "notes": "New",
                    "assets": [{ "name": "session.deb", "url": "https://a.example/session.deb" }],
                },
                "prerelease": { "result": "1.3.0", "updated": START },
                "alpha": { "result": "1.4.0", "updated": START },
            },
            "ios": { "alpha": { "result": "2.0.0", "updated": START } },
        },
        "token": {
            "maximum_supply": 240_000_000, "sent_per_node": 25_000.5,
            "staking_reward_pool": 40_000_000,
            "history": [
                { "current_value": "0.1", "circulating_supply": 8, "total_nodes": 9,
                  "updated": START - 8 * DAY },
                { "current_value": "0.2", "circulating_supply": 8, "total_nodes": 10,
                  "updated": START - DAY },
            ],
        },
    })
}

async fn informed() -> Server {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("announcements.json");
    std::fs::write(&path, announcements().to_string()).unwrap();
    Server::on(dir, |settings| settings.announcements = Some(path)).await
}

#[tokio::test]
async fn versions() {
    let server = informed().await;
    let ask = async |query: &str| server.get(&format!("/session_version?{query}")).await;
    let all = announcements();
    let desktop = &all["releases"]["desktop"];
    let mut stable = desktop["stable"].clone();
    stable["status_code"] = json!(200);
    for query in [
        "platform=desktop",
        "release_channel=stable&platform=desktop",
    ] {
        assert_eq!(ask(query).await.expect_json(), stable);
    }
    for channel in ["prerelease", "alpha"] {
        let mut expected = stable.clone();
        expected["prerelease"] = desktop[channel].clone();
        let answer = ask(&format!("platform=desktop&release_channel={channel}")).await;
        assert_eq!(answer.expect_json(), expected);
    }
    for query in [
        "",
        "platform=",
        "platform=amiga",
        "platform=desktop&release_channel=x",
    ] {
        ask(query).await.expect_error(404);
    }
    // Known clients nothing is known about.
    ask("platform=android").await.expect_error(502);
    ask("platform=ios").await.expect_error(502);
}

#[tokio::test]
async fn token_figures() {
    let server = informed().await;
    let mut expected = json!({ "status_code": 200, "info": announcements()["token"] });
    let answer = server.get("/token_info?days=30").await;
    assert_eq!(answer.expect_json(), expected);
    expected["info"]["history"]
        .as_array_mut()
        .unwrap()
        .remove(0);
    for path in ["/token_info", "/token_info?days=7", "/token_info?days=1"] {
        assert_eq!(server.get(path).await.expect_json(), expected);
    }
    for days in ["0", "31", "-1", "x", ""] {
        let answer = server.get(&format!("/token_info?days={days}")).await;
        answer.expect_error(400);
    }
}

#[tokio::test]
async fn without_announcements_there_is_no_data() {
    let server = Server::start().await;
    let answer = server.get("/session_version?platform=desktop").await;
    answer.expect_error(502);
    server.get("/token_info").await.expect_error(502);
}

struct Headers {
    key: String,
    time: String,
    signature: String,
}

fn signed(path: &str, time: u64) -> Headers {
    let key = VersionKey::new(&Ed25519Secret::from_seed([7; 32]));
    let signature: Signature = key.sign_request(time, "GET", path, b"");
    Headers {
        key: data_encoding::HEXLOWER.encode(&key.id()),
        time: time.to_string(),
        signature: data_encoding::BASE64.encode(signature.as_bytes()),
    }
}

async fn ask(server: &Server, path: &str, headers: &Headers) -> crate::support::Answer {
    let request = server.request("GET", path);
    let request = request
        .header("X-FS-Pubkey", &headers.key)
        .header("X-FS-Timestamp", &headers.time)
        .header("X-FS-Signature", &headers.signature);
    send(request).await
}

#[tokio::test]
async fn signatures() {
    let server = informed().await;
    let path = "/session_version?platform=desktop";
    for time in [START, START - DAY, START + DAY] {
        assert_eq!(ask(&server, path, &signed(path, time)).await.status, 200);
    }
    let mut forms = signed(path, START);
    let bytes = data_encoding::HEXLOWER
        .decode(forms.key.as_bytes())
        .unwrap();
    forms.key = data_encoding::BASE64.encode(&bytes);
    let bytes = data_encoding::BASE64.decode(forms.signature.as_bytes());
    forms.signature = data_encoding::HEXUPPER.encode(&bytes.unwrap());
    assert_eq!(ask(&server, path, &forms).await.status, 200);
    assert_eq!(server.running.metrics().signed_queries, 4);

    for time in [START - DAY - 1, START + DAY + 1] {
        let answer = ask(&server, path, &signed(path, time)).await;
        answer.expect_error(425);
    }
    // Signed something else.
    let other = signed("/session_version?platform=ios", START);
    ask(&server, path, &other).await.expect_error(401);
    let mut late = signed(path, START);
    late.time = (START + 1).to_string();
    ask(&server, path, &late).await.expect_error(401);

    let spoilt: [fn(&mut Headers); 8] = [
        |headers| headers.key = headers.key.replacen("07", "05", 1),
        |headers| headers.key.truncate(64),
        |headers| headers.key = "x".repeat(66),
        |headers| headers.time = "now".to_owned(),
        |headers| headers.time = "-1".to_owned(),
        |headers| headers.signature.truncate(80),
        |headers| headers.signature = "!".repeat(88),
        |headers| headers.signature.clear(),
    ];
    for spoil in spoilt {
        let mut headers = signed(path, START);
        spoil(&mut headers);
        ask(&server, path, &headers).await.expect_error(400);
    }
    let headers = signed(path, START);
    for (name, value) in [
        ("X-FS-Pubkey", &headers.key),
        ("X-FS-Timestamp", &headers.time),
        ("X-FS-Signature", &headers.signature),
    ] {
        let request = server.request("GET", path).header(name, value);
        send(request).await.expect_error(400);
    }
    assert_eq!(server.running.metrics().signed_queries, 4);
}
