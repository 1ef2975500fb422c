//! What is measured of everybody who takes part.

use crate::meter::{Meter, Traffic};
use crate::process::Process;
use fieldfare_tests::figures::median;
use serde_json::Value;
use std::path::Path;

/// What one command to a client cost.
pub struct Cost {
    pub seconds: f64,
    pub traffic: Traffic,
    pub client_cpu_s: f64,
    pub server_cpu_s: f64,
    pub answer: Value,
}

/// Lets a client do something and looks at what passed and what it cost.
pub fn cost(command: &str, client: &mut Process, server: &Process, meter: &Meter) -> Cost {
    let (bytes, client_cpu, server_cpu) = (meter.read(), client.cpu_s(), server.cpu_s());
    let answer = client.ask(command);
    Cost {
        seconds: answer["seconds"].as_f64().unwrap(),
        traffic: meter.read().since(bytes),
        client_cpu_s: client.cpu_s() - client_cpu,
        server_cpu_s: server.cpu_s() - server_cpu,
        answer,
    }
}

/// A process killed in the middle of its first sync.
pub struct Killed {
    /// Rows that could be seen after it started again.
    pub visible: u64,
    /// Bytes both ways beyond those of an uninterrupted sync, negative if fewer.
    pub extra_bytes: Option<f64>,
    /// The same, as a share of the uninterrupted sync, in percent.
    pub extra_percent: f64,
}

/// The figures of one who takes part; none where it cannot do it.
#[derive(Default)]
pub struct Measured {
    pub name: &'static str,
    pub rows_per_s: Option<f64>,
    pub wire_down: Option<f64>,
    pub wire_up: Option<f64>,
    pub client_us: Option<f64>,
    pub server_us: Option<f64>,
    pub client_disk: Option<f64>,
    pub server_disk: Option<f64>,
    pub client_mb: Option<f64>,
    pub server_mb: Option<f64>,
    pub delta_bytes: Option<f64>,
    pub delta_s: Option<f64>,
    pub idle_bytes: Option<f64>,
    pub push_s: Option<f64>,
    pub push_bytes: Option<f64>,
    pub killed: Option<Killed>,
}

/// The median of what some rounds say.
pub fn middle<T>(rounds: &[T], of: impl Fn(&T) -> f64) -> Option<f64> {
    Some(median(rounds.iter().map(of).collect()))
}

/// Bytes of all files below a folder.
pub fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                bytes_below(&entry.path())
            } else {
                meta.len()
            }
        })
        .sum()
}

/// What it is at, for whoever waits.
pub fn say(what: &str) {
    eprintln!("  {what} ...");
}
