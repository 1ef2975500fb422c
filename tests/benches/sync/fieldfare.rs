//! Fieldfare's own figures.

use crate::measured::{Cost, Killed, Measured, bytes_below, cost, middle, say};
use crate::meter::Meter;
use crate::phone;
use crate::process::Process;
use crate::server::{Company, Office, REPS};
use fieldfare_sync::MAX_FRAME_ROWS;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub const CHANGED: usize = 1_000;
/// How often every lead is changed before the bootstrap that shall not notice.
pub const EDITS: usize = 2;

/// What is measured of Fieldfare alone, too.
pub struct Figures {
    pub measured: Measured,
    /// Bytes a row, both ways, after every lead was changed [`EDITS`] times.
    pub wire_after_edits: f64,
    /// CPU microseconds a row of the phone and of the server, then.
    pub client_us_after_edits: f64,
    pub server_us_after_edits: f64,
    /// CPU seconds of both sides for the first push, and for the delta that follows.
    pub push_cpu_s: f64,
    /// Seconds until the first push was answered whole, without what comes back afterwards.
    pub push_answered_s: f64,
    pub delta_cpu_s: f64,
    /// Bytes of a sync with nothing to do, without HTTP's headers.
    pub idle_bodies: f64,
    /// Bytes of a full frame.
    pub frame_bytes: f64,
}

/// A served company, the relay before it, and where phones have their folders.
struct Site {
    server: Process,
    meter: Meter,
    office: Office,
    dir: PathBuf,
}

impl Site {
    fn open(office: Office, dir: &Path) -> Self {
        let serving = office.serve();
        Self {
            server: serving.process,
            meter: Meter::before(serving.addr),
            office,
            dir: dir.to_owned(),
        }
    }

    fn close(self) -> Office {
        self.server.end(false);
        self.office
    }

    fn phone(&self, name: &str) -> Process {
        phone::start(&self.dir.join(name), self.meter.addr)
    }

    fn enrolled(&self, name: &str, rep: &str) -> Process {
        let mut phone = self.phone(name);
        phone.ask(&format!("enrol {}", self.office.code(rep)));
        phone
    }

    fn sync(&self, phone: &mut Process) -> Cost {
        cost("sync", phone, &self.server, &self.meter)
    }
}

struct Bootstrap {
    cost: Cost,
    idle: Cost,
    peak_mb: f64,
    disk: f64,
}

/// Measures everything on so many leads, the first sync in some rounds.
pub fn measure(leads: usize, rounds: usize) -> Figures {
    let dir = tempfile::tempdir().unwrap();
    say("filling the server");
    let site = Site::open(
        Office::filled(dir.path(), &Company::of_two(leads)),
        dir.path(),
    );
    let mut phones: Vec<Process> = Vec::new();
    let mut first: Vec<Bootstrap> = Vec::new();
    let mut server_mb = 0.0;
    for round in 0..rounds.max(2) {
        say("first sync");
        let name = format!("phone{round}");
        first.push(bootstrap(&site, &name, REPS[round % 2], leads));
        if round == 0 {
            server_mb = site.server.peak_mb();
        }
        let mut phone = site.phone(&name);
        site.sync(&mut phone);
        phones.push(phone);
    }
    let whole = middle(&first, |b| b.cost.traffic.total() as f64).unwrap();
    say("killed half way");
    let killed = kill_half_way(&site, whole);
    say("a thousand edits");
    let (push, delta) = push_and_delta(&site, &mut phones);
    let per_row = |total: f64| total / leads as f64;
    let server_disk = per_row(site.office.disk() as f64);
    let office = site.close();
    say("every lead changed, and again a first sync");
    office.edit_every_lead(EDITS);
    let site = Site::open(office, dir.path());
    let edited = bootstrap(&site, "late", REPS[0], leads);
    let wire_after_edits = per_row(edited.cost.traffic.total() as f64);
    site.close();

    Figures {
        wire_after_edits,
        client_us_after_edits: per_row(edited.cost.client_cpu_s * 1e6),
        server_us_after_edits: per_row(edited.cost.server_cpu_s * 1e6),
        push_answered_s: push.answer["answered"].as_f64().unwrap(),
        push_cpu_s: push.client_cpu_s + push.server_cpu_s,
        delta_cpu_s: delta.client_cpu_s + delta.server_cpu_s,
        idle_bodies: first[0].idle.answer["bodies"].as_f64().unwrap(),
        frame_bytes: per_row(whole) * leads.min(MAX_FRAME_ROWS) as f64,
        measured: Measured {
            name: "Fieldfare",
            rows_per_s: middle(&first, |b| leads as f64 / b.cost.seconds),
            wire_down: middle(&first, |b| per_row(b.cost.traffic.down as f64)),
            wire_up: middle(&first, |b| per_row(b.cost.traffic.up as f64)),
            client_us: middle(&first, |b| per_row(b.cost.client_cpu_s * 1e6)),
            server_us: middle(&first, |b| per_row(b.cost.server_cpu_s * 1e6)),
            client_disk: middle(&first, |b| per_row(b.disk)),
            server_disk: Some(server_disk),
            client_mb: middle(&first, |b| b.peak_mb),
            server_mb: Some(server_mb),
            delta_bytes: Some(delta.traffic.total() as f64 / CHANGED as f64),
            delta_s: delta.answer["shown"].as_f64(),
            idle_bytes: middle(&first, |b| b.idle.traffic.total() as f64),
            push_s: Some(push.seconds),
            push_bytes: Some(push.traffic.total() as f64),
            killed: Some(killed),
        },
    }
}

/// A phone's first sync, and one with nothing to do. The phone is closed again.
fn bootstrap(site: &Site, name: &str, rep: &str, leads: usize) -> Bootstrap {
    let mut phone = site.enrolled(name, rep);
    let cost = site.sync(&mut phone);
    let peak_mb = phone.peak_mb();
    assert_eq!(phone.ask("count").as_u64(), Some(leads as u64));
    let idle = site.sync(&mut phone);
    phone.end(true);
    Bootstrap {
        cost,
        idle,
        peak_mb,
        disk: bytes_below(&site.dir.join(name)) as f64,
    }
}

/// One phone pushes a thousand edits, its first ever; the other one fetches them.
fn push_and_delta(site: &Site, phones: &mut [Process]) -> (Cost, Cost) {
    let [one, other, ..] = phones else {
        panic!("two phones are needed")
    };
    one.ask(&format!("edit {CHANGED} 01"));
    let push = site.sync(one);
    assert_eq!(push.answer["pushed"].as_u64(), Some(CHANGED as u64));
    assert_eq!(push.answer["refused"].as_u64(), Some(0));
    let delta = site.sync(other);
    assert_eq!(delta.answer["rows"].as_u64(), Some(CHANGED as u64));
    (push, delta)
}

fn kill_half_way(site: &Site, whole: f64) -> Killed {
    let mut phone = site.enrolled("killed", REPS[0]);
    let before = site.meter.read();
    phone.tell("sync");
    while site.meter.read().since(before).total() < whole as u64 / 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    phone.kill();
    let mut phone = site.phone("killed");
    let visible = phone.ask("count").as_u64().unwrap();
    site.sync(&mut phone);
    let extra = site.meter.read().since(before).total() as f64 - whole;
    Killed {
        visible,
        extra_bytes: Some(extra),
        extra_percent: extra * 100.0 / whole,
    }
}
