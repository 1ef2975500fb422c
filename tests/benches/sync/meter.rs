//! A relay on loopback that counts what passes, headers and all.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes from a client to its server, and back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub up: u64,
    pub down: u64,
}

impl Traffic {
    pub const fn total(self) -> u64 {
        self.up + self.down
    }

    pub const fn since(self, before: Self) -> Self {
        Self {
            up: self.up - before.up,
            down: self.down - before.down,
        }
    }
}

#[derive(Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
}

/// The relay. It ends with this process.
#[derive(Clone)]
pub struct Meter {
    pub addr: SocketAddr,
    counters: Arc<Counters>,
}

impl Meter {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let meter = Self {
            addr: listener.local_addr().unwrap(),
            counters: Arc::default(),
        };
        let counters = meter.counters.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counters = counters.clone();
                std::thread::spawn(move || carry(client, server, counters));
            }
        });
        meter
    }

    pub fn read(&self) -> Traffic {
        Traffic {
            up: self.counters.up.load(Ordering::SeqCst),
            down: self.counters.down.load(Ordering::SeqCst),
        }
    }
}

fn carry(client: TcpStream, server: SocketAddr, counters: Arc<Counters>) {
    let Ok(server) = TcpStream::connect(server) else {
        return;
    };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let up = counters.clone();
    std::thread::spawn(move || pump(from_client, to_server, &up.up));
    pump(server, client, &counters.down);
}

fn pump(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
        count.fetch_add(read as u64, Ordering::SeqCst);
    }
    // Either side may be gone already.
    drop(to.shutdown(Shutdown::Write));
}
