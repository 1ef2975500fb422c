//! A phone syncs through a network that cuts connections and swallows answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use fieldfare_engine::{EngineError, LeadEdit, SyncOptions};
use fieldfare_tests::leads::Random;
use fieldfare_tests::world::{Phone, TenantSpec, World, WorldSpec};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
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

struct Network {
    random: Mutex<Random>,
    spoiled: AtomicU32,
}

impl Network {
    fn fate(&self, bytes: usize) -> Fate {
        let mut random = self.random.lock().unwrap();
        let fate = match random.below(100) {
            0..=14 => Fate::Swallow,
            15..=24 => Fate::CutAfter(random.below(bytes as u64) as usize),
            _ => return Fate::Pass,
        };
        self.spoiled.fetch_add(1, Ordering::Relaxed);
        fate
    }
}

async fn start_network(seed: u64, server: SocketAddr) -> (String, Arc<Network>) {
    let network = Arc::new(Network {
        random: Mutex::new(Random::new(seed)),
        spoiled: AtomicU32::new(0),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shared = network.clone();
    tokio::spawn(async move {
        while let Ok((phone, _)) = listener.accept().await {
            tokio::spawn(carry(phone, server, shared.clone()));
        }
    });
    (url, network)
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
        if read == 0 {
            return Ok(());
        }
        match network.fate(read) {
            Fate::Pass => to.write_all(&buffer[..read]).await?,
            Fate::CutAfter(bytes) => return to.write_all(&buffer[..bytes]).await,
            Fate::Swallow => return Ok(()),
        }
    }
}

fn is_the_networks_fault(error: &EngineError) -> bool {
    matches!(error, EngineError::Offline | EngineError::Server { .. })
}

/// Syncs in small bites until a sync gets through with nothing left to send.
async fn sync_until_done(mut phone: Phone) -> (Phone, u32) {
    for attempt in 1..=400 {
        let options = SyncOptions {
            pull_budget: Some(4 * 1024),
            ..SyncOptions::default()
        };
        match phone.engine.clone().sync(options, None).await {
            Ok(_) if phone.engine.pending().unwrap().is_empty() => return (phone, attempt),
            Ok(_) => {}
            Err(error) => assert!(is_the_networks_fault(&error), "{error:?}"),
        }
        if attempt % 7 == 0 {
            // A new process has no access token and must renew it over the same network.
            phone = phone.reopen().unwrap();
        }
    }
    panic!("400 attempts were not enough");
}

async fn a_day_over_a_bad_network(seed: u64) {
    println!("seed {seed}");
    let acme = TenantSpec::new("Acme", 7)
        .rep("Ada", None)
        .states("East", &["MA"], &["Ada"]);
    let world = World::start(WorldSpec::of([acme])).await.unwrap();
    let leads = world.plant_row("Acme", "East", 400).unwrap();
    let phone = world.phone("Acme", "Ada").await.unwrap();
    let dir = phone.close().unwrap().data.parent().unwrap().to_owned();
    let (url, network) = start_network(seed, world.addr()).await;
    let phone = Phone::open(&dir, &url).unwrap();

    let (phone, first) = sync_until_done(phone).await;
    assert_eq!(phone.leads().unwrap().len(), 400);

    let (mut phone, mut attempts) = (phone, first);
    let mut recorded = BTreeSet::new();
    for (n, lead) in leads.iter().take(40).enumerate() {
        recorded.insert(phone.visit(lead.id, &format!("visit {n}")).unwrap().id);
        let edit = LeadEdit::Phone(Some(format!("555-{n:04}")));
        phone.engine.edit_lead(lead.id, vec![edit]).unwrap();
        if n % 4 == 3 {
            let more;
            (phone, more) = sync_until_done(phone).await;
            attempts += more;
        }
    }
    println!(
        "{attempts} attempts, {} chunks spoiled",
        network.spoiled.load(Ordering::Relaxed)
    );

    let visits = world.server_visits("Acme").unwrap();
    let on_server: BTreeSet<_> = visits.iter().map(|visit| visit.id).collect();
    assert_eq!(on_server, recorded);
    let notes: BTreeSet<_> = visits.iter().map(|visit| visit.note.clone()).collect();
    assert_eq!(notes.len(), 40, "a visit was doubled under another id");
    assert!(
        phone.leads().unwrap() == world.server_leads("Acme").unwrap(),
        "they differ"
    );
    assert!(phone.engine.refused().unwrap().is_empty());
    assert!(phone.engine.conflicts().unwrap().is_empty());
    assert!(
        network.spoiled.load(Ordering::Relaxed) >= 10,
        "the network was too kind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_over_a_bad_network() {
    let seed = std::env::var("FIELDFARE_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    for seed in seed.map_or_else(|| vec![11, 12, 13], |seed| vec![seed]) {
        a_day_over_a_bad_network(seed).await;
    }
}
