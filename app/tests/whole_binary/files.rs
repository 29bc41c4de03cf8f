//! `session files`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::tempdir;

use crate::run::{PATIENCE, Process, Said, finish, session};

fn files(home: &Path, arguments: &[&str]) -> Said {
    let mut command = session(home);
    command.arg("files").args(arguments);
    finish(command)
}

fn files_file(home: &Path, name: &str) -> PathBuf {
    home.join("data/files").join(name)
}

/// Makes a file server and returns what it said.
fn init(home: &Path) -> Value {
    let said = files(home, &["init", "--listen", "127.0.0.1:0", "--json"]).ok();
    let path = files_file(home, "files.toml");
    let text = fs::read_to_string(&path).unwrap();
    let with_free_port = text.replace("127.0.0.1:22039", "127.0.0.1:0");
    assert_ne!(text, with_free_port);
    fs::write(path, with_free_port).unwrap();
    said.json().remove(0)
}

fn start(home: &Path) -> Process {
    let mut command = session(home);
    command.args(["files", "run", "--json"]);
    Process::start(command)
}

/// A request and what was answered: status and body.
fn ask(address: &Value, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let address: SocketAddr = address.as_str().unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let status = std::str::from_utf8(&answer[9..12]).unwrap();
    (status.parse().unwrap(), answer[end.unwrap() + 4..].to_vec())
}

fn upload(server: &Process, content: &[u8]) -> String {
    let (status, body) = ask(&server.started["listening"], "POST", "/file", content);
    assert_eq!(status, 200);
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

fn download(server: &Process, id: &str) -> (u16, Vec<u8>) {
    let path = format!("/file/{id}");
    ask(&server.started["listening"], "GET", &path, b"")
}

#[test]
fn what_was_acknowledged_survives_a_kill_and_the_rest_is_gone() {
    let home = tempdir().unwrap();
    let known = init(home.path());
    let server = start(home.path());
    assert_eq!(server.started["ed25519"], known["ed25519"]);
    assert_eq!(server.started["files"], 0);
    let for_clients = server.started["file_server"].as_str().unwrap();
    let (url, key) = for_clients.split_once('#').unwrap();
    assert_eq!(url, server.started["url"]);
    assert_eq!(key, known["ed25519"]);
    let (status, body) = ask(&server.started["admin"], "GET", "/health", b"");
    assert_eq!((status, body.as_slice()), (200, &b"ready\n"[..]));

    let large = vec![0x5a; 3_000_000];
    let ids = [upload(&server, b"hello session"), upload(&server, &large)];
    assert_eq!(ids[0], "1ss6oyrLyNUpYT3-AA92msmrHcZSlnEodhWloKTjwe1s");
    // An upload that is cut short with the server.
    let address = server.started["listening"].as_str().unwrap();
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        .unwrap();
    half.write_all(&[1; 500_000]).unwrap();
    let uploads = files_file(home.path(), "files/uploads");
    crate::node::until("the upload did not begin", || {
        fs::read_dir(&uploads).unwrap().count() == 1
    });
    assert!(!server.end("-KILL").0.success());

    let server = start(home.path());
    assert_eq!(server.started["files"], 2);
    assert_eq!(fs::read_dir(&uploads).unwrap().count(), 0);
    assert_eq!(download(&server, &ids[0]), (200, b"hello session".to_vec()));
    assert!(download(&server, &ids[1]) == (200, large));
    assert_eq!(download(&server, "7").0, 404);

    // Beside the running server.
    let verified = files(home.path(), &["verify", "--json"])
        .ok()
        .json()
        .remove(0);
    assert_eq!(verified["in_order"], true);
    assert_eq!(
        (&verified["files"], &verified["bytes"]),
        (&2.into(), &3_000_013.into())
    );
    let stats = files(home.path(), &["stats", "--json"])
        .ok()
        .json()
        .remove(0);
    assert_eq!(
        (&stats["files"], &stats["bytes"]),
        (&2.into(), &3_000_013.into())
    );
    assert!(stats["next_expiry_ms"].is_u64(), "{stats}");
    let said = files(home.path(), &["stats"]).ok();
    assert!(said.out.contains("Files      2, "), "{}", said.out);
    let second = files(home.path(), &["run", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    assert!(second.err.contains("another file server"), "{}", second.err);

    let (status, took) = server.end("-TERM");
    assert!(status.success());
    assert!(took < Duration::from_secs(5), "{took:?}");

    // One byte of a file is not as it was.
    let path = files_file(
        home.path(),
        &format!("files/{}/{}", ids[1].get(..2).unwrap(), ids[1]),
    );
    let mut content = fs::read(&path).unwrap();
    content[1_234_567] ^= 1;
    fs::write(&path, content).unwrap();
    let said = files(home.path(), &["verify"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.out.contains("1 with other content"), "{}", said.out);
    assert!(!said.out.contains(&ids[1]), "no names: {}", said.out);
    fs::remove_file(&path).unwrap();
    let said = files(home.path(), &["verify", "--json"]);
    assert_eq!(said.status.code(), Some(1));
    assert_eq!(said.json()[0]["missing"], 1);
}

/// Adds to the configuration.
fn configure(home: &Path, first: &str, last: &str) {
    let path = files_file(home, "files.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{first}{text}{last}")).unwrap();
}

/// Uploads two files and looks at them with the commands, beside the running server and after it.
#[cfg(target_os = "linux")]
fn look_from_outside(home: &Path) -> Process {
    let server = start(home);
    let large = vec![0x5a; 9_000_000];
    let ids = [upload(&server, b"hello session"), upload(&server, &large)];
    assert!(download(&server, &ids[1]) == (200, large));
    let stats = files(home, &["stats", "--json"]).ok().json().remove(0);
    let counted = (&stats["files"], &stats["bytes"], &stats["expired"]);
    assert_eq!(counted, (&2.into(), &9_000_013.into(), &0.into()));
    let verified = files(home, &["verify", "--json"]).ok().json().remove(0);
    let found = (
        &verified["in_order"],
        &verified["files"],
        &verified["orphans"],
    );
    assert_eq!(found, (&true.into(), &2.into(), &0.into()));
    server
}

#[cfg(target_os = "linux")]
#[test]
fn the_commands_look_into_postgresql() {
    let Some(postgres) = session_server_test_support::Postgres::start() else {
        return;
    };
    let home = tempdir().unwrap();
    init(home.path());
    let shared = home.path().join("shared");
    let settings = format!(
        "postgres = \"{}\"\ncontent = \"{}\"\n",
        postgres.address(),
        shared.display()
    );
    configure(home.path(), &settings, "");
    let server = look_from_outside(home.path());
    assert!(server.end("-TERM").0.success());
    // One file has other content, and then none.
    let prefixes = fs::read_dir(&shared).unwrap();
    let objects = prefixes.flat_map(|prefix| fs::read_dir(prefix.unwrap().path()).unwrap());
    let mut objects = objects.map(|object| object.unwrap().path());
    let small = objects.find(|path| fs::metadata(path).unwrap().len() == 13);
    let small = small.unwrap();
    fs::write(&small, b"hello senator").unwrap();
    let said = files(home.path(), &["verify", "--json"]);
    assert_eq!(said.status.code(), Some(1));
    assert_eq!(said.json()[0]["damaged"], 1);
    fs::remove_file(&small).unwrap();
    let said = files(home.path(), &["verify"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(said.out.contains("1 without content"), "{}", said.out);
    // The database is gone.
    drop(postgres);
    for command in ["stats", "verify", "run"] {
        let said = files(home.path(), &[command]);
        assert!(
            !said.status.success() && said.err.contains("database"),
            "{}",
            said.err
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_commands_look_into_an_object_store() {
    let Some(store) = session_server_test_support::ObjectStore::start() else {
        return;
    };
    let home = tempdir().unwrap();
    init(home.path());
    configure(home.path(), "", &store.toml("kept/"));
    let said = files(home.path(), &["stats"]);
    assert!(said.err.contains("no database"), "{}", said.err);
    let server = look_from_outside(home.path());
    assert!(!server.end("-KILL").0.success());
    let verified = files(home.path(), &["verify", "--json"]).ok().json();
    assert_eq!(verified[0]["files"], 2);
    // The object store is gone.
    drop(store);
    let said = files(home.path(), &["run"]);
    assert!(
        !said.status.success() && said.err.contains("cannot be reached"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("Signature"), "{}", said.err);
}

#[test]
fn what_an_operator_may_get_wrong_is_said() {
    let home = tempdir().unwrap();
    let fails = |arguments: &[&str]| {
        let said = files(home.path(), arguments);
        assert!(!said.status.success(), "{arguments:?}");
        said.err
    };
    for command in ["run", "info"] {
        assert!(fails(&[command]).contains("session files init"));
    }
    for command in ["stats", "verify"] {
        assert!(fails(&[command]).contains("no database"));
    }
    assert_eq!(files(home.path(), &["config"]).status.code(), Some(2));

    let known = init(home.path());
    assert!(fails(&["init"]).contains("already"));
    let said = files(home.path(), &["info"]).ok();
    let key = known["ed25519"].as_str().unwrap();
    let for_clients = format!("SESSION_FILE_SERVER=http://127.0.0.1:0#{key}");
    assert!(said.out.contains(&for_clients), "{}", said.out);

    let settings = files_file(home.path(), "files.toml");
    let good = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{good}\nmax_flie_bytes = 7\n")).unwrap();
    let unknown = fails(&["run"]);
    assert!(
        unknown.contains("max_flie_bytes") && unknown.contains("line"),
        "{unknown}"
    );
    fs::write(&settings, &good).unwrap();

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = fails(&["run", "--listen", &address]);
    assert!(busy.contains("in use"), "{busy}");

    let key = files_file(home.path(), "key_ed25519");
    fs::remove_file(&key).unwrap();
    assert!(fails(&["run"]).contains("key_ed25519"));
    assert!(!key.exists(), "no new key is made");
}

#[test]
fn the_options_of_init_get_into_the_configuration() {
    let home = tempdir().unwrap();
    let said = files(
        home.path(),
        &["init", "--listen", "127.0.0.1:0", "--tls", "--only-onion"],
    )
    .ok();
    assert!(said.out.contains("https://127.0.0.1:0#"), "{}", said.out);
    let text = fs::read_to_string(files_file(home.path(), "files.toml")).unwrap();
    for line in [
        "listen = \"127.0.0.1:0\"",
        "tls = true",
        "only_onion = true",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}");
    }
    let said = files(home.path(), &["config", "--print-default"]).ok();
    for key in [
        "listen",
        "admin",
        "only_onion",
        "max_total_mib",
        "ttl_hours",
    ] {
        assert!(said.out.contains(&format!("{key} = ")), "{key}");
    }
}
