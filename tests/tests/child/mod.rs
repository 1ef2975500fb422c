//! A phone in a process of its own, that can be killed: the test binary started again for one test.
#![allow(dead_code)]

use fieldfare_engine::{Engine, SyncOptions};
use fieldfare_tests::world::PhoneFiles;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const FOLDER: &str = "FIELDFARE_CHILD_FOLDER";
const SERVER: &str = "FIELDFARE_CHILD_SERVER";
const PATIENCE: Duration = Duration::from_secs(60);

/// The phone this process shall be, if it was started as a child.
pub fn files() -> Option<PhoneFiles> {
    let (folder, server) = place()?;
    Some(PhoneFiles::below(&folder, &server))
}

/// The folder and the address this process was told, if it was started as a child.
pub fn place() -> Option<(PathBuf, String)> {
    let folder = std::env::var(FOLDER).ok()?;
    Some((folder.into(), std::env::var(SERVER).ok()?))
}

/// What a child does besides: sync again and again.
pub fn sync_for_ever(engine: &Arc<Engine>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    loop {
        runtime
            .block_on(engine.clone().sync(SyncOptions::default(), None))
            .unwrap();
    }
}

/// From the environment or from the clock; printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let given = std::env::var("FIELDFARE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fieldfare_tests::world::now().unix_ms());
    println!("seed {seed}; repeat with FIELDFARE_SEED={seed}");
    seed
}

/// A child at work.
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Child {
    /// Starts a test of this binary as a phone on these files.
    pub fn start(test: &str, files: &PhoneFiles) -> Self {
        Self::start_in(test, files.data.parent().unwrap(), &files.url)
    }

    /// Starts a test of this binary that is told this folder and this address.
    pub fn start_in(test: &str, folder: &Path, address: &str) -> Self {
        let temp = folder.join("temp");
        std::fs::create_dir_all(&temp).unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .env(SERVER, address)
            .env("TMPDIR", &temp)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            // A line cut short by the kill was not said.
            output
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(send.send(line)));
        });
        Self {
            process,
            lines,
            said: Vec::new(),
        }
    }

    /// Waits until it said a line that begins like this.
    pub fn wait_for_a_line(&mut self, beginning: &str) {
        while !self
            .said
            .last()
            .is_some_and(|line| line.starts_with(beginning))
        {
            self.said.push(self.lines.recv_timeout(PATIENCE).unwrap());
        }
    }

    /// Waits until it says another line that begins like this.
    pub fn wait_for_another(&mut self, beginning: &str) {
        self.said.extend(self.lines.try_iter());
        self.said.push(String::new());
        self.wait_for_a_line(beginning);
    }

    /// Kills it (SIGKILL) and gives everything it said.
    pub fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.code().is_none(), "it ended by itself: {status}");
        self.said.extend(self.lines.iter());
        self.said
    }
}
