//! Small proxies that count what passes through them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// User and password it wants.
type Credentials = Option<(String, String)>;

/// A running proxy. Dropping it ends it and every connection through it.
pub(crate) struct ProxyServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    credentials: Credentials,
    /// Names that only the proxy can look up.
    names: BTreeMap<String, SocketAddr>,
    /// `host:port` of each connection asked for.
    targets: Mutex<Vec<String>>,
    /// Connections that showed wrong credentials or spoke nonsense.
    refused: Mutex<usize>,
}

/// What it speaks.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Socks5,
    Http,
}

impl ProxyServer {
    pub(crate) async fn start(
        kind: Kind,
        credentials: Option<(&str, &str)>,
        names: &[(&str, SocketAddr)],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            credentials: credentials.map(|(user, word)| (user.to_owned(), word.to_owned())),
            names: names
                .iter()
                .map(|(name, address)| ((*name).to_owned(), *address))
                .collect(),
            ..Shared::default()
        });
        let of_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let shared = Arc::clone(&of_task);
                open.spawn(async move {
                    let done = match kind {
                        Kind::Socks5 => shared.socks(connection).await,
                        Kind::Http => shared.http(connection).await,
                    };
                    if done.is_none() {
                        *shared.refused.lock().unwrap() += 1;
                    }
                });
            }
        });
        Self {
            address,
            shared,
            task,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it was asked to connect to so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.shared.targets.lock().unwrap().clone()
    }

    pub(crate) fn refused(&self) -> usize {
        *self.shared.refused.lock().unwrap()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn connect(&self, target: String) -> Option<TcpStream> {
        let address = match self.names.get(&target) {
            Some(address) => *address,
            None => target.parse().ok()?,
        };
        self.targets.lock().unwrap().push(target);
        TcpStream::connect(address).await.ok()
    }

    async fn socks(&self, mut client: TcpStream) -> Option<()> {
        assert_eq!(client.read_u8().await.ok()?, 5);
        let mut methods = vec![0; client.read_u8().await.ok()?.into()];
        client.read_exact(&mut methods).await.ok()?;
        let wanted = if self.credentials.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            client.write_all(&[5, 0xff]).await.ok()?;
            return None;
        }
        client.write_all(&[5, wanted]).await.ok()?;
        if let Some((user, word)) = &self.credentials {
            assert_eq!(client.read_u8().await.ok()?, 1);
            let mut shown = Vec::new();
            for _ in 0..2 {
                let mut part = vec![0; client.read_u8().await.ok()?.into()];
                client.read_exact(&mut part).await.ok()?;
                shown.push(String::from_utf8(part).unwrap());
            }
            let right = shown == [user.clone(), word.clone()];
            client.write_all(&[1, u8::from(!right)]).await.ok()?;
            if !right {
                return None;
            }
        }
        let mut head = [0; 4];
        // A greeting alone is how it is found out whether it is a proxy.
        if client.read_exact(&mut head).await.is_err() {
            return Some(());
        }
        let host = match head[3] {
            1 => {
                let mut ip = [0; 4];
                client.read_exact(&mut ip).await.ok()?;
                std::net::Ipv4Addr::from(ip).to_string()
            }
            3 => {
                let mut name = vec![0; client.read_u8().await.ok()?.into()];
                client.read_exact(&mut name).await.ok()?;
                String::from_utf8(name).unwrap()
            }
            _ => return None,
        };
        let port = client.read_u16().await.ok()?;
        let server = self.connect(format!("{host}:{port}")).await;
        let code = if server.is_some() { 0 } else { 5 };
        let reply = [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        client.write_all(&reply).await.ok()?;
        let _ = copy_bidirectional(&mut client, &mut server?).await;
        Some(())
    }

    async fn http(&self, mut client: TcpStream) -> Option<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match client.read_u8().await {
                Ok(byte) => head.push(byte),
                // It was only looked whether anybody is there.
                Err(_) if head.is_empty() => return Some(()),
                Err(_) => return None,
            }
        }
        let head = String::from_utf8(head).unwrap();
        if let Some((user, word)) = &self.credentials {
            let both = data_encoding::BASE64.encode(format!("{user}:{word}").as_bytes());
            if !head.contains(&format!("Basic {both}\r\n")) {
                let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                client.write_all(refusal).await.ok()?;
                return None;
            }
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        if method == "CONNECT" {
            let mut server = self.connect(target.to_owned()).await?;
            let yes = b"HTTP/1.1 200 OK\r\n\r\n";
            client.write_all(yes).await.ok()?;
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return Some(());
        }
        // An address of plain HTTP is passed on as it is.
        let authority = target.strip_prefix("http://")?.split('/').next()?;
        let mut server = self.connect(authority.to_owned()).await?;
        let path = target.strip_prefix(&format!("http://{authority}"))?;
        let head = head.replacen(target, path, 1);
        server.write_all(head.as_bytes()).await.ok()?;
        let _ = copy_bidirectional(&mut client, &mut server).await;
        Some(())
    }
}
