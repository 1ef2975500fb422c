//! Sync between real processes over HTTP on loopback: the server's own program, phones with the encrypted
//! store, and a relay between them that counts every byte. Beside it, on the same leads, PouchDB with
//! pouchdb-server, and PowerSync's client core.
//!
//! `cargo bench -p fieldfare-tests --bench sync -- figures [leads]` prints the figures to reach.
//! `cargo bench -p fieldfare-tests --bench sync -- fleet [phones] [leads] [territories]` is Monday morning.
//! `tests/benches/sync/run` installs the peers and prints them all side by side.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod fieldfare;
mod figures;
mod fleet;
mod light;
mod measured;
mod meter;
mod peers;
mod phone;
mod plot;
mod process;
mod server;
mod table;

use clap::Parser as _;
use fieldfare_server::cli::{Cli, run};
use std::path::Path;

const LEADS: usize = 100_000;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |at: usize, or: usize| args.get(at).map_or(or, |n| n.parse().unwrap());
    match args.first().copied() {
        None | Some("figures") => figures::print(number(1, LEADS)),
        Some("fleet") => fleet::measure(number(1, 300), number(2, 10_000), number(3, 30)),
        Some("compare") => compare(&args[1..]),
        Some(server::PROGRAM) => run(Cli::parse_from(&args), &mut std::io::stdout()).unwrap(),
        Some(server::FILL) => server::fill(Path::new(args[1]), number(2, LEADS)),
        Some(server::EDIT) => {
            server::edit_every_lead(Path::new(args[1]), number(2, LEADS), number(3, 1))
        }
        Some(phone::ROLE) => phone::run(Path::new(args[1]), args[2]),
        Some(other) => panic!("{other}: see the head of this file"),
    }
}

/// `compare NODE PEERS LEADS ROUNDS SVG`: the table on standard output, the plot in a file.
fn compare(args: &[&str]) {
    let peers = peers::Peers::new(args[0], args[1]);
    let (leads, rounds) = (args[2].parse().unwrap(), args[3].parse().unwrap());
    let all = [
        fieldfare::measure(leads, rounds).measured,
        peers.pouchdb(leads, rounds),
        peers.powersync(leads, rounds),
    ];
    println!("{}", table::markdown(leads, rounds, &all));
    if let Some(path) = args.get(4) {
        std::fs::write(path, plot::svg(leads, &all)).unwrap();
    }
}
