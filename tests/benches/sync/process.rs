//! Processes that are told what to do line by line, and what they cost.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A process. Killed when dropped.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// This program again, in another part.
    pub fn of_this_program(args: &[&str]) -> Self {
        Self::start(this_program(args).stderr(Stdio::inherit()))
    }

    /// The next line it prints; it must print one.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).unwrap();
        assert!(read > 0, "process {} ended without an answer", self.pid());
        line.trim_end().to_owned()
    }

    /// Tells it something without waiting.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.stdin, "{command}").unwrap();
        self.stdin.flush().unwrap();
    }

    /// Its answer to a command, as JSON.
    pub fn ask(&mut self, command: &str) -> Value {
        self.tell(command);
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{command}: {line}"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU seconds of all its threads, user and system.
    pub fn cpu_s(&self) -> f64 {
        fieldfare_tests::figures::cpu_seconds_of(&self.pid().to_string())
    }

    /// The most memory it had resident, in MB.
    pub fn peak_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024.0 / 1e6
    }

    /// SIGKILL, as the system does it to apps.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.code().is_none(), "it had ended by itself: {status}");
    }

    /// Ends it by ending what it reads, or by SIGTERM if it does not read.
    pub fn end(mut self, reads: bool) {
        if reads {
            self.tell("quit");
        } else {
            let term = Command::new("kill").arg(self.pid().to_string()).status();
            assert!(term.unwrap().success());
        }
        let until = Instant::now() + Duration::from_secs(60);
        while self.child.try_wait().unwrap().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

pub fn this_program(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(args);
    command
}
