//! A PostgreSQL server in a temporary folder, reached by a socket there.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::DEADLINE;

/// It does not run as root: then it runs as nobody.
const NOBODY: u32 = 65_534;

pub(crate) struct Postgres {
    programs: PathBuf,
    dir: TempDir,
    child: Option<Child>,
}

impl Postgres {
    /// A new server; none, and a line that says so, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("pg-").tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir(&home).unwrap();
        if is_root() {
            chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let made = command(&programs.join("initdb"), dir.path())
            .args(["--username=session", "--auth=trust", "--locale=C"])
            .args(["--encoding=UTF8", "--no-sync", "--no-instructions", "-D"])
            .arg(home.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let mut server = Self {
            programs,
            dir,
            child: None,
        };
        server.restart();
        Some(server)
    }

    /// Starts it and waits until it answers.
    pub(crate) fn restart(&mut self) {
        let home = self.dir.path().join("home");
        let child = command(&self.programs.join("postgres"), self.dir.path())
            .args(["-c", "listen_addresses=", "-c", "shared_buffers=8MB", "-k"])
            .arg(&home)
            .arg("-D")
            .arg(home.join("data"))
            .spawn()
            .unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + DEADLINE;
        let is_ready = || {
            let asked = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h"])
                .arg(&home)
                .status();
            asked.unwrap().success()
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "it does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn address(&self) -> String {
        let home = self.dir.path().join("home");
        format!("host={} user=session dbname=postgres", home.display())
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let address = self.address();
        let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    }

    /// Stops it, connections or not.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-INT", &pid]).status();
            let _ = child.wait();
        }
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

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
