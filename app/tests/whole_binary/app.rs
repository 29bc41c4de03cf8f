//! `session app`: the window.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::run::{PATIENCE, Process, finish, session};

fn app(home: &Path) -> Command {
    let mut command = session(home);
    command.args(["--json", "app", "--no-browser"]);
    command
}

/// Asks a server as its own page does; the head and the body.
fn ask(address: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Exchanges the code of a link for a key.
fn exchange(url: &str) -> (String, String) {
    let (page, code) = url.split_once('#').unwrap();
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    ask(
        address,
        "POST",
        "/session",
        &format!("{{\"code\":\"{code}\"}}"),
    )
}

#[test]
fn the_window_is_there_for_whoever_has_the_link() {
    let home = tempdir().unwrap();
    let running = Process::start(app(home.path()));
    let said = &running.started;
    assert_eq!(
        (said["event"].as_str(), &said["running"]),
        (Some("app"), &Value::Bool(false))
    );
    let address = said["address"].as_str().unwrap();
    assert!(address.starts_with("127.0.0.1:"));
    let (head, page) = ask(address, "GET", "/", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(page.to_lowercase().starts_with("<!doctype html>"), "{page}");

    // A second one has no server of its own, and its link works as well.
    let again = finish(app(home.path())).ok().json();
    assert_eq!(again[0]["running"], true);
    assert_eq!(again[0]["address"], address);
    assert_ne!(again[0]["url"], said["url"]);
    for url in [&said["url"], &again[0]["url"]] {
        let (head, body) = exchange(url.as_str().unwrap());
        assert!(
            head.starts_with("HTTP/1.1 200") && body.contains("\"key\""),
            "{head}{body}"
        );
    }
    let (head, body) = exchange(said["url"].as_str().unwrap());
    assert!(
        head.starts_with("HTTP/1.1 403") && body.contains("used"),
        "{head}{body}"
    );

    // How it is reached is for this user alone, and goes with it.
    let data = home.path().join("data");
    let door = data.join("app.json");
    #[cfg(unix)]
    for file in [&door, &data.join("app.lock")] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let address = address.to_owned();
    let (status, took) = running.end("-TERM");
    assert!(
        status.success() && took < Duration::from_secs(5),
        "{status} {took:?}"
    );
    assert!(!door.exists());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn one_that_was_killed_is_in_nobodys_way() {
    let home = tempdir().unwrap();
    let killed = Process::start(app(home.path()));
    let (status, _) = killed.end("-KILL");
    assert!(!status.success());
    assert!(home.path().join("data/app.json").exists());
    let next = Process::start(app(home.path()));
    assert_eq!(next.started["running"], false);
    let (head, _) = exchange(next.started["url"].as_str().unwrap());
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[cfg(unix)]
#[test]
fn the_browser_gets_the_link_in_a_file_of_the_users_own() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempdir().unwrap();
    let browser = home.path().join("browser");
    let seen = home.path().join("seen");
    // Keeps what it is given, as another user of the computer could not.
    let script = "#!/bin/sh\necho \"$@\" > \"$HOME/arguments\"\ncp -p \"$1\" \"$HOME/page\"\n\
                  mv \"$HOME/page\" \"$HOME/seen\"\n";
    fs::write(&browser, script).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = session(home.path());
    command.args(["--json", "app"]).env("BROWSER", &browser);
    let running = Process::start(command);
    let deadline = Instant::now() + PATIENCE;
    while !seen.exists() {
        assert!(Instant::now() < deadline, "no browser was started");
        std::thread::yield_now();
    }
    let page = fs::read_to_string(&seen).unwrap();
    let mode = fs::metadata(&seen).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (_, rest) = page.split_once("url=").unwrap();
    let (url, _) = rest.split_once('"').unwrap();
    let arguments = fs::read_to_string(home.path().join("arguments")).unwrap();
    let (_, code) = url.split_once('#').unwrap();
    assert!(!arguments.contains(code), "{arguments}");
    let (head, _) = exchange(url);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    // The file has done its work.
    let file = Path::new(arguments.trim()).to_owned();
    while file.exists() {
        assert!(
            Instant::now() < deadline,
            "{} is still there",
            file.display()
        );
        std::thread::yield_now();
    }
    let (status, _) = running.end("-INT");
    assert!(status.success());
}

#[test]
fn a_port_can_be_chosen_and_may_be_taken() {
    let home = tempdir().unwrap();
    let running = Process::start(app(home.path()));
    let port = running.started["address"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap();
    let other = tempdir().unwrap();
    let mut command = app(other.path());
    command.args(["--port", port]);
    let said = finish(command);
    assert!(!said.status.success());
    assert!(
        said.err.contains(&format!("cannot listen on port {port}")),
        "{}",
        said.err
    );
    assert!(!said.err.contains("secret"));
}

#[test]
fn without_a_terminal_nothing_at_all_asks_for_help() {
    let home = tempdir().unwrap();
    let mut command = session(home.path());
    command.env("DISPLAY", ":0");
    let said = finish(command);
    assert_eq!(said.status.code(), Some(2));
    assert!(said.err.contains("Usage:"), "{}", said.err);
}
