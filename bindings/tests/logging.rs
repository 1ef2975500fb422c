//! Log lines for the app. One sink a process, so this test has a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use fieldfare::{CallbackError, ChangeListener, ChangeNotice, LogEntry, LogLevel, LogSink};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{enrolled, lead_at};

struct Sink(Mutex<Sender<Vec<LogEntry>>>);

impl LogSink for Sink {
    fn log(&self, entries: Vec<LogEntry>) -> Result<(), CallbackError> {
        let _ = self.0.lock().unwrap().send(entries);
        Ok(())
    }
}

struct Fails;

impl ChangeListener for Fails {
    fn changed(&self, _: ChangeNotice) -> Result<(), CallbackError> {
        Err(CallbackError::Failed)
    }
}

#[tokio::test]
async fn lines_come_filtered_and_in_batches() {
    let dir = tempfile::tempdir().unwrap();
    let engine = enrolled(&dir).await;
    let (sender, receiver) = channel();
    let sink = Arc::new(Sink(Mutex::new(sender)));
    let logging = fieldfare::start_logging(sink, LogLevel::Warn).unwrap();
    let _subscription = engine.subscribe(Arc::new(Fails)).unwrap();
    for n in 0..50 {
        engine
            .add_lead(lead_at(&format!("Lead {n}"), 0.0, 0.0))
            .unwrap();
    }
    logging.stop();
    logging.stop();
    let batches: Vec<Vec<LogEntry>> = receiver.into_iter().collect();
    let lines: Vec<&LogEntry> = batches.iter().flatten().collect();
    assert_eq!(lines.len(), 50);
    assert!(batches.len() < 50);
    for line in lines {
        assert_eq!(line.message, "a change listener failed");
        assert_eq!(line.level, LogLevel::Warn);
        assert!(line.target.starts_with("fieldfare"));
    }
    engine.add_lead(lead_at("After", 0.0, 0.0)).unwrap();

    // The next sink hears from then on, and only what it asked for.
    let (sender, receiver) = channel();
    let sink = Arc::new(Sink(Mutex::new(sender)));
    let logging = fieldfare::start_logging(sink, LogLevel::Error).unwrap();
    engine.add_lead(lead_at("More", 0.0, 0.0)).unwrap();
    drop(logging);
    assert!(receiver.recv_timeout(Duration::from_secs(5)).is_err());
}
