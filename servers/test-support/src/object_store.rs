//! An OpenStack Swift with its S3 interface in a temporary folder, on loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusty_s3::actions::{CreateBucket, S3Action as _};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use tempfile::TempDir;
use url::Url;

const SIGNATURE: Duration = Duration::from_secs(60);

/// What runs Swift: its own programs would be four, with a configuration in `/etc`.
const SCRIPT: &str = include_str!("object_store.py");

/// An object store that speaks S3, with one bucket.
#[derive(Debug)]
pub struct ObjectStore {
    python: PathBuf,
    dir: TempDir,
    child: Option<Child>,
    port: u16,
}

impl ObjectStore {
    /// Who asks. The characters are those that have to be written otherwise in a signature.
    pub const ACCESS_KEY: &str = "tests:anna";
    /// With what it signs.
    pub const SECRET_KEY: &str = "open/sesame+1=";
    /// The bucket.
    pub const BUCKET: &str = "session-files";
    /// Its region.
    pub const REGION: &str = "us-east-1";

    /// A new one with an empty bucket; none, and a line that says so, where Swift is not
    /// installed.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(python) = python() else {
            println!(
                "skipped: OpenStack Swift is not installed \
                 (python3 -m venv target/swift && target/swift/bin/pip install swift)"
            );
            return None;
        };
        let mut server = Self {
            python,
            dir: tempfile::Builder::new().prefix("s3-").tempdir().unwrap(),
            child: None,
            port: 0,
        };
        std::fs::write(server.script(), SCRIPT).unwrap();
        server.restart();
        server.make_bucket();
        Some(server)
    }

    /// Starts it where it was before and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        let mut child = Command::new(&self.python)
            .args(["-W", "ignore"])
            .arg(self.script())
            .arg(self.dir.path())
            .args([Self::ACCESS_KEY, Self::SECRET_KEY, &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim_end().strip_prefix("listening ");
        self.port = port.expect("it starts").parse().unwrap();
        self.child = Some(child);
    }

    /// Ends it at once.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it is.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn endpoint(&self) -> Url {
        format!("http://127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// The part of a configuration file that tells a server to use it.
    #[must_use]
    pub fn toml(&self, prefix: &str) -> String {
        format!(
            "[s3]\nendpoint = \"{}\"\nbucket = \"{}\"\nprefix = \"{prefix}\"\n\
             access_key = \"{}\"\nsecret_key = \"{}\"\n",
            self.endpoint(),
            Self::BUCKET,
            Self::ACCESS_KEY,
            Self::SECRET_KEY,
        )
    }

    fn script(&self) -> PathBuf {
        self.dir.path().join("object_store.py")
    }

    fn make_bucket(&self) {
        let bucket = Bucket::new(self.endpoint(), UrlStyle::Path, Self::BUCKET, Self::REGION);
        let (bucket, key) = (
            bucket.unwrap(),
            Credentials::new(Self::ACCESS_KEY, Self::SECRET_KEY),
        );
        let url = CreateBucket::new(&bucket, &key).sign(SIGNATURE);
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let request = format!(
            "PUT {}?{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            url.path(),
            url.query().unwrap_or_default(),
            self.port
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A Python that has Swift: that of `cargo xtask test`, or the system's.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/swift/bin/python");
    [own, PathBuf::from("python3")].into_iter().find(|python| {
        let asked = Command::new(python)
            .args(["-W", "ignore", "-c", "import eventlet, swift.common.wsgi"])
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    })
}
