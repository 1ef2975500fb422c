//! The peers, from npm packages, on the same leads.

use crate::fieldfare::CHANGED;
use crate::measured::{Cost, Killed, Measured, bytes_below, cost, middle};
use crate::meter::Meter;
use crate::process::Process;
use crate::server::json_lines;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Node and the folder the packages are installed in.
pub struct Peers {
    node: PathBuf,
    packages: PathBuf,
}

impl Peers {
    pub fn new(node: &str, packages: &str) -> Self {
        Self {
            node: node.into(),
            packages: packages.into(),
        }
    }

    fn script(&self, name: &str, args: &[&str]) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/sync/peers");
        let mut command = Command::new(&self.node);
        command
            .arg(scripts.join(name))
            .args(args)
            .env("PEERS", &self.packages);
        command
    }

    fn run(&self, name: &str, args: &[&str]) {
        assert!(self.script(name, args).status().unwrap().success());
    }

    fn client(&self, name: &str, args: &[&str]) -> Process {
        let mut process = Process::start(&mut self.script(name, args));
        assert_eq!(process.line(), "open");
        process
    }

    /// PouchDB replicating with pouchdb-server, LevelDB on both sides.
    pub fn pouchdb(&self, leads: usize, rounds: usize) -> Measured {
        let dir = tempfile::tempdir().unwrap();
        Pouch::fill(self, dir.path(), leads).measure(rounds)
    }

    /// PowerSync's client core, given the lines of its service.
    pub fn powersync(&self, leads: usize, rounds: usize) -> Measured {
        let dir = tempfile::tempdir().unwrap();
        PowerSync::prepare(self, dir.path(), leads).measure(rounds)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

struct Pouch<'a> {
    peers: &'a Peers,
    dir: PathBuf,
    leads: usize,
    server: Process,
    meter: Meter,
}

impl<'a> Pouch<'a> {
    /// The server is started anew after it was filled, so that its memory is that of serving.
    fn fill(peers: &'a Peers, dir: &Path, leads: usize) -> Self {
        let file = dir.join("leads");
        std::fs::write(&file, json_lines(leads)).unwrap();
        let (filled, addr) = pouch_server(peers, dir);
        peers.run("pouch.mjs", &["fill", &database(addr), text(&file)]);
        filled.end(false);
        let (server, addr) = pouch_server(peers, dir);
        Self {
            peers,
            dir: dir.to_owned(),
            leads,
            server,
            meter: Meter::before(addr),
        }
    }

    fn client(&self, name: &str) -> Process {
        let folder = self.dir.join(name);
        let args = ["client", text(&folder), &database(self.meter.addr)];
        self.peers.client("pouch.mjs", &args)
    }

    fn measure(self, rounds: usize) -> Measured {
        let mut pulls = Vec::new();
        let (mut client_mb, mut server_mb, mut disk) = (Vec::new(), 0.0, Vec::new());
        for round in 0..rounds {
            let name = format!("client{round}");
            let mut client = self.client(&name);
            let pull = self.cost("pull", &mut client);
            assert_eq!(pull.answer["written"].as_u64(), Some(self.leads as u64));
            pulls.push(pull);
            client_mb.push(client.peak_mb());
            if round == 0 {
                server_mb = self.server.peak_mb();
            }
            client.end(true);
            disk.push(bytes_below(&self.dir.join(&name)) as f64);
        }
        let whole = middle(&pulls, |p| p.traffic.total() as f64).unwrap();
        let mut client = self.client("client0");
        let idle = self.cost("pull", &mut client);
        let push = self.push(&mut client);
        let delta = self.delta(&mut client);
        client.end(true);
        let killed = self.kill_half_way(whole);
        let per_row = |total: f64| total / self.leads as f64;
        Measured {
            name: "PouchDB",
            rows_per_s: middle(&pulls, |p| self.leads as f64 / p.seconds),
            wire_down: middle(&pulls, |p| per_row(p.traffic.down as f64)),
            wire_up: middle(&pulls, |p| per_row(p.traffic.up as f64)),
            client_us: middle(&pulls, |p| per_row(p.client_cpu_s * 1e6)),
            server_us: middle(&pulls, |p| per_row(p.server_cpu_s * 1e6)),
            client_disk: middle(&disk, |d| per_row(*d)),
            server_disk: Some(per_row(bytes_below(&self.dir.join("server")) as f64)),
            client_mb: middle(&client_mb, |mb| *mb),
            server_mb: Some(server_mb),
            delta_bytes: Some(delta.traffic.total() as f64 / CHANGED as f64),
            delta_s: Some(delta.seconds),
            idle_bytes: Some(idle.traffic.total() as f64),
            push_s: Some(push.seconds),
            push_bytes: Some(push.traffic.total() as f64),
            killed: Some(killed),
        }
    }

    fn cost(&self, command: &str, client: &mut Process) -> Cost {
        cost(command, client, &self.server, &self.meter)
    }

    fn push(&self, client: &mut Process) -> Cost {
        client.ask(&format!("edit {CHANGED}"));
        let push = self.cost("push", client);
        assert_eq!(push.answer["written"].as_u64(), Some(CHANGED as u64));
        push
    }

    /// A client that is up to date fetches what was changed on the server.
    fn delta(&self, client: &mut Process) -> Cost {
        self.cost("pull", client);
        let changed = CHANGED.to_string();
        self.peers.run(
            "pouch.mjs",
            &["change", &database(self.meter.addr), &changed],
        );
        let delta = self.cost("pull", client);
        assert_eq!(delta.answer["written"].as_u64(), Some(CHANGED as u64));
        delta
    }

    fn kill_half_way(&self, whole: f64) -> Killed {
        let mut client = self.client("killed");
        let before = self.meter.read();
        client.tell("pull");
        while self.meter.read().since(before).total() < whole as u64 / 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        client.kill();
        let mut client = self.client("killed");
        let visible = client.ask("count").as_u64().unwrap();
        self.cost("pull", &mut client);
        let extra = self.meter.read().since(before).total() as f64 - whole;
        Killed {
            visible,
            extra_bytes: Some(extra),
            extra_percent: extra * 100.0 / whole,
        }
    }
}

fn database(addr: SocketAddr) -> String {
    format!("http://{addr}/leads")
}

fn pouch_server(peers: &Peers, dir: &Path) -> (Process, SocketAddr) {
    let folder = dir.join("server");
    std::fs::create_dir_all(&folder).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = port.local_addr().unwrap();
    drop(port);
    let program = peers
        .packages
        .join("node_modules/pouchdb-server/bin/pouchdb-server");
    let mut command = Command::new(&peers.node);
    command
        .arg(program)
        .args([
            "--port",
            &addr.port().to_string(),
            "--no-stdout-logs",
            "--dir",
        ])
        .arg(&folder)
        .current_dir(&folder)
        .stderr(Stdio::null());
    let server = Process::start(&mut command);
    while TcpStream::connect(addr).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    (server, addr)
}

struct PowerSync<'a> {
    peers: &'a Peers,
    dir: PathBuf,
    leads: usize,
}

impl<'a> PowerSync<'a> {
    fn prepare(peers: &'a Peers, dir: &Path, leads: usize) -> Self {
        let this = Self {
            peers,
            dir: dir.to_owned(),
            leads,
        };
        let file = this.path("leads");
        std::fs::write(&file, json_lines(leads)).unwrap();
        let (pull, delta) = (this.path("pull"), this.path("delta"));
        let count = CHANGED.to_string();
        peers.run("powersync.mjs", &["lines", &file, &pull, &delta, &count]);
        this
    }

    fn path(&self, name: &str) -> String {
        text(&self.dir.join(name)).to_owned()
    }

    fn client(&self, name: &str) -> Process {
        let folder = self.dir.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (file, pull, delta) = (folder.join("db"), self.path("pull"), self.path("delta"));
        let args = ["client", text(&file), &pull, &delta];
        self.peers.client("powersync.mjs", &args)
    }

    fn measure(self, rounds: usize) -> Measured {
        let (mut pulls, mut deltas) = (Vec::new(), Vec::new());
        let mut disk = Vec::new();
        for round in 0..rounds {
            let name = format!("client{round}");
            let mut client = self.client(&name);
            let before = client.cpu_s();
            let pull = client.ask("pull");
            let cpu = client.cpu_s() - before;
            assert_eq!(client.ask("count").as_u64(), Some(self.leads as u64));
            pulls.push((pull["seconds"].as_f64().unwrap(), cpu, client.peak_mb()));
            deltas.push(client.ask("delta")["seconds"].as_f64().unwrap());
            client.end(true);
            disk.push(bytes_below(&self.dir.join(&name)) as f64);
        }
        let leads = self.leads as f64;
        Measured {
            name: "PowerSync core",
            rows_per_s: middle(&pulls, |p| leads / p.0),
            client_us: middle(&pulls, |p| p.1 * 1e6 / leads),
            client_disk: middle(&disk, |d| d / leads),
            client_mb: middle(&pulls, |p| p.2),
            delta_s: middle(&deltas, |d| *d),
            killed: Some(self.kill_half_way()),
            ..Measured::default()
        }
    }

    /// Killed after half of the lines. What is fetched again is counted in lines, as there is no wire.
    fn kill_half_way(&self) -> Killed {
        let mut client = self.client("killed");
        let whole = self.leads.div_ceil(1_000) + 2;
        let before = whole / 2;
        client.ask(&format!("some {before}"));
        client.kill();
        let mut client = self.client("killed");
        let visible = client.ask("count").as_u64().unwrap();
        let after = client.ask("pull")["taken"].as_f64().unwrap();
        // The line that announces the checkpoint comes again by design.
        let extra = before as f64 + after - whole as f64 - 1.0;
        Killed {
            visible,
            extra_bytes: None,
            extra_percent: extra * 100.0 / whole as f64,
        }
    }
}
