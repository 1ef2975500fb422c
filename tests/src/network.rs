//! A bad network: a relay on loopback that cuts connections and swallows what they carry.

use crate::leads::Random;
use fieldfare_engine::EngineError;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What may happen to a chunk of bytes on its way.
enum Fate {
    Pass,
    /// Part of it arrives, then the connection is cut.
    CutAfter(usize),
    /// Nothing of it arrives; for an answer, what was asked for has happened.
    Swallow,
}

/// Whether a sync may fail so over such a network.
pub const fn is_to_blame(error: &EngineError) -> bool {
    matches!(error, EngineError::Offline | EngineError::Server { .. })
}

/// A relay to one server. It ends with the runtime.
pub struct Network {
    url: String,
    random: Mutex<Random>,
    spoiled: AtomicU32,
}

impl Network {
    /// Starts relaying to `server`, which need not run yet, and may stop and come back.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(seed: u64, server: SocketAddr) -> std::io::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let network = Arc::new(Self {
            url: format!("http://{}", listener.local_addr()?),
            random: Mutex::new(Random::new(seed)),
            spoiled: AtomicU32::new(0),
        });
        let shared = network.clone();
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                tokio::spawn(carry(phone, server, shared.clone()));
            }
        });
        Ok(network)
    }

    /// Where phones find the server through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many chunks it did not let through whole.
    pub fn spoiled(&self) -> u32 {
        self.spoiled.load(Ordering::Relaxed)
    }

    fn fate(&self, bytes: usize) -> Fate {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = match random.below(100) {
            0..=14 => Fate::Swallow,
            15..=24 => Fate::CutAfter(random.below(bytes as u64) as usize),
            _ => return Fate::Pass,
        };
        self.spoiled.fetch_add(1, Ordering::Relaxed);
        fate
    }
}

/// Carries one connection; both halves end when one does.
async fn carry(mut phone: TcpStream, server: SocketAddr, network: Arc<Network>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut phone_in, mut phone_out) = phone.split();
    let (mut server_in, mut server_out) = server.split();
    tokio::select! {
        _ = pump(&mut phone_in, &mut server_out, &network) => {}
        _ = pump(&mut server_in, &mut phone_out, &network) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    network: &Network,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 4 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let chunk = buffer.get(..read).unwrap_or_default();
        if chunk.is_empty() {
            return Ok(());
        }
        match network.fate(read) {
            Fate::Pass => to.write_all(chunk).await?,
            Fate::CutAfter(bytes) => {
                return to.write_all(chunk.get(..bytes).unwrap_or_default()).await;
            }
            Fate::Swallow => return Ok(()),
        }
    }
}
