//! A PostgreSQL server in a temporary folder, reached by a socket there, or over TLS.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);

/// It does not run as root: then it runs as nobody.
const NOBODY: u32 = 65_534;

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    dir: TempDir,
    port: Option<u16>,
    child: Option<Child>,
}

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Postgres {
    /// The password of its user, asked for over TLS.
    pub const PASSWORD: &str = "sesame";

    /// A new server; none, and a line that says so, where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// The same, reached over TLS too, and never by TCP without it.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start_with_tls(tls: &TlsFiles) -> Option<Self> {
        Self::start_with(Some(tls))
    }

    fn start_with(tls: Option<&TlsFiles>) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("pg-").tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir(&home).unwrap();
        give_away(&home);
        let password = dir.path().join("password");
        std::fs::write(&password, Self::PASSWORD).unwrap();
        let made = command(&programs.join("initdb"), dir.path())
            .args(["--username=session", "--auth=trust", "--locale=C"])
            .args(["--encoding=UTF8", "--no-sync", "--no-instructions"])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(home.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut server = Self {
            programs,
            dir,
            port: None,
            child: None,
        };
        if let Some(tls) = tls {
            server.write("server.crt", &tls.certificate);
            server.write("server.key", &tls.key);
            let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            server.write("pg_hba.conf", access);
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            server.port = Some(free.local_addr().unwrap().port());
        }
        server.restart();
        Some(server)
    }

    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub fn restart(&mut self) {
        let home = self.home();
        let mut command = command(&self.programs.join("postgres"), self.dir.path());
        command.args(["-c", "shared_buffers=8MB", "-k"]).arg(&home);
        match self.port {
            None => command.args(["-c", "listen_addresses="]),
            Some(port) => command
                .args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-p"])
                .arg(port.to_string()),
        };
        command.arg("-D").arg(home.join("data"));
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + DEADLINE;
        let is_ready = || {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            ask.args(["-q", "-h"]).arg(&home);
            if let Some(port) = self.port {
                ask.arg("-p").arg(port.to_string());
            }
            ask.status().unwrap().success()
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "it does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How it is reached by its socket.
    #[must_use]
    pub fn address(&self) -> String {
        let port = self
            .port
            .map_or_else(String::new, |port| format!(" port={port}"));
        let home = self.home();
        format!("host={}{port} user=session dbname=postgres", home.display())
    }

    /// How it is reached over TLS, if it has the certificate of this host.
    #[must_use]
    pub fn tls_address(&self, host: &str) -> String {
        format!(
            "host={host} hostaddr=127.0.0.1 port={} user=session password={} dbname=postgres",
            self.port.unwrap_or_default(),
            Self::PASSWORD
        )
    }

    /// Stops it, connections or not.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-INT", &pid]).status();
            let _ = child.wait();
        }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.home().join("data").join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        give_away(&path);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where its programs are: in the path, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.filter_map(|version| Some(version.ok()?.path().join("bin")));
    std::env::split_paths(&path).chain(debian).find(|dir| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|name| dir.join(name).exists())
    })
}

fn command(program: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn give_away(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
