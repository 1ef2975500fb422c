//! Log lines for the app: filtered here and handed over in batches, as a call across costs as much
//! as a hundred lines.

use crate::error::{FfiResult, FieldfareError, guard};
use crate::foreign::CallbackError;
use fieldfare_engine::{Clock, SystemClock};
use fieldfare_model::TimestampMs as Timestamp;
use std::fmt::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// How soon lines reach the app at the latest.
const BATCH_EVERY: Duration = Duration::from_millis(250);

/// More lines than this between two batches are counted, not kept.
const MAX_WAITING: usize = 500;

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// A fault.
    Error,
    /// Something that should not be.
    Warn,
    /// Something worth knowing.
    Info,
    /// For finding faults.
    Debug,
}

impl LogLevel {
    fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// A log line. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Which part of the library.
    pub target: String,
    /// What happened.
    pub message: String,
}

/// Takes log lines, in batches, on a thread of the library.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// These lines, oldest first.
    fn log(&self, entries: Vec<LogEntry>) -> Result<(), CallbackError>;
}

/// Logging to one sink, until it is stopped or dropped.
#[derive(uniffi::Object)]
pub struct Logging(Arc<Outlet>);

#[uniffi::export]
impl Logging {
    /// Ends it; lines that wait are still handed over. Again is fine.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Hands lines of at least this gravity to a sink from now on. One sink at a time, for every
/// engine of the process: the latest counts.
#[uniffi::export]
pub fn start_logging(sink: Arc<dyn LogSink>, level: LogLevel) -> FfiResult<Arc<Logging>> {
    guard(|| {
        // Another subscriber of the process (an app's own Rust code) keeps its place; then there
        // is nothing to hand over.
        let _ = tracing::subscriber::set_global_default(Lines);
        let outlet = Arc::new(Outlet {
            level,
            waiting: Mutex::default(),
            wake: Condvar::new(),
        });
        let before = current().replace(Arc::clone(&outlet));
        if let Some(before) = before {
            before.stop();
        }
        let worker = Arc::clone(&outlet);
        std::thread::Builder::new()
            .name("fieldfare-log".to_owned())
            .spawn(move || worker.hand_over(&*sink))
            .map_err(|_| FieldfareError::Internal)?;
        Ok(Arc::new(Logging(outlet)))
    })
}

/// The outlet of the process.
fn current() -> MutexGuard<'static, Option<Arc<Outlet>>> {
    static CURRENT: Mutex<Option<Arc<Outlet>>> = Mutex::new(None);
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where lines wait for the next batch.
struct Outlet {
    level: LogLevel,
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<LogEntry>,
    dropped: u64,
    is_stopped: bool,
}

impl Outlet {
    fn add(&self, line: LogEntry) {
        let mut waiting = self.lock();
        if waiting.is_stopped {
            return;
        }
        if waiting.lines.len() < MAX_WAITING {
            waiting.lines.push(line);
        } else {
            waiting.dropped += 1;
        }
        self.wake.notify_one();
    }

    fn stop(&self) {
        self.lock().is_stopped = true;
        self.wake.notify_one();
    }

    /// Hands batches to the sink until it is stopped, with no lock held.
    fn hand_over(&self, sink: &dyn LogSink) {
        loop {
            let (lines, is_stopped) = self.next_batch();
            // A sink that fails has nobody to tell.
            if !lines.is_empty() {
                let _ = sink.log(lines);
            }
            if is_stopped {
                return;
            }
        }
    }

    fn next_batch(&self) -> (Vec<LogEntry>, bool) {
        let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.is_stopped;
        let waiting = self.wake.wait_while(self.lock(), idle);
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let collecting = |waiting: &mut Waiting| !waiting.is_stopped;
        let collected = self
            .wake
            .wait_timeout_while(waiting, BATCH_EVERY, collecting);
        let (mut waiting, _) = collected.unwrap_or_else(PoisonError::into_inner);
        let mut lines = std::mem::take(&mut waiting.lines);
        let dropped = std::mem::take(&mut waiting.dropped);
        if dropped > 0 {
            let text = format!("{dropped} more lines");
            lines.push(line(LogLevel::Warn, "fieldfare", text));
        }
        (lines, waiting.is_stopped)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(level: LogLevel, target: &str, message: String) -> LogEntry {
    LogEntry {
        at: SystemClock.now(),
        level,
        target: target.to_owned(),
        message,
    }
}

/// The process's subscriber: takes this library's events and hands them to the current outlet.
struct Lines;

impl Lines {
    fn is_ours(metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("fieldfare")
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is_ours(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = LogLevel::of(*metadata.level());
        Self::is_ours(metadata) && current().as_ref().is_some_and(|o| level <= o.level)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let outlet = current().clone();
        let Some(outlet) = outlet else { return };
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let level = LogLevel::of(*metadata.level());
        outlet.add(line(level, metadata.target(), text.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, then its fields as `name=value`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let separator = if self.0.is_empty() { "" } else { " " };
        let _ = match field.name() {
            "message" => write!(self.0, "{separator}{value:?}"),
            name => write!(self.0, "{separator}{name}={value:?}"),
        };
    }
}
