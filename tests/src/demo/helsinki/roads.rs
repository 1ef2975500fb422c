//! The routing engine: Valhalla on an extract of Helsinki where `scripts/routing-engines` installed
//! it, else its recorded answers to the questions of this very day.

use crate::demo::{DemoError, DemoResult};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use fieldfare_server::hubspot::http;
use serde::{Deserialize, Serialize};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const RECORDED: &str = include_str!("../../../data/helsinki_roads.json");

/// To record anew: the file to write what Valhalla answered to.
const RECORD: &str = "FIELDFARE_RECORD_ROADS";

const PATIENCE: Duration = Duration::from_secs(60);

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answer {
    path: String,
    body: String,
    status: u16,
    answer: String,
}

/// A routing engine on loopback; it ends when dropped.
pub struct Roads {
    url: String,
    valhalla: Option<Child>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Roads {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(valhalla) = &mut self.valhalla {
            let _ = valhalla.kill();
            let _ = valhalla.wait();
        }
    }
}

impl Roads {
    /// Starts Valhalla if it is installed, and the recorded answers if not. Valhalla's files of this
    /// run go to `work`.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(work: &Path) -> DemoResult<Self> {
        let (valhalla, source) = match start_valhalla(work)? {
            Some((valhalla, url)) => {
                ready(&url).await?;
                (Some(valhalla), Source::Live(url))
            }
            None => (None, Source::Recorded(read(RECORDED)?)),
        };
        let (url, server) = serve(source).await?;
        Ok(Self {
            url,
            valhalla,
            server,
        })
    }

    /// Where the server asks.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the roads come from, for people.
    pub const fn told(&self) -> &'static str {
        match self.valhalla {
            Some(_) => "roads: Valhalla, on an extract of OpenStreetMap",
            None => "roads: recorded answers of Valhalla (scripts/routing-engines installs it)",
        }
    }
}

enum Source {
    Live(String),
    Recorded(Vec<Answer>),
}

fn read(text: &str) -> DemoResult<Vec<Answer>> {
    serde_json::from_str(text).map_err(|_| DemoError::Story("recorded roads"))
}

/// Passes questions on to the source.
async fn serve(source: Source) -> DemoResult<(String, tokio::task::JoinHandle<()>)> {
    let source = Arc::new(source);
    let recorder = Arc::new(Recorder::default());
    let app = Router::new().fallback(move |uri: Uri, body: Bytes| {
        let (source, recorder) = (Arc::clone(&source), Arc::clone(&recorder));
        async move {
            let (path, body) = (uri.to_string(), String::from_utf8_lossy(&body).into_owned());
            let answer = match source.as_ref() {
                Source::Live(url) => ask(url, &path, &body).await,
                Source::Recorded(known) => recall(known, &path, &body),
            };
            recorder.note(&answer);
            let status = StatusCode::from_u16(answer.status);
            (status.unwrap_or(StatusCode::BAD_GATEWAY), answer.answer)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Ok((url, server))
}

async fn ask(url: &str, path: &str, body: &str) -> Answer {
    let (status, answer) = send(url, path, body).await.unwrap_or((502, String::new()));
    Answer {
        path: path.to_owned(),
        body: body.to_owned(),
        status,
        answer,
    }
}

/// None if nobody answers.
async fn send(url: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let client = http::client("Valhalla", PATIENCE).ok()?;
    let address = format!("{url}{path}");
    let request = match body.is_empty() {
        true => client.get(address),
        false => client.post(address).body(body.to_owned()),
    };
    let reply = request.send().await.ok()?;
    Some((reply.status().as_u16(), reply.text().await.ok()?))
}

fn recall(known: &[Answer], path: &str, body: &str) -> Answer {
    let same = |known: &&Answer| known.path == path && known.body == body;
    known.iter().find(same).cloned().unwrap_or(Answer {
        path: path.to_owned(),
        body: body.to_owned(),
        status: 404,
        answer: "nobody asked this when the answers were recorded".to_owned(),
    })
}

/// Writes every answer down, if asked to.
#[derive(Default)]
struct Recorder(Mutex<Vec<Answer>>);

impl Recorder {
    fn note(&self, answer: &Answer) {
        let Some(file) = std::env::var_os(RECORD) else {
            return;
        };
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !answers.contains(answer) {
            answers.push(answer.clone());
        }
        let text = serde_json::to_string_pretty(&*answers).unwrap_or_default();
        let _ = std::fs::write(file, text);
    }
}

/// Where the engines are installed.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = || set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("FIELDFARE_ENGINES").or_else(|| cache().map(|cache| cache.join("fieldfare/engines")))
}

/// None where Valhalla is not installed.
fn start_valhalla(work: &Path) -> DemoResult<Option<(Child, String)>> {
    let Some(folder) = folder() else {
        return Ok(None);
    };
    let program = folder.join("valhalla/valhalla/bin/valhalla_service");
    let config = std::fs::read(folder.join("valhalla/data/valhalla.json"));
    let (true, true, Ok(config)) = (folder.join("stamp").exists(), program.exists(), config) else {
        return Ok(None);
    };
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let path = work.join("valhalla.json");
    std::fs::write(&path, configured(&config, work, port)?)?;
    let log = std::fs::File::create(work.join("valhalla.log"))?;
    let valhalla = Command::new(program)
        .arg(path)
        .arg("1")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn();
    // One for another system than this is as good as none.
    let url = format!("http://127.0.0.1:{port}");
    Ok(valhalla.ok().map(|valhalla| (valhalla, url)))
}

/// The installed configuration, listening on a port of its own.
fn configured(config: &[u8], work: &Path, port: u16) -> DemoResult<String> {
    let broken = |_| DemoError::Story("a configuration of Valhalla that can be read");
    let mut config: serde_json::Value = serde_json::from_slice(config).map_err(broken)?;
    let mut set = |pointer: &str, value: String| {
        if let Some(place) = config.pointer_mut(pointer) {
            *place = value.into();
        }
    };
    let pipe = |name: &str| format!("ipc://{}", work.join(name).display());
    set("/httpd/service/listen", format!("tcp://127.0.0.1:{port}"));
    set("/httpd/service/loopback", pipe("loopback"));
    set("/httpd/service/interrupt", pipe("interrupt"));
    for part in ["loki", "thor", "odin"] {
        set(&format!("/{part}/service/proxy"), pipe(part));
    }
    Ok(config.to_string())
}

async fn ready(url: &str) -> DemoResult<()> {
    let since = Instant::now();
    while ask(url, "/status", "").await.status != 200 {
        if since.elapsed() > PATIENCE {
            return Err(DemoError::Story("Valhalla to start"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
